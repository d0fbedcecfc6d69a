//! The client reads what Pebble counts of its services and checks.

#[cfg(test)]
use super::docs_table::Sample;
use super::envelope::Form;
use super::error::Error;
use super::reader::Reader;
use super::request::Request;

impl Reader {
    /// Reads the metrics in the text format of Prometheus: `GET /v1/metrics` (Pebble 1.19). Safe to
    /// drop.
    ///
    /// There are `pebble_service_active` and `pebble_service_start_count` for each service that was
    /// ever started, and `pebble_check_up` (unless it is inactive), `pebble_check_success_count`
    /// and `pebble_check_failure_count` for each check.
    ///
    /// # Errors
    /// It fails with [`Unsupported`](super::ErrorKind::Unsupported) from a Pebble before 1.19; with
    /// [`PermissionDenied`](super::ErrorKind::PermissionDenied) for an identity without the right
    /// to read them; and with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes
    /// within the policy.
    pub async fn metrics(&self) -> Result<String, Error> {
        self.send(request()).await?.decode()
    }
}

fn request() -> Request {
    Request::get("/v1/metrics", "read the metrics").since("1.19").answered_as(Form::Text)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::new("Reader::metrics", "/v1/metrics", request())]
}

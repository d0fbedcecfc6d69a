//! The client reads the newest lines that Pebble keeps of the services' output.

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::docs_table::Sample;
use super::envelope::Form;
use super::error::Error;
use super::reader::Reader;
use super::request::Request;
use super::service_output::last_words;
use super::timestamp::Timestamp;

/// A query says which lines [`Reader::logs`] reads, or with which lines [`Reader::follow_logs`]
/// begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct LogQuery {
    services: Vec<String>,
    extent: Extent,
}

/// The number of lines that a query asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Extent {
    /// Pebble's default.
    #[default]
    Default,
    Newest(u32),
    All,
}

impl LogQuery {
    /// Makes a query for the newest 30 lines of all services together (Pebble's default); for
    /// following, for the lines that are still to come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Narrows the query to these services. A name that no service has, or that was never started,
    /// has no lines.
    pub fn services(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.services.extend(names.into_iter().map(Into::into));
        self
    }

    /// Selects the newest `lines` of the services together.
    pub fn newest(mut self, lines: u32) -> Self {
        self.extent = Extent::Newest(lines);
        self
    }

    /// Selects all lines that Pebble still has: 100 KiB for each service.
    pub fn all(mut self) -> Self {
        self.extent = Extent::All;
        self
    }

    pub(super) fn names(&self) -> &[String] {
        &self.services
    }

    pub(super) fn extent(&self) -> Extent {
        self.extent
    }

    fn request(&self) -> Request {
        let request = Request::get("/v1/logs", "read the logs").answered_as(Form::Lines);
        let request = request.query_list("services", "service", &self.services);
        match self.extent {
            Extent::Default => request,
            Extent::Newest(lines) => request.query("n", &lines.to_string()),
            Extent::All => request.query("n", "-1"),
        }
    }

    /// Makes the request that reads the lines as a stream.
    pub(super) fn stream_request(&self) -> Request {
        self.request().accept("application/x-ndjson")
    }

    /// Makes the request for all lines that Pebble still has, and then each new one.
    pub(super) fn follow_request(&self) -> Request {
        self.clone().all().stream_request().query("follow", "true")
    }
}

/// A line of a service's output. Stdout and stderr are one stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct LogEntry {
    time: Timestamp,
    service: String,
    message: String,
}

impl LogEntry {
    /// Returns the time at which Pebble read the line, to the millisecond.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Returns the name of the service that wrote the line.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the line without its newline. Pebble splits a line of more than about 4 KiB into
    /// several entries.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the text that the service wrote last in this line; `None` for a line that shows
    /// nothing, such as a blank one or the end of a colour. If a line was written over (CR), only
    /// the last writing counts. Output without a final newline is joined to what the service writes
    /// after it is started again, with Pebble's own stamp (`<time> [service] `) in between; then
    /// only the text behind the last stamp counts.
    #[must_use]
    pub fn last_words(&self) -> Option<&str> {
        last_words(std::iter::once(self.message.as_str()), &self.service)
    }

    pub(super) fn with_message(mut self, message: String) -> Self {
        self.message = message;
        self
    }
}

impl Reader {
    /// Reads the newest lines of the services' output, oldest first: `GET /v1/logs`. Safe to drop.
    ///
    /// Pebble keeps 100 KiB for each service. They survive a restart of the service, but not of
    /// Pebble.
    ///
    /// # Errors
    /// It fails with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the
    /// policy.
    pub async fn logs(&self, query: &LogQuery) -> Result<Vec<LogEntry>, Error> {
        self.send(query.request()).await?.decode()
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::new("Reader::logs", "/v1/logs", LogQuery::new().request()),
        Sample::new("Reader::follow_logs", "/v1/logs", LogQuery::new().follow_request()),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::envelope::{Decoded, decode_answer};
    use super::*;

    #[test]
    fn asks_for_services_and_lines() {
        assert_eq!(LogQuery::new().request().target(), "/v1/logs");
        let query = LogQuery::new().services(["a", "b"]).newest(1);
        assert_eq!(query.request().target(), "/v1/logs?services=a&services=b&n=1");
        assert_eq!(
            query.follow_request().target(),
            "/v1/logs?services=a&services=b&n=-1&follow=true"
        );
    }

    #[test]
    fn reads_one_entry_a_line() {
        let line = json!({"time": "2026-11-22T20:00:09.3Z", "service": "web", "message": "a <b>"})
            .to_string();
        let Ok(Decoded::Answer(answer)) =
            decode_answer(200, false, format!("{line}\n{line}\n").as_bytes(), Form::Lines)
        else {
            panic!("not an answer");
        };
        let entries: Vec<LogEntry> = answer.result.decode().unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[1].service(), entries[1].message()), ("web", "a <b>"));
        assert!(
            decode_answer(200, false, format!("{line}\n{{\"time\"").as_bytes(), Form::Lines)
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn any_body_has_an_answer(status: u16, body: Vec<u8>) {
            let _ = decode_answer(status, false, &body, Form::Lines);
        }
    }
}

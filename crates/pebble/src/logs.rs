//! What services have written: the newest lines that Pebble keeps of their output.

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::docs_table::Sample;
use super::envelope::Form;
use super::error::Error;
use super::reader::Reader;
use super::request::Request;
use super::service_output::last_words;
use super::timestamp::Timestamp;

/// The lines that [`Reader::logs`] reads, or with which [`Reader::follow_logs`] begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct LogQuery {
    services: Vec<String>,
    extent: Extent,
}

/// How many of the lines that Pebble keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Extent {
    /// What Pebble takes for enough.
    #[default]
    Default,
    Newest(u32),
    All,
}

impl LogQuery {
    /// The newest 30 lines of all services together (Pebble's default); for following, only lines
    /// that are still to come.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only lines of these services; a name that no service has, or that was never started, has
    /// none.
    pub fn services(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.services.extend(names.into_iter().map(Into::into));
        self
    }

    /// The newest `lines` of the services together.
    pub fn newest(mut self, lines: u32) -> Self {
        self.extent = Extent::Newest(lines);
        self
    }

    /// All lines that Pebble still has: 100 KiB a service.
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

    /// The same as a stream of lines.
    pub(super) fn stream_request(&self) -> Request {
        self.request().accept("application/x-ndjson")
    }

    /// All lines that Pebble still has, then each one that comes.
    pub(super) fn follow_request(&self) -> Request {
        self.clone().all().stream_request().query("follow", "true")
    }
}

/// One line of a service's output; its stdout and stderr are one stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct LogEntry {
    time: Timestamp,
    service: String,
    message: String,
}

impl LogEntry {
    /// When Pebble read it, to the millisecond.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The service that wrote it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The line without its newline. Pebble splits one of over about 4 KiB into several entries.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The text that the service wrote last in this line; `None` for a line that shows nothing, be
    /// it blank or only the end of a colour. Of a line that was written over (CR) it is the last
    /// writing. Output that did
    /// not end its last line is glued to what the service wrote after it was started again, with
    /// Pebble's own stamp (`<time> [service] `) in between: then it is what stands behind the last
    /// stamp.
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
    /// The newest lines of services' output, oldest first: `GET /v1/logs`. Safe to drop.
    ///
    /// Pebble keeps 100 KiB a service, over restarts of the service but not of itself.
    ///
    /// # Errors
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
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

//! One request, described before it is sent: what goes on the wire, how messages name it, and what resending it means.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use serde_json::Value;

use super::resend::Resend;

/// A request to Pebble's API. Not `Debug`: its body is never to be shown.
#[derive(Clone)]
pub(crate) struct Request {
    method: Method,
    path: Cow<'static, str>,
    query: String,
    body: Option<Bytes>,
    operation: String,
    resend: Resend,
    expected: Duration,
    lines: bool,
    layers: bool,
}

impl Request {
    /// A read, which may always be sent again. `operation` completes a sentence that starts with "cannot": `read the plan`.
    pub(crate) fn get(path: impl Into<Cow<'static, str>>, operation: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: String::new(),
            body: None,
            operation: operation.into(),
            resend: Resend::Safe,
            expected: Duration::ZERO,
            lines: false,
            layers: false,
        }
    }

    /// A write with a JSON body, and what resending it means when its answer was lost.
    pub(crate) fn post(
        path: impl Into<Cow<'static, str>>,
        operation: impl Into<String>,
        body: &Value,
        resend: Resend,
    ) -> Self {
        Self {
            method: Method::POST,
            body: Some(Bytes::from(body.to_string())),
            resend,
            ..Self::get(path, operation)
        }
    }

    /// Adds one query parameter; name and value are encoded.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        push_encoded(&mut self.query, name);
        self.query.push('=');
        push_encoded(&mut self.query, value);
        self
    }

    /// How long the daemon may rightly work before it answers (a wait, a check that runs); added to the limit of each attempt.
    pub(crate) fn expected(mut self, expected: Duration) -> Self {
        self.expected = expected;
        self
    }

    /// It is about what the layers hold, so a restarted daemon has to get back those that were added.
    pub(crate) fn on_layers(mut self) -> Self {
        self.layers = true;
        self
    }

    /// Whether the daemon must hold the layers that were added before this request means what it should: a restarted one has forgotten them, and
    /// then a replan answers `Done` with nothing running, and a check of theirs is unknown.
    pub(crate) fn needs_layers(&self) -> bool {
        self.layers || matches!(self.resend, Resend::FindChange(_) | Resend::Layer(_))
    }

    /// What answers is one JSON value a line (NDJSON), without an envelope.
    pub(crate) fn answered_in_lines(mut self) -> Self {
        self.lines = true;
        self
    }

    pub(crate) fn is_answered_in_lines(&self) -> bool {
        self.lines
    }

    pub(crate) fn operation(&self) -> &str {
        &self.operation
    }

    pub(crate) fn resend(&self) -> &Resend {
        &self.resend
    }

    pub(crate) fn expected_duration(&self) -> Duration {
        self.expected
    }

    /// Whether it only reads, so that a lost one cannot have acted.
    pub(crate) fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    /// Path and query as they stand in the request line.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone().into_owned()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}

/// Percent-encodes one path segment.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    push_encoded(&mut encoded, text);
    encoded
}

/// Everything but the unreserved characters of RFC 3986 is encoded, so that neither `+` nor a stray `&` can change its meaning.
fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded() {
        let request = Request::get("/v1/services", "list services")
            .query("names", "a,b c")
            .query("after", "2026-01-01T00:00:00+02:00");
        assert_eq!(
            request.target(),
            "/v1/services?names=a%2Cb%20c&after=2026-01-01T00%3A00%3A00%2B02%3A00"
        );
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("../x?y#z"), "..%2Fx%3Fy%23z");
    }

    #[test]
    fn a_post_carries_json() {
        let request = Request::post("/v1/x", "do x", &serde_json::json!({"a": 1}), Resend::Never);
        assert_eq!(request.body().unwrap().as_ref(), br#"{"a":1}"#);
        assert!(!request.is_read());
    }
}

//! A request is described before it is sent: its bytes, its name in messages, and the meaning of
//! sending it again.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use serde_json::Value;

use super::body::RequestBody;
use super::daemon::Daemon;
use super::envelope::{Form, Refusal};
use super::error::Error;
use super::names::{check_listed, check_name};
use super::resend::Resend;
use super::transport_error::{TransportError, TransportFailure};

/// A request to Pebble's API. It has no `Debug`, since its body may hold secrets.
#[derive(Clone)]
pub(crate) struct Request {
    method: Method,
    path: Cow<'static, str>,
    query: String,
    body: Option<Bytes>,
    content_type: Cow<'static, str>,
    accept: Option<&'static str>,
    operation: String,
    resend: Resend,
    expected: Duration,
    form: Form,
    needs_layers: bool,
    has_no_effect: bool,
    is_streamed: bool,
    since: Option<&'static str>,
    step: Option<String>,
    fault: Option<String>,
}

impl Request {
    /// Makes a request that only reads, and that may always be sent again. `operation` completes a
    /// sentence that starts with "cannot": `read the plan`.
    pub(crate) fn get(path: impl Into<Cow<'static, str>>, operation: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: String::new(),
            body: None,
            content_type: Cow::Borrowed("application/json"),
            accept: None,
            operation: operation.into(),
            resend: Resend::Safe,
            expected: Duration::ZERO,
            form: Form::Envelope,
            needs_layers: false,
            has_no_effect: false,
            is_streamed: false,
            since: None,
            step: None,
            fault: None,
        }
    }

    /// Makes a request with a JSON body that changes something. `resend` says what sending it again
    /// means after a lost answer.
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

    /// Makes a request that changes something, and whose body is given to the connection when it is
    /// sent. Pebble works on the body as it comes, so a 400 may come after a part of the files was
    /// written.
    pub(crate) fn upload(
        path: impl Into<Cow<'static, str>>,
        operation: impl Into<String>,
        content_type: String,
        resend: Resend,
    ) -> Self {
        Self {
            method: Method::POST,
            content_type: content_type.into(),
            resend,
            is_streamed: true,
            ..Self::get(path, operation)
        }
    }

    /// Replaces the operation, for a request that is a part of something larger.
    pub(crate) fn rename(&mut self, operation: String) {
        self.operation = operation;
    }

    /// Gives the request another name in the log than in its errors: it is one step of the
    /// operation that errors name, and its success is not yet that of the operation. `step`
    /// completes a sentence that starts with "cannot", too.
    pub(crate) fn logged_as(mut self, step: impl Into<String>) -> Self {
        self.step = Some(step.into());
        self
    }

    /// Makes the request one step of this operation, which its errors then name. The log names the
    /// step.
    pub(crate) fn step_of(mut self, operation: String) -> Self {
        let step = std::mem::replace(&mut self.operation, operation);
        self.logged_as(step)
    }

    /// Returns the name of the request in the log.
    pub(crate) fn step(&self) -> &str {
        self.step.as_deref().unwrap_or(&self.operation)
    }

    /// Sets the first version of Pebble that has the endpoint, such as `1.5`. An older one answers
    /// that there is no such path or method.
    pub(crate) fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    #[cfg(test)]
    pub(crate) fn first_version(&self) -> Option<&'static str> {
        self.since
    }

    #[cfg(test)]
    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// Sets the `Accept` header, for the endpoints that choose their answer by it.
    pub(crate) fn accept(mut self, media_type: &'static str) -> Self {
        self.accept = Some(media_type);
        self
    }

    /// Adds one query parameter. Name and value are encoded.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        push_encoded(&mut self.query, name);
        self.query.push('=');
        push_encoded(&mut self.query, value);
        self
    }

    /// Adds a list of names to the query. Each is the name of a `what`, and is checked by
    /// [`check_listed`].
    pub(crate) fn query_list<V: AsRef<str>>(
        mut self,
        name: &str,
        what: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        for value in values {
            let value = value.as_ref();
            self = self.checked(check_listed(what, value)).query(name, value);
        }
        self
    }

    /// Checks the names that are in the body, each of a `what`; see [`check_name`].
    pub(crate) fn naming(self, what: &str, names: &[impl AsRef<str>]) -> Self {
        names.iter().fold(self, |request, name| request.checked(check_name(what, name.as_ref())))
    }

    /// Keeps the error of the first failed check. [`Self::check`] then refuses the request before
    /// it is sent.
    pub(crate) fn checked(mut self, check: Result<(), String>) -> Self {
        self.fault = self.fault.or(check.err());
        self
    }

    /// Fails if a check of the request has failed.
    pub(crate) fn check(&self, daemon: &Daemon) -> Result<(), Error> {
        match &self.fault {
            Some(fault) => Err(Error::invalid(&self.operation, daemon, fault)),
            None => Ok(()),
        }
    }

    /// Sets how long the daemon may work before it answers (a wait, a run of a check). It is added
    /// to the limit of each attempt.
    pub(crate) fn expected(mut self, expected: Duration) -> Self {
        self.expected = expected;
        self
    }

    /// Says that the request has no effect by itself, so that one whose answer was lost has not
    /// acted. Pebble runs the command of an exec only once its websockets are connected.
    pub(crate) fn without_effect(mut self) -> Self {
        self.has_no_effect = true;
        self
    }

    /// Replaces the rule for a lost answer.
    pub(crate) fn with_resend(mut self, resend: Resend) -> Self {
        self.resend = resend;
        self
    }

    /// Says that the request is about an entry of a layer, so that a restarted daemon has to get
    /// back its layers first.
    pub(crate) fn needing_layers(mut self) -> Self {
        self.needs_layers = true;
        self
    }

    /// Returns `true` if the daemon has to have the layers of this client before the request is
    /// sent. A restarted daemon has forgotten them: a replan would answer `Done` with nothing
    /// running, and their checks would be unknown.
    pub(crate) fn needs_layers(&self) -> bool {
        self.needs_layers || matches!(self.resend, Resend::FindChange(_) | Resend::Layer(_))
    }

    /// Sets the form of the answer, if it is no envelope.
    pub(crate) fn answered_as(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    pub(crate) fn form(&self) -> Form {
        self.form
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

    /// Returns `true` if the request only reads, or has no effect by itself, so that a lost one
    /// cannot have acted.
    pub(crate) fn is_read(&self) -> bool {
        self.method == Method::GET || self.has_no_effect
    }

    /// Returns `true` if the request may have acted, in whole or in part, although it has this
    /// answer.
    ///
    /// The request was sent, so only a refusal that comes before the work proves that nothing was
    /// done. A 4xx does, but for the 400 of [an upload](Self::upload). A 5xx may come in the middle
    /// of the work, as that of signals does (Pebble 1.32.1, `internals/daemon/api_files.go`,
    /// `api_signals.go`).
    pub(crate) fn may_have_acted(&self, refusal: Option<&Refusal>) -> bool {
        let proves_it_has_not = |refusal: &Refusal| match refusal.status {
            400 => !self.is_streamed,
            status => (401..500).contains(&status),
        };
        !self.is_read() && !refusal.is_some_and(proves_it_has_not)
    }

    /// Makes the error of a complete answer that refuses this request.
    pub(crate) fn refused(&self, daemon: &Daemon, refusal: Refusal) -> Error {
        let acted = self.may_have_acted(Some(&refusal));
        // A refusal is about the version only if the route itself is missing.
        let error = match self.since {
            Some(since) if refusal.is_missing_route() => {
                Error::unsupported(&self.operation, daemon, since)
            }
            _ => Error::refused(&self.operation, daemon, refusal),
        };
        error.with_acted(acted)
    }

    /// Makes the error of a complete answer that Pebble does not give to this request.
    pub(crate) fn unexpected_answer(&self, daemon: &Daemon, reason: impl Into<String>) -> Error {
        Error::protocol(&self.operation, daemon, reason).with_acted(self.may_have_acted(None))
    }

    /// Builds the HTTP message with the request's own body.
    pub(crate) fn message(&self) -> Result<hyper::Request<RequestBody>, TransportError> {
        self.message_with(RequestBody::whole(self.body.clone().unwrap_or_default()))
    }

    /// Builds the HTTP message with this body.
    pub(crate) fn message_with(
        &self,
        body: RequestBody,
    ) -> Result<hyper::Request<RequestBody>, TransportError> {
        self.build(|message| message, body)
    }

    /// Builds the HTTP message that asks for a websocket with this key (RFC 6455, section 4.1).
    pub(crate) fn websocket_message(
        &self,
        key: &str,
    ) -> Result<hyper::Request<RequestBody>, TransportError> {
        let upgrade = |message: hyper::http::request::Builder| {
            message
                .header(CONNECTION, "Upgrade")
                .header(UPGRADE, "websocket")
                .header("Sec-WebSocket-Version", "13")
                .header("Sec-WebSocket-Key", key)
        };
        self.build(upgrade, RequestBody::default())
    }

    fn build(
        &self,
        headers: impl FnOnce(hyper::http::request::Builder) -> hyper::http::request::Builder,
        body: RequestBody,
    ) -> Result<hyper::Request<RequestBody>, TransportError> {
        let mut message = hyper::Request::builder()
            .method(&self.method)
            .uri(self.target())
            .header(HOST, "localhost");
        if self.method == Method::POST {
            message = message.header(CONTENT_TYPE, self.content_type.as_ref());
        }
        if let Some(accept) = self.accept {
            message = message.header(ACCEPT, accept);
        }
        headers(message)
            .body(body)
            .map_err(|error| TransportError::new(TransportFailure::Unwritable, error.to_string()))
    }

    /// Returns path and query as they are in the request line.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone().into_owned()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }
}

/// Percent-encodes one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    push_encoded(&mut encoded, text);
    encoded
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, so that no `+` or `&` in a
/// name changes the meaning of the query.
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
        assert_eq!(request.body.as_deref(), Some(br#"{"a":1}"#.as_slice()));
        assert!(!request.is_read());
    }
}

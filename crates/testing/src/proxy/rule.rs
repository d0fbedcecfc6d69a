//! The rules that choose requests, and the faults that happen to those.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::request::SeenRequest;

/// A closure of the test that runs at a given moment of a request, to kill the daemon for example.
///
/// It gets the record of the request as it is at that moment. It runs on the thread of the
/// connection, so the request waits until it returns, and other connections go on.
pub type Callback = Arc<dyn Fn(&SeenRequest) + Send + Sync>;

/// A fault that happens to a request.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// The proxy closes every connection before the request reaches the daemon, and refuses new
    /// ones for this long, as after a crash of Pebble.
    Refuse(Duration),
    /// The proxy reads the whole request, never passes it on and never answers it.
    Silence,
    /// The daemon gets the request and replies; the client gets no byte of the reply. The
    /// connection stays open.
    HoldReply,
    /// The proxy passes the request on after this time.
    Delay(Duration),
    /// The proxy closes the connection as soon as it has read the first line of the request. It
    /// leaves what follows unread, so that the client gets a reset (`ECONNRESET`, or `EPIPE` while
    /// it still writes).
    ///
    /// Only the method and the path are known by then. So a rule with [`Rule::body_contains`] never
    /// fires for this fault, and rules with this fault are tried before all others, whichever was
    /// added first.
    CutRequestUnread,
    /// The proxy reads the whole request and closes the connection; the daemon never gets the
    /// request.
    CutRequestBefore,
    /// The daemon gets the request and replies, and the proxy closes the connection instead of
    /// passing the reply on: the request had its effect, and the reply is lost. The connection is
    /// closed once the head of the reply has arrived, because the body may never end.
    DropReply,
    /// The proxy passes this many bytes of the daemon's reply on, its head included, and then
    /// closes the connection. The bytes after a switch of protocols (the frames of a websocket)
    /// count, too.
    CutReplyAfter(usize),
    /// The proxy sends these bytes as they are instead of passing the request on, and closes the
    /// connection.
    Garbage(Vec<u8>),
    /// The proxy replies with this status and this JSON text instead of passing the request on, and
    /// keeps the connection open for the next request.
    Reply {
        /// The HTTP status.
        status: u16,
        /// The body, sent as `application/json`.
        body: String,
    },
    /// The proxy sends a status line instead of passing the request on, and then header lines
    /// until the client closes the connection.
    EndlessHeader,
    /// The proxy sends a head instead of passing the request on, and then the same bytes again and
    /// again until the client closes the connection. [`Fault::endless_body`] makes the usual head.
    EndlessBody {
        /// The status line, the headers and the empty line after them, sent as they are. The body
        /// is sent in chunks if they name the transfer encoding `chunked`.
        head: Vec<u8>,
        /// The bytes that the body repeats. If there are none, nothing follows the head and the
        /// connection stays open.
        part: Vec<u8>,
    },
    /// The proxy passes the daemon's reply on with one write for each byte, and waits for this time
    /// before each (zero: no wait). It does the same with the bytes after a switch of protocols.
    DripFeed(Duration),
    /// If the daemon's reply switches protocols (to a websocket), the proxy sends these bytes right
    /// after its head, in place of all that the daemon sends from then on. The bytes that the
    /// client sends still reach the daemon. A reply that does not switch protocols passes
    /// unchanged.
    ReplaceFrames {
        /// The bytes to send, for example frames that break the rules of websockets.
        bytes: Vec<u8>,
        /// What the connection does after them.
        then: AfterReply,
    },
    /// The proxy replaces the `result` of the daemon's JSON reply by an empty list. See
    /// [`Rule::hide_changes`].
    HideChanges,
    /// The proxy calls this before it passes the request on, which it then does as usual. The
    /// callback gets the first 64 KiB of the body, which are read beforehand for it.
    Before(Callback),
    /// The proxy calls this when the daemon has replied, before the client gets a byte of the
    /// reply.
    BeforeReply(Callback),
}

/// What a connection does after the proxy has sent all bytes of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterReply {
    /// The proxy closes the connection.
    Close,
    /// The connection stays open without any more bytes until the client closes it.
    Hold,
}

impl Fault {
    /// Returns a fault that sends a complete reply with this status, content type and body instead
    /// of passing the request on, and closes the connection.
    #[must_use]
    pub fn reply_of_type(status: u16, content_type: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status} Proxy\r\nContent-Type: {content_type}\r\nContent-Length: \
             {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        Self::Garbage([head.as_bytes(), body].concat())
    }

    /// Returns a [`Fault::EndlessBody`] with status 200 and this content type, sent in chunks.
    #[must_use]
    pub fn endless_body(content_type: &str, part: impl Into<Vec<u8>>) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        Self::EndlessBody { head: head.into_bytes(), part: part.into() }
    }

    /// Returns `true` if the fault happens before the request has been read.
    pub(super) fn cuts_unread(&self) -> bool {
        matches!(self, Self::CutRequestUnread)
    }

    /// Returns a [`Fault::Before`] that calls this closure.
    pub fn before(callback: impl Fn(&SeenRequest) + Send + Sync + 'static) -> Self {
        Self::Before(Arc::new(callback))
    }

    /// Returns a [`Fault::BeforeReply`] that calls this closure.
    pub fn before_reply(callback: impl Fn(&SeenRequest) + Send + Sync + 'static) -> Self {
        Self::BeforeReply(Arc::new(callback))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse(time) => f.debug_tuple("Refuse").field(time).finish(),
            Self::Silence => f.write_str("Silence"),
            Self::HoldReply => f.write_str("HoldReply"),
            Self::Delay(time) => f.debug_tuple("Delay").field(time).finish(),
            Self::CutRequestUnread => f.write_str("CutRequestUnread"),
            Self::CutRequestBefore => f.write_str("CutRequestBefore"),
            Self::DropReply => f.write_str("DropReply"),
            Self::CutReplyAfter(bytes) => f.debug_tuple("CutReplyAfter").field(bytes).finish(),
            Self::Garbage(bytes) => write!(f, "Garbage({} bytes)", bytes.len()),
            Self::Reply { status, .. } => {
                f.debug_struct("Reply").field("status", status).finish_non_exhaustive()
            }
            Self::EndlessHeader => f.write_str("EndlessHeader"),
            Self::EndlessBody { part, .. } => write!(f, "EndlessBody({} bytes)", part.len()),
            Self::ReplaceFrames { bytes, then } => {
                write!(f, "ReplaceFrames({} bytes, then {then:?})", bytes.len())
            }
            Self::DripFeed(time) => f.debug_tuple("DripFeed").field(time).finish(),
            Self::HideChanges => f.write_str("HideChanges"),
            Self::Before(_) => f.write_str("Before(..)"),
            Self::BeforeReply(_) => f.write_str("BeforeReply(..)"),
        }
    }
}

/// A rule chooses the requests that a [`Fault`] happens to.
///
/// A new rule fires once, for the next request that matches.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The HTTP method; any if it is empty.
    method: String,
    path: String,
    /// `true` if the path has to be equal and not only to start so.
    is_whole_path: bool,
    /// The text that the body has to contain.
    body: Option<String>,
    /// The number of the first matching request that the rule fires for, from 1.
    first: u32,
    /// The number of requests that the rule fires for; `None` for all.
    times: Option<u32>,
    pub(super) fault: Fault,
    /// The number of requests that have matched so far.
    pub(super) matched: u32,
}

impl Rule {
    /// Makes a rule for the next request with this method (empty: any) and a path that starts so.
    /// The query is no part of the path.
    #[must_use]
    pub fn new(method: impl Into<String>, path_prefix: impl Into<String>, fault: Fault) -> Self {
        Self {
            method: method.into(),
            path: path_prefix.into(),
            is_whole_path: false,
            body: None,
            first: 1,
            times: Some(1),
            fault,
            matched: 0,
        }
    }

    /// Makes a rule for the next request of any kind.
    #[must_use]
    pub fn any(fault: Fault) -> Self {
        Self::new("", "", fault)
    }

    /// Makes a rule that empties the next `lists` replies to `GET /v1/changes`, as if the changes
    /// were not listed yet.
    #[must_use]
    pub fn hide_changes(lists: u32) -> Self {
        Self::new("GET", "/v1/changes", Fault::HideChanges).whole_path().times(lists)
    }

    /// Limits the rule to requests whose path is equal to that of the rule, and not only starts so.
    #[must_use]
    pub fn whole_path(mut self) -> Self {
        self.is_whole_path = true;
        self
    }

    /// Limits the rule to requests whose body contains this text, for example the name of an
    /// action. The proxy searches the first 64 KiB of the body, and reads those before it passes
    /// the request on.
    #[must_use]
    pub fn body_contains(mut self, text: impl Into<String>) -> Self {
        self.body = Some(text.into());
        self
    }

    /// Lets the rule fire from the n-th matching request on, counted from 1 since the rule was
    /// added. Zero means 1. Default: 1.
    #[must_use]
    pub fn from_nth(mut self, n: u32) -> Self {
        self.first = n.max(1);
        self
    }

    /// Lets the rule fire for this many matching requests. Default: 1.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets the rule fire for every matching request.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Returns `true` if the request matches, its body included.
    pub(super) fn matches(&self, request: &SeenRequest) -> bool {
        self.matches_head(&request.method, &request.path)
            && self
                .body
                .as_ref()
                .is_none_or(|text| String::from_utf8_lossy(&request.body).contains(text.as_str()))
    }

    /// Returns `true` if the rule fires before the body is read, and the request matches.
    pub(super) fn matches_unread(&self, request: &SeenRequest) -> bool {
        self.fault.cuts_unread()
            && self.body.is_none()
            && self.matches_head(&request.method, &request.path)
    }

    /// Returns `true` if the rule may fire for a request with this method and path, and needs the
    /// start of the body: to search it, or to give it to a callback.
    pub(super) fn needs_body(&self, method: &str, path: &str) -> bool {
        let uses_body = self.body.is_some() || matches!(self.fault, Fault::Before(_));
        uses_body && !self.fault.cuts_unread() && self.matches_head(method, path)
    }

    fn matches_head(&self, method: &str, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        (self.method.is_empty() || self.method == method)
            && if self.is_whole_path { path == self.path } else { path.starts_with(&self.path) }
    }

    /// Returns `true` if the rule fires for the request that was just counted in `matched`.
    pub(super) fn is_due(&self) -> bool {
        self.matched >= self.first
            && self.times.is_none_or(|times| self.matched - self.first < times)
    }

    /// Returns `true` if the rule can never fire again.
    pub(super) fn is_spent(&self) -> bool {
        self.times.is_some_and(|times| {
            self.matched >= self.first && self.matched - self.first + 1 >= times
        })
    }
}

/// The id of a rule that was added to a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub(super) u64);

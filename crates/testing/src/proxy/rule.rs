//! Which requests are spoiled, and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::shared::SeenRequest;

/// Something that a test does at a given moment of a request: killing the daemon, say. It runs on
/// the connection's own thread.
pub type Callback = Arc<dyn Fn(&SeenRequest) + Send + Sync>;

/// What happens to a request.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Every connection is closed before the request reaches the daemon, and for this long new ones
    /// are refused: Pebble has just died.
    Refuse(Duration),
    /// The request is taken, all of it, never passed on and never answered.
    Silence,
    /// The request is passed on and done, and its answer is never given: the connection stays open.
    HoldReply,
    /// The request is passed on after this time.
    Delay(Duration),
    /// The connection is closed as soon as the first line of the request has come, with all that
    /// follows it unread, so that the client meets a reset (`ECONNRESET`, or `EPIPE` while it still
    /// writes). Only the method and the path are known by then: a rule with [`Rule::body_contains`]
    /// never fires for it, and rules with this fault are asked before all others, whichever was
    /// added first.
    CutRequestUnread,
    /// The connection is closed before the request reaches the daemon, whole as it was sent.
    CutRequestBefore,
    /// The daemon answers; the connection is closed without a byte of that: the effect happened,
    /// the reply is lost. It is closed once the head of the answer has come, so that a body without
    /// an end is no hindrance.
    DropReply,
    /// The daemon answers; this many bytes of that, head included, pass as they come, then the
    /// connection is closed. What follows a switch of protocols (the frames of a websocket) counts
    /// too.
    CutReplyAfter(usize),
    /// Instead of passing the request on, these bytes are sent as they are, and the connection is
    /// closed.
    Garbage(Vec<u8>),
    /// Instead of passing the request on, this status and this JSON text are answered, and the
    /// connection is kept.
    Reply {
        /// The HTTP status.
        status: u16,
        /// The body, sent as `application/json`.
        body: String,
    },
    /// Instead of passing the request on, a status line is answered and then header lines, for
    /// ever: until the client leaves.
    EndlessHeader,
    /// Instead of passing the request on, a head is answered and then the same bytes again and
    /// again, until the client leaves. [`Fault::endless_body`] makes the usual head.
    EndlessBody {
        /// Status line, headers and the closing empty line, sent as they are. When they name the
        /// transfer encoding `chunked`, the body is sent in chunks.
        head: Vec<u8>,
        /// What the body repeats. When it is empty nothing follows the head, and the connection
        /// stays open.
        part: Vec<u8>,
    },
    /// The daemon's answer passes one byte a write, as it comes, with this wait (zero: none) before
    /// each; what follows a switch of protocols too.
    DripFeed(Duration),
    /// When the daemon's answer switches protocols (a websocket), these bytes are sent in place of
    /// all that it sends from then on, at once after the head. What the client sends still reaches
    /// the daemon. An answer that does not switch passes.
    ReplaceFrames {
        /// Any bytes: frames that break the rules of websockets, say.
        bytes: Vec<u8>,
        /// What follows them.
        then: AfterReply,
    },
    /// The result of the daemon's answer is an empty list: what is there is not listed.
    /// [`Rule::hide_changes`] is the usual way to it.
    HideChanges,
    /// This is run before the request is passed on, which then happens as if nothing was. It is
    /// told the first 64 KiB of the body, which are collected for it.
    Before(Callback),
    /// This is run when the daemon has answered, before a byte of that is passed back.
    BeforeReply(Callback),
}

/// What a connection does when all has been sent that a fault has to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterReply {
    /// It is closed.
    Close,
    /// It stays open and silent until the client leaves.
    Hold,
}

impl Fault {
    /// A whole answer that is none of Pebble's: this status, content type and body, after which the
    /// connection is closed.
    #[must_use]
    pub fn reply_of_type(status: u16, content_type: &str, body: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 {status} Proxy\r\nContent-Type: {content_type}\r\nContent-Length: \
             {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        Self::Garbage([head.as_bytes(), body].concat())
    }

    /// [`Fault::EndlessBody`] with status 200 and this content type, in chunks.
    #[must_use]
    pub fn endless_body(content_type: &str, part: impl Into<Vec<u8>>) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        Self::EndlessBody { head: head.into_bytes(), part: part.into() }
    }

    /// Whether it is one of those that come before the request has been read.
    pub(super) fn leaves_unread(&self) -> bool {
        matches!(self, Self::CutRequestUnread)
    }

    /// [`Fault::Before`] of a closure.
    pub fn before(act: impl Fn(&SeenRequest) + Send + Sync + 'static) -> Self {
        Self::Before(Arc::new(act))
    }

    /// [`Fault::BeforeReply`] of a closure.
    pub fn before_reply(act: impl Fn(&SeenRequest) + Send + Sync + 'static) -> Self {
        Self::BeforeReply(Arc::new(act))
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

/// Which requests meet a [`Fault`]. As made by [`Rule::new`]: the next one that matches, once.
#[derive(Debug, Clone)]
pub struct Rule {
    method: String,
    path: String,
    whole_path: bool,
    body: Option<String>,
    first: u32,
    times: Option<u32>,
    pub(super) fault: Fault,
    pub(super) matched: u32,
}

impl Rule {
    /// The next request with this method (empty: any) and a path that starts so (the path without
    /// its query).
    #[must_use]
    pub fn new(method: impl Into<String>, path_prefix: impl Into<String>, fault: Fault) -> Self {
        Self {
            method: method.into(),
            path: path_prefix.into(),
            whole_path: false,
            body: None,
            first: 1,
            times: Some(1),
            fault,
            matched: 0,
        }
    }

    /// The next request of any kind.
    #[must_use]
    pub fn any(fault: Fault) -> Self {
        Self::new("", "", fault)
    }

    /// The first `lists` answers to `GET /v1/changes` hold nothing: a change that is there is
    /// listed late.
    #[must_use]
    pub fn hide_changes(lists: u32) -> Self {
        Self::new("GET", "/v1/changes", Fault::HideChanges).whole_path().times(lists)
    }

    /// The path must be this one, not only start so.
    #[must_use]
    pub fn whole_path(mut self) -> Self {
        self.whole_path = true;
        self
    }

    /// Only a request whose body holds this text: the name of an action, say. It is looked for in
    /// the first 64 KiB of the body, which are collected before the request goes on.
    #[must_use]
    pub fn body_contains(mut self, text: impl Into<String>) -> Self {
        self.body = Some(text.into());
        self
    }

    /// Not before the n-th request that matches, counted from 1 since the rule was added.
    #[must_use]
    pub fn from_nth(mut self, n: u32) -> Self {
        self.first = n.max(1);
        self
    }

    /// For this many requests from then on. Default: 1.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// For every request from then on.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    pub(super) fn matches(&self, request: &SeenRequest) -> bool {
        self.matches_head(&request.method, &request.path)
            && self
                .body
                .as_ref()
                .is_none_or(|text| String::from_utf8_lossy(&request.body).contains(text.as_str()))
    }

    /// Whether it can fire without anything of the body having been read, and may fire for this
    /// request.
    pub(super) fn matches_unread(&self, request: &SeenRequest) -> bool {
        self.fault.leaves_unread()
            && self.body.is_none()
            && self.matches_head(&request.method, &request.path)
    }

    /// Whether the body has to be looked at before it can be told what this rule does to a request
    /// with this head.
    pub(super) fn needs_body(&self, method: &str, path: &str) -> bool {
        let looks = self.body.is_some() || matches!(self.fault, Fault::Before(_));
        looks && !self.fault.leaves_unread() && self.matches_head(method, path)
    }

    fn matches_head(&self, method: &str, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        (self.method.is_empty() || self.method == method)
            && if self.whole_path { path == self.path } else { path.starts_with(&self.path) }
    }

    /// Whether it fires for the request that was just counted in `matched`.
    pub(super) fn is_due(&self) -> bool {
        self.matched >= self.first
            && self.times.is_none_or(|times| self.matched - self.first < times)
    }

    /// Whether it can never fire again.
    pub(super) fn is_spent(&self) -> bool {
        self.times.is_some_and(|times| {
            self.matched >= self.first && self.matched - self.first + 1 >= times
        })
    }
}

/// Names a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub(super) u64);

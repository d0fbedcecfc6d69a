//! Which requests are spoiled, and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::shared::SeenRequest;

/// Something that a test does at a given moment of a request: killing the daemon, say. It runs on the connection's own thread.
pub type Act = Arc<dyn Fn(&SeenRequest) + Send + Sync>;

/// What happens to a request.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Every connection is closed before the request reaches the daemon, and for this long new ones are refused: Pebble has just died.
    Refuse(Duration),
    /// The request is taken, never passed on and never answered.
    Silence,
    /// The request is passed on and done, and its answer is never given: the connection stays open.
    HoldReply,
    /// The request is passed on after this time.
    Delay(Duration),
    /// The connection is closed before the request reaches the daemon, whole as it was sent.
    CutRequestBefore,
    /// The daemon answers; the connection is closed without a byte of that: the effect happened, the reply is lost.
    DropReply,
    /// The daemon answers; this many bytes of that, head included, pass, then the connection is closed.
    CutReplyAfter(usize),
    /// Instead of passing the request on, these bytes are sent as they are, and the connection is closed.
    Garbage(Vec<u8>),
    /// Instead of passing the request on, this status and this JSON text are answered, and the connection is kept.
    Reply {
        /// The HTTP status.
        status: u16,
        /// The body, sent as `application/json`.
        body: String,
    },
    /// The daemon's answer passes one byte at a time, with this wait before each.
    DripFeed(Duration),
    /// The result of the daemon's answer is an empty list: what is there is not listed. [`Rule::hide_changes`] is the usual way to it.
    HideChanges,
    /// This is run before the request is passed on, which then happens as if nothing was.
    Before(Act),
    /// This is run when the daemon has answered, before a byte of that is passed back.
    BeforeReply(Act),
}

impl Fault {
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
            Self::CutRequestBefore => f.write_str("CutRequestBefore"),
            Self::DropReply => f.write_str("DropReply"),
            Self::CutReplyAfter(bytes) => f.debug_tuple("CutReplyAfter").field(bytes).finish(),
            Self::Garbage(bytes) => write!(f, "Garbage({} bytes)", bytes.len()),
            Self::Reply { status, .. } => f.debug_struct("Reply").field("status", status).finish_non_exhaustive(),
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
    /// The next request with this method (empty: any) and a path that starts so (the path without its query).
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

    /// The first `lists` answers to `GET /v1/changes` hold nothing: a change that is there is listed late.
    #[must_use]
    pub fn hide_changes(lists: u32) -> Self {
        Self::new("GET", "/v1/changes", Fault::HideChanges)
            .whole_path()
            .times(lists)
    }

    /// The path must be this one, not only start so.
    #[must_use]
    pub fn whole_path(mut self) -> Self {
        self.whole_path = true;
        self
    }

    /// Only a request whose body holds this text: the name of an action, say.
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
        let path = request.path.split('?').next().unwrap_or_default();
        (self.method.is_empty() || self.method == request.method)
            && if self.whole_path {
                path == self.path
            } else {
                path.starts_with(&self.path)
            }
            && self
                .body
                .as_ref()
                .is_none_or(|text| String::from_utf8_lossy(&request.body).contains(text.as_str()))
    }

    /// Whether it fires for the request that was just counted in `matched`.
    pub(super) fn is_due(&self) -> bool {
        self.matched >= self.first && self.times.is_none_or(|times| self.matched - self.first < times)
    }

    /// Whether it can never fire again.
    pub(super) fn is_spent(&self) -> bool {
        self.times
            .is_some_and(|times| self.matched >= self.first && self.matched - self.first + 1 >= times)
    }
}

/// Names a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub(super) u64);

//! This crate is a client for [Pebble](https://documentation.ubuntu.com/pebble/), a supervisor of
//! services. It covers the whole API of Pebble's unix socket.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use charmwright_pebble::{Client, Exec, PushOptions, Signal};
//!
//! # async fn example() -> Result<(), charmwright_pebble::Error> {
//! let web = Client::new("/run/web/pebble.socket").with_target("container \"web\"");
//! web.push("/etc/web.conf", "port = 80\n", &PushOptions::new().make_dirs()).await?;
//! let check = Exec::new(["web", "--check", "/etc/web.conf"]).timeout(Duration::from_secs(10));
//! let check = web.exec_output(&check).await?;
//! if check.success() {
//!     web.signal(&Signal::HUP, ["web"]).await?;
//!     web.wait_service_active("web", Duration::from_secs(2), Duration::from_secs(30)).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What holds for every call
//! - **Retries.** A call sends one request and returns its answer. Without an answer it tries again
//!   as its [`RetryPolicy`] says, within a [`Budget`] that the clones of a client share. Sending a
//!   request again never doubles its effect; the table at the end says for each endpoint how.
//! - **Cancel safety.** Every future may be dropped at any time. That closes the connection that it
//!   uses, and nothing goes on in the background. A request that was sent may still take effect in
//!   the daemon. Where dropping does more or leaves something behind, the documentation of the
//!   method says so: dropping an [`ExecProcess`] kills its command, for example. Dropping the
//!   future of `next` on a stream loses nothing.
//! - **Errors.** Every call fails with an [`Error`]. Its [`kind`](Error::kind) and its other
//!   methods are what code may decide by. Its texts, and the number and the types of its
//!   [sources](std::error::Error::source), may change in any version.
//! - **Runtime.** The futures need a tokio runtime with time and I/O enabled. One thread is enough.
//!
//! # Stability
//! The crate follows semantic versioning: before 1.0 a breaking change raises the second number of
//! the version, and is in the changelog as **changed**. Enums that may grow are `non_exhaustive`,
//! and a word of a newer Pebble that this version does not know becomes the variant `Other`. The
//! lines of the log are no interface, but for the [`RetrySummary`] at their end and the target
//! [`WAITS`]. The public API has types of no other crates than tokio, `futures-core`, serde and
//! `serde_json`, whose next major version is a breaking change here too.
//!
//! The minimum Rust version is 1.89. A later version of the crate may raise it, which counts as a
//! breaking change.
//!
//! # How a call is made
//! The files are here from the top to the bottom of a call.
//!
//! 1. A method of [`Client`], or of [`Reader`] if it changes nothing, describes its request
//!    (`request`), and what sending it again means (`resend`).
//! 2. `call` is one call. The loop of `retry::retry_loop` makes its attempts under the policy and
//!    the budget.
//! 3. `attempt` is one attempt on one connection. Before it sends the request, `restore_layers`
//!    gives a restarted Pebble its layers back, and `recovery` finds out what a request has done
//!    whose answer was lost.
//! 4. `transport` keeps the idle connections, and `connection` speaks HTTP on one of them. `body`
//!    is the body of a request. `body_stream` is an answer that is read as a stream, or a
//!    websocket.
//! 5. `envelope` decodes a complete answer, and `error` is the error of a failed call.
//! 6. `service_action` is the one call that may take several requests: an action on services, whose
//!    change is waited for (`awaited_change`) and may conflict with others (`service_conflict`) or
//!    be interrupted by a restart (`remainder`).
//!
//! # Where things are
//! A file is named for its part of the API, and has the types, calls and tests of it:
//! `system_info`, `health`, `metrics`, `changes`, `services`, `signals`, `layers`, `plan`, `files`,
//! `exec`, `logs`, `checks`, `notices`, `notify`, `identities`. `watch` has the streams that go on
//! after a lost connection, and `waits` the waits for a state. `layer` is the typed model of what
//! Pebble is to run; `service_info` and `change` are what it reports. `duration` and `timestamp`
//! are the forms of Go's durations and of RFC 3339. `wire` keeps unknown words and keys, and
//! `names` refuses what no name or variable can be. [`testing`] makes the client's errors for the
//! tests of code that uses the client.
//!
//! [pebble-versions.md]: versions
#![doc = include_str!("../docs/pebble.md")]

/// The doctests compile the example of the README through this item.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

mod answer;
mod attempt;
mod awaited_change;
mod body;
mod body_stream;
mod call;
mod change;
mod changes;
mod checks;
mod client;
mod connection;
mod daemon;
mod duration;
mod envelope;
mod error;
mod exec;
mod files;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod health;
mod identities;
mod identity;
mod known_layers;
mod layer;
mod layer_request;
mod layers;
mod logs;
mod lookups;
mod metrics;
mod names;
mod no_answer;
mod notices;
mod notify;
mod plan;
mod reader;
mod recovery;
mod remainder;
mod request;
mod resend;
mod restore_layers;
mod retry;
mod self_wake;
mod service_action;
mod service_conflict;
mod service_failure;
mod service_info;
mod service_output;
mod services;
mod signals;
mod start_refusal;
mod system_info;
pub mod testing;
#[cfg(test)]
mod tests;
mod timestamp;
mod transport;
mod transport_error;
#[doc = include_str!("../docs/pebble-versions.md")]
pub mod versions {}
mod waits;
mod watch;
mod wire;

#[cfg(test)]
use tests::docs_table;

pub use change::{Change, ChangeId, ChangeStatus, InvalidChangeId, Task, TaskProgress};
pub use checks::{CheckInfo, CheckQuery, CheckRefresh, CheckStatus};
pub use client::Client;
pub use duration::{GoDuration, InvalidDuration};
pub use error::{Error, ErrorKind, UserFault};
pub use exec::{Exec, ExecOutput, ExecProcess, ExecReader, ExecStatus, ExecStdin, ExecTimings};
pub use files::{
    DirOptions, FileError, FileErrorKind, FileInfo, FileResult, FileType, InvalidMode, ListOptions,
    Mode, Owner, PullStream, PulledFile, PushFile, PushOptions, RemoveOptions, Symlinks,
    TreeFailure, TreeOptions, TreeProgress, TreeReport,
};
pub use health::HealthQuery;
pub use identity::{Identity, IdentityAccess};
pub use layer::{
    Check, CheckLevel, ExecCheck, HttpCheck, InvalidLayer, InvalidYaml, Layer, LayerFault,
    LogTarget, LogTargetType, Override, Plan, Service, ServiceAction, TcpCheck,
};
pub use layers::LayerMode;
pub use logs::{LogEntry, LogQuery};
pub use lookups::{ChangeFilter, ChangeSelect};
pub use notices::{InvalidNoticeId, Notice, NoticeId, NoticeQuery, NoticeType};
pub use notify::Notify;
pub use reader::Reader;
pub use retry::{
    Attempt, Budget, FailedAttempt, InvalidRetrySummary, RetryDecision, RetryError, RetryObserver,
    RetryPolicy, RetrySummary, WAITS,
};
pub use service_failure::ServiceFailure;
pub use service_info::{ServiceInfo, ServiceStatus, Startup};
pub use signals::{InvalidSignal, Signal};
pub use start_refusal::StartRefusal;
pub use system_info::{InvalidVersion, SystemInfo, Version};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use watch::{
    CheckWatch, GapCause, LogEvent, LogFollow, LogGap, NoticeWatch, ServiceWatch, Update,
};

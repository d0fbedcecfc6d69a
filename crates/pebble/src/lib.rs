//! A client for [Pebble](https://documentation.ubuntu.com/pebble/), a supervisor of services. It
//! covers the whole API of the unix socket.
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
//! # How a call is made
//! One call is one request with bounded in-line retries: a method of [`Client`], or of [`Reader`]
//! if it changes nothing, describes its request, `retry` runs it under a policy and a shared budget
//! (`call` is one such run, attempt by attempt), `transport` has the kept connections, `lane`
//! speaks HTTP on one of them, and `envelope` decodes the answer. What a lost answer means is data
//! beside each request, and `resend` acts by it. `incoming` has the two ways of being answered that
//! are no envelope: a stream, and a websocket. Nothing runs in the background: whoever awaits
//! drives the connection, and dropping a future ends what it did.
//!
//! # Where things are
//! A file is named for the part of the API that it speaks: `system_info`, `health`, `metrics`,
//! `changes`, `services`, `signals`, `layers`, `plan`, `files`, `exec`, `logs`, `checks`,
//! `notices`, `identities`; each has its types, its calls and their tests. `watch` turns what goes
//! on into streams that outlive a break and end by being dropped; `waits` waits until something is
//! as it should be. The typed model beside them: `layer` is what Pebble is told to run,
//! `service_info` and `change` are what it reports; `duration` and `timestamp` are Go's durations
//! and RFC 3339 moments as they travel; `wire` says once how unknown words and keys are kept, and
//! `names` what no name or variable can be. [`testing`] is for the tests of code that uses this
//! client: it makes the client's errors.
//!
//! [pebble-versions.md]: versions
#![doc = include_str!("../docs/pebble.md")]

/// The example that the README shows has to compile.
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

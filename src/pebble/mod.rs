//! A client for Pebble, the supervisor that Juju puts in every workload container.
//!
//! One call is one request with bounded in-line retries: a [`Client`] method describes its request, the retry runs it under a policy and a
//! shared budget, the transport sends it on a kept connection, and the envelope of the answer is decoded in one place. What happens after a
//! failure that may have acted is data beside each request.
//!
//! What goes on is watched as a stream: `watch` has those of notices, services, checks and logs, which outlive a break and end by being dropped. And
//! `waits` waits until something is as it should be.
//!
//! The typed model: `layer` and `plan` are what Pebble is told to run and what it runs by; `service_info`, `change`, `checks`, `health` and
//! `system_info` are what it reports; `duration` and `timestamp` are Go's durations and RFC 3339 moments as they travel; `wire` says once how
//! unknown words and keys are kept.
//!
//! `exec` runs commands over websockets and is a room of its own.

mod body;
mod call;
mod change;
mod changes;
mod checks;
mod client;
#[cfg(test)]
mod coverage;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod decoders;
mod duration;
mod envelope;
mod error;
mod exec;
mod files;
mod health;
mod identities;
mod incoming;
mod lane;
mod layer;
mod layers;
mod logs;
mod metrics;
mod notices;
mod plan;
mod request;
mod resend;
mod retry;
#[cfg(test)]
mod scripted;
mod service_info;
mod services;
mod signals;
mod system_info;
mod timestamp;
mod transport;
mod waits;
mod watch;
mod wire;

pub use change::{Change, ChangeId, ChangeStatus, InvalidChangeId, Task, TaskProgress};
pub use changes::{ChangeFilter, ChangeSelect};
pub use checks::{CheckInfo, CheckQuery, CheckRefresh, CheckStatus};
pub use client::Client;
pub use duration::{GoDuration, InvalidDuration};
pub use error::{Error, ErrorKind, ServiceFailure, UserFault};
pub use exec::{Exec, ExecOutput, ExecProcess, ExecReader, ExecStatus, ExecStdin, ExecTimings};
pub use files::{
    DirOptions, FileError, FileErrorKind, FileInfo, FileResult, FileType, InvalidMode, ListOptions, Mode, Owner,
    PullStream, PulledFile, PushFile, PushOptions, RemoveOptions, Symlinks, TreeFailure, TreeOptions, TreeProgress,
    TreeReport,
};
pub use health::HealthQuery;
pub use identities::{Identity, IdentityAccess};
pub use layer::{
    Check, CheckLevel, ExecCheck, HttpCheck, InvalidLayer, InvalidYaml, Layer, LayerFault, LogTarget, LogTargetType,
    Override, Service, ServiceAction, TcpCheck,
};
pub use layers::LayerMode;
pub use logs::{LogEntry, LogQuery};
pub use notices::{InvalidNoticeId, Notice, NoticeId, NoticeQuery, NoticeType, Notify};
pub use plan::Plan;
pub use retry::{Attempt, Budget, Classified, FailedAttempt, RetryObserver, RetryPolicy, RunError};
pub use service_info::{ServiceInfo, ServiceStatus, Startup};
pub use signals::{InvalidSignal, Signal};
pub use system_info::{InvalidVersion, SystemInfo, Version};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use watch::{CheckWatch, GapCause, LogEvent, LogFollow, LogGap, NoticeWatch, ServiceWatch, Update};

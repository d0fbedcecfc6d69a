//! In-line retries: the same call is made again where it stands, so that done work is not repeated
//! and its caller need not fail.
//!
//! Three things are kept apart. A [`RetryPolicy`] is plain data: how often, how long between, how
//! long in all. A [`Budget`] counts what has been spent, over all calls that share it. And what a
//! failure *means* is asked of the one who made the request: [`RetryPolicy::run`] takes it as a
//! function, the Pebble client knows it from the request itself.
//!
//! The lines of the log that tell of a retry end with a [`RetrySummary`], which is how a reader of
//! the log counts.

mod budget;
mod observer;
mod policy;
mod retry_error;
mod retry_loop;
mod run;
mod summary;

pub use budget::Budget;
pub use observer::{FailedAttempt, RetryObserver};
pub use policy::RetryPolicy;
pub use retry_error::RetryError;
pub use retry_loop::{RetryDecision, WAITS};
pub use run::Attempt;
pub use summary::{InvalidRetrySummary, RetrySummary};

pub(crate) use policy::shortened;
pub(crate) use retry_loop::{Classification, GaveUp, Reporter, Retryable, retry_loop};

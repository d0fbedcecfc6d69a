//! This module retries a call in line: the same call is made again, so that the work which its
//! caller has done is not repeated.
//!
//! Three things are kept apart. A [`RetryPolicy`] is plain data: the number of attempts, the waits
//! between them and the time in all. A [`Budget`] counts what all calls that share it have spent.
//! What a failure *means* is decided by the code that makes the request: [`RetryPolicy::run`] takes
//! a function for it, and the Pebble client knows it from the request itself.
//!
//! Each log line about a retry ends with a [`RetrySummary`], from which a program that reads the
//! log counts the retries.

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

//! A client for Pebble, the supervisor that Juju puts in every workload container.
//!
//! One call is one request with bounded in-line retries: a [`Client`] method describes its request, the retry runs it under a policy and a
//! shared budget, the transport sends it on a kept connection, and the envelope of the answer is decoded in one place. What happens after a
//! failure that may have acted is data beside each request.

mod change;
mod client;
mod envelope;
mod error;
mod request;
mod resend;
mod service_info;
mod timestamp;
mod transport;
mod wire;

pub use change::{Change, ChangeId, ChangeStatus, InvalidChangeId, Task, TaskProgress};
pub use client::Client;
pub use error::{Error, ErrorKind, ServiceFailure, UserFault};
pub use service_info::{ServiceInfo, ServiceStatus, Startup};
pub use timestamp::{InvalidTimestamp, Timestamp};

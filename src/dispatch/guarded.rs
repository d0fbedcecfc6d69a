//! The code of a charm, run so that its panics are errors.

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use tracing::subscriber::{NoSubscriber, with_default};

use crate::error::Error;

/// Runs a future of the charm. A panic in it is an error, which names the place; the hook goes on
/// to say so.
pub(crate) async fn guarded<T, E: From<Error>>(
    place: impl Display,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut future = pin!(future);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
            .unwrap_or_else(|payload| Poll::Ready(Err(Error::panic(&place, &*payload).into())))
    })
    .await
}

/// Runs the future to its end with no log at all.
pub(crate) async fn unlogged<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|context| with_default(NoSubscriber::default(), || future.as_mut().poll(context))).await
}

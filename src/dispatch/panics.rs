//! Runs the code of a charm and converts its panics to errors.

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::error::Error;

/// Awaits a future of the charm and converts a panic in it to an error that names `place`, so that
/// the hook can report it. After a panic the future is not polled again.
pub(crate) async fn catch_panics<T, E: From<Error>>(
    place: impl Display,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut future = pin!(future);
    poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)))
            // A panic may leave the charm's own value half-changed, and its later methods see that.
            // It does not leave the framework's state so, since no borrow of that lasts over a call
            // of the charm.
            .unwrap_or_else(|payload| Poll::Ready(Err(Error::panic(&place, &*payload).into())))
    })
    .await
}

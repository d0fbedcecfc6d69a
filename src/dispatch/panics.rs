//! The code of a charm, run so that its panics are errors.

use std::fmt::Display;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::error::Error;

/// Runs a future of the charm. A panic in it is an error, which names the place; the hook goes on
/// to say so.
pub(crate) async fn catch_panics<T, E: From<Error>>(
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

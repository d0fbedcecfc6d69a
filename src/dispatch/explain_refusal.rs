//! Explains an error of Pebble without repeating the value that the user gave.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use tracing::subscriber::{NoSubscriber, with_default};

use super::context::{COLLECT_LIMIT, HookContext};
use super::diagnosis;
use crate::charm::Charm;
use crate::error::Error;
use crate::layer_field::{Entry, LayerField};
use crate::pebble::RetryPolicy;

/// Attaches an explanation to the error if it concerns a field of a layer that the charm traces to
/// an option; returns any other error as it is.
pub(crate) async fn explain_refusal<C: Charm>(
    charm: &C,
    context: &HookContext,
    error: Error,
) -> Error {
    let (Some(container), Some(refused)) = (error.container().cloned(), error.pebble()) else {
        return error;
    };
    let client = context.client(&container).with_retry(RetryPolicy::once(COLLECT_LIMIT));
    let panicked = RefCell::new(None);
    let option_of = |entry: &Entry, key| {
        let field = LayerField::new(container.clone(), entry.clone(), key);
        let answer = catch_unwind(AssertUnwindSafe(|| charm.option_of(&field)));
        answer.unwrap_or_else(|payload| {
            panicked.replace(Some(Error::panic(&"option_of", &*payload)));
            None
        })
    };
    // The requests to Pebble contain the value that must not be logged.
    let explanation = without_logging(diagnosis::diagnose(&option_of, &client, refused)).await;
    // If the charm's method panics, the error stays as if no option were known, and the panic is
    // logged.
    if let Some(bug) = panicked.take() {
        tracing::error!("{}", bug.chain());
    }
    error.with_explanation(explanation)
}

/// Awaits the future and drops everything that it logs.
async fn without_logging<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|context| with_default(NoSubscriber::default(), || future.as_mut().poll(context))).await
}

//! An error in our words, where Pebble's would repeat what the user gave.

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

/// Gives the error in our words, if it is about a field of a layer that the charm leads back to an
/// option; else as it is.
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
    // What is asked holds the value that must not be told.
    let explanation = without_logging(diagnosis::diagnose(&option_of, &client, refused)).await;
    // A charm that cannot say it has led the field back to no option.
    if let Some(bug) = panicked.take() {
        tracing::error!("{}", bug.chain());
    }
    error.with_explanation(explanation)
}

/// Runs the future to its end with no log at all.
async fn without_logging<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|context| with_default(NoSubscriber::default(), || future.as_mut().poll(context))).await
}

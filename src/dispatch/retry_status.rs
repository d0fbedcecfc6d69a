//! The status that the operator sees while a call to Pebble is being retried.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::mode::Mode;
use crate::juju::{ContainerName, HookTools, Status};
use crate::pebble::{FailedAttempt, RetryObserver};

/// An observer of the retries of one container. After ten seconds without an answer it sets the
/// unit's status.
pub(crate) struct RetryStatus {
    container: ContainerName,
    mode: Mode,
    juju: Arc<HookTools>,
    is_shown: AtomicBool,
}

/// The time without an answer from Pebble after which the unit's status says so. A shorter outage,
/// such as a restart of Pebble, changes no status.
const EARLY_STATUS_AFTER: Duration = Duration::from_secs(10);

impl RetryStatus {
    pub(crate) fn new(container: ContainerName, mode: Mode, juju: Arc<HookTools>) -> Self {
        Self { container, mode, juju, is_shown: AtomicBool::new(false) }
    }
}

impl RetryObserver for RetryStatus {
    fn attempt_failed(&self, failure: &FailedAttempt) {
        // The last attempt has failed; the hook's end sets the status.
        if failure.delay().is_none() {
            return;
        }
        // In an action it is not set: if the action fails, no status is collected that would
        // replace it.
        if self.mode != Mode::Action
            && failure.unanswered() >= EARLY_STATUS_AFTER
            && !self.is_shown.swap(true, Ordering::Relaxed)
        {
            let (attempt, attempts) = (failure.attempt(), failure.attempts());
            let text = format!(
                "Pebble in \"{}\" not answering (attempt {attempt} of {attempts})",
                self.container
            );
            // The status is only information, so its failure must not end the retries.
            if let Err(error) = self.juju.set_status(&Status::waiting(text)) {
                tracing::warn!("{error}");
            }
        }
    }
}

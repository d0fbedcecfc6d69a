//! What the operator sees while a call to Pebble is being retried.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::mode::Mode;
use crate::juju::{ContainerName, HookTools, Status};
use crate::pebble::{FailedAttempt, RetryObserver};

/// Watches the retries of one container: after ten seconds the unit's status says what is going on.
pub(crate) struct RetryStatus {
    container: ContainerName,
    mode: Mode,
    juju: Arc<HookTools>,
    is_shown: AtomicBool,
}

/// How long a Pebble must have kept silent before the unit's status says so.
const EARLY_STATUS_AFTER: Duration = Duration::from_secs(10);

impl RetryStatus {
    pub(crate) fn new(container: ContainerName, mode: Mode, juju: Arc<HookTools>) -> Self {
        Self { container, mode, juju, is_shown: AtomicBool::new(false) }
    }
}

impl RetryObserver for RetryStatus {
    fn attempt_failed(&self, failure: &FailedAttempt) {
        if failure.delay().is_none() {
            return;
        }
        // A failed action would leave such a status behind: no status is collected after it.
        if self.mode != Mode::Action
            && failure.unanswered() >= EARLY_STATUS_AFTER
            && !self.is_shown.swap(true, Ordering::Relaxed)
        {
            let (attempt, attempts) = (failure.attempt(), failure.attempts());
            let text = format!(
                "Pebble in \"{}\" not answering (attempt {attempt} of {attempts})",
                self.container
            );
            if let Err(error) = self.juju.set_status(&Status::waiting(text)) {
                tracing::warn!("{error}");
            }
        }
    }
}

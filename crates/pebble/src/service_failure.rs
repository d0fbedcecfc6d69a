//! A failed change names the services that failed, in the logs of its tasks.

use super::change::{Change, ChangeStatus, Task};
use super::service_output::last_words;
use super::start_refusal::StartRefusal;
use charmwright_yaml::text;

/// The longest text of Pebble's in a reason, in bytes, so that the text around it is not cut.
pub(super) const LONGEST_MESSAGE: usize = 1024;

/// The failure of one service, from a failed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFailure {
    service: String,
    cause: String,
    last_output: Option<String>,
}

impl ServiceFailure {
    /// Returns the name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the reason of the failure, in Pebble's words.
    #[must_use]
    pub fn cause(&self) -> &str {
        &self.cause
    }

    /// Returns the reason for which the process was not started; `None` if it was.
    #[must_use]
    pub fn start_refusal(&self) -> Option<StartRefusal<'_>> {
        StartRefusal::read(&self.cause)
    }

    /// Returns the last line that the service printed and that is not blank, if Pebble gave any.
    #[must_use]
    pub fn last_output(&self) -> Option<&str> {
        self.last_output.as_deref()
    }
}

/// Writes a failed change for an error: `service "web": exited quickly with code 1; last output:
/// boom`, one part for each failed task.
pub(super) fn failure_text(change: &Change) -> String {
    let parts: Vec<String> = change
        .service_failures()
        .into_iter()
        .map(|failure| {
            let output = failure
                .last_output
                .map(|line| format!("; last output: {}", text::clean(&line, LONGEST_MESSAGE)))
                .unwrap_or_default();
            let cause = text::clean(&failure.cause, LONGEST_MESSAGE);
            format!("service {:?}: {cause}{output}", failure.service)
        })
        .collect();
    if !parts.is_empty() {
        return parts.join("; ");
    }
    match change.err() {
        Some(err) => text::clean(err, LONGEST_MESSAGE).into_owned(),
        None => {
            let (id, status) = (change.id(), change.status());
            let unbegun = change.tasks().iter().find(|task| *task.status() == ChangeStatus::Hold);
            match unbegun.map(|task| text::clean(task.summary(), LONGEST_MESSAGE)) {
                Some(task) => format!("change {id} was aborted, so this is not done: {task}"),
                None => format!("change {id} ended as {status}"),
            }
        }
    }
}

impl Change {
    /// Returns the failures of the services: one for each failed task, with Pebble's reason and the
    /// last line that the service printed.
    ///
    /// A change that is not over may have failures already. A task that is about no service (an
    /// exec, a check) is named by its summary.
    #[must_use]
    pub fn service_failures(&self) -> Vec<ServiceFailure> {
        self.tasks()
            .iter()
            .filter(|task| *task.status() == ChangeStatus::Error)
            .map(|task| ServiceFailure {
                service: service_of(task).unwrap_or_else(|| task.summary().to_owned()),
                cause: cause_of(task, self),
                last_output: last_output(task),
            })
            .collect()
    }
}

/// Returns the service of a start or stop task. Pebble names it only in the summary, `Start service
/// "web"`, in Go's quotes.
pub(crate) fn service_of(task: &Task) -> Option<String> {
    let (_, quoted) = task.summary().split_once(" service ")?;
    // Go and JSON quote every name that Pebble accepts in practice in the same way.
    serde_json::from_str(quoted).ok()
}

/// Returns the text of the newest error in the task's log, or else that of the change.
fn cause_of(task: &Task, change: &Change) -> String {
    task.last_error()
        .map(str::to_owned)
        .or_else(|| change.err().map(str::to_owned))
        .unwrap_or_else(|| "it failed".to_owned())
}

/// Returns the last line of a service's output from the log of its task. Pebble logs `<time> INFO
/// Most recent service output:` and then up to 20 lines, each indented by four blanks.
fn last_output(task: &Task) -> Option<String> {
    let entry = task
        .log()
        .iter()
        .rev()
        .find(|entry| entry.contains(" INFO Most recent service output:"))?;
    let service = service_of(task).unwrap_or_default();
    let (_, output) = entry.split_once('\n')?;
    last_words(output.lines(), &service).map(str::to_owned)
}

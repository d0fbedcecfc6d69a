//! The table that decides what an error of a handler means for the unit.

use crate::error::Error;
use crate::event::Event;
use crate::juju::Status;
use crate::pebble;
use crate::text::one_line;

/// A verdict says what the framework does about an error of a handler.
///
/// The default is [`Verdict::by_table`]; a charm changes it in one place,
/// [`Charm::on_error`](crate::Charm::on_error).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Verdict {
    /// The event counts as done: writes are committed, the exit code is 0, and no status shows the
    /// error. In `stop` and `remove` collect-status does not run.
    Done,
    /// The event counts as done, but only the user can correct what is wrong: writes are committed,
    /// the exit code is 0, and the unit is Blocked with this message until this event, or
    /// `config-changed`, is handled without the mistake.
    Block(String),
    /// The event is stored and runs again before the next one: writes are committed, the exit code
    /// is 0, and the unit shows this status meanwhile.
    Store(Status),
    /// The hook fails: nothing is committed, the exit code is 1, and Juju runs the hook again after
    /// 5 s, 10 s, … 5 min. Juju would drop a failed `<container>-pebble-*` hook without a trace, so
    /// there the event is stored and the unit is Blocked with the cause instead.
    Fail,
}

impl Verdict {
    /// Returns the verdict of the table that every charm starts from.
    ///
    /// | the handler returns | event | this hook's writes | collect-status | exit | seen by the operator |
    /// |---|---|---|---|---|---|
    /// | [`Outcome::done`](crate::Outcome::done) | done | committed | runs | 0 | what collect-status says |
    /// | not ready ([`Stop::waiting`](crate::Stop::waiting), [`Stop::blocked`](crate::Stop::blocked)) | done | committed | runs | 0 | Waiting or Blocked: the reason, in this hook. Only for what will send an event of its own; else it has to be [`stored`](crate::NotReady::stored) |
    /// | [`Outcome::defer`](crate::Outcome::defer) | stored | committed | runs | 0 | Waiting: the reason |
    /// | Pebble unreachable, container in **setup** | stored | committed | runs | 0 | Waiting |
    /// | Pebble unreachable in **any `<container>-pebble-*` hook** | stored | committed | runs | 0 | Waiting; runs again before the next event |
    /// | Pebble unreachable, **operation**, retries exhausted | – | dropped by Juju | no | 1 | error state; Juju runs the hook again (5 s … 5 min) |
    /// | Pebble unreachable in `stop` or `remove` | done | committed | no | 0 | one attempt, logged: what it would stop is gone |
    /// | Pebble was restarted meanwhile, and the layer of the call is gone with the last one | stored | committed | runs | 0 | Waiting; `<container>-pebble-ready` comes |
    /// | another change is still at work on the service at the change deadline | stored | committed | runs | 0 | Waiting: what is at work |
    /// | a change failed (a service did not start or stay up), or is still running at its deadline, or what was waited for has not come about | stored | committed | runs | 0 | Blocked (`failed: ` service, cause, last output line) or Waiting (running, not come about) |
    /// | a mistake only the user can mend ([`Error::config`]; a refusal, by a 400 or by the failed change, of a command, user, group or working-dir that the charm leads back to an option by [`Charm::option_of`](crate::Charm::option_of); without that the refusal is any other error, and the failed change a failed change) | done | committed | runs | 0 | Blocked: which option and what to change; no retry storm |
    /// | any other error (a definite 4xx, a bug, a panic) | – | dropped | no | 1 | error state, the cause chain in the log |
    /// | any other error in a `<container>-pebble-*` hook | stored | committed | runs | 0 | Blocked: the cause. Juju hides a failed workload hook, so it must never be the last word |
    ///
    /// - A transfer or a command that Pebble's end interrupted counts as Pebble unreachable; the
    ///   client could not repeat the call by itself.
    /// - A stored event that runs again is judged by its own row, not by that of the hook it runs
    ///   in: a stored `config-changed` whose Pebble is unreachable in operation fails the hook,
    ///   even an `update-status`. In a `<container>-pebble-*` hook, which must not fail, it stays
    ///   stored instead. If Juju cannot be asked whether the relation or the storage of a stored
    ///   event is still there, that is any other error, and the charm is not asked for a verdict.
    /// - In an event that cannot be stored (`stop`, `remove`, `secret-rotate`, `secret-expired`)
    ///   the hook fails instead, and Juju runs it again by itself.
    /// - A `<container>-pebble-*` hook exits with 0 only for what was committed. If its event
    ///   cannot be stored or the state cannot be written, the unit is Blocked with the cause and
    ///   the exit code is 1.
    /// - The changes of databags are sent after the handlers. If one cannot be sent, the hook
    ///   fails; in a `<container>-pebble-*` hook every event of it is stored instead, so that its
    ///   handler writes the databags again, and the unit is Blocked with the cause. There, and in
    ///   `stop` and `remove`, the changes of a relation that is gone are dropped.
    /// - The table is not used in an action: its error is its failure message, the exit code is 0,
    ///   and the unit is not put in error.
    pub fn by_table(event: &Event, error: &Error) -> Self {
        // The config comes before the kind: a mistake in it blocks the unit in every event, since
        // running the hook again would change nothing.
        if let Some(message) = error.blocked_message() {
            return Self::Block(message);
        }
        let verdict = Self::by_kind(event, error);
        let verdict = if event.is_workload() { verdict.without_failing(error) } else { verdict };
        match verdict {
            // Juju sends these events again by itself if the hook fails.
            Self::Store(_) if !event.is_deferrable() => Self::Fail,
            verdict => verdict,
        }
    }

    fn by_kind(event: &Event, error: &Error) -> Self {
        let Some(pebble) = error.pebble() else {
            return Self::Fail;
        };
        match pebble.kind() {
            // The pod or the unit is about to be removed, and its workload with it: nothing is left
            // to stop.
            _ if pebble.is_unavailable() && event.is_ending() => Self::Done,
            _ if pebble.is_unavailable() && error.in_setup() => {
                Self::Store(waiting_for_pebble(error))
            }
            // The handler of the next pebble-ready adds the layer again.
            pebble::ErrorKind::Restarted if event.is_ending() => Self::Done,
            pebble::ErrorKind::Restarted => Self::Store(waiting_for_pebble(error)),
            // An exec has failed, not a service: the command is the charm's own, so storing the
            // event would only repeat the mistake.
            pebble::ErrorKind::ChangeFailed if is_command(pebble) => Self::Fail,
            pebble::ErrorKind::ChangeFailed => {
                let explanation = error.failure_explanation().map(str::to_owned);
                Self::Store(Status::blocked(explanation.unwrap_or_else(|| failed_change(pebble))))
            }
            pebble::ErrorKind::ChangeRunning | pebble::ErrorKind::NotReached => {
                Self::Store(Status::waiting(one_line(pebble)))
            }
            _ => Self::Fail,
        }
    }

    /// Returns the verdict for a `<container>-pebble-*` hook, which must not fail: Juju would drop
    /// it without a trace (Juju 3.6 and 4.x, read in its source).
    pub(crate) fn without_failing(self, error: &Error) -> Self {
        match self {
            Self::Fail if error.pebble().is_some_and(pebble::Error::is_unavailable) => {
                Self::Store(waiting_for_pebble(error))
            }
            Self::Fail => Self::Store(Status::blocked(error.chain())),
            verdict => verdict,
        }
    }
}

/// Returns the status of a component whose Pebble does not answer.
pub(crate) fn waiting_for_pebble(error: &Error) -> Status {
    match error.container() {
        Some(container) => Status::waiting(format!("waiting for Pebble in \"{container}\"")),
        None => Status::waiting("waiting for Pebble"),
    }
}

/// Returns `true` if the failed change ran a command (Pebble's exec) and concerns no service.
pub(crate) fn is_command(error: &pebble::Error) -> bool {
    error.change().is_some_and(|change| change.kind() == "exec")
}

/// Returns `failed: SERVICE: CAUSE: LAST OUTPUT LINE`, with a part for each service.
fn failed_change(error: &pebble::Error) -> String {
    let parts: Vec<String> = error.failed_services().iter().map(failed_service).collect();
    if parts.is_empty() {
        let cause = error
            .change()
            .and_then(pebble::Change::err)
            .map_or_else(|| error.to_string(), str::to_owned);
        return one_line(&format_args!("failed: {cause}"));
    }
    one_line(&format_args!("failed: {}", parts.join("; ")))
}

/// Returns `SERVICE: CAUSE: LAST OUTPUT LINE`.
pub(crate) fn failed_service(failure: &pebble::ServiceFailure) -> String {
    let (service, cause) = (failure.service(), failure.cause());
    failure
        .last_output()
        .map_or_else(|| format!("{service}: {cause}"), |line| format!("{service}: {cause}: {line}"))
}

#[cfg(test)]
mod tests {
    use std::any::Any;
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::error::ContainerTag;
    use crate::juju::StatusKind;
    use crate::pebble::Change;
    use crate::pebble::testing::ErrorBuilder;
    use crate::phase::Phase;

    fn events() -> Vec<Event> {
        let container = || "web".parse().unwrap();
        vec![
            Event::Install,
            Event::ConfigChanged,
            Event::UpdateStatus,
            Event::Stop,
            Event::Remove,
            Event::pebble_ready(container()),
            Event::pebble_check_failed(container(), "up".parse().unwrap()),
            Event::relation_changed(
                "db".parse().unwrap(),
                "db:7".parse().unwrap(),
                "pg/0".parse().unwrap(),
            ),
            Event::secret_rotate("9m4e2mr0ui3e8a215n4g".parse().unwrap(), None),
            Event::unknown("secret-rotate", []),
        ]
    }

    fn change(status: &str) -> Change {
        serde_json::from_value(json!({
            "id": "7", "kind": "replan", "summary": "Replan", "status": status, "ready": false
        }))
        .unwrap()
    }

    fn web(phase: Phase) -> Arc<dyn Any + Send + Sync> {
        Arc::new(ContainerTag::new("web".parse().unwrap(), phase))
    }

    fn errors(phase: Phase) -> Vec<Error> {
        let at = |error: ErrorBuilder| Error::from(error.tag(web(phase)).build());
        vec![
            at(ErrorBuilder::new(pebble::ErrorKind::Unreachable, "replan")),
            at(ErrorBuilder::new(pebble::ErrorKind::ChangeFailed, "replan")
                .change(change("Error"))),
            at(ErrorBuilder::new(pebble::ErrorKind::ChangeRunning, "replan")
                .change(change("Doing"))
                .reason("still running")),
            at(ErrorBuilder::new(pebble::ErrorKind::Protocol, "replan")),
            at(ErrorBuilder::new(pebble::ErrorKind::NotReached, "wait")),
            Error::config("port", "must be even"),
            Error::new("cannot count the sheep"),
            Error::deferral("cannot defer"),
            at(ErrorBuilder::new(pebble::ErrorKind::Interrupted { bytes: 7 }, "push \"/a\"")),
            at(ErrorBuilder::new(pebble::ErrorKind::OutcomeUnknown, "run command \"a\"")),
        ]
    }

    #[test]
    fn what_broke_off_in_the_middle_is_pebble_away() {
        for phase in [Phase::Setup, Phase::Operation] {
            let errors = errors(phase);
            for event in events() {
                let [away, .., transfer, command] = errors.as_slice() else {
                    panic!("no errors");
                };
                for broke in [transfer, command] {
                    assert_eq!(
                        Verdict::by_table(&event, away),
                        Verdict::by_table(&event, broke),
                        "{event}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_running_change_is_waited_for() {
        let running = &errors(Phase::Operation)[2];
        let Verdict::Store(status) = Verdict::by_table(&Event::ConfigChanged, running) else {
            panic!("{running}")
        };
        assert_eq!(
            (status.kind(), status.message()),
            (StatusKind::Waiting, "cannot replan: still running")
        );
    }

    #[test]
    fn a_layer_that_went_with_a_restart_is_waited_for() {
        let error = |phase| {
            let error = ErrorBuilder::new(pebble::ErrorKind::Restarted, "restart service \"web\"")
                .target("container \"web\"")
                .tag(web(phase))
                .build();
            Error::from(error)
        };
        for phase in [Phase::Setup, Phase::Operation] {
            let waits = Verdict::Store(Status::waiting("waiting for Pebble in \"web\""));
            assert_eq!(Verdict::by_table(&Event::ConfigChanged, &error(phase)), waits);
            assert_eq!(Verdict::by_table(&Event::Stop, &error(phase)), Verdict::Done);
        }
    }

    #[test]
    fn what_has_not_come_about_is_waited_for() {
        let error = ErrorBuilder::new(pebble::ErrorKind::NotReached, "wait for check \"up\"")
            .target("container \"web\"")
            .reason("it is down")
            .tag(web(Phase::Operation))
            .build();
        let error = Error::from(error);
        let Verdict::Store(status) = Verdict::by_table(&Event::ConfigChanged, &error) else {
            panic!("{error}")
        };
        assert_eq!(
            (status.kind(), status.message()),
            (StatusKind::Waiting, "cannot wait for check \"up\" in container \"web\": it is down")
        );
    }

    #[test]
    fn a_command_that_cannot_be_started_is_the_charms_error() {
        let change = serde_json::from_value(json!({
            "id": "7", "kind": "exec", "summary": "Execute command \"mange\"", "status": "Error",
            "ready": true,
            "tasks": [{
                "id": "9", "kind": "exec", "summary": "Execute command \"mange\"",
                "status": "Error",
                "log": ["2026-11-22T20:00:10Z ERROR fork/exec /mange: no such file or directory"]
            }]
        }))
        .unwrap();
        let error = ErrorBuilder::new(pebble::ErrorKind::ChangeFailed, "run command \"mange\"")
            .reason("fork/exec /mange: no such file or directory")
            .change(change)
            .tag(web(Phase::Operation))
            .build();
        let error = Error::from(error);
        assert_eq!(Verdict::by_table(&Event::ConfigChanged, &error), Verdict::Fail);
        let ready = Event::pebble_ready("web".parse().unwrap());
        assert_eq!(
            Verdict::by_table(&ready, &error),
            Verdict::Store(Status::blocked(error.chain()))
        );
    }

    #[test]
    fn a_failed_change_without_details_still_says_something() {
        let failed = &errors(Phase::Operation)[1];
        let Verdict::Store(status) = Verdict::by_table(&Event::ConfigChanged, failed) else {
            panic!("{failed}")
        };
        assert!(
            status.kind() == StatusKind::Blocked && status.message().starts_with("failed: "),
            "{status:?}"
        );
    }

    #[test]
    fn no_row_leads_where_it_must_not() {
        for phase in [Phase::Setup, Phase::Operation] {
            for error in errors(phase) {
                for event in events() {
                    let verdict = Verdict::by_table(&event, &error);
                    match &verdict {
                        Verdict::Fail => assert!(!event.is_workload(), "{event}: {error}"),
                        Verdict::Store(_) => assert!(event.is_deferrable(), "{event}: {error}"),
                        Verdict::Done => assert!(event.is_ending(), "{event}: {error}"),
                        Verdict::Block(_) => {
                            assert!(error.blocked_message().is_some(), "{event}: {error}");
                        }
                    }
                }
            }
        }
    }
}

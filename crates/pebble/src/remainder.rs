//! The remainder of an action on services is what its change has left undone: another change was at
//! work on the same service, or Pebble was restarted in the meantime.
//!
//! The client never sends the same request again for it, since that would repeat what is done. A
//! restart becomes the missing start, and a replan becomes a replan of what still differs.

use super::change::{Change, ChangeStatus, Task};
use super::known_layers::ReplacedServices;
use super::resend::LostAction;
use super::service_failure::service_of;
use super::service_info::{ServiceInfo, Startup};

// Pebble reports these by texts only (1.32, `internals/overlord/servstate/handlers.go`); there are
// no codes for them.

/// A start task fails with this text while the service is `terminating` or `killing`.
const START_REFUSED: &str = "cannot start service while ";

/// A stop task fails with this text while the service is in a state that it cannot leave; before
/// Pebble 1.17 also while it is starting.
const STOP_REFUSED: &str = "cannot stop service while ";

/// A start fails with this text when its service is stopped within its first second: by another
/// client, or by a daemon that is itself told to stop.
pub(super) const STOPPED_EARLY: &str = "service start attempt: stopped before the 1s okay delay";

/// The next daemon fails a start with this text that was in progress when the last daemon was
/// killed (since 1.26).
pub(super) const INTERRUPTED: &str = "service already started, not retrying";

/// The next daemon fails a start or restart that it took over with this text, when the service was
/// in a layer that it has forgotten: `cannot find service "web" in plan`.
pub(super) const NOT_IN_PLAN: &str = "cannot find service ";

/// The kind and summary of the change that stops all services before a daemon ends.
const STOP_OF_ALL: (&str, &str) = ("stop", "Stop all running services");

/// Returns `true` if a daemon has made this change because it is about to end.
pub(super) fn is_stop_of_all(change: &Change) -> bool {
    (change.kind(), change.summary()) == STOP_OF_ALL
}

/// The starts and stops that are still to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Remainder {
    pub(super) starts: Vec<String>,
    pub(super) stops: Vec<String>,
}

impl Remainder {
    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty() && self.stops.is_empty()
    }

    /// Returns the names of all its services.
    pub(super) fn services(&self) -> Vec<String> {
        let mut names = [self.stops.clone(), self.starts.clone()].concat();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the requests that do it, in order.
    pub(super) fn requests(self) -> Vec<LostAction> {
        [("stop", self.stops), ("start", self.starts)]
            .into_iter()
            .filter(|(_, services)| !services.is_empty())
            .map(|(kind, services)| LostAction { kind, services })
            .collect()
    }

    /// Returns `true` if the task does a part of it.
    pub(super) fn has(&self, task: &Task) -> bool {
        let services = match task.kind() {
            "start" => &self.starts,
            "stop" => &self.stops,
            _ => return false,
        };
        service_of(task).is_some_and(|name| services.contains(&name))
    }

    fn add(&mut self, task: &Task) {
        let Some(service) = service_of(task) else { return };
        match task.kind() {
            "start" => self.starts.push(service),
            "stop" => self.stops.push(service),
            _ => {}
        }
    }
}

/// Returns what is left of a change that failed only because another change was at work on its
/// services; `None` if it failed for a reason of its own, or was aborted.
pub(super) fn remainder_after_conflict(change: &Change) -> Option<Remainder> {
    let is_refused = |task: &Task| *task.status() == ChangeStatus::Error && is_conflict(task);
    let left = change.tasks().iter().any(is_refused).then(|| remainder_of(change, |_| true))?;
    left.filter(|left| !left.is_empty())
}

/// Returns what is left of the tasks of a finished change that `concerns` selects: those that
/// another change prevented, and those that were never begun. Returns `None` if one of them failed
/// for a reason of its own.
pub(super) fn remainder_of(change: &Change, concerns: impl Fn(&Task) -> bool) -> Option<Remainder> {
    let mut left = Remainder::default();
    for task in change.tasks().iter().filter(|task| concerns(task)) {
        match task.status() {
            ChangeStatus::Error if !is_conflict(task) => return None,
            ChangeStatus::Error | ChangeStatus::Hold => left.add(task),
            _ => {}
        }
    }
    Some(left)
}

/// Returns `true` if a task failed only because another change was at work on its service.
fn is_conflict(task: &Task) -> bool {
    task.last_error().is_some_and(|error| {
        error.starts_with(START_REFUSED)
            || error.starts_with(STOP_REFUSED)
            || error.starts_with(STOPPED_EARLY)
    })
}

/// Returns the starts and stops of a change that ended well only because another change was doing
/// the same.
pub(super) fn joined_work(change: &Change) -> Remainder {
    let mut joined = Remainder::default();
    change.joined_tasks().for_each(|task| joined.add(task));
    joined
}

/// Returns `true` if `other` was still doing what a task of `change` found in progress.
pub(super) fn was_running_when_joined(other: &Change, change: &Change, joined: &Remainder) -> bool {
    let was_running = |other_task: &Task| {
        let same = |task: &&Task| {
            task.kind() == other_task.kind() && service_of(task) == service_of(other_task)
        };
        let own_end = change.tasks().iter().find(same).and_then(Task::ready_time);
        other_task.ready_time().is_none_or(|end| own_end.is_some_and(|own_end| own_end <= end))
    };
    let mut tasks = other.tasks().iter();
    tasks.any(|task| joined.has(task) && was_running(task))
}

/// Returns `true` if a change has a task for one of these services.
pub(super) fn has_task_for(change: &Change, services: &[String]) -> bool {
    change.tasks().iter().filter_map(service_of).any(|name| services.contains(&name))
}

/// The state of a restarted daemon, for an action that the last one had accepted.
pub(super) struct Restarted<'a> {
    /// The change, which is over, if the new daemon still has it.
    pub(super) change: Option<&'a Change>,
    /// The services that were to be started, as far as they are known.
    pub(super) names: &'a [String],
    /// The status of those services on the new daemon.
    pub(super) services: &'a [ServiceInfo],
    /// The services whose configuration was replaced when the layers were put back.
    pub(super) replaced: &'a ReplacedServices,
}

impl Restarted<'_> {
    /// Returns the requests that have the effect of `action` on the new daemon; none if the change
    /// has had it there.
    pub(super) fn requests(&self, action: &LostAction) -> Vec<LostAction> {
        match action.kind {
            // These do nothing where nothing is to be done, so they are simply sent again.
            "stop" | "replan" => vec![action.clone()],
            // Only Pebble knows which services are enabled.
            "autostart" if self.names.is_empty() => {
                let enabled = |info: &&ServiceInfo| *info.startup() == Startup::Enabled;
                let outdated = self.services.iter().filter(enabled);
                let outdated = outdated.filter(|info| self.replaced.is_outdated(info));
                let services: Vec<String> = outdated.map(|info| info.name().to_owned()).collect();
                let mut requests = vec![action.clone()];
                if !services.is_empty() {
                    requests.push(LostAction { kind: "restart", services });
                }
                requests
            }
            _ => self.starts(),
        }
    }

    fn starts(&self) -> Vec<LostAction> {
        let tasks = self.change.map(Change::tasks).unwrap_or_default();
        let done = |name: &String| {
            tasks.iter().any(|task| {
                (task.kind(), task.status()) == ("start", &ChangeStatus::Done)
                    && service_of(task).as_ref() == Some(name)
            })
        };
        let mut left = Remainder::default();
        let mut restarts = Vec::new();
        for name in self.names {
            // A task that the last daemon has done says nothing about the services of this one.
            let here = self.services.iter().find(|info| info.name() == name);
            match here.filter(|info| info.current_since().is_some()) {
                Some(info) if self.replaced.is_outdated(info) => restarts.push(name.clone()),
                Some(_) if done(name) => {}
                _ => left.starts.push(name.clone()),
            }
        }
        let mut requests = left.requests();
        if !restarts.is_empty() {
            requests.push(LostAction { kind: "restart", services: restarts });
        }
        requests
    }
}

/// Returns the services of the start tasks of a change.
pub(super) fn started_services(change: &Change) -> Vec<String> {
    change.tasks().iter().filter(|task| task.kind() == "start").filter_map(service_of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn change(kind: &str, tasks: &[(&str, &str, &str, &str)]) -> Change {
        let tasks: Vec<Value> = tasks
            .iter()
            .map(|(kind, service, status, log)| {
                let log = if log.is_empty() {
                    vec![]
                } else {
                    vec![format!("2026-11-22T20:00:10Z {log}")]
                };
                let verb = if *kind == "start" { "Start" } else { "Stop" };
                let summary = format!("{verb} service {service:?}");
                json!({"kind": kind, "status": status, "summary": summary, "log": log})
            })
            .collect();
        let failed = tasks.iter().any(|task| task["status"] == "Error");
        let status = if failed { "Error" } else { "Done" };
        serde_json::from_value(json!({
            "id": "7", "kind": kind, "status": status, "ready": true, "tasks": tasks
        }))
        .unwrap()
    }

    fn action(kind: &'static str, services: &[&str]) -> LostAction {
        LostAction { kind, services: services.iter().map(|name| (*name).to_owned()).collect() }
    }

    fn info(name: &str, was_started: bool) -> ServiceInfo {
        let since = was_started.then_some("2026-11-22T20:00:10Z");
        serde_json::from_value(json!({
            "name": name, "startup": "enabled", "current": "active", "current-since": since
        }))
        .unwrap()
    }

    fn requests(left: Vec<LostAction>) -> Vec<String> {
        left.iter().map(|action| format!("{} {}", action.kind, action.services.join(" "))).collect()
    }

    #[test]
    fn what_another_was_in_the_way_of_is_left_and_nothing_else() {
        for text in [
            "ERROR cannot start service while terminating",
            "ERROR cannot start service while killing",
            "ERROR service start attempt: stopped before the 1s okay delay",
        ] {
            let change = change(
                "restart",
                &[
                    ("stop", "a", "Done", ""),
                    ("start", "a", "Done", ""),
                    ("start", "b", "Error", text),
                    ("start", "c", "Hold", ""),
                ],
            );
            let left = remainder_after_conflict(&change).unwrap();
            assert_eq!(requests(left.requests()), ["start b c"], "{text}");
        }
        let held = change(
            "restart",
            &[
                ("stop", "a", "Error", "ERROR cannot stop service while starting"),
                ("stop", "b", "Hold", ""),
                ("start", "a", "Hold", ""),
            ],
        );
        assert_eq!(
            requests(remainder_after_conflict(&held).unwrap().requests()),
            ["stop a b", "start a"]
        );
    }

    #[test]
    fn a_failure_of_its_own_is_no_conflict() {
        let quick = "ERROR service start attempt: exited quickly with code 1, will restart";
        let busy = "ERROR cannot start service while terminating";
        for tasks in [
            &[("start", "a", "Error", quick)][..],
            &[("start", "a", "Error", busy), ("start", "b", "Error", quick)],
            &[("start", "a", "Error", "ERROR start aborted, sent SIGKILL to process")],
            &[("start", "a", "Done", "")],
            &[("start", "a", "Error", "")],
            // The change was aborted.
            &[("stop", "a", "Done", ""), ("start", "a", "Hold", "")],
        ] {
            assert_eq!(remainder_after_conflict(&change("start", tasks)), None, "{tasks:?}");
        }
    }

    #[test]
    fn what_another_had_begun_is_joined() {
        let change = change(
            "start",
            &[
                ("start", "a", "Done", "INFO Service \"a\" already started."),
                ("start", "b", "Done", ""),
                ("stop", "c", "Done", "INFO Service \"c\" already stopping."),
                ("stop", "d", "Done", "INFO Service \"d\" already stopped."),
            ],
        );
        let joined = joined_work(&change);
        assert_eq!((joined.services(), joined.starts.len()), (vec!["a".into(), "c".into()], 1));
        assert!(
            has_task_for(&change, &["b".to_owned()]) && !has_task_for(&change, &["x".to_owned()])
        );
    }

    #[test]
    fn a_restarted_daemon_is_asked_for_what_it_has_not_done() {
        let services = [info("done", true), info("file", true), info("gone", false)];
        let replaced = ReplacedServices::of(&["file"], "2026-11-22T20:00:11Z");
        let change = change(
            "restart",
            &[
                ("start", "done", "Done", ""),
                ("start", "file", "Done", ""),
                ("start", "gone", "Done", ""),
                ("start", "lost", "Error", "ERROR cannot find service \"lost\" in plan"),
                ("start", "held", "Hold", ""),
            ],
        );
        let names = ["done", "file", "gone", "lost", "held"].map(str::to_owned);
        let known = Restarted {
            change: Some(&change),
            names: &names,
            services: &services,
            replaced: &replaced,
        };
        assert_eq!(
            requests(known.requests(&action("restart", &["done"]))),
            ["start gone lost held", "restart file"]
        );
        let unknown = |names: &[&str], action: &LostAction| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let (names, services, replaced) = (&names, &services, &replaced);
            requests(Restarted { change: None, names, services, replaced }.requests(action))
        };
        assert_eq!(unknown(&["gone"], &action("restart", &["gone"])), ["start gone"]);
        assert_eq!(unknown(&["file"], &action("start", &["file"])), ["restart file"]);
        assert_eq!(unknown(&["gone"], &action("stop", &["gone"])), ["stop gone"]);
        assert_eq!(unknown(&["gone"], &action("replan", &[])), ["replan "]);
        assert_eq!(unknown(&[], &action("autostart", &[])), ["autostart ", "restart file"]);
        // A service that was started after the layers were put back runs as they say.
        let replaced = ReplacedServices::of(&["file"], "2026-11-22T20:00:09Z");
        let names = ["file".to_owned()];
        let later =
            Restarted { change: None, names: &names, services: &services, replaced: &replaced };
        assert_eq!(requests(later.requests(&action("restart", &["file"]))), ["start file"]);
    }
}

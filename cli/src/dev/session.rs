//! The session: the unit's model, everything around it, and the one loop that moves it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use charmwright_agent::{AgentPaths, Unit};
use tokio::sync::mpsc;

use super::charm_source::CharmSource;
use super::container::Container;
use super::deferred_events::deferred_events_of;
use super::lasting_error::LastingError;
use super::pebble_watcher::Watchers;
use super::phase::Phase;
use super::refresh_state::Refresh;
use super::running_hook::RunningHook;
use super::script::Script;
use super::session_event::SessionEvent;
use super::table::{Deferred, Snapshot};
use super::terminal_output::TerminalOutput;
use super::unit_log::UnitLog;
use super::workspace::Workspace;
use crate::error::Result;
use crate::processes;

/// The state of a container that has been started since the last poll.
const NOT_POLLED: &str = "started, not polled yet";
/// The state of a container that was asked to end.
const STOPPING: &str = "stopping";

/// One unit's agent, from install to remove.
pub struct Session {
    pub(super) unit: Unit,
    pub(super) charm: CharmSource,
    pub(super) charm_dir: PathBuf,
    pub(super) charm_files: BTreeSet<PathBuf>,
    pub(super) paths: AgentPaths,
    pub(super) agent_socket: PathBuf,
    pub(super) workspace: Workspace,
    pub(super) containers: Vec<Container>,
    /// `None` once the unit is gone.
    pub(super) watchers: Option<Watchers>,
    pub(super) pebble: Option<PathBuf>,
    pub(super) terminal_output: TerminalOutput,
    pub(super) is_json: bool,
    pub(super) events: mpsc::UnboundedReceiver<SessionEvent>,
    pub(super) event_sender: mpsc::UnboundedSender<SessionEvent>,

    pub(super) hook: Option<RunningHook>,
    pub(super) script: Script,
    pub(super) phase: Phase,
    /// Whether the exit code will be 1.
    pub(super) has_failed: bool,
    /// The stage of an `upgrade`.
    pub(super) refresh: Refresh,
    /// What the last table showed.
    pub(super) last_table: Option<Snapshot>,
    pub(super) unit_log: UnitLog,
    pub(super) lasting_error: LastingError,
    /// Pebble's version in each container, by the last poll.
    pub(super) versions: BTreeMap<String, String>,
}

impl Session {
    /// Starts every container that is not running.
    ///
    /// # Errors
    /// When a process cannot be started.
    pub fn start_all_containers(&mut self) -> Result<()> {
        let Some(pebble) = self.pebble.clone() else {
            return Ok(());
        };
        for container in &mut self.containers {
            container.start(&pebble)?;
        }
        Ok(())
    }

    pub(super) fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// Whether the unit has nothing left to do, and nothing is under way that will give it
    /// something.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        let changing = self.containers.iter().any(Container::is_changing);
        self.hook.is_none()
            && !self.refresh.is_under_way()
            && !changing
            && self.unit.is_settled(now)
    }

    /// What there is to say of an error for good. A container that is on its way, or a charm that
    /// is being built, may end any error.
    pub(super) fn lasting_error(&self) -> Option<String> {
        let on_its_way = |container: &Container| container.is_changing() || container.is_starting();
        if self.refresh.is_preparing() || self.containers.iter().any(on_its_way) {
            return None;
        }
        self.lasting_error.message(self.hook.is_none())
    }

    /// The unit as a table shows it.
    pub(super) fn snapshot(&self) -> Snapshot {
        let report = self.unit.report();
        let containers = report.containers.into_iter().map(|container| {
            let process = self.container(&container.name).is_some_and(Container::is_running);
            let version = self.versions.get(&container.name).map_or("", String::as_str);
            let state = match (process, container.pebble.as_str()) {
                (false, _) => "stopped".to_owned(),
                (true, _)
                    if self.container(&container.name).is_some_and(Container::is_changing) =>
                {
                    STOPPING.to_owned()
                }
                (true, "up") => format!("up {version}"),
                (true, "down") => "not answering".to_owned(),
                (true, _) => NOT_POLLED.to_owned(),
            };
            (container.name, state)
        });
        Snapshot {
            containers: containers.collect(),
            application: report.application,
            unit: report.unit,
            is_leader: report.leader,
            version: report.version,
            application_status: report.application_status,
            application_message: report.application_message,
            workload: report.status,
            message: report.message,
            agent: match &self.hook {
                Some(hook) => format!("executing ({})", hook.describe(Instant::now())),
                None => report.agent_status,
            },
            ports: report.ports,
            deferred: deferred_events_of(&self.unit)
                .iter()
                .map(|stored| Deferred {
                    event: stored.event().to_string(),
                    reason: stored.reason().to_owned(),
                    since: stored.since(),
                    count: stored.count(),
                    tries: stored.attempts(),
                })
                .collect(),
        }
    }

    /// Prints the table if it would show something new; a container that is on its way is not told
    /// of before it is there.
    pub(super) fn print_table_if_changed(&mut self) {
        let snapshot = self.snapshot();
        let between =
            snapshot.containers.iter().any(|(_, state)| state == NOT_POLLED || state == STOPPING);
        if !between && self.last_table.as_ref() != Some(&snapshot) {
            self.print_snapshot(snapshot);
        }
    }

    /// Prints the table.
    pub(super) fn print_table(&mut self) {
        self.print_snapshot(self.snapshot());
    }

    fn print_snapshot(&mut self, snapshot: Snapshot) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let table = snapshot.table(now.as_secs());
        self.terminal_output.print_text(&format!("\n{table}\n"));
        self.last_table = Some(snapshot);
    }

    /// Collects the children that hooks left behind and that have ended since.
    pub(super) fn reap_orphans(&self) {
        // The build's thread waits for its own child, whose end must not be taken from it. The next
        // hook's end collects what is left.
        if self.refresh.is_preparing() {
            return;
        }
        let mut waited_for: Vec<_> = self.containers.iter().filter_map(Container::pid).collect();
        waited_for.extend(self.hook.as_ref().and_then(RunningHook::pid));
        processes::reap_orphans(&waited_for);
    }
}

//! The session: the model with the unit, and the containers, the hook, the script and the terminal
//! around it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use charmwright::dispatch::Deferred as DeferredEvent;
use charmwright_agent::{
    AgentPaths, JujuVersion, Model, RelationReport, Report, SecretReport, UnitName,
};
use tokio::sync::mpsc;

use super::charm_source::CharmSource;
use super::container::Container;
use super::deferred_events::deferred_events_of;
use super::lasting_error::LastingError;
use super::mounts::Mounts;
use super::pebble_watcher::Watchers;
use super::phase::Phase;
use super::refresh_state::Refresh;
use super::running_hook::RunningHook;
use super::script::Script;
use super::secret_names::SecretNames;
use super::session_event::SessionEvent;
use super::table::{Deferred, RelationRow, SecretRow, Snapshot, StorageRow};
use super::terminal_output::TerminalOutput;
use super::unit_log::UnitLog;
use super::workspace::Workspace;
use crate::error::Result;
use crate::processes;

/// The state of a container that was started after the last poll.
const NOT_POLLED: &str = "started, not polled yet";
/// The state of a container that was asked to end.
const STOPPING: &str = "stopping";

/// The agent of one unit, from install to remove.
pub struct Session {
    /// The model of Juju: it decides what runs next, and answers the hook tools.
    pub(super) model: Model,
    pub(super) juju_version: JujuVersion,
    /// The unit whose charm runs here. It stays in the model until the session ends.
    pub(super) unit: UnitName,
    /// The charm as its author has it, for `upgrade`.
    pub(super) charm: CharmSource,
    /// The folder that the charm runs from.
    pub(super) charm_dir: PathBuf,
    /// The files in that folder that are the charm's own, and not the unit's.
    pub(super) charm_files: BTreeSet<PathBuf>,
    /// The paths that the environment of a hook names.
    pub(super) paths: AgentPaths,
    /// The path of the socket that hook tools connect to.
    pub(super) agent_socket: PathBuf,
    pub(super) workspace: Workspace,
    /// The links at the paths at which containers mount storage.
    pub(super) mounts: Mounts,
    pub(super) containers: Vec<Container>,
    /// The watchers of the containers, or `None` once the unit is gone.
    pub(super) watchers: Option<Watchers>,
    /// The Pebble to run, or `None` if the charm has no container.
    pub(super) pebble: Option<PathBuf>,
    pub(super) terminal_output: TerminalOutput,
    /// `true` if the status at the end is printed as JSON.
    pub(super) is_json: bool,
    /// The queue of everything that happens to the session.
    pub(super) events: mpsc::UnboundedReceiver<SessionEvent>,
    /// A sender of that queue, to be cloned. It also keeps the queue open.
    pub(super) event_sender: mpsc::UnboundedSender<SessionEvent>,

    /// The hook that is running, if one is.
    pub(super) hook: Option<RunningHook>,
    pub(super) script: Script,
    pub(super) phase: Phase,
    /// `true` if the command will exit with 1.
    pub(super) has_failed: bool,
    /// The state of an `upgrade`.
    pub(super) refresh: Refresh,
    /// The state of the unit that the last table showed.
    pub(super) last_table: Option<Snapshot>,
    pub(super) unit_log: UnitLog,
    pub(super) lasting_error: LastingError,
    /// The names of the secrets that commands have added.
    pub(super) secret_names: SecretNames,
    /// The version of Pebble in each container, from the last poll.
    pub(super) versions: BTreeMap<String, String>,
}

impl Session {
    /// Starts every container that is not running.
    ///
    /// # Errors
    /// Fails if a process cannot be started.
    pub fn start_all_containers(&mut self) -> Result<()> {
        let Some(pebble) = self.pebble.clone() else {
            return Ok(());
        };
        for container in &mut self.containers {
            container.start(&pebble)?;
        }
        Ok(())
    }

    /// Returns the container of that name.
    pub(super) fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// Returns `true` if the unit has nothing left to do, and nothing is under way that will give
    /// it something to do.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        let changing = self.containers.iter().any(Container::is_changing);
        self.hook.is_none()
            && !self.refresh.is_under_way()
            && !changing
            && self.model.unit(&self.unit).is_ok_and(|unit| unit.is_settled(now))
    }

    /// Returns the text about a lasting error, if there is one. A container that is starting or
    /// ending, or a charm that is being built, may end any error, so there is none meanwhile.
    pub(super) fn lasting_error(&self) -> Option<String> {
        let on_its_way = |container: &Container| container.is_changing() || container.is_starting();
        if self.refresh.is_preparing() || self.containers.iter().any(on_its_way) {
            return None;
        }
        self.lasting_error.message(self.hook.is_none())
    }

    /// Returns the status of the unit. The model has the unit, so the empty report is never seen.
    pub(super) fn report(&self) -> Report {
        self.model.report(&self.unit).unwrap_or_default()
    }

    /// Returns the events that the unit's charm has deferred, oldest first.
    pub(super) fn deferred_events(&self) -> Vec<DeferredEvent> {
        self.model.unit(&self.unit).map(deferred_events_of).unwrap_or_default()
    }

    /// Returns the state of the unit for the table.
    pub(super) fn snapshot(&self) -> Snapshot {
        let report = self.report();
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
            storage: self.storage_rows(),
            resources: report
                .resources
                .into_iter()
                .filter(|resource| !resource.path.is_empty())
                .map(|resource| [resource.name, resource.kind, resource.path])
                .collect(),
            relations: report.relations.into_iter().map(relation_row).collect(),
            secrets: self.secret_rows(report.secrets),
            deferred: self
                .deferred_events()
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

    /// Returns the rows of the storage, of the detached instances too: they can be attached again.
    fn storage_rows(&self) -> Vec<StorageRow> {
        let rows = self.model.storages().map(|instance| StorageRow {
            id: instance.id().to_string(),
            kind: instance.kind().to_string(),
            state: instance.state().as_str().to_owned(),
            unit: instance.unit().map(ToString::to_string).unwrap_or_default(),
            location: instance.location().unwrap_or_default().to_owned(),
        });
        rows.collect()
    }

    /// Returns the rows of the secrets of a report, and of those that commands have added and the
    /// unit has not read yet.
    fn secret_rows(&self, reported: Vec<SecretReport>) -> Vec<SecretRow> {
        let is_reported = |uri: &str| reported.iter().any(|secret| secret.id == uri);
        let unread = self.secret_names.uris().filter(|uri| !is_reported(uri));
        let unread =
            unread.filter_map(|uri| self.model.secret_report(&self.unit, &uri.parse().ok()?));
        let unread: Vec<SecretReport> = unread.collect();
        let rows = reported.into_iter().chain(unread).map(|secret| SecretRow {
            name: self.secret_names.name(&secret.id).map_or(secret.label, str::to_owned),
            uri: secret.id,
            owner: secret.owner,
            revision: secret.revision,
            tracked: secret.tracked,
            rotation: secret.rotation.unwrap_or_default(),
        });
        rows.collect()
    }

    /// Prints the table if it has changed. While a container is starting or ending, the table is
    /// not printed.
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

    /// Prints the table, and keeps its content to notice the next change.
    fn print_snapshot(&mut self, snapshot: Snapshot) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let table = snapshot.table(now.as_secs());
        self.terminal_output.print_text(&format!("\n{table}\n"));
        self.last_table = Some(snapshot);
    }

    /// Collects the children that hooks left behind and that have ended since.
    pub(super) fn reap_orphans(&self) {
        // The thread of the build waits for its own child, which must not be collected here. The
        // end of the next hook collects the other children.
        if self.refresh.is_preparing() {
            return;
        }
        let mut waited_for: Vec<_> = self.containers.iter().filter_map(Container::pid).collect();
        waited_for.extend(self.hook.as_ref().and_then(RunningHook::pid));
        processes::reap_orphans(&waited_for);
    }
}

fn relation_row(relation: RelationReport) -> RelationRow {
    RelationRow {
        endpoint: relation.endpoint,
        id: relation.id.get(),
        remote: relation.remote_app,
        interface: relation.interface,
        state: relation.state,
        units: relation.units,
    }
}

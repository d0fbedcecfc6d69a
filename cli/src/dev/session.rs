//! The session: the unit's model, everything around it, and the one loop that moves it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use charmwright_agent::{AgentPaths, Next, Unit};
use tokio::sync::mpsc;

use super::charm_source::CharmSource;
use super::command_input::InputSource;
use super::container::Container;
use super::deferred_events::deferred_events_of;
use super::hooks::RunningHook;
use super::lasting_error::LastingError;
use super::pebble_watcher::Watchers;
use super::refresh_state::Refresh;
use super::script::Script;
use super::session_event::{Notice, PebbleInfo, SessionEvent, StopRequest};
use super::shutdown::Phase;
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

/// What a session is made of.
pub struct Parts {
    pub unit: Unit,
    pub charm: CharmSource,
    /// The folder that the charm runs from, and the files in it that are the charm's own.
    pub charm_dir: PathBuf,
    pub charm_files: BTreeSet<PathBuf>,
    pub paths: AgentPaths,
    pub agent_socket: PathBuf,
    pub workspace: Workspace,
    pub containers: Vec<Container>,
    pub watchers: Watchers,
    pub pebble: Option<PathBuf>,
    pub terminal_output: TerminalOutput,
    pub source: InputSource,
    pub json: bool,
    /// End once the unit is settled, or after this time.
    pub until_idle: Option<Duration>,
    pub events: mpsc::UnboundedReceiver<SessionEvent>,
    pub sender: mpsc::UnboundedSender<SessionEvent>,
}

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
    pub(super) json: bool,
    pub(super) events: mpsc::UnboundedReceiver<SessionEvent>,
    pub(super) sender: mpsc::UnboundedSender<SessionEvent>,

    pub(super) hook: Option<RunningHook>,
    pub(super) script: Script,
    pub(super) phase: Phase,
    /// Whether the exit code will be 1.
    pub(super) failed: bool,
    /// The stage of an `upgrade`.
    pub(super) refresh: Refresh,
    /// What the last table showed.
    shown: Option<Snapshot>,
    log: UnitLog,
    pub(super) lasting_error: LastingError,
    /// Pebble's version in each container, by the last poll.
    versions: BTreeMap<String, String>,
}

impl Session {
    pub fn new(parts: Parts) -> Self {
        Self {
            unit: parts.unit,
            charm: parts.charm,
            charm_dir: parts.charm_dir,
            charm_files: parts.charm_files,
            paths: parts.paths,
            agent_socket: parts.agent_socket,
            containers: parts.containers,
            watchers: Some(parts.watchers),
            pebble: parts.pebble,
            terminal_output: parts.terminal_output,
            json: parts.json,
            events: parts.events,
            sender: parts.sender,
            hook: None,
            script: Script::new(parts.source, parts.until_idle),
            phase: Phase::Alive,
            failed: false,
            refresh: Refresh::None,
            shown: None,
            log: UnitLog::new(&parts.workspace.unit_log()),
            lasting_error: LastingError::default(),
            versions: BTreeMap::new(),
            workspace: parts.workspace,
        }
    }

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

    /// Lives until the unit is gone and everything that was started has ended; `stops` asks it to
    /// end sooner.
    pub async fn run(mut self, mut stops: mpsc::UnboundedReceiver<StopRequest>) -> ExitCode {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            while let Some(stop) = stops.recv().await {
                if sender.send(SessionEvent::StopRequested(stop)).is_err() {
                    return;
                }
            }
        });
        loop {
            let wake = self.advance();
            if self.phase == Phase::Over {
                break;
            }
            let Some(event) = self.next_event(wake).await else {
                continue;
            };
            self.handle_event(event);
        }
        self.tear_down().await;
        if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Does everything that can be done now, and says until when nothing is due.
    fn advance(&mut self) -> Option<Instant> {
        let mut due = None;
        loop {
            let now = Instant::now();
            self.write_log();
            if self.terminal_output.is_broken() {
                self.quit();
            }
            self.enforce_shutdown(now);
            if self.phase == Phase::Over {
                return None;
            }
            self.print_running_hook(now);
            // Another charm may do what this one cannot.
            if self.refresh.is_preparing() {
                self.lasting_error.clear();
            }
            if self.hook.is_none() {
                self.continue_refresh();
                match self.unit.next(now) {
                    Next::Run(run) => {
                        self.start_hook(run);
                        continue;
                    }
                    Next::At(when) => due = Some(when),
                    // A container that still ends wakes us.
                    Next::PodEnded => {
                        if self.start_pod() {
                            continue;
                        }
                        due = None;
                    }
                    Next::Gone => {
                        self.phase = Phase::Over;
                        return None;
                    }
                    // Idle, or a hook that we do not know of: what comes next wakes us.
                    _ => due = None,
                }
                self.show_changes();
            }
            if !self.step_script(now) {
                break;
            }
        }
        let hook = self.hook.as_ref().map(RunningHook::next_progress_line);
        [due, hook, self.script.deadline(), self.phase.deadline()].into_iter().flatten().min()
    }

    async fn next_event(&mut self, wake: Option<Instant>) -> Option<SessionEvent> {
        match wake {
            // The session holds a sender itself, so the queue never closes.
            None => self.events.recv().await,
            Some(wake) => {
                tokio::time::timeout_at(wake.into(), self.events.recv()).await.ok().flatten()
            }
        }
    }

    fn handle_event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::ToolCalled(call) => self.answer_tool(call),
            SessionEvent::HookPrinted(lines) => self.hook_printed(lines),
            SessionEvent::HookEnded(end) => self.hook_ended(end),
            SessionEvent::PebblePolled { container, start, info } => {
                self.pebble_polled(&container, start, info);
            }
            SessionEvent::Notice { container, notice } => {
                let _ = match notice {
                    Notice::Custom { id, key } => {
                        let notice =
                            charmwright_agent::NoticeInfo { id, kind: "custom".to_owned(), key };
                        self.unit.custom_notice(&container, notice)
                    }
                    Notice::CheckFailed { check } => self.unit.check_failed(&container, &check),
                    Notice::CheckRecovered { check } => {
                        self.unit.check_recovered(&container, &check)
                    }
                };
            }
            SessionEvent::PebbleEnded { container, start, exit } => {
                self.pebble_ended(&container, start, exit);
            }
            SessionEvent::InputLine(line) => self.script.push(line),
            SessionEvent::InputEnded => self.script.end_of_input(),
            SessionEvent::RequestAnswered(outcome) => self.request_answered(outcome),
            SessionEvent::CharmPrepared(outcome) => self.charm_prepared(outcome),
            SessionEvent::StopRequested(StopRequest::Graceful) => self.quit(),
            SessionEvent::StopRequested(StopRequest::Immediate) => self.stop_at_once(),
        }
    }

    /// Takes the answer of a poll, or its absence.
    fn pebble_polled(&mut self, name: &str, start: u64, info: Option<PebbleInfo>) {
        let Some(container) = self.containers.iter_mut().find(|container| container.name == name)
        else {
            return;
        };
        // What was seen of a start that is over says nothing of the next.
        if container.current_start().unwrap_or(0) != start {
            return;
        }
        let before = self.unit.report().containers;
        // An error is of a container that a refresh took away.
        let _ = match info {
            Some(info) => {
                container.note_answer();
                self.versions.insert(name.to_owned(), info.version);
                self.unit.pebble_seen(name, &info.boot_id)
            }
            None if container.is_starting() => return,
            None => self.unit.pebble_down(name),
        };
        if self.unit.report().containers != before {
            self.lasting_error.clear();
        }
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
            leader: report.leader,
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
    fn show_changes(&mut self) {
        let snapshot = self.snapshot();
        let between =
            snapshot.containers.iter().any(|(_, state)| state == NOT_POLLED || state == STOPPING);
        if !between && self.shown.as_ref() != Some(&snapshot) {
            self.show(snapshot);
        }
    }

    /// Prints the table.
    pub(super) fn show_table(&mut self) {
        self.show(self.snapshot());
    }

    fn show(&mut self, snapshot: Snapshot) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let table = snapshot.table(now.as_secs());
        self.terminal_output.print_text(&format!("\n{table}\n"));
        self.shown = Some(snapshot);
    }

    /// Writes what is new in the unit's log to its file, and tells the operator of the charm's
    /// warnings.
    pub(super) fn write_log(&mut self) {
        let new = self.log.write_new_lines(&self.unit, &self.terminal_output.elapsed());
        for line in new {
            self.print_log_line(line.level, &line.logger, &line.message);
        }
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

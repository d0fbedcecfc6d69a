//! The model of one unit, and what the operator and the world do to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Instant, SystemTime};

use charmwright_juju::{ActionId, LogLevel};
use serde_json::{Map, Value};

use super::actions::ActionRecord;
use super::charm_meta::CharmMeta;
use super::error::{Error, ErrorKind};
use super::hook::{HookKind, NoticeInfo};
use super::hook_run::{Running, StatusValue};
use super::log::{Log, LogLine, Stream};
use super::ports::PortSet;
use super::settings::UnitSettings;

/// One unit as its agent knows it. See the [module](super) for the loop around it.
#[derive(Debug)]
pub struct Unit {
    pub(super) meta: CharmMeta,
    pub(super) settings: UnitSettings,

    // What Juju holds of it.
    pub(super) config: BTreeMap<String, Value>,
    pub(super) leader: bool,
    pub(super) state: BTreeMap<String, String>,
    pub(super) ports: PortSet,
    pub(super) status: StatusValue,
    status_since: Option<Instant>,
    /// Whether the charm ever set its status: the agent sets some of its own only until then.
    pub(super) status_set_by_charm: bool,
    pub(super) application_status: Option<StatusValue>,
    pub(super) version: String,
    pub(super) leader_settings: BTreeMap<String, String>,
    /// `CLASS/ID` of each payload that is registered (until Juju 3.6).
    pub(super) payloads: BTreeSet<String>,
    pub(super) log: Log,

    // Where it is in its life.
    pub(super) life: Life,
    pub(super) error: Option<HookError>,
    /// A hook that was killed, to be run again first of all.
    pub(super) requeued: Option<HookKind>,
    pub(super) workload_events: VecDeque<HookKind>,
    /// Workload hooks that have failed since the unit is on its way out.
    pub(super) given_up: Vec<HookKind>,
    pub(super) containers: BTreeMap<String, ContainerState>,
    pub(super) actions: BTreeMap<ActionId, ActionRecord>,
    pub(super) running: Option<Running>,
    pub(super) hooks_begun: u64,
    /// The latest instant that the caller named.
    now: Option<Instant>,
}

/// What happened, and what has been asked for.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) installed: bool,
    pub(super) leader_announced: bool,
    pub(super) leader_settings_seen: bool,
    /// The config that the last config-changed saw.
    pub(super) config_seen: Option<Map<String, Value>>,
    /// The first config-changed queues `start`, with nothing between; a restart of the agent queues
    /// it again.
    pub(super) start_queued: bool,
    pub(super) started: bool,
    pub(super) upgrade: bool,
    /// The pod is to end, or has ended and none has taken its place yet.
    pub(super) pod_ending: bool,
    /// The hooks that a new pod runs before `start` have not run yet.
    pub(super) pod_is_new: bool,
    pub(super) update_status: bool,
    /// From when the interval to the next update-status counts.
    pub(super) update_status_since: Option<Instant>,
    pub(super) dying: bool,
    pub(super) stopped: bool,
    pub(super) gone: bool,
}

/// A hook that failed, until it succeeds or is skipped.
#[derive(Debug)]
pub(super) struct HookError {
    pub(super) kind: HookKind,
    pub(super) failures: u32,
    /// Which step of the waits comes next; `resolved` goes back to the first.
    pub(super) step: u32,
    pub(super) retry: Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    Now,
    At(Instant),
    Never,
}

/// What the agent's poll knows of one container.
#[derive(Debug, Default)]
pub(super) struct ContainerState {
    /// What the last poll saw: `None` = not polled yet, `Some(None)` = no answer.
    pub(super) polled: Option<Option<String>>,
    /// The start of Pebble for which pebble-ready has succeeded.
    pub(super) recorded: Option<String>,
}

/// What `juju resolved` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    /// Run the failed hook again at once.
    Retry,
    /// `--no-retry`: count it as done.
    NoRetry,
}

/// How many events of Pebble's may wait while other hooks run; more than that is a workload that
/// has gone wild.
const WORKLOAD_EVENTS_KEPT: usize = 1_000;

impl Unit {
    /// A unit that has not been installed yet.
    #[must_use]
    pub fn new(meta: CharmMeta, settings: UnitSettings) -> Self {
        let containers =
            meta.containers().map(|name| (name.to_owned(), ContainerState::default())).collect();
        Self {
            leader: settings.leader,
            config: BTreeMap::new(),
            state: BTreeMap::new(),
            ports: PortSet::default(),
            status: StatusValue::new("waiting", "installing agent"),
            status_since: None,
            status_set_by_charm: false,
            application_status: None,
            version: String::new(),
            leader_settings: BTreeMap::new(),
            payloads: BTreeSet::new(),
            log: Log::default(),
            life: Life::default(),
            error: None,
            requeued: None,
            workload_events: VecDeque::new(),
            given_up: Vec::new(),
            containers,
            actions: BTreeMap::new(),
            running: None,
            hooks_begun: 0,
            now: None,
            meta,
            settings,
        }
    }

    /// What the charm declares.
    #[must_use]
    pub fn meta(&self) -> &CharmMeta {
        &self.meta
    }

    /// The unit's name, such as `web/0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.unit
    }

    /// Whether it is its application's leader.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.leader
    }

    /// The charm's stored state, as committed.
    #[must_use]
    pub fn state(&self) -> &BTreeMap<String, String> {
        &self.state
    }

    /// The config as a charm reads it now: what is set, else the default, else nothing.
    #[must_use]
    pub fn config(&self) -> Map<String, Value> {
        self.meta
            .options()
            .iter()
            .filter_map(|(name, option)| {
                let value = self.config.get(name).or(option.default())?;
                Some((name.clone(), value.clone()))
            })
            .collect()
    }

    /// `juju config KEY=VALUE`: read by the option's type. config-changed follows if that changes
    /// anything.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for an option that the charm does not declare, or a value that does
    /// not fit its type.
    pub fn set_config(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let Some(option) = self.meta.options().get(key) else {
            return Err(self.unknown_option(key));
        };
        let kind = option.kind();
        let read = kind.read(value).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!("cannot set option {key}: expected {}", kind.name()),
            )
        })?;
        self.config.insert(key.to_owned(), read);
        Ok(())
    }

    /// `juju config --reset KEY`: back to the default.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for an option that the charm does not declare.
    pub fn reset_config(&mut self, key: &str) -> Result<(), Error> {
        if !self.meta.options().contains_key(key) {
            return Err(self.unknown_option(key));
        }
        self.config.remove(key);
        Ok(())
    }

    fn unknown_option(&self, key: &str) -> Error {
        let known: Vec<&str> = self.meta.options().keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Error::new(
            ErrorKind::Config,
            format!("cannot set option {key}: the charm has no such option (it has: {known})"),
        )
    }

    /// Gives or takes the leadership. leader-elected follows when it is given.
    pub fn set_leader(&mut self, leader: bool) {
        if self.leader == leader {
            return;
        }
        self.leader = leader;
        self.life.leader_announced = false;
        // Losing it is no reason for a leader-settings-changed of its own.
        self.life.leader_settings_seen |= !leader;
    }

    /// `juju refresh` to the same charm on a machine: upgrade-charm, then config-changed. On
    /// Kubernetes a refresh is a new pod:
    /// [`Unit::end_pod`], then [`Unit::pod_started`].
    pub fn upgrade(&mut self) {
        self.life.upgrade = true;
    }

    /// `juju refresh` to a charm that declares something else. Options that are gone lose their
    /// value, as does one whose type no longer fits.
    pub fn upgrade_to(&mut self, meta: CharmMeta) {
        self.config = std::mem::take(&mut self.config)
            .into_iter()
            .filter_map(|(name, value)| {
                let value = meta.options().get(&name)?.kind().admit(&value)?;
                Some((name, value))
            })
            .collect();
        self.containers.retain(|name, _| meta.has_container(name));
        for name in meta.containers() {
            self.containers.entry(name.to_owned()).or_default();
        }
        self.workload_events
            .retain(|event| event.container().is_none_or(|name| meta.has_container(name)));
        self.meta = meta;
        self.life.upgrade = true;
    }

    /// `juju remove-unit`: stop and remove, then [`Next::Gone`](super::Next::Gone). A unit in error
    /// stays there until it is resolved.
    pub fn request_stop(&mut self) {
        self.life.dying = true;
    }

    /// Asks for an update-status now; it runs when nothing else is left to do.
    pub fn update_status(&mut self) {
        self.life.update_status = true;
    }

    /// The agent itself has been started again, in the same pod or on the same machine: start runs
    /// again, and pebble-ready for every container.
    pub fn agent_restarted(&mut self) {
        if self.life.started {
            self.life.start_queued = true;
        }
        for container in self.containers.values_mut() {
            *container = ContainerState::default();
        }
    }

    /// `juju resolved`.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if the unit is not in error, or the failed hook is running again right
    /// now.
    pub fn resolved(&mut self, how: Resolve) -> Result<(), Error> {
        let refuse = |why: &str| {
            Error::new(ErrorKind::State, format!("cannot resolve {}: {why}", self.settings.unit))
        };
        if self.running.as_ref().is_some_and(|running| !running.run.kind.is_action()) {
            return Err(refuse("a hook is running"));
        }
        match how {
            Resolve::Retry => {
                let error = self.error.as_mut();
                let error = error.ok_or_else(|| {
                    Error::new(
                        ErrorKind::State,
                        format!(
                            "cannot resolve {}: it is not in an error state",
                            self.settings.unit
                        ),
                    )
                })?;
                error.step = 0;
                error.retry = Retry::Now;
            }
            Resolve::NoRetry => {
                let error =
                    self.error.take().ok_or_else(|| refuse("it is not in an error state"))?;
                let config = self.config();
                self.complete(&error.kind, config, None);
            }
        }
        Ok(())
    }

    /// The agent's poll got an answer from a container's Pebble. A boot id for which pebble-ready
    /// has not succeeded yet makes one; polling on is what brings it back after a failure.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn pebble_seen(&mut self, container: &str, boot_id: &str) -> Result<(), Error> {
        let state = self.container_mut(container)?;
        state.polled = Some(Some(boot_id.to_owned()));
        if state.recorded.as_deref() == Some(boot_id) {
            return Ok(());
        }
        let same = |event: &HookKind| {
            matches!(
                event,
                HookKind::PebbleReady { container: other, .. } if other == container
            )
        };
        let event =
            HookKind::PebbleReady { container: container.to_owned(), boot_id: boot_id.to_owned() };
        // The poller waits for the hook that it asked for: another start seen meanwhile is found by
        // a later poll.
        if self.running.as_ref().is_some_and(|running| same(&running.run.kind))
            || self.requeued.as_ref().is_some_and(same)
            || self.has_given_up(&event)
        {
            return Ok(());
        }
        match self.workload_events.iter_mut().find(|event| same(event)) {
            Some(queued) => *queued = event,
            None => self.workload_events.push_back(event),
        }
        Ok(())
    }

    /// The agent's poll got no answer from a container's Pebble. It makes no event.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn pebble_down(&mut self, container: &str) -> Result<(), Error> {
        self.container_mut(container)?.polled = Some(None);
        Ok(())
    }

    /// Something has been done to a container's Pebble that the next poll will tell of: until then
    /// the unit is not settled.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn pebble_poll_due(&mut self, container: &str) -> Result<(), Error> {
        self.container_mut(container)?.polled = None;
        Ok(())
    }

    /// Pebble noticed that a check has failed as often as its threshold.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn check_failed(&mut self, container: &str, check: &str) -> Result<(), Error> {
        self.workload_event(container, |container| HookKind::PebbleCheckFailed {
            container,
            check: check.to_owned(),
        })
    }

    /// Pebble noticed that a failed check has passed again.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn check_recovered(&mut self, container: &str, check: &str) -> Result<(), Error> {
        self.workload_event(container, |container| HookKind::PebbleCheckRecovered {
            container,
            check: check.to_owned(),
        })
    }

    /// A custom notice was recorded, or repeated.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn custom_notice(&mut self, container: &str, notice: NoticeInfo) -> Result<(), Error> {
        self.workload_event(container, |container| HookKind::PebbleCustomNotice {
            container,
            notice,
        })
    }

    /// Queues an event of Pebble's; one equal to a waiting one merges with it.
    fn workload_event(
        &mut self,
        container: &str,
        event: impl FnOnce(String) -> HookKind,
    ) -> Result<(), Error> {
        self.container_mut(container)?;
        let event = event(container.to_owned());
        if self.workload_events.contains(&event) || self.has_given_up(&event) {
            return Ok(());
        }
        if self.workload_events.len() >= WORKLOAD_EVENTS_KEPT {
            let dropped = format!(
                "dropped {}: {WORKLOAD_EVENTS_KEPT} events are waiting already",
                event.name()
            );
            self.log_agent(LogLevel::Warning, dropped);
        } else {
            self.workload_events.push_back(event);
        }
        Ok(())
    }

    fn container_mut(&mut self, name: &str) -> Result<&mut ContainerState, Error> {
        self.containers.get_mut(name).ok_or_else(|| {
            Error::new(
                ErrorKind::Container,
                format!(
                    "cannot take an event of container {name:?}: the charm has no such container"
                ),
            )
        })
    }

    /// The log's lines from `position` on (0 is the first there ever was; only the newest 10,000
    /// are kept).
    pub fn log(&self, position: u64) -> impl Iterator<Item = &LogLine> {
        self.log.since(position)
    }

    /// How many lines the log has ever held: the position to ask from next time.
    #[must_use]
    pub fn log_position(&self) -> u64 {
        self.log.written()
    }

    /// Logs a line that the running hook or action has just printed: standard output at DEBUG,
    /// standard error at WARNING. For a caller that reads while it runs; without a run it does
    /// nothing.
    pub fn hook_printed(&mut self, stream: Stream, line: &str) {
        if let Some(running) = &mut self.running {
            running.printed = true;
            self.log.push(stream.level(), running.run.output_logger(), line.to_owned());
        }
    }

    pub(super) fn log_agent(&mut self, level: LogLevel, message: String) {
        self.log.push(level, "juju.worker.uniter".to_owned(), message);
    }

    /// Takes the time that the caller names.
    pub(super) fn note_time(&mut self, now: Instant) {
        self.now = Some(now);
        self.status_since.get_or_insert(now);
    }

    /// Sets the unit's status, which it has from now on.
    pub(super) fn set_status(&mut self, status: StatusValue) {
        self.status = status;
        self.status_since = self.now;
    }

    /// The time since which the unit has its status, as `goal-state` prints it.
    pub(super) fn status_since(&self) -> String {
        let since = match (self.settings.clock, self.status_since) {
            (Some((at, time)), Some(since)) => match since.checked_duration_since(at) {
                Some(later) => time.checked_add(later),
                None => time.checked_sub(at.saturating_duration_since(since)),
            },
            _ => None,
        };
        jiff::Timestamp::try_from(since.unwrap_or(SystemTime::UNIX_EPOCH))
            .unwrap_or_default()
            .strftime("%Y-%m-%d %H:%M:%SZ")
            .to_string()
    }
}

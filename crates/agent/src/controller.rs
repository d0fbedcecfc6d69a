//! The part of the unit and of its application that Juju's controller holds: whatever another
//! agent, or the operator's `juju`, could read there.
//!
//! A hook tool reads it and, where Juju writes at once, writes it; what Juju keeps until the hook's
//! end comes here by [`Controller::commit`]. Nothing here knows which hook runs, nor which is next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Instant, SystemTime};

use charmwright_juju::{ActionId, LogLevel};
use serde_json::{Map, Value};

use super::action_record::ActionRecord;
use super::charm_meta::CharmMeta;
use super::error::{Error, ErrorKind};
use super::log::Log;
use super::ports::PortSet;
use super::running::PendingWrites;
use super::settings::{Substrate, UnitSettings, is_at_least};
use super::status::StatusValue;

/// `max-charm-state-size`, in bytes.
const STATE_LIMIT: usize = 2 * 1024 * 1024;

/// How many actions that have ended are remembered, each with what it printed.
const ENDED_ACTIONS_LIMIT: usize = 100;

/// The controller's side of one unit.
#[derive(Debug)]
pub(super) struct Controller {
    pub(super) meta: CharmMeta,
    pub(super) settings: UnitSettings,
    /// The options that the operator has set.
    options: BTreeMap<String, Value>,
    pub(super) is_leader: bool,
    /// `juju remove-unit` was asked for.
    pub(super) is_dying: bool,
    /// The charm's stored state.
    pub(super) state: BTreeMap<String, String>,
    pub(super) ports: PortSet,
    pub(super) status: StatusValue,
    status_since: Option<Instant>,
    /// Whether the charm ever set its status: the agent sets some of its own only until then.
    pub(super) has_charm_set_status: bool,
    pub(super) application_status: Option<StatusValue>,
    pub(super) version: String,
    pub(super) leader_settings: BTreeMap<String, String>,
    /// `CLASS/ID` of each payload that is registered (until Juju 3.6).
    pub(super) payloads: BTreeSet<String>,
    pub(super) actions: BTreeMap<ActionId, ActionRecord>,
    pub(super) log: Log,
    /// The latest instant that the caller named.
    now: Option<Instant>,
}

impl Controller {
    pub(super) fn new(meta: CharmMeta, settings: UnitSettings) -> Self {
        Self {
            is_leader: settings.leader,
            options: BTreeMap::new(),
            is_dying: false,
            state: BTreeMap::new(),
            ports: PortSet::default(),
            status: StatusValue::new("waiting", "installing agent"),
            status_since: None,
            has_charm_set_status: false,
            application_status: None,
            version: String::new(),
            leader_settings: BTreeMap::new(),
            payloads: BTreeSet::new(),
            actions: BTreeMap::new(),
            log: Log::default(),
            now: None,
            meta,
            settings,
        }
    }

    /// Tells whether the unit's Juju has what `major.minor` brought.
    pub(super) fn is_juju_at_least(&self, major: u32, minor: u32) -> bool {
        is_at_least(&self.settings.juju_version, major, minor)
    }

    /// Tells whether the unit's cloud is Kubernetes.
    pub(super) fn is_kubernetes(&self) -> bool {
        match self.settings.substrate {
            Some(substrate) => substrate == Substrate::Kubernetes,
            None => self.meta.containers().next().is_some(),
        }
    }

    /// The config as a charm reads it now: what is set, else the default, else nothing.
    pub(super) fn config(&self) -> Map<String, Value> {
        self.meta
            .options()
            .iter()
            .filter_map(|(name, option)| {
                let value = self.options.get(name).or(option.default())?;
                Some((name.clone(), value.clone()))
            })
            .collect()
    }

    /// Sets an option to a value that is read by the option's type.
    pub(super) fn set_option(&mut self, key: &str, value: &str) -> Result<(), Error> {
        let Some(option) = self.meta.options().get(key) else {
            return Err(self.unknown_option(key));
        };
        let kind = option.kind();
        let read = kind.parse_text(value).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                format!("cannot set option {key}: expected {}", kind.name()),
            )
        })?;
        self.options.insert(key.to_owned(), read);
        Ok(())
    }

    /// Takes an option back to its default.
    pub(super) fn reset_option(&mut self, key: &str) -> Result<(), Error> {
        if !self.meta.options().contains_key(key) {
            return Err(self.unknown_option(key));
        }
        self.options.remove(key);
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

    /// Takes another charm. Options that are gone lose their value, as does one whose type no
    /// longer fits.
    pub(super) fn refresh(&mut self, meta: CharmMeta) {
        self.options = std::mem::take(&mut self.options)
            .into_iter()
            .filter_map(|(name, value)| {
                let value = meta.options().get(&name)?.kind().parse_default(&value)?;
                Some((name, value))
            })
            .collect();
        self.meta = meta;
    }

    /// Records an action that was asked for. Of those that have ended the oldest are forgotten.
    pub(super) fn add_action(&mut self, name: &str, params: Map<String, Value>) -> ActionId {
        let last = self.actions.keys().next_back().and_then(ActionId::number);
        let id = ActionId::from(last.unwrap_or_default().saturating_add(1));
        self.actions.insert(id.clone(), ActionRecord::new(id.clone(), name, params));
        let ended = self.actions.values().filter(|record| record.has_ended());
        let ended: Vec<ActionId> = ended.map(|record| record.id().clone()).collect();
        for id in ended.iter().take(ended.len().saturating_sub(ENDED_ACTIONS_LIMIT)) {
            self.actions.remove(id);
        }
        id
    }

    /// Makes what a hook asked for the unit's own, all or nothing.
    ///
    /// # Errors
    /// The text of Juju for a state that is too large.
    pub(super) fn commit(&mut self, writes: PendingWrites) -> Result<(), String> {
        if !writes.state.is_empty() {
            let kept = self.state.iter().filter(|(key, _)| !writes.state.contains_key(*key));
            let set = writes
                .state
                .iter()
                .filter_map(|(key, value)| value.as_ref().map(|value| (key, value)));
            let size: usize = kept.chain(set).map(|(key, value)| key.len() + value.len()).sum();
            if size > STATE_LIMIT {
                return Err(format!(
                    "charm state is {size} bytes, max allowed size is {STATE_LIMIT}: quota limit \
                     exceeded"
                ));
            }
        }
        for (key, value) in writes.state {
            match value {
                Some(value) => {
                    self.state.insert(key, value);
                }
                None => {
                    self.state.remove(&key);
                }
            }
        }
        self.ports = writes.ports.applied_to(&self.ports);
        Ok(())
    }

    /// Logs what the agent itself has to say.
    pub(super) fn log_agent(&mut self, level: LogLevel, message: String) {
        self.log.push(level, "juju.worker.uniter".to_owned(), message);
    }

    /// Takes the time that the caller names.
    pub(super) fn set_now(&mut self, now: Instant) {
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

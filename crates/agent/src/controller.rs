//! [`Controller`] holds the data of one unit that Juju stores in its controller: everything that
//! another agent, or the operator with `juju`, could read there.
//!
//! A hook tool reads this data. It also writes it where Juju writes at once (a status, a log line).
//! The writes that Juju keeps until the hook exits with 0 arrive through [`Controller::commit`].
//! This file does not know which hook runs, nor which one runs next.

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

/// The most bytes that all keys and values of the charm's state may have together: the default of
/// the controller's setting `max-charm-state-size`.
const STATE_LIMIT: usize = 2 * 1024 * 1024;

/// The number of ended actions whose records are kept. Each record holds the output of its action,
/// so a caller that runs actions all day must not fill the memory.
const ENDED_ACTIONS_LIMIT: usize = 100;

/// The data of one unit, and of its application, that Juju's controller stores.
#[derive(Debug)]
pub(super) struct Controller {
    pub(super) meta: CharmMeta,
    pub(super) settings: UnitSettings,
    /// The config options that the operator has set; the others have their defaults.
    options: BTreeMap<String, Value>,
    pub(super) is_leader: bool,
    /// Set by `juju remove-unit`.
    pub(super) is_dying: bool,
    /// The state that the charm has stored with `state-set`.
    pub(super) state: BTreeMap<String, String>,
    pub(super) ports: PortSet,
    pub(super) status: StatusValue,
    status_since: Option<Instant>,
    /// Set by the first `status-set`. The agent sets some statuses itself, but only until then.
    pub(super) has_charm_set_status: bool,
    pub(super) application_status: Option<StatusValue>,
    pub(super) version: String,
    pub(super) leader_settings: BTreeMap<String, String>,
    /// The registered payloads, each as `CLASS/ID` (until Juju 3.6).
    pub(super) payloads: BTreeSet<String>,
    pub(super) actions: BTreeMap<ActionId, ActionRecord>,
    pub(super) log: Log,
    /// The latest instant that the caller has passed: the model has no clock.
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

    /// Returns `true` if the unit's Juju is of version `major.minor` or newer.
    pub(super) fn is_juju_at_least(&self, major: u32, minor: u32) -> bool {
        is_at_least(&self.settings.juju_version, major, minor)
    }

    /// Returns `true` if the unit runs on Kubernetes.
    pub(super) fn is_kubernetes(&self) -> bool {
        match self.settings.substrate {
            Some(substrate) => substrate == Substrate::Kubernetes,
            // A charm that declares containers is made for Kubernetes.
            None => self.meta.containers().next().is_some(),
        }
    }

    /// Returns the config that a charm reads now. An option has the value that the operator set, or
    /// else its default. An option with neither is left out.
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

    /// Parses a value by the type of its option, and sets the option to it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the charm does not declare the option, or the value does not fit
    /// its type.
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

    /// Resets an option to its default.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the charm does not declare the option.
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

    /// Replaces the charm. An option keeps its value if the new charm declares it and the value
    /// fits its new type.
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

    /// Adds the record of a requested action, and drops the oldest records of ended actions beyond
    /// the limit.
    pub(super) fn add_action(&mut self, name: &str, params: Map<String, Value>) -> ActionId {
        // Ids are never used again: the newest record is never dropped, so its id is the largest.
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

    /// Commits the writes of a hook that has exited with 0: either all of them or none.
    ///
    /// # Errors
    /// Returns Juju's text if the charm's state would be larger than the controller allows.
    pub(super) fn commit(&mut self, writes: PendingWrites) -> Result<(), String> {
        // Checked before anything is written, since a refused commit must change nothing.
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

    /// Adds a line of the agent itself to the unit's log.
    pub(super) fn log_agent(&mut self, level: LogLevel, message: String) {
        self.log.push(level, "juju.worker.uniter".to_owned(), message);
    }

    /// Sets the time of the model to the instant that the caller has passed.
    pub(super) fn set_now(&mut self, now: Instant) {
        self.now = Some(now);
        // The first status dates from before the first call, when no time was known.
        self.status_since.get_or_insert(now);
    }

    /// Sets the unit's status, and remembers the current time as its start.
    pub(super) fn set_status(&mut self, status: StatusValue) {
        self.status = status;
        self.status_since = self.now;
    }

    /// Returns the time at which the unit's status was set, in the form in which `goal-state`
    /// prints it. Without a clock in the settings that is the start of 1970.
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

//! [`Model`] holds the applications and the units of a model of Juju.
//!
//! This file has the data and the ways to find it. The methods of [`Model`] are in the files that
//! import it: `deploy.rs`, `operator.rs`, `removal.rs`, `relation_commands.rs`, `pod.rs`,
//! `actions.rs` and `workload_events.rs` have what the operator does and what happens to a unit;
//! `schedule.rs` chooses a unit's next hook, `tool_call.rs` answers the tools that it calls,
//! `hook_end.rs` takes its exit code, and `commit.rs` commits its writes; `relation_hooks.rs` and
//! `subordinates.rs` have what that does to the unit's relations, and `storage_hooks.rs` to its
//! storage, whose commands are in `storage_commands.rs`. `unit.rs` reads a unit.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use charmwright_juju::UnitName;
use jiff::Timestamp;

use super::application::Application;
use super::error::{Error, ErrorKind};
use super::go_text::go_quote;
use super::model_settings::{ModelSettings, Substrate, is_at_least};
use super::relations::{Players, RelationRules, Relations};
use super::secrets::Secrets;
use super::storage::Storages;
use super::unit_record::UnitRecord;

/// A model of Juju: applications with their units, and their relations. The [crate's
/// documentation](crate) shows the loop that drives it.
///
/// The methods that concern one unit take its name. The operator's methods are named as the `juju`
/// command names them.
#[derive(Debug)]
pub struct Model {
    pub(super) settings: ModelSettings,
    pub(super) applications: BTreeMap<String, Application>,
    /// The units of all applications, sorted by application and number. A unit that is gone stays
    /// here, so that its log, its state and its status can be read, until its application is
    /// removed. For every command it is not in the model any more.
    pub(super) units: BTreeMap<UnitName, UnitRecord>,
    pub(super) secrets: Secrets,
    pub(super) storages: Storages,
    pub(super) relations: Relations,
    /// The providers that play applications without a charm.
    pub(super) players: Players,
    /// The number of the last action. The actions of all units are numbered in one sequence.
    pub(super) last_action: u64,
    /// The number of the next machine. Numbers are never used again.
    pub(super) next_machine: u64,
    /// The latest instant that the caller has passed: the model has no clock.
    now: Option<Instant>,
    /// The first instant that the caller has passed.
    first: Option<Instant>,
}

impl Model {
    /// Makes a model without applications.
    #[must_use]
    pub fn new(settings: ModelSettings) -> Self {
        let is_juju_4 = is_at_least(&settings.juju_version, 4, 0);
        let secrets = Secrets::new(&settings.model_uuid, is_juju_4, settings.seed);
        let rules = if is_juju_4 { RelationRules::Juju4 } else { RelationRules::Juju3 };
        Self {
            settings,
            applications: BTreeMap::new(),
            units: BTreeMap::new(),
            secrets,
            storages: Storages::default(),
            relations: Relations::new(rules),
            players: Players::default(),
            last_action: 0,
            next_machine: 0,
            first: None,
            now: None,
        }
    }

    /// Returns the applications, sorted by name.
    pub fn applications(&self) -> impl Iterator<Item = &Application> {
        self.applications.values()
    }

    /// Returns an application.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such application.
    pub fn application(&self, name: &str) -> Result<&Application, Error> {
        self.applications.get(name).ok_or_else(|| no_application(name))
    }

    /// Returns the names of the units that are not gone, sorted by application and number.
    #[must_use]
    pub fn units(&self) -> Vec<UnitName> {
        let units = self.units.values().filter(|unit| !unit.lifecycle.is_gone);
        units.map(|unit| unit.name.clone()).collect()
    }

    pub(super) fn application_mut(&mut self, name: &str) -> Result<&mut Application, Error> {
        self.applications.get_mut(name).ok_or_else(|| no_application(name))
    }

    /// Returns the names of an application's units that are not gone, sorted by number.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such application.
    pub fn units_of(&self, application: &str) -> Result<Vec<UnitName>, Error> {
        self.application(application)?;
        Ok(self.records_of(application).map(|unit| unit.name.clone()).collect())
    }

    /// Returns a unit, which may be gone.
    pub(super) fn record(&self, unit: &UnitName) -> Result<&UnitRecord, Error> {
        self.units.get(unit).ok_or_else(|| no_unit(unit))
    }

    pub(super) fn record_mut(&mut self, unit: &UnitName) -> Result<&mut UnitRecord, Error> {
        self.units.get_mut(unit).ok_or_else(|| no_unit(unit))
    }

    /// Returns a unit that is not gone, for a command of the operator or an event.
    pub(super) fn live_mut(&mut self, unit: &UnitName) -> Result<&mut UnitRecord, Error> {
        let record = self.units.get_mut(unit).filter(|record| !record.lifecycle.is_gone);
        record.ok_or_else(|| no_unit(unit))
    }

    /// Returns a unit and its application, both to be changed.
    pub(super) fn both_mut(
        &mut self,
        unit: &UnitName,
    ) -> Result<(&mut UnitRecord, &mut Application), Error> {
        let record = self.units.get_mut(unit).ok_or_else(|| no_unit(unit))?;
        let name = unit.application().as_str();
        let application = self.applications.get_mut(name).ok_or_else(|| no_application(name))?;
        Ok((record, application))
    }

    /// Returns the units of an application that are not gone, sorted by number.
    pub(super) fn records_of<'a>(
        &'a self,
        application: &'a str,
    ) -> impl Iterator<Item = &'a UnitRecord> {
        self.units.values().filter(move |unit| {
            unit.name.application().as_str() == application && !unit.lifecycle.is_gone
        })
    }

    /// Returns `true` if the model's Juju is of version `major.minor` or newer.
    pub(super) fn is_juju_at_least(&self, major: u32, minor: u32) -> bool {
        is_at_least(&self.settings.juju_version, major, minor)
    }

    /// Returns `true` if the units of this application run on Kubernetes.
    pub(super) fn is_on_kubernetes(&self, application: &Application) -> bool {
        match self.settings.substrate {
            Some(substrate) => substrate == Substrate::Kubernetes,
            // A charm that declares containers is made for Kubernetes.
            None => application.meta.containers().next().is_some(),
        }
    }

    /// Returns `true` if a unit is its application's leader.
    pub(super) fn leads(&self, unit: &UnitName) -> bool {
        let application = self.applications.get(unit.application().as_str());
        application.is_some_and(|application| application.leader.as_ref() == Some(unit))
    }

    /// Returns the time of day at an instant, which the expiry and the rotation of secrets need.
    /// Without a clock in the settings the model's first instant is the start of 1970.
    pub(super) fn time_of_day(&self, when: Option<Instant>) -> Timestamp {
        let (at, time) = match self.settings.clock {
            Some((at, time)) => (Some(at), Timestamp::try_from(time).unwrap_or_default()),
            None => (self.first, Timestamp::UNIX_EPOCH),
        };
        let (Some(at), Some(when)) = (at, when) else {
            return time;
        };
        match when.checked_duration_since(at) {
            Some(later) => time.checked_add(later).unwrap_or(Timestamp::MAX),
            None => {
                let earlier = at.saturating_duration_since(when);
                time.checked_sub(earlier).unwrap_or(Timestamp::MIN)
            }
        }
    }

    /// Returns an instant in the form in which Juju's tools print a time. Without a clock in the
    /// settings that is the start of 1970.
    pub(super) fn time_text(&self, when: Option<Instant>) -> String {
        let time = match (self.settings.clock, when) {
            (Some((at, time)), Some(when)) => match when.checked_duration_since(at) {
                Some(later) => time.checked_add(later),
                None => time.checked_sub(at.saturating_duration_since(when)),
            },
            _ => None,
        };
        Timestamp::try_from(time.unwrap_or(SystemTime::UNIX_EPOCH))
            .unwrap_or_default()
            .strftime("%Y-%m-%d %H:%M:%SZ")
            .to_string()
    }

    /// Returns the latest instant that the caller has passed.
    pub(super) fn now(&self) -> Option<Instant> {
        self.now
    }

    /// Sets the time of the model, and of this unit, to the instant that the caller has passed.
    pub(super) fn set_now(&mut self, unit: &UnitName, now: Instant) {
        self.now = Some(now);
        self.first.get_or_insert(now);
        if let Some(unit) = self.units.get_mut(unit) {
            unit.set_now(now);
        }
    }
}

fn no_unit(unit: &UnitName) -> Error {
    let why = format!("cannot use {unit}: unit {} not found", go_quote(&unit.to_string()));
    Error::new(ErrorKind::NotFound, why)
}

fn no_application(name: &str) -> Error {
    let name = go_quote(name);
    let why = format!("cannot use application {name}: application {name} not found");
    Error::new(ErrorKind::NotFound, why)
}

//! [`Application`] holds the data that Juju's controller stores once for all units of an
//! application: its charm, its config, its leader.

use std::collections::BTreeMap;

use charmwright_juju::UnitName;
use serde_json::{Map, Value};

use super::charm_meta::CharmMeta;
use super::config_inputs::ConfigInputs;
use super::deployment::{Deployment, Source};
use super::error::{Error, ErrorKind};
use super::network::Network;
use super::status::StatusValue;
use super::storage_meta::StorageMeta;

/// An application of a [`Model`](super::Model).
#[derive(Debug)]
pub struct Application {
    pub(super) name: String,
    pub(super) meta: CharmMeta,
    pub(super) has_charm: bool,
    /// The config options that the operator has set; the others have their defaults.
    options: BTreeMap<String, Value>,
    /// The unit that leads the application. It has none when the last leader has lost the
    /// leadership and no unit has it yet.
    pub(super) leader: Option<UnitName>,
    /// `true` if another unit becomes the leader by itself when the leader is gone.
    pub(super) elects_leader: bool,
    /// Set by `juju remove-application`.
    pub(super) is_dying: bool,
    /// Set by `juju trust`.
    pub(super) is_trusted: bool,
    /// The status that the leader has set with `status-set --application`.
    pub(super) status: Option<StatusValue>,
    pub(super) version: String,
    /// What `leader-set` has written (until Juju 3.6).
    pub(super) leader_settings: BTreeMap<String, String>,
    /// It counts the changes of the leader's settings, from 1.
    pub(super) leader_settings_version: u64,
    /// The numbers of instances for which the operator has asked, by the name of the storage.
    storage_counts: BTreeMap<String, u64>,
    /// The networks that the operator has set, by the name of the binding. Another binding has the
    /// address of the unit.
    pub(super) networks: BTreeMap<String, Network>,
    /// The paths that `resource-get` prints, by the name of the resource.
    pub(super) resources: BTreeMap<String, String>,
    /// The number of the next unit. Numbers are never used again.
    pub(super) next_unit_number: u32,
    /// The address of a new unit.
    pub(super) address: String,
    /// The id of a new unit's machine.
    pub(super) machine_id: String,
}

impl Application {
    /// Makes the application that a deployment describes, without units. The options of the
    /// deployment are not set yet.
    pub(super) fn new(name: &str, deployment: &Deployment) -> Self {
        let (meta, has_charm) = match &deployment.source {
            Source::Charm(meta) => (meta.clone(), true),
            Source::Remote(endpoints) => {
                (CharmMeta::of_remote(name, endpoints.clone(), deployment.is_subordinate), false)
            }
        };
        Self {
            name: name.to_owned(),
            meta,
            has_charm,
            options: BTreeMap::new(),
            leader: None,
            elects_leader: deployment.leader,
            is_dying: false,
            is_trusted: deployment.trust,
            status: None,
            version: String::new(),
            leader_settings: BTreeMap::new(),
            leader_settings_version: 1,
            storage_counts: deployment.storages.clone(),
            networks: BTreeMap::new(),
            resources: deployment.resources.clone(),
            next_unit_number: deployment.first_unit_number,
            address: deployment.address.clone(),
            machine_id: deployment.machine_id.clone(),
        }
    }

    /// Returns the application's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the declarations of the charm. An application without a charm declares its endpoints
    /// only.
    #[must_use]
    pub fn meta(&self) -> &CharmMeta {
        &self.meta
    }

    /// Returns `false` for an application that was deployed without a charm.
    #[must_use]
    pub fn has_charm(&self) -> bool {
        self.has_charm
    }

    /// Returns the number of the next unit, which is never that of a unit that was removed.
    #[must_use]
    pub fn next_unit_number(&self) -> u32 {
        self.next_unit_number
    }

    /// Returns the unit that leads the application, or `None` if no unit does.
    #[must_use]
    pub fn leader(&self) -> Option<&UnitName> {
        self.leader.as_ref()
    }

    /// Returns the config that a charm reads now. An option has the value that the operator set, or
    /// else its default. An option with neither is left out.
    #[must_use]
    pub fn config(&self) -> Map<String, Value> {
        self.meta
            .options()
            .iter()
            .filter_map(|(name, option)| {
                let value = self.options.get(name).or(option.default())?;
                Some((name.clone(), value.clone()))
            })
            .collect()
    }

    /// Returns `true` if the application may use the model's cloud credential (`juju trust`).
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// Returns the number of instances of a storage that a new unit gets.
    pub(super) fn storage_count(&self, storage: &StorageMeta) -> u64 {
        self.storage_counts.get(&storage.name).copied().unwrap_or(storage.count_min)
    }

    /// Returns what config-changed is about on a unit with this address.
    pub(super) fn config_inputs(&self, address: &str) -> ConfigInputs {
        ConfigInputs {
            options: self.config(),
            is_trusted: self.is_trusted,
            address: address.to_owned(),
        }
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
        // A storage that the charm declares again later has its default number then.
        self.storage_counts.retain(|name, _| meta.storages().contains_key(name));
        self.meta = meta;
    }
}

//! [`Deployment`] describes an application that `juju deploy` adds to a model.

use std::collections::BTreeMap;

use super::charm_meta::CharmMeta;
use super::endpoint::EndpointMeta;

/// An application to be deployed: its charm, or its endpoints if it has no charm, and its first
/// units.
#[derive(Debug, Clone)]
#[must_use]
pub struct Deployment {
    pub(super) source: Source,
    pub(super) is_subordinate: bool,
    pub(super) units: u32,
    pub(super) first_unit_number: u32,
    pub(super) leader: bool,
    pub(super) trust: bool,
    pub(super) config: Vec<(String, String)>,
    pub(super) address: String,
    pub(super) machine_id: String,
    pub(super) storages: BTreeMap<String, u64>,
    pub(super) resources: BTreeMap<String, String>,
}

/// The thing that answers for the application's units.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Charm(CharmMeta),
    /// There is no charm: the operator, a test or a played provider acts for the application.
    Remote(Vec<EndpointMeta>),
}

impl Deployment {
    fn new(source: Source) -> Self {
        Self {
            source,
            is_subordinate: false,
            units: 1,
            first_unit_number: 0,
            leader: true,
            trust: false,
            config: Vec::new(),
            address: "127.0.0.1".to_owned(),
            machine_id: String::new(),
            storages: BTreeMap::new(),
            resources: BTreeMap::new(),
        }
    }

    /// Deploys a charm, with one unit that leads the application.
    ///
    /// A subordinate charm has no unit before it is related: each unit of its principal gets one of
    /// its units then.
    pub fn charm(meta: CharmMeta) -> Self {
        let units = u32::from(!meta.is_subordinate());
        Self::new(Source::Charm(meta)).units(units)
    }

    /// Deploys an application without a charm, which has these endpoints and one unit.
    ///
    /// Its units run no hooks. It stands for the other side of a relation, whose data a test or the
    /// operator writes.
    pub fn remote(endpoints: impl IntoIterator<Item = EndpointMeta>) -> Self {
        Self::new(Source::Remote(endpoints.into_iter().collect()))
    }

    /// Makes an application without a charm a subordinate: each unit of its principal gets a unit
    /// of it when they are related. A charm says itself whether it is one.
    pub fn subordinate(mut self) -> Self {
        self.is_subordinate = true;
        self.units = 0;
        self
    }

    /// Sets the number of units; 1 by default, and 0 for a subordinate.
    ///
    /// Juju deploys a subordinate without units only. Here it may have some, which wait for the
    /// units of a principal, so that a tool can run the charm before it is related.
    pub fn units(mut self, units: u32) -> Self {
        self.units = units;
        self
    }

    /// Sets the number of the first unit, such as 3 for `web/3`; 0 by default. It is the number
    /// that the unit would have if earlier units had been removed.
    pub fn first_unit_number(mut self, number: u32) -> Self {
        self.first_unit_number = number;
        self
    }

    /// Sets whether the first unit leads the application from the start; it does by default. If it
    /// does not, the application has no leader until
    /// [`Model::set_leader`](super::Model::set_leader) appoints one.
    pub fn leader(mut self, leader: bool) -> Self {
        self.leader = leader;
        self
    }

    /// Sets whether the application may use the model's cloud credential (`juju deploy --trust`);
    /// it may not by default.
    pub fn trust(mut self, trust: bool) -> Self {
        self.trust = trust;
        self
    }

    /// Sets a config option (`juju deploy --config KEY=VALUE`). Call it once for each option.
    pub fn config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.push((key.into(), value.into()));
        self
    }

    /// Sets the address of every unit, which `unit-get` and `network-get` print; 127.0.0.1 by
    /// default.
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.address = address.into();
        self
    }

    /// Sets the id of the machine of every unit (`JUJU_MACHINE_ID`). By default it is empty on
    /// Kubernetes. Elsewhere each unit has a machine of its own, and that of a subordinate has the
    /// machine of its principal.
    pub fn machine_id(mut self, id: impl Into<String>) -> Self {
        self.machine_id = id.into();
        self
    }

    /// Sets the number of instances of a storage that each unit gets (`juju deploy --storage
    /// NAME=COUNT`); by default the smallest number that the charm declares. Call it once for each
    /// storage.
    ///
    /// Storage pools and sizes are not modelled.
    pub fn storage(mut self, name: impl Into<String>, count: u32) -> Self {
        self.storages.insert(name.into(), u64::from(count));
        self
    }

    /// Sets the path that `resource-get NAME` prints. Call it once for each resource.
    pub fn resource(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.resources.insert(name.into(), path.into());
        self
    }
}

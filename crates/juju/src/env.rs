//! The environment of one hook, parsed once.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::error::Error;
use super::names::{
    ActionId, ActionName, ApplicationName, CheckName, ContainerName, HookName, InvalidName,
    NoticeId, RelationId, SecretId, StorageId, UnitName,
};
use super::surroundings::{AgentToken, Proxies, TraceTarget};
use super::vars::Vars;
use super::version::JujuVersion;

/// What the unit agent tells a charm through its environment: who it is, where it runs, and what
/// happened.
///
/// Read once at the edge ([`HookEnv::from_process`]); nothing else in this library looks at the
/// `JUJU_*` variables. An empty variable counts as absent, since the agent sets the ones that do
/// not apply to nothing. Only the unit's name is required of every hook; what one kind of hook
/// needs is asked for by who handles that kind ([`Error::missing_variable`]).
///
/// `Debug` shows the unit, the hook and the names of the variables that are set, never their
/// values.
#[derive(Clone)]
pub struct HookEnv {
    set: Vec<&'static str>,
    called_by: Option<Box<str>>,
    dispatch_path: Option<DispatchPath>,
    hook_name: Option<HookName>,
    unit: UnitName,
    model_name: Option<Box<str>>,
    model_uuid: Option<Box<str>>,
    juju_version: Option<JujuVersion>,
    charm_dir: Option<PathBuf>,
    search_path: Option<OsString>,
    context_id: Option<Box<str>>,
    agent_socket_network: Option<Box<str>>,
    agent_socket_address: Option<Box<str>>,
    agent_token: Option<AgentToken>,
    agent_ca_cert: Option<PathBuf>,
    api_addresses: Option<Box<str>>,
    machine_id: Option<Box<str>>,
    principal_unit: Option<UnitName>,
    availability_zone: Option<Box<str>>,
    cloud_api_version: Option<Box<str>>,
    proxies: Proxies,
    sla: Option<Box<str>>,
    meter_status: Option<Box<str>>,
    meter_info: Option<Box<str>>,
    trace: TraceTarget,
    kubernetes_host: Option<Box<str>>,
    kubernetes_port: Option<Box<str>>,
    relation: Option<Box<str>>,
    relation_id: Option<RelationId>,
    remote_app: Option<ApplicationName>,
    remote_unit: Option<UnitName>,
    departing_unit: Option<UnitName>,
    action_name: Option<ActionName>,
    action_id: Option<ActionId>,
    action_tag: Option<Box<str>>,
    workload_name: Option<ContainerName>,
    notice_id: Option<NoticeId>,
    notice_type: Option<Box<str>>,
    notice_key: Option<Box<str>>,
    check_name: Option<CheckName>,
    secret_id: Option<SecretId>,
    secret_label: Option<Box<str>>,
    secret_revision: Option<u64>,
    storage_id: Option<StorageId>,
    storage_kind: Option<Box<str>>,
    storage_location: Option<PathBuf>,
    target_base: Option<Box<str>>,
    target_series: Option<Box<str>>,
}

/// The path of the hook or action in the charm's directory, as `JUJU_DISPATCH_PATH` gives it:
/// `hooks/NAME` or `actions/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DispatchPath {
    /// A hook.
    Hook(HookName),
    /// An action.
    Action(ActionName),
}

impl FromStr for DispatchPath {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.split_once('/') {
            Some(("hooks", name)) => name.parse().map(Self::Hook),
            Some(("actions", name)) => name.parse().map(Self::Action),
            _ => Err(InvalidName::new(
                "a dispatch path",
                text,
                "expected hooks/NAME or actions/NAME",
            )),
        }
    }
}

impl fmt::Display for DispatchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hook(name) => write!(f, "hooks/{name}"),
            Self::Action(name) => write!(f, "actions/{name}"),
        }
    }
}

impl HookEnv {
    /// Reads the environment and the name of this process.
    ///
    /// # Errors
    ///
    /// As [`HookEnv::from_vars`].
    pub fn from_process() -> Result<Self, Error> {
        let env = Self::from_vars(std::env::vars_os())?;
        Ok(match std::env::args_os().next() {
            Some(program) => env.with_called_by(program),
            None => env,
        })
    }

    /// Reads an environment given as names and values. Variables that a hook does not have are
    /// ignored, also malformed ones.
    ///
    /// ```
    /// use charmwright_juju::HookEnv;
    ///
    /// let vars = [("JUJU_UNIT_NAME", "web/0"), ("JUJU_DISPATCH_PATH", "hooks/config-changed")];
    /// let env = HookEnv::from_vars(vars.map(|(name, value)| (name.into(), value.into())))?;
    /// assert_eq!(env.unit().application().as_str(), "web");
    /// # Ok::<(), charmwright_juju::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Environment`](super::ErrorKind::Environment) with the variable's name: the
    /// unit's name is missing, or one of the variables is not UTF-8 or not what it should be, such
    /// as a hook's name with `..` in it.
    pub fn from_vars(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, Error> {
        let mut vars = Vars::new(vars);
        let set = vars.names();
        let unit = vars
            .parsed("JUJU_UNIT_NAME")?
            .ok_or_else(|| Error::missing_variable("JUJU_UNIT_NAME"))?;
        let legacy_dir = vars.raw("CHARM_DIR");
        Ok(Self {
            set,
            called_by: None,
            dispatch_path: vars.parsed("JUJU_DISPATCH_PATH")?,
            hook_name: vars.parsed("JUJU_HOOK_NAME")?,
            unit,
            model_name: vars.text("JUJU_MODEL_NAME")?,
            model_uuid: vars.text("JUJU_MODEL_UUID")?,
            juju_version: vars.parsed("JUJU_VERSION")?,
            charm_dir: vars.raw("JUJU_CHARM_DIR").or(legacy_dir).map(PathBuf::from),
            search_path: vars.raw("PATH"),
            context_id: vars.text("JUJU_CONTEXT_ID")?,
            agent_socket_network: vars.text("JUJU_AGENT_SOCKET_NETWORK")?,
            agent_socket_address: vars.text("JUJU_AGENT_SOCKET_ADDRESS")?,
            agent_token: AgentToken::from_vars(&mut vars)?,
            agent_ca_cert: vars.raw("JUJU_AGENT_CA_CERT").map(PathBuf::from),
            api_addresses: vars.text("JUJU_API_ADDRESSES")?,
            machine_id: vars.text("JUJU_MACHINE_ID")?,
            principal_unit: vars.parsed("JUJU_PRINCIPAL_UNIT")?,
            availability_zone: vars.text("JUJU_AVAILABILITY_ZONE")?,
            cloud_api_version: vars.text("CLOUD_API_VERSION")?,
            proxies: Proxies::from_vars(&mut vars)?,
            sla: vars.text("JUJU_SLA")?,
            meter_status: vars.text("JUJU_METER_STATUS")?,
            meter_info: vars.text("JUJU_METER_INFO")?,
            trace: TraceTarget::from_vars(&mut vars)?,
            kubernetes_host: vars.text("KUBERNETES_SERVICE_HOST")?,
            kubernetes_port: vars.text("KUBERNETES_SERVICE_PORT")?,
            relation: vars.text("JUJU_RELATION")?,
            relation_id: vars.parsed("JUJU_RELATION_ID")?,
            remote_app: vars.parsed("JUJU_REMOTE_APP")?,
            remote_unit: vars.parsed("JUJU_REMOTE_UNIT")?,
            departing_unit: vars.parsed("JUJU_DEPARTING_UNIT")?,
            action_name: vars.parsed("JUJU_ACTION_NAME")?,
            action_id: vars.parsed("JUJU_ACTION_UUID")?,
            action_tag: vars.text("JUJU_ACTION_TAG")?,
            workload_name: vars.parsed("JUJU_WORKLOAD_NAME")?,
            notice_id: vars.parsed("JUJU_NOTICE_ID")?,
            notice_type: vars.text("JUJU_NOTICE_TYPE")?,
            notice_key: vars.text("JUJU_NOTICE_KEY")?,
            check_name: vars.parsed("JUJU_PEBBLE_CHECK_NAME")?,
            secret_id: vars.parsed("JUJU_SECRET_ID")?,
            secret_label: vars.text("JUJU_SECRET_LABEL")?,
            secret_revision: vars.parsed("JUJU_SECRET_REVISION")?,
            storage_id: vars.parsed("JUJU_STORAGE_ID")?,
            storage_kind: vars.text("JUJU_STORAGE_KIND")?,
            storage_location: vars.raw("JUJU_STORAGE_LOCATION").map(PathBuf::from),
            target_base: vars.text("JUJU_TARGET_BASE")?,
            target_series: vars.text("JUJU_TARGET_SERIES")?,
        })
    }

    /// Says how the executable was called (`argv[0]`), of which the base name is kept. A name that
    /// is not UTF-8 names no hook.
    #[must_use]
    pub fn with_called_by(mut self, program: impl AsRef<Path>) -> Self {
        self.called_by = program.as_ref().file_name().and_then(OsStr::to_str).map(Into::into);
        self
    }

    /// The base name that the executable was called by: the hook's name where `hooks/NAME` is a
    /// link to the charm.
    #[must_use]
    pub fn called_by(&self) -> Option<&str> {
        self.called_by.as_deref()
    }

    /// `hooks/NAME` or `actions/NAME`: what happened, and the first place to look. Absent in `juju
    /// exec` and before Juju 2.8.
    #[must_use]
    pub fn dispatch_path(&self) -> Option<&DispatchPath> {
        self.dispatch_path.as_ref()
    }

    /// The hook's name; absent in actions and in `juju exec`.
    #[must_use]
    pub fn hook_name(&self) -> Option<&HookName> {
        self.hook_name.as_ref()
    }

    /// This unit.
    #[must_use]
    pub fn unit(&self) -> &UnitName {
        &self.unit
    }

    /// The model's name.
    #[must_use]
    pub fn model_name(&self) -> Option<&str> {
        self.model_name.as_deref()
    }

    /// The model's identity.
    #[must_use]
    pub fn model_uuid(&self) -> Option<&str> {
        self.model_uuid.as_deref()
    }

    /// The unit agent's version.
    #[must_use]
    pub fn juju_version(&self) -> Option<&JujuVersion> {
        self.juju_version.as_ref()
    }

    /// The charm's directory (`JUJU_CHARM_DIR`, else `CHARM_DIR`), which is also where a hook
    /// starts.
    #[must_use]
    pub fn charm_dir(&self) -> Option<&Path> {
        self.charm_dir.as_deref()
    }

    /// Where executables are looked for (`PATH`), the folder of the hook tools first.
    #[must_use]
    pub fn search_path(&self) -> Option<&OsStr> {
        self.search_path.as_deref()
    }

    /// The identity of this run, which the hook tools hand back to the agent.
    #[must_use]
    pub fn context_id(&self) -> Option<&str> {
        self.context_id.as_deref()
    }

    /// The kind of socket that the agent listens on: `unix`, or `tcp` for a hook far from its
    /// agent.
    #[must_use]
    pub fn agent_socket_network(&self) -> Option<&str> {
        self.agent_socket_network.as_deref()
    }

    /// The address of the agent's socket.
    #[must_use]
    pub fn agent_socket_address(&self) -> Option<&str> {
        self.agent_socket_address.as_deref()
    }

    /// The shared secret of a hook far from its agent (Juju up to 3.6).
    #[must_use]
    pub fn agent_token(&self) -> Option<&AgentToken> {
        self.agent_token.as_ref()
    }

    /// The file with the agent's certificate authority, for a hook far from its agent (Juju up to
    /// 3.6).
    #[must_use]
    pub fn agent_ca_cert(&self) -> Option<&Path> {
        self.agent_ca_cert.as_deref()
    }

    /// The controllers' addresses, `HOST:PORT` each.
    pub fn api_addresses(&self) -> impl Iterator<Item = &str> {
        self.api_addresses.as_deref().unwrap_or_default().split_whitespace()
    }

    /// The machine, such as `3` or `0/lxd/1`; absent on Kubernetes.
    #[must_use]
    pub fn machine_id(&self) -> Option<&str> {
        self.machine_id.as_deref()
    }

    /// The unit that this unit is subordinate to.
    #[must_use]
    pub fn principal_unit(&self) -> Option<&UnitName> {
        self.principal_unit.as_ref()
    }

    /// The machine's availability zone.
    #[must_use]
    pub fn availability_zone(&self) -> Option<&str> {
        self.availability_zone.as_deref()
    }

    /// The version of the cloud's API.
    #[must_use]
    pub fn cloud_api_version(&self) -> Option<&str> {
        self.cloud_api_version.as_deref()
    }

    /// The model's proxy settings.
    #[must_use]
    pub fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// The service level of the model (Juju 2.9 and 3.6).
    #[must_use]
    pub fn sla(&self) -> Option<&str> {
        self.sla.as_deref()
    }

    /// The meter's status (Juju 2.9).
    #[must_use]
    pub fn meter_status(&self) -> Option<&str> {
        self.meter_status.as_deref()
    }

    /// What the meter says beside its status (Juju 2.9).
    #[must_use]
    pub fn meter_info(&self) -> Option<&str> {
        self.meter_info.as_deref()
    }

    /// Where traces go (Juju 4).
    #[must_use]
    pub fn trace(&self) -> &TraceTarget {
        &self.trace
    }

    /// The host of the cluster's API (`KUBERNETES_SERVICE_HOST`); absent on machines.
    #[must_use]
    pub fn kubernetes_host(&self) -> Option<&str> {
        self.kubernetes_host.as_deref()
    }

    /// The port of the cluster's API (`KUBERNETES_SERVICE_PORT`).
    #[must_use]
    pub fn kubernetes_port(&self) -> Option<&str> {
        self.kubernetes_port.as_deref()
    }

    /// Relation hooks: this unit's endpoint.
    #[must_use]
    pub fn relation(&self) -> Option<&str> {
        self.relation.as_deref()
    }

    /// Relation hooks: which relation.
    #[must_use]
    pub fn relation_id(&self) -> Option<&RelationId> {
        self.relation_id.as_ref()
    }

    /// Relation hooks: the application at the other end. A `relation-broken` may come without it.
    #[must_use]
    pub fn remote_app(&self) -> Option<&ApplicationName> {
        self.remote_app.as_ref()
    }

    /// Relation hooks: the unit at the other end; absent in created and broken, and where the
    /// application's data changed.
    #[must_use]
    pub fn remote_unit(&self) -> Option<&UnitName> {
        self.remote_unit.as_ref()
    }

    /// `relation-departed`: the unit that leaves, which may be this one.
    #[must_use]
    pub fn departing_unit(&self) -> Option<&UnitName> {
        self.departing_unit.as_ref()
    }

    /// Actions: the action's name.
    #[must_use]
    pub fn action_name(&self) -> Option<&ActionName> {
        self.action_name.as_ref()
    }

    /// Actions: the identity of this run (`JUJU_ACTION_UUID`).
    #[must_use]
    pub fn action_id(&self) -> Option<&ActionId> {
        self.action_id.as_ref()
    }

    /// Actions: Juju's tag of this run, such as `action-12`.
    #[must_use]
    pub fn action_tag(&self) -> Option<&str> {
        self.action_tag.as_deref()
    }

    /// Workload hooks: the container.
    #[must_use]
    pub fn workload_name(&self) -> Option<&ContainerName> {
        self.workload_name.as_ref()
    }

    /// `pebble-custom-notice`: the notice's identity.
    #[must_use]
    pub fn notice_id(&self) -> Option<&NoticeId> {
        self.notice_id.as_ref()
    }

    /// `pebble-custom-notice`: the notice's type, `custom`.
    #[must_use]
    pub fn notice_type(&self) -> Option<&str> {
        self.notice_type.as_deref()
    }

    /// `pebble-custom-notice`: the notice's key, such as `example.com/done`.
    #[must_use]
    pub fn notice_key(&self) -> Option<&str> {
        self.notice_key.as_deref()
    }

    /// `pebble-check-failed` and `-recovered`: the check.
    #[must_use]
    pub fn check_name(&self) -> Option<&CheckName> {
        self.check_name.as_ref()
    }

    /// Secret hooks: which secret.
    #[must_use]
    pub fn secret_id(&self) -> Option<&SecretId> {
        self.secret_id.as_ref()
    }

    /// Secret hooks: the secret's label, where it has one.
    #[must_use]
    pub fn secret_label(&self) -> Option<&str> {
        self.secret_label.as_deref()
    }

    /// `secret-remove` and `secret-expired`: the revision.
    #[must_use]
    pub fn secret_revision(&self) -> Option<u64> {
        self.secret_revision
    }

    /// Storage hooks: the instance.
    #[must_use]
    pub fn storage_id(&self) -> Option<&StorageId> {
        self.storage_id.as_ref()
    }

    /// Storage hooks: `filesystem` or `block`; absent while it is not provisioned.
    #[must_use]
    pub fn storage_kind(&self) -> Option<&str> {
        self.storage_kind.as_deref()
    }

    /// Storage hooks: where it is mounted, or the device; absent while it is not provisioned.
    #[must_use]
    pub fn storage_location(&self) -> Option<&Path> {
        self.storage_location.as_deref()
    }

    /// Series upgrade hooks: the base to come (Juju up to 3.6).
    #[must_use]
    pub fn target_base(&self) -> Option<&str> {
        self.target_base.as_deref()
    }

    /// Series upgrade hooks: the series to come (Juju up to 3.6).
    #[must_use]
    pub fn target_series(&self) -> Option<&str> {
        self.target_series.as_deref()
    }
}

impl fmt::Debug for HookEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookEnv")
            .field("unit", &self.unit)
            .field("dispatch_path", &self.dispatch_path)
            .field("hook_name", &self.hook_name)
            .field("called_by", &self.called_by)
            .field("set", &self.set)
            .finish()
    }
}

#[cfg(test)]
#[path = "tests/env.rs"]
mod tests;

//! The environment of one hook: who the unit is, which hook it runs, and its surroundings.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::error::Error;
use super::model_settings::{AgentToken, Proxies, TraceTarget};
use super::names::{ActionName, HookName, InvalidName, UnitName};
use super::vars::Vars;
use super::version::JujuVersion;

/// What the unit agent tells a charm through its environment: who it is, where it runs, and what
/// happened.
///
/// Taken once at the edge ([`HookEnv::from_process`]); nothing else in this library looks at the
/// `JUJU_*` variables. An empty variable counts as absent, since the agent sets the ones that do
/// not apply to nothing.
///
/// Every hook needs the unit's name, and the hook's own where it is given, so these are read at
/// once. Everything else is read when it is asked for: a malformed variable fails the hooks that
/// need it and no other. What is told of an event comes as the parts of its kind
/// ([`check_name`](Self::check_name), [`notice`](Self::notice), [`relation`](Self::relation) and so
/// on).
///
/// `Debug` shows the unit, the hook and the names of the variables that are set, never their
/// values.
#[derive(Clone)]
pub struct HookEnv {
    pub(super) vars: Vars,
    called_by: Option<Box<str>>,
    dispatch_path: Option<DispatchPath>,
    hook_name: Option<HookName>,
    unit: UnitName,
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

    /// Takes an environment given as names and values. Variables that a hook does not have are
    /// ignored.
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
    /// unit's name is missing, or it, `JUJU_DISPATCH_PATH` or `JUJU_HOOK_NAME` is malformed, such
    /// as a hook's name with `..` in it.
    pub fn from_vars(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, Error> {
        let vars = Vars::new(vars);
        let unit = vars
            .parsed("JUJU_UNIT_NAME")?
            .ok_or_else(|| Error::missing_variable("JUJU_UNIT_NAME"))?;
        Ok(Self {
            called_by: None,
            dispatch_path: vars.parsed("JUJU_DISPATCH_PATH")?,
            hook_name: vars.parsed("JUJU_HOOK_NAME")?,
            unit,
            vars,
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
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn model_name(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_MODEL_NAME")
    }

    /// The model's identity.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn model_uuid(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_MODEL_UUID")
    }

    /// The unit agent's version.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn juju_version(&self) -> Result<Option<JujuVersion>, Error> {
        self.vars.parsed("JUJU_VERSION")
    }

    /// The charm's directory (`JUJU_CHARM_DIR`, else `CHARM_DIR`), which is also where a hook
    /// starts.
    #[must_use]
    pub fn charm_dir(&self) -> Option<&Path> {
        self.vars.raw("JUJU_CHARM_DIR").or_else(|| self.vars.raw("CHARM_DIR")).map(Path::new)
    }

    /// Where executables are looked for (`PATH`), the folder of the hook tools first.
    #[must_use]
    pub fn search_path(&self) -> Option<&OsStr> {
        self.vars.raw("PATH")
    }

    /// The identity of this run, which the hook tools hand back to the agent.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn context_id(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_CONTEXT_ID")
    }

    /// The kind of socket that the agent listens on: `unix`, or `tcp` for a hook far from its
    /// agent.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn agent_socket_network(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_AGENT_SOCKET_NETWORK")
    }

    /// The address of the agent's socket.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn agent_socket_address(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_AGENT_SOCKET_ADDRESS")
    }

    /// The shared secret of a hook far from its agent (Juju up to 3.6).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn agent_token(&self) -> Result<Option<AgentToken>, Error> {
        AgentToken::from_vars(&self.vars)
    }

    /// The file with the agent's certificate authority, for a hook far from its agent (Juju up to
    /// 3.6).
    #[must_use]
    pub fn agent_ca_cert(&self) -> Option<&Path> {
        self.vars.raw("JUJU_AGENT_CA_CERT").map(Path::new)
    }

    /// The controllers' addresses, `HOST:PORT` each.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn api_addresses(&self) -> Result<impl Iterator<Item = &str>, Error> {
        Ok(self.vars.text("JUJU_API_ADDRESSES")?.unwrap_or_default().split_whitespace())
    }

    /// The machine, such as `3` or `0/lxd/1`; absent on Kubernetes.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn machine_id(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_MACHINE_ID")
    }

    /// The unit that this unit is subordinate to.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn principal_unit(&self) -> Result<Option<UnitName>, Error> {
        self.vars.parsed("JUJU_PRINCIPAL_UNIT")
    }

    /// The machine's availability zone.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn availability_zone(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_AVAILABILITY_ZONE")
    }

    /// The version of the cloud's API.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn cloud_api_version(&self) -> Result<Option<&str>, Error> {
        self.vars.text("CLOUD_API_VERSION")
    }

    /// The model's proxy settings.
    ///
    /// # Errors
    ///
    /// One of the variables is malformed.
    pub fn proxies(&self) -> Result<Proxies, Error> {
        Proxies::from_vars(&self.vars)
    }

    /// The service level of the model (Juju 2.9 and 3.6).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn sla(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_SLA")
    }

    /// The meter's status (Juju 2.9).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn meter_status(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_METER_STATUS")
    }

    /// What the meter says beside its status (Juju 2.9).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn meter_info(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_METER_INFO")
    }

    /// Where traces go (Juju 4).
    ///
    /// # Errors
    ///
    /// One of the variables is malformed.
    pub fn trace(&self) -> Result<TraceTarget, Error> {
        TraceTarget::from_vars(&self.vars)
    }

    /// The host of the cluster's API (`KUBERNETES_SERVICE_HOST`); absent on machines.
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn kubernetes_host(&self) -> Result<Option<&str>, Error> {
        self.vars.text("KUBERNETES_SERVICE_HOST")
    }

    /// The port of the cluster's API (`KUBERNETES_SERVICE_PORT`).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn kubernetes_port(&self) -> Result<Option<&str>, Error> {
        self.vars.text("KUBERNETES_SERVICE_PORT")
    }

    /// Series upgrade hooks: the base to come (Juju up to 3.6).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn target_base(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_TARGET_BASE")
    }

    /// Series upgrade hooks: the series to come (Juju up to 3.6).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn target_series(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_TARGET_SERIES")
    }
}

impl fmt::Debug for HookEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookEnv")
            .field("unit", &self.unit)
            .field("dispatch_path", &self.dispatch_path)
            .field("hook_name", &self.hook_name)
            .field("called_by", &self.called_by)
            .field("set", &self.vars.names())
            .finish()
    }
}

#[cfg(test)]
#[path = "tests/env.rs"]
mod tests;

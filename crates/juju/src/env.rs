//! The environment of one hook: the unit, the hook and the settings of the model.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::error::Error;
use super::model_settings::{AgentToken, Proxies, TraceTarget};
use super::names::{ActionName, HookName, InvalidName, UnitName};
use super::vars::Vars;
use super::version::JujuVersion;

/// The environment of one hook: the variables that the unit agent set for it.
///
/// A program captures the environment once, with [`HookEnv::from_process`]; nothing else in this
/// library reads the `JUJU_*` variables. An empty variable counts as absent, because the agent sets
/// a variable that does not apply to the empty text.
///
/// The unit's name and the hook's name are parsed at once, because every hook needs them. Each
/// other variable is parsed when its method is called, so a malformed variable fails only the hooks
/// that need it. The methods for the variables of an event each belong to one kind of hook
/// ([`check_name`](Self::check_name), [`notice`](Self::notice), [`relation`](Self::relation) and
/// others).
///
/// `Debug` shows the unit, the hook and the names of the variables that are set. It does not show
/// their values, which may be secrets.
#[derive(Clone)]
pub struct HookEnv {
    pub(super) vars: Vars,
    called_by: Option<Box<str>>,
    dispatch_path: Option<DispatchPath>,
    hook_name: Option<HookName>,
    unit: UnitName,
}

/// The path of the hook or action within the charm's directory (`JUJU_DISPATCH_PATH`):
/// `hooks/NAME` or `actions/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DispatchPath {
    /// The path of a hook.
    Hook(HookName),
    /// The path of an action.
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
    /// Captures the environment of this process, and the name that it was called by.
    ///
    /// # Errors
    ///
    /// The call fails as [`HookEnv::from_vars`] does.
    pub fn from_process() -> Result<Self, Error> {
        let env = Self::from_vars(std::env::vars_os())?;
        Ok(match std::env::args_os().next() {
            Some(program) => env.with_called_by(program),
            None => env,
        })
    }

    /// Makes the environment from pairs of names and values. Variables that are not Juju's are
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
    /// [`ErrorKind::Environment`](super::ErrorKind::Environment) with the name of the variable:
    ///
    /// - `JUJU_UNIT_NAME` is missing or malformed.
    /// - `JUJU_DISPATCH_PATH` or `JUJU_HOOK_NAME` is malformed, such as a hook's name with `..` in
    ///   it.
    pub fn from_vars(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, Error> {
        let vars = Vars::new(vars);
        let unit = vars
            .parsed("JUJU_UNIT_NAME")?
            .ok_or_else(|| Error::missing_variable("JUJU_UNIT_NAME"))?;
        Ok(Self {
            // It is not a variable; `with_called_by` sets it.
            called_by: None,
            dispatch_path: vars.parsed("JUJU_DISPATCH_PATH")?,
            hook_name: vars.parsed("JUJU_HOOK_NAME")?,
            unit,
            vars,
        })
    }

    /// Sets the name that the executable was called by (`argv[0]`), of which the base name is kept.
    /// A name that is not UTF-8 counts as absent, because no hook has such a name.
    #[must_use]
    pub fn with_called_by(mut self, program: impl AsRef<Path>) -> Self {
        self.called_by = program.as_ref().file_name().and_then(OsStr::to_str).map(Into::into);
        self
    }

    /// Returns the base name that the executable was called by. It is the hook's name if
    /// `hooks/NAME` is a link to the executable.
    #[must_use]
    pub fn called_by(&self) -> Option<&str> {
        self.called_by.as_deref()
    }

    /// Returns the path of the hook or action (`JUJU_DISPATCH_PATH`), which names the event. It is
    /// absent in `juju exec` and before Juju 2.8.
    #[must_use]
    pub fn dispatch_path(&self) -> Option<&DispatchPath> {
        self.dispatch_path.as_ref()
    }

    /// Returns the name of the hook (`JUJU_HOOK_NAME`); `None` in actions and in `juju exec`.
    #[must_use]
    pub fn hook_name(&self) -> Option<&HookName> {
        self.hook_name.as_ref()
    }

    /// Returns the name of this unit (`JUJU_UNIT_NAME`).
    #[must_use]
    pub fn unit(&self) -> &UnitName {
        &self.unit
    }

    /// Returns the name of the model (`JUJU_MODEL_NAME`).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn model_name(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_MODEL_NAME")
    }

    /// Returns the UUID of the model (`JUJU_MODEL_UUID`).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn model_uuid(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_MODEL_UUID")
    }

    /// Returns the version of the unit agent (`JUJU_VERSION`).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn juju_version(&self) -> Result<Option<JujuVersion>, Error> {
        self.vars.parsed("JUJU_VERSION")
    }

    /// Returns the charm's directory (`JUJU_CHARM_DIR`, else `CHARM_DIR`). It is the working
    /// directory of a hook when it starts.
    #[must_use]
    pub fn charm_dir(&self) -> Option<&Path> {
        self.vars.raw("JUJU_CHARM_DIR").or_else(|| self.vars.raw("CHARM_DIR")).map(Path::new)
    }

    /// Returns the search path for executables (`PATH`). The directory of the hook tools is its
    /// first entry.
    #[must_use]
    pub fn search_path(&self) -> Option<&OsStr> {
        self.vars.raw("PATH")
    }

    /// Returns the id of this run of the hook (`JUJU_CONTEXT_ID`), which each hook tool sends to
    /// the agent.
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn context_id(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_CONTEXT_ID")
    }

    /// Returns the kind of the agent's socket (`JUJU_AGENT_SOCKET_NETWORK`): `unix`, or `tcp` if
    /// the agent runs in another pod (Juju up to 3.6).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn agent_socket_network(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_AGENT_SOCKET_NETWORK")
    }

    /// Returns the address of the agent's socket (`JUJU_AGENT_SOCKET_ADDRESS`).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn agent_socket_address(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_AGENT_SOCKET_ADDRESS")
    }

    /// Returns the token for an agent in another pod (`JUJU_AGENT_TOKEN`, Juju up to 3.6).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn agent_token(&self) -> Result<Option<AgentToken>, Error> {
        AgentToken::from_vars(&self.vars)
    }

    /// Returns the path of the certificate authority of an agent in another pod
    /// (`JUJU_AGENT_CA_CERT`, Juju up to 3.6).
    #[must_use]
    pub fn agent_ca_cert(&self) -> Option<&Path> {
        self.vars.raw("JUJU_AGENT_CA_CERT").map(Path::new)
    }

    /// Returns the addresses of the controllers, `HOST:PORT` each (`JUJU_API_ADDRESSES`).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn api_addresses(&self) -> Result<impl Iterator<Item = &str>, Error> {
        // Juju separates the addresses by blanks (2.9 to 4.1).
        Ok(self.vars.text("JUJU_API_ADDRESSES")?.unwrap_or_default().split_whitespace())
    }

    /// Returns the id of the machine, such as `3` or `0/lxd/1` (`JUJU_MACHINE_ID`); `None` on
    /// Kubernetes.
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn machine_id(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_MACHINE_ID")
    }

    /// Returns the unit that this unit is subordinate to (`JUJU_PRINCIPAL_UNIT`).
    ///
    /// # Errors
    ///
    /// The variable is malformed.
    pub fn principal_unit(&self) -> Result<Option<UnitName>, Error> {
        self.vars.parsed("JUJU_PRINCIPAL_UNIT")
    }

    /// Returns the availability zone of the machine (`JUJU_AVAILABILITY_ZONE`).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn availability_zone(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_AVAILABILITY_ZONE")
    }

    /// Returns the version of the cloud's API (`CLOUD_API_VERSION`).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn cloud_api_version(&self) -> Result<Option<&str>, Error> {
        self.vars.text("CLOUD_API_VERSION")
    }

    /// Returns the proxy settings of the model.
    ///
    /// # Errors
    ///
    /// One of the values is not UTF-8.
    pub fn proxies(&self) -> Result<Proxies, Error> {
        Proxies::from_vars(&self.vars)
    }

    /// Returns the service level of the model (`JUJU_SLA`, Juju 2.9 and 3.6).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn sla(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_SLA")
    }

    /// Returns the status of the unit's meter (`JUJU_METER_STATUS`, Juju 2.9).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn meter_status(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_METER_STATUS")
    }

    /// Returns the message that goes with the meter's status (`JUJU_METER_INFO`, Juju 2.9).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn meter_info(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_METER_INFO")
    }

    /// Returns the collector of traces and the span to continue (Juju 4).
    ///
    /// # Errors
    ///
    /// One of the values is not UTF-8.
    pub fn trace(&self) -> Result<TraceTarget, Error> {
        TraceTarget::from_vars(&self.vars)
    }

    /// Returns the host of the Kubernetes API (`KUBERNETES_SERVICE_HOST`); `None` on machines.
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn kubernetes_host(&self) -> Result<Option<&str>, Error> {
        self.vars.text("KUBERNETES_SERVICE_HOST")
    }

    /// Returns the port of the Kubernetes API (`KUBERNETES_SERVICE_PORT`); `None` on machines.
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn kubernetes_port(&self) -> Result<Option<&str>, Error> {
        self.vars.text("KUBERNETES_SERVICE_PORT")
    }

    /// Returns the base that a series upgrade leads to (`JUJU_TARGET_BASE`, Juju up to 3.6).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
    pub fn target_base(&self) -> Result<Option<&str>, Error> {
        self.vars.text("JUJU_TARGET_BASE")
    }

    /// Returns the series that a series upgrade leads to (`JUJU_TARGET_SERIES`, Juju up to 3.6).
    ///
    /// # Errors
    ///
    /// The value is not UTF-8.
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

//! [`HookRun::environment`] makes the environment variables of a hook. A hook inherits nothing from
//! the agent's own environment.
//!
//! Juju sets a variable that has no value to the empty string, and does not leave it out. Source:
//! reference `juju-agent.md` 5.2.

use std::ffi::OsString;
use std::path::PathBuf;

use super::hook_run::HookRun;
use super::model_settings::is_at_least;

/// The variables with which Kubernetes tells the programs of a pod the address of its API.
const KUBERNETES: [&str; 9] = [
    "KUBERNETES_PORT",
    "KUBERNETES_PORT_443_TCP",
    "KUBERNETES_PORT_443_TCP_ADDR",
    "KUBERNETES_PORT_443_TCP_PORT",
    "KUBERNETES_PORT_443_TCP_PROTO",
    "KUBERNETES_SERVICE",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "KUBERNETES_SERVICE_PORT_HTTPS",
];

/// The paths that a hook finds in its environment, and further variables for it.
#[derive(Debug, Clone)]
#[must_use]
pub struct AgentPaths {
    charm_dir: PathBuf,
    tools_dir: PathBuf,
    socket: PathBuf,
    path: OsString,
    extra: Vec<(String, OsString)>,
}

impl AgentPaths {
    /// Makes the paths from the charm's directory, the directory of the hook tools' executables,
    /// and the socket on which the tools connect to the agent. Pass absolute paths: a hook runs in
    /// the charm's directory.
    pub fn new(
        charm_dir: impl Into<PathBuf>,
        tools_dir: impl Into<PathBuf>,
        socket: impl Into<PathBuf>,
    ) -> Self {
        Self {
            charm_dir: charm_dir.into(),
            tools_dir: tools_dir.into(),
            socket: socket.into(),
            path: OsString::from("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            extra: Vec::new(),
        }
    }

    /// Sets the agent's own `PATH`, which follows the tools' directory in the `PATH` of a hook. The
    /// default is the usual one of Ubuntu.
    pub fn path(mut self, path: impl Into<OsString>) -> Self {
        self.path = path.into();
        self
    }

    /// Adds the variables with which Kubernetes tells the address of its API. `read` returns a
    /// variable of the agent's own environment. Juju passes these on to a hook, and no other one
    /// (Juju 3.6).
    pub fn kubernetes(self, read: impl Fn(&str) -> Option<OsString>) -> Self {
        KUBERNETES
            .iter()
            .filter_map(|name| Some((*name, read(name)?)))
            .fold(self, |paths, (name, value)| paths.variable(name, value))
    }

    /// Adds a variable, such as `CHARMWRIGHT_CONTAINERS`. It replaces Juju's variable of that name.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }
}

impl HookRun {
    /// Returns every environment variable of the program. The caller clears the inherited
    /// environment before it sets them.
    #[must_use]
    pub fn environment(&self, paths: &AgentPaths) -> Vec<(OsString, OsString)> {
        let action = self.kind.is_action();
        let mut path = paths.tools_dir.clone().into_os_string();
        path.push(":");
        path.push(&paths.path);
        let text = |value: &str| OsString::from(value);
        let principal = self.principal.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut variables: Vec<(&str, OsString)> = vec![
            ("CHARM_DIR", paths.charm_dir.clone().into_os_string()),
            ("JUJU_CHARM_DIR", paths.charm_dir.clone().into_os_string()),
            (
                "JUJU_HOOK_NAME",
                if action { OsString::new() } else { OsString::from(self.kind.name()) },
            ),
            ("JUJU_DISPATCH_PATH", OsString::from(self.dispatch_path())),
            ("JUJU_CONTEXT_ID", text(&self.context_id)),
            ("JUJU_AGENT_SOCKET_ADDRESS", paths.socket.clone().into_os_string()),
            ("JUJU_AGENT_SOCKET_NETWORK", text("unix")),
            ("JUJU_UNIT_NAME", OsString::from(self.unit.to_string())),
            ("JUJU_MODEL_NAME", text(&self.model_name)),
            ("JUJU_MODEL_UUID", text(&self.model_uuid)),
            ("JUJU_VERSION", OsString::from(self.version.to_string())),
            ("JUJU_API_ADDRESSES", text(&self.api_addresses)),
            ("JUJU_MACHINE_ID", text(&self.machine_id)),
            ("JUJU_PRINCIPAL_UNIT", OsString::from(principal)),
            ("JUJU_AVAILABILITY_ZONE", OsString::new()),
            ("CLOUD_API_VERSION", OsString::new()),
            ("JUJU_CHARM_HTTP_PROXY", OsString::new()),
            ("JUJU_CHARM_HTTPS_PROXY", OsString::new()),
            ("JUJU_CHARM_FTP_PROXY", OsString::new()),
            ("JUJU_CHARM_NO_PROXY", OsString::new()),
            ("PATH", path),
            // Juju sets these two, and this TERM, on Ubuntu only (Juju 3.6, measured).
            ("APT_LISTCHANGES_FRONTEND", text("none")),
            ("DEBIAN_FRONTEND", text("noninteractive")),
            ("LANG", text("C.UTF-8")),
            ("TERM", text("tmux-256color")),
        ];
        if !is_at_least(&self.version, 4, 0) {
            variables.push(("JUJU_SLA", text("unsupported")));
        }
        if !is_at_least(&self.version, 3, 0) {
            variables.push(("JUJU_METER_STATUS", text("AMBER")));
            variables.push(("JUJU_METER_INFO", text("not set")));
        }
        if is_at_least(&self.version, 4, 0) {
            for name in [
                "JUJU_CHARM_TRACE_CONFIG_HTTP",
                "JUJU_CHARM_TRACE_CONFIG_GRPC",
                "JUJU_CHARM_TRACE_CONFIG_CA_CERT",
            ] {
                variables.push((name, OsString::new()));
            }
        }
        variables.extend(
            self.kind.variables().into_iter().map(|(name, value)| (name, OsString::from(value))),
        );
        // A name must not stand twice: which value counts then is up to the program.
        variables.retain(|(name, _)| !paths.extra.iter().any(|(other, _)| other == name));
        variables
            .into_iter()
            .map(|(name, value)| (OsString::from(name), value))
            .chain(paths.extra.iter().map(|(name, value)| (OsString::from(name), value.clone())))
            .collect()
    }
}

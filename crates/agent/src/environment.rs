//! The environment of a hook: built from nothing, with Juju's own set of variables.
//!
//! Source: reference `juju-agent.md` 5.2. A variable without a value is set and empty, not left
//! out.

use std::ffi::OsString;
use std::path::PathBuf;

use super::hook_run::HookRun;
use super::settings::is_at_least;

/// The variables that lead a pod's programs to the API of Kubernetes.
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

/// Where the agent keeps what a hook needs.
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
    /// The charm's directory, the folder of the hook tools' executables, and the socket on which
    /// they reach the agent.
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

    /// The agent's own `PATH`: what a hook has after the tools' folder.
    pub fn path(mut self, path: impl Into<OsString>) -> Self {
        self.path = path.into();
        self
    }

    /// The variables by which a program finds the API of Kubernetes, as `read` has them of the
    /// agent's own environment: Juju hands these on, and nothing else of it.
    pub fn kubernetes(self, read: impl Fn(&str) -> Option<OsString>) -> Self {
        KUBERNETES
            .iter()
            .filter_map(|name| Some((*name, read(name)?)))
            .fold(self, |paths, (name, value)| paths.variable(name, value))
    }

    /// One more variable: `CHARMWRIGHT_CONTAINERS`. It replaces a variable of that name.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }
}

impl HookRun {
    /// Every variable that the program has; the caller clears its own first.
    #[must_use]
    pub fn environment(&self, paths: &AgentPaths) -> Vec<(OsString, OsString)> {
        let action = self.kind.is_action();
        let mut path = paths.tools_dir.clone().into_os_string();
        path.push(":");
        path.push(&paths.path);
        let text = |value: &str| OsString::from(value);
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
            ("JUJU_UNIT_NAME", text(&self.unit)),
            ("JUJU_MODEL_NAME", text(&self.model_name)),
            ("JUJU_MODEL_UUID", text(&self.model_uuid)),
            ("JUJU_VERSION", OsString::from(self.version.to_string())),
            ("JUJU_API_ADDRESSES", text(&self.api_addresses)),
            ("JUJU_MACHINE_ID", text(&self.machine_id)),
            ("JUJU_PRINCIPAL_UNIT", OsString::new()),
            ("JUJU_AVAILABILITY_ZONE", OsString::new()),
            ("CLOUD_API_VERSION", OsString::new()),
            ("JUJU_CHARM_HTTP_PROXY", OsString::new()),
            ("JUJU_CHARM_HTTPS_PROXY", OsString::new()),
            ("JUJU_CHARM_FTP_PROXY", OsString::new()),
            ("JUJU_CHARM_NO_PROXY", OsString::new()),
            ("PATH", path),
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
        variables.retain(|(name, _)| !paths.extra.iter().any(|(other, _)| other == name));
        variables
            .into_iter()
            .map(|(name, value)| (OsString::from(name), value))
            .chain(paths.extra.iter().map(|(name, value)| (OsString::from(name), value.clone())))
            .collect()
    }
}

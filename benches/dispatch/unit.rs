//! All three programs run in one unit; this module prepares the answers of its hook tools, its
//! environment variables and the plan of its Pebble.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use charmwright_testing::daemon::Daemon;
use serde_json::{Value, json};

use crate::calls::{Call, parse_calls};
use crate::common::Failure;
use crate::common::setup::run_to_end;
use crate::setup::{Programs, source_folder};

/// The events that are measured. Neither charm handles the last one.
pub(crate) const EVENTS: [&str; 4] = ["start", "config-changed", "update-status", "leader-elected"];

/// The events that Juju dispatches to a new unit until its workload runs.
const SETUP_EVENTS: [&str; 5] =
    ["install", "leader-elected", "config-changed", "start", "workload-pebble-ready"];

/// A charm is one of the two implementations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charm {
    Rust,
    Ops,
}

/// A unit has the folders, the state and the Pebble that a hook meets.
pub(crate) struct Unit<'a> {
    pub(crate) programs: &'a Programs,
    /// The folder of the hook tools' answers and of the charm folders.
    pub(crate) work_folder: &'a Path,
    /// The folder in which a charm finds the sockets of its containers.
    containers: PathBuf,
    pub(crate) daemon: &'a Daemon,
    /// The state of the Rust charm that Juju would keep: all that the charm wrote with state-set.
    state: RefCell<BTreeMap<String, Value>>,
    /// The charm folder of the charm on ops.
    ops: PathBuf,
    /// The charm folder of the Rust charm.
    rust: PathBuf,
}

impl<'a> Unit<'a> {
    /// Writes the charm folders and the answers of the hook tools.
    pub(crate) fn new(
        programs: &'a Programs,
        work_folder: &'a Path,
        daemon: &'a Daemon,
    ) -> Result<Self, Failure> {
        // The workload's health check connects to this listener instead of a workload, so that the
        // speed of a workload is no part of the figures.
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        std::thread::spawn(move || for _client in listener.incoming() {});

        let unit = Self {
            programs,
            work_folder,
            containers: daemon
                .containers()
                .ok_or("the daemon's socket is not that of a container")?
                .to_path_buf(),
            daemon,
            state: RefCell::default(),
            ops: work_folder.join("ops"),
            rust: work_folder.join("rust"),
        };
        for folder in [&unit.ops, &unit.rust] {
            fs::create_dir_all(folder)?;
            for name in ["metadata.yaml", "config.yaml", "actions.yaml"] {
                fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(name), folder.join(name))?;
            }
        }
        fs::create_dir_all(unit.ops.join("src"))?;
        fs::copy(source_folder().join("ops_charm/src/charm.py"), unit.ops.join("src/charm.py"))?;

        let config = json!({
            "command": "sleep 1000000",
            "environment": "{LOG_LEVEL: debug}",
            "working-dir": "",
            "user": "",
            "group": "",
            "port": port,
            "health-check": "tcp",
        });
        let answers: [(&str, String); 5] = [
            ("config-get", config.to_string()),
            ("is-leader", "true\n".to_owned()),
            ("opened-ports", json!([format!("{port}/tcp")]).to_string()),
            ("relation-ids", "[]\n".to_owned()),
            (
                "status-get",
                json!({"message": "", "status": "active", "status-data": {}}).to_string(),
            ),
        ];
        for event in EVENTS.into_iter().chain(SETUP_EVENTS) {
            let folder = unit.answers(event);
            fs::create_dir_all(&folder)?;
            for (tool, answer) in &answers {
                fs::write(folder.join(tool), answer)?;
            }
        }
        Ok(unit)
    }

    /// Returns the folder of the hook tools' answers in an event.
    fn answers(&self, event: &str) -> PathBuf {
        self.work_folder.join("answers").join(event)
    }

    /// Writes the current state as the answer of state-get in an event.
    fn write_state(&self, event: &str) -> Result<(), Failure> {
        fs::write(
            self.answers(event).join("state-get"),
            serde_json::to_string(&*self.state.borrow())?,
        )?;
        Ok(())
    }

    /// Returns the command line of a charm.
    pub(crate) fn command_line(&self, charm: Charm) -> Vec<String> {
        match charm {
            Charm::Rust => vec![self.programs.hook.display().to_string()],
            Charm::Ops => {
                vec![self.programs.python.display().to_string(), "src/charm.py".to_owned()]
            }
        }
    }

    /// Returns the charm folder of a charm.
    pub(crate) fn charm_folder(&self, charm: Charm) -> &Path {
        match charm {
            Charm::Rust => &self.rust,
            Charm::Ops => &self.ops,
        }
    }

    /// Returns all environment variables of a hook: those that Juju sets, and none that is
    /// inherited from the benchmark.
    pub(crate) fn environment(&self, charm: Charm, event: &str) -> Vec<(String, String)> {
        let folder = self.charm_folder(charm).display().to_string();
        let path = format!(
            "{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            self.programs.tools.display()
        );
        let dispatch = format!("hooks/{event}");
        let answers = self.answers(event).display().to_string();
        let containers = self.containers.display().to_string();
        let mut all: Vec<(String, String)> = [
            ("APT_LISTCHANGES_FRONTEND", "none"),
            ("CHARM_DIR", &folder),
            ("CLOUD_API_VERSION", ""),
            ("DEBIAN_FRONTEND", "noninteractive"),
            (
                "JUJU_AGENT_SOCKET_ADDRESS",
                "/var/lib/juju/agents/unit-any-workload-k8s-0/agent.socket",
            ),
            ("JUJU_AGENT_SOCKET_NETWORK", "unix"),
            ("JUJU_API_ADDRESSES", "10.0.0.5:17070"),
            ("JUJU_AVAILABILITY_ZONE", ""),
            ("JUJU_CHARM_DIR", &folder),
            ("JUJU_CHARM_FTP_PROXY", ""),
            ("JUJU_CHARM_HTTPS_PROXY", ""),
            ("JUJU_CHARM_HTTP_PROXY", ""),
            ("JUJU_CHARM_NO_PROXY", ""),
            ("JUJU_CONTEXT_ID", "any-workload-k8s/0-hook-0f3c0f3c0f3c0f3c0f3c0f3c0f3c0f3c"),
            ("JUJU_DISPATCH_PATH", &dispatch),
            ("JUJU_HOOK_NAME", event),
            ("JUJU_MACHINE_ID", ""),
            ("JUJU_MODEL_NAME", "bench"),
            ("JUJU_MODEL_UUID", "f1cbc0d4-0000-4000-8000-000000000000"),
            ("JUJU_PRINCIPAL_UNIT", ""),
            ("JUJU_SLA", "unsupported"),
            ("JUJU_UNIT_NAME", "any-workload-k8s/0"),
            ("JUJU_VERSION", "3.6.9"),
            ("LANG", "C.UTF-8"),
            ("PATH", &path),
            ("TERM", "tmux-256color"),
            ("CHARMWRIGHT_CONTAINERS", &containers),
            ("HOOK_ANSWERS", &answers),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        // Juju sets this variable in the events of a container only.
        if event.contains("-pebble-") {
            all.push(("JUJU_WORKLOAD_NAME".to_owned(), "workload".to_owned()));
        }
        all
    }

    /// Runs a charm once, not measured, and returns its calls.
    ///
    /// The hook tools append to `log`, as the proxy of a recording does. `containers` replaces the
    /// folder of the sockets, so that a proxy can stand between the charm and Pebble.
    ///
    /// # Errors
    ///
    /// The charm cannot be started or exits with a failure, or the log cannot be parsed.
    pub(crate) fn run(
        &self,
        charm: Charm,
        event: &str,
        log: &Path,
        containers: Option<&Path>,
    ) -> Result<Vec<Call>, Failure> {
        // The hook tools append, so the log of an earlier run must go. Often there is none.
        let _old = fs::remove_file(log);
        let line = self.command_line(charm);
        let (program, arguments) = line.split_first().ok_or("no program to run")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.charm_folder(charm))
            .env_clear()
            .envs(self.environment(charm, event))
            .env("HOOK_CALLS", log)
            .stdin(Stdio::null());
        if let Some(containers) = containers {
            command.env("CHARMWRIGHT_CONTAINERS", containers);
        }
        let output =
            command.output().map_err(|error| format!("cannot start {program}: {error}"))?;
        // A charm that started no hook tool has written no log.
        let calls = parse_calls(&fs::read(log).unwrap_or_default())?;
        if output.status.success() {
            return Ok(calls);
        }
        Err(format!(
            "the charm ({charm:?}) failed in {event}: {}\n{}\nit called: {calls:?}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        )
        .into())
    }

    /// Returns the plan in YAML, as Pebble's own command line prints it.
    fn plan(&self) -> Result<String, Failure> {
        run_to_end(
            Command::new(self.daemon.binary())
                .arg("plan")
                .env("PEBBLE_SOCKET", self.daemon.socket()),
        )
    }

    /// Runs the setup events in both charms, until the workload runs.
    ///
    /// The unit keeps what the Rust charm writes with state-set, and answers state-get with it.
    /// Each measured event finds the state that the charm had when Juju would dispatch it.
    ///
    /// # Errors
    ///
    /// A charm fails, or the two charms set different plans.
    pub(crate) fn run_setup_events(&self) -> Result<(), Failure> {
        let log = self.work_folder.join("calls");
        for event in SETUP_EVENTS {
            self.write_state(event)?;
            for call in self.run(Charm::Rust, event, &log, None)? {
                if let Call::Tool { argv, input } = call
                    && argv.first().is_some_and(|tool| tool == "state-set")
                {
                    let written: BTreeMap<String, Value> = serde_json::from_slice(&input)?;
                    self.state.borrow_mut().extend(written);
                }
            }
            let plan = self.plan()?;
            self.run(Charm::Ops, event, &log, None)?;
            // The charms take turns on one Pebble. With different layers each replan would restart
            // the workload, and the time of the restart would be measured.
            let other = self.plan()?;
            if plan != other {
                return Err(format!(
                    "the two charms do not want the same plan in {event}; in Rust:\n{plan}\non \
                     ops:\n{other}"
                )
                .into());
            }
        }
        // `start` keeps the state that it found among the setup events, since a unit starts once.
        // Juju dispatches the other events to a unit in operation.
        for event in EVENTS.into_iter().filter(|event| *event != "start") {
            self.write_state(event)?;
        }
        Ok(())
    }
}

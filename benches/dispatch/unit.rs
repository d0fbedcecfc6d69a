//! All three programs of a case run in one unit; this module has its two charms and its Pebbles.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use charmwright_agent::{AgentPaths, HookRun};
use charmwright_testing::daemon::{Daemon, DaemonOptions};

use crate::agent::Agent;
use crate::calls::{Call, parse_calls};
use crate::case::{Case, Trigger};
use crate::common::Failure;
use crate::common::setup::run_to_end;
use crate::setup::Programs;

/// A charm is one of the two implementations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charm {
    Rust,
    Ops,
}

/// A unit has the folders, the models and the Pebbles that a hook meets.
pub(crate) struct Unit<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) case: &'a Case,
    /// A folder for what the benchmark writes.
    work_folder: PathBuf,
    /// The folder in which a charm finds the sockets of its containers.
    containers: PathBuf,
    daemons: Vec<Daemon>,
    rust: Deployed,
    ops: Deployed,
}

/// A deployed charm has a Juju of its own, and a folder with its files.
struct Deployed {
    charm: Charm,
    agent: Agent,
    folder: PathBuf,
    command_line: Vec<String>,
    /// The last hook of each event, by the name of the event.
    hooks: BTreeMap<String, Hook>,
}

/// A hook keeps its environment and its calls, so that it can run again and again.
struct Hook {
    environment: Vec<(OsString, OsString)>,
    calls: Vec<Call>,
}

impl<'a> Unit<'a> {
    /// Starts the Pebbles, writes the charm folders, and deploys both charms.
    pub(crate) fn new(
        programs: &'a Programs,
        case: &'a Case,
        work_folder: PathBuf,
    ) -> Result<Self, Failure> {
        let containers = work_folder.join("containers");
        let mut daemons = Vec::new();
        for container in case.containers {
            fs::create_dir_all(containers.join(container))?;
            let options = DaemonOptions::new()
                .container(*container)
                .forgetful()
                .folder(work_folder.join("pebble").join(container))
                .socket(containers.join(container).join("pebble.socket"));
            daemons.push(Daemon::start(options)?);
        }
        let rust = vec![programs.hook(case)?.display().to_string()];
        let ops = vec![programs.python.display().to_string(), "src/charm.py".to_owned()];
        let unit = Self {
            programs,
            case,
            containers,
            daemons,
            rust: Deployed::new(case, Charm::Rust, rust, &work_folder)?,
            ops: Deployed::new(case, Charm::Ops, ops, &work_folder)?,
            work_folder,
        };
        fs::create_dir(unit.ops.folder.join("src"))?;
        fs::copy(&case.ops_script, unit.ops.folder.join("src/charm.py"))?;
        Ok(unit)
    }

    fn deployed(&self, charm: Charm) -> &Deployed {
        match charm {
            Charm::Rust => &self.rust,
            Charm::Ops => &self.ops,
        }
    }

    /// Returns the path of the log of a run.
    pub(crate) fn log(&self) -> PathBuf {
        self.work_folder.join("calls")
    }

    /// Returns the socket of each container with the container's name.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = (&'a str, &Path)> {
        self.case.containers.iter().copied().zip(self.daemons.iter().map(Daemon::socket))
    }

    /// Returns the command line of a charm.
    pub(crate) fn command_line(&self, charm: Charm) -> Vec<String> {
        self.deployed(charm).command_line.clone()
    }

    /// Gives a command the working folder and the environment of the last hook of an event. The
    /// hook tools answer from files, as the model answered in that hook.
    pub(crate) fn configure(
        &self,
        command: &mut Command,
        charm: Charm,
        event: &str,
    ) -> Result<(), Failure> {
        let deployed = self.deployed(charm);
        let environment = deployed.hook(event)?.environment.iter().cloned();
        command.current_dir(&deployed.folder).env_clear().envs(environment).stdin(Stdio::null());
        Ok(())
    }

    /// Returns the hook tools that a charm started in the last hook of an event, which the model
    /// answered.
    pub(crate) fn calls(&self, charm: Charm, event: &str) -> Result<&[Call], Failure> {
        Ok(&self.deployed(charm).hook(event)?.calls)
    }

    /// Runs a charm once, not measured, and returns its calls. The hook tools answer from files.
    ///
    /// The hook tools append to `log`, as the proxies of a recording do. `containers` replaces the
    /// folder of the sockets, so that a proxy can stand between the charm and each Pebble.
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
        let mut command = self.deployed(charm).command()?;
        self.configure(&mut command, charm, event)?;
        command.env("HOOK_CALLS", log);
        if let Some(containers) = containers {
            command.env("CHARMWRIGHT_CONTAINERS", containers);
        }
        let output = command.output().map_err(|error| format!("cannot run {charm:?}: {error}"))?;
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

    /// Brings both charms into operation, and runs the hook of each measured event once.
    ///
    /// # Errors
    ///
    /// A charm fails, or the two charms do not have the same effects.
    pub(crate) fn operate(&mut self) -> Result<(), Failure> {
        self.run_due_hooks()?;
        self.trigger(|model, unit| {
            let containers: Vec<String> =
                model.report(unit)?.containers.into_iter().map(|it| it.name).collect();
            for container in containers {
                model.pebble_seen(unit, &container, "b7e8d9a0-0000-4000-8000-000000000001")?;
            }
            Ok(())
        })?;
        for event in self.case.events {
            if let Some(trigger) = event.trigger {
                self.rust.hooks.remove(event.name);
                self.ops.hooks.remove(event.name);
                self.trigger(trigger)?;
            }
        }
        Ok(())
    }

    /// Makes hooks due on both charms, and runs them.
    fn trigger(&mut self, trigger: Trigger) -> Result<(), Failure> {
        self.rust.agent.change(trigger)?;
        self.ops.agent.change(trigger)?;
        self.run_due_hooks()?;
        let (rust, ops) = (self.rust.agent.effects()?, self.ops.agent.effects()?);
        if rust != ops {
            return Err(format!(
                "the two charms do not have the same effects; in Rust:\n{rust:#?}\non \
                 ops:\n{ops:#?}"
            )
            .into());
        }
        Ok(())
    }

    /// Runs all hooks that are due, each in both charms.
    fn run_due_hooks(&mut self) -> Result<(), Failure> {
        loop {
            let (rust, ops) = match (self.rust.agent.begin()?, self.ops.agent.begin()?) {
                (Some(rust), Some(ops)) if rust.name() == ops.name() => (rust, ops),
                (None, None) => return Ok(()),
                (rust, ops) => {
                    let name = |hook: Option<HookRun>| hook.map(|hook| hook.name());
                    return Err(format!(
                        "the two charms do not have the same hook: {:?} in Rust, {:?} on ops",
                        name(rust),
                        name(ops)
                    )
                    .into());
                }
            };
            self.rust.run(&rust, &self.programs.tools, &self.containers)?;
            let plans = self.plans()?;
            self.ops.run(&ops, &self.programs.tools, &self.containers)?;
            // The charms take turns on one Pebble. With different layers each replan would restart
            // the workload, and the time of the restart would be measured.
            let others = self.plans()?;
            if plans != others {
                return Err(format!(
                    "the two charms do not want the same plan in {}; in \
                     Rust:\n{plans}\non ops:\n{others}",
                    rust.name()
                )
                .into());
            }
        }
    }

    /// Returns the plans of all Pebbles in YAML, as Pebble's own command line prints them.
    fn plans(&self) -> Result<String, Failure> {
        self.daemons
            .iter()
            .map(|daemon| {
                run_to_end(
                    Command::new(daemon.binary()).arg("plan").env("PEBBLE_SOCKET", daemon.socket()),
                )
            })
            .collect()
    }
}

impl Deployed {
    /// Writes the folder of a charm, and deploys it in a model of its own.
    fn new(
        case: &Case,
        charm: Charm,
        command_line: Vec<String>,
        work_folder: &Path,
    ) -> Result<Self, Failure> {
        let folder = work_folder.join(format!("{charm:?}").to_lowercase());
        fs::create_dir_all(folder.join("answers"))?;
        for name in ["metadata.yaml", "config.yaml", "actions.yaml"] {
            let file = case.charm_folder.join(name);
            if file.exists() {
                fs::copy(file, folder.join(name))?;
            }
        }
        let agent = Agent::new(case, folder.join("agent.socket"))?;
        Ok(Self { charm, agent, folder, command_line, hooks: BTreeMap::new() })
    }

    fn command(&self) -> Result<Command, Failure> {
        let (program, arguments) = self.command_line.split_first().ok_or("no program to run")?;
        let mut command = Command::new(program);
        command.args(arguments);
        Ok(command)
    }

    fn hook(&self, event: &str) -> Result<&Hook, Failure> {
        let charm = self.charm;
        self.hooks.get(event).ok_or_else(|| format!("{event} never came ({charm:?})").into())
    }

    /// Runs a hook that has begun, and keeps what it left behind.
    fn run(&mut self, hook: &HookRun, tools: &Path, containers: &Path) -> Result<(), Failure> {
        let answers = self.folder.join("answers").join(hook.name());
        // The answers of an earlier hook of the event must go. Often there are none.
        let _old = fs::remove_dir_all(&answers);
        fs::create_dir_all(&answers)?;
        let paths = AgentPaths::new(&self.folder, tools, self.agent.socket())
            .variable("CHARMWRIGHT_CONTAINERS", containers)
            .variable("HOOK_ANSWERS", &answers);
        let environment = hook.environment(&paths);
        let mut command = self.command()?;
        command.current_dir(&self.folder).env_clear().envs(environment.iter().cloned());
        let calls = self.agent.run(hook, command, &answers)?;
        self.hooks.insert(hook.name(), Hook { environment, calls });
        Ok(())
    }
}

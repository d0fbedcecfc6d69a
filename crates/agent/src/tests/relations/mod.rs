//! Tests of relations in a model: what the operator does, which hooks come, and what the tools
//! answer.

mod commands;
mod data;
mod hooks;
mod played_units;
mod provider;
mod random;
mod subordinates;
mod tools;
mod trial_providers;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::super::{
    AgentPaths, CharmMeta, Deployment, EndpointMeta, EndpointRole, Finished, HookExit, HookRun,
    Model, ModelSettings, Next, RelationEvent, ToolAnswer, ToolRequest, ToolStep, UnitName,
};
use super::text;

const WEB: &str = "name: web\nsummary: s\ndescription: d\n\
    requires: {db: {interface: sql}, cache: {interface: redis, limit: 1}}\n\
    provides: {site: {interface: http}}\npeers: {ring: {interface: ring}}\n";
const PG: &str = "name: pg\nsummary: s\ndescription: d\nprovides: {server: {interface: sql}}\n";

fn unit(name: &str) -> UnitName {
    name.parse().unwrap()
}

fn meta(metadata: &str) -> CharmMeta {
    CharmMeta::parse(metadata, Some("options: {port: {type: int, default: 80}}"), None).unwrap()
}

/// A model with the application `web`, whose peer relation has the number 0, and the time of the
/// test.
struct World {
    model: Model,
    now: Instant,
}

impl World {
    fn new(units: u32) -> Self {
        Self::with_settings(ModelSettings::new(), units)
    }

    fn with_settings(settings: ModelSettings, units: u32) -> Self {
        let mut model = Model::new(settings.update_status_interval(None));
        model.deploy("web", Deployment::charm(meta(WEB)).units(units)).unwrap();
        Self { model, now: Instant::now() }
    }

    /// Makes a model in which `web` is related to `pg`, which has no charm. The relation has the
    /// number 1, and every hook has run.
    fn related(units: u32, remote_units: u32) -> Self {
        let mut world = Self::new(units);
        world.add_remote("pg", remote_units);
        world.model.integrate("web:db", "pg").unwrap();
        world.settle();
        world
    }

    fn add_remote(&mut self, name: &str, units: u32) {
        let server = EndpointMeta::new("server", EndpointRole::Provider, "sql");
        self.model.deploy(name, Deployment::remote([server]).units(units)).unwrap();
    }

    fn begin(&mut self, name: &str) -> Option<HookRun> {
        match self.model.next(&unit(name), self.now).unwrap() {
            Next::Run(run) => Some(run),
            _ => None,
        }
    }

    fn finish(&mut self, name: &str, exit: HookExit) -> Finished {
        self.model.finish(&unit(name), &exit, self.now, b"", b"").unwrap()
    }

    /// Lets every hook of a unit succeed, and returns their names, each with its remote unit.
    fn run(&mut self, name: &str) -> Vec<String> {
        let mut ran = Vec::new();
        while let Some(run) = self.begin(name) {
            ran.push(shown(&run));
            self.finish(name, HookExit::Code(0));
            assert!(ran.len() < 100, "no end: {ran:?}");
        }
        ran
    }

    /// Lets the hooks of a unit succeed until this one begins, which is left running.
    fn begin_hook(&mut self, name: &str, hook: &str) {
        for _ in 0..100 {
            let run = self.begin(name).unwrap_or_else(|| panic!("{hook} is not due"));
            if shown(&run) == hook {
                return;
            }
            self.finish(name, HookExit::Code(0));
        }
    }

    /// Lets every hook of every unit succeed until nothing is due.
    fn settle(&mut self) {
        for _ in 0..100 {
            let ran: Vec<String> =
                self.model.units().iter().flat_map(|unit| self.run(&unit.to_string())).collect();
            if ran.is_empty() {
                return;
            }
        }
        panic!("no end");
    }

    /// Begins config-changed, which is a hook of no relation.
    fn begin_config_changed(&mut self, name: &str) {
        let port = self.now.elapsed().as_nanos().to_string();
        self.model.set_config("web", "port", &port).unwrap();
        self.begin_hook(name, "config-changed");
    }

    fn step(&mut self, name: &str, line: &[&str]) -> (ToolRequest, ToolStep) {
        let (tool, args) = line.split_first().unwrap();
        let run = &self.model.record(&unit(name)).unwrap().running.as_ref().unwrap().run;
        let request = ToolRequest {
            context_id: run.id().to_owned(),
            dir: "/cwd".into(),
            name: (*tool).to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            ..ToolRequest::default()
        };
        let step = self.model.tool(&unit(name), &request);
        (request, step)
    }

    fn answer(&mut self, name: &str, line: &[&str]) -> ToolAnswer {
        match self.step(name, line).1 {
            ToolStep::Done(answer) => answer,
            other => panic!("{line:?}: {other:?}"),
        }
    }

    /// Returns the standard output of a tool, which must succeed.
    fn out(&mut self, name: &str, line: &[&str]) -> String {
        let answer = self.answer(name, line);
        assert_eq!((answer.code, text(&answer.stderr)), (0, String::new()), "{line:?}");
        text(&answer.stdout)
    }

    /// Returns the exit code and the error text of a tool, which must fail.
    fn error(&mut self, name: &str, line: &[&str]) -> (u8, String) {
        let answer = self.answer(name, line);
        assert_eq!(text(&answer.stdout), "", "{line:?}");
        let error = text(&answer.stderr);
        let error = error.strip_prefix("ERROR ").and_then(|error| error.strip_suffix('\n'));
        (answer.code, error.unwrap_or_else(|| panic!("{line:?} succeeded")).to_owned())
    }

    /// Runs a tool in a hook of config-changed, lets the hook succeed and every other hook after
    /// it.
    fn write(&mut self, name: &str, line: &[&str]) {
        self.begin_config_changed(name);
        self.out(name, line);
        self.finish(name, HookExit::Code(0));
    }

    fn app_data(&self, relation: u32, application: &str) -> BTreeMap<String, String> {
        self.model.app_data(relation, application).unwrap().clone()
    }

    fn unit_data(&self, relation: u32, name: &str) -> BTreeMap<String, String> {
        self.model.unit_data(relation, &unit(name)).unwrap().clone()
    }
}

/// Returns the name of a hook, and its remote unit if it has one.
fn shown(run: &HookRun) -> String {
    match run.kind().relation().and_then(|hook| hook.remote_unit()) {
        Some(unit) => format!("{} {unit}", run.name()),
        None => run.name(),
    }
}

/// Returns a variable of a hook's environment.
fn variable(run: &HookRun, name: &str) -> Option<String> {
    let variables = run.environment(&AgentPaths::new("/charm", "/tools", "/agent.socket"));
    let found = variables.into_iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_string().unwrap())
}

fn advance(world: &mut World, seconds: u64) {
    world.now += Duration::from_secs(seconds);
}

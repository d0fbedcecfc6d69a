//! [`Juju`] drives the charms of a model: it runs the hooks that are due, unit by unit, until none
//! is.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use charmwright::dispatch::{HookReport, RunOptions, run_hook};
use charmwright::juju::{HookEnv, HookTools, LogLevel, ToolError, UnitName};
use charmwright::{Charm, Event};
use charmwright_agent::{
    ActionRecord, AgentPaths, CharmMeta, Deployment, Finished, InProcessTools, Model,
    ModelSettings, RecordedCall, RelationNumber, Report,
};
use tokio::runtime::Builder;

/// More hooks than any test here runs. Charms that answer each other for ever reach it.
const MOST_HOOKS: usize = 1000;

/// Runs a charm for one hook.
type Run = Box<dyn Fn(HookEnv, HookTools, RunOptions) -> HookReport>;

/// A model of Juju whose charms run in this process.
pub struct Juju {
    /// Any tools lead to the model, also those of a unit that does not exist.
    model: InProcessTools,
    tools: BTreeMap<UnitName, InProcessTools>,
    charms: BTreeMap<String, Run>,
    now: Instant,
    /// Everything that the hooks wrote to their standard output and standard error.
    pub output: Output,
}

/// A hook or an action that has run.
#[derive(Debug)]
pub struct Ran {
    /// The name of the unit.
    pub unit: String,
    /// The name of the hook or of the action.
    pub hook: String,
    /// What the charm says of it.
    pub report: HookReport,
    /// What Juju says of it.
    pub finished: Finished,
    /// The hook tools that it called.
    pub calls: Vec<RecordedCall>,
}

/// Collects what is written to it. A clone is the same collection.
#[derive(Clone, Default)]
pub struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    /// Returns what was written so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Juju {
    /// Makes a model without applications. update-status runs only when a test asks for it.
    pub fn new() -> Self {
        let now = Instant::now();
        let settings = ModelSettings::new()
            .update_status_interval(None)
            .clock(now, SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let model = InProcessTools::new(Model::new(settings), name("nobody/0"));
        let (tools, charms) = (BTreeMap::new(), BTreeMap::new());
        Self { model, tools, charms, now, output: Output::default() }
    }

    /// Deploys the charm of this folder of the examples. `charm` makes the charm of each hook.
    pub fn deploy<C: Charm + 'static>(
        &mut self,
        application: &str,
        example: &str,
        units: u32,
        charm: impl Fn() -> C + 'static,
    ) {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let meta = CharmMeta::read(&examples.join(example)).unwrap();
        self.deploy_charm(application, meta, units, charm);
    }

    /// Deploys a charm with these declarations.
    pub fn deploy_charm<C: Charm + 'static>(
        &mut self,
        application: &str,
        meta: CharmMeta,
        units: u32,
        charm: impl Fn() -> C + 'static,
    ) {
        self.deploy_as(application, Deployment::charm(meta).units(units), charm);
    }

    /// Deploys the charm of a folder of the examples on a machine, with what `settings` adds.
    pub fn deploy_on_machine<C: Charm + 'static>(
        &mut self,
        application: &str,
        settings: impl FnOnce(Deployment) -> Deployment,
        charm: impl Fn() -> C + 'static,
    ) {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let meta = CharmMeta::read(&examples.join(application)).unwrap();
        self.deploy_as(application, settings(Deployment::charm(meta)), charm);
    }

    fn deploy_as<C: Charm + 'static>(
        &mut self,
        application: &str,
        deployment: Deployment,
        charm: impl Fn() -> C + 'static,
    ) {
        self.with(|model| model.deploy(application, deployment)).unwrap();
        let run: Run = Box::new(move |env, tools, options| {
            // No charm here waits for a Pebble, but if one did, no test would wait with it.
            let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
            runtime.unwrap().block_on(run_hook(charm(), env, tools, options))
        });
        self.charms.insert(application.to_owned(), run);
    }

    /// Asks or commands the model.
    pub fn with<T>(&self, ask: impl FnOnce(&mut Model) -> T) -> T {
        self.model.with_model(|model, _| ask(model))
    }

    /// Relates two applications, and returns the number of the relation.
    pub fn integrate(&self, one: &str, other: &str) -> RelationNumber {
        self.with(|model| model.integrate(one, other)).unwrap()
    }

    /// Runs the hooks of all units, one after another, until none is due.
    pub fn settle(&mut self) -> Vec<Ran> {
        let mut ran = Vec::new();
        loop {
            let before = ran.len();
            for unit in self.with(|model| model.units()) {
                ran.extend(self.run_next(&unit));
            }
            if ran.len() == before {
                return ran;
            }
            assert!(ran.len() < MOST_HOOKS, "the charms answer each other for ever: {ran:#?}");
        }
    }

    /// Runs the hooks of one unit until none is due.
    pub fn settle_unit(&mut self, unit: &str) -> Vec<Ran> {
        let unit = name(unit);
        std::iter::from_fn(|| self.run_next(&unit)).take(MOST_HOOKS).collect()
    }

    /// Runs the charm of a unit for a hook that the model does not run by itself, with these
    /// variables, in the place of an update-status. `answers` are those of the next calls of tools:
    /// what they print, or an `ERROR` with which they refuse an option.
    pub fn play_hook(
        &mut self,
        unit: &str,
        hook: &str,
        variables: &[(&str, &str)],
        answers: &[(&str, &str)],
    ) -> Ran {
        let unit = name(unit);
        self.with(|model| model.update_status(&unit)).unwrap();
        let tools = self.tools_of(unit.to_string().as_str()).clone();
        for (tool, answer) in answers {
            if answer.starts_with("ERROR ") {
                let stderr = (*answer).to_owned();
                tools.fail_once(tool, ToolError::Exited { code: 2, stderr });
            } else {
                tools.answer_once(tool, *answer);
            }
        }
        let path = format!("hooks/{hook}");
        let own = [("JUJU_DISPATCH_PATH", path.as_str()), ("JUJU_HOOK_NAME", hook)];
        let played: Vec<_> = own.iter().chain(variables).copied().collect();
        self.run_as(&unit, &played).unwrap()
    }

    /// Runs the next hook or action of a unit, if one is due.
    pub fn run_next(&mut self, unit: &UnitName) -> Option<Ran> {
        self.run_as(unit, &[])
    }

    /// Runs the next hook or action of a unit, if one is due, and tells the charm that it is
    /// another one by these variables.
    fn run_as(&mut self, unit: &UnitName, played: &[(&str, &str)]) -> Option<Ran> {
        let tools = self.tools.entry(unit.clone());
        let tools = tools.or_insert_with(|| self.model.of_unit(unit.clone())).clone();
        let run = tools.begin(self.now)?;
        let paths = AgentPaths::new("/charm", "/tools", "/agent.socket");
        let played = played.iter().map(|(name, value)| (name.into(), value.into()));
        let is_played = played.len() > 0;
        let env = HookEnv::from_vars(run.environment(&paths).into_iter().chain(played)).unwrap();
        let no_containers = tempfile::tempdir().unwrap();
        let options = RunOptions::new()
            .containers_folder(no_containers.path())
            .log_level(LogLevel::Debug)
            .streams(self.output.clone(), self.output.clone());
        tools.forget_calls();
        let charm = &self.charms[unit.application().as_str()];
        let report = charm(env, tools.juju(), options);
        // Whatever hook the model runs, the library knows its event. Juju 3 has one that Juju 4 has
        // not.
        let own = report.handled().iter().find(|handled| !handled.is_deferred());
        if let Some(own) = own.filter(|_| !is_played) {
            assert_eq!(own.event().to_string(), run.name());
            let is_unknown = matches!(own.event(), Event::Unknown(_));
            assert_eq!(is_unknown, run.name() == "leader-settings-changed", "{own:?}");
        }
        let finished = tools.finish(report.exit_code().into(), self.now).unwrap();
        let calls = tools.calls();
        Some(Ran { unit: unit.to_string(), hook: run.name(), report, finished, calls })
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: Duration) {
        self.now += time;
    }

    /// Runs update-status on every unit, and what follows from it.
    pub fn update_status(&mut self) -> Vec<Ran> {
        self.with(|model| {
            for unit in model.units() {
                model.update_status(&unit).unwrap();
            }
        });
        self.settle()
    }

    /// Makes the next call of a tool by this unit fail.
    pub fn tools_of(&mut self, unit: &str) -> &InProcessTools {
        let unit = name(unit);
        self.tools.entry(unit.clone()).or_insert_with(|| self.model.of_unit(unit))
    }

    /// Runs an action, and what is due before it.
    pub fn run_action(
        &mut self,
        unit: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> ActionRecord {
        let unit = name(unit);
        let params: Vec<_> =
            params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let id = self.with(|model| model.run_action(&unit, action, &params)).unwrap();
        self.settle();
        self.with(|model| model.unit(&unit).unwrap().action(&id).cloned()).unwrap()
    }

    /// Returns the report of a unit.
    pub fn report(&self, unit: &str) -> Report {
        self.with(|model| model.report(&name(unit))).unwrap()
    }

    /// Returns the status of a unit, as `KIND: MESSAGE`.
    pub fn status(&self, unit: &str) -> String {
        let Report { status, message, .. } = self.report(unit);
        format!("{status}: {message}")
    }

    /// Returns the databag of an application in a relation.
    pub fn app_data(
        &self,
        relation: impl Into<RelationNumber>,
        application: &str,
    ) -> BTreeMap<String, String> {
        self.with(|model| model.app_data(relation, application).cloned()).unwrap()
    }

    /// Returns the databag of a unit in a relation.
    pub fn unit_data(
        &self,
        relation: impl Into<RelationNumber>,
        unit: &str,
    ) -> BTreeMap<String, String> {
        self.with(|model| model.unit_data(relation, &name(unit)).cloned()).unwrap()
    }
}

/// Parses the name of a unit.
pub fn name(unit: &str) -> UnitName {
    unit.parse().unwrap()
}

/// Asserts that every hook has succeeded.
#[track_caller]
pub fn assert_all_done(ran: &[Ran]) {
    for hook in ran {
        assert!(hook.finished.committed(), "{hook:#?}");
    }
}

/// Returns the hooks that a unit has run.
pub fn hooks_of<'a>(ran: &'a [Ran], unit: &str) -> Vec<&'a str> {
    ran.iter().filter(|hook| hook.unit == unit).map(|hook| hook.hook.as_str()).collect()
}

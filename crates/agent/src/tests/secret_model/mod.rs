//! Tests of secrets in a model of several units: what the tools print, what a hook commits, and
//! which hooks follow.

mod events;
mod granting;
mod operator;
mod random;
mod reading;
mod remote;
mod writing;

use std::time::{Duration, Instant, SystemTime};

use charmwright_juju::UnitName;

use super::super::{
    AgentPaths, CharmMeta, Deployment, Finished, HookExit, HookKind, HookRun, Model, ModelSettings,
    Next, ToolAnswer, ToolRequest, ToolStep,
};
use super::text;

const ENDPOINTS: &str = "provides: {server: {interface: sql}}\n\
    requires: {db: {interface: sql}}\npeers: {ring: {interface: ring}}\n";
const CONFIG: &str = "options: {key: {type: secret}, port: {type: int, default: 1}}";

/// A model of `web/0`, which leads, `web/1`, and `pg/0`. Its time begins at 2031-01-02T03:04:05Z.
struct World {
    model: Model,
    now: Instant,
}

impl World {
    fn new() -> Self {
        Self::with_version("3.6.28")
    }

    fn with_version(version: &str) -> Self {
        let now = Instant::now();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_925_089_445);
        let settings = ModelSettings::new()
            .juju_version(version.parse().unwrap())
            .update_status_interval(None)
            .clock(now, start);
        let mut model = Model::new(settings);
        for (name, units) in [("web", 2), ("pg", 1)] {
            let metadata = format!("name: {name}\nsummary: s\ndescription: d\n{ENDPOINTS}");
            let meta = CharmMeta::parse(&metadata, Some(CONFIG), None).unwrap();
            model.deploy(name, Deployment::charm(meta).units(units)).unwrap();
        }
        let mut world = Self { model, now };
        world.settle();
        world
    }

    /// Makes a model in which `web:db` is related to `pg:server`, by the relation that it returns.
    fn related() -> (Self, String) {
        let mut world = Self::new();
        let id = world.model.integrate("web:db", "pg:server").unwrap();
        world.settle();
        (world, id.to_string())
    }

    fn advance(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn next(&mut self, unit: &str) -> Next {
        self.model.next(&name(unit), self.now).unwrap()
    }

    fn begin(&mut self, unit: &str) -> HookRun {
        match self.next(unit) {
            Next::Run(run) => run,
            other => panic!("{unit} has nothing to run: {other:?}"),
        }
    }

    fn finish(&mut self, unit: &str, code: i32) -> Finished {
        let exit = HookExit::Code(code);
        self.model.finish(&name(unit), &exit, self.now, b"", b"").unwrap()
    }

    /// Runs every hook that is due on every unit, and returns those of secrets with their units.
    fn settle(&mut self) -> Vec<(String, HookKind)> {
        let mut hooks = Vec::new();
        for _ in 0..50 {
            let mut is_settled = true;
            for unit in self.model.units() {
                let unit = unit.to_string();
                while let Next::Run(run) = self.next(&unit) {
                    is_settled = false;
                    if run.kind().secret().is_some() {
                        hooks.push((unit.clone(), run.kind().clone()));
                    }
                    self.finish(&unit, 0);
                }
            }
            if is_settled {
                return hooks;
            }
        }
        panic!("no end: {hooks:?}");
    }

    /// Returns the names of the secret hooks that [`World::settle`] runs, such as
    /// `web/0 secret-changed 2`.
    fn settled(&mut self) -> Vec<String> {
        let shown = |(unit, kind): (String, HookKind)| {
            format!("{unit} {} {}", kind.name(), kind.secret().unwrap().revision)
        };
        self.settle().into_iter().map(shown).collect()
    }

    /// Begins a hook of a unit that has nothing else to do.
    fn begin_hook(&mut self, unit: &str) {
        self.model.update_status(&name(unit)).unwrap();
        let run = self.begin(unit);
        assert_eq!(run.name(), "update-status", "{unit} was not settled");
    }

    /// Runs a hook of a unit in which the charm calls these tools, each without an error. Returns
    /// what they have printed.
    fn hook(&mut self, unit: &str, calls: &[&[&str]]) -> Vec<String> {
        self.begin_hook(unit);
        let printed = calls.iter().map(|call| self.print(unit, call)).collect();
        let finished = self.finish(unit, 0);
        assert!(finished.committed(), "{unit} {calls:?}: {finished:?}");
        printed
    }

    /// Runs a hook whose commit is refused, skips it, and returns the cause.
    fn refused_hook(&mut self, unit: &str, calls: &[&[&str]]) -> String {
        self.begin_hook(unit);
        for call in calls {
            self.print(unit, call);
        }
        let finished = self.finish(unit, 0);
        self.model.resolved(&name(unit), super::super::Resolve::NoRetry).unwrap();
        finished.error().unwrap().to_owned()
    }

    /// Calls one tool of the running hook.
    fn call(&mut self, unit: &str, call: &[&str]) -> ToolAnswer {
        let (tool, args) = call.split_first().unwrap();
        let running = self.model.record(&name(unit)).unwrap().running.as_ref();
        let request = ToolRequest {
            context_id: running.unwrap().run.id().to_owned(),
            dir: "/charm".into(),
            name: (*tool).to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            ..ToolRequest::default()
        };
        match self.model.tool(&name(unit), &request) {
            ToolStep::Done(answer) => answer,
            other => panic!("{call:?}: {other:?}"),
        }
    }

    /// Returns what a tool prints, without the newline at its end. It must succeed.
    fn print(&mut self, unit: &str, call: &[&str]) -> String {
        let answer = self.call(unit, call);
        assert_eq!((answer.code, text(&answer.stderr)), (0, String::new()), "{unit} {call:?}");
        text(&answer.stdout).trim_end_matches('\n').to_owned()
    }

    /// Returns the exit code and the error of a tool, which must fail.
    fn error(&mut self, unit: &str, call: &[&str]) -> (u8, String) {
        let answer = self.call(unit, call);
        assert_eq!(text(&answer.stdout), "", "{unit} {call:?}");
        let error = text(&answer.stderr);
        let error = error.strip_prefix("ERROR ").and_then(|error| error.strip_suffix('\n'));
        (answer.code, error.unwrap().to_owned())
    }

    /// Adds a secret in a hook of a unit, and returns its URI.
    fn add(&mut self, unit: &str, args: &[&str]) -> String {
        let call: Vec<&str> = ["secret-add"].iter().chain(args).copied().collect();
        self.hook(unit, &[&call]).remove(0)
    }

    /// Reads a secret in a hook of its own, as JSON.
    fn get(&mut self, unit: &str, args: &[&str]) -> String {
        let call: Vec<&str> = ["secret-get", "--format=json"].iter().chain(args).copied().collect();
        self.hook(unit, &[&call]).remove(0)
    }
}

fn name(unit: &str) -> UnitName {
    unit.parse().unwrap()
}

/// Returns the bare id of a URI.
fn bare(uri: &str) -> &str {
    uri.strip_prefix("secret:").unwrap()
}

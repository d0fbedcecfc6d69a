//! These tests drive a unit as its caller does.

mod actions;
mod applications;
mod environment;
mod hook_tools_table;
mod in_process;
mod lifecycle;
mod many_units;
mod model_unit;
mod network_model;
mod options;
mod pods;
mod ports;
mod relation_storage;
mod relations;
mod removal;
mod removed;
mod requests;
mod resources;
mod schedule;
mod secret_model;
mod secrets;
mod state_status;
mod storage;
mod tools;
mod yaml;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{
    ActionRecord, CharmMeta, Deployment, Ending, Finished, HookExit, HookRun, Model, ModelSettings,
    Next, OutputFile, Substrate, ToolAnswer, ToolRequest, ToolStep,
};
use model_unit::ModelUnit;

const METADATA: &str = "name: web\nsummary: s\ndescription: d\n\
    containers: {web: {resource: image}, side: {}}\n\
    resources: {image: {type: oci-image}, cfg: {type: file, filename: cfg}}\n\
    provides: {site: {interface: http}}\nextra-bindings: {web: , other: }\n";
const CONFIG: &str = "options:\n  port: {type: int, default: 1000000}\n\
    \x20 name: {type: string, default: ''}\n  tls: {type: boolean, default: true}\n\
    \x20 ratio: {type: float, default: 0.5}\n  unset: {type: string}\n";
const ACTIONS: &str = "restart:\n  params:\n    force: {type: boolean, default: false}\n\
    \x20   delay: {type: integer, minimum: 0, maximum: 9}\n\
    \x20   mode: {type: string, enum: [soft, hard]}\n\
    \x20   who: {type: object, properties: {first: {type: string}}}\n\
    strict:\n  params: {id: {type: string}}\n  required: [id]\n  additionalProperties: false\n";

/// A unit and the current time of the test, with short methods for the steps that tests repeat.
struct Fixture {
    unit: ModelUnit,
    now: Instant,
}

impl Fixture {
    fn new() -> Self {
        Self::with_settings(|settings| settings)
    }

    fn with_settings(change: impl FnOnce(ModelSettings) -> ModelSettings) -> Self {
        Self::with(change, |deployment| deployment)
    }

    fn with_deployment(change: impl FnOnce(Deployment) -> Deployment) -> Self {
        Self::with(|settings| settings, change)
    }

    fn with(
        settings: impl FnOnce(ModelSettings) -> ModelSettings,
        deployment: impl FnOnce(Deployment) -> Deployment,
    ) -> Self {
        let meta = CharmMeta::parse(METADATA, Some(CONFIG), Some(ACTIONS)).unwrap();
        let mut model = Model::new(settings(ModelSettings::new()));
        let units = model.deploy("web", deployment(Deployment::charm(meta))).unwrap();
        let [name] = <[_; 1]>::try_from(units).unwrap();
        Self { unit: ModelUnit { model, name }, now: Instant::now() }
    }

    fn with_version(version: &str) -> Self {
        let version = version.parse().unwrap();
        Self::with_settings(|settings| settings.juju_version(version))
    }

    fn advance(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn begin(&mut self) -> HookRun {
        match self.unit.next(self.now) {
            Next::Run(run) => run,
            other => panic!("nothing to run: {other:?}"),
        }
    }

    fn finish(&mut self, exit: HookExit) -> Finished {
        self.unit.finish(&exit, self.now, b"", b"").unwrap()
    }

    /// Runs the next hook, ends it in this way, and returns its name.
    fn run(&mut self, exit: HookExit) -> String {
        self.begin();
        self.finish(exit).name().to_owned()
    }

    fn succeed(&mut self) -> String {
        self.run(HookExit::Code(0))
    }

    fn fail(&mut self) -> String {
        self.run(HookExit::Code(1))
    }

    /// Runs every hook and action that is due, each with exit code 0, and returns their names.
    fn run_all(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        while let Next::Run(run) = self.unit.next(self.now) {
            names.push(run.name());
            self.finish(HookExit::Code(0));
            assert!(names.len() < 50, "no end: {names:?}");
        }
        names
    }

    /// Makes a unit that has started and has nothing to do.
    fn started() -> Self {
        let mut fixture = Self::new();
        fixture.run_all();
        fixture
    }

    /// Makes a unit on a machine that has started and has nothing to do.
    fn started_on_machine() -> Self {
        let mut fixture = Self::with_settings(|settings| settings.substrate(Substrate::Machine));
        fixture.run_all();
        fixture
    }

    /// Makes a unit whose install hook is running.
    fn in_hook() -> Self {
        let mut fixture = Self::new();
        fixture.begin();
        fixture
    }

    /// Makes a unit whose action `restart` is running.
    fn in_action(params: &[(&str, &str)]) -> Self {
        let mut fixture = Self::started();
        let params: Vec<(String, String)> =
            params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        fixture.unit.run_action("restart", &params).unwrap();
        fixture.begin();
        fixture
    }

    fn request(&self, line: &[&str]) -> ToolRequest {
        let (name, args) = line.split_first().unwrap();
        let context_id = self
            .unit
            .record()
            .running
            .as_ref()
            .map(|running| running.run.id().to_owned())
            .unwrap_or_default();
        ToolRequest {
            context_id,
            dir: "/cwd".into(),
            name: (*name).to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            ..ToolRequest::default()
        }
    }

    fn tool_step(&mut self, line: &[&str]) -> ToolStep {
        let request = self.request(line);
        self.unit.tool(&request)
    }

    /// Returns the answer to a request, which must need no input.
    fn answer(&mut self, request: &ToolRequest) -> ToolAnswer {
        match self.unit.tool(request) {
            ToolStep::Done(answer) => answer,
            other => panic!("{request:?}: {other:?}"),
        }
    }

    fn tool(&mut self, line: &[&str]) -> ToolAnswer {
        let request = self.request(line);
        self.answer(&request)
    }

    /// Returns the path of the file that a request needs.
    fn needed_file(&mut self, request: &ToolRequest) -> PathBuf {
        match self.unit.tool(request) {
            ToolStep::NeedsFile(path) => path,
            other => panic!("{request:?}: {other:?}"),
        }
    }

    /// Returns the file that a tool writes.
    fn output_file(&mut self, line: &[&str]) -> OutputFile {
        match self.tool_step(line) {
            ToolStep::WriteFile(file) => file,
            other => panic!("{line:?}: {other:?}"),
        }
    }

    fn tool_with_stdin(&mut self, line: &[&str], stdin: &str) -> ToolAnswer {
        let mut request = self.request(line);
        let first = self.unit.tool(&request);
        assert_eq!(first, ToolStep::NeedsInput, "{line:?}");
        request.stdin = Some(stdin.as_bytes().to_vec());
        self.answer(&request)
    }

    /// Returns the levels and messages of the log from a position on.
    fn log_lines(&self, position: u64) -> Vec<(&str, &str)> {
        self.unit.log(position).map(|line| (line.level.as_str(), line.message.as_str())).collect()
    }

    /// Returns the standard output of a tool, which must succeed.
    fn tool_stdout(&mut self, line: &[&str]) -> String {
        let answer = self.tool(line);
        assert_eq!((answer.code, text(&answer.stderr)), (0, String::new()), "{line:?}");
        text(&answer.stdout)
    }

    /// Returns the exit code and the error text of a tool, which must fail.
    fn tool_error(&mut self, line: &[&str]) -> (u8, String) {
        let answer = self.tool(line);
        assert_eq!(text(&answer.stdout), "", "{line:?}");
        let error = text(&answer.stderr);
        let error = error.strip_prefix("ERROR ").and_then(|error| error.strip_suffix('\n'));
        (
            answer.code,
            error.unwrap_or_else(|| panic!("{line:?} gave {:?}", text(&answer.stderr))).to_owned(),
        )
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn action(finished: &Finished) -> &ActionRecord {
    match finished.ending() {
        Ending::Action(record) => record,
        other => panic!("{other:?} is no action's end"),
    }
}

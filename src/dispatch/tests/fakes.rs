//! A unit for the tests of this module, on which one hook runs after another. Juju's model answers
//! its hook tools.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use charmwright_agent::{
    ActionStatus, CharmMeta, Deployment, Ending, InProcessTools, Model, ModelSettings,
    RecordedCall, Resolve,
};
use serde_json::Value;
use tokio::runtime::Builder;

use super::fake_pebble::serve;
use super::framework::Framework;
use super::probe::{Collected, Probe, Step};
use super::report::HookReport;
use super::run::{RunOptions, run_hook};
use super::stored::framework::FRAMEWORK_KEY;
use crate::juju::{HookEnv, LogLevel, ToolError};
use crate::{Charm, Event, Retry, Verdict};

const METADATA: &str = "name: probe\nsummary: s\ndescription: d\ncontainers: {web: {}}\n";
/// Juju accepts a port that is no whole number, so the charm has to refuse it.
const OPTIONS: &str = "options: {port: {type: float}, bomb: {type: string}, \
                       pebble-retry-attempts: {type: int}, pebble-retry-step: {type: string}}";
/// The charm declares the first action only.
const ACTIONS: &str = "act: {description: a}\nother: {description: o}\n";

/// The tools that a hook of these tests may call.
const TOOLS: [&str; 16] = [
    "action-fail",
    "action-get",
    "action-set",
    "application-version-set",
    "close-port",
    "config-get",
    "is-leader",
    "juju-log",
    "open-port",
    "opened-ports",
    "relation-ids",
    "resource-get",
    "state-get",
    "state-set",
    "status-set",
    "storage-list",
];

/// Returns the hook tools of a unit that is installed, has started and is not the leader. No hook
/// runs.
pub(in crate::dispatch) fn idle_tools() -> InProcessTools {
    let meta = CharmMeta::parse(METADATA, Some(OPTIONS), Some(ACTIONS)).unwrap();
    let mut model = Model::new(ModelSettings::new());
    let units = model.deploy("probe", Deployment::charm(meta).leader(false)).unwrap();
    let tools = InProcessTools::new(model, units[0].clone());
    while tools.begin(Instant::now()).is_some() {
        tools.finish(0, Instant::now()).unwrap();
    }
    tools
}

/// Begins an action, or for any hook path a hook of the model, since all hooks are committed or
/// dropped alike. The tests run hooks in any order, and hooks that Juju does not have.
pub(in crate::dispatch) fn begin(tools: &InProcessTools, dispatch_path: &str) {
    let action = dispatch_path.strip_prefix("actions/");
    tools.with_model(|model, unit| match action {
        Some(action) => drop(model.run_action(unit, action, &[]).unwrap()),
        None => model.update_status(unit).unwrap(),
    });
    let run = tools.begin(Instant::now()).unwrap();
    assert_eq!(run.kind().is_action(), action.is_some());
}

/// Ends the hook or action. Returns the message of an action that failed. A hook that failed counts
/// as resolved, so that the next one can run.
pub(super) fn finish(tools: &InProcessTools, code: u8) -> Option<String> {
    let finished = tools.finish(code.into(), Instant::now()).unwrap();
    assert_eq!(finished.committed(), code == 0);
    match finished.ending() {
        Ending::Action(record) => {
            (record.status() == ActionStatus::Failed).then(|| record.message().to_owned())
        }
        Ending::Failed { .. } => {
            tools.with_model(|model, unit| model.resolved(unit, Resolve::NoRetry)).unwrap();
            None
        }
        _ => None,
    }
}

/// Returns the levels and texts that these calls wrote to the log.
pub(in crate::dispatch) fn lines_logged(calls: &[RecordedCall]) -> Vec<(String, String)> {
    let lines = calls.iter().filter(|call| call.tool() == "juju-log" && call.succeeded());
    lines.map(|call| (call.args()[1].clone(), call.args().last().unwrap().clone())).collect()
}

/// Returns the statuses of the unit and of the application that these calls set, as `KIND:
/// MESSAGE`.
fn statuses(calls: &[RecordedCall]) -> (Vec<String>, Vec<String>) {
    let set = calls.iter().filter(|call| call.tool() == "status-set" && call.succeeded());
    let (application, unit): (Vec<_>, Vec<_>) =
        set.partition(|call| call.args()[0] == "--application");
    let word = |word: &&str| !matches!(*word, "--" | "--application");
    let text = |call: &RecordedCall| {
        let words: Vec<&str> = call.args().iter().map(String::as_str).filter(word).collect();
        words.join(": ")
    };
    (unit.into_iter().map(text).collect(), application.into_iter().map(text).collect())
}

/// A unit runs several hooks, one after another.
pub(super) struct Unit {
    pub(super) tools: InProcessTools,
    pub(super) folder: tempfile::TempDir,
    pub(super) steps: BTreeMap<&'static str, Step>,
    pub(super) collected: Collected,
    pub(super) verdict: Option<Verdict>,
    pub(super) retry: Retry,
    pub(super) log_level: LogLevel,
    /// Whether tokio's time is paused: then it passes only while every task waits, which is right
    /// if there is no Pebble.
    pub(super) paused: bool,
    /// Variables in addition to the unit's name and the dispatch path.
    pub(super) variables: Vec<(&'static str, String)>,
}

/// The result of a hook has its exit code, its report and everything that it did.
#[derive(Debug)]
pub(super) struct HookResult {
    pub(super) code: u8,
    pub(super) report: HookReport,
    pub(super) seen: Vec<String>,
    pub(super) tools: Vec<&'static str>,
    pub(super) statuses: Vec<String>,
    pub(super) application: Vec<String>,
    pub(super) log: Vec<(String, String)>,
    pub(super) failure: Option<String>,
    pub(super) out: String,
    pub(super) err: String,
}

#[derive(Clone, Default)]
struct SharedBuffer(Arc<Mutex<Vec<u8>>>);

impl Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl SharedBuffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Unit {
    /// Makes a unit that has run no hook of the charm and has no Pebble.
    pub(super) fn new() -> Self {
        Self {
            tools: idle_tools(),
            folder: tempfile::tempdir().unwrap(),
            steps: BTreeMap::new(),
            collected: Collected::default(),
            verdict: None,
            retry: Retry::default(),
            log_level: LogLevel::Info,
            paused: true,
            variables: Vec::new(),
        }
    }

    /// Makes a unit with its container in operation.
    pub(super) fn in_operation() -> Self {
        let unit = Self::new();
        unit.edit(|framework| {
            framework.update_phases(&Event::Install);
            framework.update_phases(&Event::Start);
            framework.update_phases(&Event::pebble_ready("web".parse().unwrap()));
        });
        unit
    }

    /// Returns the unit's state as Juju keeps it.
    pub(super) fn state(&self) -> BTreeMap<String, String> {
        self.tools.with_model(|model, unit| model.unit(unit).unwrap().state().clone())
    }

    /// Stores these values in addition to those that are there, as an earlier hook would.
    pub(super) fn store(&self, values: &BTreeMap<String, String>) {
        begin(&self.tools, "hooks/update-status");
        self.tools.juju().set_state(values).unwrap();
        finish(&self.tools, 0);
    }

    pub(super) fn framework(&self) -> Framework {
        Framework::read(self.state().get(FRAMEWORK_KEY).map(String::as_str)).unwrap()
    }

    /// Changes the stored document of the framework.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Framework)) {
        let mut framework = self.framework();
        change(&mut framework);
        if let Some(text) = framework.to_write(None).unwrap() {
            self.store(&BTreeMap::from([(FRAMEWORK_KEY.to_owned(), text)]));
        }
    }

    /// Sets an option as the operator does.
    pub(super) fn configure(&self, option: &str, value: &str) {
        self.tools.with_model(|model, _| model.set_config("probe", option, value)).unwrap();
    }

    pub(super) fn break_tool(&self, tool: &str) {
        self.tools.break_tool(tool, 1, "ERROR it is broken");
    }

    pub(super) fn break_once(&self, tool: &str) {
        let stderr = "ERROR it is broken".to_owned();
        self.tools.fail_once(tool, ToolError::Exited { code: 1, stderr });
    }

    pub(super) fn remove_tools(&self, tools: &[&str]) {
        tools.iter().for_each(|tool| self.tools.remove_tool(tool));
    }

    /// Returns the names of the stored events.
    pub(super) fn stored(&self) -> Vec<String> {
        self.framework().queue.entries().iter().map(|entry| entry.event().to_string()).collect()
    }

    pub(super) fn on(mut self, event: &'static str, step: Step) -> Self {
        self.steps.insert(event, step);
        self
    }

    pub(super) fn collecting(mut self, collected: Collected) -> Self {
        self.collected = collected;
        self
    }

    /// Starts a Pebble that answers by `answer`.
    pub(super) fn with_pebble(
        mut self,
        answer: impl Fn(&str, &str) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        self.paused = false;
        let folder = self.folder.path().join("web");
        std::fs::create_dir(&folder).unwrap();
        serve(UnixListener::bind(folder.join("pebble.socket")).unwrap(), Arc::new(answer));
        self
    }

    /// Runs the charm of this module for a hook.
    pub(super) fn run(&self, dispatch_path: &str) -> HookResult {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let charm = Probe {
            steps: self.steps.clone(),
            collected: self.collected.clone(),
            verdict: self.verdict.clone(),
            retry: self.retry.clone(),
            seen: Arc::clone(&seen),
        };
        let ran = self.run_charm(charm, dispatch_path);
        HookResult { seen: seen.lock().unwrap().clone(), ..ran }
    }

    /// Runs any charm for a hook.
    pub(super) fn run_charm(&self, charm: impl Charm, dispatch_path: &str) -> HookResult {
        let mut vars: Vec<(&str, String)> = vec![
            ("JUJU_UNIT_NAME", "probe/0".to_owned()),
            ("JUJU_DISPATCH_PATH", dispatch_path.to_owned()),
        ];
        vars.push(("JUJU_CHARM_DIR", self.folder.path().to_str().unwrap().to_owned()));
        vars.extend(self.variables.iter().cloned());
        let env =
            HookEnv::from_vars(vars.into_iter().map(|(name, value)| (name.into(), value.into())))
                .unwrap();
        begin(&self.tools, dispatch_path);
        self.tools.forget_calls();
        let (out, err) = (SharedBuffer::default(), SharedBuffer::default());
        let options = RunOptions::new()
            .containers_folder(self.folder.path())
            .log_level(self.log_level)
            .streams(out.clone(), err.clone());
        let runtime =
            Builder::new_current_thread().enable_all().start_paused(self.paused).build().unwrap();
        let report = runtime.block_on(run_hook(charm, env, self.tools.juju(), options));
        let code = report.exit_code();
        let calls = self.tools.calls();
        for call in &calls {
            assert!(TOOLS.contains(&call.tool()), "a tool that nobody expected: {call:?}");
            assert!(!call.succeeded() || call.read_stdin() == call.stdin().is_some(), "{call:?}");
        }
        let (statuses, application) = statuses(&calls);
        HookResult {
            code,
            report,
            seen: Vec::new(),
            tools: calls.iter().map(RecordedCall::tool).collect(),
            statuses,
            application,
            log: lines_logged(&calls),
            failure: finish(&self.tools, code),
            out: out.text(),
            err: err.text(),
        }
    }
}

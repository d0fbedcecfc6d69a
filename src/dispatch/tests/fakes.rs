//! A unit for the tests of this module: hook tools that Juju's model answers, a scripted Pebble,
//! and a charm that does what it is told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use charmwright_agent::{
    ActionStatus, CharmMeta, Ending, InProcessTools, RecordedCall, Resolve, UnitSettings,
};
use serde_json::{Value, json};

use super::log::Streams;
use super::run::run_to;
use super::state::Framework;
use super::stored::framework::FRAMEWORK_KEY;
use super::{
    Charm, Error, Event, Hook, LayerField, LayerKey, Metadata, Outcome, Phase, Result, Retry,
    RunOptions, Statuses, Verdict,
};
use crate::juju::{HookEnv, LogLevel, Status, ToolFailure};
use crate::pebble::{Budget, Classified, Client, Exec, Layer, LayerMode, Override, Service};

const METADATA: &str = "name: probe\nsummary: s\ndescription: d\ncontainers: {web: {}}\n";
/// A port that is no whole number can be set, and is for the charm to refuse.
const OPTIONS: &str = "options: {port: {type: float}, bomb: {type: string}, \
                       pebble-retry-attempts: {type: int}, pebble-retry-step: {type: string}}";
/// The charm knows the first one only.
const ACTIONS: &str = "act: {description: a}\nother: {description: o}\n";

/// Every tool that a hook of these tests may call.
const TOOLS: [&str; 8] = [
    "action-fail",
    "action-get",
    "config-get",
    "is-leader",
    "juju-log",
    "state-get",
    "state-set",
    "status-set",
];

/// The hook tools of a unit that is installed, has started and does not lead; no hook runs.
pub(in crate::dispatch) fn idle_tools() -> InProcessTools {
    let meta = CharmMeta::parse(METADATA, Some(OPTIONS), Some(ACTIONS)).unwrap();
    let settings = UnitSettings::new("probe/0").unwrap().leader(false);
    let tools = InProcessTools::new(charmwright_agent::Unit::new(meta, settings));
    while tools.begin(Instant::now()).is_some() {
        tools.finish(0, Instant::now()).unwrap();
    }
    tools
}

/// Begins an action, or for any hook one of the model's own: all alike are committed or dropped.
/// The tests run hooks in every order, and hooks that no Juju has.
pub(in crate::dispatch) fn begin(tools: &InProcessTools, dispatch_path: &str) {
    let action = dispatch_path.strip_prefix("actions/");
    tools.with_unit(|unit| match action {
        Some(action) => drop(unit.run_action(action, &[]).unwrap()),
        None => unit.update_status(),
    });
    let run = tools.begin(Instant::now()).unwrap();
    assert_eq!(run.kind().is_action(), action.is_some());
}

/// Ends the hook or action. Returns the message of an action that failed; a hook that failed counts
/// as resolved, so that the next one can run.
fn finish(tools: &InProcessTools, code: u8) -> Option<String> {
    let finished = tools.finish(code.into(), Instant::now()).unwrap();
    assert_eq!(finished.committed(), code == 0);
    match finished.ending() {
        Ending::Action(record) => {
            (record.status() == ActionStatus::Failed).then(|| record.message().to_owned())
        }
        Ending::Failed { .. } => {
            tools.with_unit(|unit| unit.resolved(Resolve::NoRetry)).unwrap();
            None
        }
        _ => None,
    }
}

/// The levels and texts that these calls brought into the log.
pub(in crate::dispatch) fn lines_logged(calls: &[RecordedCall]) -> Vec<(String, String)> {
    let lines = calls.iter().filter(|call| call.tool() == "juju-log" && call.succeeded());
    lines.map(|call| (call.args()[1].clone(), call.args().last().unwrap().clone())).collect()
}

/// The statuses that these calls set, as `KIND: MESSAGE`: of the unit, and of the application.
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

type Lines = &'static [(LogLevel, &'static str)];

/// What the charm does about an event.
#[derive(Clone)]
pub(super) enum Step {
    Defer(&'static str),
    /// Adds a layer and replans.
    Pebble,
    Restart,
    /// Adds a layer whose service has this command.
    Command(&'static str),
    /// Replans by the client itself.
    RawClient,
    /// Runs a command.
    Exec,
    /// Retries something of its own that always fails, logging as it goes.
    Retry,
    Config,
    Own(&'static str),
    Panic,
    SetState(usize),
    ReadConfig,
    Log(Lines),
    LogThenPebble(Lines),
}

/// What the charm adds when statuses are collected.
#[derive(Clone, Default)]
pub(super) enum Collected {
    #[default]
    Nothing,
    Add(Vec<Status>),
    Application(Status),
    Readiness,
    Services,
    Config,
    Fail,
    Panic,
}

pub(super) struct Probe {
    steps: BTreeMap<&'static str, Step>,
    collected: Collected,
    verdict: Option<Verdict>,
    retry: Retry,
    seen: Arc<Mutex<Vec<String>>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Options {
    #[serde(default)]
    _port: u16,
    #[serde(default, rename = "port")]
    _real_port: u16,
    #[serde(default, rename = "bomb")]
    _bomb: Bomb,
}

/// A config option that cannot even be read.
#[derive(Default, serde::Deserialize)]
#[serde(from = "String")]
struct Bomb;

impl From<String> for Bomb {
    fn from(_: String) -> Self {
        panic!("it went off")
    }
}

impl Charm for Probe {
    type Config = Options;

    const METADATA: Metadata = Metadata::new("probe").containers(&["web"]).actions(&["act"]);

    async fn handle(&mut self, event: &Event, hook: &Hook<Self>) -> Result<Outcome> {
        self.seen.lock().unwrap().push(event.to_string());
        match self.steps.get(event.to_string().as_str()) {
            None => {}
            Some(Step::Defer(reason)) => return Ok(Outcome::defer(*reason)),
            Some(Step::Pebble) => {
                let web = hook.container("web")?;
                web.add_layer("web", &Layer::new(), LayerMode::Combine).await?;
                web.replan().await?;
            }
            Some(Step::Command(command)) => {
                let layer = Layer::new().service(
                    "web",
                    Service::new().override_mode(Override::Replace).command(*command),
                );
                hook.container("web")?.add_layer("web", &layer, LayerMode::Combine).await?;
            }
            Some(Step::Restart) => drop(hook.container("web")?.restart(["web"]).await?),
            Some(Step::RawClient) => drop(Client::clone(&*hook.container("web")?).replan().await?),
            Some(Step::Exec) => {
                let exec = Exec::new(["mange", "--token", "hunter2"]);
                drop(hook.container("web")?.exec_output(&exec).await?);
            }
            Some(Step::Retry) => {
                let fail = |attempt: crate::pebble::Attempt| async move {
                    tracing::info!("attempt {}", attempt.number());
                    Err::<(), _>(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))
                };
                Phase::Setup
                    .policy()
                    .run("reload the proxy", &Budget::new(), fail, |_| Classified::Retry)
                    .await?;
            }
            Some(Step::Config) => return Err(Error::config("port", "must be even")),
            Some(Step::Own(message)) => return Err(Error::new(*message)),
            Some(Step::Panic) => panic!("the moon is full"),
            Some(Step::SetState(bytes)) => hook.set_state(&"x".repeat(*bytes))?,
            Some(Step::ReadConfig) => drop(hook.config()?),
            Some(Step::Log(lines)) => log(lines),
            Some(Step::LogThenPebble(lines)) => {
                log(lines);
                drop(hook.container("web")?.replan().await?);
            }
        }
        Ok(Outcome::Done)
    }

    async fn collect_status(&self, hook: &Hook<Self>, statuses: &mut Statuses) -> Result<()> {
        self.seen.lock().unwrap().push("collect-status".to_owned());
        match &self.collected {
            Collected::Nothing => {}
            Collected::Add(all) => all.iter().cloned().for_each(|status| statuses.add(status)),
            Collected::Application(status) => statuses.add_application(status.clone()),
            Collected::Readiness => statuses.add(hook.container("web")?.readiness().await),
            Collected::Services => drop(hook.container("web")?.all_services().await?),
            Collected::Config => return Err(Error::config("port", "must be prime")),
            Collected::Fail => return Err(Error::new("cannot count the sheep")),
            Collected::Panic => panic!("collected too much"),
        }
        Ok(())
    }

    fn on_error(&self, event: &Event, error: &Error) -> Verdict {
        self.verdict.clone().unwrap_or_else(|| Verdict::by_table(event, error))
    }

    fn option_of(&self, field: &LayerField) -> Option<&'static str> {
        assert_eq!(field.container().as_str(), "web");
        let options: &[(LayerKey, &str)] = match field.service() {
            Some("web") => &[
                (LayerKey::Command, "command"),
                (LayerKey::User, "run-as"),
                (LayerKey::WorkingDir, "folder"),
            ],
            Some("bomb") => panic!("it went off"),
            None if field.check() == Some("up") => &[
                (LayerKey::User, "check-as"),
                (LayerKey::UserId, "check-as-number"),
                (LayerKey::Group, "check-as-group"),
            ],
            _ => &[],
        };
        options.iter().find(|(key, _)| *key == field.key()).map(|(_, option)| *option)
    }

    fn retry(&self, container: &str) -> Retry {
        assert_eq!(container, "web");
        self.retry.clone()
    }
}

fn log(lines: Lines) {
    for (level, line) in lines {
        match level {
            LogLevel::Trace => tracing::trace!("{line}"),
            LogLevel::Debug => tracing::debug!("{line}"),
            LogLevel::Info => tracing::info!("{line}"),
            LogLevel::Warning => tracing::warn!("{line}"),
            LogLevel::Error | LogLevel::Critical => tracing::error!("{line}"),
        }
    }
}

/// One unit over several hooks.
pub(super) struct Unit {
    pub(super) tools: InProcessTools,
    pub(super) folder: tempfile::TempDir,
    pub(super) steps: BTreeMap<&'static str, Step>,
    pub(super) collected: Collected,
    pub(super) verdict: Option<Verdict>,
    pub(super) retry: Retry,
    pub(super) log_level: LogLevel,
    /// Whether time is left to pass only while everything waits: right where there is no Pebble at
    /// all.
    pub(super) paused: bool,
    /// Variables beside the unit's name and the dispatch path.
    pub(super) variables: Vec<(&'static str, String)>,
}

/// What one hook did.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: u8,
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
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Unit {
    /// A unit that has never run a hook, without a Pebble.
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

    /// A unit whose container is in operation.
    pub(super) fn in_operation() -> Self {
        let unit = Self::new();
        unit.edit(|framework| {
            framework.arrive(&Event::Install);
            framework.arrive(&Event::Start);
            framework.arrive(&Event::PebbleReady { container: "web".parse().unwrap() });
        });
        unit
    }

    /// Returns the unit's state as Juju keeps it.
    pub(super) fn state(&self) -> BTreeMap<String, String> {
        self.tools.with_unit(|unit| unit.state().clone())
    }

    /// Has these values stored, beside what is there, as by an earlier hook.
    pub(super) fn store(&self, values: &BTreeMap<String, String>) {
        begin(&self.tools, "hooks/update-status");
        self.tools.juju().set_state(values).unwrap();
        finish(&self.tools, 0);
    }

    pub(super) fn framework(&self) -> Framework {
        Framework::read(self.state().get(FRAMEWORK_KEY).map(String::as_str)).unwrap()
    }

    /// Changes the stored document from outside.
    pub(super) fn edit(&self, change: impl FnOnce(&mut Framework)) {
        let mut framework = self.framework();
        change(&mut framework);
        if let Some(text) = framework.to_write(None).unwrap() {
            self.store(&BTreeMap::from([(FRAMEWORK_KEY.to_owned(), text)]));
        }
    }

    /// Sets an option as the operator does.
    pub(super) fn configure(&self, option: &str, value: &str) {
        self.tools.with_unit(|unit| unit.set_config(option, value)).unwrap();
    }

    pub(super) fn break_tool(&self, tool: &str) {
        self.tools.break_tool(tool, 1, "ERROR it is broken");
    }

    pub(super) fn break_once(&self, tool: &str) {
        let stderr = "ERROR it is broken".to_owned();
        self.tools.fail_once(tool, ToolFailure::Exited { code: 1, stderr });
    }

    pub(super) fn remove_tools(&self, tools: &[&str]) {
        tools.iter().for_each(|tool| self.tools.remove_tool(tool));
    }

    /// The names of the stored events.
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

    /// Puts a Pebble there that answers by `answer`.
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

    pub(super) fn run(&self, dispatch_path: &str) -> Ran {
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
        let seen = Arc::new(Mutex::new(Vec::new()));
        let charm = Probe {
            steps: self.steps.clone(),
            collected: self.collected.clone(),
            verdict: self.verdict.clone(),
            retry: self.retry.clone(),
            seen: Arc::clone(&seen),
        };
        let mut options =
            RunOptions::new().containers_folder(self.folder.path()).log_level(self.log_level);
        options.paused = self.paused;
        let (out, err) = (Sink::default(), Sink::default());
        let streams = Streams {
            out: Mutex::new(Box::new(out.clone())),
            err: Mutex::new(Box::new(err.clone())),
        };
        let code = run_to(charm, env, self.tools.juju(), options, streams);
        let calls = self.tools.calls();
        for call in &calls {
            assert!(TOOLS.contains(&call.tool()), "a tool that nobody expected: {call:?}");
            assert!(!call.succeeded() || call.read_stdin() == call.stdin().is_some(), "{call:?}");
        }
        let (statuses, application) = statuses(&calls);
        Ran {
            code,
            seen: seen.lock().unwrap().clone(),
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

type Answer = dyn Fn(&str, &str) -> (u16, Value) + Send + Sync;

/// Serves until the process ends; the socket goes with the unit's folder.
fn serve(listener: UnixListener, answer: Arc<Answer>) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || while_asked(stream, &*answer));
        }
    });
}

fn while_asked(stream: UnixStream, answer: &Answer) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split(' ');
        let (status, body) = answer(words.next()?, words.next()?);
        let body = body.to_string();
        write!(
            writer,
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: \
             {}\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
    }
}

/// A Pebble that does all that is asked of it.
pub(super) fn willing(method: &str, path: &str) -> (u16, Value) {
    match (method, path.split('?').next().unwrap_or_default()) {
        ("GET", "/v1/system-info") => sync(json!({"version": "v1.32.1", "boot-id": "1"})),
        ("POST", "/v1/services") => change_started(),
        ("GET", "/v1/changes/1/wait" | "/v1/changes/1") => sync(json!({
            "id": "1", "kind": "replan", "summary": "Replan", "status": "Done", "ready": true,
            "tasks": []
        })),
        ("GET", _) => sync(json!([])),
        _ => sync(json!(true)),
    }
}

/// A Pebble whose service does not stay up.
pub(super) fn failing_service(method: &str, path: &str) -> (u16, Value) {
    match (method, path.split('?').next().unwrap_or_default()) {
        ("GET", "/v1/changes/1/wait" | "/v1/changes/1") => sync(json!({
            "id": "1", "kind": "replan", "summary": "Replan service \"web\"", "status": "Error",
            "ready": true,
            "err": "cannot perform the following tasks:\n\
                    - Start service \"web\" (exited quickly with code 1)",
            "tasks": [{
                "id": "2", "kind": "start", "summary": "Start service \"web\"", "status": "Error",
                "log": [
                    "2026-11-22T20:00:10Z INFO Most recent service output:\n\
                     \x20   boom: no such key\n",
                    "2026-11-22T20:00:10Z ERROR cannot start service: exited quickly with code 1"
                ]
            }]
        })),
        _ => willing(method, path),
    }
}

pub(super) fn refusing(
    status: u16,
    message: &'static str,
) -> impl Fn(&str, &str) -> (u16, Value) + Send + Sync + 'static {
    move |method, path| {
        if method == "GET" {
            return willing(method, path);
        }
        (
            status,
            json!({
                "type": "error", "status-code": status, "status": "X",
                "result": {"message": message}
            }),
        )
    }
}

fn sync(result: Value) -> (u16, Value) {
    (200, json!({"type": "sync", "status-code": 200, "status": "OK", "result": result}))
}

fn change_started() -> (u16, Value) {
    (
        202,
        json!({
            "type": "async", "status-code": 202, "status": "Accepted", "change": "1",
            "result": null
        }),
    )
}

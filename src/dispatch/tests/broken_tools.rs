//! Breaks each hook tool of relations and secrets in whole hooks of every kind. The tools are real
//! processes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use charmwright_testing::ToolScripts;
use tempfile::TempDir;
use tokio::runtime::Builder;

use super::report::HookReport;
use super::run::{RunOptions, run_hook};
use super::stored::framework::FRAMEWORK_KEY;
use crate::juju::{
    ErrorKind, HookEnv, HookTools, LogLevel, ProcessRunner, SecretId, StatusKind, ToolCall,
    ToolError, ToolRunner,
};
use crate::{
    ActionRequest, ActionResult, Actions, Bag, Charm, Declaration, DeclaredContainer, Endpoint,
    Error, Event, Hook, JsonPerKey, Metadata, NoConfig, NoLimit, Outcome, Peer, Plain, Provides,
    Result, SecretFields, SecretText,
};

/// The content of the secrets, which the broken tools print as well.
const PLANTED: &str = "hunter2-planted-here";

/// The hook that meets every fault.
const ORDINARY: &str = "hooks/config-changed";

const FOREIGN: &str = "secret:9m4e2mr0ui3e8a215n50";

struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = String;
    type Action = Act;

    const METADATA: Metadata = Metadata::new("web").containers(&[Web::NAME]);
}

#[derive(Clone, Copy)]
struct Web;

impl DeclaredContainer for Web {
    const NAME: &'static str = "web";
}

struct Act;

impl Actions for Act {
    const NAMES: &'static [&'static str] = &["act"];

    fn parse(_: &ActionRequest) -> Result<Self, Error> {
        Ok(Self)
    }
}

#[derive(Clone, Copy)]
struct Site;

impl Endpoint for Site {
    const NAME: &'static str = "site";
    const INTERFACE: &'static str = "http";
    type Role = Provides;
    type Limit = NoLimit;
}

#[derive(Clone, Copy)]
struct Ring;

impl Endpoint for Ring {
    const NAME: &'static str = "ring";
    const INTERFACE: &'static str = "web_ring";
    type Role = Peer;
    type Limit = NoLimit;
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct Shared {
    generation: u32,
}

impl Bag for Shared {
    type Codec = JsonPerKey;
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Offer {
    url: String,
}

impl Bag for Offer {
    type Codec = Plain;
}

/// A charm that writes its state and its databags first, and then uses every other tool.
struct Writer;

fn write_and_read(hook: &Hook<Declared>) -> Result {
    hook.update_state(|state| state.push('x'))?;
    let Some(leader) = hook.leader()? else { return Ok(()) };
    hook.peers::<Shared>(Ring)?.update(&leader, |shared| shared.generation += 1)?;
    for site in hook.related(Site)? {
        site.unit_bag().write(hook, &Offer { url: "http://web-0".to_owned() })?;
        site.remote_units()?;
        site.remote_app().entries()?;
        let own = hook.app_secret::<SecretFields>("admin");
        own.or_create(|| SecretFields::new().with("password", &SecretText::from(PLANTED)))?;
        own.set(&leader, &SecretFields::new().with("token", &SecretText::from(PLANTED)))?;
        own.grant(&leader, site.id())?;
        let foreign: SecretId = FOREIGN.parse().unwrap();
        let content = hook.secret::<SecretFields>(&foreign).get()?;
        content.get::<SecretText>("password")?;
    }
    Ok(())
}

impl Charm for Writer {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, _: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        write_and_read(hook)?;
        Ok(Outcome::done())
    }

    async fn action(&mut self, _: Act, hook: &Hook<Declared>) -> Result<ActionResult> {
        write_and_read(hook)?;
        Ok(ActionResult::new())
    }
}

/// The tools that work. `$FOLDER` keeps what they were given.
const WORKING: &[(&str, &str)] = &[
    ("config-get", "echo '{}'"),
    ("is-leader", "echo true"),
    ("state-get", "echo '{}'"),
    ("state-set", "cat >> $FOLDER/state"),
    ("status-set", ":"),
    ("juju-log", ":"),
    ("action-get", "echo '{}'"),
    ("action-set", ":"),
    ("action-fail", ":"),
    ("relation-ids", "case \"$*\" in *ring*) echo '[\"ring:1\"]';; *) echo '[\"site:3\"]';; esac"),
    ("relation-list", "case \"$*\" in *--app*) echo '\"one\"';; *) echo '[\"one/0\"]';; esac"),
    ("relation-get", "echo '{}'"),
    ("relation-set", "cat >> $FOLDER/sent"),
    (
        "secret-get",
        "case \"$*\" in\n\
         *--label*) echo 'ERROR secret \"admin\" not found' >&2; exit 1;;\n\
         *) echo \"{\\\"password\\\": \\\"$PLANTED\\\"}\";;\n\
         esac",
    ),
    ("secret-info-get", "echo 'ERROR secret \"admin\" not found' >&2; exit 1"),
    ("secret-add", "echo secret:9m4e2mr0ui3e8a215n4g"),
    ("secret-set", ":"),
    ("secret-grant", ":"),
];

/// The tools that are broken, and whether the charm reads what they print.
const BROKEN: &[(&str, bool)] = &[
    ("is-leader", true),
    ("relation-ids", true),
    ("relation-list", true),
    ("relation-get", true),
    ("relation-set", false),
    ("secret-get", true),
    ("secret-info-get", true),
    ("secret-add", true),
    ("secret-set", false),
    ("secret-grant", false),
];

/// The faults: the script, or none for a tool that is missing, and the kind of the error.
const FAULTS: &[(Option<&str>, ErrorKind)] = &[
    (
        Some("echo $PLANTED; echo 'ERROR the controller is away' >&2; exit 1"),
        ErrorKind::Failed { code: 1 },
    ),
    (Some("echo $PLANTED; echo 'ERROR this option is odd' >&2; exit 2"), ErrorKind::Invalid),
    (Some("echo $PLANTED; exit 3"), ErrorKind::Failed { code: 3 }),
    (Some("echo $PLANTED; kill -9 $$"), ErrorKind::Killed { signal: 9 }),
    (Some("echo $PLANTED $PLANTED"), ErrorKind::Output),
    (Some("yes $PLANTED | head -c 104857600"), ErrorKind::Output),
    (Some("echo $PLANTED; exec sleep 600"), ErrorKind::Deadline),
    (None, ErrorKind::Unavailable),
];

/// Returns `true` for the faults that each kind of hook meets. The rest is the same for them all,
/// so one kind is enough.
fn is_for_every_hook(script: Option<&str>, kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Failed { code: 1 } | ErrorKind::Killed { .. })
        || script.is_none_or(|script| script == ONLY_OUTPUT)
}

/// A script whose output is wrong and whose exit code is right.
const ONLY_OUTPUT: &str = "echo $PLANTED $PLANTED";

/// A runner with a short deadline for the one tool that never ends: a short deadline for all would
/// kill a tool that is only slow on a busy machine.
struct Runner {
    hanging: Option<&'static str>,
    short: ProcessRunner,
    long: ProcessRunner,
}

impl ToolRunner for Runner {
    fn run(&self, call: &ToolCall<'_>) -> std::result::Result<Vec<u8>, ToolError> {
        if self.hanging == Some(call.tool) { self.short.run(call) } else { self.long.run(call) }
    }
}

/// A unit whose hook tools are scripts.
struct Unit {
    folder: TempDir,
    private: TempDir,
    tools: ToolScripts,
}

/// The result of a hook.
struct Ran {
    report: HookReport,
    calls: Vec<String>,
    /// What the databags and the state were given.
    sent: String,
    state: String,
}

impl Unit {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = ToolScripts::new(folder.path()).unwrap();
        let unit = Self { folder, private: tempfile::tempdir().unwrap(), tools };
        for (tool, _) in WORKING {
            unit.restore(tool);
        }
        unit
    }

    fn put(&self, tool: &str, script: &str) {
        let folder = self.folder.path().display();
        let script = format!("PLANTED={PLANTED}\nFOLDER='{folder}'\n{script}");
        self.tools.put(tool, &script).unwrap();
    }

    fn restore(&self, tool: &str) {
        let script = WORKING.iter().find(|(name, _)| *name == tool).unwrap().1;
        self.put(tool, script);
    }

    fn break_tool(&self, tool: &str, script: Option<&str>) {
        match script {
            Some(script) => self.put(tool, script),
            None => self.tools.remove(tool).unwrap(),
        }
    }

    fn run(&self, path: &str, hanging: Option<&'static str>) -> Ran {
        let runner = |limit| ProcessRunner::new().path(self.tools.folder()).deadline(limit);
        let runner = Runner {
            hanging,
            short: runner(Duration::from_millis(100)),
            long: runner(Duration::from_secs(300)),
        };
        let tools = HookTools::new(Box::new(runner)).secret_folder(self.private.path());
        let vars = [("JUJU_UNIT_NAME", "web/0"), ("JUJU_DISPATCH_PATH", path)];
        let env = HookEnv::from_vars(vars.map(|(name, value)| (name.into(), value.into())));
        let options = RunOptions::new()
            .containers_folder(self.private.path())
            .log_level(LogLevel::Debug)
            .streams(std::io::sink(), std::io::sink());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(run_hook(Writer, env.unwrap(), tools, options));
        let left = fs::read_dir(self.private.path()).unwrap().count();
        assert_eq!(left, 0, "a private file is left");
        let calls = self.tools.calls();
        self.tools.forget_calls().unwrap();
        Ran { report, calls, sent: self.take("sent"), state: self.take("state") }
    }

    /// Returns what was written to a file of the folder, and removes it.
    fn take(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        let text = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        text
    }
}

impl Ran {
    fn called(&self, tool: &str) -> bool {
        self.calls.iter().any(|call| call.split(' ').next() == Some(tool))
    }

    /// Checks that the content of a secret is in nothing that leaves the hook.
    fn check_no_content(&self, case: &str) {
        let Self { report, calls, sent, state } = self;
        let log: Vec<_> = report.log().collect();
        let everything = format!("{report:?} {log:?} {calls:?} {sent} {state}");
        assert!(!everything.contains(PLANTED), "{case}: {everything}");
    }
}

/// Runs a hook with each tool broken in each way, and checks the result of those that fail.
fn break_each_tool(path: &str, check: impl Fn(&Ran, &'static str, &ErrorKind, &str)) {
    let unit = Unit::new();
    let ran = unit.run(path, None);
    assert_eq!(ran.report.exit_code(), 0, "{:?} {:?}", ran.report, ran.calls);
    assert!(ran.sent.contains("http://web-0") && !ran.state.is_empty(), "{:?}", ran.calls);
    for (tool, reads_output) in BROKEN {
        for (script, kind) in FAULTS {
            if path != ORDINARY && !is_for_every_hook(*script, kind) {
                continue;
            }
            let case = format!("{path}, {tool}, {script:?}");
            unit.break_tool(tool, *script);
            let hanging = (*kind == ErrorKind::Deadline).then_some(*tool);
            let ran = unit.run(path, hanging);
            ran.check_no_content(&case);
            if *script == Some(ONLY_OUTPUT) && !reads_output {
                assert!(ran.report.failure().is_none(), "{case}: {:?}", ran.report);
            } else {
                check(&ran, tool, kind, &case);
            }
            unit.restore(tool);
        }
    }
}

/// Checks an error that says which tool failed in which way.
fn check_error(error: &Error, tool: &str, kind: &ErrorKind, case: &str) {
    let chain = error.chain();
    assert_eq!(error.juju().map(crate::juju::Error::kind), Some(kind), "{case}: {chain}");
    assert!(chain.starts_with("cannot ") && chain.contains(tool), "{case}: {chain}");
}

#[test]
fn an_ordinary_hook_fails_and_keeps_nothing() {
    for path in [ORDINARY, "hooks/stop"] {
        break_each_tool(path, |ran, tool, kind, case| {
            assert_eq!(ran.report.exit_code(), 1, "{case}");
            let error = ran.report.failure().unwrap();
            check_error(error, tool, kind, case);
            let chain = error.chain();
            let is_logged = |(level, line): (LogLevel, &str)| {
                level == LogLevel::Error && line.contains(chain.as_str())
            };
            assert!(ran.report.log().any(is_logged), "{case}: {:?}", ran.report);
            assert_eq!((ran.sent.as_str(), ran.state.as_str()), ("", ""), "{case}");
        });
    }
}

#[test]
fn a_workload_hook_is_blocked_and_stores_its_event() {
    break_each_tool("hooks/web-pebble-ready", |ran, tool, _, case| {
        assert_eq!(ran.report.exit_code(), 0, "{case}: {:?}", ran.report);
        let status = ran.report.status().unwrap();
        assert_eq!(status.kind(), StatusKind::Blocked, "{case}: {status}");
        assert!(status.message().contains(tool), "{case}: {status}");
        let state: BTreeMap<String, String> = serde_json::from_str(&ran.state).unwrap();
        assert!(state[FRAMEWORK_KEY].contains("\"event\":\"pebble-ready\""), "{case}: {state:?}");
    });
}

#[test]
fn an_action_fails_with_the_reason_and_keeps_nothing() {
    break_each_tool("actions/act", |ran, tool, kind, case| {
        assert_eq!(ran.report.exit_code(), 0, "{case}: {:?}", ran.report);
        check_error(ran.report.failure().unwrap(), tool, kind, case);
        let said = ran.calls.iter().find(|call| call.starts_with("action-fail ")).unwrap();
        assert!(said.contains(tool) && !ran.called("action-set"), "{case}: {said}");
        assert_eq!((ran.sent.as_str(), ran.state.as_str()), ("", ""), "{case}");
    });
}

//! Both ends of the contract at once: what `juju` calls is what the agent's model takes, and the
//! environment that the agent gives is one that `HookEnv` reads. Neither side's own tests can say
//! that they mean the same.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test that called it")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use charmwright_agent::{AgentPaths, CharmMeta, HookExit, Next, ToolRequest, Unit, UnitSettings};
use charmwright_juju::{
    ActionName, DispatchPath, ErrorKind, HookEnv, HookTools, Juju, LogLevel, Port, Status,
    StatusKind, ToolCall, ToolFailure,
};

const METADATA: &str = "name: web\nsummary: s\ndescription: d\ncontainers:\n  workload: {}\n";
const CONFIG: &str = "options:\n  port:\n    type: int\n    default: 1000000\n  command:\n    \
                      type: string\n  debug:\n    type: boolean\n    default: false\n";
const ACTIONS: &str =
    "restart:\n  description: r\n  params:\n    delay:\n      type: integer\n      default: 3\n";

/// The agent's model answering in-process, as its socket would answer a tool's process.
struct Agent {
    unit: Mutex<Unit>,
    context: Mutex<String>,
}

impl HookTools for Agent {
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolFailure> {
        let mut request = ToolRequest {
            context_id: self.context.lock().unwrap().clone(),
            dir: PathBuf::from("/charm"),
            name: call.tool.to_owned(),
            args: call.args.clone(),
            ..ToolRequest::default()
        };
        let mut unit = self.unit.lock().unwrap();
        let mut answer = unit.tool(&request);
        assert_eq!(answer.wants_stdin, call.stdin.is_some(), "{call:?}");
        if answer.wants_stdin {
            request.stdin = call.stdin.map(<[u8]>::to_vec);
            answer = unit.tool(&request);
        }
        match answer.code {
            0 => Ok(answer.stdout),
            code => Err(ToolFailure::Exited {
                code,
                stderr: String::from_utf8(answer.stderr).unwrap().trim().to_owned(),
            }),
        }
    }
}

impl Agent {
    fn new(leader: bool) -> Arc<Self> {
        let meta = CharmMeta::parse(METADATA, Some(CONFIG), Some(ACTIONS)).unwrap();
        let settings = UnitSettings::new("web/0").unwrap().leader(leader);
        Arc::new(Self { unit: Mutex::new(Unit::new(meta, settings)), context: Mutex::default() })
    }

    /// Begins the next hook: its environment as the charm reads it, and fresh calls.
    fn next(self: &Arc<Self>) -> Option<(HookEnv, Juju)> {
        let Next::Run(run) = self.unit.lock().unwrap().next(Instant::now()) else {
            return None;
        };
        *self.context.lock().unwrap() = run.id().to_owned();
        let env = HookEnv::from_vars(run.environment(&AgentPaths::new(
            "/charm",
            "/tools",
            "/agent.socket",
        )))
        .unwrap();
        assert_eq!(env.context_id(), Some(run.id()));
        assert_eq!(env.dispatch_path().unwrap().to_string(), run.dispatch_path());
        Some((env, Juju::new(Box::new(Arc::clone(self)))))
    }

    fn finish(&self, code: i32) {
        self.unit.lock().unwrap().finish(&HookExit::Code(code), Instant::now(), b"", b"").unwrap();
    }

    /// Runs whatever is due to its end, with nothing done in it.
    fn settle(self: &Arc<Self>) {
        while self.next().is_some() {
            self.finish(0);
        }
    }
}

fn state(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_call_of_a_hook_is_taken_and_answered() {
    let agent = Agent::new(true);
    let (env, juju) = agent.next().unwrap();
    assert_eq!(env.unit().to_string(), "web/0");
    assert_eq!(env.hook_name().unwrap().as_str(), "install");

    let config = juju.config().unwrap();
    assert_eq!(
        (&config["port"], &config["debug"], config.get("command")),
        (&1_000_000.into(), &false.into(), None)
    );
    assert!(juju.is_leader().unwrap());
    assert_eq!(juju.status().unwrap().kind(), StatusKind::Maintenance);
    assert!(juju.state().unwrap().is_empty());
    assert!(juju.opened_ports().unwrap().is_empty());

    juju.set_status(&Status::waiting("--not an option")).unwrap();
    juju.set_application_status(&Status::blocked("-x")).unwrap();
    assert_eq!(juju.application_status().unwrap(), Status::blocked("-x"));
    juju.set_application_version("-1.2").unwrap();
    juju.log(LogLevel::Warning, "--debug is no option here").unwrap();
    juju.open_port(Port::tcp(8080)).unwrap();
    juju.open_port(Port::udp(53)).unwrap();
    juju.open_port(Port::icmp()).unwrap();
    juju.close_port(Port::udp(53)).unwrap();
    let odd = "a: b\n- c \u{7f}\u{85}\u{2028}\u{feff} \"q\" 'q' \\ \t # é";
    juju.set_state(&state(&[("charm", odd), ("- odd: key", ""), ("gone", "1")])).unwrap();
    juju.delete_state("gone").unwrap();
    juju.delete_state("-never there").unwrap();
    agent.finish(0);

    let report = agent.unit.lock().unwrap().report();
    assert_eq!((report.status.as_str(), report.message.as_str()), ("waiting", "--not an option"));
    assert_eq!((report.version.as_str(), report.application_status.as_str()), ("-1.2", "blocked"));

    // What was remembered is what a new hook is told.
    let (_, later) = agent.next().unwrap();
    assert_eq!(later.state().unwrap(), state(&[("charm", odd), ("- odd: key", "")]));
    assert_eq!(later.state().unwrap(), juju.state().unwrap());
    assert_eq!(later.opened_ports().unwrap(), juju.opened_ports().unwrap());
    assert_eq!(later.status().unwrap(), juju.status().unwrap());
    assert_eq!(later.application_status().unwrap(), juju.application_status().unwrap());
}

#[test]
fn a_hook_that_fails_keeps_what_juju_keeps() {
    let agent = Agent::new(false);
    let (_, juju) = agent.next().unwrap();
    juju.set_state(&state(&[("a", "1")])).unwrap();
    juju.open_port(Port::tcp(1)).unwrap();
    juju.set_status(&Status::active()).unwrap();
    agent.finish(1);
    let unit = agent.unit.lock().unwrap();
    assert!(unit.state().is_empty());
    assert!(unit.report().ports.is_empty());
}

#[test]
fn refusals_come_back_as_their_kinds() {
    let agent = Agent::new(false);
    let (_, juju) = agent.next().unwrap();
    assert!(!juju.is_leader().unwrap());
    assert_eq!(
        juju.set_application_status(&Status::active()).unwrap_err().kind(),
        &ErrorKind::NotLeader
    );
    assert_eq!(juju.application_status().unwrap_err().kind(), &ErrorKind::NotLeader);
    assert_eq!(juju.action_params().unwrap_err().kind(), &ErrorKind::Failed { code: 1 });
    agent.finish(0);
    assert!(juju.state().is_err(), "the hook is over");
}

#[test]
fn every_call_of_an_action_is_taken_and_answered() {
    let agent = Agent::new(true);
    agent.settle();
    let id = agent
        .unit
        .lock()
        .unwrap()
        .run_action("restart", &[("delay".to_owned(), "7".to_owned())])
        .unwrap();
    let (env, juju) = agent.next().unwrap();
    assert!(matches!(
        env.dispatch_path(),
        Some(DispatchPath::Action(name)) if name.as_str() == "restart"
    ));
    assert_eq!(
        (env.hook_name(), env.action_name().map(ActionName::as_str)),
        (None, Some("restart"))
    );
    assert_eq!(juju.action_params().unwrap()["delay"], 7);
    juju.action_log("-starting").unwrap();
    juju.action_set(&[("a.b", "1=2"), ("a.c", "--x"), ("d", "")]).unwrap();
    juju.action_fail("-no luck").unwrap();
    agent.finish(0);
    let unit = agent.unit.lock().unwrap();
    let record = unit.action(id).unwrap();
    assert_eq!(record.message(), "-no luck");
    assert_eq!(record.results()["a"], serde_json::json!({ "b": "1=2", "c": "--x" }));
    assert_eq!(record.log().len(), 1);
}

#[test]
fn every_environment_of_the_agent_is_read() {
    let agent = Agent::new(true);
    agent.settle();
    agent.unit.lock().unwrap().pebble_seen("workload", "boot-1").unwrap();
    let (env, _) = agent.next().unwrap();
    assert_eq!(env.hook_name().unwrap().as_str(), "workload-pebble-ready");
    assert_eq!(env.workload_name().unwrap().as_str(), "workload");
    agent.finish(0);
    agent.unit.lock().unwrap().check_failed("workload", "up").unwrap();
    let (env, _) = agent.next().unwrap();
    assert_eq!(env.check_name().unwrap().as_str(), "up");
    agent.finish(0);
    agent.unit.lock().unwrap().request_stop();
    let mut names = Vec::new();
    while let Some((env, _)) = agent.next() {
        names.push(env.hook_name().unwrap().to_string());
        agent.finish(0);
    }
    assert_eq!(names, ["stop", "remove"]);
}

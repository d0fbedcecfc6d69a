//! The library's own calls, answered by the agent: both sides of the contract, met without a
//! process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::json;

use super::super::{ActionStatus, tool_names};
use super::{Bench, HookExit, action, environment::variables_of, text};
use charmwright_juju::{
    ErrorKind, HookEnv, HookTools, Juju, LogLevel, Port, Status, ToolCall, ToolFailure,
};

struct InProcess(Mutex<Bench>);

impl HookTools for InProcess {
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolFailure> {
        let mut bench = self.0.lock().unwrap();
        let mut request = bench.request(&[call.tool]);
        request.args.clone_from(&call.args);
        let mut answer = bench.unit.tool(&request);
        if answer.wants_stdin {
            request.stdin = Some(call.stdin.unwrap_or_default().to_vec());
            answer = bench.unit.tool(&request);
        }
        match answer.code {
            0 => Ok(answer.stdout),
            code => {
                Err(ToolFailure::Exited { code, stderr: text(&answer.stderr).trim().to_owned() })
            }
        }
    }

    fn has_tool(&self, tool: &str) -> bool {
        let bench = self.0.lock().unwrap();
        tool_names(&bench.unit.settings.juju_version).contains(&tool)
    }
}

fn meet(bench: Bench) -> (Juju, Arc<InProcess>) {
    let agent = Arc::new(InProcess(Mutex::new(bench)));
    (Juju::new(Box::new(Arc::clone(&agent))), agent)
}

#[test]
fn every_call_of_a_hook_is_understood() {
    for version in ["2.9.52", "3.6.28", "4.0.15"] {
        let mut bench = Bench::version(version);
        bench.begin();
        let (juju, agent) = meet(bench);
        assert_eq!(
            json!(*juju.config().unwrap()),
            json!({"port": 1_000_000, "name": "", "tls": true, "ratio": 0.5})
        );
        assert!(juju.is_leader().unwrap());
        assert_eq!(juju.status().unwrap(), Status::maintenance("installing charm software"));
        juju.set_status(&Status::blocked("--no 'port' \"set\"\nline")).unwrap();
        juju.set_application_status(&Status::active()).unwrap();
        assert_eq!(juju.application_status().unwrap(), Status::active());
        juju.set_application_version("-1.0").unwrap();
        assert!(juju.state().unwrap().is_empty());
        juju.open_port(Port::tcp(80)).unwrap();
        juju.open_port("53/udp".parse().unwrap()).unwrap();
        juju.close_port(Port::tcp(80)).unwrap();
        juju.log(LogLevel::Warning, "-odd").unwrap();
        assert!(juju.has_tool("state-get") && !juju.has_tool("no-such-tool"));
        let _ = juju.opened_ports().unwrap();
        drop(juju);
        let mut bench = Arc::into_inner(agent).unwrap().0.into_inner().unwrap();
        assert!(bench.end(HookExit::Code(0)).committed());
        let report = bench.unit.report();
        assert_eq!(
            (report.status.as_str(), report.message.as_str()),
            ("blocked", "--no 'port' \"set\"\nline")
        );
        assert_eq!(
            (report.version.as_str(), report.application_status.as_str()),
            ("-1.0", "active")
        );
        assert_eq!(report.ports, ["53/udp"]);
        assert!(
            bench
                .unit
                .log(0)
                .any(|line| line.message == "-odd" && line.level.as_str() == "WARNING")
        );
    }
}

#[test]
fn refusals_are_told_apart() {
    let mut bench = Bench::with(|settings| settings.leader(false));
    bench.begin();
    let (juju, _) = meet(bench);
    assert!(!juju.is_leader().unwrap());
    assert_eq!(
        juju.set_application_status(&Status::active()).unwrap_err().kind(),
        &ErrorKind::NotLeader
    );
    assert_eq!(juju.action_params().unwrap_err().kind(), &ErrorKind::Failed { code: 1 });
}

#[test]
fn every_call_of_an_action_is_understood() {
    let (juju, agent) = meet(Bench::in_action(&[("delay", "3")]));
    assert_eq!(json!(*juju.action_params().unwrap()), json!({"force": false, "delay": 3}));
    juju.action_set(&[("outcome", "-well=done"), ("deep.down", "1")]).unwrap();
    juju.action_log("-on the way").unwrap();
    juju.action_fail("--out of luck").unwrap();
    drop(juju);
    let mut bench = Arc::into_inner(agent).unwrap().0.into_inner().unwrap();
    let finished = bench.end(HookExit::Code(0));
    let record = action(&finished);
    assert_eq!((record.status(), record.message()), (ActionStatus::Failed, "--out of luck"));
    assert_eq!(
        json!(record.results()),
        json!({"outcome": "-well=done", "deep": {"down": "1"}, "return-code": 0})
    );
    assert_eq!(record.log(), ["-on the way"]);
}

#[test]
fn the_environment_is_understood() {
    let mut bench = Bench::started();
    bench.unit.pebble_seen("web", "b1").unwrap();
    let env = HookEnv::from_vars(variables_of(&bench.begin())).unwrap();
    assert_eq!(env.unit().to_string(), "web/0");
}

proptest! {
    #[test]
    fn any_state_survives_the_road_to_the_agent_and_back(
        state in prop::collection::btree_map("[^\u{0}]{1,20}", any::<String>(), 0..5),
    ) {
        let state: BTreeMap<String, String> = state;
        let (juju, agent) = meet(Bench::in_hook());
        juju.set_state(&state).unwrap();
        drop(juju);
        let mut bench = Arc::into_inner(agent).unwrap().0.into_inner().unwrap();
        bench.end(HookExit::Code(0));
        prop_assert_eq!(bench.unit.state(), &state);
        bench.begin();
        let (juju, _) = meet(bench);
        prop_assert_eq!(juju.state().unwrap(), state);
    }

    #[test]
    fn any_status_survives_the_road_to_the_agent_and_back(
        message in "\\PC{0,40}|[ \t\n#:'\"\\\\-]{0,8}"
    ) {
        let (juju, agent) = meet(Bench::in_hook());
        juju.set_status(&Status::waiting(&*message)).unwrap();
        drop(juju);
        let mut bench = Arc::into_inner(agent).unwrap().0.into_inner().unwrap();
        bench.end(HookExit::Code(0));
        bench.begin();
        let (juju, _) = meet(bench);
        prop_assert_eq!(juju.status().unwrap(), Status::waiting(message));
    }
}

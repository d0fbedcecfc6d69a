//! These tests connect `charmwright_juju` to the model: the model understands every call of
//! `HookTools`, and `HookEnv` reads every environment of the model. The tests of one crate alone
//! cannot tell whether both crates mean the same.

#![expect(clippy::unwrap_used, reason = "a test's helper fails the test that called it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use charmwright_agent::{
    ActionStatus, AgentPaths, CharmMeta, Deployment, Ending, Finished, InProcessTools, Model,
    ModelSettings, Substrate,
};
use charmwright_juju::{
    ActionName, DispatchPath, ErrorKind, HookEnv, HookTools, LogLevel, Port, Status, StatusKind,
};
use proptest::prelude::*;
use serde_json::json;

const METADATA: &str = "name: web\nsummary: s\ndescription: d\ncontainers:\n  workload: {}\n\
    resources: {-odd: {type: file, filename: odd}}\n";
const CONFIG: &str = "options:\n  port: {type: int, default: 1000000}\n  name: {type: string, \
                      default: ''}\n  tls: {type: boolean, default: true}\n  ratio: {type: \
                      float, default: 0.5}\n  unset: {type: string}\n";
const ACTIONS: &str = "restart:\n  description: r\n  params:\n    force: {type: boolean, default: \
                       false}\n    delay: {type: integer, default: 3}\n";

/// Deploys the charm with one unit, and returns the hook tools of the unit.
fn unit(change: impl FnOnce(Deployment) -> Deployment) -> InProcessTools {
    unit_of_model(ModelSettings::new(), change)
}

fn unit_of_model(
    settings: ModelSettings,
    change: impl FnOnce(Deployment) -> Deployment,
) -> InProcessTools {
    let meta = CharmMeta::parse(METADATA, Some(CONFIG), Some(ACTIONS)).unwrap();
    let mut model = Model::new(settings);
    model.deploy("web", change(Deployment::charm(meta))).unwrap();
    InProcessTools::new(model, "web/0".parse().unwrap())
}

/// Begins the next hook. Returns its environment as the charm reads it, and new typed calls.
fn next(tools: &InProcessTools) -> Option<(HookEnv, HookTools)> {
    let run = tools.begin(Instant::now())?;
    let paths = AgentPaths::new("/charm", "/tools", "/agent.socket");
    let env = HookEnv::from_vars(run.environment(&paths)).unwrap();
    assert_eq!(env.context_id().unwrap(), Some(run.id()));
    assert_eq!(env.dispatch_path().unwrap().to_string(), run.dispatch_path());
    Some((env, tools.juju()))
}

/// Ends the hook, and checks that each call has passed standard input if and only if the tool has
/// read it.
fn finish(tools: &InProcessTools, code: i32) -> Finished {
    for call in tools.calls() {
        assert_eq!(call.read_stdin(), call.stdin().is_some(), "{call:?}");
    }
    tools.finish(code, Instant::now()).unwrap()
}

/// Runs every hook that is due, without any call in it.
fn settle(tools: &InProcessTools) {
    while next(tools).is_some() {
        finish(tools, 0);
    }
}

fn committed(tools: &InProcessTools) -> BTreeMap<String, String> {
    tools.with_model(|model, unit| model.unit(unit).unwrap().state().clone())
}

fn state(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_resource_is_the_path_of_its_file() {
    let tools = unit(|deployment| deployment.resource("-odd", "/res/my file.yaml"));
    let (_, juju) = next(&tools).unwrap();
    assert_eq!(juju.resource("-odd").unwrap(), Path::new("/res/my file.yaml"));
    let error = juju.resource("other").unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotFound, "{error}");
    assert!(error.to_string().starts_with("cannot fetch the resource \"other\": "), "{error}");
    assert_eq!(juju.resource("").unwrap_err().kind(), &ErrorKind::Invalid);
}

#[test]
fn every_call_of_a_hook_is_taken_and_answered() {
    // On Kubernetes Juju refuses ICMP when the hook is committed.
    let settings = ModelSettings::new().substrate(Substrate::Machine);
    let tools = unit_of_model(settings, |deployment| deployment);
    let (env, juju) = next(&tools).unwrap();
    assert_eq!(env.unit().to_string(), "web/0");
    assert_eq!(env.hook_name().unwrap().as_str(), "install");

    let config = juju.config().unwrap();
    assert_eq!(
        (&config["port"], &config["tls"], config.get("unset")),
        (&1_000_000.into(), &true.into(), None)
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
    finish(&tools, 0);

    let report = tools.report().unwrap();
    assert_eq!((report.status.as_str(), report.message.as_str()), ("waiting", "--not an option"));
    assert_eq!((report.version.as_str(), report.application_status.as_str()), ("-1.2", "blocked"));

    // A later hook reads the data that this hook has written.
    let (_, later) = next(&tools).unwrap();
    assert_eq!(later.state().unwrap(), state(&[("charm", odd), ("- odd: key", "")]));
    assert_eq!(later.state().unwrap(), juju.state().unwrap());
    assert_eq!(later.opened_ports().unwrap(), juju.opened_ports().unwrap());
    assert_eq!(later.status().unwrap(), juju.status().unwrap());
    assert_eq!(later.application_status().unwrap(), juju.application_status().unwrap());
}

#[test]
fn every_version_of_juju_understands_every_call_of_a_hook() {
    for version in ["2.9.52", "3.6.28", "4.0.15"] {
        let tools = {
            let settings = ModelSettings::new().juju_version(version.parse().unwrap());
            unit_of_model(settings, |deployment| deployment)
        };
        let (_, juju) = next(&tools).unwrap();
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
        assert!(finish(&tools, 0).committed());
        let report = tools.report().unwrap();
        assert_eq!(
            (report.status.as_str(), report.message.as_str()),
            ("blocked", "--no 'port' \"set\"\nline")
        );
        assert_eq!(
            (report.version.as_str(), report.application_status.as_str()),
            ("-1.0", "active")
        );
        assert_eq!(report.ports, ["53/udp"]);
        assert!(tools.with_model(|model, unit| {
            model
                .unit(unit)
                .unwrap()
                .log(0)
                .any(|line| line.message == "-odd" && line.level.as_str() == "WARNING")
        }));
    }
}

#[test]
fn a_hook_that_fails_keeps_what_juju_keeps() {
    let tools = unit(|deployment| deployment.leader(false));
    let (_, juju) = next(&tools).unwrap();
    juju.set_state(&state(&[("a", "1")])).unwrap();
    juju.open_port(Port::tcp(1)).unwrap();
    juju.set_status(&Status::active()).unwrap();
    assert!(!finish(&tools, 1).committed());
    assert!(committed(&tools).is_empty());
    assert!(tools.report().unwrap().ports.is_empty());
}

#[test]
fn refusals_come_back_as_their_kinds() {
    let tools = unit(|deployment| deployment.leader(false));
    let (_, juju) = next(&tools).unwrap();
    assert!(!juju.is_leader().unwrap());
    assert_eq!(
        juju.set_application_status(&Status::active()).unwrap_err().kind(),
        &ErrorKind::NotLeader
    );
    assert_eq!(juju.application_status().unwrap_err().kind(), &ErrorKind::NotLeader);
    assert_eq!(juju.action_params().unwrap_err().kind(), &ErrorKind::WrongContext);
    finish(&tools, 0);
    assert!(juju.state().is_err(), "the hook is over");
}

#[test]
fn every_call_of_an_action_is_taken_and_answered() {
    for (delay, message) in [(7, "-no luck"), (3, "--out of luck")] {
        let tools = unit(|deployment| deployment);
        settle(&tools);
        let params = [("delay".to_owned(), delay.to_string())];
        let id =
            tools.with_model(|model, unit| model.run_action(unit, "restart", &params)).unwrap();
        let (env, juju) = next(&tools).unwrap();
        assert!(matches!(
            env.dispatch_path(),
            Some(DispatchPath::Action(name)) if name.as_str() == "restart"
        ));
        assert_eq!(
            (env.hook_name(), env.action_name().unwrap().as_ref().map(ActionName::as_str)),
            (None, Some("restart"))
        );
        assert_eq!(json!(*juju.action_params().unwrap()), json!({"force": false, "delay": delay}));
        juju.action_log("-on the way").unwrap();
        juju.action_set([("outcome", "-well=done"), ("a.b", "1=2"), ("a.c", "--x"), ("d", "")])
            .unwrap();
        juju.action_fail(message).unwrap();
        let finished = finish(&tools, 0);
        let Ending::Action(record) = finished.ending() else { panic!("{finished:?}") };
        let recorded =
            tools.with_model(|model, unit| model.unit(unit).unwrap().action(&id).cloned());
        assert_eq!(Some(record), recorded.as_ref());
        assert_eq!((record.status(), record.message()), (ActionStatus::Failed, message));
        assert_eq!(
            json!(record.results()),
            json!({
                "outcome": "-well=done",
                "a": {"b": "1=2", "c": "--x"},
                "d": "",
                "return-code": 0,
            })
        );
        assert_eq!(record.log(), ["-on the way"]);
    }
}

#[test]
fn every_environment_of_the_agent_is_read() {
    let tools = unit(|deployment| deployment);
    settle(&tools);
    tools.with_model(|model, unit| model.pebble_seen(unit, "workload", "boot-1")).unwrap();
    let (env, _) = next(&tools).unwrap();
    assert_eq!(env.unit().to_string(), "web/0");
    assert_eq!(env.hook_name().unwrap().as_str(), "workload-pebble-ready");
    assert_eq!(env.workload_name().unwrap().unwrap().as_str(), "workload");
    finish(&tools, 0);
    tools.with_model(|model, unit| model.check_failed(unit, "workload", "up")).unwrap();
    let (env, _) = next(&tools).unwrap();
    assert_eq!(env.check_name().unwrap().unwrap().as_str(), "up");
    finish(&tools, 0);
    tools.with_model(Model::remove_unit).unwrap();
    let mut names = Vec::new();
    while let Some((env, _)) = next(&tools) {
        names.push(env.hook_name().unwrap().to_string());
        finish(&tools, 0);
    }
    assert_eq!(names, ["stop", "remove"]);
}

proptest! {
    #[test]
    fn any_state_survives_the_round_trip_to_the_agent(
        state in prop::collection::btree_map("[^\u{0}]{1,20}", any::<String>(), 0..5),
    ) {
        let state: BTreeMap<String, String> = state;
        let tools = unit(|deployment| deployment);
        let (_, juju) = next(&tools).unwrap();
        juju.set_state(&state).unwrap();
        finish(&tools, 0);
        prop_assert_eq!(committed(&tools), state.clone());
        let (_, juju) = next(&tools).unwrap();
        prop_assert_eq!(juju.state().unwrap(), state);
    }

    #[test]
    fn any_status_survives_the_round_trip_to_the_agent(
        message in "\\PC{0,40}|[ \t\n#:'\"\\\\-]{0,8}"
    ) {
        let tools = unit(|deployment| deployment);
        let (_, juju) = next(&tools).unwrap();
        juju.set_status(&Status::waiting(&*message)).unwrap();
        finish(&tools, 0);
        let (_, juju) = next(&tools).unwrap();
        prop_assert_eq!(juju.status().unwrap(), Status::waiting(message));
    }
}

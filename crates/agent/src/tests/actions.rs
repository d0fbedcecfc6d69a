//! Tests of actions: the check of the parameters, and the results, status and message of each end.

use serde_json::json;

use super::super::{ActionRecord, ActionStatus, CharmMeta, ErrorKind};
use super::{Fixture, HookExit, action};

#[test]
fn parameters_are_checked_and_defaulted_before_the_charm_runs() {
    let mut fixture = Fixture::started();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    for (name, params, part) in [
        ("nope", vec![], "the charm has no such action (it has: restart, strict)"),
        ("strict", vec![], "validation failed: (root) : \"id\" property is missing and required"),
        (
            "strict",
            vec![pair("id", "a"), pair("x", "1")],
            "additional property \"x\" is not allowed",
        ),
        (
            "restart",
            vec![pair("delay", "soon")],
            "(root).delay : must be of type integer, given string",
        ),
        ("restart", vec![pair("delay", "10")], "(root).delay : must be lower than or equal to 9"),
        ("restart", vec![pair("delay", "-1")], "(root).delay : must be greater than or equal to 0"),
        (
            "restart",
            vec![pair("mode", "loud")],
            "(root).mode : must match one of the enum values [\"soft\",\"hard\"]",
        ),
        (
            "restart",
            vec![pair("who.first", "[1]")],
            "(root).who.first : must be of type string, given array",
        ),
        ("strict", vec![pair("id", "010")], "(root).id : must be of type string, given number"),
        ("restart", vec![pair("a..b", "1")], "expected a key"),
        ("restart", vec![pair("force", "[")], "force: the value is no YAML"),
    ] {
        let error = fixture.unit.run_action(name, &params).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Action);
        assert!(
            error.to_string().starts_with("cannot run action ") && error.to_string().contains(part),
            "{error}"
        );
    }
    assert_eq!(fixture.unit.actions().count(), 0, "a refused action is not even recorded");
    fixture.unit.run_action("strict", &[pair("id", "\"010\"")]).unwrap();
    fixture.begin();
    assert_eq!(fixture.tool_stdout(&["action-get", "--format=json"]), "{\"id\":\"010\"}\n");
}

#[test]
fn a_required_parameter_must_be_given_even_with_a_default() {
    let mut fixture = Fixture::started();
    let actions = "act:\n  params:\n    to: {type: string, default: /tmp}\n    who: {properties: \
                   {first: {default: x}, last: {}}}\n  required: [to]\n";
    fixture.unit.application_mut().meta =
        CharmMeta::parse("name: web\nsummary: s\ndescription: d", None, Some(actions)).unwrap();
    let error = fixture.unit.run_action("act", &[]).unwrap_err().to_string();
    assert!(error.contains("\"to\" property is missing and required"), "{error}");
    let given =
        [("to", "/srv"), ("who.last", "z")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    fixture.unit.run_action("act", &given).unwrap();
    fixture.begin();
    assert_eq!(
        fixture.tool_stdout(&["action-get", "--format=json"]),
        "{\"to\":\"/srv\",\"who\":{\"first\":\"x\",\"last\":\"z\"}}\n",
        "and the defaults of a nested map are filled in"
    );
}

#[test]
fn juju_4_refuses_undeclared_parameters() {
    let undeclared = [("unheard-of".to_owned(), "1".to_owned())];
    for (version, refused) in [("3.6.28", false), ("4.0.15", true), ("4.1-beta2", true)] {
        let mut fixture = Fixture::with_version(version);
        fixture.run_all();
        let outcome = fixture.unit.run_action("restart", &undeclared);
        assert_eq!(outcome.is_err(), refused, "{version}: {outcome:?}");
        let actions = "act: {additionalProperties: true}";
        fixture.unit.application_mut().meta =
            CharmMeta::parse("name: web\nsummary: s\ndescription: d", None, Some(actions)).unwrap();
        assert!(fixture.unit.run_action("act", &undeclared).is_ok(), "{version}");
    }
}

#[test]
fn results_include_the_code_and_the_output() {
    let mut fixture = Fixture::in_action(&[]);
    fixture.tool_stdout(&["action-set", "a.b=1", "a=2", "a.c=3", "x=<"]);
    fixture.tool_stdout(&["state-set", "k=v"]);
    fixture.tool_stdout(&["action-log", "half way"]);
    let finished = fixture.unit.finish(&HookExit::Code(0), fixture.now, b"hello\n", b"").unwrap();
    let record = action(&finished);
    assert_eq!((record.status(), record.message()), (ActionStatus::Completed, ""));
    assert_eq!(
        json!(record.results()),
        json!({"a": {"c": "3"}, "x": "<", "return-code": 0, "stdout": "hello\n"})
    );
    assert_eq!(record.log(), ["half way"]);
    assert!(finished.committed());
    assert_eq!(fixture.unit.state().len(), 1);
    assert_eq!(fixture.unit.action(record.id()), Some(record));
}

#[test]
fn a_failed_action_does_not_put_the_unit_in_error() {
    let mut fixture = Fixture::in_action(&[]);
    fixture.tool_stdout(&["action-set", "got=half"]);
    fixture.tool_stdout(&["state-set", "k=v"]);
    let finished =
        fixture.unit.finish(&HookExit::Code(2), fixture.now, b"", b"\xff\xfe\n").unwrap();
    let record = action(&finished);
    assert_eq!((record.status(), record.message()), (ActionStatus::Failed, "exit status 2"));
    assert_eq!(
        json!(record.results()),
        json!({"got": "half", "return-code": 2, "stderr": "//4K", "stderr-encoding": "base64"}),
        "results are sent however it ends"
    );
    assert!(fixture.unit.state().is_empty(), "what the hook buffered is dropped");
    assert_ne!(fixture.unit.report().status, "error");
    assert_eq!(finished.error(), Some("exit status 2"));
}

#[test]
fn a_killed_action_says_terminated() {
    for (signal, message) in [(9, "terminated"), (15, "terminated"), (2, "signal: interrupt")] {
        let mut fixture = Fixture::in_action(&[]);
        let finished = fixture.finish(HookExit::Signal(signal));
        let record = action(&finished);
        assert_eq!((record.status(), record.message()), (ActionStatus::Failed, message));
        assert_eq!(json!(record.results()), json!({"return-code": -1}));
    }
}

#[test]
fn a_last_line_without_a_newline_is_lost() {
    let mut fixture = Fixture::in_action(&[]);
    let finished =
        fixture.unit.finish(&HookExit::Code(0), fixture.now, b"one\nhalf", b"half").unwrap();
    let results = json!(action(&finished).results());
    assert_eq!(results, json!({"return-code": 0, "stdout": "one\n"}));
    assert!(!fixture.unit.log(0).any(|line| line.message.contains("half")));
}

#[test]
fn action_fail_with_exit_0_still_commits() {
    for (line, message) in [
        (&["action-fail", "no disk"][..], "no disk"),
        (&["action-fail"], "action failed without reason given, check action for errors"),
        (&["action-fail", "--", "-x"], "-x"),
    ] {
        let mut fixture = Fixture::in_action(&[]);
        fixture.tool_stdout(line);
        fixture.tool_stdout(&["open-port", "80"]);
        let finished = fixture.finish(HookExit::Code(0));
        let record = action(&finished);
        assert_eq!((record.status(), record.message()), (ActionStatus::Failed, message));
        assert_eq!(json!(record.results()), json!({"return-code": 0}));
        assert_eq!(fixture.unit.report().ports, ["80/tcp"]);
    }
}

#[test]
fn a_commit_that_fails_fails_the_action() {
    let mut fixture = Fixture::in_action(&[]);
    for n in 0..33 {
        let pair = format!("k{n}={}", "v".repeat(65_536));
        fixture.tool_stdout(&["state-set", &pair]);
    }
    let finished = fixture.unit.finish(&HookExit::Code(0), fixture.now, b"", b"mine\n").unwrap();
    let record = action(&finished);
    assert_eq!(
        (record.status(), record.message()),
        (ActionStatus::Failed, "committing requested changes failed")
    );
    assert_eq!(record.results()["return-code"], 0, "Juju leaves the program's own code");
    assert!(record.results()["stderr"].as_str().unwrap().starts_with("mine\n\ncharm state is "));
}

#[test]
fn an_action_that_the_charm_lacks_or_that_is_killed_fails() {
    let mut fixture = Fixture::in_action(&[]);
    let finished = fixture.finish(HookExit::Missing);
    assert_eq!(finished.error(), Some("action not implemented on unit \"web/0\""));
    let mut fixture = Fixture::in_action(&[]);
    let finished = fixture.finish(HookExit::Signal(9));
    assert_eq!(
        (action(&finished).status(), finished.error()),
        (ActionStatus::Failed, Some("terminated"))
    );
    assert!(!finished.requeued(), "an action is not run twice");
}

#[test]
fn an_action_can_be_cancelled() {
    let mut fixture = Fixture::started();
    let first = fixture.unit.run_action("restart", &[]).unwrap();
    let second = fixture.unit.run_action("restart", &[]).unwrap();
    assert_eq!(fixture.begin().name(), "restart");
    assert!(!fixture.unit.cancel_action(&second).unwrap());
    assert!(fixture.unit.cancel_action(&first).unwrap(), "it runs: the caller kills it");
    fixture.finish(HookExit::Signal(9));
    let statuses: Vec<ActionStatus> = fixture.unit.actions().map(ActionRecord::status).collect();
    assert_eq!(statuses, [ActionStatus::Aborted, ActionStatus::Cancelled]);
    assert_eq!(fixture.unit.cancel_action(&first).unwrap_err().kind(), ErrorKind::State);
    assert_eq!(fixture.run_all(), [""; 0]);
}

#[test]
fn ended_actions_and_their_logs_are_limited() {
    let mut fixture = Fixture::started();
    for _ in 0..150 {
        fixture.unit.run_action("restart", &[]).unwrap();
        fixture.succeed();
    }
    let last = fixture.unit.run_action("restart", &[]).unwrap();
    assert_eq!((fixture.unit.actions().count(), last.to_string().as_str()), (101, "151"));
    fixture.begin();
    let line = "x".repeat(100_000);
    for _ in 0..20 {
        fixture.tool_stdout(&["action-log", &line]);
    }
    let finished = fixture.finish(HookExit::Code(0));
    assert_eq!(action(&finished).log().len(), 10);
}

#[test]
fn actions_run_before_hooks_but_never_before_install() {
    let mut fixture = Fixture::new();
    fixture.unit.run_action("restart", &[]).unwrap();
    assert_eq!(
        fixture.run_all(),
        ["install", "leader-elected", "restart", "config-changed", "start"]
    );
    fixture.unit.set_config("port", "1").unwrap();
    fixture.unit.run_action("restart", &[]).unwrap();
    assert_eq!(fixture.run_all(), ["restart", "config-changed"]);
}

#[test]
fn a_record_serializes_to_json() {
    let mut fixture = Fixture::in_action(&[]);
    fixture.finish(HookExit::Code(0));
    let shown = serde_json::to_string(fixture.unit.actions().next().unwrap()).unwrap();
    assert_eq!(
        shown,
        concat!(
            r#"{"id":1,"name":"restart","status":"completed","message":"","#,
            r#""results":{"return-code":0},"log":[]}"#
        )
    );
}

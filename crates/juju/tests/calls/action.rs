//! Tests of the calls of an action.

use charmwright_juju::{ErrorKind, check_action_key};

use super::{calls, in_action, in_hook};

#[test]
fn the_calls_of_an_action_have_the_arguments_of_juju_s_tools() {
    let (agent, hook_tools) = in_action("3");
    assert_eq!(hook_tools.action_params().unwrap()["delay"], 3);
    assert_eq!(hook_tools.action_params().unwrap().len(), 1);
    hook_tools.action_set([("a.b", "1=2"), ("c", "")]).unwrap();
    hook_tools.action_set([("", ""); 0]).unwrap();
    hook_tools.action_log("-v").unwrap();
    hook_tools.action_fail("-no").unwrap();
    hook_tools.action_fail("").unwrap();
    let expected: [&[&str]; 5] = [
        &["action-get", "--format=json"],
        &["action-set", "a.b=1=2", "c="],
        &["action-log", "--", "-v"],
        &["action-fail", "--", "-no"],
        &["action-fail"],
    ];
    assert_eq!(calls(&agent), expected);
}

#[test]
fn a_bad_key_sets_no_results() {
    let (agent, hook_tools) = in_action("3");
    for key in [
        "",
        ".",
        "a.",
        "A",
        "a_b",
        "-a",
        "a-",
        "a.stdout",
        "stderr-encoding",
        "a=b",
        "é",
        "a b",
        "return-code",
        "return-code.a",
    ] {
        let error = hook_tools.action_set([("good", "1"), (key, "2")]).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid, "{key}");
    }
    assert!(agent.calls().is_empty());
    for key in ["a", "0", "a-b", "a.b.c", "stdout-x", "a.return-code"] {
        check_action_key(key).unwrap();
        hook_tools.action_set([(key, "")]).unwrap();
    }
}

#[test]
fn results_that_juju_could_not_keep_are_refused_before_any_is_set() {
    let (agent, hook_tools) = in_action("3");
    let long = "x".repeat(131_070);
    for (results, kind) in [
        (
            [("good", "1"), ("c", long.as_str())],
            ErrorKind::TooLarge { size: 131_072, limit: 131_071 },
        ),
        ([("good", "1"), ("c", "a\0b")], ErrorKind::Invalid),
        ([("a", "1"), ("a.b", "2")], ErrorKind::Invalid),
        ([("a.b.c", "1"), ("a.b", "2")], ErrorKind::Invalid),
    ] {
        let error = hook_tools.action_set(results).unwrap_err();
        assert_eq!(error.kind(), &kind, "{error}");
        assert!(error.to_string().len() < 200, "{error}");
    }
    assert!(agent.calls().is_empty());
    // The longest pair that is accepted; a key may come twice, and a name may start with another.
    hook_tools.action_set([("c", &long[1..]), ("ab", "1"), ("ab", "2"), ("a.b", "3")]).unwrap();
}

#[test]
fn large_results_go_in_several_calls() {
    let (agent, hook_tools) = in_action("3");
    let value = "x".repeat(50_000);
    hook_tools
        .action_set([("a", &value), ("b", &value), ("c", &value), ("d", &value), ("e", &value)])
        .unwrap();
    let sizes: Vec<usize> = agent.calls().iter().map(|call| call.args().len()).collect();
    assert_eq!(sizes, [2, 2, 1]);
}

#[test]
fn outside_an_action_the_parameters_are_an_error() {
    let (agent, hook_tools) = in_hook();
    assert_eq!(
        hook_tools.action_params().unwrap_err().to_string(),
        "cannot read the action's parameters: action-get exited with code 1: ERROR not running an \
         action"
    );
    agent.answer_once("action-get", "null\n");
    assert!(hook_tools.action_params().unwrap().is_empty());
}

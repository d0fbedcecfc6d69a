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
    for key in
        ["", ".", "a.", "A", "a_b", "-a", "a-", "a.stdout", "stderr-encoding", "a=b", "é", "a b"]
    {
        let error = hook_tools.action_set([("good", "1"), (key, "2")]).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid, "{key}");
    }
    assert!(agent.calls().is_empty());
    for key in ["a", "0", "a-b", "a.b.c", "stdout-x"] {
        check_action_key(key).unwrap();
        hook_tools.action_set([(key, "")]).unwrap();
    }
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

//! Tests of the calls about the model: the goal state, the cloud and the reboot.

use std::time::Instant;

use charmwright_juju::ErrorKind;

use super::{calls, in_action, in_hook};

#[test]
fn the_goal_state_is_that_of_the_model_and_cached() {
    let (agent, hook_tools) = in_hook();
    for _ in 0..2 {
        let goals = hook_tools.goal_state().unwrap();
        assert_eq!(goals.planned_units(), 1);
        assert!(goals.units()[&"web/0".parse().unwrap()].since().is_some());
    }
    assert_eq!(calls(&agent), [["goal-state", "--format=json"]]);
}

#[test]
fn a_credential_needs_trust_and_is_not_cached() {
    let (agent, hook_tools) = in_hook();
    let error = hook_tools.cloud_spec().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Denied, "{error}");
    agent.answer_once("credential-get", r#"{"type":"lxd","credential":{"attrs":{"k":"hunter2"}}}"#);
    let cloud = hook_tools.cloud_spec().unwrap();
    assert_eq!(cloud.credential().unwrap().get("k").unwrap().expose(), "hunter2");
    agent.answer_once("credential-get", r#"["hunter2"]"#);
    let error = hook_tools.cloud_spec().unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Output);
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[test]
fn a_reboot_is_for_after_the_hook_or_at_once_and_never_in_an_action() {
    let (agent, hook_tools) = in_hook();
    hook_tools.reboot().unwrap();
    hook_tools.reboot_now().unwrap();
    assert_eq!(calls(&agent), [&["juju-reboot"][..], &["juju-reboot", "--now"]]);
    assert!(agent.finish(0, Instant::now()).unwrap().committed());
    let (_, hook_tools) = in_action("1");
    for refused in [hook_tools.reboot(), hook_tools.reboot_now()] {
        assert_eq!(refused.unwrap_err().kind(), &ErrorKind::WrongContext);
    }
}

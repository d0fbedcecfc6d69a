//! Tests of the call about the application's leader.

use charmwright_juju::ErrorKind;

use super::{calls, exit_error, in_hook, in_hook_as_leader};

#[test]
fn an_answer_is_cached() {
    for leads in [true, false] {
        let (agent, hook_tools) = in_hook_as_leader(leads);
        assert_eq!(hook_tools.is_leader().unwrap(), leads);
        assert_eq!(hook_tools.is_leader().unwrap(), leads);
        assert_eq!(calls(&agent), [["is-leader", "--format=json"]]);
    }
}

#[test]
fn a_missing_answer_is_an_error_and_not_false() {
    let (agent, hook_tools) = in_hook();
    agent.fail_once("is-leader", exit_error("ERROR leadership status unknown: lease"));
    agent.answer_once("is-leader", "\"yes\"\n");
    agent.answer_once("is-leader", "");
    assert_eq!(hook_tools.is_leader().unwrap_err().kind(), &ErrorKind::Failed { code: 1 });
    assert_eq!(hook_tools.is_leader().unwrap_err().kind(), &ErrorKind::Output);
    assert_eq!(hook_tools.is_leader().unwrap_err().kind(), &ErrorKind::Output);
    assert!(hook_tools.is_leader().unwrap());
}

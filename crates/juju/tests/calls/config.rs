//! Tests of the call that reads the application's config.

use charmwright_juju::ErrorKind;

use super::{calls, exit_error, in_hook};

#[test]
fn the_config_is_cached() {
    let (agent, hook_tools) = in_hook();
    agent.with_model(|model, _| model.set_config("web", "command", "run > log")).unwrap();
    assert_eq!(hook_tools.config().unwrap()["port"], 1_000_000);
    assert_eq!(hook_tools.config().unwrap()["command"], "run > log");
    assert_eq!(calls(&agent), [["config-get", "--format=json"]]);
}

#[test]
fn a_failed_read_is_not_cached() {
    let (agent, hook_tools) = in_hook();
    agent.fail_once("config-get", exit_error("ERROR no"));
    for output in ["no json: hunter2", "null\n", "", "{}\n"] {
        agent.answer_once("config-get", output);
    }
    assert_eq!(hook_tools.config().unwrap_err().kind(), &ErrorKind::Failed { code: 1 });
    for _ in 0..3 {
        let error = hook_tools.config().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Output);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    assert!(hook_tools.config().unwrap().is_empty());
    assert!(hook_tools.config().unwrap().is_empty());
    assert_eq!(agent.calls().len(), 5);
}

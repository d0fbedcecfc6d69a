//! The application's config.

use charmwright_juju::ErrorKind;

use super::{calls, exited, in_hook};

#[test]
fn config_is_asked_once() {
    let (tools, juju) = in_hook();
    tools.with_unit(|unit| unit.set_config("command", "run > log")).unwrap();
    assert_eq!(juju.config().unwrap()["port"], 1_000_000);
    assert_eq!(juju.config().unwrap()["command"], "run > log");
    assert_eq!(calls(&tools), [["config-get", "--format=json"]]);
}

#[test]
fn a_failed_read_is_asked_again() {
    let (tools, juju) = in_hook();
    tools.fail_once("config-get", exited("ERROR no"));
    for output in ["no json: hunter2", "null\n", "", "{}\n"] {
        tools.answer_once("config-get", output);
    }
    assert_eq!(juju.config().unwrap_err().kind(), &ErrorKind::Failed { code: 1 });
    for _ in 0..3 {
        let error = juju.config().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Output);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    assert!(juju.config().unwrap().is_empty());
    assert!(juju.config().unwrap().is_empty());
    assert_eq!(tools.calls().len(), 5);
}

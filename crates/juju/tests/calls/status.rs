//! Statuses of the unit and of its application.

use charmwright_juju::{ErrorKind, Status, StatusKind};

use super::{calls, in_hook, in_hook_with, next_hook};

#[test]
fn a_status_is_set_with_its_message_as_free_text() {
    let (tools, juju) = in_hook();
    juju.set_status(&Status::active()).unwrap();
    juju.set_status(&Status::waiting("--help \0 wanted")).unwrap();
    juju.set_application_status(&Status::blocked("ask")).unwrap();
    let expected: [&[&str]; 3] = [
        &["status-set", "active"],
        &["status-set", "waiting", "--", "--help \u{fffd} wanted"],
        &["status-set", "--application", "blocked", "--", "ask"],
    ];
    assert_eq!(calls(&tools), expected);
    assert_eq!(juju.status().unwrap().kind(), StatusKind::Waiting);
    assert_eq!(juju.application_status().unwrap(), Status::blocked("ask"));
    assert_eq!(tools.calls().len(), 3);
}

#[test]
fn a_status_is_read_once_and_a_set_corrects_it() {
    let (tools, juju) = in_hook();
    juju.set_status(&Status::maintenance("m")).unwrap();
    let juju = next_hook(&tools);
    assert_eq!(juju.status().unwrap(), Status::maintenance("m"));
    assert_eq!(juju.status().unwrap(), Status::maintenance("m"));
    // A word of a Juju to come.
    let dancing = r#"{"application-status":{"message":"","status":"dancing","units":{}}}"#;
    tools.answer_once("status-get", dancing);
    assert_eq!(juju.application_status().unwrap().kind(), StatusKind::Unknown);
    juju.set_status(&Status::active()).unwrap();
    assert_eq!(juju.status().unwrap(), Status::active());
    let expected: [&[&str]; 3] = [
        &["status-get", "--include-data", "--format=json"],
        &["status-get", "--application", "--include-data", "--format=json"],
        &["status-set", "active"],
    ];
    assert_eq!(calls(&tools), expected);
}

#[test]
fn what_only_juju_sets_is_refused_before_a_tool_is_started() {
    let (tools, juju) = in_hook();
    let error = juju.set_status(&Status::new(StatusKind::Error, "")).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid);
    assert!(tools.calls().is_empty());
}

#[test]
fn a_failed_set_is_not_remembered() {
    let (tools, juju) = in_hook_with(|settings| settings.leader(false));
    assert_eq!(
        juju.set_application_status(&Status::active()).unwrap_err().kind(),
        &ErrorKind::NotLeader
    );
    tools.answer_once("status-get", "garbage");
    assert_eq!(juju.application_status().unwrap_err().kind(), &ErrorKind::Output);
}

//! Tests of the calls about the status of the unit and of its application.

use charmwright_juju::{ErrorKind, Status, StatusKind};

use super::{calls, in_hook, in_hook_as_leader, next_hook};

#[test]
fn a_status_is_set_with_its_message_as_free_text() {
    let (agent, hook_tools) = in_hook();
    hook_tools.set_status(&Status::active()).unwrap();
    hook_tools.set_status(&Status::waiting("--help \0 wanted")).unwrap();
    hook_tools.set_application_status(&Status::blocked("ask")).unwrap();
    let expected: [&[&str]; 3] = [
        &["status-set", "active"],
        &["status-set", "waiting", "--", "--help \u{fffd} wanted"],
        &["status-set", "--application", "blocked", "--", "ask"],
    ];
    assert_eq!(calls(&agent), expected);
    assert_eq!(hook_tools.status().unwrap().kind(), StatusKind::Waiting);
    assert_eq!(hook_tools.application_status().unwrap(), Status::blocked("ask"));
    assert_eq!(agent.calls().len(), 3);
}

#[test]
fn a_status_is_cached_and_a_write_replaces_it() {
    let (agent, hook_tools) = in_hook();
    hook_tools.set_status(&Status::maintenance("m")).unwrap();
    let hook_tools = next_hook(&agent);
    assert_eq!(hook_tools.status().unwrap(), Status::maintenance("m"));
    assert_eq!(hook_tools.status().unwrap(), Status::maintenance("m"));
    // A newer Juju may have more kinds of status.
    let dancing = r#"{"application-status":{"message":"","status":"dancing","units":{}}}"#;
    agent.answer_once("status-get", dancing);
    assert_eq!(hook_tools.application_status().unwrap().kind(), StatusKind::Unknown);
    hook_tools.set_status(&Status::active()).unwrap();
    assert_eq!(hook_tools.status().unwrap(), Status::active());
    let expected: [&[&str]; 3] = [
        &["status-get", "--include-data", "--format=json"],
        &["status-get", "--application", "--include-data", "--format=json"],
        &["status-set", "active"],
    ];
    assert_eq!(calls(&agent), expected);
}

#[test]
fn a_status_that_only_juju_sets_is_refused_before_a_tool_is_started() {
    let (agent, hook_tools) = in_hook();
    let error = hook_tools.set_status(&Status::new(StatusKind::Error, "")).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid);
    assert!(agent.calls().is_empty());
}

#[test]
fn a_failed_write_is_not_cached() {
    let (agent, hook_tools) = in_hook_as_leader(false);
    assert_eq!(
        hook_tools.set_application_status(&Status::active()).unwrap_err().kind(),
        &ErrorKind::NotLeader
    );
    agent.answer_once("status-get", "garbage");
    assert_eq!(hook_tools.application_status().unwrap_err().kind(), &ErrorKind::Output);
}

#[test]
fn a_text_that_is_too_long_for_an_argument_has_its_sizes_in_the_error() {
    let (agent, hook_tools) = in_hook();
    let text = "x".repeat(131_072);
    for error in [
        hook_tools.set_status(&Status::blocked(text.as_str())).unwrap_err(),
        hook_tools.set_application_version(&text).unwrap_err(),
        hook_tools.action_fail(&text).unwrap_err(),
    ] {
        let kind = ErrorKind::TooLarge { size: 131_072, limit: 131_071 };
        assert_eq!(error.kind(), &kind, "{}", error.tool().unwrap());
        let said = error.to_string();
        let end = ": an argument is 131072 bytes long (at most 131071)";
        assert!(said.starts_with("cannot ") && said.ends_with(end) && said.len() < 400, "{said}");
    }
    assert!(agent.calls().is_empty());
}

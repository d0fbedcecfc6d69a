//! Tests of the calls whose tools Juju 4 has removed.

use std::collections::BTreeMap;
use std::path::Path;

use charmwright_juju::{ErrorKind, JujuVersion, PayloadStatus};

use super::{calls, in_hook, in_hook_as_leader, in_hook_of};

fn changes(key: &str, value: Option<&str>) -> BTreeMap<String, Option<String>> {
    BTreeMap::from([(key.to_owned(), value.map(str::to_owned))])
}

#[test]
fn the_leader_writes_and_deletes_settings() {
    let (agent, hook_tools) = in_hook();
    assert_eq!(hook_tools.leader_settings().unwrap(), BTreeMap::new());
    hook_tools.set_leader_settings(&changes("-user", Some("a=b"))).unwrap();
    let written = BTreeMap::from([("-user".to_owned(), "a=b".to_owned())]);
    assert_eq!(hook_tools.leader_settings().unwrap(), written);
    hook_tools.set_leader_settings(&changes("-user", None)).unwrap();
    assert_eq!(hook_tools.leader_settings().unwrap(), BTreeMap::new());
    hook_tools.set_leader_settings(&BTreeMap::new()).unwrap();
    let get = &["leader-get", "--format=json"][..];
    let set = |pair| ["leader-set", "--", pair];
    assert_eq!(calls(&agent), [get, &set("-user=a=b"), get, &set("-user="), get]);
}

#[test]
fn settings_that_the_tool_would_read_as_others_are_not_sent() {
    let (agent, hook_tools) = in_hook();
    for (key, value) in [("", Some("v")), ("a=b", Some("v")), ("", None), ("key", Some(""))] {
        let error = hook_tools.set_leader_settings(&changes(key, value)).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid, "{key:?} {value:?}: {error}");
    }
    assert_eq!(calls(&agent), [[""; 0]; 0]);
    let (_, hook_tools) = in_hook_as_leader(false);
    let error = hook_tools.set_leader_settings(&changes("key", Some("v"))).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotLeader, "{error}");
}

#[test]
fn a_payload_is_named_by_class_and_id() {
    let (agent, hook_tools) = in_hook();
    for tool in ["payload-register", "payload-status-set", "payload-unregister"] {
        agent.answer_once(tool, "");
    }
    hook_tools.register_payload("docker", "web", "1", &["tag", "-x"]).unwrap();
    hook_tools.set_payload_status("web", "1", PayloadStatus::Running).unwrap();
    hook_tools.unregister_payload("web", "1").unwrap();
    assert_eq!(
        calls(&agent),
        [
            &["payload-register", "--", "docker", "web", "1", "tag", "-x"][..],
            &["payload-status-set", "--", "web", "1", "running"],
            &["payload-unregister", "--", "web", "1"],
        ]
    );
    let error = hook_tools.register_payload("docker", "web", "", &[]).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid, "{error}");
    let error = hook_tools.set_payload_status("web", "2", PayloadStatus::Stopped).unwrap_err();
    assert!(error.to_string().contains("payload not found"), "{error}");
}

#[test]
fn a_spec_goes_by_standard_input() {
    let (agent, hook_tools) = in_hook();
    for (tool, printed) in [("k8s-spec-get", "version: 3"), ("k8s-raw-get", "kind: Pod")] {
        agent.answer_once(tool, printed);
    }
    assert_eq!(hook_tools.k8s_spec().unwrap(), "version: 3");
    assert_eq!(hook_tools.k8s_raw_spec().unwrap(), "kind: Pod");
    for tool in ["k8s-spec-set", "k8s-raw-set"] {
        agent.answer_once(tool, "");
    }
    hook_tools.set_k8s_spec("version: 3", Some(Path::new("/srv/more.yaml"))).unwrap();
    hook_tools.set_k8s_raw_spec("kind: Pod").unwrap();
    assert_eq!(
        calls(&agent),
        [
            &["k8s-spec-get"][..],
            &["k8s-raw-get"],
            &["k8s-spec-set", "--file", "-", "--k8s-resources", "/srv/more.yaml"],
            &["k8s-raw-set", "--file", "-"],
        ]
    );
    let error = hook_tools.set_k8s_spec("version: 3", Some(Path::new("more.yaml"))).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid, "{error}");
    // The model refuses an empty spec, which Juju reads from standard input.
    let error = hook_tools.set_k8s_raw_spec("").unwrap_err();
    assert!(error.to_string().contains("no k8s raw spec specified"), "{error}");
}

#[test]
fn a_juju_without_these_tools_says_so() {
    let (_, hook_tools) = in_hook_of(JujuVersion::release(4, 0, 15), true);
    for asked in [
        hook_tools.leader_settings().map(drop),
        hook_tools.unregister_payload("web", "1"),
        hook_tools.k8s_spec().map(drop),
        hook_tools.set_k8s_raw_spec("kind: Pod"),
    ] {
        let error = asked.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Unavailable, "{error}");
    }
}

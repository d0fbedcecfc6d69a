//! Tests of the call that lists the unit's storage.

use charmwright_juju::{ErrorKind, StorageKind, StorageName, ToolError};

use super::{calls, exit_error, in_hook};

#[test]
fn the_instances_of_a_storage_are_cached_by_its_name() {
    let (agent, hook_tools) = in_hook();
    let (data, logs): (StorageName, StorageName) =
        ("data".parse().unwrap(), "logs".parse().unwrap());
    agent.fail_once("storage-list", exit_error("ERROR connection is shut down"));
    agent.answer_once("storage-list", r#"["data/10","data/9"]"#);
    let error = hook_tools.storage_ids(&data).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Failed { code: 1 });
    assert!(
        error.to_string().starts_with("cannot list the instances of the storage \"data\": "),
        "{error}"
    );
    for _ in 0..2 {
        let ids = hook_tools.storage_ids(&data).unwrap();
        assert_eq!(ids.iter().map(ToString::to_string).collect::<Vec<_>>(), ["data/9", "data/10"]);
        // The model's unit has no storage.
        assert_eq!(hook_tools.storage_ids(&logs).unwrap(), []);
    }
    assert_eq!(
        calls(&agent),
        [
            ["storage-list", "--format=json", "data"],
            ["storage-list", "--format=json", "data"],
            ["storage-list", "--format=json", "logs"],
        ]
    );
}

#[test]
fn what_is_no_list_of_ids_is_an_error_and_not_quoted() {
    let (agent, hook_tools) = in_hook();
    for output in ["{}", "[1]", r#"["hunter2"]"#, "hunter2"] {
        agent.answer_once("storage-list", output);
        let error = hook_tools.storage_ids(&"data".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Output);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn the_location_of_an_instance_is_read_once() {
    let (agent, hook_tools) = in_hook();
    let data = "data/0".parse().unwrap();
    // In the words of Juju (measured on 3.6 and 4.0).
    let invalid = |text: &str| {
        let stderr = format!("ERROR invalid value \"data/0\" for option -s: {text}");
        ToolError::Exited { code: 2, stderr }
    };
    for (text, kind) in [
        ("storage attachment \"data/0\" on \"web/0\" not provisioned", ErrorKind::NotFound),
        ("storage attachment \"data/0\" on \"web/0\" not found", ErrorKind::Gone),
    ] {
        agent.fail_once("storage-get", invalid(text));
        assert_eq!(hook_tools.storage(&data).unwrap_err().kind(), &kind);
    }
    agent.answer_once("storage-get", r#"{"kind":"filesystem","location":""}"#);
    assert_eq!(hook_tools.storage(&data).unwrap_err().kind(), &ErrorKind::NotFound);
    agent.answer_once("storage-get", "[]");
    assert_eq!(hook_tools.storage(&data).unwrap_err().kind(), &ErrorKind::Output);
    agent.forget_calls();
    agent.answer_once("storage-get", r#"{"kind":"filesystem","location":"/srv/data"}"#);
    for _ in 0..2 {
        let info = hook_tools.storage(&data).unwrap();
        assert_eq!(
            (info.kind(), info.location()),
            (&StorageKind::Filesystem, "/srv/data".as_ref())
        );
    }
    assert_eq!(calls(&agent), [["storage-get", "--format=json", "-s", "data/0"]]);
}

#[test]
fn storage_is_asked_for_by_count() {
    let (agent, hook_tools) = in_hook();
    let data = "data".parse().unwrap();
    let error = hook_tools.add_storage(&data, 0).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid);
    agent.answer_once("storage-add", "");
    hook_tools.add_storage(&data, 3).unwrap();
    assert_eq!(calls(&agent), [["storage-add", "data=3"]]);
}

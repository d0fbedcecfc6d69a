//! Tests of the call that lists the unit's storage.

use charmwright_juju::{ErrorKind, StorageName};

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

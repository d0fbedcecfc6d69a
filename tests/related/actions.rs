//! Actions with typed parameters and nested results.

use charmwright_agent::ActionStatus;
use serde_json::json;

use super::charms::actions::ActionsCharm;
use super::juju::{Juju, assert_all_done};

#[test]
fn an_action_has_typed_parameters_and_nested_results() {
    let mut juju = Juju::new();
    juju.deploy("actions", "actions", 1, || ActionsCharm);
    assert_all_done(&juju.settle());
    for (number, name) in ["monday", "tuesday", "friday"].iter().enumerate() {
        let made = juju.run_action("actions/0", "backup", &[("name", name), ("keep", "2")]);
        assert_eq!(made.status(), ActionStatus::Completed, "{made:?}");
        let expected = json!({
            "backup": {"name": name, "number": (number + 1).to_string()},
            "kept": (number + 1).min(2).to_string(),
        });
        assert_eq!(json!(without_return_code(made.results())), expected);
    }
    let listed = juju.run_action("actions/0", "list-backups", &[]);
    assert_eq!(
        json!(without_return_code(listed.results())),
        json!({"backups": {
            "0": {"name": "tuesday", "number": "2"},
            "1": {"name": "friday", "number": "3"},
        }})
    );
    juju.update_status();
    assert_eq!(juju.status("actions/0"), "active: 2 backups");
}

#[test]
fn an_action_that_is_refused_stores_nothing_and_a_wrong_parameter_is_juju_s_to_refuse() {
    let mut juju = Juju::new();
    juju.deploy("actions", "actions", 1, || ActionsCharm);
    juju.run_action("actions/0", "backup", &[("name", "monday")]);
    let again = juju.run_action("actions/0", "backup", &[("name", "monday")]);
    assert_eq!(again.status(), ActionStatus::Failed);
    assert_eq!(again.message(), "there is a backup \"monday\" already");
    juju.update_status();
    assert_eq!(juju.status("actions/0"), "active: 1 backups");

    let unit = super::juju::name("actions/0");
    for params in [&[("keep", "2")][..], &[("name", "x"), ("keep", "0")], &[("name", "7")]] {
        let params: Vec<_> =
            params.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        juju.with(|model| model.run_action(&unit, "backup", &params)).unwrap_err();
    }
}

/// Returns the results without those that Juju adds.
fn without_return_code(
    results: &serde_json::Map<String, serde_json::Value>,
) -> serde_json::Map<String, serde_json::Value> {
    let own = results
        .iter()
        .filter(|(key, _)| !["return-code", "stdout", "stderr"].contains(&key.as_str()));
    own.map(|(key, value)| (key.clone(), value.clone())).collect()
}

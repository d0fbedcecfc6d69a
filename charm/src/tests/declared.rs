//! These tests compare the four YAML files at the root with the charm's types.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use charmwright::{ActionRequest, Actions as _, Declaration as _};
use serde_json::{Map, Value};

use super::{Action, Declared, WORKLOAD};
use crate::config::Config;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> Value {
    let text = fs::read_to_string(root().join(name)).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_metadata_declares_what_the_charm_handles() {
    let metadata = read("metadata.yaml");
    assert_eq!(metadata["name"], env!("CARGO_PKG_NAME"));
    let declared = Declared::METADATA;
    assert_eq!(metadata["name"], declared.name());
    assert_eq!(keys(&metadata["containers"]), declared.container_names().iter().copied().collect());
    let resource = metadata["containers"][WORKLOAD]["resource"].as_str().unwrap();
    assert_eq!(metadata["resources"][resource]["type"], "oci-image");
}

#[test]
fn each_declared_action_is_read() {
    assert_eq!(keys(&read("actions.yaml")), Action::NAMES.iter().copied().collect());
    for name in Action::NAMES {
        assert!(Action::parse(&ActionRequest::new(*name, Map::new())).is_ok(), "{name}");
    }
}

#[test]
fn every_option_is_read_and_every_default_is_valid() {
    let declared = read("config.yaml");
    let options = declared["options"].as_object().unwrap();
    let mut defaults: Map<String, Value> = options
        .iter()
        .filter_map(|(name, option)| Some((name.clone(), option.get("default")?.clone())))
        .collect();
    let refused =
        serde_json::from_value::<Config>(defaults.clone().into()).unwrap_err().to_string();
    assert!(refused.contains("is empty"), "only the command has no useful default: {refused}");
    defaults.insert("command".to_owned(), "sleep 60".into());
    let unchanged: Config = serde_json::from_value(defaults.clone().into()).unwrap();
    unchanged.validate().unwrap();
    // A value of the declared type that differs from the default has to change what is read, or the
    // option does nothing.
    let read_by_the_library = BTreeSet::from(["pebble-retry-attempts", "pebble-retry-step"]);
    for (name, option) in options {
        assert!(
            option["description"].as_str().is_some_and(|text| !text.trim().is_empty()),
            "{name}"
        );
        if read_by_the_library.contains(name.as_str()) {
            assert!(
                option.get("default").is_none(),
                "{name}: unset has to mean the library's own value"
            );
            continue;
        }
        let other: Value = match (name.as_str(), option["type"].as_str().unwrap()) {
            ("environment", "string") => "{A: b}".into(),
            ("health-check", "string") => "exec:true".into(),
            (_, "string") => "/other".into(),
            (_, "int") => 80.into(),
            (_, other) => panic!("{name}: no option is of type {other}"),
        };
        let mut changed = defaults.clone();
        changed.insert(name.clone(), other);
        assert_ne!(serde_json::from_value::<Config>(changed.into()).unwrap(), unchanged, "{name}");
    }
    assert!(read_by_the_library.iter().all(|name| options.contains_key(*name)));
}

#[test]
fn charmcraft_packs_this_binary_as_dispatch() {
    let charmcraft = read("charmcraft.yaml");
    assert_eq!(charmcraft["type"], "charm");
    let part = &charmcraft["parts"]["charm"];
    assert_eq!(part["plugin"], "rust");
    let path = part["rust-path"][0].as_str().unwrap();
    assert!(root().join(path).join("Cargo.toml").is_file());
    assert_eq!(part["organize"][format!("bin/{}", env!("CARGO_PKG_NAME"))], "dispatch");
    for (file, key) in
        [("metadata.yaml", "name"), ("metadata.yaml", "summary"), ("metadata.yaml", "description")]
    {
        assert!(
            read(file).get(key).is_some() && charmcraft.get(key).is_none(),
            "{key} stands in one place"
        );
    }
    assert!(root().join("Cargo.lock").is_file(), "the rust plugin installs with --locked");
}

#[test]
fn the_checkout_can_be_run_as_a_charm() {
    assert_ne!(fs::metadata(root().join("dispatch")).unwrap().permissions().mode() & 0o100, 0);
    for entry in fs::read_dir(root().join("hooks")).unwrap() {
        let hook = entry.unwrap();
        assert_eq!(
            fs::read_link(hook.path()).unwrap(),
            Path::new("../dispatch"),
            "{:?}",
            hook.file_name()
        );
    }
}

//! A charm that installs a resource when its content has changed.

use std::fs;

use super::charms::resources::Installer;
use super::juju::{Juju, assert_all_done};

#[test]
fn without_a_file_the_unit_is_blocked_with_the_command_that_attaches_one() {
    let mut juju = Juju::new();
    juju.deploy_on_machine("resources", |deployment| deployment, || Installer);
    assert_all_done(&juju.settle());
    assert_eq!(
        juju.status("resources/0"),
        "blocked: attach a resource: juju attach-resource resources plugin=…"
    );
}

#[test]
fn a_plugin_is_installed_once_for_each_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.txt");
    fs::write(&path, "1.0\nthe plugin\n").unwrap();
    let mut juju = Juju::new();
    let text = path.to_str().unwrap().to_owned();
    juju.deploy_on_machine("resources", |it| it.resource("plugin", text), || Installer);
    assert_all_done(&juju.settle());
    assert_eq!(juju.report("resources/0").version, "1.0");
    for _ in 0..2 {
        assert_eq!(juju.status("resources/0"), "active: plugin 1.0, installed 1 times");
        assert_all_done(&juju.update_status());
    }
    // Another content at the same path, as after an attach-resource.
    fs::write(&path, "1.1\nthe plugin\n").unwrap();
    assert_all_done(&juju.update_status());
    assert_eq!(juju.status("resources/0"), "active: plugin 1.1, installed 2 times");
    assert_eq!(juju.report("resources/0").version, "1.1");
    fs::remove_file(&path).unwrap();
    let ran = juju.update_status();
    assert!(!ran[0].finished.committed(), "a file that vanished is an error: {ran:#?}");
}

//! A charm that installs a resource when its content has changed.

use std::fs;

use super::charms::resources::Installer;
use super::juju::{Juju, VERSIONS, assert_all_done, hooks_of};

#[test]
fn without_a_file_the_unit_is_blocked_with_the_command_that_attaches_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.txt");
    fs::write(&path, "0.9\n").unwrap();
    let path = path.to_str().unwrap();
    for version in VERSIONS {
        let mut juju = Juju::of_version(version);
        juju.deploy_with("resources", |deployment| deployment, || Installer);
        assert_all_done(&juju.settle());
        assert_eq!(
            juju.status("resources/0"),
            "blocked: attach a resource: juju attach-resource resources plugin=…"
        );
        juju.with(|model| model.attach_resource("resources", "plugin", path)).unwrap();
        assert_all_done(&juju.settle());
        assert_eq!(juju.status("resources/0"), "active: plugin 0.9, installed 1 times");
    }
}

#[test]
fn a_plugin_is_installed_once_for_each_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.txt");
    fs::write(&path, "1.0\nthe plugin\n").unwrap();
    let mut juju = Juju::new();
    let text = path.to_str().unwrap().to_owned();
    juju.deploy_with("resources", |it| it.resource("plugin", text), || Installer);
    assert_all_done(&juju.settle());
    assert_eq!(juju.report("resources/0").version, "1.0");
    for _ in 0..2 {
        assert_eq!(juju.status("resources/0"), "active: plugin 1.0, installed 1 times");
        assert_all_done(&juju.update_status());
    }
    // Juju sends upgrade-charm for what the operator attaches.
    let newer = folder.path().join("newer.txt");
    for (content, status) in [
        ("1.1\nthe plugin\n", "active: plugin 1.1, installed 2 times"),
        // The same content, at the same path.
        ("1.1\nthe plugin\n", "active: plugin 1.1, installed 2 times"),
        ("1.2\nthe plugin\n", "active: plugin 1.2, installed 3 times"),
    ] {
        fs::write(&newer, content).unwrap();
        let path = newer.to_str().unwrap();
        juju.with(|model| model.attach_resource("resources", "plugin", path)).unwrap();
        let ran = juju.settle();
        assert_all_done(&ran);
        assert_eq!(hooks_of(&ran, "resources/0")[0], "upgrade-charm");
        assert_eq!(juju.status("resources/0"), status);
    }
    assert_eq!(juju.report("resources/0").version, "1.2");
    fs::remove_file(&newer).unwrap();
    let ran = juju.update_status();
    assert!(!ran[0].finished.committed(), "a file that vanished is an error: {ran:#?}");
}

//! These tests run the launcher `dispatch` and the links in `hooks` of the checkout.

use std::path::Path;

use crate::unit::{CHARM, Unit};

#[test]
fn dispatch_and_hooks_of_the_checkout_run_by_hand_and_set_the_status() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = Path::new(CHARM).ancestors().nth(2).unwrap();
    let expected = ["waiting -- waiting for Pebble in \"workload\""];
    let mut unit = Unit::new();
    unit.set("CARGO_TARGET_DIR", target);

    let ran = unit.run_program(&checkout.join("dispatch"));
    ran.assert_ended(0, &[]);
    assert_eq!(ran.statuses(), expected);

    // The launcher takes the hook from the name of its link. `JUJU_HOOK_NAME` may be set as well.
    unit.unset("JUJU_DISPATCH_PATH");
    for named in [false, true] {
        if named {
            unit.set("JUJU_HOOK_NAME", "update-status");
        }
        let ran = unit.run_program(&checkout.join("hooks/update-status"));
        ran.assert_ended(0, &[]);
        assert_eq!(ran.statuses(), expected);
    }

    unit.unset("JUJU_HOOK_NAME");
    unit.run_program(&checkout.join("dispatch"))
        .assert_ended(2, &["cannot tell which event this is"]);
}

#[test]
fn the_launcher_finds_its_checkout_however_it_is_called() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let link = |to: &Path, name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, path).unwrap();
    };
    link(&checkout.join("dispatch"), "dispatch");
    link(Path::new("../dispatch"), "hooks/update-status");
    // `env` stands in for the charm and prints the environment that the launcher gives it.
    link(Path::new("/usr/bin/env"), "target/debug/any-workload-k8s");

    for (dir, program) in [
        ("", "./hooks/update-status"),
        ("", "hooks/update-status"),
        ("hooks", "./update-status"),
        ("hooks", "../hooks/update-status"),
    ] {
        let ran = std::process::Command::new(program)
            .current_dir(folder.path().join(dir))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        let printed = String::from_utf8(ran.stdout).unwrap();
        assert!(
            printed.contains("JUJU_DISPATCH_PATH=hooks/update-status"),
            "{dir} {program}: {printed}{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}

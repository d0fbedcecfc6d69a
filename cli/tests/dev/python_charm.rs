//! Charms in Python on the ops of PyPI, as it is: one with a peer relation and a secret of its own,
//! and one with storage and a resource.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use charmwright_testing::skip_or_fail;

use crate::support::Charm;

const SHOP: [&str; 2] =
    [include_str!("ops_charm/charmcraft.yaml"), include_str!("ops_charm/src/charm.py")];
const NOTES: [&str; 2] = [
    include_str!("ops_storage_charm/charmcraft.yaml"),
    include_str!("ops_storage_charm/src/charm.py"),
];

/// Makes a charm of its declaration and its program. Returns `None` if there is no Python or no
/// ops, and the test is to be skipped.
fn charm(test: &str, [declaration, program]: [&str; 2]) -> Option<Charm> {
    let python = match python_with_ops() {
        Ok(python) => python,
        Err(why) => {
            skip_or_fail(test, &why);
            return None;
        }
    };
    let charm = Charm::new(&[("charmcraft.yaml", declaration), ("src/charm.py", program)]);
    fs::remove_file(charm.dir().join("metadata.yaml")).unwrap();
    // As charmcraft writes it, but for the environment in which ops is.
    let python = python.display();
    charm.write("dispatch", &format!("#!/bin/sh\nexec {python} ./src/charm.py\n"));
    Some(charm)
}

/// Returns the Python of a virtual environment with the ops of the benchmarks, which is made once
/// in Cargo's target folder, from PyPI.
///
/// # Errors
/// Says which step has failed, with what it printed.
fn python_with_ops() -> Result<PathBuf, String> {
    let requirements =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/common/requirements.txt");
    let wanted = fs::read_to_string(&requirements).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ops");
    fs::create_dir_all(&folder).unwrap();
    // Another test, or another run of the tests, may be making it.
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let (venv, stamp) = (folder.join("venv"), folder.join("installed.txt"));
    let python = venv.join("bin/python");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    // On the first run there is nothing to remove.
    let _old = fs::remove_dir_all(&venv);
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(&python).args(install).arg(&requirements))?;
    // The last step: an installation that was interrupted has no stamp and is made again.
    fs::write(stamp, wanted).unwrap();
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} has failed: {}\n{printed}", output.status))
}

#[test]
fn a_charm_on_ops_with_peers_and_a_secret_becomes_active() {
    let test = "a_charm_on_ops_with_peers_and_a_secret_becomes_active";
    let Some(charm) = charm(test, SHOP) else { return };
    let script = "wait-for active\n\
                  expect active 'admin one-, cookie chocolate, shop-0, 1 planned'\n\
                  add-peer\nremote shop/1 ring hostname=other\n\
                  expect active 'one-, cookie chocolate, other shop-0, 2 planned'\n\
                  run rotate-password\nexpect-action completed\n\
                  expect active 'admin two-, cookie chocolate'\n\
                  status\nremote shop ring\ndepart shop/1\n\
                  expect active 'shop-0, 1 planned'\n";
    for juju in ["3.6.28", "4.0.15"] {
        let run = charm.run(&["--speed", "100", "--juju", juju], script).exits(0);
        assert_eq!(run.stdout.matches("secret-add").count(), 1, "made once: {}", run.stdout);
        run.says("ring      0   shop  shop_ring  joined  shop/1")
            .says("admin  shop   2         2")
            .says("shop wrote cookie=chocolate")
            .says("shop/0 wrote hostname=shop-0");
    }
}

#[test]
fn a_unit_on_ops_waits_for_its_leader() {
    let Some(charm) = charm("a_unit_on_ops_waits_for_its_leader", SHOP) else { return };
    let script = "expect waiting 'for the leader'\nleader yes\nexpect active 'admin one-'\n";
    charm.run(&["--speed", "100", "--leader", "no"], script).exits(0);
}

#[test]
fn a_charm_on_ops_uses_storage_and_a_resource() {
    let test = "a_charm_on_ops_uses_storage_and_a_resource";
    let Some(charm) = charm(test, NOTES) else { return };
    let files = ["one", "two"].map(|name| {
        let path = charm.out().join(format!("{name}.txt"));
        fs::write(&path, name).unwrap();
        path.display().to_string()
    });
    let script = format!(
        "expect active 'plugin one, data/0, caches none'\n\
         attach-storage cache\nexpect active 'data/0, caches cache/1'\n\
         run add-cache\nexpect-action completed\nexpect active 'caches cache/1 cache/2'\n\
         detach-storage cache/1\nexpect maintenance 'leaves cache/1'\n\
         attach-storage cache/1\nexpect active 'caches cache/1 cache/2'\n\
         attach-resource plugin={}\nexpect active 'plugin two'\n",
        files[1]
    );
    let resource = format!("plugin={}", files[0]);
    for juju in ["3.6.28", "4.0.15"] {
        let options = ["--speed", "100", "--juju", juju, "--resource", &resource];
        charm.run(&options, &script).exits(0).says("storage-add");
    }
}

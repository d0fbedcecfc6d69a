//! The scripts that the READMEs show, run with an example charm.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::charms::{build_charms, checkout, target_folders};

/// Returns the first block of code behind `marker` in a file of the checkout.
fn block_behind(file: &str, marker: &str) -> String {
    let text = fs::read_to_string(checkout().join(file)).unwrap();
    let (_, behind) = text.split_once(marker).unwrap();
    let (_, block) = behind.split_once("```text\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

/// Runs `charmwright dev` with this example and this script, and checks that every line succeeds.
fn run(example: &str, script: &str) {
    build_charms();
    let folder = tempfile::tempdir().unwrap();
    let declaration = checkout().join("examples").join(example).join("charmcraft.yaml");
    fs::copy(declaration, folder.path().join("charmcraft.yaml")).unwrap();
    let program = target_folders().1.join("examples").join(example);
    fs::copy(program, folder.path().join("dispatch")).unwrap();
    let mut dev = Command::new(env!("CARGO_BIN_EXE_charmwright"))
        .arg("dev")
        .arg(folder.path())
        .args(["--speed", "100"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    dev.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let ended = dev.wait_with_output().unwrap();
    let printed = [ended.stdout, ended.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    assert!(ended.status.success(), "{printed}");
    for line in script.lines() {
        let command = line.split_whitespace().next().unwrap();
        assert!(printed.contains(&format!("> {command}")), "no {line} in {printed}");
    }
    for secret in ["s3cret", "n3w"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn the_scripts_of_the_readmes_run_as_they_are() {
    run("database_requirer", &block_behind("README.md", "`cargo dev examples/NAME`"));
    run("database_requirer", &block_behind("cli/README.md", "as\ndatabase providers grant it:"));
}

//! This repository's own charm: finding the checkout, building the charm, and laying it out as Juju would unpack it.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::error::{Error, Result};

/// The package and program of the charm in this repository.
const PACKAGE: &str = "any-workload-k8s";
/// What Juju reads of a packed charm beside its program.
const DECLARATIONS: [&str; 3] = ["metadata.yaml", "config.yaml", "actions.yaml"];

/// The checkout that holds `from`: the nearest folder upwards with the charm's sources and its metadata in it.
pub fn find_checkout(from: &Path) -> Option<PathBuf> {
    from.ancestors().find(|dir| is_checkout(dir)).map(Path::to_owned)
}

/// Whether `dir` is the top of a checkout of this repository.
pub fn is_checkout(dir: &Path) -> bool {
    let manifest = fs::read_to_string(dir.join("charm/Cargo.toml")).unwrap_or_default();
    dir.join("metadata.yaml").is_file()
        && manifest
            .lines()
            .any(|line| line.trim() == format!("name = \"{PACKAGE}\""))
}

/// Builds the charm in `checkout` and lays it out in `staged`: the declarations, and the program as `dispatch`.
///
/// Cargo's own progress goes to standard error. Blocks until the build is done.
///
/// # Errors
/// When Cargo is not there, the build fails, or a file cannot be laid out.
pub fn build(checkout: &Path, staged: &Path) -> Result<()> {
    let failed = || Error::new(format!("cannot build {PACKAGE} in {}", checkout.display()));
    // Cargo names itself to what it runs; `charmwright dev` started by hand takes the one on PATH.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        // Our own package is only named so that Cargo resolves features as it did for this program: else it builds the dependencies twice.
        .args([
            "build",
            "--package",
            PACKAGE,
            "--package",
            env!("CARGO_PKG_NAME"),
            "--bin",
            PACKAGE,
        ])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(checkout)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| failed().because(e).advice("install Rust from https://rustup.rs"))?;
    if !output.status.success() {
        return Err(failed().because("cargo build failed").advice("its messages are above"));
    }
    let program =
        built_program(&output.stdout).ok_or_else(|| failed().because("cargo named no program that it built"))?;
    stage(checkout, &program, staged)
}

/// The program that Cargo says it made, among its messages.
fn built_program(messages: &[u8]) -> Option<PathBuf> {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|message| {
            let target = message.get("target")?;
            (target.get("name")?.as_str()? == PACKAGE).then_some(())?;
            message.get("executable")?.as_str().map(PathBuf::from)
        })
}

fn stage(checkout: &Path, program: &Path, staged: &Path) -> Result<()> {
    let failed = |what: &Path| Error::new(format!("cannot lay out the charm: {}", what.display()));
    fs::create_dir_all(staged).map_err(|e| failed(staged).because(e))?;
    for name in DECLARATIONS {
        let from = checkout.join(name);
        if from.exists() {
            fs::copy(&from, staged.join(name)).map_err(|e| failed(&from).because(e))?;
        }
    }
    let dispatch = staged.join("dispatch");
    let _ = fs::remove_file(&dispatch);
    symlink(program, &dispatch).map_err(|e| failed(&dispatch).because(e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_is_found_from_within() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let top = find_checkout(&here.join("src/dev")).unwrap();
        assert_eq!(Some(top.as_path()), here.parent());
        assert_eq!(find_checkout(Path::new("/")), None);
    }

    #[test]
    fn the_program_is_the_one_cargo_names() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"any-workload-k8s"},"executable":"/t/debug/any-workload-k8s"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            built_program(messages),
            Some(PathBuf::from("/t/debug/any-workload-k8s"))
        );
        assert_eq!(built_program(b"nonsense\n{}"), None);
    }
}

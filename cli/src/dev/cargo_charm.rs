//! A charm that Cargo builds: choosing the program of the project that is the charm's, and building
//! it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::error::{Error, Result};

/// The program of a Cargo project that is the charm's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The only program of the project.
    Only,
    /// The program of this name, which charmcraft.yaml makes the charm's `dispatch`.
    Named(String),
    /// The example of this name.
    Example(String),
}

/// A program that a package of the project builds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    package: String,
    name: String,
}

/// Builds the charm's program in the Cargo project `dir` and returns its path.
///
/// Cargo prints its progress on standard error. Blocks until the build is done.
///
/// # Errors
/// Fails if Cargo is not installed, if the project has no such program or several, or if the build
/// fails.
pub fn build(dir: &Path, wanted: &Wanted) -> Result<PathBuf> {
    let failed = || Error::new(format!("cannot build the charm in {}", dir.display()));
    let metadata = cargo(dir, &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Value =
        serde_json::from_slice(&metadata).map_err(|error| failed().because(error))?;
    let (kind, option) = match wanted {
        Wanted::Example(_) => ("example", "--example"),
        Wanted::Only | Wanted::Named(_) => ("bin", "--bin"),
    };
    let programs = programs(&metadata, kind);
    let program = choose(&programs, wanted).map_err(|why| {
        failed().because(why).advice(
            "name it in charmcraft.yaml, as the part's `organize: {bin/NAME: dispatch}`, or give \
             the charm a `dispatch`",
        )
    })?;
    let mut args = vec!["build", "--package", &program.package];
    // Our own package is only named so that Cargo resolves features as for this program. Without it
    // Cargo would build the dependencies a second time.
    if packages(&metadata).any(|package| package == env!("CARGO_PKG_NAME")) {
        args.extend(["--package", env!("CARGO_PKG_NAME")]);
    }
    args.extend([option, &program.name, "--message-format", "json-render-diagnostics"]);
    let messages = cargo(dir, &args)?;
    built_program(&messages, &program.name)
        .ok_or_else(|| failed().because("cargo named no program that it built"))
}

/// Runs Cargo until it ends, and returns its standard output.
fn cargo(dir: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let failed = || Error::new(format!("cannot build the charm in {}", dir.display()));
    // Cargo sets CARGO for the programs that it runs. A `charmwright dev` that was started by hand
    // takes the `cargo` on PATH.
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .args(args)
        .current_dir(dir)
        // Standard input holds the commands of the session, which Cargo must not read.
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed().because(error).advice("install Rust from https://rustup.rs"))?;
    if !output.status.success() {
        let command = args.first().copied().unwrap_or_default();
        return Err(failed()
            .because(format!("cargo {command} failed"))
            .advice("its messages are above"));
    }
    Ok(output.stdout)
}

/// Returns the names of the packages of the project.
fn packages(metadata: &Value) -> impl Iterator<Item = &str> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    packages.into_iter().flatten().filter_map(|package| package.get("name")?.as_str())
}

/// Returns every program of the project of this kind, `bin` or `example`, from the output of `cargo
/// metadata`.
fn programs(metadata: &Value, wanted: &str) -> Vec<Program> {
    let list = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let text = |value: &Value, key: &str| {
        value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let mut programs = Vec::new();
    for package in list(metadata, "packages") {
        for target in list(&package, "targets") {
            if list(&target, "kind").iter().any(|kind| kind == wanted) {
                programs
                    .push(Program { package: text(&package, "name"), name: text(&target, "name") });
            }
        }
    }
    programs
}

/// Returns the program that is the charm's, or the reason why none is.
fn choose<'a>(
    programs: &'a [Program],
    wanted: &Wanted,
) -> std::result::Result<&'a Program, String> {
    let names: Vec<&str> = programs.iter().map(|program| program.name.as_str()).collect();
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    match (wanted, programs) {
        (Wanted::Example(wanted), _) => {
            let found = programs.iter().find(|program| program.name == *wanted);
            found.ok_or_else(|| format!("the project has no example {wanted:?}: it has {known}"))
        }
        (Wanted::Named(wanted), _) => {
            programs.iter().find(|program| program.name == *wanted).ok_or_else(|| {
                format!(
                    "charmcraft.yaml makes the program {wanted:?} its dispatch, and the project \
                     has {known}"
                )
            })
        }
        (Wanted::Only, [program]) => Ok(program),
        (Wanted::Only, _) => {
            Err(format!("one of its programs has to be the charm's, and it has {known}"))
        }
    }
}

/// Returns the path of the program that Cargo built, from its JSON messages.
fn built_program(messages: &[u8], name: &str) -> Option<PathBuf> {
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|message| {
            let target = message.get("target")?;
            (target.get("name")?.as_str()? == name).then_some(())?;
            message.get("executable")?.as_str().map(PathBuf::from)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_one_cargo_names() {
        let messages =
            br#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"web"},"executable":"/t/debug/web"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(built_program(messages, "web"), Some(PathBuf::from("/t/debug/web")));
        assert_eq!(built_program(b"nonsense\n{}", "web"), None);
    }

    #[test]
    fn the_charms_program_is_the_named_one_or_the_only_one() {
        let metadata = serde_json::json!({"packages": [
            {
                "name": "lib",
                "targets": [
                    {"kind": ["lib"], "name": "lib"}, {"kind": ["example"], "name": "peers"}
                ]
            },
            {
                "name": "web",
                "targets": [{"kind": ["bin"], "name": "web"}, {"kind": ["test"], "name": "t"}]
            },
        ]});
        let one = programs(&metadata, "bin");
        let named = |name: &str| Wanted::Named(name.to_owned());
        assert_eq!(choose(&one, &Wanted::Only).unwrap().package, "web");
        assert_eq!(choose(&one, &named("web")).unwrap().name, "web");
        assert!(choose(&one, &named("db")).unwrap_err().contains("the project has web"));
        let two = [one.clone(), one].concat();
        assert!(choose(&two, &Wanted::Only).unwrap_err().contains("it has web, web"));
        assert!(choose(&[], &Wanted::Only).unwrap_err().contains("it has none"));
        let examples = programs(&metadata, "example");
        let example = |name: &str| Wanted::Example(name.to_owned());
        assert_eq!(choose(&examples, &example("peers")).unwrap().package, "lib");
        assert!(choose(&examples, &example("web")).unwrap_err().contains("it has peers"));
        assert_eq!(packages(&metadata).collect::<Vec<_>>(), ["lib", "web"]);
    }
}

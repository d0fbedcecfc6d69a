//! This module builds the programs of the benchmark.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use charmwright_agent::tool_names;

use crate::agent::juju_version;
use crate::case::Case;
use crate::common::launch::Launcher;
use crate::common::setup::{build_folder, compile, python_with_ops, run_to_end};
use crate::common::{self, Failure, print_progress};
use crate::recording::Recording;

/// The programs hold the paths of all that was built.
pub(crate) struct Programs {
    /// The folder of what this benchmark builds.
    pub(crate) build_folder: PathBuf,
    /// The executables of the Rust charms, by the names of their packages.
    hooks: BTreeMap<&'static str, PathBuf>,
    /// The launcher that measures one run.
    pub(crate) launcher: Launcher,
    /// The folder of the hook tools.
    pub(crate) tools: PathBuf,
    /// The Python that has ops.
    pub(crate) python: PathBuf,
}

impl Programs {
    /// Builds everything but the floors, which need a recording. `hook` replaces the released
    /// charm of all cases.
    pub(crate) fn build(cases: &[Case], hook: Option<&Path>) -> Result<Self, Failure> {
        let build_folder = build_folder()?;
        let tools = build_folder.join("tools");
        fs::create_dir_all(&tools)?;
        let hooks = match hook {
            Some(hook) => cases.iter().map(|case| (case.package, hook.to_path_buf())).collect(),
            None => release_charms(cases)?,
        };
        let launcher = Launcher::build(&build_folder)?;
        compile(&source_folder().join("hook-tool.c"), &build_folder.join("hook-tool"), &[])?;
        for tool in tool_names(&juju_version()) {
            let link = tools.join(tool);
            // An old link would keep the program of an earlier build. The first run finds none.
            let _old = fs::remove_file(&link);
            fs::hard_link(build_folder.join("hook-tool"), &link)?;
        }
        let python = python_with_ops(&build_folder)?;
        Ok(Self { hooks, launcher, tools, python, build_folder })
    }

    /// Returns the executable of the Rust charm of a case.
    pub(crate) fn hook(&self, case: &Case) -> Result<&Path, Failure> {
        let hook = self.hooks.get(case.package).map(PathBuf::as_path);
        hook.ok_or_else(|| format!("there is no executable of {}", case.package).into())
    }

    /// Compiles the floor program of one event from its recording.
    pub(crate) fn floor(
        &self,
        case: &Case,
        event: &str,
        recording: &Recording,
    ) -> Result<PathBuf, Failure> {
        let folder = self.build_folder.join("floor").join(case.package).join(event);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("plan.h"), recording.to_c_table(case.containers))?;
        let program = folder.join("floor");
        compile(
            &source_folder().join("floor.c"),
            &program,
            &["-I".to_owned(), folder.display().to_string()],
        )?;
        Ok(program)
    }
}

/// Returns the folder with the sources of this benchmark.
pub(crate) fn source_folder() -> PathBuf {
    common::setup::source_folder("dispatch")
}

/// Builds the charms as they are released, with the alias `charm-release`, and returns their
/// executables by the names of their packages.
///
/// Cargo's own messages name the path, which depends on the target and on the user's configuration.
fn release_charms(cases: &[Case]) -> Result<BTreeMap<&'static str, PathBuf>, Failure> {
    print_progress("building the charms as they are released (cargo charm-release)");
    let messages = run_to_end(
        Command::new(env!("CARGO"))
            .args(["charm-release", "--message-format=json-render-diagnostics"])
            .args(cases.iter().map(|case| format!("--package={}", case.package)))
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    )?;
    let mut hooks = BTreeMap::new();
    for line in messages.lines() {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let name = message.pointer("/target/name").and_then(serde_json::Value::as_str);
        let executable = message.get("executable").and_then(serde_json::Value::as_str);
        let case = cases.iter().find(|case| Some(case.package) == name);
        if let (Some(case), Some(executable)) = (case, executable) {
            hooks.insert(case.package, PathBuf::from(executable));
        }
    }
    match cases.iter().find(|case| !hooks.contains_key(case.package)) {
        Some(case) => {
            Err(format!("cargo charm-release has built no executable {}", case.package).into())
        }
        None => Ok(hooks),
    }
}

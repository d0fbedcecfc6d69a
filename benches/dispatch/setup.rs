//! This module builds the programs of the benchmark.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::launch::Launcher;
use crate::common::setup::{build_folder, compile, python_with_ops, run_to_end};
use crate::common::{self, Failure, print_progress};
use crate::recording::Recording;

/// The hook tools that any of the three programs calls. One folder has a link for each.
const TOOLS: [&str; 14] = [
    "application-version-set",
    "close-port",
    "config-get",
    "is-leader",
    "juju-log",
    "open-port",
    "opened-ports",
    "relation-ids",
    "state-delete",
    "state-get",
    "state-set",
    "status-get",
    "status-set",
    "goal-state",
];

/// The programs hold the paths of all that was built.
pub(crate) struct Programs {
    /// The folder of what this benchmark builds.
    pub(crate) build_folder: PathBuf,
    /// The Rust charm's executable.
    pub(crate) hook: PathBuf,
    /// The launcher that measures one run.
    pub(crate) launcher: Launcher,
    /// The folder of the hook tools.
    pub(crate) tools: PathBuf,
    /// The Python that has ops.
    pub(crate) python: PathBuf,
}

impl Programs {
    /// Builds everything but the floors, which need a recording. `hook` replaces the released
    /// charm.
    pub(crate) fn build(hook: Option<&Path>) -> Result<Self, Failure> {
        let build_folder = build_folder()?;
        let tools = build_folder.join("tools");
        fs::create_dir_all(&tools)?;
        let hook = match hook {
            Some(hook) => hook.to_path_buf(),
            None => release_charm()?,
        };
        let launcher = Launcher::build(&build_folder)?;
        compile(&source_folder().join("hook-tool.c"), &build_folder.join("hook-tool"), &[])?;
        for tool in TOOLS {
            let link = tools.join(tool);
            // An old link would keep the program of an earlier build. The first run finds none.
            let _old = fs::remove_file(&link);
            fs::hard_link(build_folder.join("hook-tool"), &link)?;
        }
        let python = python_with_ops(&build_folder)?;
        Ok(Self { hook, launcher, tools, python, build_folder })
    }

    /// Compiles the floor program of one event from its recording.
    pub(crate) fn floor(&self, event: &str, recording: &Recording) -> Result<PathBuf, Failure> {
        let folder = self.build_folder.join("floor").join(event);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("plan.h"), recording.to_c_table())?;
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

/// Builds the charm as it is released, with the alias `charm-release`, and returns its executable.
///
/// Cargo's own messages name the path, which depends on the target and on the user's configuration.
fn release_charm() -> Result<PathBuf, Failure> {
    print_progress("building the charm as it is released (cargo charm-release)");
    let messages = run_to_end(
        Command::new(env!("CARGO"))
            .args(["charm-release", "--message-format=json-render-diagnostics"])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    )?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| {
            message.pointer("/target/name").is_some_and(|name| name == "any-workload-k8s")
        })
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo charm-release has built no executable any-workload-k8s".into())
}

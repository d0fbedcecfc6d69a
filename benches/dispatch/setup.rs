//! What has to be built before anything can be measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::launch::Launcher;
use crate::common::setup::{compile, home, output, python};
use crate::common::{self, Failure, say};
use crate::record::Recording;

/// Every hook tool that any of the three calls; a link for each lies in one folder.
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

/// The programs of the benchmark, built.
pub(crate) struct Programs {
    /// Where all of it lies.
    pub(crate) home: PathBuf,
    /// The Rust charm's executable.
    pub(crate) hook: PathBuf,
    /// What measures one run.
    pub(crate) launcher: Launcher,
    /// The folder of the hook tools.
    pub(crate) tools: PathBuf,
    /// The Python that has ops.
    pub(crate) python: PathBuf,
}

impl Programs {
    pub(crate) fn build(hook: Option<&Path>) -> Result<Self, Failure> {
        let home = home()?;
        let tools = home.join("tools");
        fs::create_dir_all(&tools)?;
        let hook = match hook {
            Some(hook) => hook.to_path_buf(),
            None => release_charm()?,
        };
        let launcher = Launcher::build(&home)?;
        compile(&sources().join("hook-tool.c"), &home.join("hook-tool"), &[])?;
        for tool in TOOLS {
            let link = tools.join(tool);
            let _old = fs::remove_file(&link);
            fs::hard_link(home.join("hook-tool"), &link)?;
        }
        let python = python(&home)?;
        Ok(Self { hook, launcher, tools, python, home })
    }

    /// The floor program for one event.
    pub(crate) fn floor(&self, event: &str, recording: &Recording) -> Result<PathBuf, Failure> {
        let folder = self.home.join("floor").join(event);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("plan.h"), recording.as_c())?;
        let program = folder.join("floor");
        compile(
            &sources().join("floor.c"),
            &program,
            &["-I".to_owned(), folder.display().to_string()],
        )?;
        Ok(program)
    }
}

/// The folder of the benchmark's own sources.
pub(crate) fn sources() -> PathBuf {
    common::setup::sources("dispatch")
}

/// The charm as it is released: the alias `charm-release` says how, and where it puts it is asked
/// of cargo itself.
fn release_charm() -> Result<PathBuf, Failure> {
    say("building the charm as it is released (cargo charm-release)");
    let said = output(
        Command::new(env!("CARGO"))
            .args(["charm-release", "--message-format=json-render-diagnostics"])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    )?;
    said.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| {
            message.pointer("/target/name").is_some_and(|name| name == "any-workload-k8s")
        })
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo charm-release has built no executable any-workload-k8s".into())
}

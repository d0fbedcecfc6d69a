//! A unit agent that does what these tests need: it runs hooks and records the calls of hook tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use charmwright_testing::ToolScripts;

/// The environment variable with the name of a charm that makes this program run that charm.
pub const CHILD: &str = "CHARM_PROCESS_CHILD";

/// The agent of one unit.
pub struct Agent {
    charm: &'static str,
    folder: tempfile::TempDir,
    /// The hook tools, shell scripts that record their calls.
    pub tools: ToolScripts,
}

/// The result of a hook.
#[derive(Debug)]
pub struct Ran {
    /// The exit code, or `None` if a signal has ended the process.
    pub code: Option<i32>,
    /// The text on standard output.
    pub out: String,
    /// The text on standard error.
    pub err: String,
    /// The hook tools that it called, each with its arguments.
    pub tools: Vec<String>,
}

impl Agent {
    /// Makes the agent of a unit of this charm that has no options and no state.
    pub fn new(charm: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = ToolScripts::new(folder.path()).unwrap();
        for (tool, answer) in [
            ("state-get", "echo null"),
            ("config-get", "echo '{}'"),
            ("state-set", "cat > /dev/null"),
            ("status-set", ""),
            ("juju-log", ""),
            ("action-fail", ""),
        ] {
            tools.put(tool, answer).unwrap();
        }
        Self { charm, folder, tools }
    }

    /// Returns a path in the folder, in which hooks run.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the charm with these environment variables and no others of the caller's.
    pub fn run(&self, variables: &[(&str, &str)]) -> Ran {
        self.run_as(&std::env::current_exe().unwrap(), variables)
    }

    /// Runs the charm by another path of this program, such as a link with the name of a hook.
    pub fn run_as(&self, program: &Path, variables: &[(&str, &str)]) -> Ran {
        self.tools.forget_calls().unwrap();
        let output = Command::new(program)
            .env_clear()
            .env(CHILD, self.charm)
            .env("PATH", format!("{}:/usr/bin:/bin", self.tools.folder().display()))
            .envs(variables.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            tools: self.tools.calls(),
        }
    }
}

impl Ran {
    /// Returns `true` if this tool was called.
    pub fn called(&self, tool: &str) -> bool {
        self.tools.iter().any(|call| call.split(' ').next() == Some(tool))
    }
}

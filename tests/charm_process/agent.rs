//! The unit agent of one charm, as far as these tests need it.

use std::path::{Path, PathBuf};
use std::process::Command;

use charmwright_testing::ToolScripts;

/// The variable that makes this program the charm that it names.
pub const CHILD: &str = "CHARM_PROCESS_CHILD";

/// A folder with hook tools that write down how they were called.
pub struct Agent {
    charm: &'static str,
    folder: tempfile::TempDir,
    pub tools: ToolScripts,
}

/// How a hook ended, what it printed, and the tools that it called, each with its arguments.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
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

    /// Runs the charm to its end.
    pub fn run(&self, variables: &[(&str, &str)]) -> Ran {
        self.run_as(&std::env::current_exe().unwrap(), variables)
    }

    /// Does the same by another path of this program.
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

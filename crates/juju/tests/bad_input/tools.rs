//! A folder of hook tools that are shell scripts, and the runner that starts them.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use charmwright_juju::{HookTools, ProcessRunner, ToolCall, ToolError, ToolRunner};
use tempfile::TempDir;

/// The deadline of a tool that never ends.
const SHORT: Duration = Duration::from_millis(100);

/// Hook tools of one test.
pub(crate) struct Tools {
    folder: TempDir,
    private: TempDir,
}

impl Tools {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), private: tempfile::tempdir().unwrap() }
    }

    /// Adds a script, which no tool is yet. Another process writes the file: if this one had it
    /// open for writing while another test starts a process, the kernel would refuse to execute it
    /// (`ETXTBSY`).
    pub(crate) fn add_script(&self, name: &str, script: &str) {
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
            .arg(self.folder.path().join(name))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let script = format!("#!/bin/sh\n{script}\n");
        writer.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        assert!(writer.wait().unwrap().success());
    }

    /// Makes a tool run the script of this name, or one that is not there.
    pub(crate) fn set(&self, tool: &str, script: &str) {
        self.remove(tool);
        symlink(self.folder.path().join(script), self.folder.path().join(tool)).unwrap();
    }

    /// Removes a tool, so that it is missing.
    pub(crate) fn remove(&self, tool: &str) {
        match fs::remove_file(self.folder.path().join(tool)) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        }
    }

    /// Returns the typed calls of a hook. `hanging` is the tool that never ends, if there is one.
    pub(crate) fn hook_tools(&self, hanging: Option<&'static str>) -> HookTools {
        let runner = |limit| ProcessRunner::new().path(self.folder.path()).deadline(limit);
        let runner =
            Runner { hanging, short: runner(SHORT), long: runner(Duration::from_secs(300)) };
        HookTools::new(Box::new(runner)).secret_folder(self.private.path())
    }

    /// Checks that no file with the content of a secret is left.
    pub(crate) fn check_private_folder(&self, case: &str) {
        assert_eq!(count(self.private.path()), 0, "{case}: a private file is left");
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

/// A runner with a short deadline for the one tool that never ends: a short deadline for all would
/// kill a tool that is only slow on a busy machine.
struct Runner {
    hanging: Option<&'static str>,
    short: ProcessRunner,
    long: ProcessRunner,
}

impl ToolRunner for Runner {
    fn run(&self, call: &ToolCall<'_>) -> Result<Vec<u8>, ToolError> {
        let runner = if self.hanging == Some(call.tool) { &self.short } else { &self.long };
        runner.run(call)
    }
}

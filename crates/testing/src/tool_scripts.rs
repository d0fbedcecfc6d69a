//! Hook tools that are shell scripts, for a charm that runs as a process.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::Error;

/// A folder with hook tools, to be put on the `PATH` of a charm.
///
/// Each tool is a shell script that records its call and then runs the commands that the test gave
/// it. It is for tests of what only processes have: streams, exit codes, signals and the `PATH`.
/// `charmwright_agent::InProcessTools` is the better choice for a test of what a tool answers under
/// Juju.
///
/// ```no_run
/// use charmwright_testing::ToolScripts;
///
/// # fn main() -> Result<(), charmwright_testing::Error> {
/// # let folder = std::env::temp_dir();
/// let tools = ToolScripts::new(&folder)?;
/// tools.put("config-get", "echo '{}'")?;
/// tools.put("status-set", "echo 'ERROR no' >&2; exit 1")?;
/// // … start the charm with tools.folder() in its PATH …
/// assert_eq!(tools.calls(), ["config-get --format=json", "status-set active"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ToolScripts {
    tools: PathBuf,
    calls: PathBuf,
}

impl ToolScripts {
    /// Makes the empty folder `tools` in this folder. The scripts record their calls in the file
    /// `calls` beside it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the folder cannot be made, or exists already.
    pub fn new(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let tools = folder.join("tools");
        fs::create_dir(&tools)
            .map_err(Error::io(format!("cannot make the folder {}", tools.display())))?;
        Ok(Self { tools, calls: folder.join("calls") })
    }

    /// Returns the folder of the tools, for a `PATH`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.tools
    }

    /// Makes a tool that records its call and then runs this script. A tool of this name is
    /// replaced.
    ///
    /// Another process writes the file. If this process had it open for writing while another
    /// thread started a process, that process would hold it open for a moment, and executing it
    /// would fail with `ETXTBSY`.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be written.
    pub fn put(&self, name: &str, script: &str) -> Result<(), Error> {
        let path = self.tools.join(name);
        // The path stands in single quotes in the script.
        let calls = self.calls.display().to_string().replace('\'', "'\\''");
        let script = format!("#!/bin/sh\necho \"{name} $*\" >> '{calls}'\n{script}\n");
        write_program(&path, script.as_bytes())
            .map_err(Error::io(format!("cannot write the hook tool {}", path.display())))
    }

    /// Removes a tool.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if there is no such tool, or it cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.tools.join(name);
        fs::remove_file(&path)
            .map_err(Error::io(format!("cannot remove the hook tool {}", path.display())))
    }

    /// Returns the calls since [`ToolScripts::forget_calls`], oldest first.
    ///
    /// A call is the name of the tool and its arguments with a space before each. An argument of
    /// several lines makes as many entries.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        // There is no file before the first call.
        let recorded = fs::read(&self.calls).unwrap_or_default();
        String::from_utf8_lossy(&recorded).lines().map(str::to_owned).collect()
    }

    /// Forgets the calls so far.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the file of the calls cannot be removed.
    pub fn forget_calls(&self) -> Result<(), Error> {
        match fs::remove_file(&self.calls) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io(format!(
                "cannot remove the calls in {}",
                self.calls.display()
            ))(error)),
            _ => Ok(()),
        }
    }
}

/// Writes an executable file by a shell, and not by this process: see [`ToolScripts::put`].
fn write_program(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut writer = Command::new("/bin/sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let written = writer.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(content));
    // The exit code comes first. If the shell cannot write the file, the write to the pipe fails as
    // well, with an error that says less.
    if writer.wait()?.success() {
        written
    } else {
        Err(io::Error::other("the shell that was to write it failed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn a_tool_notes_its_call_and_does_what_it_is_for() {
        let folder = tempfile::Builder::new().prefix("it's").tempdir().unwrap();
        let tools = ToolScripts::new(folder.path()).unwrap();
        tools.put("status-set", "cat; exit 3").unwrap();
        let run =
            || Command::new(tools.folder().join("status-set")).args(["active", "-x"]).output();
        assert_eq!(run().unwrap().status.code(), Some(3));
        tools.put("status-set", "echo done").unwrap();
        assert_eq!(run().unwrap().stdout, b"done\n");
        assert_eq!(tools.calls(), ["status-set active -x", "status-set active -x"]);
        tools.forget_calls().unwrap();
        tools.forget_calls().unwrap();
        assert!(tools.calls().is_empty());
        tools.remove("status-set").unwrap();
        assert_eq!(run().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(tools.remove("status-set").unwrap_err().kind(), ErrorKind::Io);
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let tools = ToolScripts::new(folder.path()).unwrap();
        let error = tools.put("no/such/folder", "").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().starts_with("cannot write the hook tool "), "{error}");
        let error = ToolScripts::new(folder.path()).unwrap_err();
        assert!(error.to_string().starts_with("cannot make the folder "), "{error}");
    }
}

//! Hook tools that are shell scripts, for a charm that runs as a process.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::Error;

/// A folder of hook tools for a `PATH`: each is a script in the language of `sh`, and notes how it
/// was called before it does what it is for.
///
/// It is for tests of what only processes have: streams, exit codes, signals, what is on `PATH`.
/// What a tool answers under Juju is asked of `charmwright_agent::InProcessTools`.
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
    /// Makes the folder `tools` in this one, with no tool in it yet. The calls are noted in the
    /// file `calls` beside it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the folder cannot be made.
    pub fn new(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let tools = folder.join("tools");
        fs::create_dir(&tools)
            .map_err(Error::io(format!("cannot make the folder {}", tools.display())))?;
        Ok(Self { tools, calls: folder.join("calls") })
    }

    /// The folder of the tools, for a `PATH`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.tools
    }

    /// Makes a tool that does this once it has noted its call, or makes it anew.
    ///
    /// It is written by another process: one that this process had open for writing while another
    /// thread starts a process would be open in that process for a moment, and could not be
    /// executed.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be written.
    pub fn put(&self, name: &str, script: &str) -> Result<(), Error> {
        let path = self.tools.join(name);
        let calls = self.calls.display().to_string().replace('\'', "'\\''");
        let script = format!("#!/bin/sh\necho \"{name} $*\" >> '{calls}'\n{script}\n");
        write_program(&path, script.as_bytes())
            .map_err(Error::io(format!("cannot write the hook tool {}", path.display())))
    }

    /// Removes a tool.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if it is not there, or cannot be removed.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.tools.join(name);
        fs::remove_file(&path)
            .map_err(Error::io(format!("cannot remove the hook tool {}", path.display())))
    }

    /// Every call since they were last forgotten: the tool and its arguments, a space between two,
    /// and a line for each line of an argument.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        let noted = fs::read(&self.calls).unwrap_or_default();
        String::from_utf8_lossy(&noted).lines().map(str::to_owned).collect()
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

fn write_program(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut writer = Command::new("/bin/sh")
        .args(["-c", "cat > \"$0\" && chmod 755 \"$0\""])
        .arg(path)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let written = writer.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(content));
    // The exit code is what tells of a failure: the pipe breaks where the shell cannot write.
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

//! The processes of this machine, read from `/proc`.

use std::fs;

/// A process as it was when its `/proc/PID/stat` was read (proc_pid_stat(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    pid: u32,
    parent: u32,
    group: u32,
    session: u32,
    /// `true` for a process that has ended and is not waited for yet.
    has_ended: bool,
}

impl Process {
    /// Parses the line of `/proc/PID/stat`: `PID (NAME) STATE PARENT GROUP SESSION ...`.
    ///
    /// Returns `None` for any other text. The name may contain spaces and brackets itself.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (pid, rest) = line.split_once(" (")?;
        // The last bracket ends the name, since the fields after it have none.
        let (_, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split_ascii_whitespace();
        let has_ended = matches!(fields.next()?, "Z" | "X");
        let mut number = || fields.next()?.parse().ok();
        let (parent, group, session) = (number()?, number()?, number()?);
        let pid = pid.parse().ok().filter(|pid| *pid != 0)?;
        Some(Self { pid, parent, group, session, has_ended })
    }

    /// Returns the id of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the id of the parent process, or 0 if there is none in this PID namespace.
    #[must_use]
    pub fn parent(&self) -> u32 {
        self.parent
    }

    /// Returns the id of the process group.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.group
    }

    /// Returns the id of the session.
    #[must_use]
    pub fn session(&self) -> u32 {
        self.session
    }

    /// Returns `true` if the process is a zombie: it has ended and its parent has not waited for it
    /// yet.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }
}

/// Reads all processes of this PID namespace, zombies included. Returns none if there is no
/// `/proc`.
#[must_use]
pub fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(read)
        .collect()
}

/// Returns `true` if the process with this id runs. A zombie does not run.
#[must_use]
pub fn is_running(pid: u32) -> bool {
    read(pid).is_some_and(|process| !process.has_ended())
}

fn read(pid: u32) -> Option<Process> {
    Process::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_spaces() {
        let process = Process::parse("42 (a) (b c) S 7 41 40 0 -1").unwrap();
        assert_eq!(
            process,
            Process { pid: 42, parent: 7, group: 41, session: 40, has_ended: false }
        );
        assert!(Process::parse("42 (x) Z 7 0 0 0").unwrap().has_ended());
        for bad in ["", "42", "42 (x", "42 (x) ", "42 (x) S 1 1", "x (y) S 1 1 1", "0 (x) S 1 1 1"]
        {
            assert_eq!(Process::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_process_runs_until_it_has_ended() {
        let myself = std::process::id();
        assert!(is_running(myself) && all().iter().any(|process| process.pid() == myself));
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let pid = child.id();
        assert!(is_running(pid));
        drop(child.stdin.take());
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while is_running(pid) {
            assert!(std::time::Instant::now() < end, "a zombie is taken for running");
            std::thread::yield_now();
        }
        // A zombie is listed until it is waited for.
        assert!(read(pid).is_some_and(|process| process.parent() == myself));
        child.wait().unwrap();
        assert_eq!(read(pid), None);
    }
}

//! The processes below this one: finding them, ending them, and collecting those that have ended.
//!
//! The process that stands for a container makes itself a *child subreaper* (`prctl(2)`), so that
//! processes orphaned below it become its children instead of children of process 1. Its
//! descendants are then all the processes that ever started inside, daemons that forked twice
//! included.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use charmwright_testing::processes::{self, Process};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use crate::error::{Error, Result, io_error};

/// The way a process ended: by an exit code or by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessExit {
    Code(i32),
    Signal(i32),
}

impl ProcessExit {
    /// Returns the exit code that a shell would report: 128 + n for signal n.
    pub fn shell_code(self) -> u8 {
        let code = match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        };
        u8::try_from(code).unwrap_or(u8::MAX)
    }
}

impl From<WaitStatus> for ProcessExit {
    fn from(status: WaitStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            // `waitpid` is not asked to report stopped or continued children, and every other
            // status is a code or a signal.
            (None, None) => Self::Code(-1),
        }
    }
}

/// Makes this process the new parent of every orphan below it, and has the kernel send it `signal`
/// when `parent`, the process that started it, ends.
///
/// The caller must have installed handlers for `signal` before. A parent that ended before the call
/// is noticed too.
pub fn adopt_orphans_and_follow(parent: Pid, signal: Signal) -> Result<()> {
    adopt_orphans()?;
    rustix::process::set_parent_process_death_signal(Some(signal)).map_err(|errno| {
        Error::new("cannot ask to be told when the parent process ends").because(io_error(errno))
    })?;
    // The kernel sends the signal only for an end after the call above.
    if rustix::process::getppid() != Some(parent) {
        return Err(Error::new(format!(
            "cannot go on: process {parent}, which started this one, has ended"
        )));
    }
    Ok(())
}

/// Makes this process the new parent of every orphan below it.
pub fn adopt_orphans() -> Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).map_err(|errno| {
        Error::new("cannot become the parent of orphaned processes").because(io_error(errno))
    })
}

/// Collects every child that has ended, and returns how `main` ended if it is one of them.
///
/// Use it only in a process that waits for its children nowhere else.
pub fn reap(main: Pid) -> Option<ProcessExit> {
    let mut exit = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid == main {
            exit = Some(ProcessExit::from(status));
        }
    }
    exit
}

/// Collects the children that have ended and that no other code waits for: those not in
/// `waited_for`.
pub fn reap_orphans(waited_for: &[Pid]) {
    let me = raw_pid(rustix::process::getpid());
    for process in processes::all() {
        if process.has_ended() && process.parent() == me {
            let pid = pid_of(&process).filter(|pid| !waited_for.contains(pid));
            if let Some(pid) = pid {
                let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
            }
        }
    }
}

/// Returns every live process below `root`, children before grandchildren.
pub fn descendants(root: Pid) -> Vec<Pid> {
    live_descendants(root, &processes::all())
}

fn live_descendants(root: Pid, processes: &[Process]) -> Vec<Pid> {
    let mut children: HashMap<u32, Vec<&Process>> = HashMap::new();
    for process in processes {
        children.entry(process.parent()).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut parents = vec![raw_pid(root)];
    while let Some(parent) = parents.pop() {
        // `remove` instead of `get`: the snapshot is not taken at one moment, so it may hold a
        // cycle.
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.pid());
            if !child.has_ended() {
                found.extend(pid_of(child));
            }
        }
    }
    found
}

fn raw_pid(pid: Pid) -> u32 {
    pid.as_raw_pid().unsigned_abs()
}

fn pid_of(process: &Process) -> Option<Pid> {
    i32::try_from(process.pid()).ok().and_then(Pid::from_raw)
}

/// Kills every descendant of this process, and what they start meanwhile, until none is left. It
/// calls `reap` in between to collect them.
///
/// It gives up after ten seconds: a process that survives SIGKILL for so long is stuck in the
/// kernel.
pub fn kill_descendants(mut reap: impl FnMut()) {
    let me = rustix::process::getpid();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let live = descendants(me);
        if live.is_empty() || Instant::now() > deadline {
            reap();
            return;
        }
        for pid in live {
            // The process may have ended by itself since, which is as good.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        // An orphan becomes a child of this process only when its parent is gone, and the kernel
        // takes a moment for that.
        std::thread::sleep(Duration::from_millis(2));
        reap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(raw_pid: i32) -> Pid {
        Pid::from_raw(raw_pid).unwrap()
    }

    #[test]
    fn grandchildren_are_found_and_zombies_are_not_live() {
        let all = [
            "1 (x) S 0 1 1",
            "2 (x) S 1 1 1",
            "3 (x) Z 2 1 1",
            "4 (x) S 3 1 1",
            "5 (x) S 1 1 1",
            "9 (x) S 8 1 1",
        ]
        .map(|line| Process::parse(line).unwrap());
        let mut found = live_descendants(pid(1), &all);
        found.sort_by_key(|pid| pid.as_raw_nonzero());
        assert_eq!(found, [pid(2), pid(4), pid(5)]);
    }

    #[test]
    fn a_shell_reports_a_signal_as_128_and_more() {
        assert_eq!(ProcessExit::Signal(9).shell_code(), 137);
        assert_eq!(ProcessExit::Code(3).shell_code(), 3);
    }
}

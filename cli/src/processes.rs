//! The processes below this one: who they are, ending all of them, and collecting the dead.
//!
//! A process that stands for a container makes itself a *child subreaper*, so that whatever is
//! orphaned below it becomes its child instead of leaving for process 1. "All its descendants" is
//! then everything that ever started inside, daemons that forked twice included.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use charmwright_testing::processes::{self, Process};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use crate::error::{Error, Result, io_error};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessExit {
    Code(i32),
    Signal(i32),
}

impl ProcessExit {
    /// The exit code a shell would report: 128 + n for signal n.
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
            // Stopped or continued is not asked for; a status of neither kind is no ending we know.
            (None, None) => Self::Code(-1),
        }
    }
}

/// Makes this process the new parent of every orphan below it, and has it sent `signal` when the
/// process `parent` that started it ends.
///
/// The caller has handlers for `signal` installed already. A parent that ended before the call is
/// noticed too.
pub fn adopt_orphans_and_follow(parent: Pid, signal: Signal) -> Result<()> {
    adopt_orphans()?;
    rustix::process::set_parent_process_death_signal(Some(signal)).map_err(|errno| {
        Error::new("cannot ask to be told when the parent process ends").because(io_error(errno))
    })?;
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

/// Collects every child that has ended, and says how `main` ended if it is one of them.
///
/// Only for a process that waits for its children nowhere else.
pub fn reap(main: Pid) -> Option<ProcessExit> {
    let mut exit = None;
    while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
        if pid == main {
            exit = Some(ProcessExit::from(status));
        }
    }
    exit
}

/// Collects the dead children that nobody waits for: those not among `waited_for`.
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

/// Every live process below `root`, children before grandchildren.
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
        // `remove`: should the snapshot be torn, no cycle can hold us.
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

/// Kills every descendant of this process, and what those start meanwhile, until none is left;
/// `reap` collects them in between.
///
/// Gives up after ten seconds: a process that survives SIGKILL so long is stuck in the kernel.
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
            // It may have ended by itself since: that is what we want.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        // Orphans come to us only when their dead parent is gone, and death takes the kernel a
        // moment.
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

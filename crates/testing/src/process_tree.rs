//! The processes that a daemon started, which end together as the end of a container ends them.
//!
//! Pebble gives each service a process group of its own, and a service may fork twice and lose its
//! parent. So neither a process group nor the chain of parents finds them all. A process belongs to
//! the tree of a daemon if
//!
//! - its parent belongs to the tree,
//! - it shares a process group or a session with a member other than the daemon, or
//! - its environment contains the daemon's mark, a variable that each child inherits.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::processes::{self, Process};

/// Returns all processes that run. Zombies are left out, since only their parents can remove them.
fn running() -> Vec<Process> {
    let mut all = processes::all();
    all.retain(|process| !process.has_ended());
    all
}

/// Returns `true` if the process was started with this `NAME=VALUE` in its environment.
fn has_mark(pid: u32, mark: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
        environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
    })
}

/// The processes of one daemon.
///
/// The members are remembered from one scan to the next, because a parent that was killed no longer
/// leads to its children.
pub(crate) struct ProcessTree {
    /// The process id of the daemon.
    root: u32,
    /// The `NAME=VALUE` in the environment of the daemon.
    mark: String,
    /// The process ids of the members that ran at the last scan.
    members: BTreeSet<u32>,
    /// The process groups that hold members only.
    groups: BTreeSet<u32>,
    /// The sessions that hold members only.
    sessions: BTreeSet<u32>,
}

impl ProcessTree {
    /// Makes the tree of the daemon with this process id, which was started with `mark`
    /// (`NAME=VALUE`) in its environment.
    pub(crate) fn new(root: u32, mark: &str) -> Self {
        Self {
            root,
            mark: mark.to_owned(),
            members: BTreeSet::new(),
            groups: BTreeSet::new(),
            sessions: BTreeSet::new(),
        }
    }

    /// Scans the processes of the machine and returns the members that run now, without the daemon.
    fn scan(&mut self) -> Vec<u32> {
        let all = running();
        let myself = std::process::id();
        // The group and the session of this process, or of the daemon, hold other processes, too:
        // perhaps the whole test run. They say nothing about membership.
        let common: Vec<(u32, u32)> = all
            .iter()
            .filter(|process| process.pid() == myself || process.pid() == self.root)
            .map(|p| (p.group(), p.session()))
            .collect();
        // A member that is found late in the list may lead to one before it, so the list is read
        // until a pass finds nothing new.
        loop {
            let before = self.members.len();
            for process in &all {
                if process.pid() == self.root
                    || process.pid() == myself
                    || self.members.contains(&process.pid())
                {
                    continue;
                }
                let is_related = process.parent() == self.root
                    || self.members.contains(&process.parent())
                    || self.groups.contains(&process.group())
                    || self.sessions.contains(&process.session())
                    || has_mark(process.pid(), &self.mark);
                if !is_related {
                    continue;
                }
                self.members.insert(process.pid());
                if common.iter().all(|(group, _)| *group != process.group()) {
                    self.groups.insert(process.group());
                }
                if common.iter().all(|(_, session)| *session != process.session()) {
                    self.sessions.insert(process.session());
                }
            }
            if self.members.len() == before {
                break;
            }
        }
        let running: Vec<u32> =
            all.iter().map(Process::pid).filter(|pid| self.members.contains(pid)).collect();
        // A process that has ended leaves the tree, since its id may be given to another process. A
        // group or a session stays known for as long as a member is in it.
        self.members = running.iter().copied().collect();
        self.groups = all
            .iter()
            .filter(|p| self.groups.contains(&p.group()) && self.members.contains(&p.pid()))
            .map(Process::group)
            .collect();
        self.sessions = all
            .iter()
            .filter(|p| self.sessions.contains(&p.session()) && self.members.contains(&p.pid()))
            .map(Process::session)
            .collect();
        running
    }

    /// Scans and remembers the members. It has to be called while the daemon runs: the parent of
    /// its children changes when it ends.
    pub(crate) fn remember(&mut self) {
        self.scan();
    }

    /// Sends SIGKILL to the members until none runs, for at most `limit`. Returns the process ids
    /// of those that still run.
    pub(crate) fn kill(&mut self, limit: Duration) -> Vec<u32> {
        let end = Instant::now() + limit;
        loop {
            let left = self.scan();
            if left.is_empty() || Instant::now() > end {
                return left;
            }
            for pid in &left {
                signal(*pid, Signal::KILL);
            }
            // A killed process takes a moment to end. Only its parent could wait for that, and this
            // process is not the parent.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It fails if the process has ended meanwhile, which is what each caller wants of it.
        let _gone = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn finds_children_in_other_groups_and_orphans() {
        let mark = format!("CHARMWRIGHT_TEST_MARK={}", std::process::id());
        // The first sleep stays a child in a group of its own (setsid), the second loses its parent
        // at once.
        let mut root = Command::new("sh")
            .args(["-c", "setsid sleep 1000 & (setsid sleep 1000 &) ; wait"])
            .env("CHARMWRIGHT_TEST_MARK", std::process::id().to_string())
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut tree = ProcessTree::new(root.id(), &mark);
        let end = Instant::now() + Duration::from_secs(10);
        let is_sleep = |pid: &u32| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "sleep")
        };
        while tree.scan().iter().filter(|pid| is_sleep(pid)).count() < 2 {
            assert!(Instant::now() < end, "the sleepers did not start");
            std::thread::sleep(Duration::from_millis(2));
        }
        root.kill().unwrap();
        root.wait().unwrap();
        assert_eq!(tree.kill(Duration::from_secs(5)), Vec::<u32>::new());
        assert!(!running().iter().any(|process| has_mark(process.pid(), &mark)));
    }
}

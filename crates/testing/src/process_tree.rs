//! Every process that a daemon started, ended together, as the end of a container ends them.
//!
//! Pebble gives each service a process group of its own, and a service may fork twice and lose its
//! parent, so neither a group nor the line of parents finds them all. A process belongs to the
//! tree when its parent does, when it shares a group or a session with a member other than the
//! daemon, or when the daemon's mark is in its environment, which a child inherits.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::processes::{self, Process};

/// All processes that still run. A zombie has ended: what is left of it is its parent's business.
fn running() -> Vec<Process> {
    let mut all = processes::all();
    all.retain(|process| !process.has_ended());
    all
}

/// Whether the environment that the process was started with holds this `NAME=VALUE`.
fn has_mark(pid: u32, mark: &str) -> bool {
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
        environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
    })
}

/// The processes of one daemon, remembered from look to look: a killed parent no longer leads to
/// its children.
pub(crate) struct ProcessTree {
    root: u32,
    mark: String,
    members: BTreeSet<u32>,
    groups: BTreeSet<u32>,
    sessions: BTreeSet<u32>,
}

impl ProcessTree {
    /// The tree of the daemon with this process id, which was started with `mark` (`NAME=VALUE`)
    /// in its environment.
    pub(crate) fn new(root: u32, mark: &str) -> Self {
        Self {
            root,
            mark: mark.to_owned(),
            members: BTreeSet::new(),
            groups: BTreeSet::new(),
            sessions: BTreeSet::new(),
        }
    }

    /// Looks once more and says who of the tree, besides the daemon, runs now.
    fn look(&mut self) -> Vec<u32> {
        let all = running();
        let myself = std::process::id();
        // The group and the session that we or the daemon are in hold strangers too: the whole test
        // run, perhaps.
        let common: Vec<(u32, u32)> = all
            .iter()
            .filter(|process| process.pid() == myself || process.pid() == self.root)
            .map(|p| (p.group(), p.session()))
            .collect();
        loop {
            let before = self.members.len();
            for process in &all {
                if process.pid() == self.root
                    || process.pid() == myself
                    || self.members.contains(&process.pid())
                {
                    continue;
                }
                let related = process.parent() == self.root
                    || self.members.contains(&process.parent())
                    || self.groups.contains(&process.group())
                    || self.sessions.contains(&process.session())
                    || has_mark(process.pid(), &self.mark);
                if !related {
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
        // Who has ended leaves the tree: its number may be given to a stranger, and a group or a
        // session lives on in those who remain.
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

    /// Remembers who is there now. To be asked while the daemon still lives.
    pub(crate) fn remember(&mut self) {
        self.look();
    }

    /// Sends SIGKILL until nobody but the daemon is left, for at most `limit`. Gives those who are
    /// still there.
    pub(crate) fn kill(&mut self, limit: Duration) -> Vec<u32> {
        let end = Instant::now() + limit;
        loop {
            let left = self.look();
            if left.is_empty() || Instant::now() > end {
                return left;
            }
            for pid in &left {
                signal(*pid, Signal::KILL);
            }
            // A killed process needs a moment to go, and there is nothing to wait on: it is not our
            // child.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Sends a signal; a process that has just gone is what was wanted.
pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
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
        while tree.look().iter().filter(|pid| is_sleep(pid)).count() < 2 {
            assert!(Instant::now() < end, "the sleepers did not start");
            std::thread::sleep(Duration::from_millis(2));
        }
        root.kill().unwrap();
        root.wait().unwrap();
        assert_eq!(tree.kill(Duration::from_secs(5)), Vec::<u32>::new());
        assert!(!running().iter().any(|process| has_mark(process.pid(), &mark)));
    }
}

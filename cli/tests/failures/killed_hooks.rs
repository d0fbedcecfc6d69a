//! A hook is killed by SIGKILL fifty times, or as often as `CHARMWRIGHT_KILLS` says: the state that
//! Juju has committed is complete, and no event is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use charmwright::dispatch::{FRAMEWORK_KEY, deferred_events};

use crate::any_workload::charm_without_program;
use crate::charms::build_charms;
use crate::support::{Charm, wait_until};

/// Returns a number from the environment, if it is set.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is to be a number, not {text:?}")))
}

/// The charm's `dispatch`: it notes what Juju has committed when the hook begins, and becomes the
/// charm. A child that it leaves behind kills the charm at the moment that the test chose for this
/// run. The child compares the start time first, since the process id may belong to another process
/// by then.
const DISPATCH: &str = r#"#!/bin/sh
run=$(($(cat $OUT/runs) + 1))
echo $run >$OUT/runs
state-get --format=json >$OUT/state.$run
echo $JUJU_DISPATCH_PATH >>$OUT/hooks
moment=$(sed -n ${run}p $OUT/moments)
if [ "$moment" ]; then
    born=$(cut -d' ' -f22 /proc/$$/stat)
    (sleep $moment; [ "$(cut -d' ' -f22 /proc/$$/stat)" = "$born" ] && kill -9 $$) >/dev/null 2>&1 &
fi
exec $CHARM
"#;

/// A small random generator. A seed that is printed gives the same moments again.
struct Random(u64);

impl Random {
    /// Returns a number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Returns one line for each run: the seconds until it is killed, or nothing for every fifth
    /// run, so that the unit makes progress.
    fn moments(&mut self, ordinary_ms: u64, late_ms: u64) -> String {
        (0..4000).fold(String::new(), |mut lines, _| {
            let moment = match self.below(30) {
                0..6 => None,
                6 => Some(self.below(late_ms)),
                _ => Some(self.below(ordinary_ms)),
            };
            let moment =
                moment.map_or_else(String::new, |ms| format!("{}.{:03}", ms / 1000, ms % 1000));
            let _ = writeln!(lines, "{moment}");
            lines
        })
    }
}

/// A run that gets commands while it runs.
struct TestRun<'a> {
    charm: &'a Charm,
    child: Child,
    printed: Arc<Mutex<Vec<String>>>,
    reader: std::thread::JoinHandle<()>,
}

/// A hook that has ended: its name, and its exit code, or `None` if it was killed.
type Ended = (String, Option<i32>);

impl<'a> TestRun<'a> {
    fn start(charm: &'a Charm, args: &[&str]) -> Self {
        let mut child = charm.start(args, "");
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (lines, stdout) = (Arc::clone(&printed), BufReader::new(child.stdout.take().unwrap()));
        let reader = std::thread::spawn(move || {
            for line in stdout.lines() {
                lines.lock().unwrap().push(line.unwrap());
            }
        });
        Self { charm, child, printed, reader }
    }

    /// Sends lines to the run.
    fn send(&mut self, lines: &str) {
        self.child.stdin.as_mut().unwrap().write_all(lines.as_bytes()).unwrap();
    }

    /// Returns everything that the run has printed so far.
    fn text(&self) -> String {
        self.printed.lock().unwrap().join("\n")
    }

    fn hook_ends(&self) -> Vec<Ended> {
        self.text().lines().filter_map(parse_hook_end).collect()
    }

    /// Returns the number of hooks that were killed.
    fn kill_count(&self) -> usize {
        self.hook_ends().iter().filter(|(_, code)| code.is_none()).count()
    }

    /// Waits until hooks of this name have succeeded so often.
    fn wait_for_done(&self, name: &str, times: usize) {
        let done = || {
            self.hook_ends().iter().filter(|(hook, code)| hook == name && *code == Some(0)).count()
        };
        wait_until(&format!("{name} to end well {times} times"), || done() >= times);
    }

    /// Returns the number of hooks of this name that succeeded.
    fn success_count(&self, name: &str) -> usize {
        self.hook_ends().iter().filter(|(hook, code)| hook == name && *code == Some(0)).count()
    }

    /// Ends the run, and returns everything that it printed.
    fn end(mut self) -> String {
        drop(self.child.stdin.take());
        let output = self.child.wait_with_output().unwrap();
        self.reader.join().unwrap();
        let text = self.printed.lock().unwrap().join("\n");
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        self.charm.assert_nothing_left();
        text
    }
}

/// Reads `    1.2s  config-changed (again, 2)    74 ms  exit 0    config-get, ...`.
fn parse_hook_end(line: &str) -> Option<Ended> {
    let exit = line.find("  exit ").or_else(|| line.find("  signal 9"))?;
    let name = line.split_whitespace().nth(1)?.to_owned();
    let code = line.get(exit..)?.strip_prefix("  exit ");
    Some((name, code.map(|rest| rest.split(' ').next().unwrap_or_default().parse().unwrap())))
}

/// Returns the deferred events in a committed state. The state of a unit that has stored nothing
/// yet is empty.
fn deferred(state: &str) -> BTreeSet<String> {
    let documents: Option<BTreeMap<String, String>> =
        serde_json::from_str(state).unwrap_or_else(|error| panic!("{error}: {state:?}"));
    let framework = documents.as_ref().and_then(|documents| documents.get(FRAMEWORK_KEY));
    let events = framework.map_or_else(Vec::new, |document| deferred_events(document).unwrap());
    events.iter().map(|stored| stored.event().to_string()).collect()
}

/// Sets the moments of the next runs. The file is replaced as a whole, so that a run reads the old
/// one or the new one.
fn set_moments(charm: &Charm, lines: &str) {
    let new = charm.out().join("moments.new");
    std::fs::write(&new, lines).unwrap();
    std::fs::rename(new, charm.out().join("moments")).unwrap();
}

#[test]
fn a_hook_killed_at_any_moment_loses_no_event_and_leaves_the_state_whole() {
    let Some((charm, options)) = charm_without_program(
        "a_hook_killed_at_any_moment_loses_no_event_and_leaves_the_state_whole",
    ) else {
        return;
    };
    let seed = number("CHARMWRIGHT_SEED")
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64);
    let wanted = usize::try_from(number("CHARMWRIGHT_KILLS").unwrap_or(50)).unwrap();
    println!("CHARMWRIGHT_SEED={seed} makes the same moments again");
    let mut random = Random(seed);
    charm.write("dispatch", &DISPATCH.replace("$CHARM", &build_charms().display().to_string()));
    std::fs::write(charm.out().join("runs"), "0\n").unwrap();
    // Pebble is away: a hook stores its event after three attempts in three seconds.
    set_moments(&charm, &random.moments(200, 3500));
    let mut args: Vec<&str> = options.iter().map(String::as_str).collect();
    let command = format!(
        "command=sh -c \"echo $ROUND >{}; exec sleep 600\"",
        charm.out().join("ran").display()
    );
    args.extend(["--no-pebble", "--config", &command]);
    let mut test_run = TestRun::start(&charm, &args);
    for hook in ["install", "leader-elected", "config-changed", "start"] {
        test_run.wait_for_done(hook, 1);
    }
    let away = test_run.kill_count();

    // Pebble is there and the workload cannot be started, since Linux accepts no argument of that
    // length. So hooks are quick, and their events stay stored.
    let done = test_run.success_count("config-changed");
    test_run.send(&format!("config command=sh -c true {}\n", "x".repeat(140_000)));
    test_run.wait_for_done("config-changed", done + 1);
    set_moments(&charm, &random.moments(250, 500));
    test_run.send("pebble start\n");
    test_run.wait_for_done("workload-pebble-ready", 1);
    let mut round = 0;
    while test_run.kill_count() < wanted {
        round += 1;
        let done = test_run.success_count("config-changed");
        test_run.send(&format!("config environment={{ROUND: {round}}}\n"));
        test_run.wait_for_done("config-changed", done + 1);
    }

    // No hook is killed any more, and the workload can run.
    let blocked_runs = test_run.hook_ends().len();
    set_moments(&charm, "");
    test_run.send(&format!(
        "expect blocked argument list too long\nconfig {command}\nexpect active\nquit\n"
    ));
    let text = test_run.end();
    println!("{text}");

    let hook_ends: Vec<Ended> = text.lines().filter_map(parse_hook_end).collect();
    let begun: Vec<String> =
        charm.note("hooks").lines().map(|path| path.replace("hooks/", "")).collect();
    assert_eq!(begun, hook_ends.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    let states: Vec<String> =
        (1..=begun.len()).map(|run| charm.note(&format!("state.{run}"))).collect();
    let mut stored = BTreeSet::new();
    for (run, (name, code)) in hook_ends.iter().enumerate() {
        let now = deferred(&states[run]);
        if run < blocked_runs {
            assert!(now.is_superset(&stored), "run {run}, {name}: {stored:?} became {now:?}");
            stored = now;
        }
        match code {
            Some(code) => assert_eq!(*code, 0, "run {run}, {name}"),
            None => {
                assert_eq!(begun.get(run + 1), Some(name), "a killed hook is the next one to run");
                assert_eq!(
                    states.get(run + 1),
                    states.get(run),
                    "a killed hook has written nothing"
                );
            }
        }
    }
    println!("{wanted} kills, {away} of them with Pebble away, in {} runs", begun.len());
    assert!(stored.contains("install") && stored.contains("config-changed"), "{stored:?}");
    assert!(deferred(states.last().unwrap()).is_empty(), "every event was handled in the end");
    assert_eq!(charm.note("ran").trim(), round.to_string(), "the last config is what runs");
}

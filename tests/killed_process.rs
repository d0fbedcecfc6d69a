//! This test kills a charm that keeps its state in the local file with SIGKILL, at fifty random
//! moments. The file must always be the complete old one or the complete new one, with every
//! deferred event.
//!
//! This test program is also the charm: it starts itself again with [`CHILD`] set. It has no
//! harness, since the charm's `main` takes over the process.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use charmwright::dispatch::{CHARM_KEY, FRAMEWORK_KEY, deferred_events};
use charmwright::{
    Charm, Declaration, Event, Hook, Metadata, NoActions, NoConfig, Outcome, Result,
};
use charmwright_testing::ToolScripts;
use charmwright_tests::run_tests;

/// The environment variable that makes this program run the charm.
const CHILD: &str = "CHARM_PROCESS_CHILD";
/// The name of the file with the state.
const STATE: &str = ".charmwright-state.json";
const KILLS: u32 = 50;

struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    /// The number of hooks that have succeeded.
    type State = u32;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("counter");
}

/// A charm that defers its start without end and counts the hooks that have succeeded.
struct Counter;

impl Charm for Counter {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        hook.update_state(|count| *count += 1)?;
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        if *event == Event::Start {
            return Ok(Outcome::defer("waiting for what never comes"));
        }
        self.reconcile(hook).await?;
        Ok(Outcome::done())
    }
}

/// A unit whose Juju has no hook tools for the state, so that the charm keeps it in a file.
struct Unit {
    folder: tempfile::TempDir,
    tools: ToolScripts,
}

/// The stored state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stored {
    /// The number of attempts at the deferred event.
    attempts: u32,
    /// The number of hooks that have succeeded.
    count: u32,
}

impl Unit {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = ToolScripts::new(folder.path()).unwrap();
        for (tool, answer) in [("config-get", "echo '{}'"), ("status-set", ":"), ("juju-log", ":")]
        {
            tools.put(tool, answer).unwrap();
        }
        Self { folder, tools }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a hook.
    fn begin(&self, hook: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .env_clear()
            .env(CHILD, "1")
            .env("PATH", self.tools.folder())
            .env("JUJU_UNIT_NAME", "counter/0")
            .env("JUJU_CHARM_DIR", self.folder.path())
            .env("JUJU_DISPATCH_PATH", format!("hooks/{hook}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs a hook to its end.
    fn run(&self, hook: &str) {
        assert!(self.begin(hook).wait().unwrap().success());
    }

    /// Reads the file. Asserts that it is complete, has the deferred event, and that both documents
    /// are of the same hook.
    fn stored(&self) -> Stored {
        let text = fs::read_to_string(self.path(STATE)).unwrap();
        let documents: BTreeMap<String, String> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        let deferred = deferred_events(&documents[FRAMEWORK_KEY]).unwrap();
        let [start] = deferred.as_slice() else { panic!("{text}") };
        assert_eq!(start.event(), &Event::Start);
        let count = documents.get(CHARM_KEY).map_or(0, |document| {
            let document: serde_json::Value = serde_json::from_str(document).unwrap();
            u32::try_from(document["data"].as_u64().unwrap()).unwrap()
        });
        assert_eq!(start.attempts(), count + 1, "{text}");
        Stored { attempts: start.attempts(), count }
    }

    /// Returns the number of temporary files that a killed hook has left.
    fn temporary_files(&self) -> usize {
        let names =
            fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().ends_with(".tmp")).count()
    }
}

fn a_hook_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let seed: u64 = match std::env::var("CHARMWRIGHT_SEED").map(|seed| seed.parse()) {
        Ok(Ok(seed)) => seed,
        _ => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64,
    };
    println!("CHARMWRIGHT_SEED={seed} makes the same moments again");
    let mut state = seed | 1;
    let unit = Unit::new();
    unit.run("start");
    assert_eq!(unit.stored(), Stored { attempts: 1, count: 0 });
    // The time that a hook takes on this machine, so that the moments are spread over all of it.
    let began = Instant::now();
    for _ in 0..5 {
        unit.run("config-changed");
    }
    let hook_time = began.elapsed().as_micros() as u64 / 5;
    let mut before = unit.stored();
    assert_eq!(before.count, 5);
    let (mut kills, mut after_the_write, mut leftovers) = (0, 0, 0);
    while kills < KILLS {
        // This is xorshift64, with the seed made odd above, since zero would stay zero.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut hook = unit.begin("config-changed");
        std::thread::sleep(Duration::from_micros(state % hook_time));
        hook.kill().unwrap();
        let killed = hook.wait().unwrap().signal() == Some(9);
        let now = unit.stored();
        let written = now.count - before.count;
        assert!(written == 1 || (written == 0 && killed), "{before:?} {now:?}");
        kills += u32::from(killed);
        after_the_write += u32::from(killed && written == 1);
        leftovers = leftovers.max(unit.temporary_files());
        before = now;
    }
    unit.run("config-changed");
    assert_eq!(unit.stored().count, before.count + 1);
    assert_eq!(unit.temporary_files(), 0, "the next write removes the temporary files");
    println!(
        "{kills} kills within {hook_time} us, {after_the_write} of them after the write, at most \
         {leftovers} left half written"
    );
}

fn main() -> ExitCode {
    if std::env::var_os(CHILD).is_some() {
        return charmwright::main(Counter);
    }
    run_tests(&[(
        "a_hook_killed_at_any_moment_leaves_the_old_file_or_the_new_one",
        a_hook_killed_at_any_moment_leaves_the_old_file_or_the_new_one,
    )])
}

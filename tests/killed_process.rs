//! A charm that keeps its state in the local file, killed with SIGKILL at fifty random moments: the
//! file is always the old one or the new one, whole, and with it every deferred event.
//!
//! This test program is also the charm: it starts itself again with [`CHILD`] set. It has no
//! harness, since a charm owns its process.

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

const CHILD: &str = "CHARM_PROCESS_CHILD";
const STATE: &str = ".charmwright-state.json";
const KILLS: u32 = 50;

struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    /// How many hooks ended well.
    type State = u32;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("counter");
}

/// Waits for ever for its start to be done, and counts the hooks that ended well.
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

/// The charm's folder, with hook tools that have no state.
struct Unit {
    folder: tempfile::TempDir,
    tools: ToolScripts,
}

/// What is stored: how often the deferred event was tried, and how many hooks ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stored {
    attempts: u32,
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

    fn run(&self, hook: &str) {
        assert!(self.begin(hook).wait().unwrap().success());
    }

    /// Reads the file, which must be whole, with the deferred event in it and both documents of the
    /// same hook.
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

    fn half_written(&self) -> usize {
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
    // How long a hook takes here and now, so that the moments fall on all of it.
    let began = Instant::now();
    for _ in 0..5 {
        unit.run("config-changed");
    }
    let whole = began.elapsed().as_micros() as u64 / 5;
    let mut before = unit.stored();
    assert_eq!(before.count, 5);
    let (mut kills, mut after_the_write, mut leftovers) = (0, 0, 0);
    while kills < KILLS {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let mut hook = unit.begin("config-changed");
        std::thread::sleep(Duration::from_micros(state % whole));
        hook.kill().unwrap();
        let killed = hook.wait().unwrap().signal() == Some(9);
        let now = unit.stored();
        let written = now.count - before.count;
        assert!(written == 1 || (written == 0 && killed), "{before:?} {now:?}");
        kills += u32::from(killed);
        after_the_write += u32::from(killed && written == 1);
        leftovers = leftovers.max(unit.half_written());
        before = now;
    }
    unit.run("config-changed");
    assert_eq!(unit.stored().count, before.count + 1);
    assert_eq!(unit.half_written(), 0, "what was half written goes with the next write");
    println!(
        "{kills} kills within {whole} us, {after_the_write} of them after the write, at most \
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

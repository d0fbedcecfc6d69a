//! A unit that is nothing but a folder: hook tools that are small scripts, and what they were
//! asked.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use charmwright_testing::ToolScripts;

/// The hook executable.
pub const CHARM: &str = env!("CARGO_BIN_EXE_any-workload-k8s");

/// Longer than any hook here takes on a busy machine, shorter than the deadlines of what it waits
/// for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A state in which Pebble has been seen, so that its absence is a fault.
pub const IN_OPERATION: &str = concat!(
    r#"{"charmwright": "{\"version\":1,"#,
    r#"\"data\":{\"started\":true,\"operation\":[\"workload\"]}}"}"#
);

/// The hook tools that the charm calls, and what each answers.
const TOOLS: [(&str, &str); 9] = [
    ("state-get", "cat \"$UNIT/state\" 2>/dev/null || echo '{}'"),
    ("state-set", "cat > \"$UNIT/state-set\""),
    ("config-get", "cat \"$UNIT/config\""),
    ("status-set", ""),
    ("opened-ports", "echo '[]'"),
    ("open-port", ""),
    ("close-port", ""),
    ("juju-log", ""),
    ("action-fail", ""),
];

pub struct Unit {
    folder: tempfile::TempDir,
    tools: ToolScripts,
    variables: Vec<(OsString, OsString)>,
}

/// How a hook ended, all that it printed and logged, and the tools that it called, each with its
/// arguments.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub told: String,
    pub calls: Vec<String>,
}

impl Unit {
    /// A unit in update-status, with a good config, all tools, and a Pebble that is away.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("cw").tempdir().unwrap();
        let tools = ToolScripts::new(folder.path()).unwrap();
        let mut unit = Self { folder, tools, variables: Vec::new() };
        for (tool, answer) in TOOLS {
            unit.tool(tool, answer);
        }
        unit.file("config", r#"{"command": "sleep 600", "pebble-retry-attempts": 1}"#);
        let containers = unit.path("containers");
        unit.set("JUJU_UNIT_NAME", "any-workload-k8s/0");
        unit.set("JUJU_DISPATCH_PATH", "hooks/update-status");
        unit.set("CHARMWRIGHT_CONTAINERS", containers);
        unit.set("UNIT", unit.path(""));
        unit.set("PATH", format!("{}:/usr/bin:/bin", unit.tools.folder().display()));
        unit
    }

    /// The same in a unit whose Pebble has been seen.
    pub fn in_operation() -> Self {
        let unit = Self::new();
        unit.file("state", IN_OPERATION);
        unit
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn file(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// A hook tool that does this.
    pub fn tool(&self, name: &str, answer: &str) {
        self.tools.put(name, answer).unwrap();
    }

    pub fn remove_tool(&self, name: &str) {
        self.tools.remove(name).unwrap();
    }

    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.unset(name);
        self.variables.push((name.into(), value.as_ref().to_owned()));
    }

    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|(set, _)| set != name);
    }

    /// Runs the hook to its end.
    pub fn run(&self) -> Ran {
        self.run_program(Path::new(CHARM))
    }

    /// Runs something else that is, or starts, the hook executable.
    pub fn run_program(&self, program: &Path) -> Ran {
        self.tools.forget_calls().unwrap();
        // Files and not pipes: a process that a hook left behind would hold a pipe open.
        let stream = |name: &str| fs::File::create(self.path(name)).unwrap();
        let child = Command::new(program)
            .env_clear()
            .envs(self.variables.iter().cloned())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(stream("out"))
            .stderr(stream("err"))
            .spawn()
            .unwrap();
        let code = wait(child);
        let read = |name: &str| {
            String::from_utf8_lossy(&fs::read(self.path(name)).unwrap_or_default()).into_owned()
        };
        let calls = self.tools.calls();
        let logged = calls.iter().filter(|call| call.starts_with("juju-log")).cloned();
        let told =
            [read("out"), read("err")].into_iter().chain(logged).collect::<Vec<_>>().join("\n");
        assert!(!told.contains("panicked at"), "{told}");
        Ran { code, told, calls }
    }
}

fn wait(mut child: Child) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the hook hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Ran {
    /// Ended with this code and told each of these.
    #[track_caller]
    pub fn ends(&self, code: i32, told: &[&str]) {
        println!("{}", self.told.trim());
        assert_eq!(self.code, Some(code), "{self:#?}");
        for part in told {
            assert!(self.told.contains(part), "no {part:?} in {self:#?}");
        }
    }

    /// The statuses that were set.
    pub fn statuses(&self) -> Vec<&str> {
        self.calls.iter().filter_map(|call| call.strip_prefix("status-set ")).collect()
    }

    pub fn called(&self, tool: &str) -> bool {
        self.calls.iter().any(|call| call.split(' ').next() == Some(tool))
    }
}

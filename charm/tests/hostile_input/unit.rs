//! A unit without Juju: a folder with hook tools that are shell scripts and record their calls.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use charmwright_testing::ToolScripts;

/// The path of the hook executable.
pub const CHARM: &str = env!("CARGO_BIN_EXE_any-workload-k8s");

/// The limit for one hook. It is longer than any hook here takes on a busy machine, and shorter
/// than the deadlines of the charm, so a hook that only ends at one of those fails the test.
const HOOK_LIMIT: Duration = Duration::from_secs(60);

/// The stored state of a unit that has reached its Pebble before. A Pebble that cannot be used is a
/// fault in it, where a new unit would wait.
pub const IN_OPERATION: &str = concat!(
    r#"{"charmwright": "{\"version\":1,"#,
    r#"\"data\":{\"started\":true,\"operation\":[\"workload\"]}}"}"#
);

/// The hook tools that the charm calls, and the script of each.
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

/// A unit of the charm: its folder, its hook tools, and the environment of its hooks.
pub struct Unit {
    folder: tempfile::TempDir,
    tools: ToolScripts,
    variables: Vec<(OsString, OsString)>,
}

/// The result of a hook.
#[derive(Debug)]
pub struct Ran {
    /// The exit code, or `None` if a signal has ended the process.
    pub code: Option<i32>,
    /// All that the hook printed and logged.
    pub output: String,
    /// The hook tools that it called, each with its arguments.
    pub calls: Vec<String>,
}

impl Unit {
    /// Makes a unit that runs update-status, with a valid config, all hook tools, and no Pebble.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("cw").tempdir().unwrap();
        let tools = ToolScripts::new(folder.path()).unwrap();
        let mut unit = Self { folder, tools, variables: Vec::new() };
        for (tool, script) in TOOLS {
            unit.tool(tool, script);
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

    /// Makes such a unit that has reached its Pebble before.
    pub fn in_operation() -> Self {
        let unit = Self::new();
        unit.file("state", IN_OPERATION);
        unit
    }

    /// Returns a path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the folder.
    pub fn file(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Replaces a hook tool by this shell script.
    pub fn tool(&self, name: &str, script: &str) {
        self.tools.put(name, script).unwrap();
    }

    /// Removes a hook tool.
    pub fn remove_tool(&self, name: &str) {
        self.tools.remove(name).unwrap();
    }

    /// Sets an environment variable of the hooks.
    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) {
        self.unset(name);
        self.variables.push((name.into(), value.as_ref().to_owned()));
    }

    /// Removes an environment variable of the hooks.
    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|(set, _)| set != name);
    }

    /// Runs the hook to its end.
    pub fn run(&self) -> Ran {
        self.run_program(Path::new(CHARM))
    }

    /// Runs a program that is the hook executable or starts it, such as the launcher `dispatch`.
    /// Panics if the hook has panicked.
    pub fn run_program(&self, program: &Path) -> Ran {
        self.tools.forget_calls().unwrap();
        // The streams are files, since a process that a hook has left behind would keep a pipe open
        // and the test would wait for it.
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
        let output =
            [read("out"), read("err")].into_iter().chain(logged).collect::<Vec<_>>().join("\n");
        assert!(!output.contains("panicked at"), "{output}");
        Ran { code, output, calls }
    }
}

/// Waits for a process and returns its exit code. Kills it and panics after [`HOOK_LIMIT`].
fn wait(mut child: Child) -> Option<i32> {
    let deadline = Instant::now() + HOOK_LIMIT;
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
    /// Asserts the exit code and that the output contains each of these texts.
    #[track_caller]
    pub fn assert_ended(&self, code: i32, texts: &[&str]) {
        println!("{}", self.output.trim());
        assert_eq!(self.code, Some(code), "{self:#?}");
        for part in texts {
            assert!(self.output.contains(part), "no {part:?} in {self:#?}");
        }
    }

    /// Returns the statuses that were set, oldest first.
    pub fn statuses(&self) -> Vec<&str> {
        self.calls.iter().filter_map(|call| call.strip_prefix("status-set ")).collect()
    }

    /// Returns `true` if this hook tool was called.
    pub fn has_called(&self, tool: &str) -> bool {
        self.calls.iter().any(|call| call.split(' ').next() == Some(tool))
    }
}

//! What has to be built before anything can be measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::record::Recording;
use crate::{Failure, say};

/// Every hook tool that any of the three calls; a link for each lies in one folder.
const TOOLS: [&str; 14] = [
    "application-version-set",
    "close-port",
    "config-get",
    "is-leader",
    "juju-log",
    "open-port",
    "opened-ports",
    "relation-ids",
    "state-delete",
    "state-get",
    "state-set",
    "status-get",
    "status-set",
    "goal-state",
];

/// The programs of the benchmark, built.
pub(crate) struct Programs {
    /// Where all of it lies.
    pub(crate) home: PathBuf,
    /// The Rust charm's executable.
    pub(crate) hook: PathBuf,
    /// `launch`, which measures one run.
    pub(crate) launch: PathBuf,
    /// The folder of the hook tools.
    pub(crate) tools: PathBuf,
    /// The Python that has ops.
    pub(crate) python: PathBuf,
}

impl Programs {
    pub(crate) fn build(hook: Option<&Path>) -> Result<Self, Failure> {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-dispatch");
        let tools = home.join("tools");
        fs::create_dir_all(&tools)?;
        let hook = match hook {
            Some(hook) => hook.to_path_buf(),
            None => release_charm()?,
        };
        compile("launch.c", &home.join("launch"), &[])?;
        compile("hook-tool.c", &home.join("hook-tool"), &[])?;
        for tool in TOOLS {
            let link = tools.join(tool);
            let _old = fs::remove_file(&link);
            fs::hard_link(home.join("hook-tool"), &link)?;
        }
        let python = python(&home)?;
        Ok(Self {
            hook,
            launch: home.join("launch"),
            tools,
            python,
            home,
        })
    }

    /// The floor program for one event.
    pub(crate) fn floor(&self, event: &str, recording: &Recording) -> Result<PathBuf, Failure> {
        let folder = self.home.join("floor").join(event);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("plan.h"), recording.as_c())?;
        let program = folder.join("floor");
        compile("floor.c", &program, &["-I".to_owned(), folder.display().to_string()])?;
        Ok(program)
    }
}

/// The folder of the benchmark's own sources.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/dispatch")
}

/// Runs a command to its end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start {program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Err(format!("{command:?} failed: {}\n{}", output.status, said.trim_end()).into())
}

/// The charm as it is released: the alias `charm-release` says how, and where it puts it is asked of cargo itself.
fn release_charm() -> Result<PathBuf, Failure> {
    say("building the charm as it is released (cargo charm-release)");
    let said = output(
        Command::new(env!("CARGO"))
            .args(["charm-release", "--message-format=json-render-diagnostics"])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    )?;
    said.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| {
            message
                .pointer("/target/name")
                .is_some_and(|name| name == "any-workload-k8s")
        })
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo charm-release has built no executable any-workload-k8s".into())
}

/// Static, so that no time goes into the dynamic loader.
fn compile(source: &str, program: &Path, options: &[String]) -> Result<(), Failure> {
    let source = sources().join(source);
    output(
        Command::new("cc")
            .args(["-O2", "-static", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(program)
            .args(options)
            .arg(&source),
    )
    .map_err(|failure| {
        format!(
            "cannot compile {}; a C compiler and a static libc are needed: {failure}",
            source.display()
        )
    })?;
    Ok(())
}

/// A virtual environment with the ops that `requirements.txt` names; kept, and made anew when that changes.
fn python(home: &Path) -> Result<PathBuf, Failure> {
    let folder = home.join("venv");
    let python = folder.join("bin/python");
    let wanted = fs::read_to_string(sources().join("ops_charm/requirements.txt"))?;
    let stamp = folder.join("installed.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    say(&format!("installing {} from PyPI", wanted.trim()));
    let _old = fs::remove_dir_all(&folder);
    output(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    output(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(sources().join("ops_charm/requirements.txt")),
    )?;
    fs::write(stamp, wanted)?;
    Ok(python)
}

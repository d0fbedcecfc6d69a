//! A charm's `main` as the unit agent meets it: a process with an environment, hook tools on PATH,
//! two streams and an exit code.
//!
//! This test program is also the charm: it starts itself again with [`CHILD`] set. It has no
//! harness, since a harness writes to the streams that are looked at.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, ExitCode};

use charmwright::{Charm, Error, Event, Hook, Metadata, NoConfig, Outcome, Result, Statuses};
use charmwright_testing::ToolScripts;

const CHILD: &str = "CHARM_PROCESS_CHILD";

struct Probe;

impl Charm for Probe {
    type Config = NoConfig;

    const METADATA: Metadata = Metadata::new("probe").actions(&["fail", "panic"]);

    async fn handle(&mut self, event: &Event, _: &Hook<Self>) -> Result<Outcome> {
        match event {
            Event::LeaderElected => panic!("the moon is full"),
            Event::Action { name, .. } if name == "fail" => {
                Err(Error::new("cannot count the sheep"))
            }
            Event::Action { .. } => panic!("the sun is dark"),
            _ => Ok(Outcome::Done),
        }
    }

    async fn collect_status(&self, _: &Hook<Self>, _: &mut Statuses) -> Result<()> {
        Ok(())
    }
}

/// A folder with hook tools that write down how they were called.
struct Agent {
    folder: tempfile::TempDir,
    tools: ToolScripts,
}

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
    tools: Vec<String>,
}

impl Agent {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = ToolScripts::new(folder.path()).unwrap();
        for (tool, answer) in [
            ("state-get", "echo null"),
            ("config-get", "echo '{}'"),
            ("state-set", "cat > /dev/null"),
            ("status-set", ""),
            ("juju-log", ""),
            ("action-fail", ""),
        ] {
            tools.put(tool, answer).unwrap();
        }
        Self { folder, tools }
    }

    fn run(&self, variables: &[(&str, &str)]) -> Ran {
        self.run_as(&std::env::current_exe().unwrap(), variables)
    }

    fn run_as(&self, program: &Path, variables: &[(&str, &str)]) -> Ran {
        self.tools.forget_calls().unwrap();
        let output = Command::new(program)
            .env_clear()
            .env(CHILD, "1")
            .env("PATH", format!("{}:/usr/bin:/bin", self.tools.folder().display()))
            .envs(variables.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            tools: self.tools.calls(),
        }
    }
}

const UNIT: (&str, &str) = ("JUJU_UNIT_NAME", "probe/0");

fn no_event_named_at_all_prints_how_to_use_it() {
    let agent = Agent::new();
    for variables in [&[][..], &[UNIT], &[("JUJU_DISPATCH_PATH", ""), ("JUJU_HOOK_NAME", "")]] {
        let ran = agent.run(variables);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
        assert!(
            ran.err.starts_with("cannot tell which event this is")
                && ran.err.contains("charmwright dev"),
            "{}",
            ran.err
        );
        assert!(ran.tools.is_empty());
    }
}

fn a_malformed_environment_names_the_variable() {
    let agent = Agent::new();
    for (variables, name) in [
        (&[("JUJU_DISPATCH_PATH", "hooks/start")][..], "JUJU_UNIT_NAME"),
        (&[UNIT, ("JUJU_DISPATCH_PATH", "hooks/../start")], "JUJU_DISPATCH_PATH"),
        (&[UNIT, ("JUJU_DISPATCH_PATH", "hooks/a/b")], "JUJU_DISPATCH_PATH"),
        (&[("JUJU_UNIT_NAME", "probe"), ("JUJU_HOOK_NAME", "start")], "JUJU_UNIT_NAME"),
    ] {
        let ran = agent.run(variables);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{}", ran.err);
        assert!(ran.err.starts_with("cannot ") && ran.err.contains(name), "{}", ran.err);
        assert!(ran.tools.is_empty());
    }
}

fn a_link_by_the_hooks_name_is_that_hook() {
    let agent = Agent::new();
    let link = agent.folder.path().join("update-status");
    symlink(std::env::current_exe().unwrap(), &link).unwrap();
    let ran = agent.run_as(&link, &[UNIT]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    assert_eq!(
        ran.tools,
        ["state-get --format=json", "config-get --format=json", "status-set active"]
    );
}

fn a_panic_fails_the_hook_and_leaves_its_place_in_the_log() {
    let agent = Agent::new();
    let ran = agent.run(&[UNIT, ("JUJU_DISPATCH_PATH", "hooks/leader-elected")]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(1), "", ""));
    let log = ran.tools.join("\n");
    assert!(log.contains("juju-log --log-level ERROR -- panicked at "), "{log}");
    assert!(log.contains("charm_process.rs:") && log.contains("the moon is full"), "{log}");
    assert_eq!(log.matches("juju-log").count(), 1, "{log}");
}

fn an_action_fails_with_a_message_and_leaves_its_streams_alone() {
    let agent = Agent::new();
    for (action, cause) in [
        ("fail", "cannot count the sheep"),
        ("panic", "the sun is dark"),
        ("other", "declares the actions"),
    ] {
        let path = format!("actions/{action}");
        let ran = agent.run(&[UNIT, ("JUJU_DISPATCH_PATH", &path), ("JUJU_ACTION_UUID", "7")]);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""), "{action}");
        let failed: Vec<_> =
            ran.tools.iter().filter(|call| call.starts_with("action-fail -- ")).collect();
        assert!(failed.len() == 1 && failed[0].contains(cause), "{action}: {:?}", ran.tools);
        assert!(
            !ran.tools
                .iter()
                .any(|call| call.starts_with("state-set") || call.starts_with("status-set"))
        );
    }
}

fn hook_tools_that_are_absent_or_broken_fail_the_hook_with_their_name() {
    let update_status = [UNIT, ("JUJU_DISPATCH_PATH", "hooks/update-status")];
    for tool in ["config-get", "status-set"] {
        let agent = Agent::new();
        agent.tools.remove(tool).unwrap();
        let ran = agent.run(&update_status);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
        assert!(
            ran.tools.iter().any(|call| call.starts_with("juju-log") && call.contains(tool)),
            "{:?}",
            ran.tools
        );
    }
    for (tool, answer) in [
        ("state-get", "echo garbage"),
        ("state-get", "echo '[1]'"),
        ("state-get", "exit 1"),
        ("config-get", "echo '{'"),
        ("status-set", "echo 'ERROR no' >&2; exit 2"),
    ] {
        let agent = Agent::new();
        agent.tools.put(tool, answer).unwrap();
        let ran = agent.run(&update_status);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{tool}: {answer}");
        assert!(
            ran.tools.iter().any(|call| call.starts_with("juju-log") && call.contains(tool)),
            "{:?}",
            ran.tools
        );
    }
    // Without any tool at all the last resort is standard error.
    let agent = Agent::new();
    fs::remove_dir_all(agent.tools.folder()).unwrap();
    let ran = agent.run(&update_status);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("config-get") && ran.err.contains("PATH"), "{}", ran.err);
}

fn the_log_level_is_the_environments_when_it_names_one() {
    let agent = Agent::new();
    let ran =
        agent.run(&[UNIT, ("JUJU_DISPATCH_PATH", "hooks/start"), ("CHARMWRIGHT_LOG", "debug")]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.contains("\"start\" of probe/0 begins"), "{}", ran.out);
}

fn main() -> ExitCode {
    if std::env::var_os(CHILD).is_some() {
        return charmwright::main(Probe);
    }
    let tests: [(&str, fn()); 7] = [
        ("no_event_named_at_all_prints_how_to_use_it", no_event_named_at_all_prints_how_to_use_it),
        ("a_malformed_environment_names_the_variable", a_malformed_environment_names_the_variable),
        ("a_link_by_the_hooks_name_is_that_hook", a_link_by_the_hooks_name_is_that_hook),
        (
            "a_panic_fails_the_hook_and_leaves_its_place_in_the_log",
            a_panic_fails_the_hook_and_leaves_its_place_in_the_log,
        ),
        (
            "an_action_fails_with_a_message_and_leaves_its_streams_alone",
            an_action_fails_with_a_message_and_leaves_its_streams_alone,
        ),
        (
            "hook_tools_that_are_absent_or_broken_fail_the_hook_with_their_name",
            hook_tools_that_are_absent_or_broken_fail_the_hook_with_their_name,
        ),
        (
            "the_log_level_is_the_environments_when_it_names_one",
            the_log_level_is_the_environments_when_it_names_one,
        ),
    ];
    // As with a harness, words on the command line choose tests by parts of their names.
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut failed = false;
    for (name, test) in tests {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed |= !passed;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

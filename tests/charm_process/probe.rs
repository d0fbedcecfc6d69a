//! These tests give a small charm bad environments and broken hook tools, and let it panic.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::ExitCode;

use charmwright::{
    ActionRequest, ActionResult, Actions, Charm, Declaration, Error, Event, Hook, Metadata,
    NoConfig, NoState, Outcome, Result, Stop,
};

use crate::agent::Agent;

/// The name of the charm.
pub const NAME: &str = "probe";

struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = NoState;
    type Action = Action;
    const METADATA: Metadata = Metadata::new(NAME);
}

enum Action {
    Fail,
    Panic,
}

impl Actions for Action {
    const NAMES: &'static [&'static str] = &["fail", "panic"];

    fn parse(request: &ActionRequest) -> Result<Self, Error> {
        match request.name() {
            "fail" => Ok(Self::Fail),
            "panic" => Ok(Self::Panic),
            _ => Err(request.undeclared::<Self>()),
        }
    }
}

struct Probe;

impl Charm for Probe {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, event: &Event, _: &Hook<Declared>) -> Result<Outcome> {
        match event {
            Event::LeaderElected => panic!("the moon is full"),
            _ => Ok(Outcome::done()),
        }
    }

    async fn action(&mut self, action: Action, _: &Hook<Declared>) -> Result<ActionResult> {
        match action {
            Action::Fail => Err(Stop::failed("cannot count the sheep")),
            Action::Panic => panic!("the sun is dark"),
        }
    }
}

/// Runs the charm for one hook.
pub fn main() -> ExitCode {
    charmwright::main(Probe)
}

/// The tests of this charm.
pub const TESTS: &[(&str, fn())] = &[
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

const UNIT: (&str, &str) = ("JUJU_UNIT_NAME", "probe/0");

fn no_event_named_at_all_prints_how_to_use_it() {
    let agent = Agent::new(NAME);
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
    let agent = Agent::new(NAME);
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
    let agent = Agent::new(NAME);
    let link = agent.path("update-status");
    symlink(std::env::current_exe().unwrap(), &link).unwrap();
    let ran = agent.run_as(&link, &[UNIT]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    assert_eq!(
        ran.tools,
        ["state-get --format=json", "config-get --format=json", "status-set active"]
    );
}

fn a_panic_fails_the_hook_and_leaves_its_place_in_the_log() {
    let agent = Agent::new(NAME);
    let ran = agent.run(&[UNIT, ("JUJU_DISPATCH_PATH", "hooks/leader-elected")]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(1), "", ""));
    let log = ran.tools.join("\n");
    assert!(log.contains("juju-log --log-level ERROR -- panicked at "), "{log}");
    assert!(log.contains("probe.rs:") && log.contains("the moon is full"), "{log}");
    assert_eq!(log.matches("juju-log").count(), 1, "{log}");
}

fn an_action_fails_with_a_message_and_leaves_its_streams_alone() {
    let agent = Agent::new(NAME);
    for (action, cause) in [
        ("fail", "cannot count the sheep"),
        ("panic", "the sun is dark"),
        (
            "other",
            r#"cannot run the action "other": the charm declares the actions ["fail", "panic"]"#,
        ),
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
        let agent = Agent::new(NAME);
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
        let agent = Agent::new(NAME);
        agent.tools.put(tool, answer).unwrap();
        let ran = agent.run(&update_status);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{tool}: {answer}");
        assert!(
            ran.tools.iter().any(|call| call.starts_with("juju-log") && call.contains(tool)),
            "{:?}",
            ran.tools
        );
    }
    // Without any hook tool there is no `juju-log`, so the charm writes to standard error.
    let agent = Agent::new(NAME);
    fs::remove_dir_all(agent.tools.folder()).unwrap();
    let ran = agent.run(&update_status);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("config-get") && ran.err.contains("PATH"), "{}", ran.err);
}

fn the_log_level_is_the_environments_when_it_names_one() {
    let agent = Agent::new(NAME);
    let ran =
        agent.run(&[UNIT, ("JUJU_DISPATCH_PATH", "hooks/start"), ("CHARMWRIGHT_LOG", "debug")]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.contains("\"start\" of probe/0 begins"), "{}", ran.out);
}

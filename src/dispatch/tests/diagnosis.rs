//! Tests services that Pebble cannot run: the status names the option if the charm knows one, and
//! never shows its value.

use serde_json::{Value, json};

use super::fake_pebble::{accepting, refusing};
use super::fakes::{HookResult, Unit};
use super::probe::Step;
use crate::juju::LogLevel;

const CONFIG_CHANGED: &str = "hooks/config-changed";

/// Answers as a Pebble with these failures of services, this plan and these files (path, type,
/// mode).
fn failing(
    causes: &'static [(&'static str, &'static str)],
    plan: &'static str,
    files: &'static [(&'static str, &'static str, &'static str)],
) -> impl Fn(&str, &str) -> (u16, Value) + Send + Sync + 'static {
    move |method, target| {
        let path = target.split('?').next().unwrap_or_default();
        let sync = |result: Value| {
            let body =
                json!({"type": "sync", "status-code": 200, "status": "OK", "result": result});
            (200, body)
        };
        match (method, path) {
            ("GET", "/v1/changes/1/wait" | "/v1/changes/1") => {
                let tasks: Vec<Value> = causes
                    .iter()
                    .map(|(service, cause)| {
                        json!({
                            "id": "2", "kind": "start", "status": "Error",
                            "summary": format!("Start service \"{service}\""),
                            "log": [format!("2026-11-22T20:00:10Z ERROR {cause}")]
                        })
                    })
                    .collect();
                sync(json!({
                    "id": "1", "kind": "replan", "summary": "Replan", "status": "Error",
                    "ready": true, "err": "cannot perform the following tasks: hunter2",
                    "tasks": tasks
                }))
            }
            ("GET", "/v1/plan") => sync(json!(plan)),
            ("GET", "/v1/files") => {
                assert!(target.contains("itself=true"), "{target}");
                let asked = target
                    .split(['?', '&'])
                    .find_map(|pair| pair.strip_prefix("path="))
                    .unwrap()
                    .replace("%2F", "/");
                match files.iter().find(|(path, ..)| *path == asked) {
                    Some((path, kind, mode)) => sync(json!([{
                        "path": path, "name": "x", "type": kind, "permissions": mode,
                        "last-modified": "2026-11-22T20:00:10Z", "user-id": 0, "user": "root",
                        "group-id": 0, "group": "root"
                    }])),
                    None => (
                        404,
                        json!({"type": "error", "status-code": 404, "status": "Not Found",
                            "result": {"message": "no such file", "kind": "not-found"}}),
                    ),
                }
            }
            _ => accepting(method, target),
        }
    }
}

/// Checks that no status, log line or message repeats a value of the user.
fn assert_no_value_is_shown(ran: &HookResult) {
    let told = format!("{ran:?}");
    for value in ["hunter2", "4242", "/secret", "mange"] {
        assert!(!told.contains(value), "{value}: {told}");
    }
}

const IN_FOLDER: &str = "services: {web: {command: /secret/run, override: replace, working-dir: \
                         /secret/folder, user: hunter2}}";
const ALONE: &str = "services: {web: {command: /secret/run, override: replace}}";
const FOLDER: (&str, &str, &str) = ("/secret/folder", "directory", "755");
const PRIVATE: (&str, &str, &str) = ("/secret/folder", "directory", "700");
const PROGRAM: (&str, &str, &str) = ("/secret/run", "file", "755");

#[test]
fn a_service_that_cannot_be_started_blocks_by_the_options_name_until_it_is_mended() {
    const GONE: &str = "cannot start service: fork/exec /secret/run: no such file or directory";
    const DENIED: &str = "cannot start service: fork/exec /secret/run: permission denied";
    const NO_FOLDER: &str = "cannot start service: fork/exec /secret/run: not a directory";
    type Case = (
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str, &'static str)],
        &'static str,
    );
    let cases: [Case; 18] = [
        (
            "cannot start service: exec: no command",
            ALONE,
            &[],
            "\"command\": its first word, which names the program, is empty",
        ),
        ("user: unknown user hunter2", ALONE, &[], "\"run-as\": the container has no such user"),
        (
            "cannot start service: exec: \"mange\": executable file not found in $PATH",
            ALONE,
            &[],
            "\"command\": the container has no such program",
        ),
        (GONE, ALONE, &[], "\"command\": the container has no such program"),
        (GONE, IN_FOLDER, &[PROGRAM], "\"folder\": the container has no such directory"),
        (GONE, IN_FOLDER, &[FOLDER], "\"command\": the container has no such program"),
        (
            GONE,
            IN_FOLDER,
            &[FOLDER, PROGRAM],
            "\"command\": its program is there, and the interpreter or loader that it needs is not",
        ),
        (
            "cannot start service: fork/exec ./mange: no such file or directory",
            IN_FOLDER,
            &[FOLDER],
            "\"command\": the container has no such program",
        ),
        (
            NO_FOLDER,
            IN_FOLDER,
            &[("/secret/folder", "file", "644"), PROGRAM],
            "\"folder\": it is no directory in the container",
        ),
        (NO_FOLDER, ALONE, &[], "\"command\": the container has no such program"),
        (
            DENIED,
            ALONE,
            &[("/secret/run", "directory", "755")],
            "\"command\": it names a directory, not a program",
        ),
        (
            DENIED,
            ALONE,
            &[("/secret/run", "file", "644")],
            "\"command\": it names a file that may not be executed",
        ),
        (
            DENIED,
            IN_FOLDER,
            &[PRIVATE, PROGRAM],
            "\"folder\": the user who runs the command may not enter it",
        ),
        (
            DENIED,
            IN_FOLDER,
            &[FOLDER, ("/secret/run", "file", "700")],
            "\"command\": the user who runs it may not run its program, or not enter a directory \
             on the way to it",
        ),
        (
            "cannot start service: fork/exec /secret/run: exec format error",
            ALONE,
            &[PROGRAM],
            "\"command\": its program is nothing that can be run here",
        ),
        (
            "cannot start service: fork/exec /secret/run: operation not permitted",
            IN_FOLDER,
            &[FOLDER, PROGRAM],
            "\"run-as\": Pebble may not run anything as this user",
        ),
        (
            "cannot start service: fork/exec /secret/run: too many levels of symbolic links",
            ALONE,
            &[],
            "\"command\": the container has no such program",
        ),
        (
            "user \"hunter2\" UID (4242) does not match user-id (7)",
            ALONE,
            &[],
            "\"run-as\": the user has another number in the container",
        ),
    ];
    for (cause, plan, files, told) in cases {
        let causes: &'static [(&str, &str)] = Box::leak(Box::new([("web", cause)]));
        let mut unit = Unit::in_operation()
            .with_pebble(failing(causes, plan, files))
            .on("config-changed", Step::Pebble)
            .on("actions/act", Step::Restart);
        unit.log_level = LogLevel::Trace;
        let ran = unit.run(CONFIG_CHANGED);
        assert_eq!(
            (ran.code, ran.statuses[0].as_str()),
            (0, format!("blocked: invalid {told}").as_str())
        );
        assert!(unit.stored().is_empty() && ran.err.contains("needs the user"), "{ran:?}");
        assert_no_value_is_shown(&ran);
        // The same holds for the failure of an action.
        let ran = unit.run("actions/act");
        assert!(ran.failure.as_ref().unwrap().contains(told), "{ran:?}");
        assert_no_value_is_shown(&ran);
        unit.steps.clear();
        assert_eq!(unit.run(CONFIG_CHANGED).statuses, ["active"]);
    }
}

#[test]
fn what_is_led_back_to_no_option_or_is_not_the_users_to_mend_stays_a_failed_change() {
    for (causes, told, value) in [
        // The group is the charm's own; other fields of the service come from options.
        (
            &[("web", "group: unknown group hunter2")][..],
            "blocked: failed: web: the container has no such group",
            false,
        ),
        (
            &[("db", "user: unknown user own")],
            "blocked: failed: db: the container has no such user",
            true,
        ),
        // The error may go away by itself, but the program is the user's.
        (
            &[("web", "cannot start service: fork/exec /secret/run: cannot allocate memory")],
            "blocked: failed: web: its program cannot be started: cannot allocate memory",
            false,
        ),
        // The user can correct only one of the two.
        (
            &[
                ("web", "user: unknown user hunter2"),
                ("db", "service start attempt: exited quickly with code 1, will restart"),
            ],
            "blocked: failed: web: the container has no such user; db: service start attempt: \
             exited quickly with code 1, will restart",
            false,
        ),
    ] {
        let causes: &'static [(&str, &str)] = Box::leak(causes.to_vec().into_boxed_slice());
        let unit = Unit::in_operation()
            .with_pebble(failing(causes, ALONE, &[]))
            .on("config-changed", Step::Pebble);
        let ran = unit.run(CONFIG_CHANGED);
        assert_eq!((ran.code, &ran.statuses[..]), (0, &[told.to_owned()][..]));
        assert_eq!(unit.stored(), ["config-changed"]);
        // A value of the charm itself is for its author to read in the log.
        assert_eq!(ran.err.contains("own"), value, "{ran:?}");
        assert_no_value_is_shown(&ran);
    }
}

#[test]
fn a_charm_that_panics_when_it_is_asked_has_led_the_field_back_to_nothing() {
    for hook in [CONFIG_CHANGED, "hooks/web-pebble-ready"] {
        let unit = Unit::in_operation()
            .with_pebble(failing(&[("bomb", "user: unknown user own")], ALONE, &[]))
            .on("config-changed", Step::Pebble)
            .on("web-pebble-ready", Step::Pebble);
        let ran = unit.run(hook);
        let told = "blocked: failed: bomb: the container has no such user";
        assert_eq!((ran.code, &ran.statuses[..]), (0, &[told.to_owned()][..]), "{ran:?}");
        assert_eq!(unit.stored().len(), 1);
        let logged = format!("{:?}", ran.log);
        assert!(logged.contains("option_of") && logged.contains("it went off"), "{ran:?}");
    }
}

#[test]
fn a_refused_layer_blocks_by_the_options_name() {
    for (message, told) in [
        (
            "plan service \"web\" user: unknown user hunter2",
            "\"run-as\": the container has no such user",
        ),
        (
            "plan service \"web\" command invalid: cannot parse service \"web\" command: hunter2",
            "\"command\": it cannot be run",
        ),
        (
            "plan check \"up\" has invalid user/group: user: unknown user hunter2",
            "\"check-as\": the container has no such user",
        ),
        (
            "plan check \"up\" has invalid user/group: user: unknown userid 4242",
            "\"check-as-number\": the container has no user of this number",
        ),
        (
            "plan check \"up\" has invalid user/group: user \"hunter2\" UID (0) does not match \
             user-id (4242)",
            "\"check-as-number\": the user has another number in the container",
        ),
        (
            "plan check \"up\" has invalid user/group: must specify user, not just group",
            "\"check-as-group\": a group needs a user beside it",
        ),
    ] {
        let mut unit = Unit::in_operation()
            .with_pebble(refusing(400, message))
            .on("config-changed", Step::Pebble);
        unit.log_level = LogLevel::Trace;
        let ran = unit.run(CONFIG_CHANGED);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.statuses[0].starts_with(&format!("blocked: invalid {told}")), "{ran:?}");
        assert!(unit.stored().is_empty());
        assert_no_value_is_shown(&ran);
    }
}

#[test]
fn a_command_that_is_refused_before_it_is_sent_says_why() {
    let unit =
        Unit::in_operation().with_pebble(accepting).on("config-changed", Step::Command("'hunter2"));
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!(
        ran.statuses,
        ["blocked: invalid \"command\": its command cannot be run: a quote is not closed"]
    );
    assert_no_value_is_shown(&ran);
}

#[test]
fn a_refusal_without_an_option_behind_it_fails_the_hook() {
    for (step, message, status) in [
        (Step::Pebble, "plan service \"web\" group: unknown group staff", 400),
        (Step::Pebble, "plan service \"db\" user: unknown user nobody1", 400),
        (
            Step::Pebble,
            "plan check \"web\" has invalid user/group: user: unknown user nobody1",
            400,
        ),
        // A command that a handler runs is in no layer.
        (Step::Exec, "cannot find executable \"mange\"", 400),
        (Step::Exec, "user: unknown user nobody1", 400),
        (Step::Exec, "cannot call exec: working directory \"/nowhere\" does not exist", 500),
    ] {
        let unit = Unit::in_operation()
            .with_pebble(refusing(status, message))
            .on("config-changed", step.clone())
            .on("web-pebble-ready", step);
        let ran = unit.run(CONFIG_CHANGED);
        assert_eq!((ran.code, ran.statuses.len()), (1, 0), "{ran:?}");
        assert!(ran.log.last().unwrap().1.contains(message), "{ran:?}");
        let ran = unit.run("hooks/web-pebble-ready");
        assert_eq!(ran.code, 0);
        assert!(
            ran.statuses[0].starts_with("blocked: cannot ")
                && !ran.statuses[0].contains("invalid \""),
            "{ran:?}"
        );
        assert_eq!(unit.stored(), ["web-pebble-ready"]);
    }
}

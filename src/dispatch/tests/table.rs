//! Every row of the outcome table, run as a hook.

use super::fakes::{Collected, Ran, Step, Unit, failing_service, refusing, willing};
use super::queue::Arrival;
use super::{Event, Verdict};
use crate::juju::Status;

const READY: &str = "hooks/web-pebble-ready";
const CONFIG_CHANGED: &str = "hooks/config-changed";

fn committed(ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.statuses.len(), 1, "{ran:?}");
    assert!(ran.seen.ends_with(&["collect-status".to_owned()]), "{ran:?}");
}

fn failed(ran: &Ran, cause: &str) {
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!ran.seen.contains(&"collect-status".to_owned()), "{ran:?}");
    assert!(!ran.tools.contains(&"state-set"), "{ran:?}");
    let (level, text) = ran.log.last().unwrap();
    assert_eq!(level, "ERROR");
    assert!(text.contains(cause), "{text}");
}

#[test]
fn done_shows_what_collect_status_says() {
    let unit =
        Unit::in_operation().collecting(Collected::Add(vec![Status::maintenance("polishing")]));
    let ran = unit.run(CONFIG_CHANGED);
    committed(&ran);
    assert_eq!(ran.statuses, ["maintenance: polishing"]);
    assert!(unit.stored().is_empty());
}

#[test]
fn a_deferred_event_is_stored_and_shown() {
    let unit = Unit::in_operation().on("config-changed", Step::Defer("waiting for the database"));
    let ran = unit.run(CONFIG_CHANGED);
    committed(&ran);
    assert_eq!(ran.statuses, ["waiting: waiting for the database"]);
    assert_eq!(unit.stored(), ["config-changed"]);
}

#[test]
fn pebble_away_in_setup_stores_and_waits() {
    let unit = Unit::new().on("install", Step::Pebble);
    let ran = unit.run("hooks/install");
    committed(&ran);
    assert_eq!(ran.statuses, ["waiting: waiting for Pebble in \"web\""]);
    assert_eq!(unit.stored(), ["install"]);
}

#[test]
fn pebble_away_in_a_workload_hook_stores_and_waits() {
    let unit = Unit::in_operation().on("web-pebble-ready", Step::Pebble);
    let ran = unit.run(READY);
    assert_eq!(ran.code, 0, "{ran:?}");
    // The early status of the long retry, then the collected one.
    assert_eq!(
        ran.statuses,
        [
            "waiting: Pebble in \"web\" not answering (attempt 4 of 15)",
            "waiting: waiting for Pebble in \"web\""
        ]
    );
    assert_eq!(unit.stored(), ["web-pebble-ready"]);

    let mut unit = unit.with_pebble(willing);
    unit.steps.clear();
    let ran = unit.run("hooks/update-status");
    assert_eq!(ran.seen, ["web-pebble-ready", "update-status", "collect-status"]);
    assert!(unit.stored().is_empty());
}

#[test]
fn pebble_away_in_operation_fails_the_hook() {
    let unit = Unit::in_operation().on("config-changed", Step::Pebble);
    let before = unit.state();
    let ran = unit.run(CONFIG_CHANGED);
    failed(&ran, "cannot add layer \"web\" in container \"web\": no answer from Pebble");
    assert_eq!(ran.statuses, ["waiting: Pebble in \"web\" not answering (attempt 4 of 15)"]);
    assert_eq!(unit.state(), before);
}

#[test]
fn pebble_away_in_stop_and_remove_is_let_go() {
    for event in ["stop", "remove"] {
        let unit = Unit::in_operation().on(event, Step::Pebble);
        let ran = unit.run(&format!("hooks/{event}"));
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.seen, [event]);
        assert!(ran.statuses.is_empty());
        assert!(
            ran.err.contains("is done all the same") && !ran.err.contains(" attempts"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn a_failed_change_is_stored_and_blocks() {
    let unit = Unit::in_operation().with_pebble(failing_service).on("config-changed", Step::Pebble);
    let ran = unit.run(CONFIG_CHANGED);
    committed(&ran);
    let [status] = &ran.statuses[..] else { panic!("{ran:?}") };
    assert!(status.starts_with("blocked: failed: web: "), "{status}");
    assert!(
        status.contains("exited quickly with code 1") && status.ends_with("boom: no such key"),
        "{status}"
    );
    assert_eq!(unit.stored(), ["config-changed"]);
}

#[test]
fn a_failed_change_in_stop_fails_the_hook_because_nothing_can_be_stored() {
    let unit = Unit::in_operation().with_pebble(failing_service).on("stop", Step::Restart);
    failed(&unit.run("hooks/stop"), "exited quickly with code 1");
}

#[test]
fn what_only_the_user_can_mend_blocks_until_it_is_mended() {
    let mut unit = Unit::in_operation().on("web-pebble-ready", Step::Config);
    let ran = unit.run(READY);
    committed(&ran);
    assert_eq!(ran.statuses, ["blocked: invalid config \"port\": must be even"]);
    assert!(unit.stored().is_empty());

    // It stays over hooks that do not touch it.
    assert_eq!(
        unit.run("hooks/update-status").statuses,
        ["blocked: invalid config \"port\": must be even"]
    );
    // Its own event, or config-changed, without the fault clears it.
    unit.steps.clear();
    let again = unit.run(CONFIG_CHANGED);
    assert_eq!(again.statuses, ["active"]);
    assert_eq!(unit.run("hooks/update-status").statuses, ["active"]);
}

#[test]
fn a_fault_of_config_changed_goes_when_config_changed_is_fine() {
    let mut unit = Unit::in_operation().on("config-changed", Step::Config);
    assert!(unit.run(CONFIG_CHANGED).statuses[0].starts_with("blocked: invalid config \"port\""));
    unit.steps.clear();
    assert!(
        unit.run("hooks/leader-elected").statuses[0]
            .starts_with("blocked: invalid config \"port\"")
    );
    assert_eq!(unit.run(CONFIG_CHANGED).statuses, ["active"]);
}

#[test]
fn a_definite_refusal_fails_the_hook_with_the_cause_in_the_log() {
    let unit = Unit::in_operation()
        .with_pebble(refusing(400, "label is reserved"))
        .on("config-changed", Step::Pebble);
    failed(&unit.run(CONFIG_CHANGED), "label is reserved");
}

#[test]
fn a_bug_fails_the_hook_with_the_cause_in_the_log() {
    let unit = Unit::in_operation().on("config-changed", Step::Own("cannot divide by zero"));
    failed(&unit.run(CONFIG_CHANGED), "\"config-changed\" failed: cannot divide by zero");
}

#[test]
fn a_panic_fails_the_hook() {
    let unit = Unit::in_operation().on("config-changed", Step::Panic);
    failed(
        &unit.run(CONFIG_CHANGED),
        "cannot finish \"config-changed\": the charm panicked (the moon is full)",
    );
}

#[test]
fn any_other_error_in_a_workload_hook_is_stored_and_blocks() {
    for (step, cause) in [
        (Step::Own("cannot divide by zero"), "cannot divide by zero"),
        (Step::Panic, "the moon is full"),
    ] {
        let mut unit = Unit::in_operation().on("web-pebble-check-failed", step);
        unit.variables = vec![("JUJU_PEBBLE_CHECK_NAME", "up".to_owned())];
        let ran = unit.run("hooks/web-pebble-check-failed");
        committed(&ran);
        assert!(
            ran.statuses[0].starts_with("blocked: cannot") && ran.statuses[0].contains(cause),
            "{ran:?}"
        );
        assert_eq!(unit.stored(), ["web-pebble-check-failed"]);
        assert!(
            ran.log.iter().any(|(level, text)| level == "ERROR" && text.contains(cause)),
            "{ran:?}"
        );
    }
}

#[test]
fn the_charm_overrides_the_table_in_one_place() {
    let mut unit = Unit::in_operation().on("config-changed", Step::Own("cannot do it"));
    unit.verdict = Some(Verdict::Store(Status::maintenance("trying again")));
    assert_eq!(unit.run(CONFIG_CHANGED).statuses, ["maintenance: trying again"]);
    assert_eq!(unit.stored(), ["config-changed"]);
    unit.verdict = Some(Verdict::Done);
    assert_eq!(unit.run(CONFIG_CHANGED).statuses, ["active"]);
    assert!(unit.stored().is_empty());
    unit.verdict = Some(Verdict::Fail);
    assert_eq!(unit.run(CONFIG_CHANGED).code, 1);
}

#[test]
fn an_actions_error_is_its_failure_message() {
    let unit = Unit::in_operation().on("actions/act", Step::Own("cannot act:\n  on stage"));
    let before = unit.state();
    let ran = unit.run("actions/act");
    assert_eq!(ran.code, 0);
    assert_eq!(ran.failure.as_deref(), Some("cannot act: on stage"));
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    assert!(ran.statuses.is_empty() && ran.seen == ["actions/act"], "{ran:?}");
    assert_eq!(unit.state(), before);
}

#[test]
fn an_action_runs_nothing_but_itself_and_collects_when_it_succeeds() {
    let unit = Unit::in_operation();
    unit.edit(|framework| {
        framework
            .queue
            .store(&Event::ConfigChanged, &Status::waiting("later"), Arrival::FromJuju, 1)
            .unwrap();
    });
    let ran = unit.run("actions/act");
    committed(&ran);
    assert_eq!(ran.seen, ["actions/act", "collect-status"]);
    assert_eq!(ran.statuses, ["waiting: later"]);
    assert_eq!(unit.stored(), ["config-changed"]);
}

#[test]
fn deferring_what_cannot_be_deferred_is_an_error() {
    let unit = Unit::in_operation().on("actions/act", Step::Defer("later"));
    assert!(unit.run("actions/act").failure.unwrap().starts_with("cannot defer \"actions/act\""));
    for event in ["stop", "remove", "secret-rotate", "secret-expired"] {
        let unit = Unit::in_operation().on(event, Step::Defer("later"));
        failed(&unit.run(&format!("hooks/{event}")), &format!("cannot defer \"{event}\""));
    }
}

#[test]
fn an_undeclared_action_says_so_and_an_unknown_hook_does_not_fail() {
    let unit = Unit::in_operation();
    let ran = unit.run("actions/other");
    assert_eq!(ran.code, 0);
    assert!(ran.failure.unwrap().starts_with("cannot run \"actions/other\""));
    let ran = unit.run("hooks/moon-full");
    committed(&ran);
    assert_eq!(ran.seen, ["moon-full", "collect-status"]);
}

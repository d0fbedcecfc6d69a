//! Tests every row of the table of verdicts, by running a hook.

use super::fake_pebble::{accepting, failing_service, refusing};
use super::fakes::{HookResult, Unit};
use super::probe::{Collected, Step};
use super::queue::Arrival;
use super::report::Ending;

use crate::juju::{LogLevel, Status};
use crate::{ErrorKind, Event, NotReady, Verdict};

const READY: &str = "hooks/web-pebble-ready";
const CONFIG_CHANGED: &str = "hooks/config-changed";

fn committed(ran: &HookResult) {
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.statuses.len(), 1, "{ran:?}");
    assert!(ran.seen.ends_with(&["collect-status".to_owned()]), "{ran:?}");
}

fn failed(ran: &HookResult, cause: &str) {
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
    // The early status of the long retry comes first, then the collected one.
    assert_eq!(
        ran.statuses,
        [
            "waiting: Pebble in \"web\" not answering (attempt 4 of 15)",
            "waiting: waiting for Pebble in \"web\""
        ]
    );
    assert_eq!(unit.stored(), ["web-pebble-ready"]);

    let mut unit = unit.with_pebble(accepting);
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

    // The mistake stays over hooks that do not concern it.
    assert_eq!(
        unit.run("hooks/update-status").statuses,
        ["blocked: invalid config \"port\": must be even"]
    );
    // Its own event, or config-changed, removes it when it is handled without the mistake.
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
fn an_action_that_refuses_says_why_and_no_more() {
    let why = "there is no backup of that name";
    let waits = NotReady::waiting(why);
    for step in [Step::Refuse(why), Step::NotReady(waits.clone()), Step::NotReady(waits.stored())] {
        let unit = Unit::in_operation().on("actions/act", step);
        let ran = unit.run("actions/act");
        assert_eq!((ran.code, ran.failure.as_deref()), (0, Some(why)), "{ran:?}");
        assert_eq!(ran.report.failure().unwrap().kind(), &ErrorKind::Refused);
        assert!(
            ran.statuses.is_empty() && unit.stored().is_empty() && ran.log.is_empty(),
            "{ran:?}"
        );
    }
}

#[test]
fn an_actions_results_are_set_before_the_status() {
    let unit = Unit::in_operation().on("actions/act", Step::Result("size", "7"));
    let ran = unit.run("actions/act");
    committed(&ran);
    assert_eq!(ran.tools, ["state-get", "config-get", "action-set", "status-set"]);
    assert_eq!(ran.report.action_result().unwrap().get("size"), Some("7"));
    let results = unit.tools.with_model(|model, unit| {
        model.unit(unit).unwrap().actions().next().unwrap().results().clone()
    });
    assert_eq!(results["size"], "7");

    let unit = Unit::in_operation().on("actions/act", Step::Result("Size", "7"));
    assert!(unit.run("actions/act").failure.unwrap().contains("the key \"Size\" is not allowed"));
}

#[test]
fn what_is_not_ready_is_done_and_shown_in_its_own_hook() {
    for (reason, shown) in [
        (NotReady::waiting("waiting for the database"), "waiting: waiting for the database"),
        (NotReady::blocked("integrate a database"), "blocked: integrate a database"),
    ] {
        for hook in [CONFIG_CHANGED, READY, "hooks/stop"] {
            let event = hook.strip_prefix("hooks/").unwrap();
            let mut unit = Unit::in_operation().on(event, Step::NotReady(reason.clone()));
            unit.verdict = Some(Verdict::Fail);
            let ran = unit.run(hook);
            committed(&ran);
            assert_eq!((&ran.statuses[..], ran.log.len()), (&[shown.to_owned()][..], 0), "{ran:?}");
            let [handled] = ran.report.handled() else { panic!("{ran:?}") };
            assert_eq!(handled.ending(), &Ending::NotReady(reason.status().clone()));
            assert!(unit.stored().is_empty());
            assert_eq!(unit.run("hooks/update-status").statuses, ["active"]);
        }
    }
}

#[test]
fn what_is_not_ready_runs_again_where_it_is_stored() {
    let reason = NotReady::blocked("integrate a database").stored();
    let unit = Unit::in_operation().on("config-changed", Step::NotReady(reason.clone()));
    let ran = unit.run(CONFIG_CHANGED);
    committed(&ran);
    assert_eq!(ran.statuses, ["blocked: integrate a database"]);
    assert_eq!(unit.stored(), ["config-changed"]);
    let ran = unit.run("hooks/update-status");
    let [again, current] = ran.report.handled() else { panic!("{ran:?}") };
    assert!(again.is_deferred() && again.event() == &Event::ConfigChanged, "{ran:?}");
    assert_eq!(again.ending(), &Ending::Stored(reason.status().clone()));
    assert!(!current.is_deferred() && current.ending() == &Ending::Done, "{ran:?}");

    let unit = Unit::in_operation().on("stop", Step::NotReady(reason));
    failed(&unit.run("hooks/stop"), "cannot defer \"stop\"");
}

#[test]
fn a_stored_event_that_is_not_ready_any_more_is_done() {
    let mut unit = Unit::in_operation().on("config-changed", Step::Defer("later"));
    unit.run(CONFIG_CHANGED);
    assert_eq!(unit.stored(), ["config-changed"]);
    let waits = NotReady::waiting("waiting for the database");
    unit.steps.insert("config-changed", Step::NotReady(waits));
    let ran = unit.run("hooks/update-status");
    assert_eq!(ran.statuses, ["waiting: waiting for the database"]);
    assert!(unit.stored().is_empty());
}

#[test]
fn collect_status_that_is_not_ready_adds_its_status() {
    let waits = NotReady::waiting("waiting for the exporter");
    let unit = Unit::in_operation().collecting(Collected::NotReady(waits));
    let ran = unit.run(CONFIG_CHANGED);
    committed(&ran);
    assert_eq!(ran.statuses, ["waiting: waiting for the exporter"]);
}

#[test]
fn a_report_tells_what_became_of_the_hook() {
    let unit = Unit::in_operation().on("config-changed", Step::Own("cannot divide by zero"));
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!(ran.report.failure().unwrap().to_string(), "cannot divide by zero");
    assert_eq!(ran.report.handled()[0].ending(), &Ending::Failed);
    assert_eq!(ran.report.status(), None);
    let log: Vec<_> = ran.report.log().collect();
    let line = "\"config-changed\" failed: cannot divide by zero";
    assert_eq!(log, [(LogLevel::Error, line)]);

    let unit = Unit::new().on("install", Step::Pebble);
    let ran = unit.run("hooks/install");
    let waiting = Status::waiting("waiting for Pebble in \"web\"");
    assert_eq!(ran.report.status(), Some(&waiting));
    let [handled] = ran.report.handled() else { panic!("{ran:?}") };
    assert_eq!(handled.ending(), &Ending::Stored(waiting));
    assert!(handled.error().unwrap().in_setup());
    let [retries] = ran.report.retries() else { panic!("{ran:?}") };
    assert_eq!((retries.retries(), retries.on()), (2, "container \"web\""));

    let unit = Unit::in_operation().on("web-pebble-ready", Step::Config);
    let ran = unit.run(READY);
    let blocked = Ending::Blocked("invalid config \"port\": must be even".to_owned());
    assert_eq!(ran.report.handled()[0].ending(), &blocked);
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
    assert_eq!(
        ran.failure.unwrap(),
        "cannot run the action \"other\": the charm declares the actions [\"act\"]"
    );
    // The error is reported before anything else is done.
    assert_eq!(ran.tools, ["action-fail"]);
    assert_eq!(ran.report.failure().unwrap().kind(), &ErrorKind::Undeclared);
    let ran = unit.run("hooks/moon-full");
    committed(&ran);
    assert_eq!(ran.seen, ["moon-full", "collect-status"]);
}

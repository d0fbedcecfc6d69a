//! Tests what concerns several hooks, or fails outside the handlers.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::charm_state::CHARM_KEY;
use super::fake_pebble::accepting;
use super::fakes::{Unit, lines_logged};
use super::probe::{Collected, Step};
use super::queue::{Arrival, Queue};

use crate::juju::{LogLevel, Status};
use crate::pebble::{RetryPolicy, RetrySummary};
use crate::{Event, Retry};

const CONFIG_CHANGED: &str = "hooks/config-changed";
const UPDATE_STATUS: &str = "hooks/update-status";

fn store(unit: &Unit, event: &Event, reason: &str) {
    unit.edit(|framework| {
        framework.queue.store(event, &Status::waiting(reason), Arrival::FromJuju, 1).unwrap();
    });
}

#[test]
fn an_event_nobody_handles_starts_three_tools() {
    let unit = Unit::in_operation();
    assert_eq!(unit.run(UPDATE_STATUS).tools, ["state-get", "config-get", "status-set"]);
}

#[test]
fn stored_events_run_first_and_oldest_first() {
    let unit = Unit::in_operation();
    store(&unit, &Event::LeaderElected, "one");
    store(&unit, &Event::ConfigChanged, "two");
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!(ran.seen, ["leader-elected", "config-changed", "update-status", "collect-status"]);
    assert_eq!(ran.statuses, ["active"]);
    assert!(unit.stored().is_empty());
}

#[test]
fn a_current_event_equal_to_a_stored_one_runs_once_and_clears_it() {
    let unit = Unit::in_operation();
    store(&unit, &Event::ConfigChanged, "one");
    store(&unit, &Event::LeaderElected, "two");
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!(ran.seen, ["leader-elected", "config-changed", "collect-status"]);
    assert!(unit.stored().is_empty());
}

#[test]
fn a_stored_event_that_stays_stored_does_not_stop_the_current_one() {
    let unit = Unit::in_operation().on("config-changed", Step::Defer("still waiting"));
    store(&unit, &Event::ConfigChanged, "waiting");
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!(ran.seen, ["config-changed", "update-status", "collect-status"]);
    assert_eq!(ran.statuses, ["waiting: still waiting"]);
    let queue = unit.framework().queue;
    let [entry] = queue.entries() else { panic!("{queue:?}") };
    assert_eq!((entry.count(), entry.attempts()), (1, 2));
}

#[test]
fn a_stored_event_is_judged_by_its_own_row() {
    let unit = Unit::in_operation().on("config-changed", Step::Pebble);
    store(&unit, &Event::ConfigChanged, "waiting");
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!((ran.code, &ran.seen[..]), (1, &["config-changed".to_owned()][..]));
    assert_eq!(unit.stored(), ["config-changed"]);

    // In a workload hook, which must not fail, the event stays stored and the current one runs.
    let ran = unit.run("hooks/web-pebble-ready");
    assert_eq!(ran.code, 0);
    assert_eq!(ran.seen, ["config-changed", "web-pebble-ready", "collect-status"]);
    assert_eq!(ran.statuses.last().unwrap(), "waiting: waiting for Pebble in \"web\"");
    assert_eq!(unit.stored(), ["config-changed"]);
}

#[test]
fn stored_events_do_not_run_in_stop_and_remove() {
    let unit = Unit::in_operation();
    store(&unit, &Event::ConfigChanged, "waiting");
    assert_eq!(unit.run("hooks/stop").seen, ["stop", "collect-status"]);
    assert_eq!(unit.run("hooks/remove").seen, ["remove", "collect-status"]);
    assert_eq!(unit.stored(), ["config-changed"]);
}

#[test]
fn an_event_whose_container_is_gone_is_dropped_with_a_warning() {
    let unit = Unit::in_operation();
    store(&unit, &Event::pebble_ready("old".parse().unwrap()), "waiting");
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!(ran.seen, ["update-status", "collect-status"]);
    assert!(ran.err.contains("dropped the stored \"old-pebble-ready\""), "{}", ran.err);
    assert!(unit.stored().is_empty());
}

#[test]
fn a_full_queue_fails_the_hook_and_the_status_of_a_workload_hook_says_so() {
    let unit = Unit::in_operation()
        .on("config-changed", Step::Defer("later"))
        .on("web-pebble-ready", Step::Defer("later"));
    unit.edit(|framework| {
        for number in 0..Queue::CAPACITY {
            let event = Event::unknown(format!("hook-{number}"), []);
            framework.queue.store(&event, &Status::waiting("full"), Arrival::FromJuju, 1).unwrap();
        }
    });
    // The stored events would be done before the new one, so each has to stay stored here.
    let mut unit = unit;
    let full = unit.state();
    unit.steps.extend((0..Queue::CAPACITY).map(|number| {
        let name: &'static str = Box::leak(format!("hook-{number}").into_boxed_str());
        (name, Step::Defer("full"))
    }));
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!(ran.code, 1);
    assert!(ran.log.last().unwrap().1.contains("64 events are stored already"), "{ran:?}");
    assert_eq!(unit.state(), full);

    // Exit 0 would tell Juju that the event is kept. Juju hides this failure, so the status reports
    // it, and Juju sends the event again.
    let ran = unit.run("hooks/web-pebble-ready");
    assert_eq!(ran.code, 1);
    assert_eq!(unit.state(), full);
    assert!(ran.statuses[0].starts_with("blocked: cannot defer \"web-pebble-ready\""), "{ran:?}");
}

#[test]
fn pebble_ready_ends_setup_whatever_its_outcome() {
    let unit = Unit::new().on("web-pebble-ready", Step::Own("cannot do it"));
    assert_eq!(unit.run("hooks/install").statuses, ["waiting: waiting for Pebble in \"web\""]);
    assert!(unit.run("hooks/web-pebble-ready").statuses[0].starts_with("blocked: cannot do it"));
    let container = "web".parse().unwrap();
    assert_eq!(unit.framework().phase(&container), crate::Phase::Operation);
    unit.run("hooks/start");
    assert_eq!(unit.framework().phase(&container), crate::Phase::Operation);
    unit.run("hooks/start");
    assert_eq!(unit.framework().phase(&container), crate::Phase::Setup);
}

#[test]
fn a_config_that_does_not_parse_blocks_and_names_the_option() {
    let unit = Unit::in_operation().on("config-changed", Step::ReadConfig);
    unit.configure("port", "80.5");
    for hook in [UPDATE_STATUS, CONFIG_CHANGED, UPDATE_STATUS] {
        let ran = unit.run(hook);
        assert_eq!(ran.code, 0);
        assert!(
            ran.statuses[0].starts_with("blocked: invalid config \"port\": invalid type"),
            "{ran:?}"
        );
    }
    unit.configure("port", "80");
    assert_eq!(unit.run(CONFIG_CHANGED).statuses, ["active"]);
}

#[test]
fn invalid_retry_options_block_and_the_defaults_count() {
    let unit = Unit::in_operation().on("config-changed", Step::Pebble);
    for (option, value) in [("pebble-retry-attempts", "0"), ("pebble-retry-step", "soon")] {
        unit.configure(option, value);
        assert!(
            unit.run(UPDATE_STATUS).statuses[0]
                .starts_with(&format!("blocked: invalid config \"{option}\""))
        );
        assert!(unit.run(CONFIG_CHANGED).log.last().unwrap().1.contains("after 15 attempts"));
        unit.tools.with_model(|model, _| model.reset_config("probe", option)).unwrap();
    }
}

#[test]
fn the_operators_attempts_count_in_operation_and_not_in_setup() {
    let unit = Unit::in_operation().on("config-changed", Step::Pebble);
    unit.configure("pebble-retry-attempts", "2");
    assert!(unit.run(CONFIG_CHANGED).log.last().unwrap().1.contains("after 2 attempts"));

    let unit = Unit::new().on("config-changed", Step::Pebble);
    unit.configure("pebble-retry-attempts", "2");
    let ran = unit.run(CONFIG_CHANGED);
    assert!(ran.err.contains("after 3 attempts"), "{}", ran.err);
}

#[test]
fn the_operators_attempts_count_only_where_the_charm_lets_them() {
    let twice = RetryPolicy::new().attempts(NonZeroU32::MIN.saturating_add(1));
    for (retry, attempts) in
        [(Retry::adjustable(twice.clone()), "after 4 attempts"), (Retry::fixed(twice), "after 2 ")]
    {
        let mut unit = Unit::in_operation().on("config-changed", Step::Pebble);
        unit.configure("pebble-retry-attempts", "4");
        unit.retry = retry;
        let ran = unit.run(CONFIG_CHANGED);
        assert!(ran.log.last().unwrap().1.contains(attempts), "{ran:?}");
    }
}

#[test]
fn the_charms_state_is_kept_and_written_only_when_changed() {
    let unit = Unit::in_operation().on("config-changed", Step::SetState(7));
    assert!(unit.run(CONFIG_CHANGED).tools.contains(&"state-set"));
    assert!(unit.state()[CHARM_KEY].contains("xxxxxxx"));
    assert!(!unit.run(CONFIG_CHANGED).tools.contains(&"state-set"));
}

#[test]
fn a_failing_status_set_fails_the_hook_but_not_a_workload_hook() {
    let unit = Unit::in_operation();
    unit.break_tool("status-set");
    assert_eq!(unit.run(UPDATE_STATUS).code, 1);
    assert_eq!(unit.run("hooks/web-pebble-ready").code, 0);
}

#[test]
fn errors_of_collect_status_are_told_apart() {
    let unit = Unit::in_operation().collecting(Collected::Services);
    assert_eq!(unit.run(UPDATE_STATUS).statuses, ["waiting: waiting for Pebble in \"web\""]);
    let unit = Unit::in_operation().collecting(Collected::Readiness);
    assert_eq!(unit.run(UPDATE_STATUS).statuses, ["waiting: waiting for Pebble in \"web\""]);
    let unit = Unit::in_operation().collecting(Collected::Config);
    assert_eq!(
        unit.run(UPDATE_STATUS).statuses,
        ["blocked: invalid config \"port\": must be prime"]
    );
    for (collected, cause) in
        [(Collected::Fail, "count the sheep"), (Collected::Panic, "collected too much")]
    {
        let unit = Unit::in_operation().collecting(collected);
        let ran = unit.run(UPDATE_STATUS);
        assert_eq!(ran.code, 1);
        let (_, told) = ran.log.last().unwrap();
        assert!(
            ran.statuses.is_empty()
                && told.contains(cause)
                && told.contains("cannot finish \"collect-status\""),
            "{ran:?}"
        );
        // No error may keep a unit from being removed.
        for hook in ["hooks/stop", "hooks/remove"] {
            let ran = unit.run(hook);
            assert_eq!(ran.code, 0, "{ran:?}");
            let (_, told) = ran.log.last().unwrap();
            assert!(
                told.contains("is done all the same: cannot finish \"collect-status\"")
                    && told.contains(cause),
                "{ran:?}"
            );
        }
        let ran = unit.run("hooks/web-pebble-ready");
        assert_eq!(ran.code, 0);
        assert!(
            ran.statuses[0].starts_with("blocked: ") && ran.statuses[0].contains(cause),
            "{ran:?}"
        );
    }
}

#[test]
fn a_config_that_cannot_be_read_without_a_panic_holds_no_unit_that_goes_away() {
    let unit = Unit::in_operation();
    unit.configure("bomb", "x");
    for (hook, code) in
        [(UPDATE_STATUS, 1), ("hooks/stop", 0), ("hooks/remove", 0), ("hooks/web-pebble-ready", 0)]
    {
        let ran = unit.run(hook);
        let (_, told) = ran.log.last().unwrap();
        assert_eq!(ran.code, code, "{hook}: {ran:?}");
        assert!(
            told.contains("cannot finish \"collect-status\"") && told.contains("it went off"),
            "{hook}: {ran:?}"
        );
    }
}

#[test]
fn a_pebble_that_answers_is_active() {
    let unit = Unit::in_operation()
        .with_pebble(accepting)
        .on("config-changed", Step::Pebble)
        .collecting(Collected::Readiness);
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!((ran.code, &ran.statuses[..]), (0, &["active".to_owned()][..]), "{ran:?}");
    assert_eq!(ran.err, "");
}

#[test]
fn an_application_status_is_the_leaders() {
    for leader in [false, true] {
        let unit =
            Unit::in_operation().collecting(Collected::Application(Status::waiting("all of us")));
        if leader {
            unit.tools.with_model(charmwright_agent::Model::set_leader).unwrap();
        }
        let ran = unit.run(UPDATE_STATUS);
        assert_eq!(ran.application.len(), usize::from(leader));
        assert_eq!(ran.statuses, ["active"]);
    }
}

#[test]
fn lines_go_where_they_cost_least() {
    const LINES: &[(LogLevel, &str)] = &[
        (LogLevel::Info, "one"),
        (LogLevel::Error, "two"),
        (LogLevel::Warning, "three"),
        (LogLevel::Info, "four"),
        (LogLevel::Debug, "five"),
    ];
    let batches = [("INFO", "one\nfour"), ("ERROR", "two")]
        .map(|(level, text)| (level.to_owned(), text.to_owned()));
    let mut unit = Unit::in_operation()
        .on("update-status", Step::Log(LINES))
        .on("actions/act", Step::Log(LINES));
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!(ran.log, batches);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", "three\n"));

    unit.log_level = LogLevel::Debug;
    let ran = unit.run(UPDATE_STATUS);
    assert!(ran.out.contains("five\n") && ran.err == "three\n", "{ran:?}");

    unit.log_level = LogLevel::Info;
    let ran = unit.run("actions/act");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    assert!(ran.log.contains(&("WARNING".to_owned(), "three".to_owned())), "{ran:?}");
}

#[test]
fn a_failing_juju_log_fails_nothing() {
    let unit = Unit::in_operation().on("update-status", Step::Log(&[(LogLevel::Info, "one")]));
    unit.break_tool("juju-log");
    let ran = unit.run(UPDATE_STATUS);
    assert_eq!(ran.code, 0);
    assert!(ran.err.contains("one") && ran.err.contains("juju-log"), "{}", ran.err);
}

#[test]
fn lines_leave_before_a_long_wait() {
    const LINES: &[(LogLevel, &str)] = &[(LogLevel::Info, "about to ask")];
    let unit = Unit::in_operation().on("config-changed", Step::LogThenPebble(LINES));
    let ran = unit.run(CONFIG_CHANGED);
    let tools = ["state-get", "config-get", "juju-log", "status-set", "juju-log", "juju-log"];
    assert_eq!(ran.tools, tools);
    assert_eq!(ran.log[0], ("INFO".to_owned(), "about to ask".to_owned()));
    // The summary of the retries is logged at the end, before the error.
    let summary: RetrySummary = ran.log[1].1.parse().unwrap();
    assert_eq!((summary.on(), summary.is_ongoing()), ("container \"web\"", false));
    assert_eq!((summary.retries(), summary.unanswered()), (14, Duration::from_secs(105)));
    assert_eq!(ran.log[2].0, "ERROR");
    let (_, so_far) = RetrySummary::at_end_of(ran.err.trim_end()).unwrap();
    assert!(so_far.is_ongoing() && so_far.retries() == 1 && so_far.on() == summary.on());
    // The first failed attempt is logged at once, on the stream that needs no process.
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

#[test]
fn the_first_failed_attempt_of_a_retry_is_told_at_once_and_lines_leave_before_each_wait() {
    let unit =
        Unit::in_operation().on("actions/act", Step::Retry).on("config-changed", Step::Retry);
    let ran = unit.run("actions/act");
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    let warned = "cannot reload the proxy: connection refused; attempt 1 of 3, next in 1 s \
                  [retries=1+ unanswered=1s on=\"reload the proxy\"]";
    let line = |level: &str, text: &str| (level.to_owned(), text.to_owned());
    assert_eq!(
        ran.log,
        [
            line("INFO", "attempt 1"),
            line("WARNING", warned),
            line("INFO", "attempt 2"),
            line("INFO", "attempt 3")
        ]
    );
    assert_eq!(
        ran.failure.unwrap(),
        "cannot reload the proxy: failed 3 times in 3 s: connection refused"
    );

    // In a hook a warning needs no process, and the batches are sent all the same.
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!(ran.err, format!("{warned}\n"));
    let infos: Vec<&str> = ran.log.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(infos[..2], ["attempt 1", "attempt 2"]);
}

#[test]
fn what_another_change_is_waited_for_is_told_before_the_wait() {
    let unit = Unit::in_operation();
    let tools = unit.tools.clone();
    let requests = AtomicUsize::new(0);
    // The content of the log when each request came.
    let logged = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&logged);
    let unit = unit
        .with_pebble(move |method, target| match (method, target.split('?').next().unwrap()) {
            ("POST", "/v1/services") => {
                requests.fetch_add(1, Ordering::SeqCst);
                seen.lock().unwrap().push(lines_logged(&tools.calls()));
                accepting(method, target)
            }
            ("GET", "/v1/changes/1/wait" | "/v1/changes/1")
                if requests.load(Ordering::SeqCst) == 1 =>
            {
                let tasks = json!([{
                    "id": "2", "kind": "start", "summary": "Start service \"web\"",
                    "status": "Error",
                    "log": ["2026-11-22T20:00:10Z ERROR cannot start service while terminating"]
                }]);
                let change = json!({
                    "id": "1", "kind": "restart", "summary": "Restart", "status": "Error",
                    "ready": true, "err": "cannot perform the following tasks", "tasks": tasks
                });
                (200, json!({"type": "sync", "status-code": 200, "status": "OK", "result": change}))
            }
            _ => accepting(method, target),
        })
        .on("actions/act", Step::Restart);
    let ran = unit.run("actions/act");
    assert_eq!((ran.code, &ran.failure), (0, &None), "{ran:?}");
    let logged = logged.lock().unwrap();
    let [before, after] = logged.as_slice() else { panic!("{logged:?}") };
    assert!(before.is_empty(), "{before:?}");
    let told = |(_, text): &(String, String)| {
        text.contains("at work on service \"web\": waiting for its end")
    };
    assert!(after.iter().any(told), "{after:?}");
}

#[test]
fn a_workload_hook_of_a_container_that_nobody_declared_does_not_fail_either() {
    let unit = Unit::in_operation().on("old-pebble-ready", Step::Own("cannot do it"));
    let ran = unit.run("hooks/old-pebble-ready");
    assert_eq!(ran.code, 0);
    assert!(ran.statuses[0].starts_with("blocked: cannot do it"), "{ran:?}");
}

#[test]
fn an_error_straight_from_the_client_knows_its_container() {
    let unit = Unit::new().on("config-changed", Step::RawClient);
    let ran = unit.run(CONFIG_CHANGED);
    assert_eq!(
        (ran.code, &ran.statuses[..]),
        (0, &["waiting: waiting for Pebble in \"web\"".to_owned()][..])
    );
    assert_eq!(unit.stored(), ["config-changed"]);
}

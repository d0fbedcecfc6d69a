//! These tests run the resend rules against a server that follows a script, for what a real daemon
//! does only by bad luck.

use std::time::Duration;

use serde_json::json;

use super::scripted_server::{ServerAction, accepted, change, later, run_script, services, sync};
use super::{Check, ErrorKind, Layer, LayerMode, Service, Startup};
use charmwright_testing::CapturedLog;

const POST: &str = "POST /v1/services ";
const LIST_ALL: &str = "GET /v1/changes?select=all ";
const LIST_RUNNING: &str = "GET /v1/changes?select=in-progress ";
const SERVICES: &str = "GET /v1/services?names=web ";
const READ: &str = "GET /v1/changes/5 ";
const WAIT: &str = "GET /v1/changes/5/wait";

#[tokio::test]
async fn a_restart_that_shows_in_the_services_is_never_sent_again() {
    let done = || change("5", "restart", later(), "Done", "");
    let script = vec![
        (POST, ServerAction::Cut),
        (LIST_ALL, sync(json!([]))),
        (LIST_ALL, sync(json!(null))),
        (SERVICES, services(Some(later()))),
        (LIST_ALL, sync(json!([]))),
        (SERVICES, services(Some(later()))),
        (LIST_ALL, sync(json!([done()]))),
        (WAIT, sync(done())),
        (SERVICES, services(Some(later()))),
    ];
    run_script(script, async |client| {
        assert_eq!(client.restart(["web"]).await.unwrap().id().as_str(), "5");
    })
    .await;
}

#[tokio::test]
async fn a_restart_that_was_lost_with_its_daemon_is_sent_to_the_next() {
    let booted = || sync(json!([change("1", "autostart", later(), "Done", "")]));
    let script = vec![
        (POST, ServerAction::Cut),
        (LIST_ALL, booted()),
        (LIST_ALL, booted()),
        (POST, accepted("5")),
        (WAIT, sync(change("5", "restart", later(), "Done", ""))),
    ];
    run_script(script, async |client| {
        assert_eq!(client.restart(["web"]).await.unwrap().id().as_str(), "5");
    })
    .await;
}

#[tokio::test]
async fn a_wait_that_a_busy_proxy_refuses_goes_on() {
    let busy = || ServerAction::Answer(503, json!({"type": "error", "result": {"message": "x"}}));
    let script = vec![
        (POST, accepted("5")),
        (WAIT, busy()),
        (WAIT, busy()),
        (WAIT, sync(change("5", "restart", later(), "Done", ""))),
    ];
    run_script(script, async |client| {
        assert_eq!(client.restart(["web"]).await.unwrap().id().as_str(), "5");
    })
    .await;
}

#[tokio::test]
async fn a_search_comes_before_each_further_send() {
    let old = change("4", "start", "2020-01-01T00:00:00Z".parse().unwrap(), "Done", "");
    let script = vec![
        (POST, ServerAction::Cut),
        (LIST_ALL, sync(json!([old]))),
        (LIST_ALL, sync(json!([old]))),
        (POST, ServerAction::Cut),
        (LIST_ALL, sync(json!([old]))),
        (POST, accepted("5")),
        (WAIT, sync(change("5", "start", later(), "Done", ""))),
    ];
    run_script(script, async |client| {
        client.start(["web"]).await.unwrap();
        assert_eq!(client.budget().retries(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_is_gone_or_another_one_is_asked_for_anew() {
    let gone = ServerAction::Answer(
        404,
        json!({"type": "error", "result": {"message": "cannot find change with id \"5\""}}),
    );
    let other_kind = sync(change("5", "perform-check", later(), "Doing", ""));
    let older = sync(change("5", "start", "2020-01-01T00:00:00Z".parse().unwrap(), "Done", ""));
    for evidence in [gone, other_kind, older] {
        let script = vec![
            (POST, accepted("5")),
            (WAIT, ServerAction::Cut),
            (READ, evidence),
            (POST, accepted("6")),
            ("GET /v1/changes/6/wait", sync(change("6", "start", later(), "Done", ""))),
        ];
        run_script(script, async |client| {
            assert_eq!(client.start(["web"]).await.unwrap().id().as_str(), "6");
        })
        .await;
    }
}

#[tokio::test]
async fn a_change_whose_effect_is_gone_is_asked_for_anew() {
    let interrupted = "2026-11-22T20:00:10Z ERROR service already started, not retrying";
    for (status, log, services) in
        [("Error", interrupted, None), ("Done", "", Some(services(None)))]
    {
        let five = || sync(change("5", "replan", later(), status, log));
        let mut script =
            vec![(POST, accepted("5")), (WAIT, ServerAction::Cut), (READ, five()), (WAIT, five())];
        script.extend(services.map(|services| (SERVICES, services)));
        script.push((POST, accepted("6")));
        script.push(("GET /v1/changes/6/wait", sync(change("6", "replan", later(), "Done", ""))));
        // Nothing shows that the replan has started the service, and a second replan would not
        // start a disabled one.
        script.push((SERVICES, sync(json!([]))));
        script.push((POST, accepted("7")));
        script.push(("GET /v1/changes/7/wait", sync(change("7", "start", later(), "Done", ""))));
        run_script(script, async |client| {
            assert_eq!(client.replan().await.unwrap().id().as_str(), "7");
        })
        .await;
    }
}

#[tokio::test]
async fn the_log_tells_of_no_success_before_a_failure() {
    let failed =
        || change("5", "start", later(), "Error", "2026-11-22T20:00:10Z ERROR exited quickly");
    let script = vec![
        (POST, accepted("5")),
        (WAIT, ServerAction::Cut),
        (READ, sync(failed())),
        (WAIT, sync(failed())),
    ];
    let log = CapturedLog::default();
    let _default = tracing::subscriber::set_default(log.clone());
    run_script(script, async |client| {
        let error = client.start(["web"]).await.unwrap_err();
        assert_eq!((error.kind(), client.budget().retries()), (&ErrorKind::ChangeFailed, 1));
    })
    .await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].1.starts_with("cannot start service \"web\": "), "{lines:?}");
}

#[tokio::test]
async fn the_log_tells_how_an_action_went_on_after_a_restart() {
    let gone = ServerAction::Answer(404, json!({"type": "error", "result": {"message": "gone"}}));
    let script = vec![
        (POST, accepted("5")),
        (WAIT, ServerAction::Cut),
        (READ, gone),
        (POST, accepted("6")),
        ("GET /v1/changes/6/wait", sync(change("6", "start", later(), "Done", ""))),
    ];
    let log = CapturedLog::default();
    let _default = tracing::subscriber::set_default(log.clone());
    run_script(script, async |client| {
        client.start(["web"]).await.unwrap();
    })
    .await;
    let lines: Vec<String> = log.lines().into_iter().map(|(_, line)| line).collect();
    let begins = [
        "cannot start service \"web\": ",
        "Pebble was restarted and no longer knows change 5: going on with what is left of it \
         (start service \"web\")",
        "could start service \"web\" in 2 requests, after ",
    ];
    assert_eq!(lines.len(), begins.len(), "{lines:?}");
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line:?} does not begin with {begin:?}");
    }
}

#[tokio::test]
async fn the_log_tells_of_no_success_where_a_path_failed() {
    const FILES: &str = "POST /v1/files ";
    let failed =
        || sync(json!([{"path": "/a", "error": {"kind": "permission-denied", "message": "no"}}]));
    let script = vec![
        (FILES, ServerAction::Cut),
        (FILES, failed()),
        (FILES, ServerAction::Cut),
        (FILES, failed()),
    ];
    let log = CapturedLog::default();
    let _default = tracing::subscriber::set_default(log.clone());
    run_script(script, async |client| {
        client.make_dir("/a", &super::DirOptions::new()).await.unwrap_err();
        client.push("/a", "a", &super::PushOptions::new()).await.unwrap_err();
    })
    .await;
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|(_, line)| line.starts_with("cannot ")), "{lines:?}");
}

#[tokio::test]
async fn a_service_whose_layer_went_with_a_restart_is_said_to_need_it() {
    // This client has added no layer that it could put back.
    for log in [
        "2026-11-22T20:00:10Z ERROR service already started, not retrying",
        "2026-11-22T20:00:10Z ERROR cannot find service \"web\" in plan",
    ] {
        let refusal =
            json!({"type": "error", "result": {"message": "service \"web\" does not exist"}});
        let script = vec![
            (POST, accepted("5")),
            (WAIT, sync(change("5", "restart", later(), "Error", log))),
            (SERVICES, sync(json!([]))),
            (POST, ServerAction::Answer(400, refusal)),
        ];
        run_script(script, async |client| {
            let error = client.restart(["web"]).await.unwrap_err();
            assert_eq!((error.kind(), error.may_have_acted()), (&ErrorKind::Restarted, true));
            assert_eq!(
                error.to_string(),
                "cannot restart service \"web\": Pebble was restarted and has forgotten its layer \
                 (service \"web\" does not exist); add the layer again"
            );
        })
        .await;
    }
}

const STOPPED_EARLY: &str =
    "2026-11-22T20:00:10Z ERROR service start attempt: stopped before the 1s okay delay";

#[tokio::test]
async fn a_start_that_ended_with_its_daemon_is_asked_for_anew() {
    let five = || sync(change("5", "start", later(), "Error", STOPPED_EARLY));
    let stopping = || {
        let mut stopping = change("6", "stop", later(), "Doing", "");
        stopping["summary"] = json!("Stop all running services");
        sync(json!([stopping]))
    };
    let again = || {
        [
            (POST, accepted("7")),
            ("GET /v1/changes/7/wait", sync(change("7", "start", later(), "Done", ""))),
        ]
    };
    let services = || (SERVICES, sync(json!([])));
    // The old daemon answers once more, and the next one still has the change.
    let kept = vec![
        (POST, accepted("5")),
        (WAIT, five()),
        (LIST_ALL, stopping()),
        (WAIT, five()),
        (LIST_ALL, stopping()),
        (WAIT, ServerAction::Cut),
        (READ, five()),
        (WAIT, five()),
        (LIST_ALL, stopping()),
        services(),
    ];
    // The old daemon ends before it is asked for the cause, and the next one knows nothing.
    let gone = ServerAction::Answer(404, json!({"type": "error", "result": {"message": "gone"}}));
    let forgotten =
        vec![(POST, accepted("5")), (WAIT, five()), (LIST_ALL, ServerAction::Cut), (READ, gone)];
    for mut script in [kept, forgotten] {
        script.extend(again());
        run_script(script, async |client| {
            assert_eq!(client.start(["web"]).await.unwrap().id().as_str(), "7");
        })
        .await;
    }
}

#[tokio::test]
async fn a_start_that_somebody_else_has_stopped_is_made_again_after_the_others_end() {
    let stop = |status: &str| {
        let mut stop = change("6", "stop", later(), status, "");
        stop["ready"] = json!(status == "Done");
        stop["tasks"][0]["summary"] = json!("Stop service \"web\"");
        stop
    };
    let script = vec![
        (POST, accepted("5")),
        (WAIT, sync(change("5", "start", later(), "Error", STOPPED_EARLY))),
        (LIST_ALL, sync(json!([stop("Doing")]))),
        (LIST_RUNNING, sync(json!([stop("Doing")]))),
        ("GET /v1/changes/6 ", sync(stop("Doing"))),
        ("GET /v1/changes/6/wait", sync(stop("Done"))),
        (LIST_RUNNING, sync(json!([]))),
        // After the pause the client checks that it is the same daemon.
        (LIST_RUNNING, sync(json!([]))),
        (POST, accepted("7")),
        ("GET /v1/changes/7/wait", sync(change("7", "start", later(), "Done", ""))),
    ];
    run_script(script, async |client| {
        let begun = std::time::Instant::now();
        assert_eq!(client.start(["web"]).await.unwrap().id().as_str(), "7");
        assert_eq!(client.budget().retries(), 0, "Pebble has answered all the time");
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    })
    .await;
}

#[tokio::test]
async fn a_conflict_that_does_not_end_is_told_at_the_change_deadline() {
    let refused = "2026-11-22T20:00:10Z ERROR cannot start service while terminating";
    // The service is restarted by a check of its own, which is no change.
    let script = vec![
        (POST, accepted("5")),
        (WAIT, sync(change("5", "start", later(), "Error", refused))),
        (LIST_RUNNING, sync(json!([]))),
        (LIST_RUNNING, sync(json!([]))),
        (POST, accepted("6")),
        ("GET /v1/changes/6/wait", sync(change("6", "start", later(), "Error", refused))),
        (LIST_RUNNING, sync(json!([]))),
    ];
    run_script(script, async |client| {
        let hurried = client.with_change_deadline(Duration::from_millis(500));
        let error = hurried.start(["web"]).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::ChangeRunning, "{error}");
        let text = error.to_string();
        let expected = "cannot start service \"web\": service \"web\" is still being stopped or \
                        restarted after ";
        assert!(text.starts_with(expected), "{text}");
    })
    .await;
}

#[tokio::test]
async fn a_start_that_another_had_begun_ends_as_that_one_does() {
    let started = "2026-11-22T20:00:10Z INFO Service \"web\" already started.";
    let quick = "2026-11-22T20:00:10Z ERROR service start attempt: exited quickly with code 1, \
                 will restart";
    let mut running = change("4", "restart", later(), "Doing", "");
    running["ready"] = json!(false);
    for (log, fails) in [("", false), (quick, true)] {
        let status = if fails { "Error" } else { "Done" };
        let script = vec![
            (POST, accepted("5")),
            (WAIT, sync(change("5", "start", later(), "Done", started))),
            ("GET /v1/changes?select=all ", sync(json!([running]))),
            ("GET /v1/changes/4 ", sync(running.clone())),
            ("GET /v1/changes/4/wait", sync(change("4", "restart", later(), status, log))),
            (LIST_RUNNING, sync(json!([]))),
        ];
        run_script(script, async |client| {
            let result = client.start(["web"]).await;
            match result {
                Ok(change) => assert!(!fails && change.id().as_str() == "5", "{change:?}"),
                Err(error) => {
                    assert_eq!(*error.kind(), ErrorKind::ChangeFailed);
                    assert!(fails && error.to_string().contains("exited quickly"), "{error}");
                }
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_wait_that_breaks_off_costs_nothing_of_the_budget() {
    // The wait is longer than the whole deadline, but Pebble has only done what it was asked for.
    let script = vec![
        (POST, accepted("5")),
        (WAIT, ServerAction::CutAfter(Duration::from_millis(600))),
        (READ, sync(change("5", "replan", later(), "Done", ""))),
        (WAIT, sync(change("5", "replan", later(), "Done", ""))),
        (SERVICES, services(Some(later()))),
    ];
    run_script(script, async |client| {
        let hurried = client.policy().clone().deadline(Duration::from_millis(500));
        client.clone().with_retry(hurried).replan().await.unwrap();
        assert!(client.budget().unanswered() < Duration::from_millis(500), "{:?}", client.budget());
    })
    .await;
}

#[tokio::test]
async fn an_error_after_the_request_was_taken_on_says_that_it_may_have_acted() {
    let refused =
        ServerAction::Answer(500, json!({"type": "error", "result": {"message": "no more"}}));
    run_script(vec![(POST, accepted("5")), (WAIT, refused)], async |client| {
        let error = client.replan().await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_acted()), (&ErrorKind::Api { status: 500 }, true));
    })
    .await;
}

#[tokio::test]
async fn a_check_of_a_forgotten_layer_is_known_again() {
    let check = Check::tcp(80);
    let layer = Layer::new().check("up", check);
    let forgotten = || sync(json!("{}\n"));
    let with_it =
        || sync(json!("checks: {up: {override: replace, tcp: {port: 80}, threshold: 3}}\n"));
    for (path, ends) in [("POST /v1/checks ", true), ("POST /v1/checks/refresh ", false)] {
        let info = json!({"name": "up", "status": "up", "threshold": 3});
        let answer = if ends { json!({"changed": ["up"]}) } else { json!({ "info": info }) };
        let script = vec![
            ("POST /v1/layers ", sync(json!(true))),
            (path, ServerAction::Cut),
            ("GET /v1/plan", forgotten()),
            (LIST_RUNNING, sync(json!([]))),
            ("POST /v1/layers ", sync(json!(true))),
            ("GET /v1/plan", with_it()),
            (path, sync(answer)),
        ];
        run_script(script, async |client| {
            client.add_layer("up", &layer, LayerMode::Combine).await.unwrap();
            if ends {
                assert_eq!(client.stop_checks(["up"]).await.unwrap(), ["up"]);
            } else {
                assert!(client.refresh_check("up").await.unwrap().passed());
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_silent_plan_says_nothing_of_a_request_that_was_not_sent() {
    let layer =
        Layer::new().service("web", Service::new().command("web").startup(Startup::Enabled));
    let yes = || sync(json!(true));
    let script = vec![
        ("POST /v1/layers ", yes()),
        ("GET /v1/system-info ", ServerAction::Cut),
        ("GET /v1/system-info ", sync(json!({"version": "v1", "boot-id": "x"}))),
        ("GET /v1/plan", ServerAction::Silence),
    ];
    run_script(script, async |client| {
        client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
        client.system_info().await.unwrap();
        let hurried = client.policy().clone().deadline(Duration::from_millis(300));
        let error = client.with_retry(hurried).replan().await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_acted()), (&ErrorKind::Unreachable, false));
        assert!(!error.to_string().contains("acted"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_restart_loop_ends_with_the_policy() {
    let mut script = Vec::new();
    for _ in 0..6 {
        script.push((POST, accepted("5")));
        script.push((WAIT, ServerAction::Cut));
        script.push((
            READ,
            ServerAction::Answer(404, json!({"type": "error", "result": {"message": "gone"}})),
        ));
    }
    run_script(script, async |client| {
        let error = client.start(["web"]).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts(), error.may_have_acted()),
            (&ErrorKind::Unreachable, 6, true)
        );
        assert!(error.to_string().contains("no longer knows change 5"), "{error}");
        assert_eq!(client.budget().retries(), 11);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_another_daemon_is_not_the_one_that_was_waited_for() {
    let running = |kind: &str| {
        let mut running = change("5", kind, later(), "Doing", "");
        running["ready"] = json!(false);
        running
    };
    let first = running("exec");
    let script =
        vec![(READ, sync(first)), (WAIT, ServerAction::Cut), (READ, sync(running("start")))];
    run_script(script, async |client| {
        let error =
            client.wait_change(&"5".parse().unwrap(), Duration::from_secs(60)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Api { status: 404 }, "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_wait_goes_on_over_a_lost_answer_and_ends_where_nothing_can_come() {
    let inactive = sync(json!([{"name": "web", "startup": "disabled", "current": "inactive"}]));
    let script = vec![
        (SERVICES, inactive),
        (SERVICES, ServerAction::Cut),
        (SERVICES, services(Some("2020-01-01T00:00:00Z".parse().unwrap()))),
        (SERVICES, sync(json!([]))),
        (SERVICES, services(None)),
    ];
    run_script(script, async |client| {
        let minute = Duration::from_secs(60);
        let service = client.wait_service_active("web", minute, minute).await.unwrap();
        assert!(service.is_active());
        assert_eq!(client.budget().retries(), 1);
        let error = client.wait_service_active("web", minute, minute).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_acted()),
            (&ErrorKind::Api { status: 404 }, false)
        );
        // With a zero deadline it is asked only once.
        let error = client.wait_service_active("web", minute, Duration::ZERO).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotReached, "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_watch_asks_from_where_it_was_to_the_nanosecond() {
    let notice = |id: &str, repeated: &str| {
        json!({
            "id": id, "user-id": null, "type": "custom", "key": format!("a.b/{id}"),
            "first-occurred": repeated,
            "last-occurred": repeated, "last-repeated": repeated, "occurrences": 1
        })
    };
    let (old, new) = ("2026-11-22T20:00:09.000000001Z", "2026-11-22T20:00:09.000000002Z");
    const AFTER: &str = "GET /v1/notices?after=2026-11-22T20%3A00%3A09.000000002Z&timeout=10000ms ";
    let script = vec![
        ("GET /v1/notices?timeout=10000ms ", sync(json!([notice("2", new), notice("1", old)]))),
        (AFTER, sync(json!([]))),
        (AFTER, ServerAction::Cut),
        // A notice that was given is not given again, whatever is listed.
        (
            AFTER,
            sync(json!([notice("1", old), notice("2", new), notice("3", "2026-11-22T20:00:10Z")])),
        ),
    ];
    run_script(script, async |client| {
        let mut watch = client.watch_notices(super::NoticeQuery::new());
        for id in ["2", "1", "3"] {
            assert_eq!(watch.next().await.unwrap().unwrap().id().as_str(), id);
        }
        // A watch does not charge the budget of the client's calls.
        assert_eq!(client.budget().unanswered(), Duration::ZERO);
    })
    .await;
}

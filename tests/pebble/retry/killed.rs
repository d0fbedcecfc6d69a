//! These tests kill Pebble or stop it, and mostly start it again.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use charmwright_pebble::{
    Change, ChangeStatus, Error, ErrorKind, Layer, LayerMode, Override, RetryPolicy, Service,
    Startup,
};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::proxy::ListenState;
use charmwright_tests::wait::until_blocking;
use charmwright_tests::{AWAY, Fixture, policy};

use super::{side_by_side, start_held};

/// Adds a layer and replans, as a hook does.
async fn configure(fixture: &Fixture, value: &str) -> Result<Change, Error> {
    let layer = Layer::new().service("web", fixture.service(value).startup(Startup::Enabled));
    fixture.client.add_layer("web", &layer, LayerMode::Combine).await?;
    fixture.client.replan().await
}

/// Asserts that the service runs, that its process has this value, and that the plan has it, too.
async fn assert_running(fixture: &Fixture, value: &str) {
    let services = fixture.client.services(["web"]).await.unwrap();
    assert!(services.len() == 1 && services[0].is_active(), "{services:?}");
    assert_eq!(fixture.started().last().map(String::as_str), Some(value));
    assert_eq!(
        fixture.client.plan().await.unwrap().services()["web"].get_environment()["NAME"],
        value
    );
}

#[test]
fn pebble_killed_and_back_at_a_chosen_moment_makes_the_same_calls_succeed() {
    let moments = [
        ("POST", "/v1/layers", true),
        ("POST", "/v1/layers", false),
        ("POST", "/v1/services", true),
        ("POST", "/v1/services", false),
        ("GET", "/v1/changes/", true),
        ("", "", true),
    ];
    let with_state = moments.map(|moment| (moment, false));
    let without_state = moments.map(|moment| (moment, true));
    side_by_side(
        [with_state, without_state].concat(),
        async |((method, path, before), forgetful)| {
            let what =
                format!("killed at {method} {path}, before it: {before}, state lost: {forgetful}");
            let options = DaemonOptions::new();
            let options = if forgetful { options.forgetful() } else { options };
            let Some(fixture) = start_held("pebble_killed_and_back", options) else {
                return;
            };
            configure(&fixture, "one").await.unwrap();
            fixture.kill_at(method, path, before);
            configure(&fixture, "two").await.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(fixture.daemon.boots(), 2, "{what}");
            assert_running(&fixture, "two").await;
            fixture.assert_started_once(&what);
            assert!(fixture.client.budget().retries() > 0, "{what}");
        },
    );
}

#[tokio::test]
async fn pebble_killed_and_back_between_two_calls_gets_its_layers_back() {
    let Some(fixture) = start_held("pebble_killed_between", DaemonOptions::new()) else {
        return;
    };
    let layer = Layer::new().service("web", fixture.service("one").startup(Startup::Enabled));
    let other = Layer::new()
        .service("web", Service::new().override_mode(Override::Merge).env("NAME", "two"));
    fixture.client.add_layer("web", &layer, LayerMode::New).await.unwrap();
    fixture.client.add_layer("over", &other, LayerMode::New).await.unwrap();
    fixture.replace_daemon();
    // No attempt fails. The client finds its kept connection closed and for that reason alone looks
    // whether the daemon still has its layers.
    fixture.client.replan().await.unwrap();
    assert_running(&fixture, "two").await;
    assert_eq!((fixture.posts("/v1/layers"), fixture.client.budget().retries()), (2, 0));
    // If the daemon has not been restarted, no layer is added again.
    fixture.proxy.cut_connections();
    fixture.client.restart(["web"]).await.unwrap();
    assert_eq!((fixture.posts("/v1/layers"), fixture.started().len()), (2, 2));
}

#[tokio::test]
async fn calls_made_side_by_side_put_a_forgotten_layer_back_once() {
    let Some(fixture) = start_held("side_by_side", DaemonOptions::new()) else {
        return;
    };
    let layer = Layer::new()
        .service("one", Service::new().command("sleep 600"))
        .service("two", Service::new().command("sleep 600").after(["one"]));
    fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    fixture.replace_daemon();
    let (one, two) = tokio::join!(fixture.client.start(["one"]), fixture.client.start(["two"]));
    one.unwrap();
    two.unwrap();
    assert_eq!(fixture.posts("/v1/layers"), 1);
}

#[test]
fn pebble_killed_at_any_moment_makes_the_same_calls_succeed() {
    // The moments cover the whole of the two calls, and are closest at the beginning: the stop of
    // the old service takes no time, and the start of the new one a second.
    let moments = (0..12_u64).map(|n| Duration::from_millis(n * n * 10)).collect();
    side_by_side(moments, async |delay: Duration| {
        let Some(fixture) = start_held("pebble_killed_at_any_moment", DaemonOptions::new()) else {
            return;
        };
        configure(&fixture, "one").await.unwrap();
        let kill = fixture.killer(AWAY);
        let killer = thread::spawn(move || {
            thread::sleep(delay);
            kill();
        });
        let result = configure(&fixture, "two").await;
        killer.join().unwrap();
        result.unwrap_or_else(|error| panic!("killed after {delay:?}: {error}"));
        fixture.wait_for_boot(2).await;
        // If the daemon was killed after both calls, the next call has to restore the service.
        fixture.client.replan().await.unwrap();
        assert_running(&fixture, "two").await;
        fixture.assert_started_once(&format!("killed after {delay:?}"));
    });
}

#[test]
fn pebble_stopped_in_order_during_a_replan_makes_the_same_calls_succeed() {
    // A daemon that gets SIGTERM aborts the starts that are running, so their changes fail though
    // nothing is wrong with the service.
    side_by_side(vec![false, true], async |forgetful| {
        let options = DaemonOptions::new();
        let options = if forgetful { options.forgetful() } else { options };
        let Some(fixture) = start_held("pebble_stopped_in_order", options) else {
            return;
        };
        let (daemon, starts) = (Arc::clone(&fixture.daemon), fixture.starts());
        let stopper = thread::spawn(move || {
            // The file has to have its line: a shell that ends between opening the file and writing
            // to it leaves it empty.
            until_blocking("the service is started", || {
                std::fs::metadata(&starts).is_ok_and(|file| file.len() > 0)
            });
            daemon.stop().unwrap();
            thread::sleep(AWAY);
            daemon.start_again().unwrap();
        });
        let result = configure(&fixture, "one").await;
        stopper.join().unwrap();
        result.unwrap_or_else(|error| panic!("state lost: {forgetful}: {error}"));
        assert_running(&fixture, "one").await;
        assert_eq!(fixture.started(), ["one", "one"]);
    });
}

#[tokio::test]
async fn a_static_service_killed_with_its_pebble_is_restarted_on_the_new_one() {
    let yaml = "services:\n  disk:\n    override: replace\n    startup: disabled\n    command: \
                sleep 600\n";
    for (method, path, before) in [
        ("POST", "/v1/services", true),
        ("POST", "/v1/services", false),
        ("GET", "/v1/changes/", true),
    ] {
        let Some(fixture) =
            start_held("a_static_service", DaemonOptions::new().layer("disk", yaml))
        else {
            return;
        };
        fixture.kill_at(method, path, before);
        let change = fixture
            .client
            .start(["disk"])
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert_eq!(*change.status(), ChangeStatus::Done);
        assert!(fixture.client.services(["disk"]).await.unwrap()[0].is_active(), "{method} {path}");
    }
}

#[tokio::test]
async fn pebble_gone_for_good_is_told_with_effort_and_cause() {
    let Some(fixture) = start_held("pebble_gone_for_good", DaemonOptions::new()) else {
        return;
    };
    fixture.daemon.kill().unwrap();
    let policy = policy().attempts(NonZeroU32::new(3).unwrap());
    let client = fixture.client.clone().with_retry(policy);
    let error = client.replan().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts(), error.may_have_acted()),
        (&ErrorKind::Unreachable, 3, false)
    );
    let text = error.to_string();
    assert!(
        text.starts_with("cannot replan container \"web\": no answer from Pebble at "),
        "{text}"
    );
    assert!(
        text.contains(" after 3 attempts in ") && text.contains("(connection refused)"),
        "{text}"
    );
    // The failed call has used up the budget, so the next one makes one attempt.
    assert_eq!(client.plan().await.unwrap_err().attempts(), 1);
    fixture.proxy.set_listening(Some(ListenState::Missing));
    let error = client
        .clone()
        .with_retry(RetryPolicy::once(Duration::from_secs(1)))
        .plan()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("(no such socket)"), "{error}");
}

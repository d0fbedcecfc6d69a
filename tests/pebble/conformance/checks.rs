//! These cases list, start, stop and run checks.

use std::path::Path;
use std::time::Duration;

use charmwright_pebble::{
    Check, CheckInfo, CheckLevel, CheckQuery, CheckStatus, Client, ErrorKind,
};
use charmwright_pebble::{Layer, LayerMode, Startup};

use super::pebble::{Pebble, assert_refused, since, until};
use super::raw::post;

const LONG: Duration = Duration::from_secs(3600);

async fn add(client: &Client, checks: impl IntoIterator<Item = (&'static str, Check)>) {
    let layer =
        checks.into_iter().fold(Layer::new(), |layer, (name, check)| layer.check(name, check));
    client.add_layer("checks", &layer, LayerMode::Combine).await.unwrap();
}

async fn one(client: &Client, name: &str) -> CheckInfo {
    client.checks(&CheckQuery::all().names([name])).await.unwrap().remove(0)
}

pub(crate) async fn are_listed_by_level_and_name(pebble: &impl Pebble) {
    let client = pebble.client();
    assert_eq!(client.checks(&CheckQuery::all()).await.unwrap(), []);
    let check = || Check::exec("true").period(LONG);
    let alive = check().level(CheckLevel::Alive).threshold(7);
    add(
        &client,
        [("plain", check()), ("alive", alive), ("ready", check().level(CheckLevel::Ready))],
    )
    .await;
    let names = async |query: CheckQuery| -> Vec<String> {
        let checks = client.checks(&query).await.unwrap();
        checks.iter().map(|check| check.name().to_owned()).collect()
    };
    assert_eq!(names(CheckQuery::all()).await, ["alive", "plain", "ready"]);
    // Trap: the level ready includes alive for health, and not here.
    assert_eq!(names(CheckQuery::all().level(CheckLevel::Ready)).await, ["ready"]);
    assert_eq!(names(CheckQuery::all().names(["plain", "nobody"])).await, ["plain"]);
    let alive = one(&client, "alive").await;
    assert_eq!((alive.status(), alive.failures(), alive.threshold()), (&CheckStatus::Up, 0, 7));
    assert_eq!(alive.change_id().is_some(), pebble.has("1.11"));
    assert_eq!(alive.successes().is_some(), pebble.has("1.23"));
    let bad = CheckQuery::all().level(CheckLevel::Other("half".to_owned()));
    assert_refused(client.checks(&bad).await, 400, "level must be");
}

pub(crate) async fn start_and_stop(pebble: &impl Pebble) {
    let client = pebble.client();
    let off = if pebble.has("1.19") {
        Check::exec("true").period(LONG).startup(Startup::Disabled)
    } else {
        Check::exec("true").period(LONG)
    };
    add(&client, [("on", Check::exec("true").period(LONG)), ("off", off)]).await;
    let Some(stopped) = since(pebble, "1.19", client.stop_checks(["on", "off"]).await) else {
        return;
    };
    assert_eq!(stopped.unwrap(), ["on"], "one that did not run is no failure and no change");
    assert_eq!(*one(&client, "on").await.status(), CheckStatus::Inactive);
    assert_eq!(client.stop_checks(["on"]).await.unwrap(), [""; 0]);
    assert_eq!(client.start_checks(["on", "off"]).await.unwrap(), ["off", "on"]);
    assert_refused(
        client.start_checks(["on", "x", "y"]).await,
        400,
        "cannot find checks in plan: x, y",
    );
    assert_eq!(*client.stop_checks([""; 0]).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    let none = post(pebble, "/v1/checks", r#"{"action":"stop","checks":[]}"#);
    assert_eq!(
        (none.status, none.error_message()),
        (400, "must specify checks for stop action".to_owned())
    );
    assert_eq!(post(pebble, "/v1/checks", r#"{"action":"dance","checks":["on"]}"#).status, 400);
}

pub(crate) async fn are_run_when_asked_for(pebble: &impl Pebble) {
    let client = pebble.client();
    let failing = Check::exec("/bin/sh -c 'echo why; exit 3'").period(LONG);
    add(&client, [("good", Check::exec("true").period(LONG)), ("bad", failing)]).await;
    let Some(good) = since(pebble, "1.20", client.refresh_check("good").await) else {
        return;
    };
    assert!(good.unwrap().passed());
    // Trap: the status is 200 also if the check has failed.
    let bad = client.refresh_check("bad").await.unwrap();
    assert!(bad.error().unwrap().starts_with("exit status 3"), "{bad:?}");
    assert_eq!((bad.info().failures(), bad.info().status()), (1, &CheckStatus::Up));
    assert_refused(client.refresh_check("nobody").await, 404, "cannot find check");
    assert_eq!(post(pebble, "/v1/checks/refresh", "{}").status, 400);
}

fn exists(file: &Path) -> String {
    format!("test -e {}", file.display())
}

pub(crate) async fn go_down_and_up(pebble: &impl Pebble) {
    let client = pebble.client();
    let file = pebble.folder().join("good");
    let check = Check::exec(exists(&file)).period(Duration::from_millis(20)).threshold(2);
    add(&client, [("file", check)]).await;
    let is = async |status: CheckStatus| {
        until(async || one(&client, "file").await, |check| *check.status() == status).await
    };
    let down = is(CheckStatus::Down).await;
    assert!(down.failures() >= 2, "{down:?}");
    if let Some(change) = down.change_id() {
        assert_eq!(client.change(change).await.unwrap().kind(), "recover-check");
        assert_eq!(down.prev_change_id().is_some(), pebble.has("1.29"));
    }
    std::fs::write(&file, "").unwrap();
    let up = is(CheckStatus::Up).await;
    assert_eq!(up.failures(), 0);
}

//! These cases read system-info, health and metrics.

use std::time::Duration;

use charmwright_pebble::{
    Check, CheckLevel, CheckQuery, CheckStatus, HealthQuery, Layer, LayerMode,
};

use super::pebble::{Pebble, add, assert_refused, since, sleeper, until};
use super::raw::get;

pub(crate) async fn tells_who_it_is(pebble: &impl Pebble) {
    let info = pebble.client().system_info().await.unwrap();
    // The sources of an old tag have no build information, so a build of them does not know its
    // version.
    if let Some(version) = info.parsed_version() {
        assert_eq!(version, pebble.version());
    } else {
        assert!(!pebble.has("1.2"), "{info:?}");
    }
    assert!(!info.boot_id().is_empty(), "{info:?}");
    assert_eq!((info.http_address(), info.https_address()), (None, None));
}

pub(crate) async fn counts_its_services_and_checks(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("web", sleeper()), ("never", sleeper())]).await;
    client.start(["web"]).await.unwrap();
    let Some(metrics) = since(pebble, "1.19", client.metrics().await) else {
        return;
    };
    let metrics = metrics.unwrap();
    assert!(metrics.contains("pebble_service_start_count{service=\"web\"} 1\n"), "{metrics}");
    assert!(metrics.contains("pebble_service_active{service=\"web\"} 1\n"), "{metrics}");
    assert!(!metrics.contains("never"), "{metrics}");
    client.restart(["web"]).await.unwrap();
    let check =
        Check::exec("true").period(Duration::from_millis(10)).timeout(Duration::from_secs(5));
    let layer = Layer::new().check("up", check);
    client.add_layer("check", &layer, LayerMode::New).await.unwrap();
    let counted = |metrics: &String| {
        metrics.contains("pebble_service_start_count{service=\"web\"} 2\n")
            && metrics.contains("pebble_check_up{check=\"up\"} 1\n")
            && !metrics.contains("pebble_check_success_count{check=\"up\"} 0\n")
    };
    until(async || client.metrics().await.unwrap(), counted).await;
}

pub(crate) async fn is_healthy_as_its_checks_are(pebble: &impl Pebble) {
    let client = pebble.client();
    assert!(client.health(&HealthQuery::all()).await.unwrap(), "no checks at all is healthy");
    let soon = Duration::from_millis(20);
    let failing = Check::exec("false").period(soon).threshold(1).level(CheckLevel::Ready);
    let passing = Check::exec("true").period(soon).level(CheckLevel::Alive);
    let layer = Layer::new().check("bad", failing).check("good", passing);
    client.add_layer("checks", &layer, LayerMode::New).await.unwrap();
    until(
        async || client.checks(&CheckQuery::all().names(["bad"])).await.unwrap(),
        |checks| *checks[0].status() == CheckStatus::Down,
    )
    .await;
    let health = async |query: HealthQuery| client.health(&query).await.unwrap();
    assert!(!health(HealthQuery::all()).await);
    assert!(!health(HealthQuery::all().level(CheckLevel::Ready)).await);
    assert!(health(HealthQuery::all().level(CheckLevel::Alive)).await);
    assert!(health(HealthQuery::all().names(["good", "nobody"])).await);
    assert!(!health(HealthQuery::all().names(["bad"])).await);
    // Trap: if a check is down, the status is 502 and the envelope that of a success.
    let answer = get(pebble, "/v1/health");
    assert_eq!((answer.status, &answer.json()["type"]), (502, &"sync".into()));
    let bad = CheckLevel::Other("half".to_owned());
    assert_refused(client.health(&HealthQuery::all().level(bad)).await, 400, "level must be");
}

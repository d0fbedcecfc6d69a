//! These tests wait for a service to be active and for a check to be up.

use std::time::Duration;

use charmwright_pebble::{
    Check, ErrorKind, Layer, LayerMode, Service, ServiceAction, ServiceStatus,
};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;
use charmwright_tests::wait::within;

/// A time that no wait here takes.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_service_that_stays_active_is_waited_for() {
    let layer = "services: {web: {override: replace, command: sleep 600, startup: enabled}}";
    let Some(fixture) =
        Fixture::start("a_service_that_stays", DaemonOptions::new().layer("web", layer))
    else {
        return;
    };
    let stays = Duration::from_millis(700);
    let service = within(fixture.client.wait_service_active("web", stays, LONG)).await.unwrap();
    assert_eq!(*service.current(), ServiceStatus::Active);
    // Pebble is restarted during the wait, which then begins again.
    let since = service.current_since();
    let (service, ()) = within(async {
        tokio::join!(
            fixture.client.wait_service_active("web", Duration::from_secs(3), LONG),
            async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                fixture.restart();
            }
        )
    })
    .await;
    assert!(service.unwrap().current_since() > since);
    assert_eq!(fixture.daemon.boots(), 2);
}

#[tokio::test]
async fn a_service_that_does_not_stay_is_told_of() {
    let Some(fixture) = Fixture::start("a_service_that_does_not_stay", DaemonOptions::new().hold())
    else {
        return;
    };
    let flaky = Service::new()
        .command("/bin/sh -c 'sleep 1.5; exit 3'")
        .on_failure(ServiceAction::Restart)
        .backoff_delay(Duration::from_millis(50));
    let layer =
        Layer::new().service("flaky", flaky).service("idle", Service::new().command("sleep 600"));
    fixture.client.add_layer("web", &layer, LayerMode::New).await.unwrap();
    fixture.client.start(["flaky"]).await.unwrap();
    let (flaky, idle, missing) = within(async {
        tokio::join!(
            fixture.client.wait_service_active("flaky", LONG, Duration::from_secs(5)),
            fixture.client.wait_service_active("idle", Duration::ZERO, Duration::from_millis(300)),
            fixture.client.wait_service_active("missing", Duration::ZERO, LONG),
        )
    })
    .await;
    let flaky = flaky.unwrap_err();
    assert_eq!(*flaky.kind(), ErrorKind::NotReached, "{flaky}");
    let text = flaky.to_string();
    assert!(
        text.starts_with(
            "cannot wait for service \"flaky\" to be active for 60 s in container \"web\": after "
        ) && text.contains("; seen: active ")
            && text.contains(" times, at most for "),
        "{text}"
    );
    let idle = idle.unwrap_err();
    let text = idle.to_string();
    assert!(
        text.starts_with(
            "cannot wait for service \"idle\" to be active in container \"web\": after "
        ) && text.ends_with(" it is inactive; seen: never active"),
        "{text}"
    );
    let missing = missing.unwrap_err();
    assert_eq!(*missing.kind(), ErrorKind::Api { status: 404 });
    assert!(missing.to_string().contains("the plan has no service \"missing\""), "{missing}");
    let empty = fixture.client.wait_service_active("", LONG, LONG).await.unwrap_err();
    assert_eq!(*empty.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn a_check_is_waited_for_until_it_has_passed() {
    let Some(fixture) = Fixture::start("a_check_is_waited_for", DaemonOptions::new().hold()) else {
        return;
    };
    let well = format!("test -e {}", fixture.file("well").display());
    let often = Duration::from_millis(100);
    let layer = Layer::new()
        .check("well", Check::exec(well).period(often).threshold(3))
        .check("ill", Check::exec("false").period(often).threshold(2))
        .check("seldom", Check::exec("true").period(Duration::from_secs(3600)));
    fixture.client.add_layer("checks", &layer, LayerMode::New).await.unwrap();
    let client = &fixture.client;
    let (well, (), ill, seldom, missing) = within(async {
        tokio::join!(
            client.wait_check_up("well", LONG),
            async {
                tokio::time::sleep(Duration::from_millis(250)).await;
                fixture.touch("well");
            },
            client.wait_check_up("ill", Duration::from_secs(1)),
            client.wait_check_up("seldom", Duration::from_millis(200)),
            client.wait_check_up("missing", LONG),
        )
    })
    .await;
    assert!(well.unwrap().successes() > Some(0));
    let texts = [ill, seldom].map(|result| {
        let error = result.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotReached, "{error}");
        error.to_string()
    });
    assert!(
        texts[0].starts_with("cannot wait for check \"ill\" to be up in container \"web\": after ")
            && texts[0].contains(" it is down; seen: down, at most "),
        "{texts:?}"
    );
    assert!(texts[1].contains("up by default, since it has not run yet"), "{texts:?}");
    let missing = missing.unwrap_err();
    assert_eq!(*missing.kind(), ErrorKind::Api { status: 404 });
    assert!(missing.to_string().contains("the plan has no check \"missing\""), "{missing}");
}

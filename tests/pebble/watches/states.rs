//! These tests watch services and checks.

use std::time::Duration;

use charmwright_pebble::{
    Check, CheckInfo, CheckQuery, CheckStatus, Layer, LayerMode, Service, ServiceInfo,
    ServiceStatus, Update,
};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;
use charmwright_tests::wait::within;

/// The interval at which a watch asks for the services.
const OFTEN: Duration = Duration::from_millis(20);

/// Returns the name of the service of an update, with its status unless it is gone.
fn service(update: Update<ServiceInfo>) -> (String, Option<ServiceStatus>) {
    match update {
        Update::Is(service) => (service.name().to_owned(), Some(service.current().clone())),
        Update::Gone { name } => (name, None),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn services_are_given_as_they_are_and_as_they_change() {
    let layer = "services: {kept: {override: replace, command: sleep 600}}";
    let Some(fixture) =
        Fixture::start("services_are_given", DaemonOptions::new().hold().layer("kept", layer))
    else {
        return;
    };
    let added = Layer::new().service("added", Service::new().command("sleep 600"));
    fixture.direct.add_layer("added", &added, LayerMode::New).await.unwrap();
    let mut watch = fixture.client.watch_all_services().every(OFTEN);
    let mut next = async || service(within(watch.next()).await.unwrap().unwrap());
    let (inactive, active) = (Some(ServiceStatus::Inactive), Some(ServiceStatus::Active));
    assert_eq!(next().await, ("added".to_owned(), inactive.clone()));
    assert_eq!(next().await, ("kept".to_owned(), inactive.clone()));
    fixture.direct.start(["added"]).await.unwrap();
    assert_eq!(next().await, ("added".to_owned(), active.clone()));
    // The service is active before and after a restart, so only its start time shows the change.
    fixture.direct.restart(["added"]).await.unwrap();
    assert_eq!(next().await, ("added".to_owned(), active));
    fixture.restart();
    assert_eq!(next().await, ("added".to_owned(), None));
    fixture.direct.add_layer("kept", &Layer::new(), LayerMode::Combine).await.unwrap();
    fixture.direct.replan().await.unwrap();
    // `direct` has added the layer of `added`, so it restored it before the replan.
    assert_eq!(next().await, ("added".to_owned(), inactive));
}

#[tokio::test]
async fn checks_are_given_as_they_are_and_as_they_change() {
    let Some(fixture) = Fixture::start("checks_are_given", DaemonOptions::new().hold()) else {
        return;
    };
    fixture.touch("well");
    let command = format!("test -e {}", fixture.file("well").display());
    let check = Check::exec(command).period(Duration::from_millis(50)).threshold(2);
    let layer = Layer::new().check("well", check).check("other", Check::tcp(1));
    fixture.direct.add_layer("checks", &layer, LayerMode::New).await.unwrap();
    let mut watch = fixture
        .client
        .watch_checks(&CheckQuery::all().names(["well"]))
        .every(Duration::from_millis(5));
    let mut next = async || match within(watch.next()).await.unwrap().unwrap() {
        Update::Is(check) => check,
        other => panic!("{other:?}"),
    };
    let state = |check: &CheckInfo| (check.name().to_owned(), check.status().clone());
    assert_eq!(state(&next().await), ("well".to_owned(), CheckStatus::Up));
    std::fs::remove_file(fixture.file("well")).unwrap();
    let mut seen = vec![next().await];
    while *seen.last().unwrap().status() != CheckStatus::Down {
        seen.push(next().await);
    }
    // A watch gives no item for one more success of a check, so the next item was a failure.
    assert!(seen[0].failures() > 0, "{seen:?}");
    fixture.touch("well");
    while *next().await.status() != CheckStatus::Up {}
}

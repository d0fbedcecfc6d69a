//! These tests check which errors end a watch.

use charmwright_pebble::{CheckQuery, Client, Error, ErrorKind, LogQuery, NoticeQuery};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::Fixture;
use charmwright_tests::wait::within;

/// Returns the path and the first two items of each kind of watch. The values of the items are left
/// out, so that all have one type.
async fn first_items(client: &Client) -> [(&'static str, [Option<Result<(), Error>>; 2]); 4] {
    let mut notices = client.watch_notices(NoticeQuery::new());
    let mut services = client.watch_all_services();
    let mut checks = client.watch_checks(&CheckQuery::all());
    let mut logs = client.follow_logs(&LogQuery::new());
    macro_rules! two {
        ($watch:ident) => {
            [
                within($watch.next()).await.map(|item| item.map(drop)),
                within($watch.next()).await.map(|item| item.map(drop)),
            ]
        };
    }
    [
        ("/v1/notices", two!(notices)),
        ("/v1/services", two!(services)),
        ("/v1/checks", two!(checks)),
        ("/v1/logs", two!(logs)),
    ]
}

#[tokio::test]
async fn a_definite_refusal_is_the_last_item() {
    let Some(fixture) =
        Fixture::start("a_definite_refusal_is_the_last_item", DaemonOptions::new().hold())
    else {
        return;
    };
    for (status, message) in [(401, "access denied"), (404, "invalid API endpoint requested")] {
        let body = format!(
            r#"{{"type": "error", "status-code": {status}, "result": {{"message": "{message}"}}}}"#
        );
        let reply =
            |path| Rule::new("GET", path, Fault::Reply { status, body: body.clone() }).always();
        // Following logs also asks for the services. Here only the request for the logs is refused.
        let logs = fixture.proxy.add(reply("/v1/logs"));
        let mut follow = fixture.client.follow_logs(&LogQuery::new());
        assert!(within(follow.next()).await.unwrap().is_err());
        assert!(within(follow.next()).await.is_none());
        fixture.proxy.remove(logs);
        fixture.proxy.add(reply(""));
        for (path, items) in first_items(&fixture.client).await {
            let [Some(Err(error)), None] = items else {
                panic!("{status} at {path}: {items:?}");
            };
            let expected = match (status, path) {
                (401, _) => ErrorKind::PermissionDenied,
                (_, "/v1/notices") => ErrorKind::Unsupported { since: "1.5" },
                _ => ErrorKind::Api { status },
            };
            assert_eq!(*error.kind(), expected, "{error}");
        }
        fixture.proxy.clear();
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_a_sockets_is_the_last_item() {
    let long = format!("/{}", "x".repeat(200));
    for path in ["", &long] {
        for (_, items) in first_items(&Client::new(path)).await {
            let [Some(Err(error)), None] = items else {
                panic!("{path}: {items:?}");
            };
            assert_eq!(*error.kind(), ErrorKind::InvalidRequest, "{error}");
        }
    }
}

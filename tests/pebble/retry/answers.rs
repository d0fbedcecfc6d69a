//! These tests check the client on refusals, failed changes, silence and garbage, from Pebble or
//! from something else at its socket.

use std::time::Duration;

use charmwright_pebble::{Client, Error, ErrorKind, Layer, LayerMode, RetryPolicy, Service};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::policy;
use charmwright_tests::wait::WAIT_LIMIT;

use super::start_held;

#[tokio::test]
async fn every_definite_refusal_is_sent_once_and_says_what_is_at_fault() {
    let Some(fixture) = start_held("every_definite_refusal", DaemonOptions::new()) else {
        return;
    };
    fixture.start_service("one").await;
    let client = &fixture.client;
    let assert_refused =
        |result: Result<(), Error>, status: u16, sent: (&str, &str), named: &str| {
            let error = result.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Api { status }, "{error}");
            assert!(error.to_string().contains(named), "{error} names {named}");
            assert!(
                error.to_string().starts_with("cannot ")
                    && error.message().is_some()
                    && !error.may_have_acted()
            );
            assert_eq!(error.attempts(), 1);
            assert_eq!(fixture.proxy.count(sent.0, sent.1), 1, "{error}");
            fixture.proxy.forget();
        };
    let services = ("POST", "/v1/services");
    let layers = ("POST", "/v1/layers");
    assert_refused(client.start(["nope"]).await.map(drop), 400, services, "\"nope\"");
    assert_refused(client.stop(["nope"]).await.map(drop), 400, services, "\"nope\"");
    assert_refused(client.restart(["web", "nope"]).await.map(drop), 400, services, "\"nope\"");
    assert_refused(client.autostart().await.map(drop), 400, services, "no default services");
    assert_refused(
        client.add_layer("web", &fixture.layer("x"), LayerMode::New).await,
        400,
        layers,
        "\"web\"",
    );
    let requires = Layer::new().service("api", fixture.service("x").requires(["ghost"]));
    assert_refused(
        client.add_layer("api", &requires, LayerMode::Combine).await,
        400,
        layers,
        "\"ghost\"",
    );
    let id = "4711".parse().unwrap();
    assert_refused(client.change(&id).await.map(drop), 404, ("GET", "/v1/changes/4711"), "4711");
    assert_refused(
        client.wait_change(&id, WAIT_LIMIT).await.map(drop),
        404,
        ("GET", "/v1/changes/4711"),
        "4711",
    );
    assert_refused(
        client.abort_change(&id).await.map(drop),
        404,
        ("POST", "/v1/changes/4711"),
        "4711",
    );
    assert_refused(
        client.refresh_check("ghost").await.map(drop),
        404,
        ("POST", "/v1/checks/refresh"),
        "ghost",
    );
    assert_eq!(client.budget().retries(), 0);
}

#[tokio::test]
async fn a_failed_change_names_the_service_its_cause_and_its_last_line() {
    let Some(fixture) = start_held("a_failed_change", DaemonOptions::new()) else {
        return;
    };
    let broken = Service::new().command("/bin/sh -c 'echo starting; echo no such key >&2; exit 3'");
    let absent = Service::new().command("/no/such/program");
    let layer = Layer::new().service("broken", broken).service("absent", absent);
    fixture.client.add_layer("x", &layer, LayerMode::New).await.unwrap();
    let error = fixture.client.start(["broken", "absent"]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed);
    let failed = error.failed_services();
    assert_eq!(failed.len(), 2, "{error}");
    let broken = failed.iter().find(|failure| failure.service() == "broken").unwrap();
    assert!(broken.cause().contains("code 3"), "{error}");
    assert_eq!(broken.last_output(), Some("no such key"));
    assert!(failed.iter().any(
        |failure| failure.service() == "absent" && failure.cause().contains("/no/such/program")
    ));
    assert!(error.to_string().contains("no such key") && error.change().is_some(), "{error}");
    assert_eq!(fixture.posts("/v1/services"), 1);
}

#[tokio::test]
async fn a_silent_pebble_is_waited_for_and_never_asked_twice() {
    let Some(fixture) = start_held("a_silent_pebble", DaemonOptions::new()) else {
        return;
    };
    fixture.start_service("one").await;
    let client = fixture.client.clone().with_retry(policy().deadline(Duration::from_millis(400)));
    fixture.proxy.add(Rule::new("POST", "/v1/services", Fault::Silence));
    let error = client.restart(["web"]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_acted(), error.attempts()),
        (&ErrorKind::Unreachable, true, 1)
    );
    assert!(error.to_string().contains("may have acted"), "{error}");
    assert_eq!(fixture.posts("/v1/services"), 1);
    // A reply that comes a byte at a time has the same limit as any other.
    fixture.proxy.add(Rule::new("GET", "/v1/plan", Fault::DripFeed(Duration::from_millis(20))));
    assert_eq!(*client.plan().await.unwrap_err().kind(), ErrorKind::Unreachable);
    // The connection with the rest of that reply is not used again.
    client.plan().await.unwrap();
}

#[tokio::test]
async fn a_change_that_takes_too_long_is_told_apart_from_a_silent_pebble() {
    let Some(fixture) = start_held("a_change_that_takes_too_long", DaemonOptions::new()) else {
        return;
    };
    fixture.client.add_layer("web", &fixture.layer("one"), LayerMode::New).await.unwrap();
    let client = fixture.client.clone().with_change_deadline(Duration::from_millis(200));
    let error = client.start(["web"]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeRunning);
    let id = error.change().unwrap().id().clone();
    assert!(error.to_string().contains("still running"), "{error}");
    let change = fixture.client.wait_change(&id, WAIT_LIMIT).await.unwrap();
    assert!(change.ready() && change.err().is_none());
}

#[tokio::test]
async fn what_is_not_pebble_is_not_asked_twice() {
    let Some(fixture) = start_held("what_is_not_pebble", DaemonOptions::new()) else {
        return;
    };
    let json = |text: &str| Fault::Reply { status: 200, body: text.to_owned() };
    let replies = [
        Fault::Garbage(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        Fault::Garbage(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec()),
        Fault::Garbage(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec()),
        json("[]"),
        json("{\"type\":\"sync\",\"result\":7}"),
        json("{\"type\":\"surprise\"}"),
    ];
    for fault in replies {
        fixture.proxy.forget();
        fixture.proxy.add(Rule::any(fault.clone()));
        let error = fixture.client.plan().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Protocol, "{fault:?}: {error}");
        assert_eq!(fixture.proxy.requests().len(), 1, "{fault:?}");
    }
    // A reply that is cut off counts as lost, so a read is repeated.
    fixture.proxy.add(Rule::any(Fault::Garbage(
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_vec(),
    )));
    fixture.client.plan().await.unwrap();
}

#[tokio::test]
async fn an_overloaded_answer_is_retried_only_where_resending_is_safe() {
    let Some(fixture) = start_held("an_overloaded_answer", DaemonOptions::new()) else {
        return;
    };
    let busy = Fault::Reply {
        status: 503,
        body: r#"{"type":"error","result":{"message":"busy"}}"#.into(),
    };
    fixture.proxy.add(Rule::any(busy.clone()).times(2));
    fixture.client.plan().await.unwrap();
    assert_eq!(fixture.proxy.count("GET", "/v1/plan"), 3);
    fixture.proxy.add(Rule::any(busy));
    let error = fixture.client.replan().await.unwrap_err();
    assert_eq!((error.kind(), fixture.posts("/v1/services")), (&ErrorKind::Api { status: 503 }, 1));
}

#[tokio::test]
async fn a_bad_socket_path_is_refused_at_the_first_call() {
    let long = format!("/tmp/{}", "x".repeat(200));
    let error = Client::new(&long).plan().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("205 bytes") && error.to_string().contains("107"),
        "{error}"
    );
    let bytes: std::ffi::OsString =
        std::os::unix::ffi::OsStringExt::from_vec(b"/tmp/\xff".to_vec());
    assert_eq!(*Client::new(bytes).plan().await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert_eq!(*Client::new("").plan().await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("loop", place("loop")).unwrap();
    std::fs::create_dir(place("folder")).unwrap();
    std::fs::write(place("file"), "").unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, place("pipe"), 0o600.into()).unwrap();
    let _datagrams = std::os::unix::net::UnixDatagram::bind(place("datagrams")).unwrap();
    for (name, cause) in [
        ("loop", "circle"),
        ("loop/s", "circle"),
        ("folder", "a folder in the place"),
        ("file", "a file in the place of the socket"),
        ("pipe", "a file in the place of the socket"),
        ("file/s", "of a folder of the path"),
        ("datagrams", "for datagrams"),
        ("a\0b", "null bytes"),
    ] {
        let client = Client::new(place(name));
        let error = client.replan().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts(), error.may_have_acted()),
            (&ErrorKind::InvalidRequest, 1, false),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(cause), "{name}: {error}");
        assert_eq!(client.budget().retries(), 0, "{name}");
    }
    // The client waits for sockets of which Pebble may still make good ones.
    drop(std::os::unix::net::UnixListener::bind(place("left")).unwrap());
    std::os::unix::fs::symlink("nowhere", place("dangling")).unwrap();
    for name in ["left", "dangling", "missing", "missing/s"] {
        let quick = policy().step(Duration::from_millis(1)).deadline(Duration::from_millis(100));
        let client = Client::new(place(name)).with_retry(quick);
        let error = client.replan().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Unreachable, "{name}: {error}");
        assert!(error.attempts() > 1, "{name}: {error:?}");
    }
    let once = RetryPolicy::once(Duration::from_secs(1));
    let client = Client::new("/no/such/folder/pebble.socket").with_retry(once);
    let error = client.replan().await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Unreachable, 1));
    assert_eq!(
        error.to_string(),
        "cannot replan: no answer from Pebble at /no/such/folder/pebble.socket (no such socket); \
         is Pebble running?"
    );
    let error = client.with_hint("look there").replan().await.unwrap_err();
    assert!(error.to_string().ends_with("(no such socket); look there"), "{error}");
}

#[tokio::test]
async fn a_dropped_call_leaves_a_client_that_works() {
    let Some(fixture) = start_held("a_dropped_call", DaemonOptions::new()) else {
        return;
    };
    fixture.start_service("one").await;
    fixture.proxy.add(Rule::new("GET", "/v1/plan", Fault::Silence));
    let dropped = tokio::time::timeout(Duration::from_millis(50), fixture.client.plan()).await;
    assert!(dropped.is_err());
    fixture.client.plan().await.unwrap();
    // Calls at the same time need more than one connection, and get them.
    let (a, b, c) = tokio::join!(
        fixture.client.plan(),
        fixture.client.all_services(),
        fixture.client.system_info()
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
}

//! The proxy: its socket follows the daemon's, and its rules choose requests.

use std::io::{ErrorKind as IoKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use charmwright_testing::proxy::{Fault, ListenState, Rule};
use charmwright_tests::wait::{WAIT_LIMIT, until_blocking};
use charmwright_tests::wire::{Wire, ask};

use super::{IDLE, START, changes, daemon_and_proxy};

#[test]
fn a_proxy_without_rules_changes_nothing_and_sees_everything() {
    let Some((daemon, proxy)) = daemon_and_proxy("a proxy without rules") else {
        return;
    };
    let direct = ask(daemon.socket(), "GET", "/v1/plan?format=yaml", "").unwrap();
    let mut wire = Wire::open(proxy.socket()).unwrap();
    // One connection carries several requests, and one of the replies is chunked.
    let add = serde_json::json!({
        "action": "add", "combine": true, "label": "extra", "format": "yaml", "layer": IDLE
    })
    .to_string();
    assert_eq!(wire.ask("GET", "/v1/plan?format=yaml", "").unwrap(), direct);
    assert_eq!(wire.ask("POST", "/v1/layers", &add).unwrap().0, 200);
    assert_eq!(wire.ask("GET", "/v1/changes/77", "").unwrap().0, 404);
    let many = (0..60)
        .map(|n| format!("  s{n}:\n    override: replace\n    command: sleep 1\n"))
        .collect::<String>();
    let add = serde_json::json!({
        "action": "add", "combine": true, "label": "many", "format": "yaml",
        "layer": format!("services:\n{many}")
    })
    .to_string();
    assert_eq!(wire.ask("POST", "/v1/layers", &add).unwrap().0, 200);
    assert_eq!(
        wire.ask("GET", "/v1/services", "").unwrap(),
        ask(daemon.socket(), "GET", "/v1/services", "").unwrap()
    );

    let seen = proxy.requests();
    assert_eq!(
        seen.iter().map(|seen| seen.status.unwrap()).collect::<Vec<_>>(),
        [200, 200, 404, 200, 200]
    );
    assert!(seen.iter().all(|seen| seen.forwarded && seen.connection == 1));
    assert_eq!(seen[3].body_text(), add);
    assert_eq!(proxy.count("POST", "/v1/layers"), 2);
    assert_eq!(proxy.count("GET", "/v1/plan?format"), 1);
    proxy.forget();
    assert!(proxy.requests().is_empty());
}

#[test]
fn the_proxys_socket_follows_the_daemons() {
    let Some((daemon, proxy)) = daemon_and_proxy("the proxy's socket follows the daemon's") else {
        return;
    };
    let mut wire = Wire::open(proxy.socket()).unwrap();
    assert_eq!(wire.ask("GET", "/v1/system-info", "").unwrap().0, 200);
    daemon.kill().unwrap();
    // When the kept connection ends, the proxy already refuses new ones.
    assert!(wire.receive().is_err());
    assert_eq!(UnixStream::connect(proxy.socket()).unwrap_err().kind(), IoKind::ConnectionRefused);
    daemon.start_again().unwrap();
    until_blocking("the proxy lets clients in again", || {
        ask(proxy.socket(), "GET", "/v1/system-info", "").is_ok()
    });
    let stopped = daemon.stop().unwrap().unwrap();
    assert!(
        stopped.success(),
        "the proxy's own connection must not hold a stopping daemon up: {stopped}"
    );
    until_blocking("the proxy's socket is gone", || {
        UnixStream::connect(proxy.socket()).is_err_and(|error| error.kind() == IoKind::NotFound)
    });
    daemon.start_again().unwrap();
    until_blocking("the proxy lets clients in once more", || {
        ask(proxy.socket(), "GET", "/v1/system-info", "").is_ok()
    });

    proxy.set_listening(Some(ListenState::Missing));
    assert_eq!(UnixStream::connect(proxy.socket()).unwrap_err().kind(), IoKind::NotFound);
    proxy.set_listening(Some(ListenState::Refusing));
    assert_eq!(UnixStream::connect(proxy.socket()).unwrap_err().kind(), IoKind::ConnectionRefused);
    proxy.set_listening(None);
    assert_eq!(ask(proxy.socket(), "GET", "/v1/system-info", "").unwrap().0, 200);
    let socket = proxy.socket().to_path_buf();
    drop(proxy);
    assert!(!socket.exists());
}

#[test]
fn faults_before_the_daemon_keep_the_request_from_it() {
    let Some((daemon, proxy)) = daemon_and_proxy("faults before the daemon") else {
        return;
    };
    let post = || ask(proxy.socket(), "POST", "/v1/services", START);
    proxy.add(Rule::new("POST", "/v1/services", Fault::CutRequestBefore));
    assert!(post().is_err());
    proxy.add(Rule::new("POST", "/v1/services", Fault::Garbage(b"SSH-2.0-no\r\n".to_vec())));
    assert!(post().is_err());
    proxy.add(Rule::new(
        "POST",
        "/v1/services",
        Fault::Reply { status: 503, body: "{}".to_owned() },
    ));
    assert_eq!(post().unwrap(), (503, "{}".to_owned()));

    proxy.add(Rule::new("POST", "/v1/services", Fault::Silence));
    let mut wire = Wire::open(proxy.socket()).unwrap();
    wire.stream.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    wire.send("POST", "/v1/services", START).unwrap();
    assert_eq!(wire.receive().unwrap_err().kind(), IoKind::WouldBlock);

    proxy.add(Rule::new("POST", "/v1/services", Fault::Refuse(Duration::from_millis(300))));
    let start = Instant::now();
    assert!(post().is_err());
    assert_eq!(post().unwrap_err().kind(), IoKind::ConnectionRefused);
    until_blocking("it refuses no more", || {
        ask(proxy.socket(), "GET", "/v1/system-info", "").is_ok()
    });
    assert!(start.elapsed() >= Duration::from_millis(300));

    assert_eq!(proxy.count("POST", "/v1/services"), 5);
    assert!(!proxy.requests().iter().any(|seen| seen.forwarded && seen.method == "POST"));
    assert!(changes(daemon.socket()).is_empty());
}

#[test]
fn faults_after_the_daemon_lose_only_the_answer() {
    let Some((daemon, proxy)) = daemon_and_proxy("faults after the daemon") else {
        return;
    };
    let post = || ask(proxy.socket(), "POST", "/v1/services", START);
    proxy.add(Rule::new("POST", "/v1/services", Fault::DropReply).body_contains("start"));
    assert_eq!(post().unwrap_err().kind(), IoKind::UnexpectedEof);
    proxy.add(Rule::new("POST", "/v1/services", Fault::CutReplyAfter(40)));
    let mut wire = Wire::open(proxy.socket()).unwrap();
    wire.send("POST", "/v1/services", START).unwrap();
    let mut bytes = Vec::new();
    wire.stream.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), 40);
    assert!(bytes.starts_with(b"HTTP/1.1 202"));
    proxy.add(Rule::new("POST", "/v1/services", Fault::HoldReply));
    let mut held = Wire::open(proxy.socket()).unwrap();
    held.send("POST", "/v1/services", START).unwrap();
    until_blocking("the daemon has done it", || changes(daemon.socket()).len() == 3);
    until_blocking("its answer has reached the proxy", || {
        proxy.requests().iter().all(|seen| seen.status == Some(202))
    });
    proxy.cut_connections();
    assert!(held.receive().is_err());
    assert!(proxy.requests().iter().all(|seen| seen.forwarded && seen.status == Some(202)));

    proxy.add(Rule::any(Fault::DripFeed(Duration::from_micros(50))));
    assert_eq!(
        ask(proxy.socket(), "GET", "/v1/services", "").unwrap(),
        ask(daemon.socket(), "GET", "/v1/services", "").unwrap()
    );
    proxy.add(Rule::any(Fault::Delay(Duration::from_millis(60))));
    let start = Instant::now();
    ask(proxy.socket(), "GET", "/v1/services", "").unwrap();
    assert!(start.elapsed() >= Duration::from_millis(60));
}

#[test]
fn rules_count_and_hidden_changes_come_late() {
    let Some((daemon, proxy)) = daemon_and_proxy("rules count") else {
        return;
    };
    assert_eq!(ask(daemon.socket(), "POST", "/v1/services", START).unwrap().0, 202);
    let hiding = proxy.add(Rule::hide_changes(2));
    assert_eq!(ask(proxy.socket(), "GET", "/v1/changes/1", "").unwrap().0, 200);
    assert!(changes(proxy.socket()).is_empty());
    assert!(changes(proxy.socket()).is_empty());
    assert_eq!(changes(proxy.socket()).len(), 1);
    assert_eq!(proxy.fired(hiding), 2);

    // The rule fires for the second and the third request that match.
    let cutting =
        proxy.add(Rule::new("GET", "/v1/services", Fault::CutRequestBefore).from_nth(2).times(2));
    let answers: Vec<bool> =
        (0..5).map(|_| ask(proxy.socket(), "GET", "/v1/services", "").is_ok()).collect();
    assert_eq!(answers, [true, false, false, true, true]);
    assert_eq!(proxy.fired(cutting), 2);
    let always = proxy.add(Rule::new("GET", "/v1/checks", Fault::CutRequestBefore).always());
    assert!((0..3).all(|_| ask(proxy.socket(), "GET", "/v1/checks", "").is_err()));
    proxy.remove(always);
    assert!(ask(proxy.socket(), "GET", "/v1/checks", "").is_ok());
}

#[test]
fn callbacks_run_at_their_moment() {
    let Some((daemon, proxy)) = daemon_and_proxy("callbacks run at their moment") else {
        return;
    };
    let daemon = Arc::new(daemon);
    let seen = Arc::new(Mutex::new(String::new()));
    let (daemon_to_kill, body_seen) = (Arc::clone(&daemon), Arc::clone(&seen));
    proxy.add(Rule::new(
        "POST",
        "/v1/services",
        Fault::before(move |request| {
            *body_seen.lock().unwrap() = request.body_text();
            daemon_to_kill.kill().unwrap();
        }),
    ));
    assert!(ask(proxy.socket(), "POST", "/v1/services", START).is_err());
    assert_eq!(*seen.lock().unwrap(), START);
    assert_eq!(UnixStream::connect(proxy.socket()).unwrap_err().kind(), IoKind::ConnectionRefused);
    daemon.start_again().unwrap();
    until_blocking("the proxy lets clients in", || {
        ask(proxy.socket(), "GET", "/v1/health", "").is_ok()
    });
    assert!(changes(daemon.socket()).is_empty());

    // The daemon is killed after its reply and before that is passed on: the client gets the reply
    // of a daemon that has gone.
    let daemon_to_kill = Arc::clone(&daemon);
    proxy.add(Rule::new(
        "POST",
        "/v1/services",
        Fault::before_reply(move |_| daemon_to_kill.kill().unwrap()),
    ));
    assert_eq!(ask(proxy.socket(), "POST", "/v1/services", START).unwrap().0, 202);
    assert!(!daemon.is_running());
    assert!(proxy.wait_for("POST", "/v1/services", 2, Duration::ZERO));
    assert!(!proxy.wait_for("POST", "/v1/services", 3, Duration::from_millis(1)));
}

#[test]
fn streams_and_upgrades_pass_through() {
    let Some((daemon, proxy)) = daemon_and_proxy("streams and upgrades") else {
        return;
    };
    let exec = r#"{"command":["cat"],"split-stderr":false}"#;
    let (status, body) = ask(proxy.socket(), "POST", "/v1/exec", exec).unwrap();
    assert_eq!(status, 202, "{body}");
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    let task = document["result"]["task-id"].as_str().unwrap().to_owned();
    let connect = |id: &str| {
        let mut wire = Wire::open(proxy.socket()).unwrap();
        write!(
            wire.stream.get_mut(),
            "GET /v1/tasks/{task}/websocket/{id} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .unwrap();
        assert_eq!(wire.receive().unwrap().0, 101);
        wire
    };
    let _control = connect("control");
    let mut stdio = connect("stdio");
    // A binary frame with "hello" and the mask 0. `cat` sends the text back in an unmasked frame.
    stdio.stream.get_mut().write_all(b"\x82\x85\0\0\0\0hello").unwrap();
    let mut frame = [0; 7];
    stdio.stream.read_exact(&mut frame).unwrap();
    assert_eq!(&frame, b"\x82\x05hello");

    // If the client closes the connection of a long poll, the proxy closes the daemon's, too. So
    // the daemon can stop at once.
    let mut poll = Wire::open(proxy.socket()).unwrap();
    poll.send("GET", "/v1/notices?timeout=1000s", "").unwrap();
    assert!(proxy.wait_for("GET", "/v1/notices", 1, WAIT_LIMIT));
    drop((poll, stdio, _control));
    daemon.kill().unwrap();
}

#[test]
fn many_clients_at_once() {
    let Some((_daemon, proxy)) = daemon_and_proxy("many clients at once") else {
        return;
    };
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut wire = Wire::open(proxy.socket()).unwrap();
                for _ in 0..20 {
                    assert_eq!(wire.ask("GET", "/v1/services", "").unwrap().0, 200);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(answered.load(Ordering::Relaxed), 320);
    assert_eq!(proxy.count("GET", "/v1/services"), 320);
}

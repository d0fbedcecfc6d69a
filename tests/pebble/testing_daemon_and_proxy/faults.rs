//! The proxy's faults while bodies and frames stream: replies that are cut, dripped, endless or
//! replaced.

use std::io::{ErrorKind as IoKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use charmwright_testing::daemon::Daemon;
use charmwright_testing::proxy::{AfterReply, Fault, FaultProxy, Rule};
use charmwright_tests::wait::{WAIT_LIMIT, until_blocking};
use charmwright_tests::wire::{Wire, ask};

use super::{START, changes, daemon_and_proxy};

/// Reads until the connection is closed or reset.
fn rest(wire: &mut Wire) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(error) = wire.stream.read_to_end(&mut bytes) {
        assert_eq!(error.kind(), IoKind::ConnectionReset);
    }
    bytes
}

/// Returns `true` if the other side has closed the connection.
fn is_closed(error: &std::io::Error) -> bool {
    matches!(error.kind(), IoKind::ConnectionReset | IoKind::BrokenPipe | IoKind::UnexpectedEof)
}

#[test]
fn a_request_is_reset_before_it_is_read() {
    let Some((daemon, proxy)) = daemon_and_proxy("reset before the request is read") else {
        return;
    };
    // A rule that looks at the body never fires for this fault, and other faults are tried after
    // it.
    let never = proxy
        .add(Rule::new("POST", "/v1/services", Fault::CutRequestUnread).body_contains("start"));
    let later = proxy.add(Rule::new("POST", "/v1/services", Fault::DropReply));
    let reset = proxy.add(Rule::new("POST", "/v1/services", Fault::CutRequestUnread));
    let mut wire = Wire::open(proxy.socket()).unwrap();
    assert_eq!(wire.ask("GET", "/v1/services", "").unwrap().0, 200);
    wire.send("POST", "/v1/services", START).unwrap();
    assert_eq!(wire.receive().unwrap_err().kind(), IoKind::ConnectionReset);
    assert_eq!((proxy.fired(never), proxy.fired(later), proxy.fired(reset)), (0, 0, 1));
    let seen = proxy.requests().pop().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/services"));
    assert!(!seen.forwarded && !seen.is_complete && seen.body_length == 0);
    assert!(changes(daemon.socket()).is_empty());

    // A client that never stops sending gets the reset at once: the proxy does not wait for the
    // end of its request.
    proxy.clear();
    proxy.add(Rule::any(Fault::CutRequestUnread));
    let mut wire = Wire::open(proxy.socket()).unwrap();
    let endless = wire
        .stream
        .get_mut()
        .write_all(b"POST /v1/files HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        .and_then(|()| {
            loop {
                wire.stream.get_mut().write_all(b"4\r\nmore\r\n")?;
            }
        });
    let endless: std::io::Result<()> = endless;
    assert!(is_closed(&endless.unwrap_err()));
    // The rule has fired once, as often as it may.
    assert!(ask(proxy.socket(), "GET", "/v1/services", "").is_ok());
}

#[test]
fn endless_answers_end_with_the_client() {
    let Some((_daemon, proxy)) = daemon_and_proxy("endless answers") else {
        return;
    };
    proxy.add(Rule::any(Fault::EndlessHeader));
    proxy.add(Rule::any(Fault::endless_body("application/json", r#"{"a":1}"#)));
    proxy.add(Rule::any(Fault::EndlessBody {
        head: b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
        part: b"abc".to_vec(),
    }));
    let starts: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nX-Endless: ",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nabcabc",
    ];
    for start in starts {
        let mut wire = Wire::open(proxy.socket()).unwrap();
        wire.send("POST", "/v1/services", START).unwrap();
        let mut bytes = vec![0; 4 * 1024 * 1024];
        wire.stream.read_exact(&mut bytes).unwrap();
        assert!(bytes.starts_with(start), "{}", String::from_utf8_lossy(&bytes[..100]));
        let blank = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        assert_eq!(blank.is_none(), start.ends_with(b": "));
        if start.ends_with(b"\r\n\r\n") {
            let chunk = &bytes[start.len()..];
            let line = chunk.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            let size =
                usize::from_str_radix(std::str::from_utf8(&chunk[..line]).unwrap().trim(), 16)
                    .unwrap();
            assert_eq!(&chunk[line + size..line + size + 2], b"\r\n");
            assert_eq!(size % r#"{"a":1}"#.len(), 0);
        }
    }
    // The proxy ends an endless reply that is still being read when it is dropped itself.
    proxy.add(Rule::any(Fault::EndlessHeader));
    let mut wire = Wire::open(proxy.socket()).unwrap();
    wire.send("GET", "/v1/services", "").unwrap();
    let mut one = [0];
    wire.stream.read_exact(&mut one).unwrap();
    drop(proxy);
    rest(&mut wire);
}

#[test]
fn a_reply_of_another_type_is_complete() {
    let Some((_daemon, proxy)) = daemon_and_proxy("an answer of another type") else {
        return;
    };
    proxy.add(Rule::any(Fault::reply_of_type(200, "text/html", b"<html>")));
    let mut wire = Wire::open(proxy.socket()).unwrap();
    assert_eq!(wire.ask("GET", "/v1/services", "").unwrap(), (200, "<html>".to_owned()));
    assert!(rest(&mut wire).is_empty());
}

/// Starts a service that writes lines without end, whose logs can be followed.
fn start_chatter(daemon: &Daemon) {
    let layer = "services:\n  chatter:\n    override: replace\n    command: sh -c 'while true; do \
                 echo line; sleep 0.01; done'\n";
    let add = serde_json::json!({
        "action": "add", "combine": true, "label": "chatter", "format": "yaml", "layer": layer
    })
    .to_string();
    assert_eq!(ask(daemon.socket(), "POST", "/v1/layers", &add).unwrap().0, 200);
    let start = r#"{"action":"start","services":["chatter"]}"#;
    assert_eq!(ask(daemon.socket(), "POST", "/v1/services", start).unwrap().0, 202);
    // Pebble follows only the services that run when the logs are requested.
    until_blocking("it is started", || {
        changes(daemon.socket()).iter().all(|change| change["ready"] == true)
    });
}

#[test]
fn a_stream_without_an_end_is_cut_and_dripped_as_it_comes() {
    let Some((daemon, proxy)) = daemon_and_proxy("a stream without an end") else {
        return;
    };
    start_chatter(&daemon);
    let follow = |fault: Option<Fault>| {
        if let Some(fault) = fault {
            proxy.add(Rule::new("GET", "/v1/logs", fault));
        }
        let mut wire = Wire::open(proxy.socket()).unwrap();
        wire.send("GET", "/v1/logs?follow=true&n=0", "").unwrap();
        wire
    };
    for count in [0, 1, 40, 1000] {
        let bytes = rest(&mut follow(Some(Fault::CutReplyAfter(count))));
        assert_eq!(bytes.len(), count);
    }
    assert!(rest(&mut follow(Some(Fault::DropReply))).is_empty());
    let mut dripping = follow(Some(Fault::DripFeed(Duration::ZERO)));
    let mut bytes = [0; 1000];
    dripping.stream.read_exact(&mut bytes).unwrap();
    assert!(bytes.starts_with(b"HTTP/1.1 200 OK\r\n"));
    let mut held = follow(Some(Fault::HoldReply));
    held.stream.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert_eq!(held.receive().unwrap_err().kind(), IoKind::WouldBlock);
}

#[test]
fn a_dripped_answer_comes_a_byte_a_write() {
    let Some((_daemon, proxy)) = daemon_and_proxy("a dripped answer") else {
        return;
    };
    proxy.add(Rule::any(Fault::DripFeed(Duration::from_millis(2))));
    let mut wire = Wire::open(proxy.socket()).unwrap();
    wire.send("GET", "/v1/services", "").unwrap();
    let mut buffer = [0; 1024];
    // The writes are two milliseconds apart, and this reads as fast as it can.
    let first: Vec<usize> =
        (0..20).map(|_| wire.stream.get_mut().read(&mut buffer).unwrap()).collect();
    assert!(first.iter().filter(|count| **count == 1).count() > 10, "{first:?}");
}

/// Starts `cat` as a command and returns its control websocket and the websocket of its output. The
/// reply to the second upgrade is not read yet. The command runs for as long as the control
/// websocket is open.
fn start_cat(proxy: &FaultProxy) -> (Wire, Wire) {
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
        wire
    };
    let mut control = connect("control");
    assert_eq!(control.receive().unwrap().0, 101);
    (control, connect("stdio"))
}

/// A binary frame with the mask 0.
const HELLO: &[u8] = b"\x82\x85\0\0\0\0hello";
/// The frame that `cat` sends back for it.
const ECHO: &[u8] = b"\x82\x05hello";

#[test]
fn frames_are_cut_dripped_and_replaced() {
    let Some((daemon, proxy)) = daemon_and_proxy("frames") else {
        return;
    };
    let stdio = |fault| {
        proxy.add(Rule::new("GET", "/v1/tasks/", fault).from_nth(2));
        start_cat(&proxy)
    };
    // The head of the reply to the upgrade, whose length the cuts below depend on.
    let (_control, mut wire) = start_cat(&proxy);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut one = [0];
        wire.stream.read_exact(&mut one).unwrap();
        head.push(one[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));

    for passed in [0, 1, 4, ECHO.len()] {
        let (_control, mut wire) = stdio(Fault::CutReplyAfter(head.len() + passed));
        wire.stream.get_mut().write_all(HELLO).ok();
        let bytes = rest(&mut wire);
        assert_eq!(bytes.len(), head.len() + passed);
        assert_eq!(&bytes[head.len()..], &ECHO[..passed]);
    }
    // The rule fires for the second upgrade of a command and is removed then.
    let (_control, mut wire) = stdio(Fault::CutReplyAfter(10));
    assert_eq!(rest(&mut wire), &head[..10]);

    let (_control, mut wire) = stdio(Fault::DripFeed(Duration::ZERO));
    assert_eq!(wire.receive().unwrap().0, 101);
    wire.stream.get_mut().write_all(HELLO).unwrap();
    let mut echo = [0; ECHO.len()];
    wire.stream.read_exact(&mut echo).unwrap();
    assert_eq!(echo, ECHO);

    // The faults of a reply happen to a switch of protocols, too.
    let (_control, mut wire) = stdio(Fault::DropReply);
    assert!(rest(&mut wire).is_empty());
    let (_control, mut wire) = stdio(Fault::HoldReply);
    until_blocking("the daemon has switched", || {
        proxy.requests().last().unwrap().status == Some(101)
    });
    wire.stream.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert_eq!(wire.receive().unwrap_err().kind(), IoKind::WouldBlock);
    let acted = Arc::new(AtomicU64::new(0));
    let acting = Arc::clone(&acted);
    let count_replies = Fault::before_reply(move |request| {
        assert_eq!(request.status, Some(101));
        acting.fetch_add(1, Ordering::SeqCst);
    });
    let (_control, mut wire) = stdio(count_replies);
    assert_eq!(wire.receive().unwrap().0, 101);
    assert_eq!(acted.load(Ordering::SeqCst), 1);

    // A frame with a reserved opcode, and then the end of the connection.
    let bytes = b"\x83\x00".to_vec();
    let (_control, mut wire) =
        stdio(Fault::ReplaceFrames { bytes: bytes.clone(), then: AfterReply::Close });
    assert_eq!(wire.receive().unwrap().0, 101);
    assert_eq!(rest(&mut wire), bytes);

    // The same frame, and then nothing, although the command sends its output and the daemon is
    // killed.
    let (_control, mut wire) =
        stdio(Fault::ReplaceFrames { bytes: bytes.clone(), then: AfterReply::Hold });
    assert_eq!(wire.receive().unwrap().0, 101);
    let mut got = [0; 2];
    wire.stream.read_exact(&mut got).unwrap();
    assert_eq!(&got[..], bytes);
    wire.stream.get_mut().write_all(HELLO).unwrap();
    daemon.kill().unwrap();
    wire.stream.get_ref().set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert_eq!(wire.stream.read(&mut got).unwrap_err().kind(), IoKind::WouldBlock);
    wire.stream.get_mut().write_all(HELLO).unwrap();
}

#[test]
fn an_echo_larger_than_all_buffers_does_not_stand_still() {
    let Some((_daemon, proxy)) = daemon_and_proxy("a large echo") else {
        return;
    };
    let (_control, mut wire) = start_cat(&proxy);
    assert_eq!(wire.receive().unwrap().0, 101);
    // A frame with 65535 bytes, which is sent 256 times: 16 MiB.
    let mut frame = b"\x82\xfe\xff\xff\0\0\0\0".to_vec();
    frame.resize(frame.len() + 0xffff, b'x');
    let mut sending = wire.stream.get_ref().try_clone().unwrap();
    let sender = thread::spawn(move || {
        for _ in 0..256 {
            sending.write_all(&frame).unwrap();
        }
    });
    // Only 15 MiB are read, fewer than the daemon sends back.
    let mut bytes = vec![0; 1024 * 1024];
    for _ in 0..15 {
        wire.stream.read_exact(&mut bytes).unwrap();
    }
    // The daemon takes the last frames only while its output is read.
    let drained =
        thread::spawn(move || while wire.stream.read(&mut bytes).is_ok_and(|count| count > 0) {});
    sender.join().unwrap();
    drop(_control);
    drop(proxy);
    drained.join().unwrap();
}

#[test]
fn an_answer_before_the_whole_request_reaches_the_client() {
    let Some((daemon, proxy)) = daemon_and_proxy("an early answer") else {
        return;
    };
    // The daemon refuses the content type without reading the body. The client stops in the middle
    // of the body, or goes on sending.
    for (socket, stops) in
        [(daemon.socket(), true), (proxy.socket(), true), (proxy.socket(), false)]
    {
        let mut wire = Wire::open(socket).unwrap();
        write!(
            wire.stream.get_mut(),
            "POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: \
             100000000\r\n\r\n"
        )
        .unwrap();
        let mut sending = wire.stream.get_ref().try_clone().unwrap();
        let sender = thread::spawn(move || {
            let block = vec![0; 1024 * 1024];
            let blocks = if stops { 1 } else { 100 };
            (0..blocks).all(|_| sending.write_all(&block).is_ok())
        });
        let (status, body) = wire.receive().unwrap();
        assert_eq!(status, 400, "{body}");
        let _all = sender.join().unwrap();
        // The daemon has not read the whole body, so it closes the connection.
        assert!(rest(&mut wire).is_empty());
    }
    assert_eq!(proxy.count("POST", "/v1/files"), 2);
    assert!(proxy.requests().iter().all(|seen| seen.status == Some(400)));
    assert_eq!(ask(proxy.socket(), "GET", "/v1/services", "").unwrap().0, 200);
}

#[test]
fn the_daemon_sees_the_start_of_a_body_before_its_end_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("upstream.socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let sender = sender.clone();
            thread::spawn(move || {
                let (mut one, mut is_post) = ([0], None);
                while stream.read(&mut one).is_ok_and(|count| count == 1) {
                    // The proxy's own probes are GET requests, and are left out.
                    if *is_post.get_or_insert(one == *b"P") {
                        sender.send(Some(one[0])).ok();
                    }
                }
                if is_post == Some(true) {
                    sender.send(None).ok();
                }
            });
        }
    });
    let proxy = FaultProxy::start(&socket).unwrap();
    let mut received = Vec::new();
    let mut read_until = |end: &[u8]| {
        while !received.ends_with(end) {
            received.push(receiver.recv_timeout(WAIT_LIMIT).unwrap().unwrap());
        }
    };
    let mut wire = Wire::open(proxy.socket()).unwrap();
    wire.stream
        .get_mut()
        .write_all(b"POST /v1/files HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nstart\r\n")
        .unwrap();
    read_until(b"5\r\nstart\r\n");
    // The proxy has recorded the request although it is not complete. When the client closes its
    // connection, the daemon's side is closed.
    assert!(proxy.wait_for("POST", "/v1/files", 1, WAIT_LIMIT));
    let seen = proxy.requests();
    assert!(!seen[0].is_complete && seen[0].body == b"start");
    until_blocking("it is noted as passed on", || proxy.requests()[0].forwarded);
    drop(wire);
    assert_eq!(receiver.recv_timeout(WAIT_LIMIT).unwrap(), None);
}

#[test]
fn an_upload_ends_with_the_daemon_although_the_client_has_stopped() {
    let Some((daemon, proxy)) = daemon_and_proxy("an upload ends with the daemon") else {
        return;
    };
    let mut wire = Wire::open(proxy.socket()).unwrap();
    wire.stream
        .get_mut()
        .write_all(
            b"POST /v1/files HTTP/1.1\r\nHost: x\r\n\
              Content-Type: multipart/form-data; boundary=x\r\n\
              Transfer-Encoding: chunked\r\n\r\n5\r\n--x\r\n\r\n",
        )
        .unwrap();
    assert!(proxy.wait_for("POST", "/v1/files", 1, WAIT_LIMIT));
    until_blocking("the daemon has its start", || proxy.requests()[0].forwarded);
    daemon.kill().unwrap();
    assert!(rest(&mut wire).is_empty());
    assert_eq!(UnixStream::connect(proxy.socket()).unwrap_err().kind(), IoKind::ConnectionRefused);
}

#[test]
fn a_daemon_that_takes_nothing_does_not_hold_up_the_end_of_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("upstream.socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let proxy = FaultProxy::start(&socket).unwrap();
    let mut stream = UnixStream::connect(proxy.socket()).unwrap();
    stream.write_all(b"POST /v1/files HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n").unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let block = [0; 64 * 1024];
    while stream.write(&block).is_ok() {}
    let start = Instant::now();
    drop(proxy);
    // The proxy waits for its connections for at most five seconds.
    assert!(start.elapsed() < Duration::from_secs(4));
    assert!(is_closed(&stream.write_all(&block).unwrap_err()));
}

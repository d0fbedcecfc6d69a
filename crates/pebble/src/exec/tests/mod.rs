//! A server sends what a test says over the websockets, also against every rule.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::super::{Client, Error, ErrorKind, RetryPolicy};
use super::{Exec, ExecOutput};

/// Says what the server sends once a websocket is connected. Then it keeps the connection open, or
/// closes it.
#[derive(Debug, Clone)]
struct ServerScript {
    stdio: Vec<u8>,
    closes: bool,
    /// Pebble reports that the command is over.
    ready: bool,
}

impl ServerScript {
    fn stdio(frames: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self { stdio: frames.into_iter().flatten().collect(), closes: false, ready: true }
    }
}

/// Makes an unmasked frame, as a server sends it, of a first byte and up to 125 bytes.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, u8::try_from(payload.len()).unwrap()];
    frame.extend_from_slice(payload);
    frame
}

fn data(payload: &[u8]) -> Vec<u8> {
    frame(0x82, payload)
}

fn text(payload: &str) -> Vec<u8> {
    frame(0x81, payload.as_bytes())
}

fn end() -> Vec<u8> {
    text(super::control::END)
}

async fn serve(stream: UnixStream, script: ServerScript) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut key, mut length) = (String::new(), String::new(), 0);
        stream.read_line(&mut first).await.ok().filter(|count| *count > 0)?;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            match line.trim().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().ok()?;
                }
                Some((name, value)) if name.eq_ignore_ascii_case("sec-websocket-key") => {
                    value.clone_into(&mut key);
                }
                Some(_) => {}
                None => break,
            }
        }
        stream.read_exact(&mut vec![0; length]).await.ok()?;
        if first.contains("/websocket/") {
            let accept = derive_accept_key(key.as_bytes());
            let head = format!(
                "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: \
                 websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            // The frames are sent together with the head: the client must not lose what comes so
            // early.
            let mut bytes = head.into_bytes();
            if first.contains("/stdio") {
                bytes.extend_from_slice(&script.stdio);
            }
            stream.get_mut().write_all(&bytes).await.ok()?;
            if first.contains("/stdio") && script.closes {
                return None;
            }
            // Reading keeps the connection open until the client closes it.
            stream.read_to_end(&mut Vec::new()).await.ok()?;
            return None;
        }
        let change = |status: &str, data: Value| {
            json!({
                "id": "1", "kind": "exec", "summary": "x", "status": status,
                "ready": status == "Done",
                "tasks": [
                    {"id": "1", "kind": "exec", "summary": "x", "status": status, "data": data}
                ]
            })
        };
        let answer = if first.starts_with("POST /v1/exec") {
            json!({
                "type": "async", "status-code": 202, "change": "1",
                "result": {"task-id": "1", "environment": {"A": "secret"}}
            })
        } else if script.ready {
            json!({
                "type": "sync", "status-code": 200,
                "result": change("Done", json!({"exit-code": 0}))
            })
        } else {
            std::future::pending().await
        };
        let body = answer.to_string();
        let status = if first.starts_with("POST") { 202 } else { 200 };
        let reply = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.get_mut().write_all(reply.as_bytes()).await.ok()?;
    }
}

async fn run(script: ServerScript) -> Result<ExecOutput, Error> {
    with_server(script, async |client, exec| client.exec_output(&exec).await).await
}

async fn with_server<T>(script: ServerScript, work: impl AsyncFnOnce(Client, Exec) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let socket: &Path = &folder.path().join("s");
    let listener = UnixListener::bind(socket).unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, script.clone()));
        }
    });
    let client = Client::new(socket)
        .with_retry(RetryPolicy::once(Duration::from_secs(5)))
        .with_tag(Arc::new(7_u8));
    let exec = Exec::new(["x"]).combine_stderr().timeout(Duration::from_secs(60));
    let result = tokio::time::timeout(Duration::from_secs(90), work(client, exec)).await;
    server.abort();
    result.expect("it hangs")
}

#[tokio::test]
async fn frames_are_put_together_and_what_is_unknown_is_passed_over() {
    let output = run(ServerScript::stdio([
        data(b"one "),
        text("not JSON"),
        text(r#"{"command":"future","future":{}}"#),
        frame(0x89, b"ping"),
        // A message comes in two frames, with an unsolicited pong between them.
        frame(0x02, b"tw"),
        frame(0x8a, b""),
        frame(0x80, b"o"),
        end(),
        data(b"after the end"),
    ]))
    .await
    .unwrap();
    assert_eq!((output.exit_code(), output.stdout()), (0, &b"one two"[..]));
}

#[tokio::test]
async fn frames_against_the_rules_are_told_as_such() {
    let huge = [vec![0x82, 127], (1_u64 << 40).to_be_bytes().to_vec()].concat();
    for bytes in [
        // These are an unknown opcode, a reserved bit, a masked frame, a continuation of nothing, a
        // ping in parts, text that is not UTF-8, and a frame that announces too great a length.
        frame(0x83, b"x"),
        frame(0xc2, b"x"),
        vec![0x82, 0x81, 1, 2, 3, 4, 5],
        frame(0x80, b"x"),
        frame(0x09, b"x"),
        frame(0x81, b"\xff\xfe"),
        huge,
    ] {
        for ready in [true, false] {
            let script =
                ServerScript { ready, ..ServerScript::stdio([data(b"before"), bytes.clone()]) };
            let error = run(script).await.unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::Protocol, "{bytes:x?}: {error}");
            assert!(
                error.may_have_acted() && error.to_string().contains("against its rules"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_that_closes_too_early_is_no_success() {
    for frames in
        [vec![], vec![data(b"some")], vec![data(b"some"), frame(0x88, b"")], vec![vec![0x82]]]
    {
        let script = ServerScript { closes: true, ..ServerScript::stdio(frames) };
        let error = run(script).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(error.to_string().contains("exit code 0"), "what is known is told: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_never_comes_is_given_up() {
    let error = run(ServerScript::stdio([data(b"some")])).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert!(error.to_string().contains("its output does not end"), "{error}");
}

/// Makes frames of 64 KiB.
fn large(count: usize) -> Vec<u8> {
    let frame = [vec![0x82, 127], 65_536_u64.to_be_bytes().to_vec(), vec![b'x'; 65_536]].concat();
    frame.repeat(count)
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_holds_the_wait_up_for_a_while() {
    let script = ServerScript::stdio([large(32), end()]);
    with_server(script, async |client, exec| {
        let mut process = client.exec(&exec).await.unwrap();
        let mut stdout = process.take_stdout().unwrap();
        stdout.read_exact(&mut [0; 100]).await.unwrap();
        let started = Instant::now();
        let (first, second) = tokio::join!(process.wait(), process.wait());
        assert!(first.unwrap().success() && second.unwrap().success());
        assert!(
            started.elapsed() >= super::output_buffer::STALLED_READER_LIMIT,
            "{:?}",
            started.elapsed()
        );
        let mut kept = Vec::new();
        let error = stdout.read_to_end(&mut kept).await.unwrap_err();
        assert_eq!(kept.len() as u64 + stdout.discarded() + 100, 32 * 65_536, "{error}");
        assert!(kept.len() >= super::output_buffer::CAPACITY - 100);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_not_waited_for_for_ever() {
    // Pebble never reports the end of the command.
    let script =
        ServerScript { closes: true, ready: false, ..ServerScript::stdio([data(b"some")]) };
    let error = run(script).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert!(error.to_string().contains("broke before its end"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn one_deadline_is_over_the_whole() {
    let script = ServerScript { ready: false, ..ServerScript::stdio([data(b"some")]) };
    with_server(script, async |client, exec| {
        let mut process = client.exec(&exec.timeout(Duration::from_secs(2))).await.unwrap();
        let started = Instant::now();
        // Reading alone enforces the deadline, too.
        let mut stdout = process.take_stdout().unwrap();
        let mut kept = Vec::new();
        let error = stdout.read_to_end(&mut kept).await.unwrap_err();
        assert_eq!((error.kind(), kept.as_slice()), (std::io::ErrorKind::TimedOut, &b"some"[..]));
        assert!(started.elapsed() >= Duration::from_secs(7), "{:?}", started.elapsed());
        let error = process.wait().await.unwrap_err();
        assert_eq!((error.kind(), error.tag()), (&ErrorKind::TimedOut, Some(&7_u8)));
    })
    .await;
}

#[test]
fn handles_may_outlive_their_runtime() {
    for ends in [false, true] {
        let runtime =
            || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut runtime = Some(runtime());
        let script = ServerScript { ready: false, ..ServerScript::stdio([data(b"some")]) };
        let (mut process, stdin, stdout) =
            runtime.as_ref().unwrap().block_on(with_server(script, async |client, exec| {
                let mut process = client.exec(&exec).await.unwrap();
                let (stdin, mut stdout) =
                    (process.take_stdin().unwrap(), process.take_stdout().unwrap());
                // The read sets a timer, which must not fail when the runtime is gone.
                stdout.read_exact(&mut [0; 4]).await.unwrap();
                (process, stdin, stdout)
            }));
        if ends {
            runtime = None;
        }
        drop((stdin, stdout));
        drop(process.take_stderr());
        drop(process);
        drop(runtime);
    }
}

#[test]
fn handles_and_calls_cross_threads() {
    fn crosses<T: Send>(_: T) {}
    fn is_shared<T: Send + Sync>() {}
    let (client, exec) = (Client::new("/nowhere"), Exec::new(["x"]));
    crosses(client.exec(&exec));
    crosses(client.exec_output(&exec));
    is_shared::<super::ExecProcess>();
    is_shared::<super::ExecReader>();
    is_shared::<super::ExecStdin>();
    #[expect(dead_code, reason = "it is compiled, not run")]
    fn waits(process: &super::ExecProcess) {
        crosses(process.wait());
        crosses(process.signal(&super::super::Signal::TERM));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_have_a_result(stdio in proptest::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // The bytes may contain the end of the stream, so it is only known that there is a result,
        // and soon.
        let _result = runtime.block_on(run(ServerScript { stdio, closes: true, ready: true }));
    }
}

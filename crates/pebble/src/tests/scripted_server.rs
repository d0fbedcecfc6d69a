//! A server answers by a script, for tests of what a real daemon does only by bad luck.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{Client, RetryPolicy, Timestamp};

/// The action of the server on the next request.
pub(super) enum ServerAction {
    Answer(u16, Value),
    /// It closes the connection without a byte of an answer.
    Cut,
    /// It does the same after a while.
    CutAfter(Duration),
    /// It answers nothing and keeps the connection open.
    Silence,
}

/// The start of the expected request line, and the action.
pub(super) type Step = (&'static str, ServerAction);

async fn serve(
    listener: UnixListener,
    mut script: std::vec::IntoIter<Step>,
    wrong: Arc<Mutex<Vec<String>>>,
    left: Arc<Mutex<usize>>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            return;
        };
        let mut stream = BufReader::new(stream);
        while let Some(request) = read_request(&mut stream).await {
            let step = script.next();
            *left.lock().unwrap() = script.len();
            match step {
                Some((expected, action)) if request.starts_with(expected) => match action {
                    ServerAction::Answer(status, value) => {
                        answer(&mut stream, status, &value).await;
                    }
                    ServerAction::Cut => break,
                    ServerAction::CutAfter(pause) => {
                        tokio::time::sleep(pause).await;
                        break;
                    }
                    ServerAction::Silence => {}
                },
                other => {
                    let expected = other.map_or("nothing", |(expected, _)| expected);
                    wrong
                        .lock()
                        .unwrap()
                        .push(format!("{request} came where {expected} was expected"));
                    let refusal =
                        json!({"type": "error", "result": {"message": "not in the script"}});
                    answer(&mut stream, 400, &refusal).await;
                }
            }
        }
    }
}

async fn read_request(stream: &mut BufReader<UnixStream>) -> Option<String> {
    let mut first = String::new();
    stream.read_line(&mut first).await.ok().filter(|count| *count > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(first.trim_end().to_owned())
}

async fn answer(stream: &mut BufReader<UnixStream>, status: u16, value: &Value) {
    let body = value.to_string();
    let text = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.get_mut().write_all(text.as_bytes()).await.unwrap();
}

/// Runs `calls` against the script, which has to be used up by them.
pub(super) async fn run_script(script: Vec<Step>, calls: impl AsyncFnOnce(Client)) {
    let folder = tempfile::tempdir().unwrap();
    let socket: &Path = &folder.path().join("s");
    let wrong = Arc::new(Mutex::new(Vec::new()));
    let left = Arc::new(Mutex::new(script.len()));
    let listener = UnixListener::bind(socket).unwrap();
    let server =
        tokio::spawn(serve(listener, script.into_iter(), Arc::clone(&wrong), Arc::clone(&left)));
    let policy =
        RetryPolicy::new().step(Duration::from_millis(2)).attempts(NonZeroU32::new(12).unwrap());
    calls(Client::new(socket).with_retry(policy)).await;
    server.abort();
    assert_eq!(*wrong.lock().unwrap(), [""; 0]);
    assert_eq!(*left.lock().unwrap(), 0, "steps of the script that were not reached");
}

pub(super) fn sync(result: Value) -> ServerAction {
    ServerAction::Answer(200, json!({"type": "sync", "status-code": 200, "result": result}))
}

pub(super) fn accepted(id: &str) -> ServerAction {
    ServerAction::Answer(
        202,
        json!({"type": "async", "status-code": 202, "change": id, "result": null}),
    )
}

pub(super) fn change(id: &str, kind: &str, spawned: Timestamp, status: &str, log: &str) -> Value {
    json!({
        "id": id, "kind": kind, "summary": "x", "status": status, "ready": true,
        "spawn-time": spawned.to_string(),
        "tasks": [{
            "id": "1", "kind": "start", "summary": "Start service \"web\"", "status": status,
            "log": [log]
        }]
    })
}

pub(super) fn later() -> Timestamp {
    (std::time::SystemTime::now() + Duration::from_secs(60)).try_into().unwrap()
}

pub(super) fn services(since: Option<Timestamp>) -> ServerAction {
    let mut service = json!({"name": "web", "startup": "disabled", "current": "active"});
    if let Some(since) = since {
        service["current-since"] = json!(since.to_string());
    }
    sync(json!([service]))
}

//! A fake Pebble, which answers each request by a function of the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

use serde_json::{Value, json};

pub(super) type Answer = dyn Fn(&str, &str) -> (u16, Value) + Send + Sync;

/// Serves connections until the process ends. The socket is removed with the unit's folder.
pub(super) fn serve(listener: UnixListener, answer: Arc<Answer>) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || answer_requests(stream, &*answer));
        }
    });
}

/// Answers the requests of one connection until it is closed.
fn answer_requests(stream: UnixStream, answer: &Answer) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split(' ');
        let (status, body) = answer(words.next()?, words.next()?);
        let body = body.to_string();
        write!(
            writer,
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: \
             {}\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
    }
}

/// Answers as a Pebble that accepts every request.
pub(super) fn accepting(method: &str, path: &str) -> (u16, Value) {
    match (method, path.split('?').next().unwrap_or_default()) {
        ("GET", "/v1/system-info") => sync(json!({"version": "v1.32.1", "boot-id": "1"})),
        ("POST", "/v1/services") => change_started(),
        ("GET", "/v1/changes/1/wait" | "/v1/changes/1") => sync(json!({
            "id": "1", "kind": "replan", "summary": "Replan", "status": "Done", "ready": true,
            "tasks": []
        })),
        ("GET", _) => sync(json!([])),
        _ => sync(json!(true)),
    }
}

/// Answers as a Pebble whose service does not stay up.
pub(super) fn failing_service(method: &str, path: &str) -> (u16, Value) {
    match (method, path.split('?').next().unwrap_or_default()) {
        ("GET", "/v1/changes/1/wait" | "/v1/changes/1") => sync(json!({
            "id": "1", "kind": "replan", "summary": "Replan service \"web\"", "status": "Error",
            "ready": true,
            "err": "cannot perform the following tasks:\n\
                    - Start service \"web\" (exited quickly with code 1)",
            "tasks": [{
                "id": "2", "kind": "start", "summary": "Start service \"web\"", "status": "Error",
                "log": [
                    "2026-11-22T20:00:10Z INFO Most recent service output:\n\
                     \x20   boom: no such key\n",
                    "2026-11-22T20:00:10Z ERROR cannot start service: exited quickly with code 1"
                ]
            }]
        })),
        _ => accepting(method, path),
    }
}

/// Answers every request but a GET with this status and message.
pub(super) fn refusing(
    status: u16,
    message: &'static str,
) -> impl Fn(&str, &str) -> (u16, Value) + Send + Sync + 'static {
    move |method, path| {
        if method == "GET" {
            return accepting(method, path);
        }
        (
            status,
            json!({
                "type": "error", "status-code": status, "status": "X",
                "result": {"message": message}
            }),
        )
    }
}

fn sync(result: Value) -> (u16, Value) {
    (200, json!({"type": "sync", "status-code": 200, "status": "OK", "result": result}))
}

fn change_started() -> (u16, Value) {
    (
        202,
        json!({
            "type": "async", "status-code": 202, "status": "Accepted", "change": "1",
            "result": null
        }),
    )
}

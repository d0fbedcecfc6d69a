//! One exec: a request, three websockets, and the change's end, each as early as the protocol allows.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::{Connection, get};
use crate::common::Failure;
use crate::driver::Phases;

/// In this order, since the last one of the output starts the command.
const WEBSOCKETS: [&str; 3] = ["control", "stdio", "stderr"];

pub(super) fn once(connection: &mut Connection, socket: &Path, phases: &mut Phases) -> Result<(), Failure> {
    let start = Instant::now();
    let body = json!({"command": ["/bin/true"], "split-stderr": true}).to_string();
    let request = format!(
        "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.send(request.as_bytes())?;
    let accepted = envelope(connection, 202)?;
    let text = |pointer: &str| accepted.pointer(pointer).and_then(Value::as_str);
    let change = text("/change").ok_or("exec gave no change")?;
    let task = text("/result/task-id").ok_or("exec gave no task")?;
    let requested = Instant::now();

    let mut websockets = Vec::new();
    for name in WEBSOCKETS {
        let mut websocket = Connection::open(socket)?;
        let path = format!("/v1/tasks/{task}/websocket/{name}");
        let headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
        websocket.send(get(&path, headers).as_bytes())?;
        websockets.push(websocket);
    }
    for websocket in &mut websockets {
        let status = websocket.answer(None)?.status;
        if status != 101 {
            return Err(format!("a websocket was answered with status {status}").into());
        }
    }
    let connected = Instant::now();

    // Sent now, so that the answer is under way when the output has ended.
    connection.send(get(&format!("/v1/changes/{change}/wait"), "").as_bytes())?;
    for output in websockets.iter_mut().skip(1) {
        while output.frame()? != (true, br#"{"command":"end"}"#.to_vec()) {}
    }
    let ended = Instant::now();

    let change = envelope(connection, 200)?;
    if change.pointer("/result/tasks/0/data/exit-code").and_then(Value::as_i64) != Some(0) {
        return Err(format!("/bin/true did not exit with 0: {change}").into());
    }
    phases.add("request", requested - start);
    phases.add("websockets connected", connected - requested);
    phases.add("output ended", ended - connected);
    phases.add("change ready", ended.elapsed());
    Ok(())
}

fn envelope(connection: &mut Connection, status: u16) -> Result<Value, Failure> {
    let mut body = Vec::new();
    let answer = connection.answer(Some(&mut body))?;
    if answer.status == status {
        return Ok(serde_json::from_slice(&body)?);
    }
    Err(format!("status {}: {}", answer.status, String::from_utf8_lossy(&body)).into())
}

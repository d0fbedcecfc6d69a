//! One exec: a request, three websockets, and the change's end, each as early as the protocol
//! allows.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::{Connection, get_request};
use crate::common::Failure;
use crate::driver::Phases;

pub(super) fn run_once(
    connection: &mut Connection,
    socket: &Path,
    phases: &mut Phases,
) -> Result<(), Failure> {
    let start = Instant::now();
    let body = json!({"command": ["/bin/true"], "split-stderr": true}).to_string();
    let request = format!(
        "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: \
         application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.send(request.as_bytes())?;
    let accepted = read_envelope(connection, 202)?;
    let text = |pointer: &str| accepted.pointer(pointer).and_then(Value::as_str);
    let change = text("/change").ok_or("exec gave no change")?;
    let task = text("/result/task-id").ok_or("exec gave no task")?;
    let requested = Instant::now();

    // The control socket is there before the output's are asked for: those start the command, which
    // may end before a later one is connected.
    let mut control = request_websocket(socket, task, "control")?;
    expect_upgrade(&mut control)?;
    let mut outputs =
        [request_websocket(socket, task, "stdio")?, request_websocket(socket, task, "stderr")?];
    for output in &mut outputs {
        expect_upgrade(output)?;
    }
    let connected = Instant::now();

    // Sent now, so that the answer is under way when the output has ended.
    connection.send(get_request(&format!("/v1/changes/{change}/wait"), "").as_bytes())?;
    for output in &mut outputs {
        while output.read_frame()? != (true, br#"{"command":"end"}"#.to_vec()) {}
    }
    let ended = Instant::now();

    let change = read_envelope(connection, 200)?;
    if change.pointer("/result/tasks/0/data/exit-code").and_then(Value::as_i64) != Some(0) {
        return Err(format!("/bin/true did not exit with 0: {change}").into());
    }
    phases.add("request", requested - start);
    phases.add("websockets connected", connected - requested);
    phases.add("output ended", ended - connected);
    phases.add("change ready", ended.elapsed());
    Ok(())
}

/// What it takes to start `/bin/true` and wait for its end with no Pebble at all: no client of
/// Pebble saves anything of it.
pub(super) fn time_without_pebble(count: usize) -> Result<(), Failure> {
    let start = Instant::now();
    for _ in 0..count {
        Command::new("/bin/true").stdin(Stdio::null()).status()?;
    }
    println!(
        "phase {} by itself, without Pebble, `/bin/true` takes",
        start.elapsed().as_nanos() / count.max(1) as u128
    );
    Ok(())
}

fn request_websocket(socket: &Path, task: &str, name: &str) -> Result<Connection, Failure> {
    let mut websocket = Connection::open(socket)?;
    let path = format!("/v1/tasks/{task}/websocket/{name}");
    let headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    websocket.send(get_request(&path, headers).as_bytes())?;
    Ok(websocket)
}

fn expect_upgrade(websocket: &mut Connection) -> Result<(), Failure> {
    match websocket.read_response(None)?.status {
        101 => Ok(()),
        status => Err(format!("a websocket was answered with status {status}").into()),
    }
}

fn read_envelope(connection: &mut Connection, status: u16) -> Result<Value, Failure> {
    let mut body = Vec::new();
    let response = connection.read_response(Some(&mut body))?;
    if response.status == status {
        return Ok(serde_json::from_slice(&body)?);
    }
    Err(format!("status {}: {}", response.status, String::from_utf8_lossy(&body)).into())
}

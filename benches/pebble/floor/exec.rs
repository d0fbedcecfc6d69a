//! The floor's exec makes a request, opens three websockets and waits for the change, each as early
//! as the protocol allows.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use super::{Connection, get_request};
use crate::common::Failure;
use crate::task::Phases;

/// Runs `/bin/true` once and adds the time of each phase.
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

    // The control websocket is connected before the other two are requested. The last of those
    // starts the command, which may end before a later control websocket is connected.
    let mut control = request_websocket(socket, task, "control")?;
    expect_upgrade(&mut control)?;
    let mut outputs =
        [request_websocket(socket, task, "stdio")?, request_websocket(socket, task, "stderr")?];
    for output in &mut outputs {
        expect_upgrade(output)?;
    }
    let connected = Instant::now();

    // The request is sent before the output is read, so that its answer is under way when the
    // output ends.
    connection.send(get_request(&format!("/v1/changes/{change}/wait"), "").as_bytes())?;
    // Pebble ends each stream with this text frame and leaves the websocket open, so the end of the
    // connection would never come.
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

/// Measures how long `/bin/true` takes without Pebble, and prints it as a phase.
///
/// This part of the time is the same for every client.
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

/// Opens a connection and requests a websocket on it, without waiting for the answer.
fn request_websocket(socket: &Path, task: &str, name: &str) -> Result<Connection, Failure> {
    let mut websocket = Connection::open(socket)?;
    let path = format!("/v1/tasks/{task}/websocket/{name}");
    // The key is 16 zero bytes: the floor does not check the answer to it, so it need not be
    // random.
    let headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    websocket.send(get_request(&path, headers).as_bytes())?;
    Ok(websocket)
}

/// Reads the answer to a websocket request, which must be 101.
fn expect_upgrade(websocket: &mut Connection) -> Result<(), Failure> {
    match websocket.read_response(None)?.status {
        101 => Ok(()),
        status => Err(format!("a websocket was answered with status {status}").into()),
    }
}

/// Reads an answer, which must have this status, and parses its body.
fn read_envelope(connection: &mut Connection, status: u16) -> Result<Value, Failure> {
    let mut body = Vec::new();
    let response = connection.read_response(Some(&mut body))?;
    if response.status == status {
        return Ok(serde_json::from_slice(&body)?);
    }
    Err(format!("status {}: {}", response.status, String::from_utf8_lossy(&body)).into())
}

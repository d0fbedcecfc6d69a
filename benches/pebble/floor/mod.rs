//! The floor is a client that only moves the bytes of a request and of its response: it blocks, and
//! keeps one connection. No client can be much faster than it, so the others are compared with it.

mod connection;
mod exec;
mod push;

use crate::common::Failure;
use crate::task::{Phases, Stopwatch, Task};

pub(crate) use connection::{Connection, get_request};

/// Runs the task.
pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    let mut connection = Connection::open(&task.socket)?;
    match task.operation.as_str() {
        "system-info" => repeat_get(task, &mut connection, "/v1/system-info", ""),
        "services" => repeat_get(task, &mut connection, "/v1/services", ""),
        "plan" => repeat_get(task, &mut connection, "/v1/plan?format=yaml", ""),
        "pull" => {
            let path = format!("/v1/files?action=read&path={}", task.target()?);
            repeat_get(task, &mut connection, &path, "Accept: multipart/form-data\r\n")
        }
        "push" => {
            let push = push::Push::new(task.target()?, task.source()?)?;
            repeat(task, |_| push.send_once(&mut connection))
        }
        "exec" => {
            repeat(task, |phases| exec::run_once(&mut connection, &task.socket, phases))?;
            exec::time_without_pebble(task.count)
        }
        other => Err(format!("no operation {other}").into()),
    }
}

/// Repeats a GET request and checks the size of each response.
fn repeat_get(
    task: &Task,
    connection: &mut Connection,
    path: &str,
    headers: &str,
) -> Result<(), Failure> {
    let request = get_request(path, headers);
    // The multipart body of a pull is larger than the file by its part headers, so the size of the
    // file is a lower bound.
    let minimum = match &task.target {
        Some(target) => std::fs::metadata(target)?.len(),
        None => 1,
    };
    repeat(task, |_| {
        connection.send(request.as_bytes())?;
        let response = connection.read_response(None)?;
        if response.status == 200 && response.bytes >= minimum {
            return Ok(());
        }
        Err(format!("{path}: status {}, {} bytes", response.status, response.bytes).into())
    })
}

/// Repeats an operation: first to warm up, then measured, and prints the figures.
fn repeat(
    task: &Task,
    mut operation: impl FnMut(&mut Phases) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut phases = Phases::default();
    for _ in 0..task.warm_up {
        operation(&mut phases)?;
    }
    // The phases of the warm-up do not count, as its time does not.
    phases.clear();
    let watch = Stopwatch::start();
    for _ in 0..task.count {
        operation(&mut phases)?;
    }
    watch.stop(task.count, &phases);
    Ok(())
}

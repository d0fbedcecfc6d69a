//! The floor: what it takes to move the bytes of a request and of its answer, blocking, on one kept
//! connection.

mod connection;
mod exec;
mod push;

use crate::common::Failure;
use crate::driver::{Phases, Stopwatch, Task};

pub(crate) use connection::{Connection, get};

pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    let mut connection = Connection::open(&task.socket)?;
    match task.operation.as_str() {
        "system-info" => reading(task, &mut connection, "/v1/system-info", ""),
        "services" => reading(task, &mut connection, "/v1/services", ""),
        "plan" => reading(task, &mut connection, "/v1/plan?format=yaml", ""),
        "pull" => {
            let path = format!("/v1/files?action=read&path={}", task.target()?);
            reading(task, &mut connection, &path, "Accept: multipart/form-data\r\n")
        }
        "push" => {
            let push = push::Push::new(task.target()?, task.source()?)?;
            repeat(task, |_| push.once(&mut connection))
        }
        "exec" => {
            repeat(task, |phases| exec::once(&mut connection, &task.socket, phases))?;
            exec::without_pebble(task.count)
        }
        other => Err(format!("no operation {other}").into()),
    }
}

fn reading(
    task: &Task,
    connection: &mut Connection,
    path: &str,
    headers: &str,
) -> Result<(), Failure> {
    let request = get(path, headers);
    let least = match &task.target {
        Some(target) => std::fs::metadata(target)?.len(),
        None => 1,
    };
    repeat(task, |_| {
        connection.send(request.as_bytes())?;
        let answer = connection.answer(None)?;
        if answer.status == 200 && answer.bytes >= least {
            return Ok(());
        }
        Err(format!("{path}: status {}, {} bytes", answer.status, answer.bytes).into())
    })
}

fn repeat(
    task: &Task,
    mut once: impl FnMut(&mut Phases) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut phases = Phases::default();
    for _ in 0..task.warm_up {
        once(&mut phases)?;
    }
    phases.clear();
    let watch = Stopwatch::start();
    for _ in 0..task.count {
        once(&mut phases)?;
    }
    watch.stop(task.count, &phases);
    Ok(())
}

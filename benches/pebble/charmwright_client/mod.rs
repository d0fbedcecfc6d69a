//! This peer is `charmwright::pebble::Client`; the tables call it "ours".

mod exec;
mod pull;
mod push;

use std::time::Instant;

use charmwright::pebble::{Client, Plan};
use serde_json::Value;

use crate::common::Failure;
use crate::environment::SERVICES;
use crate::floor;
use crate::task::{Phases, Stopwatch, Task};

/// Runs the task on a current-thread runtime, which is what a charm has.
pub(crate) fn run(task: &Task) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(operate(task))
}

async fn operate(task: &Task) -> Result<(), Failure> {
    let client = &Client::new(&task.socket);
    match task.operation.as_str() {
        "system-info" => {
            repeat(task, async |_| {
                client.system_info().await?;
                Ok(())
            })
            .await
        }
        "services" => {
            repeat(task, async |_| check_service_count(client.all_services().await?.len())).await
        }
        "plan" => {
            repeat(task, async |_| check_service_count(client.plan().await?.services().len()))
                .await?;
            time_plan_parsing(task)
        }
        "pull" => {
            let path = task.target()?;
            let size = std::fs::metadata(path)?.len();
            repeat(task, async |_| match pull::pull_once(client, path).await? {
                pulled if pulled == size => Ok(()),
                pulled => Err(format!("{pulled} of {size} bytes came").into()),
            })
            .await
        }
        "push" => {
            let (target, source) = (task.target()?, task.source()?);
            repeat(task, async |_| push::push_once(client, target, source).await).await
        }
        "exec" => repeat(task, async |phases| exec::run_once(client, phases).await).await,
        other => Err(format!("no operation {other}").into()),
    }
}

/// Fails unless the answer has every service of the plan, so that a short answer counts as no
/// measurement.
fn check_service_count(services: usize) -> Result<(), Failure> {
    if services == SERVICES {
        return Ok(());
    }
    Err(format!("{services} services and not {SERVICES}").into())
}

/// Measures how long the YAML of a plan takes to parse, and prints it as a phase.
///
/// The floor does not parse the plan, and this figure explains the difference.
fn time_plan_parsing(task: &Task) -> Result<(), Failure> {
    let mut connection = floor::Connection::open(&task.socket)?;
    connection.send(floor::get_request("/v1/plan?format=yaml", "").as_bytes())?;
    let mut body = Vec::new();
    connection.read_response(Some(&mut body))?;
    let envelope: Value = serde_json::from_slice(&body)?;
    let text = envelope.pointer("/result").and_then(Value::as_str).ok_or("the plan is no text")?;
    let start = Instant::now();
    for _ in 0..task.count {
        Plan::from_yaml(text)?;
    }
    println!(
        "phase {} of it `Plan::from_yaml`, {} bytes",
        start.elapsed().as_nanos() / task.count.max(1) as u128,
        text.len()
    );
    Ok(())
}

/// Repeats an operation: first to warm up, then measured, and prints the figures.
async fn repeat(
    task: &Task,
    mut operation: impl AsyncFnMut(&mut Phases) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut phases = Phases::default();
    for _ in 0..task.warm_up {
        operation(&mut phases).await?;
    }
    // The phases of the warm-up do not count, as its time does not.
    phases.clear();
    let watch = Stopwatch::start();
    for _ in 0..task.count {
        operation(&mut phases).await?;
    }
    watch.stop(task.count, &phases);
    Ok(())
}

//! A charm that restarts its workload when Pebble says that it is ill, and stops it when the unit
//! ends.
//!
//! Its options are `command` (what runs) and `check` (a command that fails when the workload is
//! ill). No handler asks first whether Pebble is there: a call that finds it away is tried again
//! for a while, and what it means when it stays away is the library's table.

use std::process::ExitCode;
use std::time::Duration;

use charmwright::pebble::{Check, Layer, LayerMode, Override, Service, Startup};
use charmwright::{Charm, Container, Event, Hook, Metadata, Outcome, Result, Statuses};

/// The container, its one service, and the check of it.
const WORKLOAD: &str = "workload";

struct RestartOnCheck;

#[derive(serde::Deserialize)]
struct Config {
    command: String,
    check: String,
}

impl Charm for RestartOnCheck {
    type Config = Config;

    const METADATA: Metadata = Metadata::new("restart-on-check").containers(&[WORKLOAD]);

    async fn handle(&mut self, event: &Event, hook: &Hook<Self>) -> Result<Outcome> {
        let workload = hook.container(WORKLOAD)?;
        match event {
            Event::ConfigChanged | Event::PebbleReady { .. } => {
                add_layer(&workload, hook).await?;
                workload.replan().await?;
            }
            Event::PebbleCheckFailed { .. } => {
                // A Pebble that was restarted has forgotten the layer, and a stored event may run
                // before pebble-ready.
                add_layer(&workload, hook).await?;
                workload.restart([WORKLOAD]).await?;
            }
            Event::Stop => {
                workload.stop([WORKLOAD]).await?;
            }
            _ => {}
        }
        Ok(Outcome::Done)
    }

    async fn collect_status(&self, hook: &Hook<Self>, statuses: &mut Statuses) -> Result<()> {
        statuses.add(hook.container(WORKLOAD)?.readiness().await);
        Ok(())
    }
}

async fn add_layer(workload: &Container, hook: &Hook<RestartOnCheck>) -> Result<()> {
    let config = hook.config()?;
    let service = Service::new()
        .override_mode(Override::Replace)
        .command(&config.command)
        .startup(Startup::Enabled);
    let check = Check::exec(&config.check)
        .override_mode(Override::Replace)
        .period(Duration::from_secs(1))
        .threshold(1);
    let layer = Layer::new().service(WORKLOAD, service).check(WORKLOAD, check);
    Ok(workload.add_layer(WORKLOAD, &layer, LayerMode::Combine).await?)
}

fn main() -> ExitCode {
    charmwright::main(RestartOnCheck)
}

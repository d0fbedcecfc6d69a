//! A charm that restarts its workload when Pebble says that it is ill.
//!
//! Its options are `command` (what runs) and `check` (a command that fails when the workload is ill). No handler asks first whether Pebble is
//! there: a call that finds it away is tried again for a while, and then the event is stored and runs before the next one.

use std::process::ExitCode;
use std::time::Duration;

use charmwright::pebble::{Check, Layer, LayerMode, Override, Service, Startup};
use charmwright::{Charm, Event, Hook, Metadata, Outcome, Result, Statuses};

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
        if let Event::ConfigChanged | Event::PebbleReady { .. } | Event::PebbleCheckFailed { .. } = event {
            let workload = hook.container(WORKLOAD)?;
            // Always: a Pebble that was restarted has forgotten the layer, and a stored event may run before pebble-ready.
            workload
                .add_layer(WORKLOAD, &layer(&hook.config()?), LayerMode::Combine)
                .await?;
            if let Event::PebbleCheckFailed { .. } = event {
                workload.restart(&[WORKLOAD]).await?;
            } else {
                workload.replan().await?;
            }
        }
        Ok(Outcome::Done)
    }

    async fn collect_status(&self, hook: &Hook<Self>, statuses: &mut Statuses) -> Result<()> {
        statuses.add(hook.container(WORKLOAD)?.readiness().await);
        Ok(())
    }
}

fn layer(config: &Config) -> Layer {
    let service = Service::new()
        .override_mode(Override::Replace)
        .command(&config.command)
        .startup(Startup::Enabled);
    let check = Check::exec(&config.check)
        .override_mode(Override::Replace)
        .period(Duration::from_secs(1))
        .threshold(1);
    Layer::new().service(WORKLOAD, service).check(WORKLOAD, check)
}

fn main() -> ExitCode {
    charmwright::main(RestartOnCheck)
}

//! A charm that restarts its workload when Pebble says that it is ill, and stops it when the unit
//! ends.
//!
//! Its options are `command` (what runs) and `check` (a command that fails when the workload is
//! ill). No handler asks first whether Pebble is there: a call that finds it away is tried again
//! for a while, and what it means when it stays away is the library's table.

use std::process::ExitCode;
use std::time::Duration;

use charmwright::pebble::{Check, Layer, LayerMode, Override, Service, Startup};
use charmwright::{
    Charm, Container, Declaration, DeclaredContainer, Event, Hook, Metadata, NoActions, NoState,
    Outcome, Result, Statuses, UnitView,
};

/// This is the name of the container, of its one service and of the check of it.
const WORKLOAD: &str = "workload";

struct Declared;

impl Declaration for Declared {
    type Config = Config;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("restart-on-check").containers(&[WORKLOAD]);
}

#[derive(serde::Deserialize)]
struct Config {
    command: String,
    check: String,
}

#[derive(Clone, Copy)]
struct Workload;

impl DeclaredContainer for Workload {
    const NAME: &'static str = WORKLOAD;
}

struct RestartOnCheck;

impl Charm for RestartOnCheck {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        let workload = hook.container(Workload);
        add_layer(&workload, hook.config()?).await?;
        workload.replan().await?;
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        let workload = hook.container(Workload);
        match event {
            Event::ConfigChanged | Event::PebbleReady(_) => self.reconcile(hook).await?,
            Event::PebbleCheckFailed(_) => {
                // A Pebble that was restarted has forgotten the layer, and a stored event may run
                // before pebble-ready.
                add_layer(&workload, hook.config()?).await?;
                workload.restart([WORKLOAD]).await?;
            }
            Event::Stop => {
                workload.stop([WORKLOAD]).await?;
            }
            _ => {}
        }
        Ok(Outcome::done())
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        statuses.add(unit.container(Workload).readiness().await);
        Ok(())
    }
}

async fn add_layer(workload: &Container, config: &Config) -> Result {
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

//! This charm restarts its workload when a Pebble check fails, and stops it when the unit
//! stops.
//!
//! Its options are `command`, which the workload runs, and `check`, a command that fails when the
//! workload is not healthy. No handler asks first whether Pebble can be reached: the library
//! retries a call that Pebble does not answer, and documents how the hook ends if Pebble stays
//! away.

use std::process::ExitCode;
use std::time::Duration;

use charmwright::pebble::{Check, Layer, LayerMode, Override, Service, Startup};
use charmwright::{
    Charm, Container, Declaration, DeclaredContainer, Event, Hook, Metadata, NoActions, NoState,
    Outcome, Result, Statuses, UnitView,
};

/// The name of the container, of its only service and of the check of that service.
const WORKLOAD: &str = "workload";

/// The declaration lists the types and the metadata of the charm.
struct Declared;

impl Declaration for Declared {
    type Config = Config;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("restart-on-check").containers(&[WORKLOAD]);
}

/// The options of `config.yaml`.
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
                // Pebble loses the layer when it restarts. The event may be a stored one that runs
                // before pebble-ready, which would add the layer again.
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

/// Adds the layer with the service and its check.
async fn add_layer(workload: &Container, config: &Config) -> Result {
    let service = Service::new()
        .override_mode(Override::Replace)
        .command(&config.command)
        .startup(Startup::Enabled);
    // One failure is enough: the restart is this charm's only answer, and Pebble's threshold of
    // three would delay it by two periods.
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

//! This charm does in a hook what a charm of an application with a database does: it relates to the
//! database, reads its secret, runs two containers and opens a port.
//!
//! `ops_charm/charm.py` beside it is the same charm on ops. Both are written as an author writes
//! them, without a thought of the number of hook tools.

mod database;

use std::process::ExitCode;

use charmwright::pebble::{Layer, LayerMode, Override, Service, ServiceStatus, Startup};
use charmwright::{
    Charm, Container, ContainerView, Declaration, DeclaredContainer, Endpoint, Hook, LimitOne,
    Metadata, NoActions, NoState, OrStop as _, Port, Requires, Result, Status, Statuses, UnitView,
};
use serde::Deserialize;

use database::{Answer, Client, Request, Server};

/// The declaration lists the types and the metadata of the charm.
struct Declared;

impl Declaration for Declared {
    type Config = Config;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("busy").containers(&[Web::NAME, Worker::NAME]);
}

#[derive(Clone, Copy)]
struct Web;

impl DeclaredContainer for Web {
    const NAME: &'static str = "web";
}

#[derive(Clone, Copy)]
struct Worker;

impl DeclaredContainer for Worker {
    const NAME: &'static str = "worker";
}

#[derive(Clone, Copy)]
struct Database;

impl Endpoint for Database {
    const NAME: &'static str = "database";
    const INTERFACE: &'static str = "example_database";
    type Role = Requires;
    type Limit = LimitOne;
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Config {
    log_level: String,
    port: u16,
    workers: u16,
}

struct Busy;

impl Charm for Busy {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        let config = hook.config()?;
        hook.set_ports([Port::tcp(config.port)])?;
        let database =
            hook.related(Database)?.or_blocked("relate this application to a database")?;
        database.unit_bag().write(hook, &Client { version: "1".to_owned() })?;
        if let Some(leader) = hook.leader()? {
            let request =
                Request { database: hook.application().to_string(), roles: "reader".to_owned() };
            database.app_bag().write(&leader, &request)?;
        }
        let answer: Answer = database.remote_app().read()?;
        let mut servers = Vec::new();
        for (_, server) in database.units_written::<Server>()? {
            servers.push(server.address);
        }
        let login = answer.secret_user.refresh(hook)?;

        let environment = |service: Service| {
            service
                .env("DATABASE", &answer.endpoints)
                .env("DATABASE_SERVERS", servers.join(","))
                .env("DATABASE_USER", login.username.expose())
                .env("DATABASE_PASSWORD", login.password.expose())
                .env("LOG_LEVEL", &config.log_level)
        };
        let web = environment(Service::new()).env("PORT", config.port.to_string());
        start(&hook.container(Web), "web", web).await?;
        let worker = environment(Service::new()).env("WORKERS", config.workers.to_string());
        start(&hook.container(Worker), "worker", worker).await
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        add_status(&unit.container(Web), "web", statuses).await?;
        add_status(&unit.container(Worker), "worker", statuses).await
    }
}

/// Adds the layer of a service and starts it. Pebble restarts a service that has changed.
async fn start(container: &Container, name: &str, service: Service) -> Result {
    let service = service
        .override_mode(Override::Replace)
        .summary(name)
        .command("sleep 1000000")
        .startup(Startup::Enabled);
    let layer = Layer::new().summary("busy").service(name, service);
    container.add_layer(name, &layer, LayerMode::Combine).await?;
    container.replan().await?;
    Ok(())
}

async fn add_status(container: &ContainerView, name: &str, statuses: &mut Statuses) -> Result {
    let services = container.services([name]).await?;
    let runs = services.first().is_some_and(|it| *it.current() == ServiceStatus::Active);
    statuses.add(match runs {
        true => Status::active(),
        false => Status::waiting(format!("{name} does not run")),
    });
    Ok(())
}

fn main() -> ExitCode {
    charmwright::main(Busy)
}

//! This charm tells each client the address at which the client can reach it, opens the port of its
//! website for these clients, and one for administrators.
//!
//! `charmcraft.yaml` is beside this file.

use std::process::ExitCode;

use charmwright::juju::EndpointName;
use charmwright::{
    Bag, Charm, Declaration, Endpoint, Hook, Metadata, NoActions, NoLimit, NoState, OrStop as _,
    Plain, Port, Provides, Result, Status, Statuses, UnitView,
};
use serde::{Deserialize, Serialize};

/// The declaration lists the types and the metadata of the charm.
pub struct Declared;

impl Declaration for Declared {
    type Config = Config;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("network");
}

/// The options.
#[derive(Deserialize)]
pub struct Config {
    /// The port of the website.
    port: u16,
}

#[derive(Clone, Copy)]
struct Website;

impl Endpoint for Website {
    const NAME: &'static str = "website";
    const INTERFACE: &'static str = "example_website";
    type Role = Provides;
    type Limit = NoLimit;
}

/// The extra binding for administrators.
const ADMIN: EndpointName = EndpointName::from_static("admin");

/// The port for administrators.
const ADMIN_PORT: u16 = 8001;

/// What this unit tells a client.
#[derive(Serialize, Deserialize)]
struct Address {
    url: String,
}

impl Bag for Address {
    type Codec = Plain;
}

/// The charm.
pub struct Server;

impl Charm for Server {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        let port = hook.config()?.port;
        // Juju opens what is missing and closes what is stale, the port of an earlier option too.
        hook.set_port_openings([
            Port::tcp(port).on(Website.name()),
            Port::tcp(ADMIN_PORT).on(ADMIN),
        ])?;
        for client in hook.related(Website)? {
            // A client in another model may see another address.
            let network = client.network()?;
            let host = network.ingress_address().or_wait("website: no address yet")?.in_url();
            client.unit_bag().write(hook, &Address { url: format!("http://{host}:{port}/") })?;
        }
        Ok(())
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        let network = unit.network(Website)?;
        let host = network.bind_address().or_wait("website: no address yet")?.in_url();
        let (port, units) = (unit.config()?.port, unit.planned_units()?);
        let message = format!("listens on {host}:{port}, one of {units}");
        statuses.add(Status::active().with_message(message));
        Ok(())
    }
}

/// Runs one hook. The executable of a packed charm is its `dispatch`.
pub fn main() -> ExitCode {
    charmwright::main(Server)
}

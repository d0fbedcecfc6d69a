//! This charm requires a database. It asks for one, waits for the answer, and is active while it
//! has one.
//!
//! `charmcraft.yaml` is beside this file, and `database_provider` is the other side.

#[path = "../database_interface/mod.rs"]
mod database_interface;

use std::process::ExitCode;

use charmwright::{
    Charm, Declaration, Endpoint, Hook, LimitOne, Metadata, NoActions, NoConfig, Requires, Result,
    Status, Statuses, Stop, UnitView,
};
use database_interface::{Answer, Login, Request};

/// The declaration lists the types and the metadata of the charm.
pub struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = Stored;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("database-requirer");
}

/// What the unit keeps from one hook to the next.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Stored {
    /// Where the database is, while the unit uses one.
    endpoints: Option<String>,
}

#[derive(Clone, Copy)]
struct Database;

impl Endpoint for Database {
    const NAME: &'static str = "database";
    const INTERFACE: &'static str = "example_database";
    type Role = Requires;
    type Limit = LimitOne;
}

/// The charm.
pub struct DatabaseRequirer;

impl Charm for DatabaseRequirer {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        // `related` leaves out the relation that breaks in this hook, so that it is forgotten here.
        let Some(database) = hook.related(Database)? else {
            hook.update_state(|stored| stored.endpoints = None)?;
            return Err(Stop::blocked("relate this application to a database"));
        };
        if let Some(leader) = hook.leader()? {
            let request = Request { database: hook.application().to_string() };
            database.app_bag().write(&leader, &request)?;
        }
        // Each of these two ends the handler while the database has not answered: the unit is
        // Waiting, and the reason names the endpoint and the application.
        let answer: Answer = database.remote_app().read()?;
        let login = answer.secret_user.refresh(hook)?;
        connect(&answer.endpoints, &login);
        hook.update_state(|stored| stored.endpoints = Some(answer.endpoints))?;
        Ok(())
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        if let Some(endpoints) = &unit.state()?.endpoints {
            statuses.add(Status::active().with_message(format!("uses {endpoints}")));
        }
        Ok(())
    }
}

/// A charm with a workload gives it the login here. `expose` is the only way to the password, which
/// otherwise appears in no log and no error.
fn connect(endpoints: &str, login: &Login) {
    let is_complete = !login.username.expose().is_empty() && !login.password.expose().is_empty();
    tracing::info!("has a database at {endpoints}, its login is complete: {is_complete}");
}

/// Runs one hook. The executable of a packed charm is its `dispatch`.
pub fn main() -> ExitCode {
    charmwright::main(DatabaseRequirer)
}

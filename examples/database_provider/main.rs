//! This charm provides databases. For each application that asks for one, it makes a user, keeps
//! the user's password in a secret that only this application may read, and answers with the
//! secret's id.
//!
//! `charmcraft.yaml` is beside this file, and `database_requirer` is the other side.

#[path = "../database_interface/mod.rs"]
mod database_interface;

use std::fs::File;
use std::io::Read as _;
use std::process::ExitCode;

use charmwright::juju::RelationId;
use charmwright::{
    AppSecret, Charm, Context as _, Declaration, Endpoint, Event, Hook, IfReady as _, Metadata,
    NoActions, NoConfig, NoLimit, Outcome, Provides, RemoteSecret, Result,
};
use database_interface::{Answer, Login, Request};

/// The declaration lists the types and the metadata of the charm.
pub struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = Stored;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("database-provider");
}

/// What the unit keeps from one hook to the next.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Stored {
    /// `true` if this unit is being removed.
    is_leaving: bool,
}

#[derive(Clone, Copy)]
struct Database;

impl Endpoint for Database {
    const NAME: &'static str = "database";
    const INTERFACE: &'static str = "example_database";
    type Role = Provides;
    type Limit = NoLimit;
}

/// The charm. It keeps no user itself: they are all in its secrets and databags.
pub struct DatabaseProvider;

impl Charm for DatabaseProvider {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        // The secrets and databags are the application's, so its leader writes them.
        let Some(leader) = hook.leader()? else { return Ok(()) };
        for client in hook.related(Database)? {
            // A client that has not asked yet does not keep the others waiting.
            let Some(request) = client.remote_app().read::<Request>().if_ready()? else { continue };
            let user = user_of(hook, client.id());
            user.or_try_create(|| {
                let username = format!("{}-{}", request.database, client.id().number());
                Ok(Login { username: username.into(), password: random_password()?.into() })
            })?;
            // To grant it again changes nothing.
            user.grant(&leader, client.id())?;
            let endpoints = format!("{}:5432", hook.application());
            let secret_user = RemoteSecret::new(user.id(&leader)?);
            client.app_bag().write(&leader, &Answer { endpoints, secret_user })?;
        }
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        match event {
            // This unit is being removed. Its relations break for it alone, so their users stay.
            Event::RelationDeparted(departed) if departed.departing_unit() == Some(hook.name()) => {
                hook.update_state(|stored| stored.is_leaving = true)?;
            }
            // Juju has ended the grant with the relation. The user goes with it.
            Event::RelationBroken(broken) if !hook.state()?.is_leaving => {
                if let Some(leader) = hook.leader()? {
                    user_of(hook, broken.id()).remove(&leader)?;
                }
            }
            event if event.changes_world() => self.reconcile(hook).await?,
            _ => {}
        }
        Ok(Outcome::done())
    }
}

/// Returns the secret with the user of one client.
fn user_of(hook: &Hook<Declared>, client: &RelationId) -> AppSecret<Login> {
    hook.app_secret(&format!("user-{}", client.number()))
}

fn random_password() -> Result<String> {
    let mut bytes = [0; 16];
    let mut random = File::open("/dev/urandom").context("make a password")?;
    random.read_exact(&mut bytes).context("make a password")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Runs one hook. The executable of a packed charm is its `dispatch`.
pub fn main() -> ExitCode {
    charmwright::main(DatabaseProvider)
}

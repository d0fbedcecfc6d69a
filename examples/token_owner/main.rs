//! This charm owns a secret with rotation: a token, of which Juju asks for a new revision every
//! day.
//!
//! `charmcraft.yaml` is beside this file, and `token_observer` reads the token.

#[path = "../token_interface/mod.rs"]
pub mod token_interface;

use std::fs::File;
use std::io::Read as _;
use std::process::ExitCode;

use charmwright::{
    Charm, Context as _, Declaration, Endpoint, Event, Hook, Metadata, NoActions, NoConfig,
    NoLimit, NoState, Outcome, Provides, RemoteSecret, Result, SecretRotation,
};
use token_interface::{Offer, Token};

/// The declaration lists the types and the metadata of the charm.
pub struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("token-owner");
}

#[derive(Clone, Copy)]
struct Observers;

impl Endpoint for Observers {
    const NAME: &'static str = "token";
    const INTERFACE: &'static str = "example_token";
    type Role = Provides;
    type Limit = NoLimit;
}

/// The charm.
pub struct TokenOwner;

impl Charm for TokenOwner {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        let token = hook.app_secret("token").rotation(SecretRotation::Daily);
        // The leader makes it. The other units are Waiting until it is there.
        token.or_try_create(random_token)?;
        let Some(leader) = hook.leader()? else { return Ok(()) };
        for observer in hook.related(Observers)? {
            token.grant(&leader, observer.id())?;
            let offer = Offer { token: RemoteSecret::new(token.id(&leader)?) };
            observer.app_bag().write(&leader, &offer)?;
        }
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        match (event, hook.leader()?) {
            // The observers go on to use the old revision until each has taken the new one.
            (Event::SecretRotate(_), Some(leader)) => {
                hook.app_secret("token").set(&leader, &random_token()?)?;
            }
            // Nobody uses the revision any more. Nothing else is done to the secret in this hook,
            // because Juju would drop it for the removal.
            (Event::SecretRemove(unused), Some(leader)) => {
                hook.app_secret::<Token>("token").remove_revision(&leader, unused.revision())?;
            }
            (event, _) if event.changes_world() => self.reconcile(hook).await?,
            _ => {}
        }
        Ok(Outcome::done())
    }
}

fn random_token() -> Result<Token> {
    let mut bytes = [0; 16];
    let mut random = File::open("/dev/urandom").context("make a token")?;
    random.read_exact(&mut bytes).context("make a token")?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Token { token: token.into() })
}

/// Runs one hook. The executable of a packed charm is its `dispatch`.
pub fn main() -> ExitCode {
    charmwright::main(TokenOwner)
}

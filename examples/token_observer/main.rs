//! This charm observes a secret of another application. It goes on to use the revision that it read
//! first, and takes a new one when Juju says that there is one.
//!
//! `charmcraft.yaml` is beside this file, and `token_owner` is the other side.

#[path = "../token_interface/mod.rs"]
mod token_interface;

use std::process::ExitCode;

use charmwright::juju::SecretId;
use charmwright::{
    Charm, Declaration, Endpoint, Event, Hook, LimitOne, Metadata, NoActions, NoConfig,
    OrStop as _, Outcome, Requires, Result, Status, Statuses, UnitView,
};
use token_interface::{Offer, Token};

/// The declaration lists the types and the metadata of the charm.
pub struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = Stored;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("token-observer");
}

/// What the unit keeps from one hook to the next.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Stored {
    /// The secret whose token the unit uses.
    secret: Option<SecretId>,
    /// The number of tokens that the unit has used, one after another.
    tokens: u32,
}

#[derive(Clone, Copy)]
struct Owner;

impl Endpoint for Owner {
    const NAME: &'static str = "token";
    const INTERFACE: &'static str = "example_token";
    type Role = Requires;
    type Limit = LimitOne;
}

/// The charm.
pub struct TokenObserver;

impl Charm for TokenObserver {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        let owner =
            hook.related(Owner)?.or_blocked("relate this application to a token's owner")?;
        let offer: Offer = owner.remote_app().read()?;
        // The same revision in every hook, also while the owner has set a new one.
        let token = offer.token.get(hook)?;
        // Another secret is that of another owner, to which the application was related since.
        if hook.state()?.secret.as_ref() != Some(offer.token.id()) {
            use_token(hook, offer.token.id(), &token)?;
        }
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        match event {
            // It is taken here, and nowhere else: from now on this unit reads the new revision.
            Event::SecretChanged(changed)
                if hook.state()?.secret.as_ref() == Some(changed.id()) =>
            {
                let token = hook.secret::<Token>(changed.id()).refresh()?;
                use_token(hook, changed.id(), &token)?;
            }
            event if event.changes_world() => self.reconcile(hook).await?,
            _ => {}
        }
        Ok(Outcome::done())
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        let tokens = unit.state()?.tokens;
        statuses.add(Status::active().with_message(format!("uses token {tokens}")));
        Ok(())
    }
}

/// A charm with a workload gives it the token here.
fn use_token(hook: &Hook<Declared>, secret: &SecretId, token: &Token) -> Result {
    let _for_the_workload = token.token.expose();
    Ok(hook.update_state(|stored| {
        stored.secret = Some(secret.clone());
        stored.tokens += 1;
    })?)
}

/// Runs one hook. The executable of a packed charm is its `dispatch`.
pub fn main() -> ExitCode {
    charmwright::main(TokenObserver)
}

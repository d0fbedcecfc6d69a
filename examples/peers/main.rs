//! This charm elects a primary among its units. Each unit tells the others where it is, the leader
//! chooses, and every unit reads the choice.
//!
//! `charmcraft.yaml` is beside this file.

use std::process::ExitCode;

use charmwright::juju::UnitName;
use charmwright::{
    Bag, Charm, Declaration, Endpoint, Hook, JsonPerKey, Metadata, NoActions, NoConfig, NoLimit,
    NoState, OrStop as _, Peer, Result, Status, Statuses, UnitView,
};
use serde::{Deserialize, Serialize};

/// The declaration lists the types and the metadata of the charm.
pub struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("peers");
}

#[derive(Clone, Copy)]
struct Ring;

impl Endpoint for Ring {
    const NAME: &'static str = "ring";
    const INTERFACE: &'static str = "example_ring";
    type Role = Peer;
    type Limit = NoLimit;
}

/// What the units share. The leader writes it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Shared {
    primary: Option<UnitName>,
}

impl Bag for Shared {
    type Codec = JsonPerKey;
}

/// What each unit tells the others.
#[derive(Serialize, Deserialize)]
struct Member {
    port: u16,
}

impl Bag for Member {
    type Codec = JsonPerKey;
}

/// The charm.
pub struct Peers;

impl Charm for Peers {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        // In `install` there is no peer relation yet: the unit is Waiting, and tries again in
        // relation-created, which is the next hook.
        let ring = hook.peers::<Shared>(Ring)?;
        ring.unit_bag().write(hook, &Member { port: 7000 })?;
        if let Some(leader) = hook.leader()? {
            // A unit that is leaving is not among them, nor is one that has written nothing yet.
            let members = ring.units_written::<Member>()?;
            let is_member = |unit: &UnitName| members.iter().any(|(member, _)| member == unit);
            let first = members.first().map(|(unit, _)| unit.clone());
            ring.update(&leader, |shared| {
                // The primary keeps its place as long as it is there.
                shared.primary = shared.primary.take().filter(is_member).or(first);
            })?;
        }
        Ok(())
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
        let ring = unit.peers::<Shared>(Ring)?;
        let primary = ring.shared()?.primary.or_wait("waiting for the leader to choose")?;
        let members = ring.units_written::<Member>()?.len();
        let place =
            if primary == *unit.name() { "primary".to_owned() } else { primary.to_string() };
        statuses.add(Status::active().with_message(format!("{place}, {members} members")));
        Ok(())
    }
}

/// Runs one hook. The executable of a packed charm is its `dispatch`.
pub fn main() -> ExitCode {
    charmwright::main(Peers)
}

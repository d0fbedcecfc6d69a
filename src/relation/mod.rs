#![doc = include_str!("../../docs/relations.md")]

mod bag;
mod codec;

pub(crate) mod current_event;
pub(crate) mod databags;
mod endpoint;
mod handle;
mod juju_keys;
mod lookup;
mod own;
mod peers;
mod reading;
mod relation_core;
mod remote;
#[cfg(test)]
mod tests;

pub use bag::Bag;
pub use codec::{
    Codec, DecodeError, EncodeError, JsonPerKey, JsonUnder, KeyName, Plain, YamlUnder,
};
pub use endpoint::{
    Endpoint, Limit, LimitOne, NoLimit, Peer, Provides, Related, Requires, Role, interface,
};
pub use handle::{ByName, Relation, RelationLookup};
pub use juju_keys::JujuKeys;
pub use own::{OwnAppBag, OwnUnitBag};
pub use peers::Peers;
pub use remote::{RemoteBag, RemoteUnit};

//! The secrets of the model: what Juju's controller stores of them, who may read them, and which
//! hooks they make.
//!
//! A secret (`secret.rs`) has an owner, revisions with their contents, permissions, and a record of
//! each unit that has read it. The store (`store.rs`) holds them all. Three kinds of calls change
//! it:
//!
//! - A hook that reads: `reading.rs` acts at once.
//! - A hook that writes: its writes wait in `pending.rs`, and `commit.rs` does all of them or none.
//! - The operator: `user.rs`.
//!
//! `hooks.rs` is the agent's side. It compares the store with what the unit has run already.
//!
//! Times are absolute, since a charm may give one. The model converts them from and to the instants
//! of its caller.

mod commit;
mod content;
mod content_rules;
mod hooks;
mod id;
mod metadata;
mod party;
mod pending;
mod reading;
mod remote;
mod report;
mod rotation;
mod secret;
mod store;
#[cfg(test)]
mod tests;
mod user;

pub(crate) use commit::Committer;
pub(crate) use content::SecretContent;
pub(crate) use content_rules::{CONTENT_LIMIT, Entries, content_of, content_of_arguments, encode};
pub(crate) use hooks::{DueSecret, SecretEvent, SecretHooks};
pub(crate) use metadata::SecretMetadata;
pub(crate) use party::{Party, RelationScope, Scope};
pub(crate) use pending::PendingSecrets;
pub(crate) use reading::ReadMode;
pub use report::SecretReport;
pub(crate) use secret::Changes;
pub(crate) use store::Secrets;

//! The relations of a model: which units see each other, what their databags hold, and which hooks
//! that makes.
//!
//! - `relation.rs` is one relation in Juju's controller, with its `databag.rs` and the `rules.rs`
//!   of its version; `all_relations.rs`
//!   holds those of a model, and `matching.rs` finds the endpoints that `juju integrate` relates.
//! - `record.rs` is what a unit's agent has told its charm of one relation, and chooses its next
//!   `hook.rs`; `unit_relations.rs` holds those of a unit.
//! - `cache.rs` has the remote databags that an agent has read, and `writes.rs` the own databags
//!   with the writes of the running hook.
//! - `played.rs` lets a test play an application without a charm.

mod all_relations;
mod cache;
mod databag;
mod hook;
mod matching;
mod number;
mod played;
mod record;
mod relation;
mod rules;
mod unit_relations;
mod writes;

#[cfg(test)]
mod tests;

pub(crate) use all_relations::Relations;
pub(crate) use databag::{Databag, SIZE_LIMIT, network_values};
pub use hook::{RelationEvent, RelationHook};
pub(crate) use matching::{Candidate, candidate, match_endpoints, relation_key, split_name};
pub use number::RelationNumber;
pub(crate) use played::Players;
pub use played::{Played, PlayedRelation, Provider};
pub(crate) use record::RelationRecord;
pub(crate) use relation::{Relation, Side};
pub(crate) use rules::RelationRules;
pub(crate) use unit_relations::{Entrant, UnitRelations};
pub(crate) use writes::{Commit, OwnBag, RelationWrites};

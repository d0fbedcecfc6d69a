//! The storage of a model: the instances, the unit to which each is attached, and the rules for
//! their number.
//!
//! An instance is made for a unit, and stays in the model when the unit is gone: then it is
//! detached, and the operator may attach it to another unit or remove it. `instance.rs` has one
//! instance and its states, `storages.rs` all of them. `counts.rs` has the rules for their number,
//! `path.rs` where the charm finds an instance.
//!
//! Source: Juju 3.6, `state/storage.go`, `state/filesystem.go` and the storage resolver of the
//! uniter.

mod counts;
mod instance;
mod path;
mod storages;

pub(super) use counts::{Change, check_count, check_count_change};
pub(super) use path::StoragePlace;
pub(super) use storages::Storages;

pub use instance::{StorageInstance, StorageState};

//! The commands of a terminal or a script, one a line.
//!
//! `command.rs` has what a line means, `parse.rs` reads it, and `help.rs` lists every command. What
//! belongs to one group is together: `relations.rs` has the relations of the unit and the
//! applications and units around it, `secrets.rs` has the secrets that the operator and the remote
//! applications own, `storage.rs` has the storage of the unit and the resources.

mod command;
mod help;
mod parse;
mod relations;
mod secrets;
mod storage;

#[cfg(test)]
mod tests;

pub use command::{Command, DEFAULT_WAIT, PebbleVerb};
pub use help::{help, names, redacted};
pub use parse::parse;
pub use relations::{RelationCommand, Writer};
pub use secrets::{Content, SecretCommand};
pub use storage::StorageCommand;

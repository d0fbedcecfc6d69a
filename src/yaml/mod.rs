//! YAML as Pebble reads it and as Juju reads and writes it.
//!
//! What we write for them is JSON, which every YAML parser reads. What we read is taken apart by one scanner and parser of libyaml's grammar, from
//! which both of Go's packages come; what a scalar stands for is then a question of the dialect.

mod bounds;
mod document;
mod error;
mod input;
mod json;
pub(crate) mod juju;
mod number;
mod parser;
pub(crate) mod pebble;
mod resolve;
mod scanner;
mod timestamp;
mod token;

pub(crate) use json::to_yaml;
pub(crate) use number::go_int;

/// What the tag of every type of YAML's own begins with; `!!` is short for it.
const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// Whose YAML it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Juju's fork of yaml.v2.
    Juju,
    /// yaml.v3, which Pebble reads its layers with.
    Pebble,
}

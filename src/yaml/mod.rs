//! YAML as Pebble reads it and as Juju reads and writes it.
//!
//! Texts are written for them as JSON, which every YAML parser reads. Texts are read by
//! one scanner and parser of libyaml's grammar, from which both of Go's packages come; what a
//! scalar stands for is then a question of the dialect.

mod bounds;
mod dialect;
mod document;
mod error;
mod input;
mod json;
pub(crate) mod juju;
mod number;
mod parser;
pub(crate) mod pebble;
mod resolve;
mod scalar;
mod scanner;
mod timestamp;
mod token;

pub(crate) use json::to_yaml;
pub(crate) use number::go_int;

//! YAML as Pebble reads it and as Juju reads and writes it, and the cleaning of texts from outside.
//!
//! This is a part of charmwright that its other crates share. It is published because they need it;
//! it promises no stability, and no version of it is of use with another version of them.
//!
//! Texts are written for them as JSON, which every YAML parser reads. Texts are read by
//! one scanner and parser of libyaml's grammar, from which both of Go's packages come; what a
//! scalar stands for is then a question of the dialect.

/// The example that the README shows has to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;

mod bounds;
mod dialect;
mod document;
mod error;
mod input;
mod json;
pub mod juju;
mod number;
mod parser;
pub mod pebble;
mod resolve;
mod scalar;
mod scanner;
pub mod text;
mod timestamp;
mod token;

pub use error::Error;
pub use json::to_yaml;
pub use number::go_int;

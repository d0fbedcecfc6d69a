//! A reader of YAML that reads as Pebble and Juju do, a writer for both, and functions that clean
//! texts from outside.
//!
//! # Stability
//!
//! This crate promises no stability. It is a part of charmwright that its other crates share, and
//! it is published only because they depend on it. Each version works only with the same version of
//! the other crates.
//!
//! # Structure
//!
//! Pebble reads YAML with Go's package yaml.v3, Juju with a fork of yaml.v2. Both packages come
//! from the C library libyaml, so the crate has one scanner and one parser with libyaml's grammar.
//! The two *dialects* differ in the value that a scalar stands for (`yes` is a boolean to Juju and
//! a string to Pebble) and in how a Go type takes that value. The modules [`juju`] and [`pebble`]
//! read a parsed document, each in its own way.
//!
//! Documents for either reader are written as JSON, which every YAML parser reads.

/// Compiles the example of the README as a doctest.
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

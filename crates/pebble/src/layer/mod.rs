//! Layers: what Pebble is told to run, check and forward, and what it reads back.
//!
//! A [`Layer`] holds named entries ([`Service`], [`Check`], [`LogTarget`]). Pebble stacks its
//! layers and combines them into one plan; each entry says by its [`Override`] whether it replaces
//! what lower layers say under that name or is merged into it. So every field may be absent, and
//! absent means "not said here". Keys that this version does not know are kept and sent on.
//!
//! - `document`: the layer, to and from YAML.
//! - `service`, `check`, `log_target`: its entries, every key of Pebble's schema.
//! - `command`: how Pebble splits a command line into words.
//! - `plan`: what all layers say together.
//! - `validate`: what is refused here, before it is sent.
//! - `merge`: two contents of one label, combined as Pebble does it.
//! - `reflect`: whether a plan shows a layer, and whether sending a layer twice is the same as
//!   once.

mod check;
mod command;
mod document;
mod log_target;
mod merge;
mod plan;
mod reflect;
mod service;
mod validate;

#[cfg(test)]
mod tests;

pub use check::{Check, CheckLevel, ExecCheck, HttpCheck, TcpCheck};
pub use document::{InvalidYaml, Layer};
pub use log_target::{LogTarget, LogTargetType};
pub use plan::Plan;
pub use service::{Override, Service, ServiceAction};
pub use validate::{InvalidLayer, LayerFault};

//! A layer tells Pebble what to run, check and forward.
//!
//! A [`Layer`] has named entries: each is a [`Service`], a [`Check`] or a [`LogTarget`]. Pebble
//! stacks its layers and combines them into one plan. Each entry says by its [`Override`] whether
//! it replaces the entries of that name in lower layers or is merged into them. So every field may
//! be absent, and an absent field leaves the value to the lower layers. Keys that this version does
//! not know are kept and sent.
//!
//! - `document`: the layer, to and from YAML.
//! - `service`, `check`, `log_target`: its entries, with every key of Pebble's schema.
//! - `command`: how Pebble splits a command line into words.
//! - `plan`: all layers combined.
//! - `validate`: what is refused before it is sent.
//! - `merge`: two contents of one label, combined as Pebble does.
//! - `reflect`: whether a plan contains a layer, and whether sending a layer twice has the same
//!   effect as once.

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

//! These tests run the example charms in this process, several units of several applications on one
//! model of Juju: what one charm writes is what another reads.
#![allow(
    clippy::duplicate_mod,
    reason = "each of two example charms has the module of their interface"
)]

mod actions;
mod charms;
mod database;
mod deferred;
mod juju;
mod network;
mod peers;
mod planted;
mod resources;
mod storage;
mod tokens;

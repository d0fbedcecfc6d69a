//! These tests run the example charms in this process, several units of several applications on one
//! model of Juju: what one charm writes is what another reads.

mod actions;
mod charms;
mod database;
mod deferred;
mod juju;
mod peers;
mod planted;
mod tokens;

//! Write Juju charms in Rust: one hook run is one typed function call.

#[cfg(feature = "testing")]
pub mod agent;
pub mod dispatch;
pub mod juju;
pub mod pebble;
#[cfg(feature = "testing")]
pub mod testing;
mod yaml;

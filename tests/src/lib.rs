//! The parts that the tests of this package share.
//!
//! [`Fixture`] is a Pebble of a test's own with a proxy before it and a client on either road; the
//! other modules are what tests do with it. What an author of charms would want, too, is in
//! `charmwright-testing` instead.

mod counted;
mod files;
mod fixture;
pub mod memory;
mod random;
mod run_tests;
pub mod wait;
pub mod wire;

pub use counted::COUNTED;
pub use files::{names_in, noise};
pub use fixture::{AWAY, Fixture, policy};
pub use random::Random;
pub use run_tests::run_tests;

//! The code that the tests of this package share.
//!
//! [`Fixture`] holds a Pebble daemon of one test, a proxy in front of it, and a client through each
//! of the two sockets. The other modules are helpers for tests with it. Code that the author of a
//! charm would want, too, is in `charmwright-testing` instead.

mod counted_services;
mod files;
mod fixture;
pub mod memory;
mod random;
mod run_tests;
pub mod wait;
pub mod wire;

pub use counted_services::COUNTED;
pub use files::{names_in, noise};
pub use fixture::{AWAY, Fixture, policy};
pub use random::Random;
pub use run_tests::run_tests;

//! Tests of secrets in whole hook runs.

mod leaks;
mod observing;
mod owning;
mod play;

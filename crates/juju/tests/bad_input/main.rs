//! Tests of what the hook tools may do wrong, and of what databags and secrets may hold. The tools are real processes where only processes can misbehave.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helper fails the test that called it"
)]

mod broken_tools;
mod call;
mod faults;
mod outputs;
mod tools;
mod written;

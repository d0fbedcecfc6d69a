//! These tests run the hook executable of any-workload-k8s with bad input of every kind: in the
//! environment, from the hook tools, in the stored state and from Pebble. Each has a defined
//! result, and none may end in a panic or a hang.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod checkout;
mod environment;
mod hook_tools;
mod pebble_answers;
mod refused_values;
mod stored_state;
mod unit;

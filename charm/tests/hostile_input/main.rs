//! The hook executable of any-workload-k8s run by hand, with whatever may come from outside being
//! bad: the environment, the hook tools, the stored state, Pebble's answers. Each has its defined
//! answer, and none of them is a panic or a hang.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says by panicking what it found")]

mod checkout;
mod environment;
mod hook_tools;
mod pebble_answers;
mod refused_values;
mod stored_state;
mod unit;

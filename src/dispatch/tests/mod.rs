//! The tests of whole hook runs.

use super::*;

mod diagnosis;
mod environment;
mod events;
mod events_table;
mod fake_pebble;
pub(super) mod fakes;
mod handles;
mod probe;
mod runs;
mod states;
mod stored_events;
mod table;

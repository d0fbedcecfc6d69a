//! The tests of whole hook runs.

use super::*;

mod broken_tools;
mod databags;
mod diagnosis;
mod environment;
mod events;
mod events_table;
mod fake_pebble;
pub(super) mod fakes;
mod handles;
mod probe;
mod random_writes;
mod related_unit;
mod relations;
mod runs;
mod secrets;
mod states;
mod stored_events;
mod table;

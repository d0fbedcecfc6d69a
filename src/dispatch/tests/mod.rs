//! The tests of a hook's road as a whole.

use super::*;

mod environment;
pub(super) mod fakes;
mod mistakes;
mod runs;
mod states;
mod table;

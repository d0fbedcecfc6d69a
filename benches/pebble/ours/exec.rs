//! `Client::exec`, of `/bin/true`.

use charmwright::pebble::Client;

use crate::common::Failure;
use crate::driver::Phases;

/// Whether the client has this call.
pub(super) const THERE: bool = false;

/// Runs it once with separate stderr, as the peers do, and adds the phases `request and websockets connected` and `output ended and
/// change ready`.
pub(super) async fn once(_client: &Client, _phases: &mut Phases) -> Result<(), Failure> {
    Err("the client has no exec".into())
}

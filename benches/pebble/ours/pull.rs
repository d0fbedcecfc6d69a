//! `Client::pull_to`, into nothing.

use charmwright::pebble::Client;

use crate::common::Failure;

/// Whether the client has this call.
pub(super) const THERE: bool = false;

/// Pulls the file once, throws its bytes away as they come, and gives how many there were.
pub(super) async fn once(_client: &Client, _path: &str) -> Result<u64, Failure> {
    Err("the client has no pull".into())
}

//! `Client::push`, from a file.

use std::path::Path;

use charmwright::pebble::Client;

use crate::common::Failure;

/// Whether the client has this call.
pub(super) const THERE: bool = false;

/// Opens the source and pushes it once, read as it is sent.
pub(super) async fn once(_client: &Client, _target: &str, _source: &Path) -> Result<(), Failure> {
    Err("the client has no push".into())
}

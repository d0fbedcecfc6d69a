//! The charmwright client pushes a file with `Client::push_file`.

use std::path::Path;

use charmwright::pebble::{Client, PushOptions};

use crate::common::Failure;

/// Opens the source and pushes it once. As in the peers, the file is read while it is sent.
pub(super) async fn push_once(client: &Client, target: &str, source: &Path) -> Result<(), Failure> {
    client.push_file(source, target, &PushOptions::new()).await?;
    Ok(())
}

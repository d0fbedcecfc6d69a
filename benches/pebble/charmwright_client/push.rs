//! `Client::push_file`: from a file, as the peers do.

use std::path::Path;

use charmwright::pebble::{Client, PushOptions};

use crate::common::Failure;

/// Opens the source and pushes it once, read as it is sent.
pub(super) async fn push_once(client: &Client, target: &str, source: &Path) -> Result<(), Failure> {
    client.push_file(source, target, &PushOptions::new()).await?;
    Ok(())
}

//! `Client::pull_to`, into nothing.

use charmwright::pebble::Client;

use crate::common::Failure;

/// Pulls the file once, throws its bytes away as they come, and gives how many there were.
pub(super) async fn pull_once(client: &Client, path: &str) -> Result<u64, Failure> {
    Ok(client.pull_to(path, tokio::io::sink()).await?)
}

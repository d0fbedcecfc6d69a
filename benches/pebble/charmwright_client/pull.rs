//! The charmwright client pulls a file with `Client::pull_to`.

use charmwright::pebble::Client;

use crate::common::Failure;

/// Pulls the file once, drops its bytes as they arrive, and returns their number.
pub(super) async fn pull_once(client: &Client, path: &str) -> Result<u64, Failure> {
    Ok(client.pull_to(path, tokio::io::sink()).await?)
}

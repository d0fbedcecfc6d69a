//! Asking for changes, and aborting them.

use std::time::Duration;

use serde_json::json;

#[cfg(test)]
use super::awaited_change;
use super::change::{Change, ChangeId};
use super::client::Client;
#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::lookups::{ChangeFilter, change_path, read_change};
use super::reader::Reader;
use super::request::Request;
use super::resend::Resend;

impl Reader {
    /// The changes that a filter selects, oldest first: `GET /v1/changes`. Safe to drop.
    ///
    /// # Errors
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn changes(&self, filter: &ChangeFilter) -> Result<Vec<Change>, Error> {
        let mut changes =
            self.send(filter.request()).await?.decode::<Option<Vec<Change>>>()?.unwrap_or_default();
        // Pebble lists them in the order of a hash map.
        changes.sort_by_key(|change| (change.id().as_str().len(), change.id().clone()));
        Ok(changes)
    }

    /// One change as it stands: `GET /v1/changes/ID`. Safe to drop.
    ///
    /// # Errors
    /// `Api` with status 404 when Pebble has no such change;
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn change(&self, id: &ChangeId) -> Result<Change, Error> {
        self.send(read_change(id)).await?.decode()
    }

    /// Waits until a change is over, for at most `deadline` of time in which Pebble answers that it
    /// is not.
    ///
    /// A change that failed is `Ok`, too: see [`Change::err`]. Dropping the future stops the
    /// waiting; the change goes on.
    ///
    /// # Errors
    /// [`ChangeRunning`](super::ErrorKind::ChangeRunning), with the change, at the deadline; `Api`
    /// with status 404 when Pebble has no such change, or was restarted while it was waited for and
    /// has forgotten it; [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within
    /// the policy.
    pub async fn wait_change(&self, id: &ChangeId, deadline: Duration) -> Result<Change, Error> {
        self.wait_change_as(format!("wait for change {id}"), id, deadline).await
    }
}

impl Client {
    /// Asks Pebble to abort a change, and gives the change as it then stands, often not yet over:
    /// `POST /v1/changes/ID`.
    ///
    /// Tasks that have not begun are dropped; a start that runs is ended, a stop that runs is not.
    /// An abort whose answer was lost is sent again, and "nothing pending" is then success. Safe to
    /// drop.
    ///
    /// # Errors
    /// `Api` with status 400 when the change is over, 404 when there is none;
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn abort_change(&self, id: &ChangeId) -> Result<Change, Error> {
        self.send(abort_request(id)).await?.decode()
    }
}

fn abort_request(id: &ChangeId) -> Request {
    let (operation, rule) = (format!("abort change {id}"), Resend::Abort(id.clone()));
    Request::post(change_path(id), operation, &json!({ "action": "abort" }), rule)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let id: ChangeId = "7".parse().expect("an id");
    vec![
        Sample::new("Reader::changes", "/v1/changes", ChangeFilter::all().request()),
        Sample::new("Reader::change", "/v1/changes/{id}", read_change(&id)),
        awaited_change::sample(&id),
        Sample::new("Client::abort_change", "/v1/changes/{id}", abort_request(&id)),
    ]
}

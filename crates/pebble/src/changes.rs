//! The client lists, reads, awaits and aborts changes.

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
    /// Lists the changes that a filter selects, oldest first: `GET /v1/changes`. Safe to drop.
    ///
    /// # Errors
    /// It fails with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the
    /// policy.
    pub async fn changes(&self, filter: &ChangeFilter) -> Result<Vec<Change>, Error> {
        let mut changes =
            self.send(filter.request()).await?.decode::<Option<Vec<Change>>>()?.unwrap_or_default();
        // Pebble lists them in the random order of a hash map. A shorter id is an older one.
        changes.sort_by_key(|change| (change.id().as_str().len(), change.id().clone()));
        Ok(changes)
    }

    /// Reads one change as it is now: `GET /v1/changes/ID`. Safe to drop.
    ///
    /// # Errors
    /// It fails with `Api` and status 404 when Pebble has no such change, and with
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn change(&self, id: &ChangeId) -> Result<Change, Error> {
        self.send(read_change(id)).await?.decode()
    }

    /// Waits until a change is over. `deadline` bounds the time in which Pebble answers that it is
    /// not over.
    ///
    /// A failed change is `Ok`, too: see [`Change::err`]. Dropping the future stops the waiting;
    /// the change goes on.
    ///
    /// # Errors
    /// It fails with [`ChangeRunning`](super::ErrorKind::ChangeRunning), which carries the change,
    /// at the deadline; with `Api` and status 404 when Pebble has no such change, or was restarted
    /// in the meantime and has forgotten it; and with
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn wait_change(&self, id: &ChangeId, deadline: Duration) -> Result<Change, Error> {
        self.wait_change_as(format!("wait for change {id}"), id, deadline).await
    }
}

impl Client {
    /// Asks Pebble to abort a change, and returns the change as it is then, often not yet over:
    /// `POST /v1/changes/ID`.
    ///
    /// Tasks that have not begun are dropped. A running start is ended; a running stop is not. If
    /// the answer is lost, the abort is sent again, and "nothing pending" is then success. Safe to
    /// drop.
    ///
    /// # Errors
    /// It fails with `Api` and status 400 when the change is over, or 404 when there is none; and
    /// with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
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

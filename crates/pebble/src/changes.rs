//! Asking for changes, and aborting them.

use std::time::Duration;

use serde_json::json;

#[cfg(test)]
use super::awaited_change;
use super::call::Halt;
use super::change::{Change, ChangeId};
use super::client::Client;
use super::connection::Connection;
#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::names::check_name;
use super::reader::Reader;
use super::request::{Request, segment};
use super::resend::Resend;

/// The changes that [`Reader::changes`] lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    select: ChangeSelect,
    service: Option<String>,
}

/// Changes by whether they are over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeSelect {
    /// Those that still run.
    #[default]
    InProgress,
    /// Those that are over.
    Ready,
    /// All that Pebble still has: at most seven days and a thousand of them.
    All,
}

impl ChangeFilter {
    /// The changes of this selection.
    #[must_use]
    pub fn select(select: ChangeSelect) -> Self {
        Self { select, service: None }
    }

    /// All changes that Pebble still has.
    #[must_use]
    pub fn all() -> Self {
        Self::select(ChangeSelect::All)
    }

    /// Only changes that concern this service.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self
    }

    fn request(&self) -> Request {
        let select = match self.select {
            ChangeSelect::InProgress => "in-progress",
            ChangeSelect::Ready => "ready",
            ChangeSelect::All => "all",
        };
        let request = Request::get("/v1/changes", "list changes").query("select", select);
        match &self.service {
            Some(name) => request.checked(check_name("service", name)).query("for", name),
            None => request,
        }
    }
}

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

/// The path of one change.
pub(super) fn change_path(id: &ChangeId) -> String {
    format!("/v1/changes/{}", segment(id.as_str()))
}

/// The request for one change as it stands.
pub(super) fn read_change(id: &ChangeId) -> Request {
    Request::get(change_path(id), format!("read change {id}"))
}

impl Reader {
    /// All changes that Pebble still has, in no order.
    pub(super) async fn all_changes_on(
        &self,
        lane: &mut Connection,
        attempt: u32,
    ) -> Result<Vec<Change>, Halt> {
        self.read_list(lane, attempt, &ChangeFilter::all().request()).await
    }

    /// The changes in progress that start or stop services, in no order.
    pub(super) async fn service_changes_on(
        &self,
        lane: &mut Connection,
        attempt: u32,
    ) -> Result<Vec<Change>, Halt> {
        let mut changes: Vec<Change> =
            self.read_list(lane, attempt, &list_changes(&ChangeFilter::default())).await?;
        changes.retain(|change| !change.ready() && acts_on_services(change));
        Ok(changes)
    }
}

/// The request for the changes that a filter selects. Those that are in progress on a service are
/// listed without `for=NAME`: that filter knows only the services that a request has named, and
/// misses those of `Stop all running services` and dependants (Pebble 1.32,
/// `internals/daemon/api_changes.go`).
pub(super) fn list_changes(filter: &ChangeFilter) -> Request {
    filter.request()
}

/// Whether a change starts or stops services.
fn acts_on_services(change: &Change) -> bool {
    change.tasks().iter().any(|task| matches!(task.kind(), "start" | "stop"))
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

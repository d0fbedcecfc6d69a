//! An attempt can read the plan, the changes, the services and the identities on its own
//! connection, beside the request of its call. The endpoints for these use the same requests.

use std::collections::BTreeMap;

use super::attempt::{AttemptError, CallAttempt};
use super::change::{Change, ChangeId};
use super::identity::Identity;
use super::layer::Plan;
use super::names::{check_listed, check_name};
use super::reader::Reader;
use super::request::{Request, segment};
use super::service_info::ServiceInfo;
#[cfg(doc)]
use crate::Client;

impl CallAttempt<'_> {
    /// Reads the plan.
    pub(super) async fn plan(&mut self) -> Result<Plan, AttemptError> {
        let text = self.plan_text().await?;
        self.client().parse_plan(&text)
    }

    /// Reads the plan as the text that Pebble sends.
    pub(super) async fn plan_text(&mut self) -> Result<String, AttemptError> {
        let request = read_plan();
        let envelope = self.read(&request).await?;
        self.client().decode_as(&request, envelope)
    }

    /// Reads all changes that Pebble still has. They have no order.
    pub(super) async fn all_changes(&mut self) -> Result<Vec<Change>, AttemptError> {
        self.read_list(&ChangeFilter::all().request()).await
    }

    /// Reads the changes in progress that start or stop services. They have no order.
    pub(super) async fn service_changes(&mut self) -> Result<Vec<Change>, AttemptError> {
        let mut changes: Vec<Change> = self.read_list(&ChangeFilter::default().request()).await?;
        let acts_on_services = |change: &Change| {
            change.tasks().iter().any(|task| matches!(task.kind(), "start" | "stop"))
        };
        changes.retain(|change| !change.ready() && acts_on_services(change));
        Ok(changes)
    }

    /// Reads the services of these names. The names come from Pebble or from a layer, not from a
    /// caller, so they have not been checked.
    pub(super) async fn services(
        &mut self,
        names: &[String],
    ) -> Result<Vec<ServiceInfo>, AttemptError> {
        let services = self.read_list(&list_named(names)).await?;
        Ok(retain_named(services, names))
    }

    /// Reads all identities, by name.
    pub(super) async fn identities(&mut self) -> Result<BTreeMap<String, Identity>, AttemptError> {
        let request = read_identities();
        let envelope = self.read(&request).await?;
        let found: Option<_> = self.client().decode_as(&request, envelope)?;
        Ok(found.unwrap_or_default())
    }
}

impl Reader {
    /// Parses the text that Pebble has sent as its plan.
    pub(super) fn parse_plan(&self, text: &str) -> Result<Plan, AttemptError> {
        Plan::from_yaml(text).map_err(|error| {
            let reason = "what Pebble sent is not a plan";
            read_plan().unexpected_answer(self.daemon(), reason).with_cause(&error).into()
        })
    }
}

/// Makes the request that reads the plan as text.
pub(super) fn read_plan() -> Request {
    Request::get("/v1/plan", "read the plan").query("format", "yaml")
}

/// Makes the request that reads all identities.
pub(super) fn read_identities() -> Request {
    Request::get("/v1/identities", "list identities").since("1.15")
}

/// Returns the URL path of a change.
pub(super) fn change_path(id: &ChangeId) -> String {
    format!("/v1/changes/{}", segment(id.as_str()))
}

/// Makes the request that reads one change without waiting for it.
pub(super) fn read_change(id: &ChangeId) -> Request {
    Request::get(change_path(id), format!("read change {id}"))
}

/// A filter says which changes [`Reader::changes`] lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    select: ChangeSelect,
    service: Option<String>,
}

/// A selection of changes by whether they are over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeSelect {
    /// The changes that are not over.
    #[default]
    InProgress,
    /// The changes that are over.
    Ready,
    /// All changes that Pebble still has: it drops those older than seven days, and keeps at most a
    /// thousand.
    All,
}

impl ChangeFilter {
    /// Makes a filter for the changes of this selection.
    #[must_use]
    pub fn select(select: ChangeSelect) -> Self {
        Self { select, service: None }
    }

    /// Makes a filter for all changes that Pebble still has.
    #[must_use]
    pub fn all() -> Self {
        Self::select(ChangeSelect::All)
    }

    /// Narrows the filter to changes that concern this service.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = Some(name.into());
        self
    }

    /// Makes the request that lists the selected changes.
    pub(super) fn request(&self) -> Request {
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

/// An empty list of names, which stands for all services.
pub(super) const NO_NAMES: [&str; 0] = [];

/// Makes the request that lists the services of these names, or all services if there is no name.
pub(super) fn list_request<S: AsRef<str>>(names: &[S]) -> Request {
    Request::get("/v1/services", "list services").query_list("names", "service", names)
}

/// Makes the request that lists services which Pebble or a layer has named. It lists all services
/// if a query cannot hold one of the names; [`retain_named`] then drops the others from the answer.
pub(super) fn list_named(names: &[String]) -> Request {
    let can_be_listed = names.iter().all(|name| check_listed("service", name).is_ok());
    list_request(if can_be_listed { names } else { &[] })
}

/// Drops all services but those of these names.
pub(super) fn retain_named(mut services: Vec<ServiceInfo>, names: &[String]) -> Vec<ServiceInfo> {
    services.retain(|info| names.iter().any(|name| name == info.name()));
    services
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::Daemon;

    #[test]
    fn a_service_that_cannot_be_listed_is_looked_for_among_all() {
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(list_named(&of(&["a", "b"])).target(), "/v1/services?names=a&names=b");
        let request = list_named(&of(&["a,b"]));
        assert_eq!(request.target(), "/v1/services");
        assert!(request.check(&Daemon::default()).is_ok());
        let services = ["a", "a,b"].map(|name| {
            let info = serde_json::json!({"name": name, "startup": "enabled", "current": "active"});
            serde_json::from_value(info).unwrap()
        });
        let found = retain_named(services.into(), &of(&["a,b"]));
        assert_eq!(found.iter().map(ServiceInfo::name).collect::<Vec<_>>(), ["a,b"]);
    }
}

//! The client lists services and acts on them: start, stop, restart, replan and autostart.

use super::change::Change;
use super::client::Client;
#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::lookups::{NO_NAMES, list_request};
use super::names::{name_services, owned};
use super::reader::Reader;
use super::resend::LostAction;
use super::service_action::ServiceAction;
use super::service_info::ServiceInfo;

impl Reader {
    /// Lists the services of these names with their status, sorted by name: `GET /v1/services`. It
    /// lists all services if there is no name.
    ///
    /// A name that no service has is left out. Safe to drop.
    ///
    /// # Errors
    /// It fails with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the
    /// policy.
    pub async fn services(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Vec<ServiceInfo>, Error> {
        self.send(list_request(&owned(names)))
            .await?
            .decode::<Option<Vec<_>>>()
            .map(Option::unwrap_or_default)
    }

    /// Lists all services with their status, sorted by name: `GET /v1/services`. Safe to drop.
    ///
    /// # Errors
    /// It fails as [`Self::services`] does.
    pub async fn all_services(&self) -> Result<Vec<ServiceInfo>, Error> {
        self.services(NO_NAMES).await
    }
}

impl Client {
    /// Starts services and those that they require, and waits until each has stayed up for Pebble's
    /// one second: `POST /v1/services`.
    ///
    /// A running service stays as it is. [`Self::replan`] describes lost answers, restarts of
    /// Pebble and dropping the future.
    ///
    /// # Errors
    /// It fails as [`Self::replan`] does, and with `Api` and status 400 for a service that is not
    /// in the plan.
    pub async fn start(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Change, Error> {
        self.act("start", owned(names)).await
    }

    /// Stops services and those that require them, and waits until their processes have ended:
    /// `POST /v1/services`.
    ///
    /// A service that does not run is no failure. [`Self::replan`] describes lost answers, restarts
    /// of Pebble and dropping the future.
    ///
    /// # Errors
    /// It fails as [`Self::replan`] does, and with `Api` and status 400 for a service that is not
    /// in the plan.
    pub async fn stop(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Change, Error> {
        self.act("stop", owned(names)).await
    }

    /// Stops services and starts them again with those that they require, and waits until each has
    /// stayed up: `POST /v1/services`.
    ///
    /// [`Self::replan`] describes lost answers, restarts of Pebble and dropping the future.
    ///
    /// # Errors
    /// It fails as [`Self::replan`] does, and with `Api` and status 400 for a service that is not
    /// in the plan.
    pub async fn restart(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Change, Error> {
        self.act("restart", owned(names)).await
    }

    /// Starts every service with `startup: enabled`, and waits until each has stayed up: `POST
    /// /v1/services`.
    ///
    /// # Errors
    /// It fails as [`Self::replan`] does, and with `Api` and status 400 when no service is enabled.
    pub async fn autostart(&self) -> Result<Change, Error> {
        self.act("autostart", Vec::new()).await
    }

    /// Makes the services run as the plan says, and waits until that is done: `POST /v1/services`.
    /// Services with a changed configuration are restarted, enabled ones that do not run are
    /// started, and the others stay as they are.
    ///
    /// It happens once. If the answer is lost, the client searches for the change that the request
    /// has made, and waits for it. Only after two searches that found nothing is the request sent
    /// again.
    ///
    /// Pebble may be killed, or stopped in order, at any time before the end. The next daemon first
    /// runs the changes that the last one had not finished, with the plan of its layer files
    /// (Pebble 1.32, `internals/overlord/state`). The client waits for their end, puts back the
    /// layers that it has added, and then requests what is left. For a replan that is a replan of
    /// what differs, and the start of disabled services that the lost one was to start. For a start
    /// or restart it is the start of what does not run, and the restart of what runs as only a
    /// layer file says. For a stop it is the stop.
    ///
    /// Another change may be at work on one of the services, so that Pebble refuses to start it
    /// ("cannot start service while terminating"). The client waits for the end of that change, for
    /// at least one second between two requests, and then requests what is left.
    ///
    /// Dropping the future stops the waiting; what was sent goes on in the daemon.
    ///
    /// # Errors
    /// It fails with [`ChangeFailed`](super::ErrorKind::ChangeFailed), which carries the change,
    /// when a service does not start, stop or stay up, or when the change was aborted; with
    /// [`ChangeRunning`](super::ErrorKind::ChangeRunning), which carries the change, when it, or
    /// another change at work on its services, is not over at the client's change deadline; with
    /// [`Restarted`](super::ErrorKind::Restarted) when Pebble was restarted and has forgotten the
    /// layer of a service that this client had not added; and with
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn replan(&self) -> Result<Change, Error> {
        self.act("replan", Vec::new()).await
    }

    async fn act(&self, kind: &'static str, services: Vec<String>) -> Result<Change, Error> {
        let operation = operation(kind, &services);
        if services.is_empty() && !matches!(kind, "replan" | "autostart") {
            return Err(self.refuse(&operation, "name at least one service"));
        }
        ServiceAction::new(self, operation).run(LostAction { kind, services }).await
    }
}

/// Names an action as messages do: `replan`, `start service "web"`, `restart services "a", "b"`.
fn operation(kind: &str, names: &[impl AsRef<str>]) -> String {
    if names.is_empty() { kind.to_owned() } else { format!("{kind} {}", name_services(names)) }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    use super::service_action::action_request;

    let action = LostAction { kind: "replan", services: Vec::new() };
    let calls = "Client::start, Client::stop, Client::restart, Client::replan, Client::autostart";
    vec![
        Sample::new(
            "Reader::services, Reader::all_services",
            "/v1/services",
            list_request(&NO_NAMES),
        ),
        Sample::new(calls, "/v1/services", action_request("replan".to_owned(), &action)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_reads_well_after_cannot() {
        assert_eq!(operation("replan", &NO_NAMES), "replan");
        assert_eq!(operation("start", &["web"]), "start service \"web\"");
        assert_eq!(operation("stop", &["a", "b"]), "stop services \"a\", \"b\"");
    }
}

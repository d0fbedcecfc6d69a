//! Listing services, and the actions on them: start, stop, restart, replan and autostart.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use super::call::{Call, Failure};
use super::change::{Change, ChangeStatus};
use super::changes::{Pending, Waited};
use super::client::Client;
#[cfg(test)]
use super::coverage::Sample;
use super::error::Error;
use super::request::Request;
use super::resend::{LostAction, Resend};
use super::service_info::ServiceInfo;

impl Client {
    /// The services of these names and how they stand, sorted by name; all of them when `names` is empty: `GET /v1/services`.
    ///
    /// A name that no service has is left out. Safe to drop.
    ///
    /// # Errors
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn services(&self, names: &[&str]) -> Result<Vec<ServiceInfo>, Error> {
        self.send(list_request(names))
            .await?
            .decode::<Option<Vec<_>>>()
            .map(Option::unwrap_or_default)
    }

    /// Starts services and those that they require, and waits until each has stayed up for Pebble's one second: `POST /v1/services`.
    ///
    /// A running service stays as it is. See [`Self::replan`] for lost answers, restarts of Pebble and dropping the future.
    ///
    /// # Errors
    /// As [`Self::replan`]; `Api` with status 400 for a service that is not in the plan.
    pub async fn start(&self, names: &[&str]) -> Result<Change, Error> {
        self.act("start", names).await
    }

    /// Stops services and those that require them, and waits until their processes have ended: `POST /v1/services`.
    ///
    /// A service that does not run is no failure. See [`Self::replan`] for lost answers, restarts of Pebble and dropping the future.
    ///
    /// # Errors
    /// As [`Self::replan`]; `Api` with status 400 for a service that is not in the plan.
    pub async fn stop(&self, names: &[&str]) -> Result<Change, Error> {
        self.act("stop", names).await
    }

    /// Stops services and starts them again with those that they require, and waits until each has stayed up: `POST /v1/services`.
    ///
    /// See [`Self::replan`] for lost answers, restarts of Pebble and dropping the future.
    ///
    /// # Errors
    /// As [`Self::replan`]; `Api` with status 400 for a service that is not in the plan.
    pub async fn restart(&self, names: &[&str]) -> Result<Change, Error> {
        self.act("restart", names).await
    }

    /// Starts every service with `startup: enabled`, and waits until each has stayed up: `POST /v1/services`.
    ///
    /// # Errors
    /// As [`Self::replan`]; `Api` with status 400 when no service is enabled.
    pub async fn autostart(&self) -> Result<Change, Error> {
        self.act("autostart", &[]).await
    }

    /// Makes the services run as the plan says, and waits until that is done: those whose configuration changed are restarted, enabled ones that
    /// do not run are started, the rest stays as it is. `POST /v1/services`.
    ///
    /// It happens once. If the answer is lost, the change that it made is looked for and waited for; only when two looks do not find it is the
    /// request sent again. If Pebble is killed, or stopped in order, at any time before the end, then in the next one the layers that this client
    /// has added are put back and the request is made again, since the new daemon runs nothing of it.
    ///
    /// Dropping the future stops the waiting; what was sent goes on in the daemon.
    ///
    /// # Errors
    /// [`ChangeFailed`](super::ErrorKind::ChangeFailed), with the change, when a service does not start, stop or stay up;
    /// [`ChangeRunning`](super::ErrorKind::ChangeRunning), with the change, at the client's change deadline;
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn replan(&self) -> Result<Change, Error> {
        self.act("replan", &[]).await
    }

    async fn act(&self, kind: &'static str, names: &[&str]) -> Result<Change, Error> {
        let operation = operation(kind, names);
        if names.is_empty() && !matches!(kind, "replan" | "autostart") {
            return Err(self.refuse(&operation, "name at least one service"));
        }
        let action = LostAction {
            kind,
            services: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let call = Call::new(self, action_request(operation, &action));
        let call = &call;
        // Where the call stands between attempts: nothing accepted yet, or a change that is waited for.
        let stage: Mutex<Option<Pending>> = Mutex::new(None);
        let stage = &stage;
        let action = &action;
        let change = call
            .run(async |attempt| {
                let accepted = stage.lock().unwrap_or_else(PoisonError::into_inner).take();
                let mut pending = match accepted {
                    Some(pending) => pending,
                    None => {
                        let answered = call.attempt(attempt).await?;
                        call.note_accepted();
                        let Some(id) = answered.envelope.change.clone() else {
                            let reason = "Pebble's answer names no change to wait for";
                            let error = Error::protocol(call.request().operation(), self.target(), reason);
                            return Err(Failure::Final(error.with_acted(true)));
                        };
                        Pending::ours(id, action.clone(), &answered, self)
                    }
                };
                let waited = self.wait_step(call, &mut pending, attempt).await;
                match waited {
                    Ok(Waited::Ready(change)) => Ok(*change),
                    Ok(Waited::Forgotten(cause)) => {
                        // A new daemon is there, and the effect is wanted again: at once, but counted as a retry, so that this ends.
                        call.forget_lost();
                        Err(Failure::Temporary {
                            cause,
                            unanswered: Duration::ZERO,
                            hint: Some(Duration::ZERO),
                        })
                    }
                    Err(failure) => {
                        *stage.lock().unwrap_or_else(PoisonError::into_inner) = Some(pending);
                        Err(failure)
                    }
                }
            })
            .await?;
        if *change.status() == ChangeStatus::Done {
            Ok(change)
        } else {
            Err(self.failed(call, change))
        }
    }

    fn failed(&self, call: &Call<'_>, change: Change) -> Error {
        Error::change_failed(call.request().operation(), self.target(), change)
    }
}

/// The request for the services of these names, or for all.
pub(super) fn list_request<S: AsRef<str>>(names: &[S]) -> Request {
    let request = Request::get("/v1/services", "list services");
    names
        .iter()
        .fold(request, |request, name| request.query("names", name.as_ref()))
}

fn action_request(operation: String, action: &LostAction) -> Request {
    let body = json!({ "action": action.kind, "services": action.services });
    Request::post("/v1/services", operation, &body, Resend::FindChange(action.clone()))
}

/// How messages name an action: `replan`, `start service "web"`, `restart services "a", "b"`.
fn operation(kind: &str, names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    match quoted.as_slice() {
        [] => kind.to_owned(),
        [one] => format!("{kind} service {one}"),
        several => format!("{kind} services {}", several.join(", ")),
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let action = LostAction {
        kind: "replan",
        services: Vec::new(),
    };
    let calls = "Client::start, Client::stop, Client::restart, Client::replan, Client::autostart";
    vec![
        Sample::new("Client::services", "/v1/services", list_request::<&str>(&[])),
        Sample::new(calls, "/v1/services", action_request(operation("replan", &[]), &action)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_reads_well_after_cannot() {
        assert_eq!(operation("replan", &[]), "replan");
        assert_eq!(operation("start", &["web"]), "start service \"web\"");
        assert_eq!(operation("stop", &["a", "b"]), "stop services \"a\", \"b\"");
    }
}

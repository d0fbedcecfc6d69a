//! One action on services (start, stop, restart, replan or autostart) from its first request until
//! its effect is there.
//!
//! A single request is often enough. What makes it several is that Pebble was restarted meanwhile,
//! or that another change is at work on the same service: then [`remainder`] says what is left, and
//! that is requested instead of the whole. So nothing is done twice, and nothing is lost.
//!
//! [`remainder`]: super::remainder

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::attempt::{AttemptError, CallAttempt};
use super::awaited_change::{AwaitedChange, ChangeEnd, FORGOTTEN, LEAST_PAUSE};
use super::call::{Call, Operation};
use super::change::Change;
use super::duration::seconds;
use super::error::{Error, ErrorKind, in_target};
use super::lookups::{list_named, retain_named};
use super::reader::Reader;
use super::recovery::select_change;
use super::remainder::{Restarted, remainder_after_conflict, started_services};
use super::request::Request;
use super::resend::{LostAction, Resend};
use super::restore_layers::AUTOSTART_LIMIT;
use super::service_conflict::{Conflict, OthersEnd};
use super::service_info::{ServiceInfo, Startup};

/// How often the end of a change is asked for again because the connection was lost meanwhile. A
/// proxy may close each of them.
const MAX_RECONNECTS: u32 = 16;

/// An action in progress.
pub(super) struct ServiceAction<'c> {
    client: &'c Reader,
    /// Completes a sentence that starts with "cannot".
    operation: String,
    /// What its changes have met at work.
    conflict: Conflict<'c>,
    /// How many requests were made.
    requests: u32,
}

/// One request of an action.
#[derive(PartialEq, Eq)]
struct Step {
    action: LostAction,
    /// Only those of the services that do not run then are meant.
    only_inactive: bool,
}

impl From<LostAction> for Step {
    fn from(action: LostAction) -> Self {
        Self { action, only_inactive: false }
    }
}

/// How a request was taken.
enum Sent {
    Accepted(AwaitedChange),
    /// Its answer was lost, and the daemon that it was sent to is gone.
    Lost(DaemonGone),
}

/// How the change of a request has ended.
enum StepEnd {
    /// Its change is over, and may be asked for again in the way in which it was waited for.
    Over(Box<Change>, AwaitedChange),
    DaemonGone(DaemonGone),
}

/// What is known of a change whose daemon is gone.
struct DaemonGone {
    cause: String,
    /// The change, if the next daemon still has it.
    change: Option<Box<Change>>,
    /// The number of known restarts when the request was sent.
    restarts: u64,
}

impl<'c> ServiceAction<'c> {
    pub(super) fn new(client: &'c Reader, operation: String) -> Self {
        let conflict = Conflict::new(client, operation.clone());
        Self { client, operation, conflict, requests: 0 }
    }

    /// Runs the action to its end, and gives the last of its changes.
    pub(super) async fn run(mut self, action: LostAction) -> Result<Change, Error> {
        let begun = Instant::now();
        let running = self.running_not_enabled(&action).await?;
        let mut steps = VecDeque::from([Step::from(action)]);
        let mut last = None;
        while let Some(step) = steps.pop_front() {
            let Some(action) = self.action_to_send(step).await? else {
                continue;
            };
            self.requests = self.requests.saturating_add(1);
            let sent = Instant::now();
            let end = self.request(&action).await?;
            let next_steps = match end {
                StepEnd::Over(change, awaited) => {
                    let (change, next_steps) =
                        self.finish(&action, *change, awaited, sent, &running).await?;
                    last = change.or(last);
                    next_steps
                }
                StepEnd::DaemonGone(gone) => {
                    let next_steps = self.steps_after_restart(&action, &gone, &running).await?;
                    last = gone.change.map(|change| *change).or(last);
                    next_steps
                }
            };
            // What is left of a request goes before those that were to follow it. A replan that is
            // refused again and again leaves the same start each time.
            steps.retain(|step| !next_steps.contains(step));
            for step in next_steps.into_iter().rev() {
                steps.push_front(step);
            }
        }
        if self.requests > 1 {
            let (what, took) = (in_target(&self.operation, self.client.target()), begun.elapsed());
            tracing::info!("could {what} in {} requests, after {}", self.requests, seconds(took));
        }
        last.ok_or_else(|| {
            let reason = "Pebble's answer names no change to wait for";
            Error::protocol(&self.operation, self.client.daemon(), reason).with_acted(true)
        })
    }

    /// Gives what is still to be requested when a change is over, and the change as it is known
    /// then.
    ///
    /// The others that were in its way are waited for. Should the daemon be another one after that,
    /// what the change says is about the last one.
    async fn finish(
        &mut self,
        action: &LostAction,
        mut change: Change,
        mut awaited: AwaitedChange,
        sent: Instant,
        running: &[String],
    ) -> Result<(Option<Change>, Vec<Step>), Error> {
        let mut reconnects = 0;
        // Ends: each further turn has lost a connection, and those are not counted for ever.
        loop {
            reconnects += 1;
            let connection = (reconnects <= MAX_RECONNECTS).then(|| awaited.connection());
            match self.steps_after_change(action, &change, sent, connection).await? {
                OthersEnd::Over(steps) => return Ok((Some(change), steps)),
                OthersEnd::ConnectionLost => {}
            }
            let client = self.client.clone();
            let step = format!("wait for change {}", change.id());
            match client.wait_for(self.operation.clone(), step, awaited.clone()).await? {
                ChangeEnd::Ready { change: again, connection, .. } => {
                    change = *again;
                    awaited.note_seen(connection);
                }
                ChangeEnd::Restarted { cause, change } => {
                    let restarts = awaited.restarts();
                    let gone = DaemonGone { cause, change, restarts };
                    let steps = self.steps_after_restart(action, &gone, running).await?;
                    return Ok((gone.change.map(|change| *change), steps));
                }
            }
        }
    }

    /// Gives what is still to be requested when a change is over, after waiting for the others that
    /// were in its way. The change was seen over this connection.
    async fn steps_after_change(
        &mut self,
        action: &LostAction,
        change: &Change,
        sent: Instant,
        connection: Option<u64>,
    ) -> Result<OthersEnd<Vec<Step>>, Error> {
        let mut steps = Vec::new();
        let left = if change.is_complete() {
            if self.has_finished_alone(action, change) {
                return Ok(OthersEnd::Over(steps));
            }
            match self.conflict.remainder_of_joined(action, change, connection).await? {
                OthersEnd::Over(left) => left,
                OthersEnd::ConnectionLost => return Ok(OthersEnd::ConnectionLost),
            }
        } else {
            // Pebble counts a changed configuration as applied when it takes a replan on. So a
            // second one alone would not start a disabled service that the first has stopped.
            if action.kind == "replan" {
                steps.push(Step::from(action.clone()));
            }
            remainder_after_conflict(change).ok_or_else(|| self.conflict.failed(change))?
        };
        if !left.is_empty()
            && let OthersEnd::ConnectionLost =
                self.conflict.wait_for_others(&left, change, sent, connection).await?
        {
            return Ok(OthersEnd::ConnectionLost);
        }
        steps.extend(left.requests().into_iter().map(Step::from));
        Ok(OthersEnd::Over(steps))
    }

    /// Returns `true` if a change that is complete has done all by itself, as far as it tells.
    fn has_finished_alone(&self, action: &LostAction, change: &Change) -> bool {
        // A replan says nothing of a disabled service that another replan is to start again.
        let tells_all =
            action.kind != "replan" || self.client.known_layers().services_not_enabled().is_empty();
        tells_all && change.joined_tasks().next().is_none()
    }

    /// Sends one request and waits until its change is over.
    async fn request(&self, action: &LostAction) -> Result<StepEnd, Error> {
        let mut call = Call::new(self.client, action_request(self.operation.clone(), action));
        let mut request = StepRequest { action, awaited: None };
        let end = call.run(&mut request).await;
        end.map_err(|error| self.explain_unknown_service(&call, error))
    }

    /// Gives what is to be requested from the daemon that has followed the one that took `action`.
    async fn steps_after_restart(
        &mut self,
        action: &LostAction,
        gone: &DaemonGone,
        running: &[String],
    ) -> Result<Vec<Step>, Error> {
        let client = self.client;
        // A daemon that dies of each request must not be asked for ever.
        if !client.budget().take_retry(client.policy(), Duration::ZERO) {
            let reason = format!("{}, and no retry is left", gone.cause);
            let error = Error::unreachable(&self.operation, client.daemon(), reason);
            return Err(error.with_attempts(self.requests).with_acted(true));
        }
        let what = in_target(&self.operation, client.target());
        tracing::info!("{}: going on with what is left of it ({what})", gone.cause);
        let change = gone.change.as_deref();
        let mut names = change.map(started_services).unwrap_or_default();
        if names.is_empty() {
            let known = if action.kind == "replan" { running } else { &action.services };
            names = known.to_vec();
        }
        let replaced = client.known_layers().replaced_since(gone.restarts);
        let concerned = match action.kind {
            "replan" | "stop" => &[],
            _ if change.is_none() => replaced.services(),
            _ => names.as_slice(),
        };
        let services = if action.kind == "autostart" && change.is_some() {
            self.list_all_services().await?
        } else if concerned.is_empty() {
            Vec::new()
        } else {
            self.list_services(concerned).await?
        };
        if action.kind == "autostart" {
            self.drop_forgotten(&mut names, &services);
            // What was found may be the daemon's own autostart, of its layer files alone.
            if change.is_some() {
                let enabled = services.iter().filter(|info| *info.startup() == Startup::Enabled);
                names.extend(enabled.map(|info| info.name().to_owned()));
                names.sort_unstable();
                names.dedup();
            }
        } else if action.kind == "stop" {
            self.wait_for_autostart(&action.services).await?;
        }
        let restarted =
            Restarted { change, names: &names, services: &services, replaced: &replaced };
        let mut steps: Vec<Step> = restarted.requests(action).into_iter().map(Step::from).collect();
        // A replan starts what is enabled and what this daemon has started before, so not a
        // service that somebody had started by hand on the last one.
        if action.kind == "replan" {
            let action = LostAction { kind: "start", services: names };
            steps.push(Step { action, only_inactive: true });
        }
        Ok(steps)
    }

    /// Gives the services that a replan is to leave running although it would not start them: a
    /// next daemon cannot tell, should it have forgotten the change.
    async fn running_not_enabled(&self, action: &LostAction) -> Result<Vec<String>, Error> {
        let candidates = self.client.known_layers().services_not_enabled();
        if action.kind != "replan" || candidates.is_empty() {
            return Ok(Vec::new());
        }
        let services = self.list_services(&candidates).await?;
        let running = services.iter().filter(|info| info.is_active());
        Ok(running.map(|info| info.name().to_owned()).collect())
    }

    async fn action_to_send(&self, step: Step) -> Result<Option<LostAction>, Error> {
        let Step { mut action, only_inactive } = step;
        if only_inactive && !action.services.is_empty() {
            let services = self.list_services(&action.services).await?;
            self.drop_forgotten(&mut action.services, &services);
            let runs =
                |name: &str| services.iter().any(|info| info.name() == name && info.is_active());
            action.services.retain(|name| !runs(name));
        }
        let is_void = only_inactive && action.services.is_empty();
        Ok((!is_void).then_some(action))
    }

    /// Waits until a restarted Pebble has started these services by itself, which it does with what
    /// is enabled a moment after its socket answers. A stop before that moment would be in vain.
    async fn wait_for_autostart(&self, names: &[String]) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            let services = self.list_services(names).await?;
            let is_awaited =
                |info: &ServiceInfo| *info.startup() == Startup::Enabled && !info.is_active();
            if !services.iter().any(is_awaited) || begun.elapsed() >= AUTOSTART_LIMIT {
                return Ok(());
            }
            tokio::time::sleep(LEAST_PAUSE).await;
        }
    }

    /// Leaves out services that a restarted Pebble has forgotten and that the caller has not named:
    /// they are of layers that others have to add again. A caller that has added no layer is such
    /// another one.
    fn drop_forgotten(&self, names: &mut Vec<String>, services: &[ServiceInfo]) {
        if !self.client.known_layers().is_empty() {
            names.retain(|name| services.iter().any(|info| info.name() == name));
        }
    }

    async fn list_services(&self, names: &[String]) -> Result<Vec<ServiceInfo>, Error> {
        Ok(retain_named(self.list(list_named(names)).await?, names))
    }

    async fn list_all_services(&self) -> Result<Vec<ServiceInfo>, Error> {
        self.list(list_named(&[])).await
    }

    async fn list(&self, request: Request) -> Result<Vec<ServiceInfo>, Error> {
        let answer = self.client.send(request.step_of(self.operation.clone())).await?;
        Ok(answer.decode::<Option<Vec<ServiceInfo>>>()?.unwrap_or_default())
    }

    /// After a restart a service may be in none of the layers that are left, and then only those
    /// who added its layer can mend that. A service that was there for an earlier request is gone
    /// for no other reason. Where the answer to the first one was lost this may be a mistake; then
    /// the same call fails for good the next time.
    fn explain_unknown_service(&self, call: &Call<'_>, error: Error) -> Error {
        let is_unknown_service = *error.kind() == (ErrorKind::Api { status: 400 })
            && error.message().is_some_and(|text| text.ends_with(" does not exist"));
        if is_unknown_service && (self.requests > 1 || call.was_resent()) {
            Error::restarted(&self.operation, self.client.daemon(), error)
        } else {
            error
        }
    }
}

/// The operation that sends one request of an action and waits until its change is over.
struct StepRequest<'a> {
    action: &'a LostAction,
    /// Its change, once Pebble has accepted the request.
    awaited: Option<AwaitedChange>,
}

impl Operation for StepRequest<'_> {
    type Output = StepEnd;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<StepEnd, AttemptError> {
        let awaited = match &mut self.awaited {
            Some(awaited) => awaited,
            awaited @ None => match send(self.action, call, attempt).await? {
                Sent::Accepted(accepted) => awaited.insert(accepted),
                Sent::Lost(gone) => {
                    call.note_unfinished();
                    return Ok(StepEnd::DaemonGone(gone));
                }
            },
        };
        match awaited.wait(call.request(), attempt).await? {
            ChangeEnd::Ready { change, .. } => {
                if !change.is_complete() {
                    call.note_unfinished();
                }
                Ok(StepEnd::Over(change, awaited.clone()))
            }
            ChangeEnd::Restarted { cause, change } => {
                call.note_unfinished();
                let restarts = awaited.restarts();
                Ok(StepEnd::DaemonGone(DaemonGone { cause, change, restarts }))
            }
        }
    }
}

/// Sends an action, unless its answer was lost and the daemon that it was sent to is gone.
async fn send(
    action: &LostAction,
    call: &mut Call<'_>,
    attempt: &mut CallAttempt<'_>,
) -> Result<Sent, AttemptError> {
    let client = attempt.client();
    attempt.restore_layers(call.request(), None).await?;
    if let Some(lost) = call.lost
        && lost.restarts != client.known_layers().restarts()
    {
        // One look is enough: what the new daemon has taken over is listed from the start.
        let listed = attempt.all_changes().await?;
        let change = select_change(client, listed, &lost, action).map(Box::new);
        let cause = FORGOTTEN.to_owned();
        return Ok(Sent::Lost(DaemonGone { cause, change, restarts: lost.restarts }));
    }
    let answered = call.answer(attempt).await?;
    call.note_accepted();
    let Some(id) = answered.envelope.change.clone() else {
        let reason = "Pebble's answer names no change to wait for";
        let error = Error::protocol(call.request().operation(), client.daemon(), reason);
        return Err(error.with_acted(true).into());
    };
    Ok(Sent::Accepted(AwaitedChange::of_action(id, action.clone(), &answered, client)))
}

/// The request of an action.
pub(super) fn action_request(operation: String, action: &LostAction) -> Request {
    let body = json!({ "action": action.kind, "services": action.services });
    Request::post("/v1/services", operation, &body, Resend::FindChange(action.clone()))
        .naming("service", &action.services)
}

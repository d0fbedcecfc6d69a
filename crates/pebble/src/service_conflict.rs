//! Other changes may be at work on the services of an action. The client waits for their end.

use std::time::Duration;

use tokio::time::Instant;

use super::answer::Answer;
use super::awaited_change::LEAST_PAUSE;
use super::call::{Call, Exchange};
use super::change::Change;
use super::duration::seconds;
use super::error::{Error, ErrorKind};
use super::lookups::ChangeFilter;
use super::names::name_services;
use super::reader::Reader;
use super::remainder::{
    Remainder, has_task_for, is_stop_of_all, joined_work, remainder_of, was_running_when_joined,
};
use super::resend::LostAction;
use super::retry::WAITS;
use charmwright_yaml::text;

/// The longest summary of another change in a log line, in bytes.
const LONGEST_SUMMARY: usize = 256;

/// The shortest time between two requests for the same action while another change is at work: each
/// request makes a change and its notices, and Pebble keeps a thousand of either.
const LEAST_DELAY: Duration = Duration::from_secs(1);

/// The longest wait for a daemon to end after it has stopped all its services: it gives open
/// requests one second, and its own work a few (Pebble 1.32, `internals/daemon/daemon.go`).
const DAEMON_END_LIMIT: Duration = Duration::from_secs(5);

/// The wait for other changes has ended in one of these ways.
pub(super) enum OthersOutcome<T> {
    /// They are over.
    Over(T),
    /// The connection was lost in the meantime, so that the daemon may be another one now.
    ConnectionLost,
}

/// The conflicts of an action with other changes on its services.
pub(super) struct Conflict<'c> {
    client: &'c Reader,
    /// The operation that errors name; it completes a sentence that starts with "cannot".
    operation: String,
    /// The time of the first conflict.
    since: Option<Instant>,
    /// The number of conflicts.
    count: usize,
}

impl<'c> Conflict<'c> {
    pub(super) fn new(client: &'c Reader, operation: String) -> Self {
        Self { client, operation, since: None, count: 0 }
    }

    /// Makes the error of a change that failed for a reason of its own.
    pub(super) fn failed(&self, change: &Change) -> Error {
        Error::change_failed(&self.operation, self.client.daemon(), change.clone())
    }

    /// Waits for the changes that a finished change has joined, and returns what is left of it
    /// after they have ended. A task joins another change if that one was doing the same already.
    pub(super) async fn remainder_of_joined(
        &mut self,
        action: &LostAction,
        change: &Change,
        connection: Option<u64>,
    ) -> Result<OthersOutcome<Remainder>, Error> {
        let mut joined = joined_work(change);
        let joined_services = joined.services();
        // A replan does not show a disabled service that another replan has stopped and is to start
        // again.
        let not_enabled = match action.kind {
            "replan" => self.client.known_layers().services_not_enabled(),
            _ => Vec::new(),
        };
        let mut left = Remainder::default();
        if joined_services.is_empty() && not_enabled.is_empty() {
            return Ok(OthersOutcome::Over(left));
        }
        // The other change may have ended while this one went on with other services, so ended
        // changes are listed too.
        let filter =
            if joined_services.is_empty() { ChangeFilter::default() } else { ChangeFilter::all() };
        let mut others = self.changes(&filter).await?;
        if others.has_other_connection(connection) {
            return Ok(OthersOutcome::ConnectionLost);
        }
        others.changes.retain(|other| {
            let at_work = !other.ready()
                && (has_task_for(other, &joined_services)
                    || (other.kind() == "replan" && has_task_for(other, &not_enabled)));
            other.id() != change.id()
                && (at_work || was_running_when_joined(other, change, &joined))
        });
        joined.starts.extend(not_enabled);
        // A service that is ending and is in no change is being restarted by one of its own checks.
        // The stop has not prevented that restart, so it is repeated until the service has ended.
        if others.changes.is_empty() && action.kind == "stop" {
            left.stops.clone_from(&joined.stops);
        }
        for other in others.changes {
            let ended = if other.ready() {
                OthersOutcome::Over(Some(other))
            } else {
                self.wait_for_other(other, others.connection).await?
            };
            let rest = match ended {
                OthersOutcome::Over(Some(other)) => {
                    let rest = remainder_of(&other, |task| joined.has(task));
                    rest.ok_or_else(|| self.failed(&other))?
                }
                OthersOutcome::Over(None) => continue,
                OthersOutcome::ConnectionLost => return Ok(OthersOutcome::ConnectionLost),
            };
            left.starts.extend(rest.starts);
            left.stops.extend(rest.stops);
        }
        Ok(OthersOutcome::Over(left))
    }

    /// Waits until no other change is at work on these services. A task may be refused although
    /// there is none, since a restart by a check of the service is no change; then the waits of the
    /// policy are used.
    ///
    /// The deadline for changes counts from the first conflict.
    pub(super) async fn wait_for_others(
        &mut self,
        left: &Remainder,
        change: &Change,
        sent: Instant,
        connection: Option<u64>,
    ) -> Result<OthersOutcome<()>, Error> {
        let services = left.services();
        let others = self.changes_on(&services).await?;
        if others.has_other_connection(connection) {
            return Ok(OthersOutcome::ConnectionLost);
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= self.client.change_deadline() {
            let reason = format!(
                "{} is still being stopped or restarted after {}",
                name_services(&services),
                seconds(since.elapsed())
            );
            let (operation, daemon) = (&self.operation, self.client.daemon());
            return Err(Error::change_running(operation, daemon, reason, Some(change.clone())));
        }
        if self.count == 0 {
            let at_work = match others.changes.first() {
                Some(other) => format!(
                    "change {} ({}) is",
                    other.id(),
                    text::clean(other.summary(), LONGEST_SUMMARY)
                ),
                None => "a restart by Pebble itself is".to_owned(),
            };
            let services = name_services(&services);
            tracing::info!(target: WAITS, "{at_work} at work on {services}: waiting for its end");
        }
        let delay = if others.changes.is_empty() {
            let policy = self.client.policy();
            policy.delays().nth(self.count).unwrap_or_else(|| policy.longest_delay())
        } else {
            Duration::ZERO
        };
        self.count = self.count.saturating_add(1);
        for other in others.changes {
            if let OthersOutcome::ConnectionLost =
                self.wait_for_other(other, others.connection).await?
            {
                return Ok(OthersOutcome::ConnectionLost);
            }
        }
        tokio::time::sleep(delay.max(LEAST_DELAY).saturating_sub(sent.elapsed())).await;
        // After a restart, the next daemon may run a service as its layer files say, and a start
        // alone would leave it so.
        Ok(match self.changes_on(&[]).await?.has_other_connection(connection) {
            true => OthersOutcome::ConnectionLost,
            false => OthersOutcome::Over(()),
        })
    }

    /// Lists the changes in progress that have a task for one of these services.
    async fn changes_on(&self, services: &[String]) -> Result<OtherChanges, Error> {
        let mut others = self.changes(&ChangeFilter::default()).await?;
        others.changes.retain(|change| has_task_for(change, services));
        Ok(others)
    }

    async fn changes(&self, filter: &ChangeFilter) -> Result<OtherChanges, Error> {
        let request = filter.request().step_of(self.operation.clone());
        let mut call = Call::new(self.client, request);
        let answered = call.run(&mut Exchange).await?;
        let connection = answered.connection;
        let answer = Answer::to(self.client, &call, answered.envelope);
        let changes = answer.decode::<Option<Vec<Change>>>()?.unwrap_or_default();
        Ok(OtherChanges { changes, connection })
    }

    /// Waits until another change is over that was listed over this connection. Returns `None` if
    /// Pebble no longer has it.
    async fn wait_for_other(
        &mut self,
        other: Change,
        connection: u64,
    ) -> Result<OthersOutcome<Option<Change>>, Error> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let deadline = self.client.change_deadline();
        let left = deadline.saturating_sub(since.elapsed());
        let client = self.client;
        let ended = client.wait_change_as(self.operation.clone(), other.id(), left).await;
        let ended = match ended {
            Ok(change) => Some(change),
            Err(error) if *error.kind() == (ErrorKind::Api { status: 404 }) => None,
            Err(error) => return Err(error),
        };
        // A daemon that has stopped all its services ends. A request that is sent before its end
        // would be lost with it, so the end of the connection is waited for, too.
        let stopped = Instant::now();
        loop {
            if self.changes_on(&[]).await?.has_other_connection(Some(connection)) {
                return Ok(OthersOutcome::ConnectionLost);
            }
            if !is_stop_of_all(&other) || stopped.elapsed() >= DAEMON_END_LIMIT {
                return Ok(OthersOutcome::Over(ended));
            }
            tokio::time::sleep(LEAST_PAUSE).await;
        }
    }
}

/// The other changes on some services.
struct OtherChanges {
    changes: Vec<Change>,
    /// The number of the connection over which they were listed.
    connection: u64,
}

impl OtherChanges {
    /// Returns `true` if they were listed over another connection than the known one, and so
    /// perhaps by another daemon.
    fn has_other_connection(&self, known: Option<u64>) -> bool {
        known.is_some_and(|known| known != self.connection)
    }
}

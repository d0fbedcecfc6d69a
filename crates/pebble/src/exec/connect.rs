//! Starts a command: sends the request and connects its websockets. When a connection is lost on
//! the way, it decides what may be done again.
//!
//! Pebble runs the command once all websockets for its data are connected, and gives up if they are
//! not within 5 s (Pebble 1.32.1, `internals/overlord/cmdstate`). The control websocket is
//! connected first: otherwise a fast command could be over before it is there. Until the last
//! websocket of the data was requested nothing has run, and everything may be done again. After
//! that the command may have run, and only its change can tell: if the same daemon says that it has
//! waited for the websockets in vain, the command has not run.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::super::attempt::{AttemptError, CallAttempt, ExchangeError};
use super::super::awaited_change::{AwaitedChange, ChangeEnd};
use super::super::body_stream::Websocket;
use super::super::call::{Answered, Call, Operation};
use super::super::change::{Change, ChangeId};
use super::super::client::Client;
#[cfg(test)]
use super::super::docs_table::Sample;
use super::super::envelope::Refusal;
use super::super::error::{Error, ErrorKind};
use super::super::reader::Reader;
use super::super::request::{Request, segment};
use super::super::resend::Resend;
use super::options::Exec;
use super::outcome::NOT_STARTED;
use super::process::{ExecProcess, Parts};
use super::sockets::{Connections, Shared};

/// The longest wait for one websocket. Pebble itself answers after 5 s at the latest, when it gives
/// the command up.
const CONNECT_LIMIT: Duration = Duration::from_secs(7);

/// The longest wait for the change of a command whose start has failed. The change is over within 5
/// s if the command never ran, and soon after the command was killed otherwise.
const CHANGE_END_LIMIT: Duration = Duration::from_secs(10);

/// The time between the timeout of a command and the moment when the client gives it up. Pebble
/// needs a moment to kill the command and to report it.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// A command that was started, with its connections and the change to wait for.
struct Started {
    connections: Connections,
    awaited: AwaitedChange,
    id: ChangeId,
    requested: Instant,
}

impl Client {
    /// Starts a command and returns a handle on it. It sends `POST /v1/exec` and connects the
    /// websockets of the command.
    ///
    /// The command is never run twice. Until it can have been started, any failed attempt is
    /// repeated from the beginning under the retry policy. When a lost connection leaves open
    /// whether it was started, the client reads its change, and only if that shows that it was not
    /// started is the attempt repeated.
    ///
    /// The timeout ([`Exec::timeout`], or else the client's change deadline) counts from the moment
    /// when the websockets are connected. Pebble then kills the command. If it is still not over 5
    /// s later, because another process that it has started keeps its output open, the handle gives
    /// it up.
    ///
    /// Dropping the future kills a command that it may have started. For dropping the handle see
    /// [`ExecProcess`].
    ///
    /// # Errors
    /// - [`Api`](ErrorKind::Api) if Pebble refuses: with status 400 for an executable that it does
    ///   not find and for an unknown user, group or service context, with 500 for a working
    ///   directory that does not exist (see [`Error::user_fault`]).
    /// - [`InvalidRequest`](ErrorKind::InvalidRequest) if the options contradict each other or
    ///   cannot be sent.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if the command may have been started and was
    ///   ended.
    /// - [`ChangeFailed`](ErrorKind::ChangeFailed) or [`TimedOut`](ErrorKind::TimedOut) if its
    ///   change was over before its websockets were connected.
    /// - [`Unreachable`](ErrorKind::Unreachable) if no answer comes within the policy.
    pub async fn exec(&self, exec: &Exec) -> Result<ExecProcess, Error> {
        let begun = Instant::now();
        let operation = exec.operation();
        let limit = exec.limit(self.change_deadline());
        exec.check(limit).map_err(|reason| self.refuse(&operation, reason))?;
        let mut call = Call::new(self, exec_request(exec, limit).logged_as(exec.start_step()));
        let Started { connections, awaited, id, requested } =
            call.run(&mut StartExec { exec }).await?;
        let deadline = limit.and_then(|limit| {
            let length = limit.checked_add(KILL_GRACE)?;
            Some((Instant::now().checked_add(length)?, length))
        });
        Ok(ExecProcess::new(Parts {
            client: self.reader().clone(),
            id,
            shared: Shared::new(connections, exec.given_stdin(), deadline),
            end_wait: Box::pin(self.reader().clone().wait_for(
                operation.clone(),
                exec.end_step(),
                awaited,
            )),
            operation,
            terminal: exec.has_terminal(),
            output_limit: exec.kept_output(),
            begun,
            requested,
        }))
    }
}

/// The operation that starts a command.
struct StartExec<'a> {
    exec: &'a Exec,
}

impl Operation for StartExec<'_> {
    type Output = Started;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Started, AttemptError> {
        let answered = call.send_request(attempt).await?;
        // A command of an earlier attempt has not run, whatever became of its request: it had no
        // websockets.
        call.lost = None;
        let (exec, limit) = (self.exec, attempt.limit().min(CONNECT_LIMIT));
        // The connection is given back, so that the questions about the change can use it.
        attempt.release();
        attempt.client().connect_exec(call.request().operation(), exec, &answered, limit).await
    }
}

impl Reader {
    /// Connects the websockets of a command that Pebble has accepted, each within `limit`.
    async fn connect_exec(
        &self,
        operation: &str,
        exec: &Exec,
        answered: &Answered,
        limit: Duration,
    ) -> Result<Started, AttemptError> {
        let requested = Instant::now();
        let (id, task) = self.change_and_task(operation, answered)?;
        let connect = async |name: &str| -> Result<Websocket, ExchangeError> {
            self.websocket(&websocket_request(&task, name, operation), limit).await
        };
        let control = match connect("control").await {
            Ok(control) => control,
            // The websockets of the streams were not requested yet, so nothing runs, whatever
            // became of this one.
            Err(error) => {
                return Err(match self.without_start(operation, error) {
                    Ok(failure) => failure,
                    Err(cause) => self.after_possible_start(exec, answered, &id, &cause).await,
                });
            }
        };
        let stderr = async {
            if exec.splits_stderr() { connect("stderr").await.map(Some) } else { Ok(None) }
        };
        // Both are connected at the same time, because Pebble's 5 s cover all of them.
        let (stdio, stderr) = futures_util::future::join(connect("stdio"), stderr).await;
        let (stdio_error, stderr_error) = match (stdio, stderr) {
            (Ok(stdio), Ok(stderr)) => {
                let connections = Connections { control, stdio, stderr };
                return Ok(Started {
                    connections,
                    // The handle has a deadline for the whole command, so the wait for the change
                    // needs none.
                    awaited: AwaitedChange::of_exec(id.clone(), answered, Duration::MAX),
                    id,
                    requested,
                });
            }
            (stdio, stderr) => (stdio.err(), stderr.err()),
        };
        // Pebble kills the command, if it runs, when the control connection is lost without a
        // closing frame.
        drop(control);
        let mut causes = Vec::new();
        for error in [stdio_error, stderr_error].into_iter().flatten() {
            if was_not_received(&error) {
                // The command needs every websocket, so one that Pebble cannot have received proves
                // that it does not run.
                match self.without_start(operation, error) {
                    Ok(failure) => return Err(failure),
                    Err(cause) => causes.push(cause),
                }
            } else {
                causes.push(cause_of(error));
            }
        }
        Err(self.after_possible_start(exec, answered, &id, &causes.join("; ")).await)
    }

    /// Returns the change and the task that Pebble has made for the command. The rest of the answer
    /// is the daemon's environment, which must not be shown.
    fn change_and_task(
        &self,
        operation: &str,
        answered: &Answered,
    ) -> Result<(ChangeId, String), AttemptError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Created {
            task_id: String,
        }
        match (&answered.envelope.change, answered.envelope.result.decode()) {
            (Some(id), Ok(Created { task_id })) => Ok((id.clone(), task_id)),
            _ => {
                let reason = "Pebble's answer names no change and task for it";
                Err(AttemptError::Final(Error::protocol(operation, self.daemon(), reason)))
            }
        }
    }

    /// Returns the failure of a websocket without which the command was certainly not started. It
    /// returns `Err(cause)` if only the change can tell more.
    fn without_start(&self, operation: &str, error: ExchangeError) -> Result<AttemptError, String> {
        let refusal = match error {
            ExchangeError::Failed(AttemptError::TimedOut { unanswered, .. }) => {
                return Ok(AttemptError::after(unanswered, "no answer to a websocket"));
            }
            ExchangeError::Failed(AttemptError::Final(error)) => {
                return Ok(AttemptError::Final(error.with_acted(false)));
            }
            ExchangeError::Failed(error) => return Ok(error),
            ExchangeError::ReplyLost { cause, unanswered } => {
                return Ok(AttemptError::after(unanswered, cause));
            }
            ExchangeError::Refused(refusal) => refusal,
        };
        match refusal.status {
            404 if refusal.message.starts_with("cannot find task ") => {
                Ok(AttemptError::temporary("Pebble was restarted and no longer knows the command"))
            }
            // The task ended before anything could run: it was aborted, or Pebble gave it up. The
            // change says which.
            200 | 500 if !is_final_refusal(&refusal) => Err(refusal.message),
            _ => Ok(AttemptError::Final(Error::refused(operation, self.daemon(), refusal))),
        }
    }

    /// Returns the error of a command that may have run. Its change says what became of it.
    async fn after_possible_start(
        &self,
        exec: &Exec,
        answered: &Answered,
        id: &ChangeId,
        cause: &str,
    ) -> AttemptError {
        let (operation, daemon) = (&exec.operation(), self.daemon());
        let unknown = |what: &str, change: Option<Change>| {
            let reason = format!("{cause}; {what}");
            AttemptError::Final(Error::ended(
                ErrorKind::OutcomeUnknown,
                operation,
                daemon,
                reason,
                change,
            ))
        };
        let awaited = AwaitedChange::of_exec(id.clone(), answered, CHANGE_END_LIMIT);
        let change_end = self.clone().wait_for(operation.to_owned(), exec.end_step(), awaited);
        match change_end.await {
            Ok(ChangeEnd::Ready { change, same_connection: true, .. })
                if change.err().is_some_and(|err| err.contains(NOT_STARTED)) =>
            {
                AttemptError::Temporary {
                    cause: format!("{cause}; Pebble has not started the command"),
                    unanswered: Duration::ZERO,
                    // Pebble has waited 5 s for the websockets, so no further wait is needed.
                    delay: Some(Duration::ZERO),
                }
            }
            Ok(ChangeEnd::Ready { change, .. }) => {
                match self.exec_status(operation, (*change).clone()) {
                    Ok(status) => {
                        let what = format!(
                            "the command was started and has ended with exit code {}",
                            status.exit_code()
                        );
                        unknown(&what, Some(*change))
                    }
                    Err(error) => AttemptError::Final(error),
                }
            }
            Ok(ChangeEnd::Restarted { cause: what, .. }) => {
                unknown(&format!("{what}; whether the command was started is not known"), None)
            }
            Err(error) if *error.kind() == ErrorKind::Unreachable => {
                let reason = format!(
                    "{cause}; whether the command was started is not known: {}",
                    error.reason()
                );
                AttemptError::Final(Error::unreachable(operation, daemon, reason).with_acted(true))
            }
            Err(error) => unknown(
                &format!("whether the command was started is not known: {}", error.reason()),
                error.change().cloned(),
            ),
        }
    }
}

/// Returns `true` if the daemon cannot have taken this request for a websocket of the command.
fn was_not_received(error: &ExchangeError) -> bool {
    match error {
        ExchangeError::Failed(AttemptError::Temporary { .. }) => true,
        // These errors mean that nothing was sent (access was denied, or the path is not that of a
        // socket). Any other final error comes from an answer to something that was sent.
        ExchangeError::Failed(AttemptError::Final(error)) => *error.kind() != ErrorKind::Protocol,
        ExchangeError::Failed(AttemptError::TimedOut { .. }) | ExchangeError::ReplyLost { .. } => {
            false
        }
        ExchangeError::Refused(refusal) => !matches!(refusal.status, 200 | 500),
    }
}

/// Returns `true` for an answer with status 500 that does not say how the command ended.
fn is_final_refusal(refusal: &Refusal) -> bool {
    refusal.status == 500 && refusal.message.ends_with(" websocket already connected")
}

/// Returns the cause of an error in words.
fn cause_of(error: ExchangeError) -> String {
    match error {
        ExchangeError::Failed(AttemptError::Temporary { cause, .. })
        | ExchangeError::ReplyLost { cause, .. } => cause,
        ExchangeError::Failed(AttemptError::TimedOut { .. }) => {
            "no answer to a websocket".to_owned()
        }
        ExchangeError::Failed(AttemptError::Final(error)) => error.reason().to_owned(),
        ExchangeError::Refused(refusal) => refusal.message,
    }
}

/// Makes the request that asks Pebble to run a command.
fn exec_request(exec: &Exec, limit: Option<Duration>) -> Request {
    // Pebble runs nothing before the websockets are connected, so this request may be sent again.
    let request = Request::post("/v1/exec", exec.operation(), &exec.body(limit), Resend::Safe)
        .without_effect();
    if exec.needs_service() { request.needing_layers() } else { request }
}

/// Makes the request for a websocket. It is never resent by itself: [`Reader::connect_exec`]
/// decides.
fn websocket_request(task: &str, name: &str, operation: &str) -> Request {
    let path = format!("/v1/tasks/{}/websocket/{name}", segment(task));
    Request::get(path, operation).with_resend(Resend::Never)
}

#[cfg(test)]
pub(crate) fn samples() -> Vec<Sample> {
    vec![
        Sample::new(
            "Client::exec, Client::exec_output",
            "/v1/exec",
            exec_request(&Exec::new(["true"]), None),
        ),
        Sample::new(
            "Client::exec",
            "/v1/tasks/{task-id}/websocket/{websocket-id}",
            websocket_request("7", "control", "run a command"),
        ),
    ]
}

//! From the request to a running command, and what may be done again when something breaks on the
//! way.
//!
//! Pebble runs the command once all websockets for its data are connected, and gives up after 5 s
//! in which they are not; the control websocket is connected before, so that a fast command cannot
//! be over too early for it. (Pebble 1.32.1, `internals/overlord/cmdstate`.) So until the last of
//! them was asked for, nothing has run and everything may be done again. Afterwards it may have
//! run, and only its change can tell: if the same daemon says that it has waited for the websockets
//! in vain, it has not.

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

/// How long one websocket is waited for. Pebble itself answers after 5 s at the latest, when it
/// gives the command up.
const CONNECT_LIMIT: Duration = Duration::from_secs(7);

/// How long after a failed start its change is waited for: it is over within 5 s if the command
/// never ran, and soon after it was killed.
const CHANGE_END_LIMIT: Duration = Duration::from_secs(10);

/// How long after its timeout a command may be over at the latest: Pebble needs a moment to kill it
/// and to say so.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// A command that was started.
struct Started {
    connections: Connections,
    awaited: AwaitedChange,
    id: ChangeId,
    requested: Instant,
}

impl Client {
    /// Starts a command and gives the handle on it and its streams: `POST /v1/exec`, then its
    /// websockets.
    ///
    /// The command is never run twice. Until it can have been started, whatever breaks is tried
    /// again from the beginning under the policy. When a break leaves open whether it was started,
    /// its change is asked, and only if that shows that it was not is it tried again.
    ///
    /// Its timeout ([`Exec::timeout`], else the client's change deadline) counts from when its
    /// websockets are connected. Pebble kills it then; if 5 s later it is not over all the same,
    /// because another process that it has started keeps its output open, the handle gives it up.
    ///
    /// Dropping the future kills what it may have started; see [`ExecProcess`] for the handle.
    ///
    /// # Errors
    /// `Api` when Pebble refuses: status 400 for an executable that it does not find, an unknown
    /// user, group or service context, 500 for a working directory that is not there (see
    /// [`Error::user_fault`]); [`InvalidRequest`](ErrorKind::InvalidRequest) for options that
    /// cannot be meant; [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) when it may have been started
    /// and was ended; [`ChangeFailed`](ErrorKind::ChangeFailed) or
    /// [`TimedOut`](ErrorKind::TimedOut) when it was over too soon;
    /// [`Unreachable`](ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn exec(&self, exec: &Exec) -> Result<ExecProcess, Error> {
        let begun = Instant::now();
        let operation = exec.operation();
        let limit = exec.limit(self.change_deadline());
        exec.check(limit).map_err(|reason| self.refuse(&operation, reason))?;
        let mut call = Call::new(self, exec_request(exec, limit).told_as(exec.start_step()));
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
        let answered = call.answer(attempt).await?;
        // Whatever became of one before: it had no websockets.
        call.lost = None;
        let (exec, limit) = (self.exec, attempt.limit().min(CONNECT_LIMIT));
        // Its connection is free for the questions that may have to be asked.
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
            // Those of the streams were not asked for, so nothing runs, whatever became of this
            // one.
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
        let (stdio, stderr) = futures_util::future::join(connect("stdio"), stderr).await;
        let (stdio_error, stderr_error) = match (stdio, stderr) {
            (Ok(stdio), Ok(stderr)) => {
                let connections = Connections { control, stdio, stderr };
                return Ok(Started {
                    connections,
                    // The deadline over the whole is that of the handle.
                    awaited: AwaitedChange::exec(id.clone(), answered, Duration::MAX),
                    id,
                    requested,
                });
            }
            (stdio, stderr) => (stdio.err(), stderr.err()),
        };
        // If the command runs, this kills it.
        drop(control);
        let mut causes = Vec::new();
        for error in [stdio_error, stderr_error].into_iter().flatten() {
            if was_not_received(&error) {
                // It needs all of them, so one that cannot be there proves that it does not run.
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

    /// The change and the task that Pebble has made for the command. The rest of its answer is the
    /// daemon's environment, which nobody is to see.
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

    /// The failure of a websocket without which the command has certainly not been started;
    /// `Err(cause)` when its change has to be asked for more.
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
            // It ended before anything could run: aborted by somebody, or given up.
            200 | 500 if !is_final_refusal(&refusal) => Err(refusal.message),
            _ => Ok(AttemptError::Final(Error::refused(operation, self.daemon(), refusal))),
        }
    }

    /// The command may have run: its change says what became of it.
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
        let awaited = AwaitedChange::exec(id.clone(), answered, CHANGE_END_LIMIT);
        let change_end = self.clone().wait_for(operation.to_owned(), exec.end_step(), awaited);
        match change_end.await {
            Ok(ChangeEnd::Ready { change, same_connection: true, .. })
                if change.err().is_some_and(|err| err.contains(NOT_STARTED)) =>
            {
                AttemptError::Temporary {
                    cause: format!("{cause}; Pebble has not started the command"),
                    unanswered: Duration::ZERO,
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

/// Whether the daemon cannot have taken this websocket for one of the command.
fn was_not_received(error: &ExchangeError) -> bool {
    match error {
        ExchangeError::Failed(AttemptError::Temporary { .. }) => true,
        // Denied, or no path for a socket: nothing was sent. Anything else that is final was an
        // answer, to something that was sent.
        ExchangeError::Failed(AttemptError::Final(error)) => *error.kind() != ErrorKind::Protocol,
        ExchangeError::Failed(AttemptError::TimedOut { .. }) | ExchangeError::ReplyLost { .. } => {
            false
        }
        ExchangeError::Refused(refusal) => !matches!(refusal.status, 200 | 500),
    }
}

/// An answer of 500 that does not speak of how the command ended.
fn is_final_refusal(refusal: &Refusal) -> bool {
    refusal.status == 500 && refusal.message.ends_with(" websocket already connected")
}

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

fn exec_request(exec: &Exec, limit: Option<Duration>) -> Request {
    let request = Request::post("/v1/exec", exec.operation(), &exec.body(limit), Resend::Safe)
        .without_effect();
    if exec.needs_service() { request.on_layers() } else { request }
}

fn websocket_request(task: &str, name: &str, operation: &str) -> Request {
    let path = format!("/v1/tasks/{}/websocket/{name}", segment(task));
    Request::get(path, operation).resent_as(Resend::Never)
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

//! The handle on a running command.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::super::awaited_change::ChangeEnd;
use super::super::change::{Change, ChangeId};
#[cfg(doc)]
use super::super::client::Client;
use super::super::error::{Error, ErrorKind};
use super::super::reader::Reader;
use super::super::signals::Signal;
use super::control;
use super::sockets::{Fault, FaultKind, Shared, Sockets, Stream};
use super::streams::{ExecReader, ExecStdin};
use super::wakers::WaiterSlot;

/// What waits for the change of a command.
pub(super) type EndWait = Pin<Box<dyn Future<Output = Result<ChangeEnd, Error>> + Send>>;

/// A command that Pebble runs, from [`Client::exec`].
///
/// There is no background task: its websockets are moved on by whichever of its handles is polled,
/// so [`ExecProcess::wait`] alone is enough, and reading a stream to its end is enough for that
/// stream. Dropping it kills the command (SIGKILL to its own process, not to others that it has
/// started) and closes everything, though readers may still be held.
pub struct ExecProcess {
    client: Reader,
    operation: String,
    id: ChangeId,
    shared: Arc<Shared>,
    end_wait: Mutex<EndState>,
    terminal: bool,
    output_limit: usize,
    begun: Instant,
    requested: Instant,
    connected: Instant,
}

enum EndState {
    Waiting(EndWait),
    /// Pebble has said that the command is over, at this time.
    Ready(Box<Change>, Instant),
    Finished(ExecStatus, Instant),
    Failed(String),
}

/// How a command has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExecStatus {
    exit_code: i32,
}

/// When what was done for a command, each counted from the call of [`Client::exec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecTimings {
    requested: Duration,
    connected: Duration,
    output_ended: Option<Duration>,
    ready: Option<Duration>,
}

impl ExecStatus {
    pub(super) fn new(exit_code: i32) -> Self {
        Self { exit_code }
    }

    /// Its exit code, 0 to 255; 128 + n when signal n has killed it.
    ///
    /// 137 is any SIGKILL: one of the system's for want of memory, and also Pebble's own when the
    /// control connection alone broke, which nothing in its answers tells apart.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        self.exit_code
    }

    /// Whether the exit code is 0.
    #[must_use]
    pub fn success(self) -> bool {
        self.exit_code == 0
    }
}

impl ExecTimings {
    /// When Pebble had taken the command on.
    #[must_use]
    pub fn requested(&self) -> Duration {
        self.requested
    }

    /// When all websockets were connected, which starts the command.
    #[must_use]
    pub fn connected(&self) -> Duration {
        self.connected
    }

    /// When the ends of its output were read; `None` before.
    #[must_use]
    pub fn output_ended(&self) -> Option<Duration> {
        self.output_ended
    }

    /// When Pebble's word that it is over was heard; `None` before, and as long as nobody waits for
    /// it.
    #[must_use]
    pub fn ready(&self) -> Option<Duration> {
        self.ready
    }
}

/// What [`ExecProcess`] is made of.
pub(super) struct Parts {
    pub(super) client: Reader,
    pub(super) operation: String,
    pub(super) id: ChangeId,
    pub(super) shared: Arc<Shared>,
    pub(super) end_wait: EndWait,
    pub(super) terminal: bool,
    pub(super) output_limit: usize,
    pub(super) begun: Instant,
    pub(super) requested: Instant,
}

impl ExecProcess {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts {
            client,
            operation,
            id,
            shared,
            end_wait,
            terminal,
            output_limit,
            begun,
            requested,
        } = parts;
        Self {
            client,
            operation,
            id,
            shared,
            end_wait: Mutex::new(EndState::Waiting(end_wait)),
            terminal,
            output_limit,
            begun,
            requested,
            connected: Instant::now(),
        }
    }

    /// The change that Pebble has made for the command.
    #[must_use]
    pub fn change_id(&self) -> &ChangeId {
        &self.id
    }

    /// Its stdin, once; `None` when it was taken before, was given by
    /// [`Exec::stdin`](super::Exec::stdin), or was ended because [`ExecProcess::wait`] was called
    /// without it.
    #[must_use]
    pub fn take_stdin(&mut self) -> Option<ExecStdin> {
        self.shared
            .change(|sockets, _| sockets.input.claim())
            .then(|| ExecStdin::new(Arc::clone(&self.shared)))
    }

    /// Its stdout, once: its stderr is in it when the two are combined or it has a terminal.
    #[must_use]
    pub fn take_stdout(&mut self) -> Option<ExecReader> {
        self.take(Stream::Stdout)
    }

    /// Its stderr, once: ended from the start when it is part of stdout.
    #[must_use]
    pub fn take_stderr(&mut self) -> Option<ExecReader> {
        self.take(Stream::Stderr)
    }

    fn take(&self, stream: Stream) -> Option<ExecReader> {
        self.shared
            .change(|sockets, _| sockets.buffer(stream).take_reader())
            .then(|| ExecReader::new(Arc::clone(&self.shared), stream))
    }

    /// Sends a signal to the command's own process, and returns when that is on its way: Pebble
    /// does not say what came of it.
    ///
    /// Dropping the future may or may not have sent it.
    ///
    /// # Errors
    /// [`InvalidRequest`](ErrorKind::InvalidRequest) for a signal that is none of Linux's 31, and
    /// when the command is over; [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) when the connection
    /// broke while it was sent.
    pub async fn signal(&self, signal: &Signal) -> Result<(), Error> {
        let operation = format!("send {signal} to the command of change {}", self.id);
        match control::signal(signal) {
            Some(text) => self.send(operation, text).await,
            None => Err(self.client.refuse(&operation, "there is no signal of this name")),
        }
    }

    /// Gives the command's terminal another size in columns and rows, 1 to 65535 each, and returns
    /// when that is on its way.
    ///
    /// Dropping the future may or may not have sent it.
    ///
    /// # Errors
    /// [`InvalidRequest`](ErrorKind::InvalidRequest) when the command has no terminal, for a size
    /// of nothing, and when the command is over; [`OutcomeUnknown`](ErrorKind::OutcomeUnknown)
    /// when the connection broke while it was sent.
    pub async fn resize(&self, width: u16, height: u16) -> Result<(), Error> {
        let operation = format!("resize the terminal of the command of change {}", self.id);
        if !self.terminal {
            return Err(self.client.refuse(&operation, "it has none; run it with Exec::terminal"));
        }
        if width == 0 || height == 0 {
            return Err(self.client.refuse(&operation, "give it at least one column and one row"));
        }
        self.send(operation, control::resize(width, height)).await
    }

    async fn send(&self, operation: String, text: String) -> Result<(), Error> {
        let slot = self.shared.new_slot();
        let mut message = Some(text);
        let sent = poll_fn(|cx| {
            self.shared.poll(&slot, cx, |sockets, cx| {
                sockets.drive(cx);
                sockets.poll_control(cx, &mut message)
            })
        });
        if sent.await.is_some() {
            return Ok(());
        }
        Err(match message {
            Some(_) => self.client.refuse(&operation, "the command is over"),
            None => {
                let reason = "its connection broke while that was sent; the command may be over";
                let (kind, daemon) = (ErrorKind::OutcomeUnknown, self.client.daemon());
                Error::ended(kind, &operation, daemon, reason.to_owned(), None)
            }
        })
    }

    /// Waits until the command is over and both streams have ended, and closes its websockets.
    ///
    /// An exit code other than 0 is `Ok`, too. A stdin that nobody has taken is ended. A stream
    /// that nobody reads does not hold it up: see [`ExecReader`]. When the connection on which it
    /// waits for the end breaks, it asks again as the policy allows. It may be called again, also
    /// by several at a time. Dropping the future stops the waiting, not the command.
    ///
    /// # Errors
    /// [`TimedOut`](ErrorKind::TimedOut) when Pebble has killed it at its timeout, or when 5 s
    /// after that it is still not over; [`ChangeFailed`](ErrorKind::ChangeFailed), with the change,
    /// when it could not be started; [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) when a
    /// connection of its streams broke, or Pebble was restarted; [`Protocol`](ErrorKind::Protocol)
    /// when what comes is no websocket's; [`Unreachable`](ErrorKind::Unreachable) when Pebble does
    /// not answer within the policy. After each of them the command is killed if it still runs, and
    /// its outcome is told no second time.
    pub async fn wait(&self) -> Result<ExecStatus, Error> {
        let _guard = WaitGuard::new(&self.shared);
        let slot = self.shared.new_slot();
        poll_fn(|cx| self.poll_wait(&slot, cx)).await
    }

    fn end_wait(&self) -> MutexGuard<'_, EndState> {
        self.end_wait.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_wait(
        &self,
        slot: &WaiterSlot,
        cx: &mut Context<'_>,
    ) -> Poll<Result<ExecStatus, Error>> {
        let mut end = self.end_wait();
        let mut wait_error = None;
        if let EndState::Waiting(end_wait) = &mut *end {
            // Like the websockets it knows one waker only, and the next who waits may be another.
            let answer = self.shared.poll_beside(slot, cx, |cx| end_wait.as_mut().poll(cx));
            match answer {
                Poll::Pending => {}
                Poll::Ready(Ok(ChangeEnd::Ready { change, .. })) => {
                    *end = EndState::Ready(change, Instant::now());
                }
                Poll::Ready(Ok(ChangeEnd::Restarted { cause, .. })) => {
                    let reason =
                        format!("{cause}; the command was started and how it ended is not known");
                    wait_error = Some(self.ended(ErrorKind::OutcomeUnknown, reason));
                }
                Poll::Ready(Err(error)) => wait_error = Some(error),
            }
        }
        if let EndState::Finished(status, _) = &*end {
            return Poll::Ready(Ok(*status));
        }
        if let EndState::Failed(reason) = &*end {
            return Poll::Ready(Err(self.ended(ErrorKind::OutcomeUnknown, reason.clone())));
        }
        let command_over = matches!(*end, EndState::Ready(..));
        let (streams_ended, fault, awaits_change_end) =
            self.shared.poll(slot, cx, |sockets, cx| {
                if command_over {
                    sockets.note_command_over();
                }
                sockets.drive(cx);
                (sockets.have_ended(), sockets.fault().cloned(), sockets.awaits_change_end())
            });
        let result = match (&*end, wait_error, fault) {
            (_, Some(error), _) => Err(error),
            (EndState::Ready(change, _), None, None) if streams_ended => {
                self.client.exec_status(&self.operation, (**change).clone())
            }
            (_, None, None) => return Poll::Pending,
            // How the command ended says more than that its connection broke.
            (EndState::Waiting(_), None, Some(_)) if awaits_change_end => return Poll::Pending,
            (end, None, Some(fault)) => Err(self.failed(end, &fault)),
        };
        Poll::Ready(self.finish(&mut end, result))
    }

    /// The error of a fault on the websockets, with what else is known of the command.
    fn failed(&self, end: &EndState, fault: &Fault) -> Error {
        let kind = match fault.kind {
            FaultKind::TimedOut => ErrorKind::TimedOut,
            FaultKind::Protocol => ErrorKind::Protocol,
            FaultKind::Disconnected | FaultKind::Dropped => ErrorKind::OutcomeUnknown,
        };
        let (EndState::Ready(change, _), FaultKind::Disconnected) = (end, fault.kind) else {
            return self.ended(kind, fault.text.clone());
        };
        match self.client.exec_status(&self.operation, (**change).clone()) {
            Err(error) => error,
            Ok(status) => {
                let reason =
                    format!("{}; it has ended with exit code {}", fault.text, status.exit_code());
                self.ended(kind, reason)
            }
        }
    }

    fn ended(&self, kind: ErrorKind, reason: String) -> Error {
        Error::ended(kind, &self.operation, self.client.daemon(), reason, None)
    }

    /// Closes everything and keeps how it ended.
    fn finish(
        &self,
        end: &mut EndState,
        result: Result<ExecStatus, Error>,
    ) -> Result<ExecStatus, Error> {
        let ready = match end {
            EndState::Ready(_, at) => *at,
            _ => Instant::now(),
        };
        *end = match &result {
            Ok(status) => EndState::Finished(*status, ready),
            Err(error) => EndState::Failed(error.reason().to_owned()),
        };
        self.shared.change(|sockets, _| match &result {
            Ok(_) => sockets.close(),
            // The readers hear of it, too.
            Err(_) if !sockets.have_ended() => {
                sockets.fail(
                    FaultKind::Disconnected,
                    "the command has failed before its output ended",
                );
            }
            Err(_) => sockets.close(),
        });
        result
    }

    /// When what was done so far.
    #[must_use]
    pub fn timings(&self) -> ExecTimings {
        let ready = match &*self.end_wait() {
            EndState::Ready(_, at) | EndState::Finished(_, at) => Some(*at),
            EndState::Waiting(_) | EndState::Failed(_) => None,
        };
        let since = |at: Instant| at.saturating_duration_since(self.begun);
        ExecTimings {
            requested: since(self.requested),
            connected: since(self.connected),
            output_ended: self.shared.inspect(Sockets::ended_at).map(since),
            ready: ready.map(since),
        }
    }

    /// From now on what comes is kept up to the limit, if nobody else reads it.
    pub(super) fn collect(&self) {
        let limit = self.output_limit;
        self.shared.change(|sockets, _| {
            sockets.buffer(Stream::Stdout).collect(limit);
            sockets.buffer(Stream::Stderr).collect(limit);
        });
    }

    /// What was kept of a stream, and how much was not.
    pub(super) fn collected(&self, stream: Stream) -> (Vec<u8>, u64) {
        self.shared.change(|sockets, _| sockets.buffer(stream).take_kept())
    }
}

impl Drop for ExecProcess {
    fn drop(&mut self) {
        self.shared.change(|sockets, _| {
            if sockets.have_ended() {
                sockets.close();
            } else {
                sockets.fail(
                    FaultKind::Dropped,
                    "the handle on the command was dropped before its output ended",
                );
            }
        });
    }
}

impl fmt::Debug for ExecProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecProcess")
            .field("operation", &self.operation)
            .field("change", &self.id)
            .finish_non_exhaustive()
    }
}

/// One who waits for the end, for as long as it does.
struct WaitGuard<'s>(&'s Shared);

impl<'s> WaitGuard<'s> {
    fn new(shared: &'s Shared) -> Self {
        shared.change(|sockets, _| sockets.count_waiting(true));
        Self(shared)
    }
}

impl Drop for WaitGuard<'_> {
    fn drop(&mut self) {
        self.0.change(|sockets, _| sockets.count_waiting(false));
    }
}

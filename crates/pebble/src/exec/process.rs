//! Provides the handle on a running command.

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

/// The future that waits for the change of a command.
pub(super) type EndWait = Pin<Box<dyn Future<Output = Result<ChangeEnd, Error>> + Send>>;

/// A process is a handle on a command that Pebble runs, from [`Client::exec`].
///
/// There is no background task: the websockets make progress when one of the handles is polled. So
/// [`ExecProcess::wait`] alone is enough, and reading a stream to its end is enough for that
/// stream. Dropping this handle kills the command (SIGKILL to its own process, not to others that
/// it has started) and closes its connections. Readers may still be held: they give what has come,
/// and then an error if their stream had not ended.
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

/// Says what is known of the end of a command.
enum EndState {
    /// Pebble has not reported the end yet.
    Waiting(EndWait),
    /// Pebble has reported that the command is over, at this time.
    Ready(Box<Change>, Instant),
    /// The command and its streams have ended.
    Finished(ExecStatus, Instant),
    /// Waiting has failed for this reason.
    Failed(String),
}

/// A status gives the exit code of a command that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExecStatus {
    exit_code: i32,
}

/// Timings say when each step of a command was done, counted from the call of [`Client::exec`].
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

    /// Returns the exit code, 0 to 255. It is 128 + n if signal n has killed the command.
    ///
    /// The code 137 stands for any SIGKILL: one from the kernel when memory is short, and also
    /// Pebble's own when only the control connection was lost. Nothing in Pebble's answers tells
    /// them apart.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        self.exit_code
    }

    /// Returns `true` if the exit code is 0.
    #[must_use]
    pub fn success(self) -> bool {
        self.exit_code == 0
    }
}

impl ExecTimings {
    /// Returns when Pebble had accepted the command.
    #[must_use]
    pub fn requested(&self) -> Duration {
        self.requested
    }

    /// Returns when all websockets were connected, which starts the command.
    #[must_use]
    pub fn connected(&self) -> Duration {
        self.connected
    }

    /// Returns when the ends of both output streams were read, or `None` before that.
    #[must_use]
    pub fn output_ended(&self) -> Option<Duration> {
        self.output_ended
    }

    /// Returns when the client learned from Pebble that the command was over, or `None` before
    /// that. The client learns it only while the end is waited for.
    #[must_use]
    pub fn ready(&self) -> Option<Duration> {
        self.ready
    }
}

/// The parts of an [`ExecProcess`].
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

    /// Returns the id of the change that Pebble has made for the command.
    #[must_use]
    pub fn change_id(&self) -> &ChangeId {
        &self.id
    }

    /// Takes the writer of the command's stdin. It returns `None` if it was taken before, if the
    /// bytes were given by [`Exec::stdin`](super::Exec::stdin), or if stdin was ended because
    /// [`ExecProcess::wait`] was called first.
    #[must_use]
    pub fn take_stdin(&mut self) -> Option<ExecStdin> {
        self.shared
            .change(|sockets, _| sockets.input.claim())
            .then(|| ExecStdin::new(Arc::clone(&self.shared)))
    }

    /// Takes the reader of the command's stdout, or returns `None` if it was taken before. It
    /// includes stderr if the two are combined or the command has a terminal.
    #[must_use]
    pub fn take_stdout(&mut self) -> Option<ExecReader> {
        self.take(Stream::Stdout)
    }

    /// Takes the reader of the command's stderr, or returns `None` if it was taken before. The
    /// stream has ended from the start if stderr is part of stdout.
    #[must_use]
    pub fn take_stderr(&mut self) -> Option<ExecReader> {
        self.take(Stream::Stderr)
    }

    fn take(&self, stream: Stream) -> Option<ExecReader> {
        self.shared
            .change(|sockets, _| sockets.buffer(stream).take_reader())
            .then(|| ExecReader::new(Arc::clone(&self.shared), stream))
    }

    /// Sends a signal to the command's own process. It returns when the signal was sent: Pebble
    /// does not report what came of it.
    ///
    /// If the future is dropped, the signal may or may not have been sent.
    ///
    /// # Errors
    /// - [`InvalidRequest`](ErrorKind::InvalidRequest) if the signal is none of Linux's 31, or the
    ///   command is over.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if the connection was lost while the signal
    ///   was sent.
    pub async fn signal(&self, signal: &Signal) -> Result<(), Error> {
        let operation = format!("send {signal} to the command of change {}", self.id);
        match control::signal(signal) {
            Some(text) => self.send(operation, text).await,
            None => Err(self.client.refuse(&operation, "there is no signal of this name")),
        }
    }

    /// Gives the command's terminal a new size in columns and rows, 1 to 65535 each. It returns
    /// when the size was sent.
    ///
    /// If the future is dropped, the size may or may not have been sent.
    ///
    /// # Errors
    /// - [`InvalidRequest`](ErrorKind::InvalidRequest) if the command has no terminal, a size is
    ///   zero, or the command is over.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if the connection was lost while the size
    ///   was sent.
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

    /// Sends a text frame over the control websocket.
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
            // The message is taken when the websocket accepts it, so one that is left was not sent.
            Some(_) => self.client.refuse(&operation, "the command is over"),
            None => {
                let reason = "its connection broke while that was sent; the command may be over";
                let (kind, daemon) = (ErrorKind::OutcomeUnknown, self.client.daemon());
                Error::ended(kind, &operation, daemon, reason.to_owned(), None)
            }
        })
    }

    /// Waits until the command is over and both streams have ended, and closes the websockets.
    ///
    /// An exit code other than 0 is also `Ok`. If nobody has taken stdin, it is ended. A stream
    /// that nobody reads does not hold up the wait: see [`ExecReader`]. If the connection on which
    /// the end is waited for is lost, the client asks again as the policy allows. The method may be
    /// called several times, also at the same time. Dropping the future stops the waiting, not the
    /// command.
    ///
    /// # Errors
    /// - [`TimedOut`](ErrorKind::TimedOut) if Pebble has killed the command at its timeout, or if
    ///   it is still not over 5 s later.
    /// - [`ChangeFailed`](ErrorKind::ChangeFailed), with the change, if the command could not be
    ///   started.
    /// - [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if a connection of its streams was lost, or
    ///   Pebble was restarted.
    /// - [`Protocol`](ErrorKind::Protocol) if what is received breaks the rules of websockets.
    /// - [`Unreachable`](ErrorKind::Unreachable) if Pebble does not answer within the policy.
    ///
    /// After each of these the command is killed if it still runs. A further call then gives
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) with the same reason.
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
        // The change is polled before the websockets: once the command is over, they wait only a
        // limited time for the ends of the streams.
        let mut end = self.end_wait();
        let mut wait_error = None;
        if let EndState::Waiting(end_wait) = &mut *end {
            // This future remembers only one waker, as the websockets do, and the next call to wait
            // may come from another task.
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
            // The change may still report how the command ended, which says more than that its
            // connection was lost.
            (EndState::Waiting(_), None, Some(_)) if awaits_change_end => return Poll::Pending,
            (end, None, Some(fault)) => Err(self.failed(end, &fault)),
        };
        Poll::Ready(self.finish(&mut end, result))
    }

    /// Returns the error of a fault on the websockets, with what else is known of the command.
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

    /// Closes the connections and keeps how the command ended.
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
            // The readers must report the failure, too, and not the end of the stream.
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

    /// Returns when each step was done so far.
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

    /// Keeps what comes from now on, up to the limit, for each stream whose reader was not taken.
    pub(super) fn collect(&self) {
        let limit = self.output_limit;
        self.shared.change(|sockets, _| {
            sockets.buffer(Stream::Stdout).collect(limit);
            sockets.buffer(Stream::Stderr).collect(limit);
        });
    }

    /// Returns the bytes that were kept of a stream, and the number of those that were not.
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

/// A guard counts a caller that waits for the end, for as long as it waits.
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

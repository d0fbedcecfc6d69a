//! Holds the open websockets of one exec. They make progress when any of its handles is polled.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Bytes;
use tokio::time::{Instant, Sleep};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::{Error as WebsocketError, Message};

use super::super::body_stream::Websocket;
use super::super::duration::seconds;
use super::super::transport_error::plain;
use super::control;
use super::input::Input;
use super::output_buffer::OutputBuffer;
use super::wakers::{WaiterSlot, Wakers};

/// The number of frames that are read before other tasks get their turn.
const FRAMES_AT_ONCE: usize = 64;

/// The longest wait for the end of a stream after Pebble has reported that the command is over,
/// while nothing is received. Pebble sends the ends of the streams before it reports the end of the
/// command.
const OUTPUT_END_LIMIT: Duration = Duration::from_secs(5);

/// The longest wait for Pebble's report on a command whose connection was lost. The loss kills the
/// command, so the report comes at once or not soon.
const CHANGE_END_LIMIT: Duration = Duration::from_secs(10);

/// All handles of one exec share this state.
pub(super) struct Shared {
    sockets: Mutex<Sockets>,
    wakers: Arc<Wakers>,
    waker: Waker,
}

/// The reason why the websockets were closed before the streams ended.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) text: String,
}

/// The kind of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The connection of a stream was lost before the end of the stream.
    Disconnected,
    /// What was received breaks the rules of websockets.
    Protocol,
    /// The deadline over the whole command has passed.
    TimedOut,
    /// The handle on the command was dropped.
    Dropped,
}

/// The websockets of an exec when they were opened.
pub(super) struct Connections {
    pub(super) control: Websocket,
    pub(super) stdio: Websocket,
    pub(super) stderr: Option<Websocket>,
}

/// Names one of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

/// The websockets and the state of the streams.
pub(super) struct Sockets {
    control: Option<Websocket>,
    control_is_unflushed: bool,
    stdio: Option<Websocket>,
    stderr_socket: Option<Websocket>,
    pub(super) input: Input,
    stdout: OutputBuffer,
    stderr: OutputBuffer,
    fault: Option<Fault>,
    /// The moment until which the client waits for Pebble's report on a command whose connection
    /// was lost.
    change_end_by: Option<Instant>,
    /// The moment when everything has to be over, and how long that is after the command was
    /// started.
    deadline: Option<(Instant, Duration)>,
    timer: Option<Pin<Box<Sleep>>>,
    /// The number of callers that wait for the end of the command.
    waiters: u32,
    /// The moment when Pebble reported that the command is over.
    command_over_at: Option<Instant>,
    last_frame: Instant,
    ended_at: Option<Instant>,
    /// Something has changed that another handle may wait for.
    has_progress: bool,
}

impl Shared {
    pub(super) fn new(
        connections: Connections,
        given_stdin: Option<Bytes>,
        deadline: Option<(Instant, Duration)>,
    ) -> Arc<Self> {
        let Connections { control, stdio, stderr } = connections;
        let wakers = Arc::new(Wakers::default());
        let sockets = Sockets {
            control: Some(control),
            control_is_unflushed: false,
            stdio: Some(stdio),
            stderr: if stderr.is_some() {
                OutputBuffer::new("stderr")
            } else {
                OutputBuffer::absent("stderr")
            },
            stderr_socket: stderr,
            input: Input::new(given_stdin),
            stdout: OutputBuffer::new("stdout"),
            fault: None,
            change_end_by: None,
            deadline,
            timer: None,
            waiters: 0,
            command_over_at: None,
            last_frame: Instant::now(),
            ended_at: None,
            has_progress: false,
        };
        Arc::new(Self {
            sockets: Mutex::new(sockets),
            waker: Waker::from(Arc::clone(&wakers)),
            wakers,
        })
    }

    /// Makes a slot for the waker of one handle.
    pub(super) fn new_slot(&self) -> WaiterSlot {
        self.wakers.new_slot()
    }

    fn lock(&self) -> MutexGuard<'_, Sockets> {
        // A panic of another thread leaves at worst a frame unread, so the state stays usable.
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one handle poll the websockets. Whatever happens on them later wakes every handle that
    /// waits.
    pub(super) fn poll<T>(
        &self,
        slot: &WaiterSlot,
        cx: &Context<'_>,
        work: impl FnOnce(&mut Sockets, &mut Context<'_>) -> T,
    ) -> T {
        // The waker is set before the work, so that no event in between is missed.
        slot.set_waker(cx.waker());
        let (result, has_progress) = {
            let mut sockets = self.lock();
            let result = work(&mut sockets, &mut Context::from_waker(&self.waker));
            (result, std::mem::take(&mut sockets.has_progress))
        };
        if has_progress {
            slot.wake_others();
        }
        result
    }

    /// Lets one handle poll another future of the exec. What happens to it later wakes every handle
    /// that waits, too.
    pub(super) fn poll_beside<T>(
        &self,
        slot: &WaiterSlot,
        cx: &Context<'_>,
        work: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        slot.set_waker(cx.waker());
        work(&mut Context::from_waker(&self.waker))
    }

    /// Changes the state of the streams and wakes every handle that waits.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut Sockets, &mut Context<'_>) -> T) -> T {
        let result = {
            let mut sockets = self.lock();
            sockets.has_progress = false;
            work(&mut sockets, &mut Context::from_waker(&self.waker))
        };
        self.wakers.wake_all();
        result
    }

    /// Reads the state without changing it.
    pub(super) fn inspect<T>(&self, inspect: impl FnOnce(&Sockets) -> T) -> T {
        inspect(&self.lock())
    }
}

impl Sockets {
    /// Returns the buffer of a stream.
    pub(super) fn buffer(&mut self, stream: Stream) -> &mut OutputBuffer {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Returns the buffers of stdout and of stderr.
    pub(super) fn buffers(&self) -> [&OutputBuffer; 2] {
        [&self.stdout, &self.stderr]
    }

    /// Returns `true` if both streams have ended.
    pub(super) fn have_ended(&self) -> bool {
        self.buffers().into_iter().all(OutputBuffer::has_ended)
    }

    /// Returns when the end of both streams was read.
    pub(super) fn ended_at(&self) -> Option<Instant> {
        self.ended_at
    }

    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Notes that another handle may be able to go on.
    pub(super) fn note_progress(&mut self) {
        self.has_progress = true;
    }

    /// Counts a caller that waits for the end of the command: one more if `more` is `true`, else
    /// one fewer.
    pub(super) fn count_waiting(&mut self, more: bool) {
        self.waiters =
            if more { self.waiters.saturating_add(1) } else { self.waiters.saturating_sub(1) };
        if more {
            self.input.end_unless_claimed();
        }
    }

    /// Notes that Pebble has reported the end of the command.
    pub(super) fn note_command_over(&mut self) {
        // Only the first time counts as progress, or two waiting handles would wake each other for
        // ever.
        if self.command_over_at.is_none() {
            self.command_over_at = Some(Instant::now());
            self.has_progress = true;
        }
    }

    /// Closes all websockets, control first. There is no closing frame on it, so Pebble kills the
    /// command if it still runs.
    pub(super) fn close(&mut self) {
        self.control = None;
        self.stdio = None;
        self.stderr_socket = None;
        self.timer = None;
        self.input.discard();
        self.has_progress = true;
    }

    /// Closes all websockets because of a fault. Only the first fault counts: the others follow
    /// from it.
    pub(super) fn fail(&mut self, kind: FaultKind, text: impl Into<String>) {
        if self.fault.is_none() {
            let text = text.into();
            self.fault = Some(Fault { kind, text });
            self.change_end_by = Instant::now()
                .checked_add(CHANGE_END_LIMIT)
                .filter(|_| kind == FaultKind::Disconnected);
        }
        self.close();
    }

    /// Returns `true` while Pebble may still report how a command ended whose connection was lost.
    pub(super) fn awaits_change_end(&self) -> bool {
        self.change_end_by.is_some_and(|at| at > Instant::now())
    }

    /// Sends and receives what is possible now, and checks the deadlines.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        if self.fault.is_some() {
            // After a fault all websockets are closed. Only the wait for Pebble's report is left.
            if let Some(at) = self.change_end_by.filter(|_| self.awaits_change_end()) {
                self.wake_at(at, cx);
            }
            return;
        }
        self.drive_control(cx);
        self.send_input(cx);
        self.receive_output(cx);
        self.check_deadlines(cx);
    }

    /// Sends what is possible of the command's stdin. Unlike the other steps it needs no tokio
    /// runtime, so that a drop may call it.
    pub(super) fn send_input(&mut self, cx: &mut Context<'_>) {
        if let Some(stdio) = &mut self.stdio {
            // The command has closed its output, or is over: nobody reads its stdin.
            if self.stdout.has_ended() {
                self.input.discard();
            }
            self.has_progress |= self.input.send_pending(stdio, cx);
        }
    }

    /// Flushes the control websocket and reads what the server sends on it, so that its end is
    /// seen.
    fn drive_control(&mut self, cx: &mut Context<'_>) {
        let Some(control) = &mut self.control else {
            return;
        };
        if self.control_is_unflushed
            && let Poll::Ready(result) = control.poll_flush_unpin(cx)
        {
            self.control_is_unflushed = false;
            self.has_progress = true;
            if result.is_err() {
                return self.forget_control();
            }
        }
        for _ in 0..FRAMES_AT_ONCE {
            match control.poll_next_unpin(cx) {
                Poll::Pending => return,
                // The library answers pings by itself.
                Poll::Ready(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
                Poll::Ready(Some(Ok(Message::Text(_) | Message::Binary(_)))) => {
                    tracing::debug!("passed over a message on the control websocket of an exec");
                }
                // When the command is over, the daemon closes this connection without a closing
                // frame. That is no failure (Pebble 1.32.1).
                Poll::Ready(None | Some(Ok(Message::Close(_)))) => return self.forget_control(),
                Poll::Ready(Some(Err(error))) => {
                    let Fault { kind, text } = fault_of(&error, "control");
                    return match kind {
                        FaultKind::Protocol => self.fail(kind, text),
                        _ => self.forget_control(),
                    };
                }
            }
        }
        // More frames may be there, and a websocket wakes the task only after it was found empty.
        cx.waker().wake_by_ref();
    }

    /// Closes the control websocket. The streams go on.
    fn forget_control(&mut self) {
        self.control = None;
        self.control_is_unflushed = false;
        self.has_progress = true;
    }

    /// Receives what is possible of the output streams.
    fn receive_output(&mut self, cx: &mut Context<'_>) {
        let Self { stdio, stderr_socket, stdout, stderr, last_frame, waiters, .. } = self;
        let mut fault = None;
        for (socket, buffer) in [(stdio, stdout), (stderr_socket, stderr)] {
            let Some(socket) = socket else {
                continue;
            };
            match receive(socket, buffer, *waiters > 0, last_frame, cx) {
                Ok(has_progress) => self.has_progress |= has_progress,
                Err(error) => {
                    // The other stream is read all the same: its bytes came before the loss.
                    fault.get_or_insert(error);
                }
            }
        }
        if let Some(Fault { kind, text }) = fault {
            self.fail(kind, text);
        }
        if self.ended_at.is_none() && self.have_ended() {
            self.ended_at = Some(Instant::now());
        }
    }

    /// Returns the earliest moment at which something is due that no websocket reports.
    fn next_due(&self) -> Option<Instant> {
        let deadline = self.deadline.map(|(at, _)| at);
        let truncation = self
            .buffers()
            .into_iter()
            .filter_map(OutputBuffer::truncates_at)
            .filter(|_| self.waiters > 0)
            .min();
        [deadline, truncation, self.output_end_by()].into_iter().flatten().min()
    }

    /// Returns the moment at which a stream that has not ended is given up, although Pebble has
    /// reported the end of the command.
    fn output_end_by(&self) -> Option<Instant> {
        let over = self.command_over_at.filter(|_| !self.have_ended())?;
        let held_up =
            self.buffers().into_iter().any(|buffer| !buffer.has_ended() && !buffer.wants_more());
        (!held_up).then(|| over.max(self.last_frame) + OUTPUT_END_LIMIT)
    }

    /// Fails the exec if a deadline has passed, and sets the timer for the next one.
    fn check_deadlines(&mut self, cx: &mut Context<'_>) {
        if self.fault.is_some() || (self.have_ended() && self.command_over_at.is_some()) {
            return;
        }
        let now = Instant::now();
        if let Some((at, length)) = self.deadline
            && at <= now
        {
            let state: Vec<String> = self.buffers().into_iter().map(describe).collect();
            let text = format!(
                "it was not over within {} and was ended ({}); if only its own process has \
                 exited, another one that it started keeps its output open",
                seconds(length),
                state.join(", ")
            );
            return self.fail(FaultKind::TimedOut, text);
        }
        if self.output_end_by().is_some_and(|at| at <= now) {
            return self.fail(
                FaultKind::Disconnected,
                "Pebble says that the command is over, and its output does not end",
            );
        }
        if let Some(due) = self.next_due() {
            self.wake_at(due, cx);
        }
    }

    /// Sets the timer to this moment.
    fn wake_at(&mut self, due: Instant, cx: &mut Context<'_>) {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        // A timer that is already due wakes nobody later.
        if timer.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    /// Sends one message over the control websocket, and flushes it. It gives `None` when the
    /// command is over.
    pub(super) fn poll_control(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<String>,
    ) -> Poll<Option<()>> {
        let Some(control) = &mut self.control else {
            return Poll::Ready(None);
        };
        if let Some(text) = message.take() {
            match control.poll_ready_unpin(cx) {
                Poll::Pending => {
                    *message = Some(text);
                    return Poll::Pending;
                }
                Poll::Ready(result) => {
                    if result.and_then(|()| control.start_send_unpin(Message::text(text))).is_err()
                    {
                        return Poll::Ready(None);
                    }
                    self.control_is_unflushed = true;
                }
            }
        }
        match control.poll_flush_unpin(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                self.control_is_unflushed = false;
                Poll::Ready(result.ok())
            }
        }
    }

    /// Accepts bytes for the command's stdin. It gives `None` when the command takes no more.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Option<usize>> {
        let Some(stdio) = self.stdio.as_mut().filter(|_| self.input.is_writable()) else {
            return Poll::Ready(None);
        };
        self.input.poll_write(stdio, cx, bytes).map(Result::ok)
    }

    /// Flushes the bytes that were accepted. It gives `None` when the command takes no more.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let Some(stdio) = self.stdio.as_mut() else {
            return Poll::Ready(None);
        };
        self.input.poll_flush(stdio, cx).map(|result| result.ok().map(drop))
    }
}

/// Reads frames from one websocket as long as its buffer takes them. Returns `true` if anything was
/// received.
fn receive(
    socket: &mut Websocket,
    buffer: &mut OutputBuffer,
    has_waiters: bool,
    last_frame: &mut Instant,
    cx: &mut Context<'_>,
) -> Result<bool, Fault> {
    let mut has_progress = false;
    for _ in 0..FRAMES_AT_ONCE {
        if !buffer.wants_more() {
            let due = buffer.truncates_at().filter(|at| has_waiters && *at <= Instant::now());
            if due.is_none() {
                return Ok(has_progress);
            }
            buffer.truncate_now();
        }
        match socket.poll_next_unpin(cx) {
            Poll::Pending => return Ok(has_progress),
            Poll::Ready(Some(Ok(Message::Binary(bytes)))) => {
                *last_frame = Instant::now();
                buffer.push(&bytes, *last_frame);
                has_progress = true;
            }
            Poll::Ready(Some(Ok(Message::Text(text)))) => {
                if control::is_end(&text) {
                    buffer.end();
                    has_progress = true;
                } else {
                    tracing::debug!(
                        stream = buffer.name(),
                        "passed over an unknown command on a websocket of an exec"
                    );
                }
            }
            Poll::Ready(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
            Poll::Ready(None | Some(Ok(Message::Close(_)))) => {
                return Err(disconnected(buffer.name(), "it was closed"));
            }
            Poll::Ready(Some(Err(error))) => return Err(fault_of(&error, buffer.name())),
        }
    }
    // More frames may be there, as on the control websocket.
    cx.waker().wake_by_ref();
    Ok(has_progress)
}

/// Makes the fault of a websocket that was lost before the end of its stream.
fn disconnected(name: &str, cause: &str) -> Fault {
    Fault {
        kind: FaultKind::Disconnected,
        text: format!("the websocket for {name} broke before its end ({cause})"),
    }
}

/// Returns the fault that an error of a websocket means.
fn fault_of(error: &WebsocketError, name: &str) -> Fault {
    match error {
        WebsocketError::Io(error) => disconnected(name, &plain(error)),
        WebsocketError::ConnectionClosed
        | WebsocketError::AlreadyClosed
        | WebsocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            disconnected(name, "connection closed")
        }
        error => Fault {
            kind: FaultKind::Protocol,
            text: format!("what came over the websocket for {name} is against its rules: {error}"),
        },
    }
}

/// Describes the state of a stream for a message.
fn describe(buffer: &OutputBuffer) -> String {
    let state = if buffer.has_ended() { "ended" } else { "still open" };
    format!("{}: {state}", buffer.name())
}

//! The open websockets of one exec, moved on by whichever handle is polled.

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

/// How many frames are read at one go before others get their turn.
const FRAMES_AT_ONCE: usize = 64;

/// How long the end of a stream is waited for when Pebble has said that the command is over and
/// nothing comes any more. It sends the ends first.
const SETTLE: Duration = Duration::from_secs(5);

/// How long Pebble's word on a command is waited for whose connection broke. It is killed by that,
/// so it comes at once or not soon.
const VERDICT: Duration = Duration::from_secs(10);

/// What all handles of one exec share.
pub(super) struct Shared {
    sockets: Mutex<Sockets>,
    wakers: Arc<Wakers>,
    waker: Waker,
}

/// Why the websockets are closed before their time.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The connection of a stream broke before its end.
    TransportError,
    /// What came over it is against the rules of websockets.
    Protocol,
    /// The deadline over the whole has passed.
    TimedOut,
    /// The handle on the command was dropped.
    Dropped,
}

/// The three connections as they were opened.
pub(super) struct Connections {
    pub(super) control: Websocket,
    pub(super) stdio: Websocket,
    pub(super) stderr: Option<Websocket>,
}

/// Which of the two streams of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

pub(super) struct Sockets {
    control: Option<Websocket>,
    unwritten_control: bool,
    stdio: Option<Websocket>,
    stderr_socket: Option<Websocket>,
    pub(super) input: Input,
    stdout: OutputBuffer,
    stderr: OutputBuffer,
    fault: Option<Fault>,
    /// Until when it is waited for what Pebble says of a command whose connection broke.
    verdict_at: Option<Instant>,
    /// When everything has to be over, and how long that is after the command was started.
    deadline: Option<(Instant, Duration)>,
    alarm: Option<Pin<Box<Sleep>>>,
    /// How many wait for the end of the command.
    waiting: u32,
    /// When Pebble has said that the command is over.
    over_since: Option<Instant>,
    last_frame: Instant,
    ended_at: Option<Instant>,
    /// Something has changed that another handle may wait for.
    moved: bool,
}

impl Shared {
    pub(super) fn new(
        connections: Connections,
        given: Option<Bytes>,
        deadline: Option<(Instant, Duration)>,
    ) -> Arc<Self> {
        let Connections { control, stdio, stderr } = connections;
        let wakers = Arc::new(Wakers::default());
        let sockets = Sockets {
            control: Some(control),
            unwritten_control: false,
            stdio: Some(stdio),
            stderr: if stderr.is_some() {
                OutputBuffer::new("stderr")
            } else {
                OutputBuffer::none("stderr")
            },
            stderr_socket: stderr,
            input: Input::new(given),
            stdout: OutputBuffer::new("stdout"),
            fault: None,
            verdict_at: None,
            deadline,
            alarm: None,
            waiting: 0,
            over_since: None,
            last_frame: Instant::now(),
            ended_at: None,
            moved: false,
        };
        Arc::new(Self {
            sockets: Mutex::new(sockets),
            waker: Waker::from(Arc::clone(&wakers)),
            wakers,
        })
    }

    pub(super) fn place(&self) -> WaiterSlot {
        self.wakers.place()
    }

    fn lock(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one handle poll the websockets; whatever happens on them later wakes every handle that
    /// waits.
    pub(super) fn poll<T>(
        &self,
        place: &WaiterSlot,
        cx: &Context<'_>,
        work: impl FnOnce(&mut Sockets, &mut Context<'_>) -> T,
    ) -> T {
        place.wait(cx.waker());
        let (result, moved) = {
            let mut sockets = self.lock();
            let result = work(&mut sockets, &mut Context::from_waker(&self.waker));
            (result, std::mem::take(&mut sockets.moved))
        };
        if moved {
            place.wake_others();
        }
        result
    }

    /// Lets one handle poll something else of the exec, for which the same holds.
    pub(super) fn poll_beside<T>(
        &self,
        place: &WaiterSlot,
        cx: &Context<'_>,
        work: impl FnOnce(&mut Context<'_>) -> T,
    ) -> T {
        place.wait(cx.waker());
        work(&mut Context::from_waker(&self.waker))
    }

    /// Changes what is to become of the streams, and lets whoever waits see to it.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut Sockets, &mut Context<'_>) -> T) -> T {
        let result = {
            let mut sockets = self.lock();
            sockets.moved = false;
            work(&mut sockets, &mut Context::from_waker(&self.waker))
        };
        self.wakers.wake_all();
        result
    }

    /// Looks at how things stand.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Sockets) -> T) -> T {
        look(&self.lock())
    }
}

impl Sockets {
    pub(super) fn outlet(&mut self, stream: Stream) -> &mut OutputBuffer {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    pub(super) fn outlets(&self) -> [&OutputBuffer; 2] {
        [&self.stdout, &self.stderr]
    }

    pub(super) fn have_ended(&self) -> bool {
        self.outlets().into_iter().all(OutputBuffer::has_ended)
    }

    pub(super) fn ended_at(&self) -> Option<Instant> {
        self.ended_at
    }

    pub(super) fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Another handle is to look again.
    pub(super) fn note_moved(&mut self) {
        self.moved = true;
    }

    /// One more, or one less, waits for the end of the command.
    pub(super) fn count_waiting(&mut self, more: bool) {
        self.waiting =
            if more { self.waiting.saturating_add(1) } else { self.waiting.saturating_sub(1) };
        if more {
            self.input.end_unless_taken();
        }
    }

    /// Pebble has said that the command is over.
    pub(super) fn note_over(&mut self) {
        // Told each time, one waiting handle would wake the next for ever.
        if self.over_since.is_none() {
            self.over_since = Some(Instant::now());
            self.moved = true;
        }
    }

    /// Closes everything, control first: without a closing frame on it, the command is killed if it
    /// still runs.
    pub(super) fn close(&mut self) {
        self.control = None;
        self.stdio = None;
        self.stderr_socket = None;
        self.alarm = None;
        self.input.give_up();
        self.moved = true;
    }

    pub(super) fn fail(&mut self, kind: FaultKind, text: impl Into<String>) {
        if self.fault.is_none() {
            let text = text.into();
            self.fault = Some(Fault { kind, text });
            self.verdict_at =
                Instant::now().checked_add(VERDICT).filter(|_| kind == FaultKind::TransportError);
        }
        self.close();
    }

    /// Whether there is more to hear of the fault that there was.
    pub(super) fn awaits_verdict(&self) -> bool {
        self.verdict_at.is_some_and(|at| at > Instant::now())
    }

    /// Does what can be done now.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        if self.fault.is_some() {
            if let Some(at) = self.verdict_at.filter(|_| self.awaits_verdict()) {
                self.wake_at(at, cx);
            }
            return;
        }
        self.drive_control(cx);
        self.drive_input(cx);
        self.drive_output(cx);
        self.watch_the_time(cx);
    }

    /// Sends what can be sent of the command's stdin. Alone of all it may be called where there is
    /// no runtime.
    pub(super) fn drive_input(&mut self, cx: &mut Context<'_>) {
        if let Some(stdio) = &mut self.stdio {
            if self.stdout.has_ended() {
                self.input.give_up();
            }
            self.moved |= self.input.pump(stdio, cx);
        }
    }

    fn drive_control(&mut self, cx: &mut Context<'_>) {
        let Some(control) = &mut self.control else {
            return;
        };
        if self.unwritten_control
            && let Poll::Ready(result) = control.poll_flush_unpin(cx)
        {
            self.unwritten_control = false;
            self.moved = true;
            if result.is_err() {
                return self.lose_control();
            }
        }
        for _ in 0..FRAMES_AT_ONCE {
            match control.poll_next_unpin(cx) {
                Poll::Pending => return,
                // The daemon has nothing to say here.
                Poll::Ready(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
                Poll::Ready(Some(Ok(Message::Text(_) | Message::Binary(_)))) => {
                    tracing::debug!("passed over a message on the control websocket of an exec");
                }
                // It closes this one when the command is over, and without a closing frame.
                Poll::Ready(None | Some(Ok(Message::Close(_)))) => return self.lose_control(),
                Poll::Ready(Some(Err(error))) => {
                    let Fault { kind, text } = judged(&error, "control");
                    return match kind {
                        FaultKind::Protocol => self.fail(kind, text),
                        _ => self.lose_control(),
                    };
                }
            }
        }
        cx.waker().wake_by_ref();
    }

    fn lose_control(&mut self) {
        self.control = None;
        self.unwritten_control = false;
        self.moved = true;
    }

    fn drive_output(&mut self, cx: &mut Context<'_>) {
        let Self { stdio, stderr_socket, stdout, stderr, last_frame, waiting, .. } = self;
        let mut fault = None;
        for (socket, outlet) in [(stdio, stdout), (stderr_socket, stderr)] {
            let Some(socket) = socket else {
                continue;
            };
            match receive(socket, outlet, *waiting > 0, last_frame, cx) {
                Ok(moved) => self.moved |= moved,
                Err(broken) => {
                    fault.get_or_insert(broken);
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

    /// When the first thing is due that no websocket will tell of.
    fn next_due(&self) -> Option<Instant> {
        let deadline = self.deadline.map(|(at, _)| at);
        let gives_way = self
            .outlets()
            .into_iter()
            .filter_map(OutputBuffer::gives_way_at)
            .filter(|_| self.waiting > 0)
            .min();
        [deadline, gives_way, self.settles_at()].into_iter().flatten().min()
    }

    /// When a stream that has not ended is given up, though Pebble has said that the command is
    /// over.
    fn settles_at(&self) -> Option<Instant> {
        let over = self.over_since.filter(|_| !self.have_ended())?;
        let held_up =
            self.outlets().into_iter().any(|outlet| !outlet.has_ended() && !outlet.wants_more());
        (!held_up).then(|| over.max(self.last_frame) + SETTLE)
    }

    fn watch_the_time(&mut self, cx: &mut Context<'_>) {
        if self.fault.is_some() || (self.have_ended() && self.over_since.is_some()) {
            return;
        }
        let now = Instant::now();
        if let Some((at, length)) = self.deadline
            && at <= now
        {
            let state: Vec<String> = self.outlets().into_iter().map(state_of).collect();
            let text = format!(
                "it was not over within {} and was ended ({}); if only its own process has \
                 exited, another one that it started keeps its output open",
                seconds(length),
                state.join(", ")
            );
            return self.fail(FaultKind::TimedOut, text);
        }
        if self.settles_at().is_some_and(|at| at <= now) {
            return self.fail(
                FaultKind::TransportError,
                "Pebble says that the command is over, and its output does not end",
            );
        }
        if let Some(due) = self.next_due() {
            self.wake_at(due, cx);
        }
    }

    fn wake_at(&mut self, due: Instant, cx: &mut Context<'_>) {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if alarm.deadline() != due {
            alarm.as_mut().reset(due);
        }
        if alarm.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }

    /// Gives one message to the control websocket, once it has room; `None` when the command is
    /// over.
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
                    self.unwritten_control = true;
                }
            }
        }
        match control.poll_flush_unpin(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                self.unwritten_control = false;
                Poll::Ready(result.ok())
            }
        }
    }

    /// Takes bytes for the command's stdin; `None` when it takes no more.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Option<usize>> {
        let Some(stdio) = self.stdio.as_mut().filter(|_| self.input.is_writable()) else {
            return Poll::Ready(None);
        };
        self.input.poll_write(stdio, cx, bytes).map(Result::ok)
    }

    /// Writes out what was taken; `None` when the command takes no more.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let Some(stdio) = self.stdio.as_mut() else {
            return Poll::Ready(None);
        };
        self.input.poll_flush(stdio, cx).map(|result| result.ok().map(drop))
    }
}

/// Reads what has come on one websocket for as long as its outlet takes it. Whether anything has.
fn receive(
    socket: &mut Websocket,
    outlet: &mut OutputBuffer,
    waited_for: bool,
    last_frame: &mut Instant,
    cx: &mut Context<'_>,
) -> Result<bool, Fault> {
    let mut moved = false;
    for _ in 0..FRAMES_AT_ONCE {
        if !outlet.wants_more() {
            let due = outlet.gives_way_at().filter(|at| waited_for && *at <= Instant::now());
            if due.is_none() {
                return Ok(moved);
            }
            outlet.give_way();
        }
        match socket.poll_next_unpin(cx) {
            Poll::Pending => return Ok(moved),
            Poll::Ready(Some(Ok(Message::Binary(bytes)))) => {
                *last_frame = Instant::now();
                outlet.push(&bytes, *last_frame);
                moved = true;
            }
            Poll::Ready(Some(Ok(Message::Text(text)))) => {
                if control::is_end(&text) {
                    outlet.end();
                    moved = true;
                } else {
                    tracing::debug!(
                        stream = outlet.name(),
                        "passed over an unknown command on a websocket of an exec"
                    );
                }
            }
            Poll::Ready(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => {}
            Poll::Ready(None | Some(Ok(Message::Close(_)))) => {
                return Err(broken(outlet.name(), "it was closed"));
            }
            Poll::Ready(Some(Err(error))) => return Err(judged(&error, outlet.name())),
        }
    }
    cx.waker().wake_by_ref();
    Ok(moved)
}

fn broken(name: &str, cause: &str) -> Fault {
    Fault {
        kind: FaultKind::TransportError,
        text: format!("the websocket for {name} broke before its end ({cause})"),
    }
}

fn judged(error: &WebsocketError, name: &str) -> Fault {
    match error {
        WebsocketError::Io(error) => broken(name, &plain(error)),
        WebsocketError::ConnectionClosed
        | WebsocketError::AlreadyClosed
        | WebsocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            broken(name, "connection closed")
        }
        error => Fault {
            kind: FaultKind::Protocol,
            text: format!("what came over the websocket for {name} is against its rules: {error}"),
        },
    }
}

fn state_of(outlet: &OutputBuffer) -> String {
    let state = if outlet.has_ended() { "ended" } else { "still open" };
    format!("{}: {state}", outlet.name())
}

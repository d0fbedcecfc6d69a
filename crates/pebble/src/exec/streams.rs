//! Provides the handles on the command's streams.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::sockets::{Fault, FaultKind, Shared, Stream};
use super::wakers::WaiterSlot;

/// Writes to the stdin of a command. [`ExecProcess::take_stdin`](super::ExecProcess::take_stdin)
/// gives it.
///
/// Shutting it down or dropping it ends the command's input. When the command has closed its output
/// or is over, a write fails with [`BrokenPipe`](io::ErrorKind::BrokenPipe). A write that is
/// dropped before it is done has accepted nothing. Bytes that were accepted are sent by whichever
/// handle of the command is polled next.
pub struct ExecStdin {
    shared: Arc<Shared>,
    slot: WaiterSlot,
}

/// Reads the stdout or stderr of a command.
/// [`ExecProcess::take_stdout`](super::ExecProcess::take_stdout) and
/// [`take_stderr`](super::ExecProcess::take_stderr) give it.
///
/// A slow reader holds the command up, as a pipe does. A reader that is held and not read from does
/// not hold up [`ExecProcess::wait`](super::ExecProcess::wait) for ever. If it was never read from,
/// the first 1 MiB is kept and what comes after that is discarded. If it was, this happens once the
/// buffer was full for 10 s and nothing was read. Reading then gives the bytes that were kept, and
/// after them an error that says how many are missing, never just the end. When a reader is
/// dropped, its stream is read and discarded. A read that is dropped has lost nothing.
pub struct ExecReader {
    shared: Arc<Shared>,
    slot: WaiterSlot,
    stream: Stream,
}

impl ExecStdin {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let slot = shared.new_slot();
        Self { shared, slot }
    }
}

impl ExecReader {
    pub(super) fn new(shared: Arc<Shared>, stream: Stream) -> Self {
        let slot = shared.new_slot();
        Self { shared, slot, stream }
    }

    /// Returns how many bytes of the stream were discarded so far because nobody read them.
    #[must_use]
    pub fn discarded(&self) -> u64 {
        let index = usize::from(self.stream == Stream::Stderr);
        self.shared
            .inspect(|sockets| sockets.buffers().get(index).map_or(0, |buffer| buffer.discarded()))
    }

    /// Returns `true` if a part of the stream was discarded because nobody read it.
    #[must_use]
    pub fn truncated(&self) -> bool {
        self.discarded() > 0
    }
}

impl AsyncWrite for ExecStdin {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.shared.poll(&self.slot, cx, |sockets, cx| {
            sockets.drive(cx);
            let accepted = sockets.poll_write(cx, bytes);
            if let Poll::Ready(Some(_)) = accepted {
                // The bytes are flushed at once. What cannot be sent now is sent when there is
                // space.
                let _later = sockets.poll_flush(cx);
            }
            accepted.map(|count| count.ok_or_else(|| broken_pipe(sockets.fault())))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.poll(&self.slot, cx, |sockets, cx| {
            sockets.drive(cx);
            sockets
                .poll_flush(cx)
                .map(|written| written.ok_or_else(|| broken_pipe(sockets.fault())))
        })
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.poll(&self.slot, cx, |sockets, cx| {
            sockets.input.finish();
            sockets.drive(cx);
            // This is also true if the command takes no more input: then it needs no end either.
            if sockets.input.is_over() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
    }
}

impl Drop for ExecStdin {
    fn drop(&mut self) {
        // A drop may happen outside a runtime, where no timer can be set. So only the input is sent
        // here, and the rest is left to the handle that is polled next.
        self.shared.change(|sockets, cx| {
            sockets.input.finish();
            sockets.send_input(cx);
        });
    }
}

impl AsyncRead for ExecReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.shared.poll(&self.slot, cx, |sockets, cx| {
            if into.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let now = Instant::now();
            // Bytes in the buffer are given before the websockets are asked for more.
            for driven in [false, true] {
                if driven {
                    sockets.drive(cx);
                }
                let buffer = sockets.buffer(self.stream);
                let (count, has_space_again) = buffer.read(into, now);
                if has_space_again {
                    sockets.note_progress();
                }
                if count > 0 {
                    return Poll::Ready(Ok(()));
                }
            }
            let fault = sockets.fault().cloned();
            let buffer = sockets.buffer(self.stream);
            match (buffer.discarded(), buffer.has_ended(), fault) {
                (0, true, _) => Poll::Ready(Ok(())),
                (0, false, None) => Poll::Pending,
                (0, false, Some(fault)) => Poll::Ready(Err(failed(&fault))),
                (count, ..) => {
                    let name = buffer.name();
                    let text = format!(
                        "cannot read on: {count} bytes of the command's {name} were discarded \
                         because nobody read them in time"
                    );
                    Poll::Ready(Err(io::Error::other(text)))
                }
            }
        })
    }
}

impl Drop for ExecReader {
    fn drop(&mut self) {
        // The handle that is polled next reads the stream on.
        self.shared.change(|sockets, _| sockets.buffer(self.stream).abandon());
    }
}

impl fmt::Debug for ExecStdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecStdin").finish_non_exhaustive()
    }
}

impl fmt::Debug for ExecReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecReader").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// Makes the error of a write that the command cannot take.
fn broken_pipe(fault: Option<&Fault>) -> io::Error {
    let text = fault.map_or("the command takes no more input", |fault| fault.text.as_str());
    io::Error::new(io::ErrorKind::BrokenPipe, text.to_owned())
}

/// Makes the error of a read after a fault.
fn failed(fault: &Fault) -> io::Error {
    let kind = match fault.kind {
        FaultKind::Disconnected => io::ErrorKind::ConnectionReset,
        FaultKind::Protocol => io::ErrorKind::InvalidData,
        FaultKind::TimedOut => io::ErrorKind::TimedOut,
        FaultKind::Dropped => io::ErrorKind::ConnectionAborted,
    };
    io::Error::new(kind, fault.text.clone())
}

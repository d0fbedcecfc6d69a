//! Runs a command in the container: `POST /v1/exec` and its websockets.
//!
//! An exec passes through the files of this folder in this order:
//! - `options` says what to run, and how.
//! - `connect` sends the request, then opens the control websocket, and after it those of the
//!   streams, which starts the command. It decides what may be sent again when a connection is
//!   lost.
//! - `sockets` holds the open websockets. There is no background task, so they make progress when
//!   one of the handles is polled, and `wakers` wakes the others.
//! - `input` and `output_buffer` are the two directions of data. They decide what happens when one
//!   side does not keep up.
//! - `streams` has the handles on the streams.
//! - `process` has the handle on the command.
//! - `outcome` reads the exit code from the change.
//! - `output` runs a command and collects its output in one call.
//! - `control` has the JSON of the text frames.

mod connect;
mod control;
mod input;
mod options;
mod outcome;
mod output;
mod output_buffer;
mod process;
mod sockets;
mod streams;
#[cfg(test)]
mod tests;
mod wakers;

#[cfg(test)]
pub(super) use connect::samples;
#[cfg(any(test, fuzzing))]
pub(super) use control::is_end;
pub use options::Exec;
pub use output::ExecOutput;
pub use process::{ExecProcess, ExecStatus, ExecTimings};
pub use streams::{ExecReader, ExecStdin};

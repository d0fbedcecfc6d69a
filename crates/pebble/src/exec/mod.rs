//! Running a command in the container: `POST /v1/exec` and its websockets.
//!
//! The road of one exec: `options` says what to run; `connect` sends that, then opens the control
//! websocket and after it those of the streams, which is what starts the command, and knows what
//! may be sent again when something breaks on the way; `sockets` holds the open websockets and is
//! moved on by whoever polls (`wakers`), since there is no background task; `input` and `outlet`
//! are the two directions of data and say what happens when one end does not keep up; `streams` are
//! the handles on them; `process` is the handle on the command; `outcome` reads its end from its
//! change; `output` collects everything in one call. `control` is the JSON of the text frames.

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

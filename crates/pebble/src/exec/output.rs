//! Runs a command to its end and collects what it writes.

use std::borrow::Cow;
use std::fmt;

use super::super::client::Client;
use super::super::error::Error;
use super::options::Exec;
use super::process::{ExecProcess, ExecStatus, ExecTimings};
use super::sockets::Stream;

/// An output holds the exit code of a command and what it has written.
#[derive(Clone)]
pub struct ExecOutput {
    status: ExecStatus,
    stdout: Collected,
    stderr: Collected,
    timings: ExecTimings,
}

/// The collected bytes of one stream.
#[derive(Clone)]
struct Collected {
    bytes: Vec<u8>,
    discarded: u64,
}

impl ExecOutput {
    /// Returns the exit code: see [`ExecStatus::exit_code`].
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        self.status.exit_code()
    }

    /// Returns `true` if the exit code is 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Returns what the command wrote to stdout. It includes stderr if the two were combined.
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.stdout.bytes
    }

    /// Returns what the command wrote to stderr. It is empty if stderr was combined with stdout.
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        &self.stderr.bytes
    }

    /// Returns stdout as text. Bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout.bytes)
    }

    /// Returns stderr as text. Bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn stderr_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr.bytes)
    }

    /// Returns `true` if stdout was longer than [`Exec::output_limit`], so that its end is missing.
    #[must_use]
    pub fn stdout_truncated(&self) -> bool {
        self.stdout.discarded > 0
    }

    /// Returns `true` if stderr was longer than [`Exec::output_limit`], so that its end is missing.
    #[must_use]
    pub fn stderr_truncated(&self) -> bool {
        self.stderr.discarded > 0
    }

    /// Returns the bytes of stdout and of stderr.
    #[must_use]
    pub fn into_streams(self) -> (Vec<u8>, Vec<u8>) {
        (self.stdout.bytes, self.stderr.bytes)
    }

    /// Returns when each step was done.
    #[must_use]
    pub fn timings(&self) -> ExecTimings {
        self.timings
    }
}

/// Shows how much was written, but not the bytes: they may hold a secret.
impl fmt::Debug for ExecOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecOutput")
            .field("exit_code", &self.exit_code())
            .field("stdout_bytes", &self.stdout.bytes.len())
            .field("stdout_truncated", &self.stdout_truncated())
            .field("stderr_bytes", &self.stderr.bytes.len())
            .field("stderr_truncated", &self.stderr_truncated())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Runs a command to its end and collects what it writes. It sends `POST /v1/exec` and connects
    /// the websockets of the command.
    ///
    /// An exit code other than 0 is also `Ok`: see [`ExecOutput::success`]. Of each stream at most
    /// [`Exec::output_limit`] bytes are kept, and the result says whether that was everything. For
    /// lost answers and timeouts see [`Client::exec`]. Dropping the future kills the command.
    ///
    /// ```no_run
    /// # use charmwright_pebble::{Client, Error, Exec};
    /// # async fn version(client: &Client) -> Result<(), Error> {
    /// let output = client.exec_output(&Exec::new(["/app/server", "--version"])).await?;
    /// if output.success() {
    ///     println!("{}", output.stdout_text().trim());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::exec`] and [`ExecProcess::wait`].
    pub async fn exec_output(&self, exec: &Exec) -> Result<ExecOutput, Error> {
        self.exec(exec).await?.output().await
    }
}

impl ExecProcess {
    /// Waits until the command is over and returns what it has written: of each stream the first
    /// [`Exec::output_limit`] bytes, or nothing if its reader was taken. (If [`ExecProcess::wait`]
    /// was called before, it may already have cut a stream to the 1 MiB that is held without a
    /// reader.) Dropping the future kills the command.
    ///
    /// # Errors
    /// As [`ExecProcess::wait`].
    pub async fn output(self) -> Result<ExecOutput, Error> {
        self.collect();
        let status = self.wait().await?;
        let timings = self.timings();
        let [stdout, stderr] = [Stream::Stdout, Stream::Stderr].map(|stream| {
            let (bytes, discarded) = self.collected(stream);
            Collected { bytes, discarded }
        });
        Ok(ExecOutput { status, stdout, stderr, timings })
    }
}

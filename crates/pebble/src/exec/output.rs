//! Running a command to its end and collecting what it wrote.

use std::borrow::Cow;
use std::fmt;

use super::super::client::Client;
use super::super::error::Error;
use super::options::Exec;
use super::process::{ExecProcess, ExecStatus, ExecTimings};
use super::sockets::Stream;

/// How a command has ended and what it has written.
#[derive(Clone)]
pub struct ExecOutput {
    status: ExecStatus,
    stdout: Collected,
    stderr: Collected,
    timings: ExecTimings,
}

#[derive(Clone)]
struct Collected {
    bytes: Vec<u8>,
    discarded: u64,
}

impl ExecOutput {
    /// The exit code; see [`ExecStatus::exit_code`].
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        self.status.exit_code()
    }

    /// Whether the exit code is 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// What it wrote to stdout, and to stderr if the two were combined.
    #[must_use]
    pub fn stdout(&self) -> &[u8] {
        &self.stdout.bytes
    }

    /// What it wrote to stderr; empty if that was combined with stdout.
    #[must_use]
    pub fn stderr(&self) -> &[u8] {
        &self.stderr.bytes
    }

    /// The stdout as text; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout.bytes)
    }

    /// The stderr as text; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn stderr_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr.bytes)
    }

    /// Whether stdout was longer than [`Exec::output_limit`], so that its end is missing.
    #[must_use]
    pub fn stdout_truncated(&self) -> bool {
        self.stdout.discarded > 0
    }

    /// Whether stderr was longer than [`Exec::output_limit`], so that its end is missing.
    #[must_use]
    pub fn stderr_truncated(&self) -> bool {
        self.stderr.discarded > 0
    }

    /// The stdout and the stderr themselves.
    #[must_use]
    pub fn into_streams(self) -> (Vec<u8>, Vec<u8>) {
        (self.stdout.bytes, self.stderr.bytes)
    }

    /// When what was done.
    #[must_use]
    pub fn timings(&self) -> ExecTimings {
        self.timings
    }
}

/// Shows how much was written, not what: that may be a secret.
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
    /// Runs a command to its end and collects what it writes: `POST /v1/exec` and its websockets.
    ///
    /// An exit code other than 0 is `Ok`, too: see [`ExecOutput::success`]. Of each stream at most
    /// [`Exec::output_limit`] bytes are kept; whether that was all is told. See [`Client::exec`]
    /// for lost answers and timeouts. Dropping the future kills the command.
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
    /// Waits until the command is over, and gives what it has written: of each stream the first
    /// [`Exec::output_limit`] bytes, of one that was taken nothing. (If [`ExecProcess::wait`] was
    /// called before, it may already have cut a stream to the 1 MiB that it holds.) Dropping the
    /// future kills the command.
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

//! [`Log`] is the log of the unit, with a limit on its lines and bytes.

use std::collections::VecDeque;

use charmwright_juju::LogLevel;

/// Parses the name of a level, in upper or lower case.
pub(super) fn parse_level(text: &str) -> Option<LogLevel> {
    text.to_uppercase().parse().ok()
}

/// One of the two output streams of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Returns the level at which the agent logs a line of this stream (Juju 3.6).
    pub(super) fn level(self) -> LogLevel {
        match self {
            Self::Stdout => LogLevel::Debug,
            Self::Stderr => LogLevel::Warning,
        }
    }
}

/// One entry of the log. It has no time, since the model has no clock: the caller that reads it has
/// one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The level.
    pub level: LogLevel,
    /// The name of the logger, such as `unit.web/0.juju-log`, `unit.web/0.install`, or
    /// `juju.worker.uniter` for the agent itself.
    pub logger: String,
    /// The message. It may contain newlines, which a charm may pass to `juju-log`.
    pub message: String,
}

/// The most lines that the log keeps.
pub(super) const LINES_LIMIT: usize = 10_000;
/// The most bytes of messages that the log keeps. One line of `juju-log` may have megabytes, so a
/// limit on the lines is not enough.
pub(super) const BYTES_LIMIT: usize = 16 << 20;
/// The size, in bytes, of the buffer with which Juju's agent reads a hook's output. It splits a
/// longer line into pieces of this size.
const READ_BUFFER_SIZE: usize = 4096;

/// The log of a unit. It drops its oldest lines, and counts all lines that it has ever had, so that
/// a reader can ask for the new ones.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: VecDeque<LogLine>,
    /// The length of all messages in `lines`, in bytes.
    bytes: usize,
    /// The number of lines that were ever added.
    written: u64,
}

impl Log {
    pub(super) fn push(&mut self, level: LogLevel, logger: String, message: String) {
        self.bytes += message.len();
        self.lines.push_back(LogLine { level, logger, message });
        self.written += 1;
        // The newest line stays even if it alone is over the limit, or no reader would ever see it.
        while self.lines.len() > LINES_LIMIT || (self.bytes > BYTES_LIMIT && self.lines.len() > 1) {
            let oldest = self.lines.pop_front();
            self.bytes -= oldest.map_or(0, |line| line.message.len());
        }
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn since(&self, position: u64) -> impl Iterator<Item = &LogLine> {
        let new = usize::try_from(self.written.saturating_sub(position)).unwrap_or(usize::MAX);
        self.lines.iter().skip(self.lines.len().saturating_sub(new))
    }

    /// Adds the output of a hook line by line. A long line is split into pieces of 4096 bytes, as
    /// in Juju.
    pub(super) fn push_output(&mut self, stream: Stream, logger: &str, output: &[u8]) {
        let level = stream.level();
        let output = output.strip_suffix(b"\n").unwrap_or(output);
        if output.is_empty() {
            return;
        }
        for line in output.split(|byte| *byte == b'\n') {
            // Juju's reader also cuts a carriage return before the newline (measured).
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                self.push(level, logger.to_owned(), String::new());
            }
            for piece in line.chunks(READ_BUFFER_SIZE) {
                self.push(level, logger.to_owned(), String::from_utf8_lossy(piece).into_owned());
            }
        }
    }
}

/// Returns the part of a hook's output that the agent's reader passes on: the lines with a newline,
/// and of a last line without one only full buffers.
///
/// Juju's agent has the write end of the pipe open itself. So its reader waits for the end of that
/// line in vain, and drops it (Juju 3.6, measured).
pub(super) fn complete_lines(output: &[u8]) -> &[u8] {
    let lines_end = output.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let pieces = (output.len() - lines_end) / READ_BUFFER_SIZE * READ_BUFFER_SIZE;
    output.get(..lines_end + pieces).unwrap_or(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_line_without_a_newline_is_lost() {
        assert_eq!(complete_lines(b""), b"");
        assert_eq!(complete_lines(b"half"), b"");
        assert_eq!(complete_lines(b"one\ntwo\nhalf"), b"one\ntwo\n");
        assert_eq!(complete_lines(b"one\n\n"), b"one\n\n");
        assert_eq!(complete_lines(&[b'x'; 2 * READ_BUFFER_SIZE + 9]).len(), 2 * READ_BUFFER_SIZE);
    }

    #[test]
    fn long_messages_drop_old_lines() {
        let mut log = Log::default();
        for _ in 0..40 {
            log.push(LogLevel::Info, String::new(), "x".repeat(1 << 20));
        }
        assert_eq!(log.since(0).count(), BYTES_LIMIT >> 20);
        log.push(LogLevel::Info, String::new(), "y".repeat(BYTES_LIMIT + 1));
        assert_eq!(log.since(0).count(), 1);
        log.push(LogLevel::Info, String::new(), "z".to_owned());
        assert_eq!(log.since(0).count(), 1);
    }

    #[test]
    fn output_is_logged_by_line_and_piece() {
        let mut log = Log::default();
        log.push_output(Stream::Stdout, "x", b"");
        log.push_output(Stream::Stdout, "x", b"\n");
        assert_eq!(log.written(), 0);
        log.push_output(Stream::Stdout, "x", format!("a\r\n\n{}", "b".repeat(5000)).as_bytes());
        let sizes: Vec<usize> = log.since(0).map(|line| line.message.len()).collect();
        assert_eq!(sizes, [1, 0, 4096, 904]);
        assert_eq!(log.since(3).count(), 1);
        assert_eq!(log.since(99).count(), 0);
    }

    #[test]
    fn only_the_newest_lines_are_kept() {
        let mut log = Log::default();
        for n in 0..LINES_LIMIT + 5 {
            log.push(LogLevel::Info, String::new(), n.to_string());
        }
        assert_eq!(log.since(0).count(), LINES_LIMIT);
        assert_eq!(log.since(0).next().unwrap().message, "5");
        assert_eq!(
            log.since(log.written() - 1).next().unwrap().message,
            (LINES_LIMIT + 4).to_string()
        );
    }
}

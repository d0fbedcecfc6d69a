//! What the unit's log holds.

use std::collections::VecDeque;

/// A level of Juju's log, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// `TRACE`
    Trace,
    /// `DEBUG`: also what a hook prints on standard output.
    Debug,
    /// `INFO`
    Info,
    /// `WARNING`: also what a hook prints on standard error.
    Warning,
    /// `ERROR`
    Error,
    /// `CRITICAL`
    Critical,
}

impl Level {
    /// As Juju prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text.to_uppercase().as_str() {
            "TRACE" => Self::Trace,
            "DEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "WARNING" | "WARN" => Self::Warning,
            "ERROR" => Self::Error,
            "CRITICAL" => Self::Critical,
            _ => return None,
        })
    }
}

/// One line of the log. It has no time: the unit has no clock; the caller that reads it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How serious it is.
    pub level: Level,
    /// Who says it: `unit.web/0.juju-log`, `unit.web/0.install`, or the agent's own part.
    pub logger: String,
    /// What it says; may hold line ends, as a charm may log them.
    pub message: String,
}

/// The newest lines are kept.
pub(super) const LINES_KEPT: usize = 10_000;

/// The log: bounded, with a count of what it ever held, so that a reader can ask for what is new.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: VecDeque<LogLine>,
    written: u64,
}

impl Log {
    pub(super) fn push(&mut self, level: Level, logger: String, message: String) {
        if self.lines.len() >= LINES_KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(LogLine { level, logger, message });
        self.written += 1;
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn since(&self, position: u64) -> impl Iterator<Item = &LogLine> {
        let new = usize::try_from(self.written.saturating_sub(position)).unwrap_or(usize::MAX);
        self.lines.iter().skip(self.lines.len().saturating_sub(new))
    }

    /// A hook's output: line by line, a long line in pieces of 4096 bytes, as Juju logs it.
    pub(super) fn push_output(&mut self, level: Level, logger: &str, output: &[u8]) {
        let output = output.strip_suffix(b"\n").unwrap_or(output);
        if output.is_empty() {
            return;
        }
        for line in output.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                self.push(level, logger.to_owned(), String::new());
            }
            for piece in line.chunks(4096) {
                self.push(level, logger.to_owned(), String::from_utf8_lossy(piece).into_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_logged_by_line_and_piece() {
        let mut log = Log::default();
        log.push_output(Level::Debug, "x", b"");
        log.push_output(Level::Debug, "x", b"\n");
        assert_eq!(log.written(), 0);
        log.push_output(Level::Debug, "x", format!("a\r\n\n{}", "b".repeat(5000)).as_bytes());
        let sizes: Vec<usize> = log.since(0).map(|line| line.message.len()).collect();
        assert_eq!(sizes, [1, 0, 4096, 904]);
        assert_eq!(log.since(3).count(), 1);
        assert_eq!(log.since(99).count(), 0);
    }

    #[test]
    fn only_the_newest_lines_are_kept() {
        let mut log = Log::default();
        for n in 0..LINES_KEPT + 5 {
            log.push(Level::Info, String::new(), n.to_string());
        }
        assert_eq!(log.since(0).count(), LINES_KEPT);
        assert_eq!(log.since(0).next().unwrap().message, "5");
        assert_eq!(
            log.since(log.written() - 1).next().unwrap().message,
            (LINES_KEPT + 4).to_string()
        );
    }
}

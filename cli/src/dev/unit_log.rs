//! The file of the unit's log: the lines that the model logs, with the time since the start of the
//! run in front.

use std::path::Path;

use charmwright_agent::{LogLine, Unit};

use crate::bounded_log::BoundedLog;
use crate::sanitize;

/// The file of the unit's log, and how much of the model's log it holds.
#[derive(Debug)]
pub struct UnitLog {
    /// The file, or `None` if it cannot be written. A missing log must not stop the unit.
    file: Option<BoundedLog>,
    /// The position in the model's log up to which the lines were written.
    written: u64,
}

impl UnitLog {
    /// Opens the log at `path`. The run has checked that path before.
    pub fn new(path: &Path) -> Self {
        Self { file: BoundedLog::open(path).ok(), written: 0 }
    }

    /// Writes the new lines of the log of `unit` to the file, and returns them.
    pub fn write_new_lines(&mut self, unit: Unit<'_>, elapsed: &str) -> Vec<LogLine> {
        let new: Vec<LogLine> = unit.log(self.written).cloned().collect();
        self.written = unit.log_position();
        let mut text = String::new();
        for line in &new {
            text.push_str(&format_entry(elapsed, line));
        }
        if let Some(file) = &mut self.file {
            // A full disk must not stop the unit, so a failed write is ignored.
            let _ = file.write(text.as_bytes());
        }
        new
    }
}

/// Formats one entry of the log. The further lines of a message are indented, so that none can be
/// taken for another entry.
fn format_entry(elapsed: &str, line: &LogLine) -> String {
    let head = format!("{elapsed} {:<8} {}: ", line.level.as_str(), sanitize::line(&line.logger));
    let mut text = String::new();
    for (number, part) in line.message.split('\n').enumerate() {
        let margin = if number == 0 { head.as_str() } else { "         | " };
        text.push_str(margin);
        text.push_str(&sanitize::line(part.trim_end_matches('\r')));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmwright_agent::LogLevel;

    #[test]
    fn a_message_cannot_pretend_to_be_an_entry_or_act_on_a_terminal() {
        let line = LogLine {
            level: LogLevel::Info,
            logger: "unit.web/0.juju-log".to_owned(),
            message: "one\r\n    0.0s ERROR    x: two\n\u{1b}[2J".to_owned(),
        };
        assert_eq!(
            format_entry("    1.0s", &line),
            "    1.0s INFO     unit.web/0.juju-log: one\n         |     0.0s ERROR    x: two\n\
             \x20        | \n"
        );
    }
}

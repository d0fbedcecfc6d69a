//! The unit's log as a file: what the model logs, with the time of the run in front.

use std::path::Path;

use charmwright_agent::{LogLine, Unit};

use crate::bounded_log::BoundedLog;
use crate::sanitize;

/// The file of the unit's log.
#[derive(Debug)]
pub struct UnitLog {
    /// `None` when it cannot be written: that must not stop the unit.
    file: Option<BoundedLog>,
    /// How much of the model's log has been written.
    written: u64,
}

impl UnitLog {
    /// The log at `path`, which a run has made sure of already.
    pub fn new(path: &Path) -> Self {
        Self { file: BoundedLog::open(path).ok(), written: 0 }
    }

    /// Writes what is new in the log of `unit`, and gives it.
    pub fn write_new_lines(&mut self, unit: &Unit, elapsed: &str) -> Vec<LogLine> {
        let new: Vec<LogLine> = unit.log(self.written).cloned().collect();
        self.written = unit.log_position();
        let mut text = String::new();
        for line in &new {
            text.push_str(&format_entry(elapsed, line));
        }
        if let Some(file) = &mut self.file {
            // A full disk must not stop the unit.
            let _ = file.write(text.as_bytes());
        }
        new
    }
}

/// One entry of the log; a message of several lines goes on below, where it cannot be taken for
/// another entry.
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

//! The progress of the unit on the terminal: one line for each hook, and below it what the operator
//! has to know.
//!
//! Much of the text comes from outside (a charm, a workload, Pebble). So control characters are
//! removed, and the length of a line is limited.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::duration_text::human_duration;
use crate::columns::cut;
use crate::sanitize;

/// The largest number of columns of a line. The log has the complete line.
const LINE_COLUMNS: usize = 2000;
/// The largest number of lines of one text.
const DETAIL_LINES: usize = 50;

/// The output of progress, with the time of its start.
pub struct TerminalOutput {
    out: Box<dyn Write + Send>,
    started_at: Instant,
    /// `true` once a write has failed because the reader has left. Nobody needs the run then.
    is_broken: bool,
}

/// The line of a hook that ended.
#[derive(Debug)]
pub struct HookLine<'a> {
    pub name: &'a str,
    pub attempt: u32,
    pub duration: Duration,
    pub exit: String,
    pub tools: &'a BTreeMap<String, u32>,
    /// Remarks about the end, if it is more than "done".
    pub remarks: Vec<String>,
    /// The last lines that the hook printed, if it failed without a message.
    pub last_lines: &'a [String],
}

impl TerminalOutput {
    /// Makes the output on standard output, or on standard error if standard output is for a
    /// document.
    pub fn new(to_stderr: bool) -> Self {
        let out: Box<dyn Write + Send> =
            if to_stderr { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        Self { out, started_at: Instant::now(), is_broken: false }
    }

    /// Returns `true` if the reader has left.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Returns the time since the start as it is printed in front of a line.
    pub fn elapsed(&self) -> String {
        format!("{:7.1}s", self.started_at.elapsed().as_secs_f64())
    }

    /// Prints text of one or more lines, and adds the line ends.
    pub fn print_text(&mut self, text: &str) {
        let lines = text.lines().map(|line| cut(&sanitize::line(line), LINE_COLUMNS) + "\n");
        let text: String = lines.collect();
        if self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).is_err() {
            // The error is kept and not returned: the loop ends the run in order at its next turn,
            // and until then the hooks go on.
            self.is_broken = true;
        }
    }

    /// Prints a line with the time in front.
    pub fn print_line(&mut self, text: &str) {
        let line = format!("{}  {}", self.elapsed(), sanitize::line(&text.replace('\n', " ")));
        self.print_text(&line);
    }

    /// Prints lines that belong to the line before them.
    pub fn print_detail(&mut self, text: &str) {
        self.print_details("        ", text);
    }

    /// Prints lines that belong to the line before them, with the time of their event.
    pub fn print_timed_detail(&mut self, text: &str) {
        let elapsed = self.elapsed();
        self.print_details(&elapsed, text);
    }

    /// Prints `margin`, which takes eight columns, in front of the first line, and blanks in front
    /// of the others.
    fn print_details(&mut self, margin: &str, text: &str) {
        let mut lines = text.lines();
        for (number, part) in lines.by_ref().take(DETAIL_LINES).enumerate() {
            let margin = if number == 0 { margin } else { "        " };
            self.print_text(&format!("{margin}    {}", sanitize::line(part)));
        }
        match lines.count() {
            0 => {}
            more => self.print_text(&format!("            ... {more} more line(s)")),
        }
    }

    /// Prints the line of a hook that ended.
    pub fn print_hook(&mut self, hook: &HookLine<'_>) {
        let name = if hook.attempt > 1 {
            format!("{} (again, {})", hook.name, hook.attempt)
        } else {
            hook.name.to_owned()
        };
        let tools: Vec<String> = hook
            .tools
            .iter()
            .map(|(name, times)| if *times > 1 { format!("{name} x{times}") } else { name.clone() })
            .collect();
        let line = format!(
            "{name:<30} {:>8}  {:<9} {}",
            human_duration(hook.duration),
            hook.exit,
            tools.join(", ")
        );
        self.print_line(line.trim_end());
        for line in hook.last_lines {
            self.print_detail(&format!("| {line}"));
        }
        for remark in &hook.remarks {
            self.print_detail(remark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A writer that the test and the output share.
    #[derive(Clone, Default)]
    struct Printed(Arc<Mutex<Vec<u8>>>);

    impl Write for Printed {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_that_is_printed_acts_on_a_terminal_or_is_endless() {
        let printed = Printed::default();
        let mut terminal_output = TerminalOutput {
            out: Box::new(printed.clone()),
            started_at: Instant::now(),
            is_broken: false,
        };
        let hostile = "\u{1b}[2J\u{7}\r\0\u{202e}".to_owned() + &"x".repeat(10_000);
        let lines = vec![hostile.as_str(); 1000].join("\n");
        terminal_output.print_line(&hostile);
        terminal_output.print_line("two\nlines");
        terminal_output.print_detail(&lines);
        terminal_output.print_timed_detail(&lines);
        terminal_output.print_hook(&HookLine {
            name: &hostile,
            attempt: 2,
            duration: Duration::from_millis(5),
            exit: hostile.clone(),
            tools: &BTreeMap::new(),
            remarks: vec![hostile.clone()],
            last_lines: std::slice::from_ref(&hostile),
        });
        let text = String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
        assert!(!text.contains(['\u{1b}', '\u{7}', '\r', '\0', '\u{202e}']));
        assert!(text.lines().all(|line| line.chars().count() <= LINE_COLUMNS));
        assert_eq!(text.lines().count(), 1 + 1 + 2 * (DETAIL_LINES + 1) + 3);
        assert!(text.contains("  two lines\n"));
        assert!(text.contains("... 950 more line(s)"));
    }
}

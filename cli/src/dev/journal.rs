//! What is printed while the unit lives: a line a hook, and under it what the operator has to know.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::events::human;

/// Where progress goes, and since when.
pub struct Journal {
    out: Box<dyn Write + Send>,
    began: Instant,
    /// Whether the reader has left: then nobody needs the run any more.
    broken: bool,
}

/// What is told of a hook that ended.
#[derive(Debug)]
pub struct HookLine<'a> {
    pub name: &'a str,
    pub attempt: u32,
    pub took: Duration,
    pub exit: String,
    pub tools: &'a BTreeMap<String, u32>,
    /// What became of it, when that is more than "done".
    pub remarks: Vec<String>,
    /// The last lines it printed, for a failure that left no other word.
    pub last_lines: &'a [String],
}

impl Journal {
    /// Progress on standard output, or on standard error when standard output is for a document.
    pub fn new(to_stderr: bool) -> Self {
        let out: Box<dyn Write + Send> = if to_stderr {
            Box::new(io::stderr())
        } else {
            Box::new(io::stdout())
        };
        Self {
            out,
            began: Instant::now(),
            broken: false,
        }
    }

    /// Whether the reader has left.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The time since the start, as the lines have it.
    pub fn elapsed(&self) -> String {
        format!("{:7.1}s", self.began.elapsed().as_secs_f64())
    }

    /// Text as it is.
    pub fn text(&mut self, text: &str) {
        if self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
            .is_err()
        {
            self.broken = true;
        }
    }

    /// A line of its own, with the time in front.
    pub fn line(&mut self, text: &str) {
        let line = format!("{}  {text}\n", self.elapsed());
        self.text(&line);
    }

    /// A line that belongs to the one before.
    pub fn detail(&mut self, text: &str) {
        for part in text.lines() {
            self.text(&format!("            {part}\n"));
        }
    }

    /// A hook that ended.
    pub fn hook(&mut self, hook: &HookLine<'_>) {
        let name = if hook.attempt > 1 {
            format!("{} (again, {})", hook.name, hook.attempt)
        } else {
            hook.name.to_owned()
        };
        let tools: Vec<String> = hook
            .tools
            .iter()
            .map(|(name, times)| {
                if *times > 1 {
                    format!("{name} x{times}")
                } else {
                    name.clone()
                }
            })
            .collect();
        let line = format!(
            "{name:<30} {:>8}  {:<9} {}",
            human(hook.took),
            hook.exit,
            tools.join(", ")
        );
        self.line(line.trim_end());
        for line in hook.last_lines {
            self.detail(&format!("| {line}"));
        }
        for remark in &hook.remarks {
            self.detail(remark);
        }
    }
}

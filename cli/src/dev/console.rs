//! Where commands come from: a script, a terminal, or a pipe.

use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use tokio::sync::mpsc;

use super::events::Happening;
use crate::error::{Error, Result};

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A person, who is told of a mistake and tries again.
    Terminal,
    /// A script, whose mistake ends the run.
    Script,
    /// Nobody: `--until-idle` reads nothing.
    Nobody,
}

/// Sends each line of `script` or standard input to `happenings`, and then the end of input.
///
/// # Errors
/// When the script cannot be read.
pub fn start(script: Option<&Path>, until_idle: bool, happenings: mpsc::UnboundedSender<Happening>) -> Result<Source> {
    if until_idle {
        return Ok(Source::Nobody);
    }
    if let Some(path) = script {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::new(format!("cannot read the script {}", path.display())).because(e))?;
        for line in text.lines() {
            let _ = happenings.send(Happening::Line(line.to_owned()));
        }
        let _ = happenings.send(Happening::EndOfInput);
        return Ok(Source::Script);
    }
    let source = if io::stdin().is_terminal() {
        Source::Terminal
    } else {
        Source::Script
    };
    // A thread of its own: a read of standard input cannot be given up, and must not keep the process from ending.
    std::thread::spawn(move || {
        // By bytes: a line that is not UTF-8 is refused as a wrong line, while `lines` would pass it off as the end of a script that went well.
        for line in io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).into_owned();
            if happenings.send(Happening::Line(line)).is_err() {
                return;
            }
        }
        let _ = happenings.send(Happening::EndOfInput);
    });
    Ok(source)
}

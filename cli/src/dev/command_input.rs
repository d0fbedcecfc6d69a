//! Where commands come from: a script, a terminal, or a pipe.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use super::session_event::{InputLine, SessionEvent};
use crate::error::{Error, Result};

/// Longest script, in bytes.
const SCRIPT_LIMIT: u64 = 16 << 20;
/// How many lines of standard input are read before they are carried out: a pipe may never end.
const READ_AHEAD_LINES: usize = 1000;

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputSource {
    /// A person, who is told of a mistake and tries again.
    Terminal,
    /// A script, whose mistake ends the run.
    Script,
    /// Nobody: `--until-idle` reads nothing.
    None,
}

/// Sends each line of `script` or standard input to `happenings`, and then the end of input.
///
/// # Errors
/// When the script cannot be read.
pub fn start(
    script: Option<&Path>,
    until_idle: bool,
    events: mpsc::UnboundedSender<SessionEvent>,
) -> Result<InputSource> {
    if until_idle {
        return Ok(InputSource::None);
    }
    if let Some(path) = script {
        let failed = || Error::new(format!("cannot read the script {}", path.display()));
        let mut text = Vec::new();
        File::open(path)
            .and_then(|file| file.take(SCRIPT_LIMIT + 1).read_to_end(&mut text))
            .map_err(|e| failed().because(e))?;
        if text.len() as u64 > SCRIPT_LIMIT {
            return Err(failed().because("it is longer than 16 MiB"));
        }
        // A line that is no text is a wrong line, and says so.
        for line in String::from_utf8_lossy(&text).lines() {
            let _ = events.send(SessionEvent::InputLine(InputLine::new(line.to_owned(), None)));
        }
        let _ = events.send(SessionEvent::InputEnded);
        return Ok(InputSource::Script);
    }
    let source =
        if io::stdin().is_terminal() { InputSource::Terminal } else { InputSource::Script };
    // A thread of its own: a read of standard input cannot be given up, and must not keep the
    // process from ending.
    let (runtime, permits) = (Handle::current(), Arc::new(Semaphore::new(READ_AHEAD_LINES)));
    std::thread::spawn(move || {
        // By bytes: a line that is not UTF-8 is refused as a wrong line, while `lines` would pass
        // it off as the end of a script that went well.
        for line in io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { break };
            let text = String::from_utf8_lossy(&line).into_owned();
            let permit = runtime.block_on(Arc::clone(&permits).acquire_owned()).ok();
            if events.send(SessionEvent::InputLine(InputLine::new(text, permit))).is_err() {
                return;
            }
        }
        let _ = events.send(SessionEvent::InputEnded);
    });
    Ok(source)
}

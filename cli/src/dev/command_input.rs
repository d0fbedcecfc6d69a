//! The input of commands: a script, a terminal or a pipe.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use super::session_event::{InputLine, SessionEvent};
use crate::error::{Error, Result};

/// The longest script, in bytes.
const SCRIPT_LIMIT: u64 = 16 << 20;
/// The number of lines of standard input that are read before they are run. A pipe may never end.
const READ_AHEAD_LINES: usize = 1000;

/// The source of the commands, which decides what a mistake does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputSource {
    /// A person, who sees the error and tries again.
    Terminal,
    /// A script or a pipe: a mistake ends the run.
    Script,
    /// No source: `--until-idle` reads nothing.
    None,
}

/// Sends each line of `script` or of standard input to `events`, and then the end of the input.
///
/// # Errors
/// Fails if the script cannot be read.
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
        // A line that is not UTF-8 becomes a wrong line, which the parser then refuses.
        for line in String::from_utf8_lossy(&text).lines() {
            let _ = events.send(SessionEvent::InputLine(InputLine::new(line.to_owned(), None)));
        }
        let _ = events.send(SessionEvent::InputEnded);
        return Ok(InputSource::Script);
    }
    let source =
        if io::stdin().is_terminal() { InputSource::Terminal } else { InputSource::Script };
    // The reader has a thread of its own: a read of standard input cannot be cancelled, and must
    // not keep the runtime or the process from ending.
    let (runtime, permits) = (Handle::current(), Arc::new(Semaphore::new(READ_AHEAD_LINES)));
    std::thread::spawn(move || {
        // The input is split by bytes: a line that is not UTF-8 is refused as a wrong line, while
        // `lines` would end there as if the script had ended well.
        for line in io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { break };
            let text = String::from_utf8_lossy(&line).into_owned();
            // Blocks while the limit of lines read ahead is reached. A permit is returned when its
            // line is dropped.
            let permit = runtime.block_on(Arc::clone(&permits).acquire_owned()).ok();
            if events.send(SessionEvent::InputLine(InputLine::new(text, permit))).is_err() {
                return;
            }
        }
        let _ = events.send(SessionEvent::InputEnded);
    });
    Ok(source)
}

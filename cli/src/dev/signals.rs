//! The signals that ask a session to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::events::Stop;
use crate::error::{Error, Result};

/// Turns signals into what they ask for, from now on; see [`super::guard`] for which means what.
///
/// # Errors
/// When a handler cannot be installed.
pub fn listen(asked_to_end: mpsc::UnboundedSender<Stop>) -> Result<()> {
    let listen =
        |kind| signal(kind).map_err(|error| Error::new("cannot listen for signals").because(error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut passed_on = listen(SignalKind::user_defined1())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut quit = listen(SignalKind::quit())?;
    let mut orphaned = listen(SignalKind::user_defined2())?;
    tokio::spawn(async move {
        // A terminal's Ctrl-C comes twice, once from the terminal and once from the guard, so each
        // of the two is counted by itself.
        let (mut interrupts, mut passed, mut others) = (0, 0, 0);
        loop {
            tokio::select! {
                _ = interrupt.recv() => interrupts += 1,
                _ = passed_on.recv() => passed += 1,
                _ = terminate.recv() => others += 1,
                _ = hangup.recv() => others += 1,
                _ = quit.recv() => others += 2,
                _ = orphaned.recv() => others += 2,
            }
            let asked = interrupts.max(passed) + others;
            let stop = if asked > 1 { Stop::AtOnce } else { Stop::InOrder };
            if asked_to_end.send(stop).is_err() {
                return;
            }
        }
    });
    Ok(())
}

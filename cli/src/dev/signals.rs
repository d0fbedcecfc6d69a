//! The signals that ask a session to end.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::session_event::StopRequest;
use crate::error::{Error, Result};

/// Translates signals into requests to stop, from now on. The table in [`super::guard`] says which
/// signal means what.
///
/// # Errors
/// Fails if a handler cannot be installed.
pub fn listen(stops: mpsc::UnboundedSender<StopRequest>) -> Result<()> {
    let listen =
        |kind| signal(kind).map_err(|error| Error::new("cannot listen for signals").because(error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut forwarded_interrupt = listen(SignalKind::user_defined1())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut quit = listen(SignalKind::quit())?;
    let mut orphaned = listen(SignalKind::user_defined2())?;
    tokio::spawn(async move {
        // A terminal sends a Ctrl-C to both processes, and the guard forwards its own. Each of the
        // two is counted alone, so that one Ctrl-C is not taken for two.
        let (mut interrupts, mut forwarded, mut others) = (0, 0, 0);
        loop {
            tokio::select! {
                _ = interrupt.recv() => interrupts += 1,
                _ = forwarded_interrupt.recv() => forwarded += 1,
                _ = terminate.recv() => others += 1,
                _ = hangup.recv() => others += 1,
                _ = quit.recv() => others += 2,
                _ = orphaned.recv() => others += 2,
            }
            let requests = interrupts.max(forwarded) + others;
            let stop = if requests > 1 { StopRequest::Immediate } else { StopRequest::Graceful };
            if stops.send(stop).is_err() {
                return;
            }
        }
    });
    Ok(())
}

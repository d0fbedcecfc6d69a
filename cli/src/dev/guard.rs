//! The guard is the outer of the two processes of `charmwright dev`.
//!
//! The guard makes the run's folder, starts the session (this program again), forwards signals to
//! it, and cleans up when the session has ended, however it ended: it kills the processes below it
//! and removes the folder. If the guard itself is killed, the kernel signals the session, which
//! does the same. So even SIGKILL leaves nothing behind, whichever of the two processes it ends.
//!
//! | signal | guard | session |
//! |---|---|---|
//! | SIGINT | sends SIGUSR1 to the session, which counts the two apart: a terminal's Ctrl-C reaches both processes | first: stop in order; second: at once |
//! | SIGTERM, SIGHUP | sends SIGTERM | first: stop in order; second: at once |
//! | SIGQUIT | sends SIGQUIT | stop at once |
//! | its end | – | SIGUSR2 from the kernel: stop at once, clean up |

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};

use super::options::DevArgs;
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::processes;

/// Runs the session until it ends, and leaves nothing behind.
pub async fn run(args: &DevArgs) -> Result<ExitCode> {
    let listen =
        |kind| signal(kind).map_err(|error| Error::new("cannot listen for signals").because(error));
    // The handlers are installed before the session is started, so that no signal is lost.
    let mut child_ended = listen(SignalKind::child())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let mut quit = listen(SignalKind::quit())?;
    processes::adopt_orphans()?;

    let workspace = Workspace::create(args.dir.as_deref())?;
    let session = match start_session(workspace.root()) {
        Ok(session) => session,
        Err(error) => {
            workspace.clean();
            return Err(error);
        }
    };
    let exit = loop {
        let forwarded = tokio::select! {
            _ = child_ended.recv() => match processes::reap(session) {
                Some(exit) => break exit,
                None => continue,
            },
            _ = interrupt.recv() => Signal::USR1,
            _ = terminate.recv() => Signal::TERM,
            _ = hangup.recv() => Signal::TERM,
            _ = quit.recv() => Signal::QUIT,
        };
        let _ = rustix::process::kill_process(session, forwarded);
    };
    processes::kill_descendants(|| {
        processes::reap(session);
    });
    workspace.clean();
    Ok(ExitCode::from(exit.shell_code()))
}

/// Starts the session as a child process.
fn start_session(root: &Path) -> Result<Pid> {
    let failed = || Error::new("cannot start the session");
    let program = env::current_exe().map_err(|error| failed().because(error))?;
    // `processes::reap` waits for this child, together with every orphan.
    let child = Command::new(program)
        .args(session_args(env::args_os(), root))
        .spawn()
        .map_err(|error| failed().because(error))?;
    Ok(Pid::from_child(&child))
}

/// Returns the arguments of the session: the user's, with the two of the guard in front, where no
/// `--` of the user's can come before them.
fn session_args(user_args: impl Iterator<Item = OsString>, root: &Path) -> Vec<OsString> {
    let mut rest = user_args.skip(2).peekable();
    rest.next_if(|word| word == "--");
    let mut args: Vec<OsString> = vec![
        "dev".into(),
        "--root".into(),
        root.into(),
        "--guard".into(),
        std::process::id().to_string().into(),
    ];
    args.extend(rest);
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_gets_our_arguments_after_its_own() {
        let user_args = ["charmwright", "dev", "--", "--until-idle"].map(OsString::from);
        let args = session_args(user_args.into_iter(), Path::new("/tmp/x"));
        assert_eq!(args[..4], ["dev", "--root", "/tmp/x", "--guard"].map(OsString::from));
        assert_eq!(args[5..], ["--until-idle"].map(OsString::from));
    }
}

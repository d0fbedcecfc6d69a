//! `charmwright container-init`: stands for one container.
//!
//! It runs one program (Pebble) the way process 1 of a container does: when the program ends, or the container is killed, everything that was
//! ever started inside ends too, re-parented processes included. It is not a security boundary: file system and network are the machine's.
//!
//! | it gets | it does |
//! |---|---|
//! | SIGTERM | passes it to the program; after `--grace` seconds kills everything |
//! | SIGHUP, also sent by the kernel when the process that started it ends | kills everything at once |
//! | the program's end | kills what is left, and ends with the program's exit code (128 + n for signal n) |

use std::ffi::OsString;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use clap::Args;
use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::processes::{self, Ending};

/// Runs a program as a container's first process; started by `charmwright dev`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The process whose end ends the container
    #[arg(long, value_name = "PID")]
    follow: i32,
    /// How long the program may take to stop after SIGTERM, before everything is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    grace: u64,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Runs the container until it ends.
pub fn run(args: &InitArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new("cannot start the container's event loop").because(error))?;
    let ending = runtime.block_on(contain(args))?;
    Ok(ExitCode::from(ending.shell_code()))
}

async fn contain(args: &InitArgs) -> Result<Ending> {
    let parent =
        Pid::from_raw(args.follow).ok_or_else(|| Error::new("cannot follow process 0: --follow takes a process id"))?;
    let listen = |kind| signal(kind).map_err(|error| Error::new("cannot listen for signals").because(error));
    let mut child_ended = listen(SignalKind::child())?;
    let mut stop = listen(SignalKind::terminate())?;
    let mut kill = listen(SignalKind::hangup())?;
    // A Ctrl-C is for `charmwright dev`, which then stops its containers in order.
    let _ignored = listen(SignalKind::interrupt())?;
    processes::adopt_orphans_and_follow(parent, Signal::HUP)?;

    let (name, rest) = args
        .program
        .split_first()
        .ok_or_else(|| Error::new("cannot run the container: no program was named"))?;
    // Not waited for through `Child`: as the parent of orphans we collect every child in one place.
    let child = Command::new(name)
        .args(rest)
        .stdin(Stdio::null())
        .spawn()
        .map_err(|error| Error::new(format!("cannot start {}", name.display())).because(error))?;
    let main = Pid::from_child(&child);

    let mut deadline: Option<Instant> = None;
    let ending = loop {
        tokio::select! {
            _ = child_ended.recv() => {
                if let Some(ending) = processes::reap(main) {
                    break ending;
                }
            }
            _ = stop.recv() => {
                let _ = rustix::process::kill_process(main, Signal::TERM);
                deadline.get_or_insert(Instant::now() + Duration::from_secs(args.grace));
            }
            _ = kill.recv() => break Ending::Signal(Signal::KILL.as_raw()),
            () = until(deadline) => break Ending::Signal(Signal::KILL.as_raw()),
        }
    };
    processes::kill_descendants(|| {
        processes::reap(main);
    });
    Ok(ending)
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

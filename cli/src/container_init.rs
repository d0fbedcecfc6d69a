//! `charmwright container-init` is the first process of a container.
//!
//! It runs one program (Pebble) the way process 1 of a container does: when the program ends or the
//! container is killed, every process that was started inside ends too, orphans included. It is no
//! security boundary: the file system and the network are the machine's. The program's output goes
//! to a [bounded log](crate::bounded_log), since a workload can print for ever.
//!
//! | it gets | it does |
//! |---|---|
//! | SIGTERM | passes it to the program; after `--grace` seconds kills everything |
//! | SIGHUP, also sent by the kernel when the process that started it ends | kills everything at once |
//! | the program's end | kills what is left, and ends with the program's exit code (128 + n for signal n) |

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::bounded_log::BoundedLog;
use crate::error::{Error, Result, io_error};
use crate::processes::{self, ProcessExit};

/// The time for the last lines to reach the log after every process has ended.
const LAST_LINES_LIMIT: Duration = Duration::from_secs(2);

/// Runs a program as a container's first process; started by `charmwright dev`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The process whose end ends the container
    #[arg(long, value_name = "PID")]
    follow: i32,
    /// How long the program may take to stop after SIGTERM, before everything is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    grace: u64,
    /// The file that gets what the program prints, as long as there is room
    #[arg(long, value_name = "FILE")]
    log: PathBuf,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Runs the container until it ends, and returns the exit code that a shell would report.
pub fn run(args: &InitArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new("cannot start the container's event loop").because(error))?;
    let exit = runtime.block_on(run_container(args))?;
    Ok(ExitCode::from(exit.shell_code()))
}

/// Starts the program, follows signals, and kills what is left when the program has ended.
async fn run_container(args: &InitArgs) -> Result<ProcessExit> {
    let parent = Pid::from_raw(args.follow)
        .ok_or_else(|| Error::new("cannot follow process 0: --follow takes a process id"))?;
    let listen =
        |kind| signal(kind).map_err(|error| Error::new("cannot listen for signals").because(error));
    let mut child_ended = listen(SignalKind::child())?;
    let mut stop = listen(SignalKind::terminate())?;
    let mut kill = listen(SignalKind::hangup())?;
    // A Ctrl-C is meant for `charmwright dev`, which then stops its containers in order.
    let _ignored = listen(SignalKind::interrupt())?;
    // After the handlers: a SIGHUP that comes before them would kill this process alone, and leave
    // its children.
    processes::adopt_orphans_and_follow(parent, Signal::HUP)?;

    let (name, rest) = args
        .program
        .split_first()
        .ok_or_else(|| Error::new("cannot run the container: no program was named"))?;
    let (output, errors, log_closed) = start_log_thread(&args.log).map_err(|error| {
        Error::new(format!("cannot write the log {}", args.log.display())).because(error)
    })?;
    // The process is not waited for through `Child`: as the parent of orphans, this process
    // collects all of its children in one place.
    let child = Command::new(name)
        .args(rest)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|error| Error::new(format!("cannot start {}", name.display())).because(error))?;
    let main = Pid::from_child(&child);

    let mut deadline: Option<Instant> = None;
    let exit = loop {
        tokio::select! {
            _ = child_ended.recv() => {
                if let Some(exit) = processes::reap(main) {
                    break exit;
                }
            }
            _ = stop.recv() => {
                let _ = rustix::process::kill_process(main, Signal::TERM);
                // A second SIGTERM does not give the program more time.
                deadline.get_or_insert(Instant::now() + Duration::from_secs(args.grace));
            }
            _ = kill.recv() => break ProcessExit::Signal(Signal::KILL.as_raw()),
            () = sleep_until_deadline(deadline) => break ProcessExit::Signal(Signal::KILL.as_raw()),
        }
    };
    processes::kill_descendants(|| {
        processes::reap(main);
    });
    // Every process that held the other end has ended. Only one that is stuck in the kernel can
    // still hold it, and that one is not waited for.
    let _ = log_closed.recv_timeout(LAST_LINES_LIMIT);
    Ok(exit)
}

/// Starts a thread that writes to the log at `path` all that comes through the two returned pipe
/// ends. The receiver is closed when the thread ends.
///
/// The container writes its log itself. So the log ends with the container, and a flood of output
/// does not block the session's loop.
fn start_log_thread(path: &Path) -> io::Result<(OwnedFd, OwnedFd, mpsc::Receiver<()>)> {
    let mut log = BoundedLog::open(path)?;
    let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(io_error)?;
    let other = writer.try_clone()?;
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || {
        let mut reader = File::from(reader);
        let mut piece = vec![0; 64 << 10];
        loop {
            match reader.read(&mut piece) {
                Ok(0) => break,
                // A full disk must not stop the workload, so a failed write is ignored.
                Ok(length) => drop(log.write(piece.get(..length).unwrap_or_default())),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        drop(ended);
    });
    Ok((writer, other, end))
}

/// Waits until `deadline`, or for ever if there is none.
async fn sleep_until_deadline(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

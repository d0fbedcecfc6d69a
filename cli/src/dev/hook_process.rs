//! Runs the charm's program for one hook as Juju's agent does: chooses the file, sets its
//! environment, and reads its output.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use charmwright_agent::Stream;
use rustix::process::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::session_event::{HookEnd, HookOutcome, PrintedLines, SessionEvent};
use crate::error::chain_of;
use crate::processes::ProcessExit;

/// The size of the buffer for one read of a pipe, in bytes: the capacity of a pipe (`pipe(7)`).
const READ_SIZE: usize = 64 << 10;
/// The longest piece of a line in the log, in bytes: the limit of Juju's agent (reference
/// `juju-agent.md`, 5.1).
const LINE_BYTES_LIMIT: usize = 4096;
/// The number of bytes of each stream that are kept for an action's result.
const KEPT_BYTES_LIMIT: usize = 1 << 20;
/// The number of bytes of each stream that go to the log.
pub const LOGGED_BYTES_LIMIT: usize = 1 << 20;
/// The number of each stream's last lines that are kept. They are printed if the hook fails without
/// a message.
const LAST_LINES: usize = 5;
/// The time for which the output pipes are read after the charm has exited. A child of the charm
/// may hold them open for ever, and Juju's agent waits no longer either (reference `juju-agent.md`,
/// 5.1).
const PIPE_DRAIN_LIMIT: Duration = Duration::from_millis(100);

/// Returns the program for a hook: `dispatch` if it exists, else the file at `dispatch_path`
/// (`hooks/install`) if that exists.
pub fn choose_program(charm: &Path, dispatch_path: &str) -> Option<PathBuf> {
    [charm.join("dispatch"), charm.join(dispatch_path)].into_iter().find(|program| program.exists())
}

/// Starts `program`, and sends what it prints and its end to `events`. Returns the process id if it
/// started.
///
/// The environment is `environment` and nothing else, the working directory is the charm's, and
/// standard input is empty.
pub fn start(
    program: Option<PathBuf>,
    charm: &Path,
    environment: Vec<(OsString, OsString)>,
    events: mpsc::UnboundedSender<SessionEvent>,
) -> Option<Pid> {
    let without_process = |outcome| SessionEvent::HookEnded(HookEnd::without_process(outcome));
    let Some(program) = program else {
        let _ = events.send(without_process(HookOutcome::Missing));
        return None;
    };
    let spawned = Command::new(&program)
        .current_dir(charm)
        // Juju replaces the environment: HOME and the like are not set (reference `juju-agent.md`,
        // 5.1).
        .env_clear()
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A process group of its own: a Ctrl-C at the terminal is meant for us, and the hook may
        // finish.
        .process_group(0)
        .spawn();
    let child = match spawned {
        Ok(child) => child,
        Err(error) => {
            let text =
                format!("cannot start {}: {}", program.display(), explain_start_failure(&error));
            let _ = events.send(without_process(HookOutcome::NotStarted(text)));
            return None;
        }
    };
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    tokio::spawn(read_and_wait(child, program, events));
    pid
}

/// Reads the hook's output and waits for its end at the same time.
async fn read_and_wait(
    mut child: Child,
    program: PathBuf,
    events: mpsc::UnboundedSender<SessionEvent>,
) {
    let mut stdout = Output::new(child.stdout.take(), Stream::Stdout, events.clone());
    let mut stderr = Output::new(child.stderr.take(), Stream::Stderr, events.clone());
    let mut ended: Option<(HookOutcome, Instant)> = None;
    loop {
        if ended.is_some() && stdout.pipe.is_none() && stderr.pipe.is_none() {
            break;
        }
        let deadline = ended.as_ref().map(|(_, deadline)| *deadline);
        tokio::select! {
            () = stdout.read(), if stdout.pipe.is_some() => {}
            () = stderr.read(), if stderr.pipe.is_some() => {}
            status = child.wait(), if ended.is_none() => {
                let outcome = match status {
                    Ok(status) => HookOutcome::Ended(process_exit(status)),
                    Err(error) => HookOutcome::NotStarted(format!(
                        "cannot learn how {} ended: {}",
                        program.display(),
                        chain_of(&error)
                    )),
                };
                ended = Some((outcome, Instant::now() + PIPE_DRAIN_LIMIT));
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => break,
        }
    }
    let outcome = ended.map_or_else(
        || HookOutcome::NotStarted("cannot learn how the hook ended".to_owned()),
        |(outcome, _)| outcome,
    );
    let unlogged = stdout.unlogged.saturating_add(stderr.unlogged);
    let last_lines = stdout.last_lines.into_iter().chain(stderr.last_lines).collect();
    let end = HookEnd {
        outcome,
        stdout: stdout.kept_bytes,
        stderr: stderr.kept_bytes,
        last_lines,
        unlogged,
    };
    let _ = events.send(SessionEvent::HookEnded(end));
}

/// One of the hook's output streams. It is read to its end however long it is, but only its
/// beginning and its last lines are kept.
///
/// A last line without a line end is lost, as in Juju's agent (reference `juju-agent-measured.md`,
/// row 2).
struct Output<P> {
    pipe: Option<P>,
    stream: Stream,
    /// The queue that gets the lines while the hook runs.
    events: mpsc::UnboundedSender<SessionEvent>,
    /// The number of bytes that have gone to the log.
    logged: usize,
    /// The number of bytes that were too many for the log.
    unlogged: u64,
    /// The bytes that were read and are not a complete line yet.
    partial: Vec<u8>,
    kept_bytes: Vec<u8>,
    last_lines: VecDeque<String>,
}

impl<P: AsyncRead + Unpin> Output<P> {
    fn new(pipe: Option<P>, stream: Stream, events: mpsc::UnboundedSender<SessionEvent>) -> Self {
        Self {
            pipe,
            stream,
            events,
            logged: 0,
            unlogged: 0,
            partial: Vec::new(),
            kept_bytes: Vec::new(),
            last_lines: VecDeque::new(),
        }
    }

    /// Reads once, and drops the pipe at the end of the stream. Cancel-safe.
    async fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let before = self.partial.len();
        // Without this the vector grows by 64 bytes a read, and a flood of output takes a system
        // call for each.
        self.partial.reserve(READ_SIZE);
        if pipe.read_buf(&mut self.partial).await.unwrap_or(0) == 0 {
            self.pipe = None;
        }
        let new = self.partial.get(before..).unwrap_or_default();
        self.kept_bytes
            .extend(new.iter().take(KEPT_BYTES_LIMIT.saturating_sub(self.kept_bytes.len())));
        let mut read = std::mem::take(&mut self.partial);
        let mut rest = read.as_slice();
        let mut lines = Vec::new();
        while let Some((piece, skip)) = next_piece(rest) {
            let line = rest.get(..piece).unwrap_or_default();
            // Juju's agent removes a `\r` before the line end too (reference
            // `juju-agent-measured.md`, on 5.1).
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.push_line(String::from_utf8_lossy(line).into_owned(), skip, &mut lines);
            rest = rest.get(skip..).unwrap_or_default();
        }
        let taken = read.len() - rest.len();
        read.drain(..taken);
        self.partial = read;
        if !lines.is_empty() {
            let stream = self.stream;
            let _ = self.events.send(SessionEvent::HookPrinted(PrintedLines { stream, lines }));
        }
    }

    /// Takes a line that took `size` bytes of the stream, and adds it to `logged` until the log's
    /// limit is reached.
    fn push_line(&mut self, line: String, size: usize, logged: &mut Vec<String>) {
        self.logged = self.logged.saturating_add(size);
        if self.logged <= LOGGED_BYTES_LIMIT {
            logged.push(line.clone());
        } else {
            self.unlogged = self.unlogged.saturating_add(size as u64);
        }
        if self.last_lines.len() == LAST_LINES {
            self.last_lines.pop_front();
        }
        self.last_lines.push_back(line);
    }
}

/// Returns the length of the next line, or of a piece of a line that is too long, and the number of
/// bytes to remove with it.
fn next_piece(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.iter().take(LINE_BYTES_LIMIT).position(|byte| *byte == b'\n') {
        Some(end) => Some((end, end + 1)),
        None => (bytes.len() >= LINE_BYTES_LIMIT).then_some((LINE_BYTES_LIMIT, LINE_BYTES_LIMIT)),
    }
}

/// Returns how the process ended.
fn process_exit(status: std::process::ExitStatus) -> ProcessExit {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => ProcessExit::Code(code),
        (None, signal) => ProcessExit::Signal(signal.unwrap_or(0)),
    }
}

/// Says why a program did not start, with advice for the common reasons.
fn explain_start_failure(error: &std::io::Error) -> String {
    let text = chain_of(error);
    match error.kind() {
        ErrorKind::PermissionDenied => format!("{text}; is it executable? (chmod +x)"),
        ErrorKind::NotFound => format!("{text}; does the program after its #! exist?"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// Linux does not run a file that is open for writing ("text file busy"), and a child that
    /// another test forks meanwhile holds it open.
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

    fn charm(files: &[(&str, &str, u32)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, content, mode) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        dir
    }

    /// Runs the hook, and returns its lines on standard error and its end.
    async fn run(dir: &Path) -> (Vec<String>, HookEnd) {
        let (sender, mut events) = mpsc::unbounded_channel();
        start(
            choose_program(dir, "hooks/install"),
            dir,
            vec![("GREETING".into(), "hello".into())],
            sender,
        );
        let mut lines = Vec::new();
        while let Some(event) = events.recv().await {
            match event {
                SessionEvent::HookPrinted(printed) => {
                    if printed.stream == Stream::Stderr {
                        lines.extend(printed.lines);
                    }
                }
                SessionEvent::HookEnded(end) => return (lines, end),
                other => panic!("{other:?}"),
            }
        }
        panic!("the hook never ended");
    }

    #[tokio::test]
    async fn a_hook_gets_its_environment_and_nothing_else() {
        let _alone = ONE_AT_A_TIME.lock().await;
        let dir = charm(&[(
            "hooks/install",
            "#!/bin/sh\necho $GREETING $HOME; pwd; cat; echo whole >&2; printf half; printf half \
             >&2; exit 3\n",
            0o755,
        )]);
        let (lines, end) = run(dir.path()).await;
        assert_eq!(end.outcome, HookOutcome::Ended(ProcessExit::Code(3)));
        let here = fs::canonicalize(dir.path()).unwrap().display().to_string();
        assert_eq!(String::from_utf8(end.stdout).unwrap(), format!("hello\n{here}\nhalf"));
        // Juju loses a last line that has no line end.
        assert_eq!(lines, ["whole"]);
        assert_eq!(end.last_lines, ["hello", here.as_str(), "whole"]);
        assert_eq!(end.stderr, b"whole\nhalf");
    }

    #[tokio::test]
    async fn dispatch_comes_first_and_must_be_executable() {
        let _alone = ONE_AT_A_TIME.lock().await;
        let dir = charm(&[
            ("hooks/install", "#!/bin/sh\n", 0o755),
            ("dispatch", "#!/bin/sh\nkill -9 $$\n", 0o755),
        ]);
        assert_eq!(run(dir.path()).await.1.outcome, HookOutcome::Ended(ProcessExit::Signal(9)));
        fs::set_permissions(dir.path().join("dispatch"), fs::Permissions::from_mode(0o644))
            .unwrap();
        let (_, end) = run(dir.path()).await;
        assert!(
            matches!(&end.outcome, HookOutcome::NotStarted(why) if why.contains("chmod +x")),
            "{end:?}"
        );
        assert_eq!(run(charm(&[]).path()).await.1.outcome, HookOutcome::Missing);
    }

    #[tokio::test]
    async fn a_child_that_holds_the_pipes_does_not_hold_the_hook() {
        let _alone = ONE_AT_A_TIME.lock().await;
        let dir = charm(&[("hooks/install", "#!/bin/sh\nsleep 60 &\necho $!\n", 0o755)]);
        let began = Instant::now();
        let (_, end) = run(dir.path()).await;
        assert_eq!(end.outcome, HookOutcome::Ended(ProcessExit::Code(0)));
        assert!(began.elapsed() < Duration::from_secs(30));
        let sleeper = end.last_lines[0].parse().ok().and_then(Pid::from_raw).unwrap();
        rustix::process::kill_process(sleeper, rustix::process::Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn a_flood_is_read_and_not_kept() {
        let _alone = ONE_AT_A_TIME.lock().await;
        let dir = charm(&[(
            "hooks/install",
            "#!/bin/sh\nyes | head -c 20000000; yes careful | head -n 5000 >&2; echo end\n",
            0o755,
        )]);
        let (lines, end) = run(dir.path()).await;
        assert_eq!((lines.len(), end.stdout.len()), (5000, KEPT_BYTES_LIMIT));
        assert_eq!(end.unlogged, 20_000_000 + 4 - LOGGED_BYTES_LIMIT as u64);
        assert_eq!(end.last_lines[LAST_LINES - 1], "end");
    }

    /// A stream that always has more to read, and counts the reads.
    struct Endless {
        asked: usize,
        left: usize,
    }

    impl AsyncRead for Endless {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            let size = buffer.remaining().min(self.left);
            buffer.put_slice(&vec![b'\n'; size]);
            self.asked += 1;
            self.left -= size;
            std::task::Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_flood_is_read_in_large_pieces() {
        let flood = Endless { asked: 0, left: 4 << 20 };
        let (sender, _events) = mpsc::unbounded_channel();
        let mut output = Output::new(Some(flood), Stream::Stdout, sender);
        while output.pipe.as_ref().is_some_and(|flood| flood.left > 0) {
            output.read().await;
        }
        let asked = output.pipe.map(|flood| flood.asked).unwrap();
        assert!(asked <= 64, "{asked} reads for 4 MiB");
    }

    #[test]
    fn long_lines_are_cut() {
        assert_eq!(next_piece(b"ab\ncd"), Some((2, 3)));
        assert_eq!(next_piece(b"abcd"), None);
        assert_eq!(next_piece(&[b'x'; 5000]), Some((4096, 4096)));
    }
}

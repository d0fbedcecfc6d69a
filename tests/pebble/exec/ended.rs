//! These tests end commands in each way: by themselves, at their timeout, when the handle is
//! dropped, and by an abort.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::{Duration, Instant};

use charmwright_pebble::{ChangeFilter, ChangeSelect, ChangeStatus, ErrorKind};
use charmwright_testing::processes::is_running;
use charmwright_tests::wait::{until, within, written_pid};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{sh, start_fixture};

#[tokio::test]
async fn exit_codes_are_told_as_they_are() {
    let Some(fixture) = start_fixture("exit_codes_are_told_as_they_are") else {
        return;
    };
    for code in [0, 1, 2, 126, 127, 255] {
        assert_eq!(fixture.output(&sh(format!("exit {code}"))).await.exit_code(), code);
    }
    assert_eq!(fixture.output(&sh("kill -TERM $$")).await.exit_code(), 128 + 15);
    let process = fixture.direct.exec(&sh("exit 6")).await.unwrap();
    let (first, second) = within(async { tokio::join!(process.wait(), process.wait()) }).await;
    assert_eq!((first.unwrap().exit_code(), second.unwrap().exit_code()), (6, 6));
    assert_eq!(process.wait().await.unwrap().exit_code(), 6, "it may be asked again");
}

#[tokio::test]
async fn a_wait_that_was_dropped_is_taken_up_again() {
    let Some(fixture) = start_fixture("a_wait_that_was_dropped_is_taken_up_again") else {
        return;
    };
    let mut process = fixture.direct.exec(&sh("read line; echo $line; exit 3")).await.unwrap();
    let mut stdin = process.take_stdin().unwrap();
    for _ in 0..3 {
        let waited = tokio::time::timeout(Duration::from_millis(20), process.wait()).await;
        assert!(waited.is_err());
    }
    // The dropped waits must not swallow a wake-up: a reader in another task is woken by data that
    // only it waits for.
    let mut stdout = process.take_stdout().unwrap();
    let reading = tokio::spawn(async move {
        let mut text = String::new();
        stdout.read_to_string(&mut text).await.map(|_| text)
    });
    stdin.write_all(b"line\n").await.unwrap();
    assert_eq!(within(reading).await.unwrap().unwrap(), "line\n");
    assert_eq!(within(process.wait()).await.unwrap().exit_code(), 3);
}

#[tokio::test]
async fn a_timeout_kills_and_is_told_as_one() {
    let Some(fixture) = start_fixture("a_timeout_kills_and_is_told_as_one") else {
        return;
    };
    let path = fixture.file("pid");
    let script = format!("echo before; echo $$ > {}; exec sleep 600", path.display());
    let exec = sh(script).timeout(Duration::from_millis(300));
    let mut process = fixture.direct.exec(&exec).await.unwrap();
    let mut stdout = process.take_stdout().unwrap();
    let mut text = String::new();
    let (read, error) =
        within(async { tokio::join!(stdout.read_to_string(&mut text), process.wait()) }).await;
    let error = error.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("timed out after 300ms"), "{error}");
    assert!(error.may_have_acted() && error.change().is_some());
    read.unwrap();
    assert_eq!(text, "before\n", "what it wrote before is there");
    let pid = written_pid(&path).await;
    until("the command is gone", async || !is_running(pid)).await;
    assert_eq!(
        *process.wait().await.unwrap_err().kind(),
        ErrorKind::OutcomeUnknown,
        "the timeout is reported once"
    );
}

#[tokio::test]
async fn another_process_that_keeps_the_output_is_not_waited_for_for_ever() {
    let Some(fixture) = start_fixture("another_process_that_keeps_the_output") else {
        return;
    };
    let path = fixture.file("pid");
    let script = format!("sleep 600 & echo $! > {}; echo out", path.display());
    let exec = sh(script).timeout(Duration::from_millis(200));
    let started = Instant::now();
    let error = within(fixture.direct.exec_output(&exec)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("stdout: still open"), "{error}");
    assert!(started.elapsed() >= Duration::from_secs(5), "Pebble's own word is waited for first");
    // A background process with its output elsewhere does not keep the command's streams open.
    let script = format!("sleep 600 >/dev/null 2>&1 & echo $! > {}; echo out", path.display());
    let output = fixture.output(&sh(script)).await;
    assert_eq!((output.stdout(), output.exit_code()), (&b"out\n"[..], 0));
    assert!(is_running(written_pid(&path).await));
}

#[tokio::test]
async fn dropping_the_handle_kills_the_command() {
    let Some(fixture) = start_fixture("dropping_the_handle_kills_the_command") else {
        return;
    };
    let path = fixture.file("pid");
    let script = format!(
        "trap '' HUP TERM INT PIPE; echo out; echo $$ > {}; while true; do sleep 0.05; done",
        path.display()
    );
    let mut process = fixture.direct.exec(&sh(&script)).await.unwrap();
    let mut held = process.take_stdout().unwrap();
    let mut stdin = process.take_stdin().unwrap();
    let pid = written_pid(&path).await;
    let mut first = [0; 3];
    within(held.read_exact(&mut first)).await.unwrap();
    assert!(is_running(pid));
    let id = process.change_id().clone();
    drop(process);
    until("the command is gone", async || !is_running(pid)).await;
    let mut rest = Vec::new();
    let error = within(held.read_to_end(&mut rest)).await.unwrap_err();
    assert_eq!((rest.as_slice(), error.kind()), (&b"\n"[..], io::ErrorKind::ConnectionAborted));
    assert_eq!(stdin.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    let change = within(fixture.direct.wait_change(&id, Duration::from_secs(10))).await.unwrap();
    assert_eq!(*change.status(), ChangeStatus::Done);
    // Dropping the future of `exec_output`, which holds the handle, kills the command, too.
    std::fs::remove_file(&path).unwrap();
    let exec = sh(&script);
    let mut running = Box::pin(fixture.direct.exec_output(&exec));
    let pid = tokio::select! {
        output = &mut running => panic!("{output:?}"),
        pid = written_pid(&path) => pid,
    };
    drop(running);
    until("the command is gone", async || !is_running(pid)).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_on_the_way_leaves_nothing() {
    let Some(fixture) = start_fixture("a_call_that_is_dropped_on_the_way") else {
        return;
    };
    let path = fixture.file("pids");
    let exec = sh(format!("echo $$ >> {}; exec sleep 600", path.display()));
    // The future is dropped after one poll, after two, and so on until it returns its handle first.
    for polls in 1.. {
        let mut left = polls;
        let mut starting = Box::pin(fixture.direct.exec(&exec));
        let started = poll_fn(|cx| {
            left -= 1;
            match starting.as_mut().poll(cx) {
                Poll::Pending if left == 0 => Poll::Ready(None),
                poll => poll.map(Some),
            }
        });
        let started = within(started).await.map(Result::unwrap);
        drop(starting);
        if started.is_some() {
            break;
        }
        assert_eq!(fixture.output(&sh("exit 3")).await.exit_code(), 3, "after {polls} polls");
    }
    // A dropped call may have left a change behind. Once all have ended, no command may run.
    let select = ChangeFilter::select(ChangeSelect::InProgress);
    until("all changes are ready", async || {
        fixture.direct.changes(&select).await.unwrap().is_empty()
    })
    .await;
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text.lines().all(|pid| !is_running(pid.parse().unwrap())), "{text}");
}

#[tokio::test]
async fn an_aborted_change_is_a_killed_command() {
    let Some(fixture) = start_fixture("an_aborted_change_is_a_killed_command") else {
        return;
    };
    let path = fixture.file("pid");
    let script = format!("echo $$ > {}; exec sleep 600", path.display());
    let process = fixture.direct.exec(&sh(script)).await.unwrap();
    // A change that is aborted before its command runs has no exit code.
    written_pid(&path).await;
    let aborting = async { fixture.direct.abort_change(process.change_id()).await };
    let (aborted, status) = within(async { tokio::join!(aborting, process.wait()) }).await;
    aborted.unwrap();
    assert_eq!(status.unwrap().exit_code(), 137);
}

#[tokio::test]
async fn a_command_may_close_its_output_and_go_on() {
    let Some(fixture) = start_fixture("a_command_may_close_its_output") else {
        return;
    };
    let path = fixture.file("copy");
    let exec =
        sh(format!("exec >&- 2>&-; cat > {}; exit 5", path.display())).stdin(vec![b'x'; 3_000_000]);
    assert_eq!(fixture.output(&exec).await.exit_code(), 5);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 3_000_000);
}

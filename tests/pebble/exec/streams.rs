//! These tests send data to commands and read their output: much data, separate and combined
//! streams, and streams that are not read, dropped or read slowly.

use std::io;
use std::time::Duration;

use charmwright_pebble::{ErrorKind, Exec, Signal};
use charmwright_tests::wait::{until, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{sh, start_fixture};

const MIB: usize = 1024 * 1024;

/// Returns bytes in which a missing, doubled or misplaced piece shows. The steps of 251, a prime,
/// keep the pattern from repeating at the size of a buffer.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index / 251 + index) as u8).collect()
}

#[tokio::test]
async fn output_and_exit_code_are_collected() {
    let Some(fixture) = start_fixture("output_and_exit_code_are_collected") else {
        return;
    };
    let output = fixture.output(&sh("echo out; echo err >&2; exit 3")).await;
    assert_eq!((output.exit_code(), output.success()), (3, false));
    assert_eq!((output.stdout(), output.stderr()), (&b"out\n"[..], &b"err\n"[..]));
    assert!(!output.stdout_truncated() && !output.stderr_truncated());
    let timings = output.timings();
    assert!(
        timings.requested() <= timings.connected() && Some(timings.connected()) <= timings.ready()
    );
    assert!(timings.output_ended() >= Some(timings.connected()));
    let output = fixture.output(&sh("echo out; echo err >&2; echo out").combine_stderr()).await;
    assert_eq!((output.stdout(), output.stderr()), (&b"out\nerr\nout\n"[..], &b""[..]));
    assert!(output.success());
}

#[tokio::test]
async fn given_stdin_is_all_that_is_read() {
    let Some(fixture) = start_fixture("given_stdin_is_all_that_is_read") else {
        return;
    };
    for length in [0, 1, 5 * MIB + 17] {
        let input = pattern(length);
        let output = fixture.output(&Exec::new(["cat"]).stdin(input.clone())).await;
        assert!(output.success() && output.stdout() == input, "{length} bytes");
    }
    let output = fixture.output(&Exec::new(["cat"])).await;
    assert!(output.success() && output.stdout().is_empty(), "nothing given is nothing to read");
    let mut process = fixture.direct.exec(&Exec::new(["cat"]).stdin("a")).await.unwrap();
    assert!(process.take_stdin().is_none());
}

#[tokio::test]
async fn megabytes_go_both_ways_at_once() {
    let Some(fixture) = start_fixture("megabytes_go_both_ways_at_once") else {
        return;
    };
    let mut process = within(fixture.direct.exec(&sh("tee /dev/stderr"))).await.unwrap();
    let (mut stdin, mut stdout, mut stderr) = (
        process.take_stdin().unwrap(),
        process.take_stdout().unwrap(),
        process.take_stderr().unwrap(),
    );
    assert!(
        process.take_stdin().is_none()
            && process.take_stdout().is_none()
            && process.take_stderr().is_none()
    );
    let input = pattern(20 * MIB);
    let writing = async {
        stdin.write_all(&input).await.unwrap();
        stdin.shutdown().await.unwrap();
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    // Each reader has a task of its own and so a waker of its own, as in a charm with two tasks.
    let reading = async {
        let out = tokio::spawn(async move {
            stdout.read_to_end(&mut out).await.unwrap();
            out
        });
        let err = tokio::spawn(async move {
            stderr.read_to_end(&mut err).await.unwrap();
            err
        });
        (out.await.unwrap(), err.await.unwrap())
    };
    let ((), (out, err), status) =
        within(async { tokio::join!(writing, reading, process.wait()) }).await;
    assert!(status.unwrap().success());
    assert!(out == input && err == input, "{} and {} bytes", out.len(), err.len());
}

#[tokio::test]
async fn a_dialogue_needs_no_wait() {
    let Some(fixture) = start_fixture("a_dialogue_needs_no_wait") else {
        return;
    };
    let mut process = fixture.direct.exec(&Exec::new(["cat"])).await.unwrap();
    let (mut stdin, mut stdout) = (process.take_stdin().unwrap(), process.take_stdout().unwrap());
    for turn in 0..100_u32 {
        let line = turn.to_be_bytes();
        within(stdin.write_all(&line)).await.unwrap();
        let mut echo = [0; 4];
        within(stdout.read_exact(&mut echo)).await.unwrap();
        assert_eq!(echo, line);
    }
    // Dropping stdin sends the end of the input.
    drop(stdin);
    assert_eq!(within(stdout.read(&mut [0; 4])).await.unwrap(), 0);
    assert!(within(process.wait()).await.unwrap().success());
}

#[tokio::test]
async fn an_unread_stream_keeps_a_mebibyte_and_says_what_it_lost() {
    let Some(fixture) = start_fixture("an_unread_stream_keeps_a_mebibyte") else {
        return;
    };
    let input = pattern(5 * MIB);
    let mut process = fixture.direct.exec(&Exec::new(["cat"]).stdin(input.clone())).await.unwrap();
    let mut held = process.take_stdout().unwrap();
    assert!(within(process.wait()).await.unwrap().success());
    assert!(held.truncated());
    assert_eq!(held.discarded(), 4 * MIB as u64);
    let mut kept = Vec::new();
    let error = within(held.read_to_end(&mut kept)).await.unwrap_err();
    assert!(kept == input[..MIB]);
    assert!(error.to_string().contains("4194304 bytes of the command's stdout"), "{error}");
    // Output that is taken only after the end is complete if it is small enough.
    let mut process = fixture.direct.exec(&sh("echo small")).await.unwrap();
    within(process.wait()).await.unwrap();
    let mut small = String::new();
    let mut late = process.take_stdout().unwrap();
    within(late.read_to_string(&mut small)).await.unwrap();
    assert_eq!((small.as_str(), late.truncated()), ("small\n", false));
}

#[tokio::test]
async fn a_dropped_reader_is_drained() {
    let Some(fixture) = start_fixture("a_dropped_reader_is_drained") else {
        return;
    };
    let mut process = fixture
        .client
        .exec(&sh("head -c 8388608 /dev/zero; head -c 8388608 /dev/zero >&2; echo end"))
        .await
        .unwrap();
    let (stdout, stderr) = (process.take_stdout().unwrap(), process.take_stderr().unwrap());
    drop(stderr);
    let dropping = async move {
        let mut stdout = stdout;
        stdout.read_exact(&mut [0; 1000]).await.unwrap();
    };
    let ((), status) = within(async { tokio::join!(dropping, process.wait()) }).await;
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn a_slow_reader_gets_everything() {
    let Some(fixture) = start_fixture("a_slow_reader_gets_everything") else {
        return;
    };
    let input = pattern(6 * MIB);
    let mut process = fixture.direct.exec(&Exec::new(["cat"]).stdin(input.clone())).await.unwrap();
    let mut stdout = process.take_stdout().unwrap();
    let reading = async {
        let mut all = Vec::new();
        let mut piece = vec![0; MIB];
        loop {
            let count = stdout.read(&mut piece).await.unwrap();
            if count == 0 {
                return all;
            }
            all.extend_from_slice(&piece[..count]);
            // The command writes much faster, so all buffers between the two are full most of the
            // time.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (all, status) = within(async { tokio::join!(reading, process.wait()) }).await;
    assert!(status.unwrap().success() && all == input);
    assert!(!stdout.truncated());
}

#[tokio::test]
async fn collected_output_is_bounded() {
    let Some(fixture) = start_fixture("collected_output_is_bounded") else {
        return;
    };
    let exec = sh("head -c 3000000 /dev/zero; echo err >&2").output_limit(2_000_000);
    let output = fixture.output(&exec).await;
    assert!(output.success() && output.stdout_truncated() && !output.stderr_truncated());
    assert_eq!((output.stdout().len(), output.stderr()), (2_000_000, &b"err\n"[..]));
    let exact = fixture.output(&sh("head -c 1000 /dev/zero").output_limit(1000)).await;
    assert_eq!((exact.stdout().len(), exact.stdout_truncated()), (1000, false));
}

#[tokio::test]
async fn writing_to_a_command_that_is_over_is_a_broken_pipe() {
    let Some(fixture) = start_fixture("writing_to_a_command_that_is_over") else {
        return;
    };
    let mut process = fixture.direct.exec(&sh("head -c 10; exit 4")).await.unwrap();
    let mut stdin = process.take_stdin().unwrap();
    let writing = async {
        let piece = vec![7; MIB];
        loop {
            if let Err(error) = stdin.write_all(&piece).await {
                break error;
            }
        }
    };
    let (error, status) = within(async { tokio::join!(writing, process.wait()) }).await;
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(status.unwrap().exit_code(), 4);
    within(stdin.shutdown()).await.unwrap();
    // Input that the command does not read does not keep the call from returning.
    let output = fixture.output(&sh("exit 5").stdin(vec![7; 20 * MIB])).await;
    assert_eq!(output.exit_code(), 5);
}

#[tokio::test]
async fn a_terminal_has_a_size_that_can_be_changed() {
    let Some(fixture) = start_fixture("a_terminal_has_a_size") else {
        return;
    };
    let exec = sh("stty size <&1; while read _; do stty size <&1; done").terminal(80, 25);
    let mut process = fixture.direct.exec(&exec).await.unwrap();
    let (mut stdin, mut stdout) = (process.take_stdin().unwrap(), process.take_stdout().unwrap());
    let mut seen = String::new();
    let mut piece = [0; 100];
    while !seen.ends_with('\n') {
        let count = within(stdout.read(&mut piece)).await.unwrap();
        seen.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    assert_eq!(seen, "25 80\r\n");
    within(process.resize(120, 40)).await.unwrap();
    // The size is sent on the control websocket and the next line on that of stdin, so the two may
    // arrive in any order.
    while !seen.ends_with("40 120\r\n") {
        within(stdin.write_all(b"\n")).await.unwrap();
        let count = within(stdout.read(&mut piece)).await.unwrap();
        seen.push_str(std::str::from_utf8(&piece[..count]).unwrap());
    }
    assert_eq!(*process.resize(0, 1).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    drop(stdin);
    assert!(within(process.wait()).await.unwrap().success());
    assert_eq!(*process.resize(1, 1).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    let plain = fixture.direct.exec(&sh("read _")).await.unwrap();
    assert_eq!(*plain.resize(1, 1).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn an_interactive_terminal_reads_and_ends() {
    let Some(fixture) = start_fixture("an_interactive_terminal") else {
        return;
    };
    let exec = sh("test -t 0 && read line && echo \"got $line\" && cat && echo over")
        .terminal(80, 25)
        .interactive();
    let output = fixture.output(&exec.stdin("hello\n")).await;
    assert!(output.success(), "{}", output.stdout_text());
    let text = output.stdout_text().into_owned();
    assert!(text.contains("got hello\r\n") && text.contains("over\r\n"), "{text}");
}

#[tokio::test]
async fn signals_reach_the_command() {
    let Some(fixture) = start_fixture("signals_reach_the_command") else {
        return;
    };
    let ready = fixture.file("ready");
    let script = format!(
        "trap 'echo hup; exit 9' HUP; echo > {}; while true; do sleep 0.02; done",
        ready.display()
    );
    let mut process = fixture.direct.exec(&sh(script)).await.unwrap();
    let mut stdout = process.take_stdout().unwrap();
    until("the trap is set", async || ready.exists()).await;
    assert_eq!(
        *process.signal(&"SIGNONE".parse().unwrap()).await.unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
    within(process.signal(&Signal::HUP)).await.unwrap();
    let mut text = String::new();
    let (read, status) =
        within(async { tokio::join!(stdout.read_to_string(&mut text), process.wait()) }).await;
    read.unwrap();
    assert_eq!((text.as_str(), status.unwrap().exit_code()), ("hup\n", 9));
    let error = process.signal(&Signal::HUP).await.unwrap_err();
    assert!(error.to_string().contains("the command is over"), "{error}");
    for (signal, number) in [(Signal::TERM, 15), (Signal::KILL, 9), (Signal::USR1, 10)] {
        let process = fixture.direct.exec(&Exec::new(["sleep", "60"])).await.unwrap();
        let (sent, status) =
            within(async { tokio::join!(process.signal(&signal), process.wait()) }).await;
        sent.unwrap();
        assert_eq!(status.unwrap().exit_code(), 128 + number, "{signal}");
    }
}

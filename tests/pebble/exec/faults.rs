//! These tests break connections and kill the daemon. A command must run at most once, and the
//! error must say what is known of it.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use charmwright_pebble::{Client, ErrorKind, Exec, FailedAttempt, RetryObserver, RetryPolicy};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::processes::is_running;
use charmwright_testing::proxy::{Fault, Rule, SeenRequest};
use charmwright_tests::wait::{until, within, written_pid};
use charmwright_tests::{Fixture, policy};
use tokio::io::AsyncReadExt as _;

use super::{sh, start_fixture};
use charmwright_testing::CapturedLog;

/// Returns a command that adds a line to the file `runs` each time that it is run.
fn counting(fixture: &Fixture) -> Exec {
    sh(format!("echo run >> {}; cat; exit 3", fixture.file("runs").display())).stdin("in")
}

/// Returns how often the command of [`counting`] has run.
fn runs(fixture: &Fixture) -> usize {
    std::fs::read_to_string(fixture.file("runs")).unwrap_or_default().lines().count()
}

// The websockets of the first command of a daemon, whose task has the id 1.
const CONTROL: &str = "/v1/tasks/1/websocket/control";
const STDIO: &str = "/v1/tasks/1/websocket/stdio";
const STDERR: &str = "/v1/tasks/1/websocket/stderr";

/// Injects the fault and asserts that the command succeeds all the same, has run once, and took
/// this many requests.
async fn assert_overcome(path: &str, fault: Fault, requests: usize) {
    let what = format!("{path}: {fault:?}");
    let Some(fixture) = start_fixture(&what) else {
        return;
    };
    let (proxy, client) = (&fixture.proxy, &fixture.client);
    let method = if path == "/v1/exec" { "POST" } else { "GET" };
    let rule = proxy.add(Rule::new(method, path, fault));
    let output = within(client.exec_output(&counting(&fixture)))
        .await
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((output.exit_code(), output.stdout()), (3, &b"in"[..]), "{what}");
    assert_eq!(proxy.fired(rule), 1, "{what}");
    assert_eq!((runs(&fixture), proxy.count("POST", "/v1/exec")), (1, requests), "{what}");
}

/// Returns a fault that replies with an error of Pebble.
fn refusal(status: u16, message: &str) -> Fault {
    Fault::Reply {
        status,
        body: format!(
            r#"{{"type":"error","status-code":{status},"result":{{"message":"{message}"}}}}"#
        ),
    }
}

#[tokio::test]
async fn a_request_that_is_lost_before_the_streams_is_made_again() {
    for fault in [
        Fault::DropReply,
        Fault::CutReplyAfter(12),
        Fault::CutReplyAfter(150),
        Fault::CutRequestBefore,
    ] {
        assert_overcome("/v1/exec", fault, 2).await;
    }
    for fault in [
        Fault::DropReply,
        Fault::CutReplyAfter(12),
        Fault::CutRequestBefore,
        refusal(404, "cannot find task \\\"1\\\""),
    ] {
        assert_overcome(CONTROL, fault, 2).await;
    }
    assert_overcome(STDIO, refusal(404, "cannot find task \\\"1\\\""), 2).await;
}

#[tokio::test]
async fn a_stream_that_provably_never_arrived_is_made_again() {
    // Only when Pebble has waited 5 s for the websocket is it known not to have arrived, so the
    // cases run side by side.
    let already = "stdio websocket already connected";
    tokio::join!(
        assert_overcome(STDIO, Fault::CutRequestBefore, 2),
        assert_overcome(STDERR, Fault::CutRequestBefore, 2),
        assert_overcome(STDIO, refusal(500, already), 2),
        assert_overcome(STDERR, Fault::Silence, 2),
        assert_overcome(CONTROL, Fault::Silence, 2),
    );
}

#[tokio::test]
async fn one_byte_at_a_time_is_slow_and_no_more() {
    for path in ["/v1/exec", CONTROL, STDIO, STDERR] {
        assert_overcome(path, Fault::DripFeed(Duration::ZERO), 1).await;
    }
    assert_overcome("/v1/changes/1/wait", Fault::DropReply, 1).await;
    assert_overcome("/v1/changes/1/wait", Fault::CutReplyAfter(30), 1).await;
}

#[tokio::test]
async fn a_command_that_may_have_run_is_not_run_again() {
    for (path, fault) in [
        (STDIO, Fault::DropReply),
        (STDIO, Fault::CutReplyAfter(20)),
        (STDERR, Fault::DropReply),
        (STDERR, Fault::CutReplyAfter(20)),
    ] {
        let Some(fixture) = start_fixture("a_command_that_may_have_run_is_not_run_again") else {
            return;
        };
        let what = format!("{path}: {fault:?}");
        let (proxy, client) = (&fixture.proxy, &fixture.client);
        proxy.add(Rule::new("GET", path, fault));
        let error = within(client.exec_output(&counting(&fixture))).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{what}: {error}");
        assert!(error.may_have_acted() && error.change().is_some(), "{what}: {error}");
        assert!(runs(&fixture) <= 1 && proxy.count("POST", "/v1/exec") == 1, "{what}");
    }
}

#[tokio::test]
async fn answers_that_are_no_websocket_have_a_result_each() {
    let garbage = || Fault::Garbage(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec());
    let wrong = || {
        let text = "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: \
                    websocket\r\nSec-WebSocket-Accept: bm8=\r\n\r\n";
        Fault::Garbage(text.into())
    };
    for (path, fault, kind) in [
        (CONTROL, garbage(), ErrorKind::Protocol),
        (CONTROL, wrong(), ErrorKind::Protocol),
        (CONTROL, refusal(400, "no"), ErrorKind::Api { status: 400 }),
        (
            CONTROL,
            refusal(500, "control websocket already connected"),
            ErrorKind::Api { status: 500 },
        ),
        (STDIO, refusal(400, "no"), ErrorKind::Api { status: 400 }),
        (
            STDERR,
            refusal(404, "cannot find stderr websocket for task"),
            ErrorKind::Api { status: 404 },
        ),
        (STDIO, refusal(401, "access denied"), ErrorKind::PermissionDenied),
    ] {
        let what = format!("{path}: {fault:?}");
        let Some(fixture) = start_fixture(&what) else {
            return;
        };
        let (proxy, client) = (&fixture.proxy, &fixture.client);
        proxy.add(Rule::new("GET", path, fault));
        let error = within(client.exec_output(&counting(&fixture))).await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_acted()), (&kind, false), "{what}: {error}");
        assert_eq!((runs(&fixture), proxy.count("POST", "/v1/exec")), (0, 1), "{what}");
    }
}

#[tokio::test]
async fn a_task_that_has_ended_is_asked_for_its_outcome() {
    let Some(fixture) = start_fixture("a_task_that_has_ended") else {
        return;
    };
    let (proxy, client) = (&fixture.proxy, &fixture.client);
    // Another client aborts the change before the command runs. Pebble then answers the upgrade
    // with 200 or 500.
    let aborter = Client::new(fixture.daemon.socket());
    let fault = Fault::before(move |_| {
        let aborter = aborter.clone();
        let abort = async move {
            let id = "1".parse().unwrap();
            aborter.abort_change(&id).await.unwrap();
            aborter.wait_change(&id, Duration::from_secs(10)).await.unwrap();
        };
        // The callback runs on a thread of the proxy, which has no runtime.
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(abort);
    });
    proxy.add(Rule::new("GET", CONTROL, fault));
    let error = within(client.exec_output(&counting(&fixture))).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::OutcomeUnknown | ErrorKind::ChangeFailed),
        "{error:?}"
    );
    assert_eq!((runs(&fixture), proxy.count("POST", "/v1/exec")), (0, 1), "{error}");
}

/// Runs a command that does not end, calls `break_it` once the command runs, and returns the errors
/// of the wait and of a read of its output. Asserts that the command has ended.
async fn errors_after(
    client: &Client,
    path: &Path,
    break_it: impl FnOnce(),
) -> (charmwright_pebble::Error, std::io::Error) {
    let exec = sh(format!("echo out; echo $$ > {}; exec sleep 600", path.display()));
    let mut process = within(client.exec(&exec)).await.unwrap();
    let mut stdout = process.take_stdout().unwrap();
    let pid = written_pid(path).await;
    let mut first = [0; 4];
    within(stdout.read_exact(&mut first)).await.unwrap();
    assert_eq!(&first, b"out\n");
    break_it();
    let (error, read) =
        within(async { tokio::join!(process.wait(), stdout.read(&mut first)) }).await;
    drop(process);
    until("the command is gone", async || !is_running(pid)).await;
    (error.unwrap_err(), read.unwrap_err())
}

#[tokio::test]
async fn connections_that_break_in_the_middle_end_it() {
    let Some(fixture) = start_fixture("connections_that_break_in_the_middle") else {
        return;
    };
    let (proxy, client) = (&fixture.proxy, &fixture.client);
    let (error, read) =
        errors_after(client, &fixture.file("pid"), || proxy.cut_connections()).await;
    assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert!(
        error.may_have_acted() && error.to_string().contains("broke before its end"),
        "{error}"
    );
    assert_eq!(read.kind(), std::io::ErrorKind::ConnectionReset, "{read}");
}

#[tokio::test]
async fn a_daemon_that_is_killed_in_the_middle_is_told() {
    for forgetful in [false, true] {
        let options = DaemonOptions::new();
        let options = if forgetful { options.forgetful() } else { options };
        let Some(fixture) = Fixture::start("a_daemon_that_is_killed_in_the_middle", options.hold())
        else {
            return;
        };
        let restart = || {
            fixture.daemon.kill().unwrap();
            fixture.daemon.start_again().unwrap();
        };
        let (error, _) = errors_after(&fixture.direct, &fixture.file("pid"), restart).await;
        assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(error.may_have_acted(), "{error}");
    }
    let Some(fixture) = start_fixture("a_daemon_that_is_killed_in_the_middle") else {
        return;
    };
    let few = policy().attempts(NonZeroU32::new(3).unwrap());
    let client = Client::new(fixture.daemon.socket()).with_retry(few);
    let (error, _) =
        errors_after(&client, &fixture.file("pid"), || fixture.daemon.kill().unwrap()).await;
    assert_eq!(*error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.may_have_acted(), "{error}");
}

/// An observer that starts the daemon again when an attempt has failed because it does not run.
struct Starter(Arc<Daemon>);

impl RetryObserver for Starter {
    fn attempt_failed(&self, failure: &FailedAttempt) {
        if failure.delay().is_some() && !self.0.is_running() {
            self.0.start_again().unwrap();
        }
    }
}

#[tokio::test]
async fn the_log_tells_one_story_of_a_daemon_that_is_killed_in_the_middle() {
    let Some(fixture) = start_fixture("the_log_tells_one_story") else {
        return;
    };
    let client = fixture.direct.clone();
    let client = client.with_observer(Arc::new(Starter(Arc::clone(&fixture.daemon))));
    let log = CapturedLog::default();
    let _default = tracing::subscriber::set_default(log.clone());
    let kill = || fixture.daemon.kill().unwrap();
    let (error, _) = errors_after(&client, &fixture.file("pid"), kill).await;
    assert!(error.to_string().starts_with("cannot run command "), "{error}");
    // The log has a line for each step. The call as a whole is reported by its error and not
    // logged.
    let lines = log.lines();
    assert!(!lines.iter().any(|(_, line)| line.contains("run command")), "{lines:?}");
    let is_recovery = |line: &str| line.starts_with("could learn the end of command ");
    assert!(lines.iter().any(|(_, line)| is_recovery(line)), "{lines:?}");
}

#[tokio::test]
async fn a_daemon_that_is_killed_on_the_way_runs_it_at_most_once() {
    for forgetful in [false, true] {
        for (path, answered) in [
            ("/v1/exec", false),
            ("/v1/exec", true),
            (CONTROL, false),
            (CONTROL, true),
            (STDIO, false),
            (STDIO, true),
            (STDERR, false),
            (STDERR, true),
        ] {
            let options = DaemonOptions::new();
            let options = if forgetful { options.forgetful() } else { options };
            let Some(fixture) =
                Fixture::start("a_daemon_that_is_killed_on_the_way", options.hold())
            else {
                return;
            };
            let what = format!("killed at {path}, answered: {answered}, forgetful: {forgetful}");
            let (proxy, client) = (&fixture.proxy, &fixture.client);
            let daemon = Arc::clone(&fixture.daemon);
            let restart = move |_: &SeenRequest| {
                daemon.kill().unwrap();
                daemon.start_again().unwrap();
            };
            let fault =
                if answered { Fault::before_reply(restart) } else { Fault::before(restart) };
            let rule = proxy.add(Rule::new("", path, fault));
            let result = within(client.exec_output(&counting(&fixture))).await;
            assert_eq!(proxy.fired(rule), 1, "{what}");
            let runs = runs(&fixture);
            match result {
                Ok(output) => assert_eq!((output.exit_code(), runs), (3, 1), "{what}"),
                Err(error) => {
                    assert!(runs <= 1 && error.may_have_acted(), "{what}, {runs} runs: {error}");
                    assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{what}: {error}");
                    // Before the control websocket is connected the command cannot have run, so
                    // the call has to succeed then.
                    assert!(path == STDIO || path == STDERR || answered, "{what}: {error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_daemon_that_comes_late_is_waited_for() {
    let Some(fixture) = start_fixture("a_daemon_that_comes_late") else {
        return;
    };
    let (proxy, client) = (&fixture.proxy, &fixture.client);
    proxy.add(Rule::new("POST", "/v1/exec", Fault::Refuse(Duration::from_millis(400))));
    let output = within(client.exec_output(&counting(&fixture))).await.unwrap();
    assert_eq!((output.exit_code(), runs(&fixture)), (3, 1));
    fixture.daemon.kill().unwrap();
    let once =
        Client::new(fixture.daemon.socket()).with_retry(RetryPolicy::once(Duration::from_secs(2)));
    let error = within(once.exec_output(&counting(&fixture))).await.unwrap_err();
    assert_eq!((error.kind(), error.may_have_acted()), (&ErrorKind::Unreachable, false), "{error}");
}

//! These cases open the websockets of a command without the client: the replies to the upgrades,
//! which of them a command needs to start, and what the end of each does to the command.

use std::time::Duration;

use charmwright_pebble::{Change, ChangeId, ChangeStatus, Client, ErrorKind};
use charmwright_tests::wait::WAIT_LIMIT;

use super::exec::exit_code;
use super::pebble::{Pebble, add, sleeper, until};
use super::raw::{Answer, post};
use super::websocket::{Frame, Socket, connect};

/// A command that Pebble has accepted and that waits for its websockets.
struct Waiting {
    task: String,
    change: ChangeId,
}

impl Waiting {
    /// Sends the request for a shell script. `more` is JSON text with further members of the
    /// request, which begins with a comma.
    fn new(pebble: &impl Pebble, script: &str, more: &str) -> Self {
        let command = serde_json::json!(["/bin/sh", "-c", script]);
        let answer = post(pebble, "/v1/exec", &format!(r#"{{"command":{command}{more}}}"#));
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        let json = answer.json();
        Self {
            task: json["result"]["task-id"].as_str().unwrap().to_owned(),
            change: json["change"].as_str().unwrap().parse().unwrap(),
        }
    }

    fn connect(&self, pebble: &impl Pebble, name: &str) -> Socket {
        connect(pebble, &self.task, name)
            .unwrap_or_else(|answer| panic!("{name}: {}", answer.error_message()))
    }

    async fn wait_for_end(&self, client: &Client) -> Change {
        client.wait_change(&self.change, WAIT_LIMIT).await.unwrap()
    }
}

fn refusal(result: Result<Socket, Answer>) -> (u16, String) {
    let answer = result.err().expect("no websocket");
    (answer.status, answer.error_message())
}

pub(crate) async fn are_refused(pebble: &impl Pebble) {
    let client = pebble.client();
    add(&client, [("web", sleeper())]).await;
    let stopped = client.stop(["web"]).await.unwrap();
    let other = stopped.tasks()[0].id().to_owned();
    let exec = Waiting::new(pebble, "echo ready; cat", "");
    // Pebble replies to the upgrade before it registers the websocket. Data from it show that it is
    // registered.
    let mut stdio = exec.connect(pebble, "stdio");
    assert_eq!(stdio.frame(), Some(Frame::Data(b"ready\n".to_vec())));
    let new = pebble.has("1.25");
    let task = &exec.task;
    for (task, name, status, text, old) in [
        (
            "4711",
            "stdio",
            404,
            "cannot find task \"4711\"".to_owned(),
            "cannot find task with id \"4711\"",
        ),
        (
            &other,
            "stdio",
            400,
            "\"stop\" tasks do not have websockets".to_owned(),
            "\"stop\" tasks do not have websockets",
        ),
        (
            task,
            "nothing",
            404,
            format!("cannot find nothing websocket for task \"{task}\""),
            "cannot find websocket with id \"nothing\"",
        ),
        (
            task,
            "stderr",
            404,
            format!("cannot find stderr websocket for task \"{task}\""),
            "cannot find websocket with id \"stderr\"",
        ),
        (
            task,
            "stdio",
            500,
            "stdio websocket already connected".to_owned(),
            "cannot connect to websocket \"stdio\": websocket \"stdio\" already connected",
        ),
    ] {
        let text = if new { text } else { old.to_owned() };
        assert_eq!(refusal(connect(pebble, task, name)), (status, text));
    }
    // This request asks for no upgrade.
    let plain = super::raw::get(pebble, &format!("/v1/tasks/{task}/websocket/control"));
    assert_eq!(plain.status, 400);
}

pub(crate) async fn of_a_command_that_is_over_are_none(pebble: &impl Pebble) {
    let client = pebble.client();
    let (done, failed) = (Waiting::new(pebble, "true", ""), Waiting::new(pebble, "true", ""));
    let mut stdio = done.connect(pebble, "stdio");
    assert_eq!(stdio.output(), b"");
    assert_eq!(exit_code(&done.wait_for_end(&client).await), Some(0));
    client.abort_change(&failed.change).await.unwrap();
    let change = failed.wait_for_end(&client).await;
    let err = change.err().unwrap();
    assert_eq!((change.status(), exit_code(&change)), (&ChangeStatus::Error, None));
    assert!(err.contains("context canceled"), "{err}");
    // A Pebble before 1.25 does not reply to such a request at all.
    if pebble.has("1.25") {
        // Trap: the status is 200, and there is no websocket.
        let answer = connect(pebble, &done.task, "control").err().unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, 0));
        assert_eq!(refusal(connect(pebble, &failed.task, "stdio")), (500, err.to_owned()));
    }
}

pub(crate) async fn are_waited_for_5_seconds(pebble: &impl Pebble) {
    let client = pebble.client();
    let file = pebble.folder().join("ran");
    let exec =
        Waiting::new(pebble, &format!("touch {}", file.display()), r#","split-stderr":true"#);
    // The websocket of stderr is missing, which this command needs.
    let _control = exec.connect(pebble, "control");
    let _stdio = exec.connect(pebble, "stdio");
    let change = exec.wait_for_end(&client).await;
    assert_eq!(*change.status(), ChangeStatus::Error);
    let text = format!(
        "exec {}: timeout waiting for websocket connections: context deadline exceeded",
        exec.task
    );
    assert!(change.err().unwrap().contains(&text), "{change:?}");
    assert!(!file.exists(), "it never ran");
}

pub(crate) async fn carry_data_and_its_end(pebble: &impl Pebble) {
    let client = pebble.client();
    let exec = Waiting::new(pebble, "cat; echo err >&2; exit 9", r#","split-stderr":true"#);
    let mut control = exec.connect(pebble, "control");
    let mut stdio = exec.connect(pebble, "stdio");
    let mut stderr = exec.connect(pebble, "stderr");
    stdio.data(b"in\n");
    assert_eq!(stdio.frame(), Some(Frame::Data(b"in\n".to_vec())));
    // Pebble ignores text on the control websocket that it does not understand.
    control.text("{");
    control.text(r#"{"command":"dance"}"#);
    stdio.text(r#"{"command":"end"}"#);
    assert_eq!((stdio.output(), stderr.output()), (Vec::new(), b"err\n".to_vec()));
    assert_eq!(exit_code(&exec.wait_for_end(&client).await), Some(9));
    // Traps: the websockets of the streams stay open after the end of the command, and the control
    // websocket ends without a close frame.
    assert_eq!(control.frame(), None);
    assert!(stdio.is_quiet() && stderr.is_quiet());
}

pub(crate) async fn start_a_command_without_the_control_one(pebble: &impl Pebble) {
    let client = pebble.client();
    let exec = Waiting::new(pebble, "echo out; echo err >&2", "");
    let mut stdio = exec.connect(pebble, "stdio");
    assert_eq!(stdio.output(), b"out\nerr\n", "stderr is part of it unless asked for");
    assert_eq!(exit_code(&exec.wait_for_end(&client).await), Some(0));
}

pub(crate) async fn end_a_command_by_breaking(pebble: &impl Pebble) {
    let client = pebble.client();
    let script = "echo ready; read line; echo late; echo later; exit 3";
    let start = |script: &str| {
        let exec = Waiting::new(pebble, script, "");
        let control = exec.connect(pebble, "control");
        let mut stdio = exec.connect(pebble, "stdio");
        assert_eq!(stdio.frame(), Some(Frame::Data(b"ready\n".to_vec())));
        (exec, control, stdio)
    };
    let (killed, control, _stdio) = start(script);
    drop(control);
    let change = killed.wait_for_end(&client).await;
    assert_eq!((change.status(), exit_code(&change)), (&ChangeStatus::Done, Some(128 + 9)));
    let (closed, mut control, mut stdio) = start(script);
    control.close();
    stdio.data(b"line\n");
    assert_eq!(stdio.output(), b"late\nlater\n", "one that is closed in order ends nothing");
    assert_eq!(exit_code(&closed.wait_for_end(&client).await), Some(3));
    // When its stdio websocket breaks, the command reads the end of its input, and the next write
    // kills it with SIGPIPE.
    let file = pebble.folder().join("read");
    let script = format!(
        "echo ready; while read line; do :; done; touch {}; while echo late; do sleep 0.02; done; \
         exit 3",
        file.display()
    );
    let (broken, _control, stdio) = start(&script);
    drop(stdio);
    until(async || file.exists(), |exists| *exists).await;
    assert_eq!(exit_code(&broken.wait_for_end(&client).await), Some(128 + 13));
}

/// Asserts that the change is still running after 300 ms.
async fn assert_still_runs(client: &Client, exec: &Waiting) {
    let error = client.wait_change(&exec.change, Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeRunning, "{error}");
}

pub(crate) async fn that_nobody_reads_hold_a_command_up(pebble: &impl Pebble) {
    let client = pebble.client();
    let exec = Waiting::new(pebble, "head -c 8000000 /dev/zero", r#","timeout":"50ms""#);
    let mut stdio = exec.connect(pebble, "stdio");
    // Trap: the command does not even end at its timeout while its output is not read.
    assert_still_runs(&client, &exec).await;
    stdio.output();
    let change = exec.wait_for_end(&client).await;
    assert!(change.err().unwrap().contains("timed out after 50ms"), "{change:?}");
}

pub(crate) async fn that_others_hold_open_hold_a_command_up(pebble: &impl Pebble) {
    let client = pebble.client();
    let exec = Waiting::new(pebble, "sleep 600 & echo $!", "");
    let mut stdio = exec.connect(pebble, "stdio");
    let Some(Frame::Data(pid)) = stdio.frame() else {
        panic!("no pid");
    };
    // Trap: the command has ended, but its background process keeps its output open.
    assert_still_runs(&client, &exec).await;
    let pid = String::from_utf8(pid).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim_end().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert_eq!(stdio.output(), b"");
    assert_eq!(exit_code(&exec.wait_for_end(&client).await), Some(0));
}

//! These cases run commands: their settings, their output, how they end, and commands that Pebble
//! refuses.

use std::path::Path;
use std::time::Duration;

use charmwright_pebble::{
    Change, ChangeStatus, Client, ErrorKind, Exec, ExecOutput, Signal, UserFault,
};
use charmwright_tests::wait::WAIT_LIMIT;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::pebble::{Pebble, add, assert_refused, sleeper, until};
use super::raw::post;

/// Returns a command that runs a shell script.
fn sh(script: &str) -> Exec {
    Exec::new(["/bin/sh", "-c", script])
}

/// The id of the user and of the group `nobody`. Only root can run commands as another user.
const NOBODY: u32 = 65534;

async fn output(client: &Client, exec: &Exec) -> ExecOutput {
    client.exec_output(exec).await.unwrap()
}

/// Returns the exit code of a command from the data of its task, the only place that has it.
pub(crate) fn exit_code(change: &Change) -> Option<i64> {
    change.tasks()[0].data()?.get("exit-code")?.as_i64()
}

pub(crate) async fn gives_output_and_exit_code(pebble: &impl Pebble) {
    let client = pebble.client();
    let script = sh("cat; echo err >&2; exit 3").stdin("in\n");
    let split = output(&client, &script).await;
    assert_eq!(
        (split.exit_code(), split.stdout(), split.stderr()),
        (3, &b"in\n"[..], &b"err\n"[..])
    );
    let combined = output(&client, &script.combine_stderr()).await;
    assert_eq!((combined.stdout(), combined.stderr()), (&b"in\nerr\n"[..], &b""[..]));
    // Trap: the change of a command with an exit code other than 0 is `Done` and has no error.
    let process = client.exec(&sh("exit 7")).await.unwrap();
    assert_eq!(process.wait().await.unwrap().exit_code(), 7);
    let change = client.change(process.change_id()).await.unwrap();
    assert_eq!((change.status(), change.err()), (&ChangeStatus::Done, None));
    assert_eq!((change.kind(), exit_code(&change)), ("exec", Some(7)));
    assert_eq!(change.summary(), "Execute command \"/bin/sh\"");
    let task =
        if pebble.has("1.8") { "Execute command \"/bin/sh\"" } else { "exec command \"/bin/sh\"" };
    assert_eq!(change.tasks()[0].summary(), task);
    // These bytes are more than all buffers between the client and the command hold, in both
    // directions.
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    let echoed = output(&client, &Exec::new(["cat"]).stdin(large.clone())).await;
    assert!(echoed.stdout() == large, "{echoed:?}");
}

/// The PATH that an old Pebble gives to commands.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Returns the home of the user of this process in `/etc/passwd`.
fn home_of_this_user() -> Option<String> {
    let id = rustix::process::geteuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let mut users = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let user = users.find(|user| user.get(2) == Some(&id.as_str()))?;
    Some(user[5].to_owned())
}

pub(crate) async fn runs_where_and_with_what_it_is_told(pebble: &impl Pebble) {
    let client = pebble.client();
    let text = async |exec: Exec| output(&client, &exec).await.stdout_text().into_owned();
    assert_eq!(text(Exec::new(["pwd"]).working_dir("/usr")).await, "/usr\n");
    // Since 1.3 a command has the environment of the daemon, which is that of this process. Before,
    // it had the home of the daemon's user and a fixed PATH.
    let (home, path) = if pebble.has("1.3") {
        (std::env::var("HOME").ok(), std::env::var("PATH").unwrap())
    } else {
        (home_of_this_user(), DEFAULT_PATH.to_owned())
    };
    let home = home.filter(|home| !home.is_empty()).or_else(home_of_this_user);
    let home = home.unwrap_or_else(|| "/".to_owned());
    let home = std::fs::canonicalize(home).unwrap();
    let ran_in = text(Exec::new(["/bin/pwd"])).await;
    assert_eq!(Path::new(ran_in.trim_end()), home);
    assert_eq!(text(sh("echo $PATH")).await.trim_end(), path);
    let odd = "a 'b' \"c\" $HOME \\ \n ü";
    let script = sh("printf '%s|' \"$ODD\" \"$EMPTY\" \"$LANG\"").envs([
        ("ODD", odd),
        ("EMPTY", ""),
        ("LANG", "C"),
    ]);
    assert_eq!(text(script).await, format!("{odd}||C|"));
    let answer = post(
        pebble,
        "/v1/exec",
        r#"{"command":["true"],"environment":{"A":"1"},"working-dir":"/usr"}"#,
    );
    let json = answer.json();
    assert_eq!((answer.status, &json["type"]), (202, &"async".into()));
    assert_eq!(json["result"]["working-dir"], "/usr");
    assert_eq!(json["result"]["environment"]["A"], "1");
    // Trap: the reply has the complete environment, and not only the variables of the request.
    assert!(
        json["result"]["environment"]["PATH"].is_string() && json["result"]["task-id"].is_string()
    );
}

pub(crate) async fn runs_as_whom_it_is_told(pebble: &impl Pebble) {
    let client = pebble.client();
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run as root: another user was left out");
        return;
    }
    let text = async |exec: Exec| {
        let output = output(&client, &exec.working_dir("/")).await;
        output.stdout_text().into_owned()
    };
    let ids = || sh("echo $(id -u) $(id -g)");
    let nobody = format!("{NOBODY} {NOBODY}\n");
    assert_eq!(text(ids().user("nobody")).await, nobody);
    assert_eq!(text(ids().user_id(NOBODY).group_id(NOBODY)).await, nobody);
    assert_eq!(text(ids().user("nobody").group("root")).await, format!("{NOBODY} 0\n"));
    let alone = client.exec_output(&ids().user_id(NOBODY).working_dir("/")).await;
    if pebble.has("1.18") {
        assert_eq!(alone.unwrap().stdout_text(), nobody);
    } else {
        assert_refused(alone, 400, "must specify group, not just UID");
    }
    let who = text(sh("echo $HOME $USER").user("nobody")).await;
    assert_eq!(who, "/nonexistent nobody\n");
}

pub(crate) async fn takes_a_service_for_its_context(pebble: &impl Pebble) {
    let client = pebble.client();
    let mut service = sleeper().env("OF", "service").env("OVER", "service");
    if pebble.has("1.3") {
        service = service.working_dir("/usr");
    }
    add(&client, [("web", service)]).await;
    let exec = sh("echo $OF $OVER; pwd").env("OVER", "exec");
    let context = output(&client, &exec.clone().service_context("web")).await;
    let nobodys = client.exec_output(&exec.clone().service_context("nobody")).await;
    if pebble.has("1.3") {
        assert_eq!(context.stdout_text(), "service exec\n/usr\n");
        let there = output(&client, &exec.service_context("web").working_dir("/")).await;
        assert_eq!(there.stdout_text(), "service exec\n/\n");
        assert_refused(nobodys, 400, "context service \"nobody\" not found");
    } else {
        // A Pebble before 1.3 ignores the context.
        assert!(context.stdout_text().starts_with("exec\n"), "{}", context.stdout_text());
        assert_eq!(nobodys.unwrap().exit_code(), 0);
    }
}

pub(crate) async fn that_cannot_be_run_are_refused(pebble: &impl Pebble) {
    let client = pebble.client();
    let error = client.exec_output(&Exec::new(["no-such-program"])).await.unwrap_err();
    assert_eq!(error.user_fault(), Some(UserFault::Command), "{error}");
    let text = if pebble.has("1.3") {
        "cannot find executable \"no-such-program\""
    } else {
        "exec: \"no-such-program\": executable file not found in $PATH"
    };
    assert_refused::<()>(Err(error), 400, text);
    for (path, text, old) in [
        ("/no/such", "does not exist", "no such file or directory"),
        ("/dev/null", "not a directory", "not a directory"),
    ] {
        let exec = Exec::new(["true"]).working_dir(path);
        let error = client.exec_output(&exec).await.unwrap_err();
        if pebble.has("1.3") {
            assert_eq!(error.user_fault(), Some(UserFault::WorkingDir), "{error}");
            let (status, text) = if pebble.has("1.4") {
                (500, text)
            } else {
                (400, "cannot find working directory ")
            };
            assert_refused::<()>(Err(error), status, text);
        } else {
            // The error of a Pebble before 1.3 does not say that the folder is at fault.
            assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
            assert!(error.to_string().ends_with(&format!("true: {old}")), "{error}");
        }
    }
    let exec = || Exec::new(["true"]).working_dir("/");
    for (exec, fault, text) in [
        (exec().user("no-such-user"), UserFault::User, "unknown user no-such-user"),
        (
            exec().user("root").group("no-such-group"),
            UserFault::Group,
            "unknown group no-such-group",
        ),
        (exec().group("root"), UserFault::User, "must specify user, not just group"),
        (exec().user("root").user_id(7), UserFault::User, "does not match user-id"),
    ] {
        let error = client.exec_output(&exec).await.unwrap_err();
        assert_eq!(error.user_fault(), Some(fault), "{error}");
        assert_refused::<()>(Err(error), 400, text);
    }
    for (body, status, text) in [
        (r#"{"command":[]}"#, 400, "must specify command"),
        (r#"{}"#, 400, "must specify command"),
        (r#"{"command":["true"],"timeout":"5"}"#, 400, "invalid timeout: "),
        (r#"{"command":["no-such-program"],"timeout":"x"}"#, 400, "invalid timeout: "),
        (r#"{"command":["true"],"timeout":5}"#, 400, "cannot decode request body: "),
        (
            r#"{"command":["true"],"interactive":true}"#,
            500,
            "cannot call exec: cannot use interactive mode without a terminal",
        ),
    ] {
        let answer = post(pebble, "/v1/exec", body);
        assert!(
            answer.status == status && answer.error_message().starts_with(text),
            "{body}: {} {}",
            answer.status,
            answer.error_message()
        );
    }
}

pub(crate) async fn that_do_not_start_fail_their_change(pebble: &impl Pebble) {
    let client = pebble.client();
    let path = pebble.folder().join("program");
    std::fs::write(&path, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let error = client.exec_output(&Exec::new([path.to_str().unwrap()])).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed, "{error}");
    assert!(error.to_string().contains("no such file or directory"), "{error}");
    let change = error.change().unwrap();
    assert_eq!((change.status(), exit_code(change)), (&ChangeStatus::Error, Some(-1)));
}

pub(crate) async fn are_killed_at_their_timeout(pebble: &impl Pebble) {
    let client = pebble.client();
    let mut process = client
        .exec(&sh("echo before; exec sleep 600").timeout(Duration::from_millis(200)))
        .await
        .unwrap();
    let mut stdout = process.take_stdout().unwrap();
    let mut text = String::new();
    let (read, waited) = tokio::join!(stdout.read_to_string(&mut text), process.wait());
    read.unwrap();
    assert_eq!(text, "before\n", "what it wrote before is there");
    let error = waited.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(
        error.to_string().contains("timed out after 200ms: context deadline exceeded"),
        "{error}"
    );
    let change = error.change().unwrap();
    assert_eq!((change.status(), exit_code(change)), (&ChangeStatus::Error, Some(-1)));
}

pub(crate) async fn end_by_signals(pebble: &impl Pebble) {
    let client = pebble.client();
    let killed = output(&client, &sh("kill -TERM $$")).await;
    assert_eq!(killed.exit_code(), 128 + 15);
    let mut process = client
        .exec(&sh("trap 'echo caught; exit 4' USR1; echo ready; while :; do sleep 0.02; done"))
        .await
        .unwrap();
    let mut stdout = process.take_stdout().unwrap();
    let mut ready = [0; 6];
    stdout.read_exact(&mut ready).await.unwrap();
    process.signal(&Signal::USR1).await.unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).await.unwrap();
    assert_eq!((rest.as_str(), process.wait().await.unwrap().exit_code()), ("caught\n", 4));
}

pub(crate) async fn that_are_aborted_are_killed_and_done(pebble: &impl Pebble) {
    let client = pebble.client();
    let mut process = client.exec(&sh("echo ready; exec sleep 600")).await.unwrap();
    let mut stdout = process.take_stdout().unwrap();
    stdout.read_exact(&mut [0; 6]).await.unwrap();
    client.abort_change(process.change_id()).await.unwrap();
    // Trap: the abort of a command is no error of its change.
    assert_eq!(process.wait().await.unwrap().exit_code(), 128 + 9);
    let change = client.change(process.change_id()).await.unwrap();
    assert_eq!((change.status(), change.err()), (&ChangeStatus::Done, None));
}

pub(crate) async fn have_a_terminal(pebble: &impl Pebble) {
    let client = pebble.client();
    let script = "test -t 1 && echo is one; test -t 0 || echo and its input is none; stty size \
                  <&1; echo err >&2";
    let output = output(&client, &sh(script).terminal(81, 26)).await;
    assert_eq!(
        output.stdout_text(),
        "is one\r\nand its input is none\r\n26 81\r\nerr\r\n",
        "{}",
        output.stderr_text()
    );
    let script = "echo ready.; while read line; do echo \"<$line> $(stty size).\"; done; exit 5";
    let mut process = client.exec(&sh(script).terminal(81, 26).interactive()).await.unwrap();
    let (mut stdin, mut stdout) = (process.take_stdin().unwrap(), process.take_stdout().unwrap());
    let mut seen = String::new();
    let mut next = async || {
        while !seen.ends_with(".\r\n") {
            let mut buffer = [0; 256];
            let read = stdout.read(&mut buffer).await.unwrap();
            assert!(read > 0, "it ended after {seen:?}");
            seen.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        std::mem::take(&mut seen)
    };
    assert_eq!(next().await, "ready.\r\n");
    stdin.write_all(b"line\n").await.unwrap();
    assert_eq!(next().await, "line\r\n<line> 26 81.\r\n", "what is typed is shown, too");
    process.resize(99, 33).await.unwrap();
    // The new size is sent on the control websocket and the line on that of stdin, so either may
    // arrive first.
    loop {
        stdin.write_all(b"again\n").await.unwrap();
        if next().await.contains("<again> 33 99.") {
            break;
        }
    }
    // Since 1.16 Pebble sends the terminal a Ctrl-D at the end of the input. Before, the client had
    // to send it.
    if pebble.has("1.16") {
        stdin.shutdown().await.unwrap();
    } else {
        stdin.write_all(&[4]).await.unwrap();
    }
    assert_eq!(process.wait().await.unwrap().exit_code(), 5);
    let script = sh("echo ready; exec cat").terminal(80, 25).interactive();
    let mut process = client.exec(&script).await.unwrap();
    let (mut stdin, mut stdout) = (process.take_stdin().unwrap(), process.take_stdout().unwrap());
    // A Ctrl-C that is sent before the process runs is lost, so the case waits for its first
    // output.
    stdout.read_exact(&mut [0; 7]).await.unwrap();
    stdin.write_all(&[3]).await.unwrap();
    assert_eq!(process.wait().await.unwrap().exit_code(), 128 + 2, "Ctrl-C is SIGINT");
}

pub(crate) async fn that_a_restart_interrupts_have_no_known_end(pebble: &impl Pebble) {
    let client = pebble.client();
    let file = pebble.folder().join("pid");
    let exec = sh(&format!("echo $$ > {}; exec sleep 600", file.display()));
    let process = client.exec(&exec).await.unwrap();
    let written = async || std::fs::read_to_string(&file).unwrap_or_default();
    until(written, |text| text.ends_with('\n')).await;
    pebble.restart();
    let error = process.wait().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    let change = client.wait_change(process.change_id(), WAIT_LIMIT).await.unwrap();
    assert_eq!(exit_code(&change), None);
    if pebble.has("1.26") {
        // Trap: the change is `Done` without an error. Only the missing exit code shows that the
        // command was interrupted.
        assert_eq!((change.status(), change.err()), (&ChangeStatus::Done, None));
    } else {
        // The restarted Pebble ran the task again, which waited for websockets in vain, or (since
        // 1.16) failed at once.
        let text = if pebble.has("1.16") {
            "cannot get exec setup object for task"
        } else {
            "timeout waiting for websocket connections"
        };
        assert!(change.err().unwrap().contains(text), "{change:?}");
    }
}

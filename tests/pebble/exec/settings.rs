//! These tests set the environment, the user, the group, the working directory and the service
//! context of a command.

use charmwright_pebble::{Exec, Layer, LayerMode, Service};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;

use super::{sh, start_fixture};

/// The id of the user and of the group `nobody`. Only root can run commands as another user, so
/// tests that are not run by root skip that.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .any(|line| line.starts_with("Uid:\t0\t"))
}

#[tokio::test]
async fn environment_and_arguments_arrive_as_they_are() {
    let options =
        DaemonOptions::new().forgetful().env("FROM_DAEMON", "daemon").env("BOTH", "daemon");
    let Some(fixture) = Fixture::start("environment_and_arguments_arrive", options.hold()) else {
        return;
    };
    let odd = "a 'b' \"c\" $HOME \\ \n ü \u{7f}";
    let exec = Exec::new([
        "/bin/sh",
        "-c",
        "printf '%s|' \"$FROM_DAEMON\" \"$BOTH\" \"$ODD\" \"$EMPTY\" \"$1\"",
        "sh",
        odd,
    ])
    .env("BOTH", "exec")
    .envs([("ODD", odd), ("EMPTY", "")]);
    let output = fixture.output(&exec).await;
    assert_eq!(output.stdout_text(), format!("daemon|exec|{odd}||{odd}|"));
}

#[tokio::test]
async fn it_runs_where_and_as_whom_it_is_told() {
    let Some(fixture) = start_fixture("it_runs_where_and_as_whom_it_is_told") else {
        return;
    };
    let output = fixture.output(&Exec::new(["pwd"]).working_dir("/usr/lib")).await;
    assert_eq!(output.stdout(), b"/usr/lib\n");
    if !is_root() {
        eprintln!("not run as root: what needs another user was left out");
        return;
    }
    // Every user can enter `/`. The default may be a folder that only root can enter.
    let at_root = |exec: Exec| exec.working_dir("/");
    for exec in [
        Exec::new(["id", "-u"]).user("nobody"),
        Exec::new(["id", "-u"]).user_id(NOBODY).group_id(NOBODY),
        Exec::new(["id", "-g"]).user_id(NOBODY).group_id(NOBODY),
    ] {
        let output = fixture.output(&at_root(exec)).await;
        assert_eq!(output.stdout_text(), format!("{NOBODY}\n"), "{}", output.stderr_text());
    }
    let output =
        fixture.output(&at_root(Exec::new(["id", "-gn"]).user("nobody").group("root"))).await;
    assert_eq!(output.stdout(), b"root\n", "{}", output.stderr_text());
}

#[tokio::test]
async fn a_service_lends_its_context() {
    let Some(fixture) = start_fixture("a_service_lends_its_context") else {
        return;
    };
    let service = Service::new()
        .command("sleep 60")
        .env("OF", "service")
        .env("OVER", "service")
        .working_dir("/usr");
    let layer = Layer::new().service("web", service);
    fixture.direct.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    let exec = sh("echo $OF $OVER; pwd").service_context("web").env("OVER", "exec");
    assert_eq!(fixture.output(&exec).await.stdout(), b"service exec\n/usr\n");
    // A restarted daemon has lost the layer. The client restores it before it runs the command.
    fixture.daemon.kill().unwrap();
    fixture.daemon.start_again().unwrap();
    assert_eq!(fixture.output(&exec).await.stdout(), b"service exec\n/usr\n");
}

//! The first command of a newcomer: `cargo dev` in a checkout, with no Pebble, workload or charm of
//! their own.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::{daemon_or_skip, pebble_binary};

use crate::support::{CHARMWRIGHT, Run};

/// Runs `charmwright dev` in the checkout, as the alias does, and checks that the temporary folder
/// is empty in the end.
fn cargo_dev(test: &str, args: &[&str], script: &str) -> Option<Run> {
    drop(daemon_or_skip(test, DaemonOptions::default())?);
    let pebble = pebble_binary::find_or_build(None, &mut |_| {}).unwrap();
    let folder = tempfile::Builder::new().prefix("cw").tempdir().unwrap();
    let mut child = Command::new(CHARMWRIGHT)
        .arg("dev")
        .args(args)
        .arg("--pebble")
        .arg(pebble)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .env("TMPDIR", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(script.as_bytes());
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{}", run.stdout);
    Some(run)
}

#[test]
fn until_idle_brings_the_charm_to_active() {
    let args = ["--until-idle", "--speed", "10"];
    let Some(run) = cargo_dev("until_idle_brings_the_charm_to_active", &args, "") else {
        return;
    };
    run.exits(0).says("any-workload-k8s/0*  active").says("workload-pebble-ready");
}

#[test]
fn a_pebble_killed_under_a_config_change_comes_back_with_the_new_config() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let script = format!(
        "wait-for active 90s\nconfig port={port}\npebble kill\nsleep 1\npebble start\n\
         wait-for active 120s\nexpect active\nfetch http://127.0.0.1:{port}/\nquit\n"
    );
    let test = "a_pebble_killed_under_a_config_change_comes_back_with_the_new_config";
    let Some(run) = cargo_dev(test, &["--", "--speed", "10"], &script) else {
        return;
    };
    let port = format!("on port {port}");
    run.exits(0)
        .says("Pebble in workload has ended")
        .says("200 hello from the demo workload")
        .says(&port);
}

#[test]
fn a_pebble_that_comes_late_is_waited_for() {
    let script = "wait-for waiting\npebble start\nwait-for active\nupgrade\nwait-for active\nrun \
                  restart\nwait-for active\n";
    let args = ["--speed", "10", "--no-pebble"];
    let Some(run) = cargo_dev("a_pebble_that_comes_late_is_waited_for", &args, script) else {
        return;
    };
    run.exits(0)
        .says("deferred")
        .says("inside the hook")
        .says("upgrade-charm")
        .says("action 1: completed");
}

#[test]
fn the_demo_workload_says_where_it_listens_and_answers() {
    use std::io::{BufRead, BufReader, Read};
    let mut workload = Command::new(CHARMWRIGHT)
        .args(["demo-workload", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(workload.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address =
        line.trim().strip_prefix("demo-workload listens on http://").unwrap().trim_end_matches('/');
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    workload.kill().unwrap();
    workload.wait().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("hello from the demo workload"),
        "{answer}"
    );
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output =
        Command::new(CHARMWRIGHT).arg("demo-workload").env("PORT", &port).output().unwrap();
    Run::from(output).exits(1).says(&format!("cannot listen on 127.0.0.1:{port}"));
}

//! The oldest pinned Pebble, which runs like the current one.

use std::io::ErrorKind as IoKind;
use std::os::unix::net::UnixStream;

use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::pebble_binary::{Pinned, Search};
use charmwright_testing::processes::is_running;
use charmwright_testing::proxy::FaultProxy;
use charmwright_testing::{ErrorKind, daemon_or_skip};
use charmwright_tests::wait::{pid_in, until_blocking};
use charmwright_tests::wire::ask;

use super::{IDLE, START, changes};

/// Returns the version that the daemon names.
fn version(daemon: &Daemon) -> String {
    let (status, body) = ask(daemon.socket(), "GET", "/v1/system-info", "").unwrap();
    assert_eq!(status, 200, "{body}");
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    document["result"]["version"].as_str().unwrap().to_owned()
}

#[test]
fn it_is_the_version_that_it_is_pinned_at() {
    let options = DaemonOptions::new().pinned(Pinned::Oldest);
    let Some(oldest) = daemon_or_skip("the oldest Pebble's version", options) else {
        return;
    };
    assert_eq!(version(&oldest), Pinned::Oldest.version());
    assert_eq!(version(&oldest), "v1.1.1");
    let found = Search::new().pinned(Pinned::Oldest).find(&mut |_| {}).unwrap();
    assert_eq!(oldest.binary(), found);
    let current = Daemon::start(DaemonOptions::new()).unwrap();
    assert_ne!(current.binary(), oldest.binary());
}

#[test]
fn it_is_held_killed_stopped_and_started_again() {
    let pid_files = tempfile::tempdir().unwrap();
    let file = pid_files.path().join("service");
    let script = format!("echo $$ > {0}.tmp; mv {0}.tmp {0}; exec sleep 1000", file.display());
    let layer = format!(
        "services:\n  web:\n    override: replace\n    startup: enabled\n    command: sh -c \
         '{script}'\n{}",
        IDLE.trim_start_matches("services:\n")
    );
    let options = DaemonOptions::new().pinned(Pinned::Oldest).layer("base", layer).hold();
    let Some(daemon) = daemon_or_skip("the oldest Pebble is held", options) else {
        return;
    };
    // It knows `--hold`: the enabled service has not been started.
    assert!(changes(daemon.socket()).is_empty());
    let proxy = FaultProxy::start(daemon.socket()).unwrap();
    assert_eq!(ask(proxy.socket(), "POST", "/v1/services", START).unwrap().0, 202);
    let start = r#"{"action":"start","services":["web"]}"#;
    assert_eq!(ask(proxy.socket(), "POST", "/v1/services", start).unwrap().0, 202);
    until_blocking("the service runs", || pid_in(&file).is_some_and(is_running));
    let service = pid_in(&file).unwrap();

    daemon.kill().unwrap();
    assert!(!is_running(service));
    assert_eq!(UnixStream::connect(daemon.socket()).unwrap_err().kind(), IoKind::ConnectionRefused);
    daemon.start_again().unwrap();
    assert_eq!(daemon.boots(), 2);
    // It has kept its state, which has the two changes.
    assert_eq!(changes(daemon.socket()).len(), 2);

    // Pebble runs the starts again that the kill has interrupted. This version panics if it is
    // stopped in the middle of a start.
    until_blocking("what was interrupted is done", || {
        changes(daemon.socket()).iter().all(|change| change["ready"] == true)
    });
    let status = daemon.stop().unwrap().unwrap();
    assert!(status.success(), "{status}\n{}", daemon.log());
    assert_eq!(UnixStream::connect(daemon.socket()).unwrap_err().kind(), IoKind::NotFound);
    daemon.start_again().unwrap();
    assert_eq!(daemon.boots(), 3);
}

#[test]
fn its_second_socket_must_fit_too() {
    let options = DaemonOptions::new().pinned(Pinned::Oldest);
    let Some(daemon) = daemon_or_skip("is there an oldest Pebble", options.clone()) else {
        return;
    };
    let mut path = daemon.folder().to_path_buf().into_os_string();
    let length = 107 - path.len() - 1;
    path.push("/");
    path.push("x".repeat(length));
    let error = Daemon::start(options.socket(path)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SocketPath);
}

//! The start and the end of a daemon.

use std::io::ErrorKind as IoKind;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::processes::is_running;
use charmwright_testing::{ErrorKind, daemon_or_skip};
use charmwright_tests::wait::{pid_in, until_blocking};
use charmwright_tests::wire::ask;

use super::{IDLE, START, changes};

/// Returns a layer with a service that starts an orphan in a session of its own. Both write their
/// process ids to files in the folder.
fn layer_with_orphan(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "services:\n  web:\n    override: replace\n    startup: enabled\n    command: sh -c \
         '(setsid sh -c \"echo $$ > {folder}/orphan.tmp; mv {folder}/orphan.tmp {folder}/orphan; \
         exec sleep 1000\" >/dev/null 2>&1 &); echo $$ > {folder}/service.tmp; mv \
         {folder}/service.tmp {folder}/service; exec sleep 1000'\n"
    )
}

#[test]
fn a_killed_daemon_takes_everything_with_it_and_comes_back() {
    let pid_files = tempfile::tempdir().unwrap();
    let options = DaemonOptions::new().layer("base", layer_with_orphan(pid_files.path()));
    let Some(daemon) = daemon_or_skip("a killed daemon takes everything with it", options) else {
        return;
    };
    let (service, orphan) = (pid_files.path().join("service"), pid_files.path().join("orphan"));
    until_blocking("the service and its orphan run", || {
        pid_in(&service).is_some() && pid_in(&orphan).is_some()
    });
    let pids = [daemon.pid().unwrap(), pid_in(&service).unwrap(), pid_in(&orphan).unwrap()];
    assert!(pids.iter().all(|pid| is_running(*pid)));

    daemon.kill().unwrap();
    assert!(!pids.iter().any(|pid| is_running(*pid)), "{pids:?}");
    assert!(!daemon.is_running());
    assert_eq!(UnixStream::connect(daemon.socket()).unwrap_err().kind(), IoKind::ConnectionRefused);
    daemon.kill().unwrap();

    std::fs::remove_file(&service).unwrap();
    std::fs::remove_file(&orphan).unwrap();
    daemon.start_again().unwrap();
    assert_eq!(daemon.boots(), 2);
    assert!(daemon.start_again().unwrap_err().to_string().starts_with("cannot start Pebble"));
    until_blocking("the enabled service is started again", || {
        pid_in(&service).is_some() && pid_in(&orphan).is_some()
    });
    let pids = [pid_in(&service).unwrap(), pid_in(&orphan).unwrap()];

    let status = daemon.stop().unwrap().unwrap();
    assert!(status.success(), "{status}");
    assert!(!pids.iter().any(|pid| is_running(*pid)), "{pids:?}");
    assert_eq!(UnixStream::connect(daemon.socket()).unwrap_err().kind(), IoKind::NotFound);
    assert!(daemon.stop().unwrap().is_none());

    daemon.start_again().unwrap();
    let (folder, pid) = (daemon.folder().to_path_buf(), daemon.pid().unwrap());
    drop(daemon);
    assert!(!is_running(pid));
    assert!(!folder.exists());
}

#[test]
fn a_held_and_forgetful_daemon_starts_nothing_and_counts_anew() {
    let layer = IDLE.replace("    command", "    startup: enabled\n    command");
    let options = DaemonOptions::new().layer("base", layer).hold().forgetful().container("web");
    let Some(daemon) = daemon_or_skip("a held daemon", options) else {
        return;
    };
    assert_eq!(daemon.containers().unwrap().join("web/pebble.socket"), daemon.socket());
    assert!(changes(daemon.socket()).is_empty());
    assert_eq!(ask(daemon.socket(), "POST", "/v1/services", START).unwrap().0, 202);
    assert_eq!(changes(daemon.socket())[0]["id"], "1");
    daemon.kill().unwrap();
    daemon.start_again().unwrap();
    assert!(changes(daemon.socket()).is_empty());
}

#[test]
fn a_daemon_that_cannot_start_says_why() {
    let options = DaemonOptions::new().layer("base", "services: [");
    if daemon_or_skip("is there a Pebble", DaemonOptions::new()).is_none() {
        return;
    }
    let error = Daemon::start(options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Daemon);
    assert!(error.to_string().contains("cannot parse layer"), "{error}");
    let long = PathBuf::from("/tmp").join("x".repeat(120));
    assert_eq!(
        Daemon::start(DaemonOptions::new().socket(long)).unwrap_err().kind(),
        ErrorKind::SocketPath
    );
}

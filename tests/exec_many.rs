//! This test runs a thousand commands one after the other and fifty at the same time. They must
//! leave no open files, threads, tasks or processes. It has a process of its own, since it counts
//! those of the process.

use charmwright_pebble::{Client, Exec};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::{daemon_or_skip, processes};
use charmwright_tests::wait::until_blocking;
use tokio::task::JoinSet;

/// The number of idle connections that a client keeps.
const IDLE_CONNECTIONS: usize = 4;

/// The number of files of the last few commands that the daemon may still have open.
const DAEMON_LEFTOVERS: usize = 16;

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn files_of(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

fn has_children(pid: u32) -> bool {
    processes::all().iter().any(|process| process.parent() == pid)
}

#[test]
fn many_commands_leave_nothing_behind() {
    let options = DaemonOptions::new().hold().forgetful();
    let Some(daemon) = daemon_or_skip("many_commands_leave_nothing_behind", options) else {
        return;
    };
    let pid = daemon.pid().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = Client::new(daemon.socket());
    runtime.block_on(async { client.system_info().await.unwrap() });
    let (files, tasks) = (open_files(), threads());
    let daemons = files_of(pid);
    runtime.block_on(async {
        for turn in 0..1000_u32 {
            let output = client
                .exec_output(&Exec::new(["/bin/echo", "-n", &turn.to_string()]))
                .await
                .unwrap();
            assert_eq!(output.stdout_text(), turn.to_string());
        }
    });
    assert_eq!((open_files(), threads()), (files, tasks), "after a thousand in a row");
    let metrics = runtime.metrics();
    assert_eq!(metrics.num_alive_tasks(), 0);
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for turn in 0..50_u8 {
            let client = client.clone();
            all.spawn(async move {
                let exec = Exec::new(["/bin/sh", "-c", "cat; exit $CODE"])
                    .env("CODE", turn.to_string())
                    .stdin(vec![turn; 100_000]);
                let output = client.exec_output(&exec).await.unwrap();
                assert_eq!(output.exit_code(), i32::from(turn));
                assert!(output.stdout() == vec![turn; 100_000]);
            });
        }
        while let Some(done) = all.join_next().await {
            done.unwrap();
        }
        // As many commands again are dropped while they run.
        let exec = Exec::new(["/bin/sleep", "600"]);
        let mut held = Vec::new();
        for _ in 0..50 {
            held.push(client.exec(&exec).await.unwrap());
        }
    });
    assert_eq!(metrics.num_alive_tasks(), 0);
    assert_eq!(threads(), tasks);
    assert!(open_files() <= files + IDLE_CONNECTIONS, "{} files, {files} before", open_files());
    until_blocking("the daemon has no process left", || !has_children(pid));
    // Pebble does not close its websockets: Go's garbage collector does, which only runs when there
    // is work. So commands are run until the files are closed.
    until_blocking("the daemon has closed its ends", || {
        runtime.block_on(async { client.exec_output(&Exec::new(["/bin/true"])).await.unwrap() });
        files_of(pid) <= daemons + DAEMON_LEFTOVERS
    });
    drop(client);
    assert!(open_files() < files, "the idle connection is closed, too");
}

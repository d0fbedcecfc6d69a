//! A thousand commands in a row and fifty side by side leave nothing behind. In a process of its
//! own, since it counts what the process holds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as expected"
)]

use std::time::{Duration, Instant};

use charmwright_pebble::{Client, Exec};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::daemon_or_skip;
use tokio::task::JoinSet;

/// Idle connections that a client keeps for later.
const KEPT: usize = 4;

/// What the daemon may still hold of the last few commands.
const A_FEW: usize = 16;

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

fn files_of(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

fn children_of(pid: u32) -> Vec<String> {
    let stats = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
        let (_, after) = stat.rsplit_once(')')?;
        let parent: u32 = after.split_whitespace().nth(1)?.parse().ok()?;
        (parent == pid).then_some(stat)
    });
    stats.collect()
}

fn within(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < limit, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
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
        // And as many that are given up in the middle.
        let exec = Exec::new(["/bin/sleep", "600"]);
        let mut held = Vec::new();
        for _ in 0..50 {
            held.push(client.exec(&exec).await.unwrap());
        }
    });
    assert_eq!(metrics.num_alive_tasks(), 0);
    assert_eq!(threads(), tasks);
    assert!(open_files() <= files + KEPT, "{} files, {files} before", open_files());
    within(Duration::from_secs(30), "the daemon has no process left", || {
        children_of(pid).is_empty()
    });
    // Pebble leaves the ends of its websockets to Go's garbage collector, which comes when there
    // was work.
    within(Duration::from_secs(30), "the daemon has closed its ends", || {
        runtime.block_on(async { client.exec_output(&Exec::new(["/bin/true"])).await.unwrap() });
        files_of(pid) <= daemons + A_FEW
    });
    drop(client);
    assert!(open_files() < files, "the kept connection is gone, too");
}

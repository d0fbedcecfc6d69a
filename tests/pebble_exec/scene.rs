//! A daemon, a proxy that spoils what a test names, and a client of each.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use charmwright_pebble::{Client, Exec, ExecOutput, RetryPolicy};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_testing::proxy::FaultProxy;

/// Longer than anything here takes, shorter than anybody's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Scene {
    pub(crate) daemon: Arc<Daemon>,
    pub(crate) client: Client,
}

/// A daemon with no state file, which would only be slow, and a client.
pub(crate) fn scene(test: &str) -> Option<Scene> {
    scene_with(test, DaemonOptions::new().forgetful())
}

pub(crate) fn scene_with(test: &str, options: DaemonOptions) -> Option<Scene> {
    let daemon = Arc::new(daemon_or_skip(test, options.hold())?);
    let client = Client::new(daemon.socket()).with_retry(policy());
    Some(Scene { daemon, client })
}

/// As the default, but in tenths.
pub(crate) fn policy() -> RetryPolicy {
    RetryPolicy::new()
        .step(Duration::from_millis(100))
        .cap(Duration::from_millis(500))
        .attempts(NonZeroU32::new(40).unwrap())
}

impl Scene {
    /// A proxy in front of the daemon, and a client of it.
    pub(crate) fn proxied(&self) -> (FaultProxy, Client) {
        let proxy = FaultProxy::start(self.daemon.socket()).unwrap();
        let client = Client::new(proxy.socket()).with_retry(policy());
        (proxy, client)
    }

    /// A path of this test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.daemon.folder().join(name)
    }

    pub(crate) async fn output(&self, exec: &Exec) -> ExecOutput {
        within(self.client.exec_output(exec)).await.unwrap()
    }
}

/// A shell script as a command.
pub(crate) fn sh(script: impl AsRef<str>) -> Exec {
    Exec::new(["/bin/sh", "-c", script.as_ref()])
}

/// Fails loudly instead of hanging.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it hangs")
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The process of the number that a command has written to a file.
pub(crate) async fn pid_in(path: &Path) -> u32 {
    let mut pid = None;
    until("a command writes its number", || {
        pid = std::fs::read_to_string(path)
            .ok()
            .filter(|text| text.ends_with('\n'))
            .and_then(|text| text.trim().parse().ok());
        pid.is_some()
    })
    .await;
    pid.unwrap()
}

pub(crate) fn is_alive(pid: u32) -> bool {
    // A zombie is as dead as one that was reaped.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
    })
}

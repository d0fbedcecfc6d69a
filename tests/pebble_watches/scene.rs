//! A daemon with layers on disk, a proxy in front of it, and two clients: one through the proxy,
//! one beside it.

use std::future::Future;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use charmwright_pebble::{Client, RetryPolicy};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_testing::proxy::{Door, FaultProxy};

/// Longer than anything here takes, shorter than anybody's patience.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Scene {
    pub(crate) proxy: FaultProxy,
    pub(crate) daemon: Daemon,
    /// Through the proxy.
    pub(crate) client: Client,
    /// Straight to the daemon.
    pub(crate) direct: Client,
}

pub(crate) fn scene(test: &str, options: DaemonOptions) -> Option<Scene> {
    let daemon = daemon_or_skip(test, options)?;
    let proxy = FaultProxy::start(daemon.socket()).unwrap();
    let policy = RetryPolicy::new()
        .step(Duration::from_millis(100))
        .cap(Duration::from_millis(500))
        .attempts(NonZeroU32::new(40).unwrap());
    let client = |socket: &std::path::Path| {
        Client::new(socket).with_target("container \"web\"").with_retry(policy.clone())
    };
    let (direct, client) = (client(daemon.socket()), client(proxy.socket()));
    Some(Scene { proxy, daemon, client, direct })
}

impl Scene {
    /// Closes the road to the daemon, in the middle of whatever is on it.
    pub(crate) fn close(&self) {
        self.proxy.hold_door(Some(Door::Refusing));
        self.proxy.cut_connections();
    }

    pub(crate) fn open(&self) {
        self.proxy.hold_door(None);
    }

    /// Kills the daemon and starts it again.
    pub(crate) fn restart(&self) {
        self.daemon.kill().unwrap();
        self.daemon.start_again().unwrap();
    }

    /// A file in the daemon's folder, where its services run.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.daemon.folder().join(name)
    }

    pub(crate) fn touch(&self, name: &str) {
        std::fs::write(self.file(name), "").unwrap();
    }
}

/// What does not come in time is a failure of the test, not a hang.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it came about in time")
}

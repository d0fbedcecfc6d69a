//! A daemon, a proxy in front of it, and a client through each of the two sockets.

use std::num::NonZeroU32;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use charmwright_pebble::{Client, Exec, ExecOutput, RetryPolicy};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_testing::proxy::{Fault, FaultProxy, ListenState, Rule};

use crate::wait;

/// The usual time for which a killed daemon stays down. It is longer than a client needs to notice.
pub const AWAY: Duration = Duration::from_millis(700);

/// A Pebble daemon of one test, a proxy in front of it, and a client through each of the two
/// sockets.
///
/// The processes end and the folder is removed when it is dropped.
pub struct Fixture {
    /// The daemon.
    pub daemon: Arc<Daemon>,
    /// The proxy, which injects faults into the requests that a test chooses.
    pub proxy: Arc<FaultProxy>,
    /// A client that connects to the proxy.
    pub client: Client,
    /// A client that connects to the daemon.
    pub direct: Client,
    /// A folder that both Pebble and the test can open, empty at first.
    pub folder: PathBuf,
}

/// Returns the usual retry policy of these clients. Its delays are a tenth of the default ones, so
/// that tests are quick, and its 40 attempts outlast [`AWAY`].
pub fn policy() -> RetryPolicy {
    RetryPolicy::new()
        .step(Duration::from_millis(100))
        .cap(Duration::from_millis(500))
        .attempts(NonZeroU32::new(40).unwrap())
}

impl Fixture {
    /// Starts a daemon with these options, the proxy and the clients, which use [`policy`].
    ///
    /// Returns `None` if there is no Pebble: the test is then to be skipped.
    pub fn start(test: &str, options: DaemonOptions) -> Option<Self> {
        Self::start_with(test, options, &policy())
    }

    /// Starts the same with another retry policy.
    pub fn start_with(test: &str, options: DaemonOptions, policy: &RetryPolicy) -> Option<Self> {
        let daemon = daemon_or_skip(test, options)?;
        let proxy = FaultProxy::start(daemon.socket()).unwrap();
        let client = |socket| {
            Client::new(socket).with_target("container \"web\"").with_retry(policy.clone())
        };
        let (client, direct) = (client(proxy.socket()), client(daemon.socket()));
        let folder = daemon.folder().join("files");
        std::fs::create_dir(&folder).unwrap();
        Some(Self { daemon: Arc::new(daemon), proxy: Arc::new(proxy), client, direct, folder })
    }

    /// Returns a path in the daemon's folder, which is the working directory of its services.
    pub fn file(&self, name: &str) -> PathBuf {
        self.daemon.folder().join(name)
    }

    /// Makes an empty file in the daemon's folder.
    pub fn touch(&self, name: &str) {
        std::fs::write(self.file(name), "").unwrap();
    }

    /// Runs a command through a connection to the daemon and returns its output.
    pub async fn output(&self, exec: &Exec) -> ExecOutput {
        wait::within(self.direct.exec_output(exec)).await.unwrap()
    }

    /// Lets the proxy refuse connections, and closes those that are open, also in the middle of a
    /// request.
    pub fn refuse_connections(&self) {
        self.proxy.set_listening(Some(ListenState::Refusing));
        self.proxy.cut_connections();
    }

    /// Lets the proxy accept connections again.
    pub fn accept_connections(&self) {
        self.proxy.set_listening(None);
    }

    /// Kills the daemon and starts it again.
    pub fn restart(&self) {
        self.daemon.kill().unwrap();
        self.daemon.start_again().unwrap();
    }

    /// Kills the daemon, starts it again and forgets the requests so far. The proxy accepts
    /// connections for the new daemon when this returns.
    pub fn replace_daemon(&self) {
        self.restart();
        // The proxy listens a moment after the daemon does.
        wait::until_blocking("the proxy is open", || {
            UnixStream::connect(self.proxy.socket()).is_ok()
        });
        self.proxy.forget();
    }

    /// Waits until the daemon runs and has been started this many times.
    pub async fn wait_for_boot(&self, boots: u32) {
        wait::until("the daemon is back", async || {
            self.daemon.is_running() && self.daemon.boots() >= boots
        })
        .await;
    }

    /// Returns a closure that kills the daemon and starts it again after this time. It acts only at
    /// the first call.
    pub fn killer(&self, away: Duration) -> impl Fn() + Clone + Send + Sync + 'static {
        let daemon = Arc::clone(&self.daemon);
        let is_done = Arc::new(AtomicBool::new(false));
        move || {
            if is_done.swap(true, Ordering::SeqCst) {
                return;
            }
            daemon.kill().unwrap();
            let daemon = Arc::clone(&daemon);
            // The closure runs on the thread of a connection, which must go on meanwhile.
            thread::spawn(move || {
                thread::sleep(away);
                daemon.start_again().unwrap();
            });
        }
    }

    /// Kills the daemon at the next request with this method and start of path, and starts it again
    /// after [`AWAY`]. It is killed before it gets the request, or else when it has replied: the
    /// client then still gets the reply.
    pub fn kill_at(&self, method: &str, path: &str, before: bool) {
        let kill = self.killer(AWAY);
        let fault = if before {
            Fault::before(move |_| kill())
        } else {
            Fault::before_reply(move |_| kill())
        };
        self.proxy.add(Rule::new(method, path, fault));
    }
}

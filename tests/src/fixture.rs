//! A daemon, a proxy before it, and a client on each of the two roads to it.

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

/// The time that a killed daemon stays away where nothing else is said: longer than a client needs
/// to notice.
pub const AWAY: Duration = Duration::from_millis(700);

/// A Pebble of a test's own, a proxy in front of it, and a client on each road.
///
/// The processes and the folder go when it is dropped.
pub struct Fixture {
    /// The real Pebble.
    pub daemon: Arc<Daemon>,
    /// The proxy, which spoils the requests that a test names.
    pub proxy: Arc<FaultProxy>,
    /// A client whose road leads through the proxy.
    pub client: Client,
    /// A client that goes straight to the daemon.
    pub direct: Client,
    /// A folder that Pebble and the test both see, empty at first.
    pub folder: PathBuf,
}

/// Returns the policy of all clients here: the default, but in tenths, with 40 attempts.
pub fn policy() -> RetryPolicy {
    RetryPolicy::new()
        .step(Duration::from_millis(100))
        .cap(Duration::from_millis(500))
        .attempts(NonZeroU32::new(40).unwrap())
}

impl Fixture {
    /// Starts a daemon with these options, the proxy and the clients, which have [`policy`].
    ///
    /// `None` where there is no Pebble to be had: the test is to be skipped.
    pub fn start(test: &str, options: DaemonOptions) -> Option<Self> {
        Self::start_with(test, options, &policy())
    }

    /// Does the same with another policy.
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

    /// Returns a path in the daemon's folder, where its services run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.daemon.folder().join(name)
    }

    /// Makes an empty file there.
    pub fn touch(&self, name: &str) {
        std::fs::write(self.file(name), "").unwrap();
    }

    /// Runs a command on the straight road.
    pub async fn output(&self, exec: &Exec) -> ExecOutput {
        wait::within(self.direct.exec_output(exec)).await.unwrap()
    }

    /// Closes the road through the proxy, in the middle of whatever is on it.
    pub fn close(&self) {
        self.proxy.set_listening(Some(ListenState::Refusing));
        self.proxy.cut_connections();
    }

    /// Opens it again.
    pub fn open(&self) {
        self.proxy.set_listening(None);
    }

    /// Kills the daemon and starts it again.
    pub fn restart(&self) {
        self.daemon.kill().unwrap();
        self.daemon.start_again().unwrap();
    }

    /// Does the same, and forgets the requests. Who connects to the proxy then finds the new one.
    pub fn replace_daemon(&self) {
        self.restart();
        // The proxy opens its door a moment after the daemon has.
        wait::until_blocking("the proxy is open", || {
            UnixStream::connect(self.proxy.socket()).is_ok()
        });
        self.proxy.forget();
    }

    /// Waits until a daemon that was killed, or is about to be, is back: until it has started so
    /// often.
    pub async fn wait_for_boot(&self, boots: u32) {
        wait::until("the daemon is back", async || {
            self.daemon.is_running() && self.daemon.boots() >= boots
        })
        .await;
    }

    /// Returns what kills the daemon, which is back after that time. It does so once, however often
    /// it is called.
    pub fn killer(&self, away: Duration) -> impl Fn() + Clone + Send + Sync + 'static {
        let daemon = Arc::clone(&self.daemon);
        let done = Arc::new(AtomicBool::new(false));
        move || {
            if done.swap(true, Ordering::SeqCst) {
                return;
            }
            daemon.kill().unwrap();
            let daemon = Arc::clone(&daemon);
            thread::spawn(move || {
                thread::sleep(away);
                daemon.start_again().unwrap();
            });
        }
    }

    /// Kills the daemon at the next such request, for [`AWAY`]: before the request arrives, or when
    /// it is answered (an answer that was given still passes).
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

//! A daemon, a proxy that spoils what a test names, and a client.

use std::num::NonZeroU32;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use charmwright_pebble::{Change, ChangeFilter, Client, Layer, LayerMode, RetryPolicy, Service};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_testing::proxy::{Fault, FaultProxy, Rule};

/// Longer than anything here takes, shorter than anybody's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long a killed daemon stays away.
pub(crate) const AWAY: Duration = Duration::from_millis(700);

/// A daemon behind a proxy, a client of it, and a file to which each start of a service adds a
/// line.
pub(crate) struct Scene {
    pub(crate) proxy: FaultProxy,
    pub(crate) daemon: Arc<Daemon>,
    pub(crate) client: Client,
    pub(crate) starts: PathBuf,
}

/// As the default, but in tenths.
pub(crate) fn policy() -> RetryPolicy {
    RetryPolicy::new()
        .step(Duration::from_millis(100))
        .cap(Duration::from_millis(500))
        .attempts(NonZeroU32::new(40).unwrap())
}

/// Nothing is started by the daemon itself.
pub(crate) fn scene(test: &str, options: DaemonOptions) -> Option<Scene> {
    starting_scene(test, options.hold())
}

/// The daemon starts what is enabled.
pub(crate) fn starting_scene(test: &str, options: DaemonOptions) -> Option<Scene> {
    let daemon = daemon_or_skip(test, options)?;
    let proxy = FaultProxy::start(daemon.socket()).unwrap();
    let client = Client::new(proxy.socket()).with_target("container \"web\"").with_retry(policy());
    let starts = daemon.folder().join("starts");
    Some(Scene { proxy, daemon: Arc::new(daemon), client, starts })
}

/// The command of a service that adds a line to the file of starts, with its daemon's process id
/// and its value, and stays.
pub(crate) const COUNTED: &str =
    r#"/bin/sh -c 'echo "$PPID $NAME" >> $PEBBLE/../starts; exec sleep 600'"#;

impl Scene {
    /// Writes its value to the file of starts and stays.
    pub(crate) fn service(&self, value: &str) -> Service {
        Service::new().command(COUNTED).env("NAME", value)
    }

    pub(crate) fn layer(&self, value: &str) -> Layer {
        Layer::new().service("web", self.service(value))
    }

    /// The values of all starts so far, oldest first.
    pub(crate) fn started(&self) -> Vec<String> {
        self.started_by_daemon().into_iter().map(|(_, value)| value).collect()
    }

    /// The same, each with the process id of the daemon that made it.
    pub(crate) fn started_by_daemon(&self) -> Vec<(String, String)> {
        std::fs::read_to_string(&self.starts)
            .unwrap_or_default()
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(daemon, value)| (daemon.to_owned(), value.to_owned()))
            .collect()
    }

    /// The values of the starts that the daemon has made which runs now, oldest first.
    pub(crate) fn started_by_newest(&self) -> Vec<String> {
        let newest = self.daemon.pid().unwrap().to_string();
        let starts = self.started_by_daemon().into_iter();
        starts.filter(|(daemon, _)| *daemon == newest).map(|(_, value)| value).collect()
    }

    /// No daemon has started the service twice with one value.
    pub(crate) fn is_started_once(&self, what: &str) {
        let starts = self.started_by_daemon();
        let distinct: std::collections::BTreeSet<_> = starts.iter().collect();
        assert_eq!(distinct.len(), starts.len(), "{what}: {starts:?}");
    }

    /// Adds a layer of this value and starts it, and forgets the requests.
    pub(crate) async fn running(&self, value: &str) {
        self.client.add_layer("web", &self.layer(value), LayerMode::Combine).await.unwrap();
        self.client.start(&["web"]).await.unwrap();
        assert_eq!(self.started(), [value]);
        self.proxy.forget();
    }

    pub(crate) fn posts(&self, path: &str) -> usize {
        self.proxy.count("POST", path)
    }

    pub(crate) async fn changes_of_kind(&self, kind: &str) -> Vec<Change> {
        let mut changes = self.client.changes(&ChangeFilter::all()).await.unwrap();
        changes.retain(|change| change.kind() == kind);
        changes
    }

    /// Kills the daemon at the next such request: before it arrives, or when it is answered (an
    /// answer that was given still passes).
    pub(crate) fn kill_at(&self, method: &str, path: &str, before: bool) {
        let kill = self.kill();
        let fault = if before {
            Fault::before(move |_| kill())
        } else {
            Fault::before_reply(move |_| kill())
        };
        self.proxy.add(Rule::new(method, path, fault));
    }

    /// Kills the daemon and starts the next one, and forgets the requests. Whoever connects then
    /// finds it.
    pub(crate) fn replace_daemon(&self) {
        self.daemon.kill().unwrap();
        self.daemon.start_again().unwrap();
        // The proxy opens its door a moment after the daemon has.
        let end = Instant::now() + PATIENCE;
        while UnixStream::connect(self.proxy.socket()).is_err() {
            assert!(Instant::now() < end, "the proxy stays closed");
            thread::sleep(Duration::from_millis(2));
        }
        self.proxy.forget();
    }

    /// Kills the daemon, which is back after a while. Once, however often the rule fires.
    pub(crate) fn kill(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let daemon = Arc::clone(&self.daemon);
        let done = Arc::new(AtomicBool::new(false));
        move || {
            if done.swap(true, Ordering::SeqCst) {
                return;
            }
            daemon.kill().unwrap();
            let daemon = Arc::clone(&daemon);
            thread::spawn(move || {
                thread::sleep(AWAY);
                daemon.start_again().unwrap();
            });
        }
    }
}

/// Runs the cases of a test, some at a time: nearly all of their time is Pebble's own second of
/// waiting.
pub(crate) fn side_by_side<T: Send>(cases: Vec<T>, run: impl AsyncFn(T) + Sync) {
    let cases = Mutex::new(cases.into_iter());
    let next = || cases.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                while let Some(case) = next() {
                    runtime.block_on(run(case));
                }
            });
        }
    });
}

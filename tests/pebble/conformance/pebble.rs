//! The implementations of Pebble on which the cases run, and helpers for the cases.

use std::path::Path;
use std::time::{Duration, Instant};

use charmwright_pebble::{Client, Error, ErrorKind, Layer, LayerMode, Service, Version};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_testing::pebble_binary::Pinned;
use charmwright_tests::wait::WAIT_LIMIT;

/// A new Pebble for one case. It has no layers, and it runs with `--hold`, so it starts no service
/// by itself.
pub(crate) trait Pebble {
    /// Starts a Pebble. Returns `None` if there is none: the case is then to be skipped.
    fn start(case: &str) -> Option<Self>
    where
        Self: Sized;

    /// Returns the version of its API.
    fn version(&self) -> Version;

    /// Returns the path of its socket.
    fn socket(&self) -> &Path;

    /// Returns a folder that only this case uses, in which Pebble can read and write.
    fn folder(&self) -> &Path;

    /// Kills it with SIGKILL and starts it again with the same state on disk.
    fn restart(&self);

    /// Returns a new client of it.
    fn client(&self) -> Client {
        Client::new(self.socket())
    }

    /// Returns `true` if its version is this one or newer.
    fn has(&self, version: &str) -> bool {
        self.version() >= version.parse().unwrap()
    }
}

/// The pinned Pebble, for which this library is made.
pub(crate) struct Current(Daemon);

impl Pebble for Current {
    fn start(case: &str) -> Option<Self> {
        daemon_or_skip(case, DaemonOptions::new().hold()).map(Self)
    }

    fn version(&self) -> Version {
        Pinned::Current.version().parse().unwrap()
    }

    fn socket(&self) -> &Path {
        self.0.socket()
    }

    fn folder(&self) -> &Path {
        self.0.folder()
    }

    fn restart(&self) {
        self.0.kill().unwrap();
        self.0.start_again().unwrap();
    }
}

/// The oldest Pebble that Juju still ships.
pub(crate) struct Oldest(Daemon);

impl Pebble for Oldest {
    fn start(case: &str) -> Option<Self> {
        daemon_or_skip(case, DaemonOptions::new().hold().pinned(Pinned::Oldest)).map(Self)
    }

    fn version(&self) -> Version {
        Pinned::Oldest.version().parse().unwrap()
    }

    fn socket(&self) -> &Path {
        self.0.socket()
    }

    fn folder(&self) -> &Path {
        self.0.folder()
    }

    fn restart(&self) {
        self.0.kill().unwrap();
        self.0.start_again().unwrap();
    }
}

/// Runs a case on a new Pebble. Panics if it takes longer than two minutes.
pub(crate) fn run<P: Pebble>(case: &str, body: impl AsyncFnOnce(&P)) {
    let Some(pebble) = P::start(case) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(120), body(&pebble))
            .await
            .unwrap_or_else(|_| panic!("{case} hangs"));
    });
}

/// Returns the result of a call that Pebble has had since `version`. On an older Pebble it asserts
/// that the call fails as unsupported, and returns `None`.
pub(crate) fn since<T: std::fmt::Debug>(
    pebble: &impl Pebble,
    version: &'static str,
    result: Result<T, Error>,
) -> Option<Result<T, Error>> {
    if pebble.has(version) {
        return Some(result);
    }
    let error = result.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported { since: version }, "{error}");
    None
}

/// Asserts that Pebble has refused a call with this status and a message that contains this text,
/// and that the client has not tried again.
#[track_caller]
pub(crate) fn assert_refused<T: std::fmt::Debug>(
    result: Result<T, Error>,
    status: u16,
    text: &str,
) {
    let error = result.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Api { status }, "{error}");
    assert!(error.message().unwrap_or_default().contains(text), "{error}");
    assert_eq!(error.attempts(), 1, "a refusal is final: {error}");
}

/// Calls `ask` until `fits` returns `true`, and returns that answer. Panics after [`WAIT_LIMIT`].
pub(crate) async fn until<T: std::fmt::Debug>(
    mut ask: impl AsyncFnMut() -> T,
    fits: impl Fn(&T) -> bool,
) -> T {
    let end = Instant::now() + WAIT_LIMIT;
    loop {
        let answer = ask().await;
        if fits(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "it stays {answer:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Returns a service that runs until it is stopped, and ends at once then.
pub(crate) fn sleeper() -> Service {
    Service::new().command("sleep 600")
}

/// Adds a layer of these services under the label `base`.
pub(crate) async fn add(
    client: &Client,
    services: impl IntoIterator<Item = (&'static str, Service)>,
) {
    let layer = services
        .into_iter()
        .fold(Layer::new(), |layer, (name, service)| layer.service(name, service));
    client.add_layer("base", &layer, LayerMode::Combine).await.unwrap();
}

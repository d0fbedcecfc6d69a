//! A Pebble to test with, and how a case is run on it.

use std::path::Path;
use std::time::{Duration, Instant};

use charmwright_pebble::{Client, Error, ErrorKind, Layer, LayerMode, Service, Version};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_testing::pebble_binary::Pinned;
use charmwright_tests::wait::WAIT_LIMIT;

/// One Pebble of a case's own: fresh, with no layers, and held (nothing is started by itself).
pub(crate) trait Pebble {
    /// Starts one; `None` where there is none to be had and the case is to be skipped.
    fn start(case: &str) -> Option<Self>
    where
        Self: Sized;

    /// The version that it is, as far as its API goes.
    fn version(&self) -> Version;

    /// Where it listens.
    fn socket(&self) -> &Path;

    /// A folder of the case's own, which the Pebble can read and write.
    fn folder(&self) -> &Path;

    /// Kills it and starts it again, with what it keeps on disk.
    fn restart(&self);

    /// A client of it.
    fn client(&self) -> Client {
        Client::new(self.socket())
    }

    /// Whether it has what came with this version.
    fn has(&self, version: &str) -> bool {
        self.version() >= version.parse().unwrap()
    }
}

/// The Pebble that this library is made for.
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

/// Runs a case on a Pebble of its own.
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

/// The result of a call that came with `version`; `None` on a Pebble that is older, which has to
/// say so.
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

/// The error has to be a refusal with this status and a text that contains this.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>, status: u16, text: &str) {
    let error = result.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Api { status }, "{error}");
    assert!(error.message().unwrap_or_default().contains(text), "{error}");
    assert_eq!(error.attempts(), 1, "a refusal is final: {error}");
}

/// Asks until the answer is as it has to be.
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

/// A service that stays until it is stopped, and then goes at once.
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

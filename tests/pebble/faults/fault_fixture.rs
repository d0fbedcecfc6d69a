//! A fixture that many cases use one after the other, and what is one case's own on it.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use charmwright_pebble::{Client, Layer, LayerMode, Plan, RetryPolicy, Service, Startup};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;

/// A [`Fixture`] whose `client` is the current case's; its road is spoiled, that of `direct` is not.
pub(crate) struct FaultFixture {
    fixture: Fixture,
    /// What this case calls its things: no other case on this fixture has it.
    pub(crate) name: String,
    /// What Pebble calls the thing that this case is about, where it has a number.
    pub(crate) id: String,
    cases: u32,
    boots: u32,
}

impl FaultFixture {
    pub(crate) fn start(test: &str) -> Option<Self> {
        let fixture = Fixture::start(test, DaemonOptions::new().hold())?;
        Some(Self { fixture, name: String::new(), id: String::new(), cases: 0, boots: 0 })
    }

    /// A new case: a name, a client and an empty folder of its own.
    pub(crate) fn next(&mut self, policy: RetryPolicy) {
        self.cases += 1;
        self.name = format!("case{}", self.cases);
        self.id.clear();
        self.boots = self.daemon.boots();
        self.fixture.client = Client::new(self.proxy.socket()).with_retry(policy);
        self.fixture.direct = self.daemon.client();
        std::fs::create_dir(self.folder()).unwrap();
    }

    /// Whether its Pebble was killed in this case: what only lives in its memory is gone then, and
    /// rightly so.
    pub(crate) fn was_killed(&self) -> bool {
        !self.daemon.is_running() || self.daemon.boots() != self.boots
    }

    /// Which case of this fixture it is.
    pub(crate) fn number(&self) -> u32 {
        self.cases
    }

    /// Lets the client in again after a while.
    pub(crate) fn open_after(&self, time: Duration) {
        let proxy = Arc::clone(&self.proxy);
        std::thread::spawn(move || {
            std::thread::sleep(time);
            proxy.set_listening(None);
        });
    }

    /// The plan as it is now.
    pub(crate) async fn plan(&self) -> Plan {
        self.direct.plan().await.unwrap()
    }

    /// The folder of this case, which Pebble sees as well.
    pub(crate) fn folder(&self) -> PathBuf {
        self.daemon.folder().join(&self.name)
    }

    pub(crate) fn path(&self, file: &str) -> String {
        self.folder().join(file).display().to_string()
    }

    /// How many lines a file of this case has: each stands for one time that something happened.
    pub(crate) fn lines(&self, file: &str) -> usize {
        std::fs::read_to_string(self.folder().join(file)).unwrap_or_default().lines().count()
    }

    /// How often each daemon has started the service of this case, the oldest daemon first.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let lines = std::fs::read_to_string(self.folder().join("starts")).unwrap_or_default();
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for daemon in lines.lines() {
            match counts.iter_mut().find(|(known, _)| *known == daemon) {
                Some((_, count)) => *count += 1,
                None => counts.push((daemon, 1)),
            }
        }
        counts.into_iter().map(|(_, count)| count).collect()
    }

    /// A service that leaves a line for each of its starts, with the process id of its daemon, and
    /// one for each of its SIGHUPs.
    pub(crate) fn service(&self) -> Service {
        let script = format!(
            "trap \"echo hup >> {hups}\" HUP; echo $PPID >> {starts}; while :; do sleep 0.05; done",
            hups = self.path("hups"),
            starts = self.path("starts"),
        );
        Service::new()
            .command(format!("/bin/sh -c '{script}'"))
            .startup(Startup::Disabled)
            .kill_delay(Duration::from_millis(200))
    }

    /// Adds a layer of this case over the spoiled road, while it is still good, so that its client
    /// knows of it.
    pub(crate) async fn add(&self, layer: Layer) {
        self.client.add_layer(&self.name, &layer, LayerMode::Combine).await.unwrap();
    }

    pub(crate) async fn add_service(&self, service: Service) {
        self.add(Layer::new().service(&self.name, service)).await;
    }

    /// The one service of this case as Pebble lists it.
    pub(crate) fn one(&self) -> [&str; 1] {
        [&self.name]
    }
}

impl Deref for FaultFixture {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

/// Quick attempts, with this time in all.
pub(crate) fn policy(deadline: Duration) -> RetryPolicy {
    RetryPolicy::new()
        .step(Duration::from_millis(15))
        .cap(Duration::from_millis(150))
        .attempts(NonZeroU32::new(200).unwrap())
        .deadline(deadline)
}

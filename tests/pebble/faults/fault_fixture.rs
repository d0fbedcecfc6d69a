//! A fixture that many cases use one after the other.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use charmwright_pebble::{Client, Layer, LayerMode, Plan, RetryPolicy, Service, Startup};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_tests::Fixture;

/// A [`Fixture`] with a client, a folder and a name for the current case.
///
/// The fault happens to the requests of `client`, and never to those of `direct`.
pub(crate) struct FaultFixture {
    fixture: Fixture,
    /// The name of the services, layers and notices of this case. No other case has the same.
    pub(crate) name: String,
    /// The id that Pebble has given to the change or notice of this case; empty if there is none.
    pub(crate) id: String,
    /// The number of cases so far.
    cases: u32,
    /// The number of starts of the daemon before this case.
    boots: u32,
}

impl FaultFixture {
    pub(crate) fn start(test: &str) -> Option<Self> {
        let fixture = Fixture::start(test, DaemonOptions::new().hold())?;
        Some(Self { fixture, name: String::new(), id: String::new(), cases: 0, boots: 0 })
    }

    /// Begins a new case, with a name, a client and an empty folder.
    pub(crate) fn begin_case(&mut self, policy: RetryPolicy) {
        self.cases += 1;
        self.name = format!("case{}", self.cases);
        self.id.clear();
        self.boots = self.daemon.boots();
        self.fixture.client = Client::new(self.proxy.socket()).with_retry(policy);
        // A new client, too: what the last case has used up of its retry budget is not this one's.
        self.fixture.direct = self.daemon.client();
        std::fs::create_dir(self.folder()).unwrap();
    }

    /// Returns `true` if Pebble was killed in this case. It has then lost what it keeps in memory
    /// only, and that is no fault.
    pub(crate) fn was_killed(&self) -> bool {
        !self.daemon.is_running() || self.daemon.boots() != self.boots
    }

    /// Returns the number of this case, counted from 1.
    pub(crate) fn case_number(&self) -> u32 {
        self.cases
    }

    /// Lets the proxy's socket follow the daemon's again after this time.
    pub(crate) fn accept_connections_after(&self, time: Duration) {
        let proxy = Arc::clone(&self.proxy);
        std::thread::spawn(move || {
            std::thread::sleep(time);
            proxy.set_listening(None);
        });
    }

    /// Returns the current plan.
    pub(crate) async fn plan(&self) -> Plan {
        self.direct.plan().await.unwrap()
    }

    /// Returns the folder of this case, which Pebble can open, too.
    pub(crate) fn folder(&self) -> PathBuf {
        self.daemon.folder().join(&self.name)
    }

    /// Returns the path of a file in the folder of this case.
    pub(crate) fn path(&self, file: &str) -> String {
        self.folder().join(file).display().to_string()
    }

    /// Returns the number of lines of a file in the folder of this case. Services and commands
    /// write a line for each event that a test counts.
    pub(crate) fn lines(&self, file: &str) -> usize {
        std::fs::read_to_string(self.folder().join(file)).unwrap_or_default().lines().count()
    }

    /// Returns how often each daemon has started the service of this case, oldest daemon first.
    pub(crate) fn starts_by_daemon(&self) -> Vec<usize> {
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

    /// Returns a service that writes a line at each start, with the process id of its daemon, and a
    /// line at each SIGHUP.
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

    /// Adds a layer by the client of this case, before the fault is injected. The client then
    /// restores the layer after a restart of Pebble.
    pub(crate) async fn add_layer(&self, layer: Layer) {
        self.client.add_layer(&self.name, &layer, LayerMode::Combine).await.unwrap();
    }

    /// Adds a layer with this service, which gets the name of the case.
    pub(crate) async fn add_service(&self, service: Service) {
        self.add_layer(Layer::new().service(&self.name, service)).await;
    }

    /// Returns the name of this case as the list that many calls take.
    pub(crate) fn case_names(&self) -> [&str; 1] {
        [&self.name]
    }
}

impl Deref for FaultFixture {
    type Target = Fixture;

    fn deref(&self) -> &Fixture {
        &self.fixture
    }
}

/// Returns a retry policy with short delays and this deadline.
pub(crate) fn policy(deadline: Duration) -> RetryPolicy {
    RetryPolicy::new()
        .step(Duration::from_millis(15))
        .cap(Duration::from_millis(150))
        .attempts(NonZeroU32::new(200).unwrap())
        .deadline(deadline)
}

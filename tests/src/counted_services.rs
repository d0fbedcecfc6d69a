//! Services that write a line to a file at each start, so that a test can count their starts.

use std::collections::BTreeSet;
use std::path::PathBuf;

use charmwright_pebble::{Change, ChangeFilter, Layer, LayerMode, Service};

use crate::Fixture;

/// The command of a counted service. It adds a line to the [file of starts](Fixture::starts), with
/// the process id of its daemon and its variable `NAME`, and keeps running.
pub const COUNTED: &str = r#"/bin/sh -c 'echo "$PPID $NAME" >> $PEBBLE/../starts; exec sleep 600'"#;

impl Fixture {
    /// Returns the path of the file with a line for each start of a counted service.
    pub fn starts(&self) -> PathBuf {
        self.file("starts")
    }

    /// Returns a counted service whose variable `NAME` has this value.
    pub fn service(&self, value: &str) -> Service {
        Service::new().command(COUNTED).env("NAME", value)
    }

    /// Returns a layer with the counted service `web` of this value.
    pub fn layer(&self, value: &str) -> Layer {
        Layer::new().service("web", self.service(value))
    }

    /// Returns the `NAME` of each start so far, oldest first.
    pub fn started(&self) -> Vec<String> {
        self.started_by_daemon().into_iter().map(|(_, value)| value).collect()
    }

    /// Returns the process id of the daemon and the `NAME` of each start so far, oldest first.
    pub fn started_by_daemon(&self) -> Vec<(String, String)> {
        std::fs::read_to_string(self.starts())
            .unwrap_or_default()
            .lines()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(daemon, value)| (daemon.to_owned(), value.to_owned()))
            .collect()
    }

    /// Returns the `NAME` of each start that the running daemon has made, oldest first.
    pub fn started_by_newest(&self) -> Vec<String> {
        let newest = self.daemon.pid().unwrap().to_string();
        let starts = self.started_by_daemon().into_iter();
        starts.filter(|(daemon, _)| *daemon == newest).map(|(_, value)| value).collect()
    }

    /// Asserts that no daemon has started a service twice with the same `NAME`.
    pub fn assert_started_once(&self, what: &str) {
        let starts = self.started_by_daemon();
        let distinct: BTreeSet<_> = starts.iter().collect();
        assert_eq!(distinct.len(), starts.len(), "{what}: {starts:?}");
    }

    /// Adds the layer of this value, starts its service and forgets the requests so far.
    pub async fn start_service(&self, value: &str) {
        self.client.add_layer("web", &self.layer(value), LayerMode::Combine).await.unwrap();
        self.client.start(["web"]).await.unwrap();
        assert_eq!(self.started(), [value]);
        self.proxy.forget();
    }

    /// Returns the number of POST requests whose path starts so.
    pub fn posts(&self, path: &str) -> usize {
        self.proxy.count("POST", path)
    }

    /// Returns all changes of this kind, such as `replan`.
    pub async fn changes_of_kind(&self, kind: &str) -> Vec<Change> {
        let mut changes = self.client.changes(&ChangeFilter::all()).await.unwrap();
        changes.retain(|change| change.kind() == kind);
        changes
    }
}

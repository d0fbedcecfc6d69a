//! The tests of `charmwright-testing` itself with a real Pebble: a daemon ends with all processes
//! that it started, and the proxy does what its rules say and nothing else.

mod daemon;
mod faults;
mod oldest;
mod proxy;

use std::path::Path;
use std::sync::Arc;

use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::proxy::FaultProxy;
use charmwright_tests::Fixture;
use charmwright_tests::wire::ask;

const IDLE: &str = "services:\n  idle:\n    override: replace\n    command: sleep 1000\n";
const START: &str = r#"{"action":"start","services":["idle"]}"#;

/// Starts a daemon with `--hold` and the service `idle`, and a proxy in front of it.
fn daemon_and_proxy(test: &str) -> Option<(Arc<Daemon>, Arc<FaultProxy>)> {
    let fixture = Fixture::start(test, DaemonOptions::new().layer("base", IDLE).hold())?;
    Some((fixture.daemon, fixture.proxy))
}

/// Returns all changes that the daemon lists.
fn changes(socket: &Path) -> Vec<serde_json::Value> {
    let (status, body) = ask(socket, "GET", "/v1/changes?select=all", "").unwrap();
    assert_eq!(status, 200, "{body}");
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    document["result"].as_array().unwrap().clone()
}

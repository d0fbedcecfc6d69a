//! These tests compare the table of endpoints in the docs with the requests that the client sends.
//!
//! Each file of an endpoint gives the requests of its calls, made by the same code that the calls
//! use, so the method, the path, the version and the rule for a lost answer in the table are those
//! of the code. `UPDATE_DOCS=1 cargo test -p charmwright-pebble docs_table` writes the table anew.

use std::collections::BTreeSet;
use std::path::Path;

use hyper::Method;

use super::request::Request;
use super::resend::Resend;

/// One call of the client, and the request that it sends.
pub(crate) struct Sample {
    /// The name of the call, such as `Client::replan`.
    pub(crate) call: &'static str,
    /// The path as Pebble's documentation writes it, with names in braces.
    pub(crate) path: &'static str,
    pub(crate) request: Request,
}

impl Sample {
    pub(crate) fn new(call: &'static str, path: &'static str, request: Request) -> Self {
        Self { call, path, request }
    }

    fn endpoint(&self) -> String {
        format!("{} {}", self.request.method(), self.path)
    }

    fn row(&self) -> String {
        let since = self.request.first_version().unwrap_or("1.1");
        format!(
            "| `{}` | {} | {since} | {} |",
            self.endpoint(),
            self.call.split(", ").map(|call| format!("`{call}`")).collect::<Vec<_>>().join(", "),
            self.request.resend().described()
        )
    }
}

fn samples() -> Vec<Sample> {
    [
        super::system_info::samples(),
        super::health::samples(),
        super::changes::samples(),
        super::services::samples(),
        super::plan::samples(),
        super::layers::samples(),
        super::logs::samples(),
        super::checks::samples(),
        super::signals::samples(),
        super::identities::samples(),
        super::metrics::samples(),
        super::notify::samples(),
        super::notices::samples(),
        super::watch::samples(),
        super::waits::samples(),
        super::exec::samples(),
        super::files::samples(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn the_requests_are_for_the_paths_that_they_are_listed_under() {
    for sample in samples() {
        let target = sample.request.target();
        let path = target.split('?').next().unwrap();
        let fits = path.split('/').count() == sample.path.split('/').count()
            && path
                .split('/')
                .zip(sample.path.split('/'))
                .all(|(part, pattern)| pattern.starts_with('{') || part == pattern);
        assert!(fits, "{}: {path} is no {}", sample.call, sample.path);
    }
}

/// All endpoints that Pebble 1.32.1 registers (`internals/daemon/api.go`) and that can succeed on
/// the unix socket.
const INDEX: &[&str] = &[
    "GET /v1/system-info",
    "GET /v1/health",
    "GET /v1/metrics",
    "GET /v1/changes",
    "GET /v1/changes/{id}",
    "POST /v1/changes/{id}",
    "GET /v1/changes/{id}/wait",
    "GET /v1/services",
    "POST /v1/services",
    "GET /v1/plan",
    "POST /v1/layers",
    "GET /v1/files",
    "POST /v1/files",
    "GET /v1/logs",
    "POST /v1/exec",
    "GET /v1/tasks/{task-id}/websocket/{websocket-id}",
    "POST /v1/signals",
    "GET /v1/checks",
    "POST /v1/checks",
    "POST /v1/checks/refresh",
    "GET /v1/notices",
    "POST /v1/notices",
    "GET /v1/notices/{id}",
    "GET /v1/identities",
    "POST /v1/identities",
];

#[test]
fn every_endpoint_has_a_call() {
    let covered: BTreeSet<String> = samples().iter().map(Sample::endpoint).collect();
    let wanted: BTreeSet<String> = INDEX.iter().map(|endpoint| (*endpoint).to_owned()).collect();
    assert_eq!(covered, wanted);
}

/// A reader has exactly the calls that change nothing: a `GET` that puts no layers back and may be
/// sent again. That for the websocket of a command may not.
#[test]
fn a_reader_has_the_calls_that_only_read() {
    for sample in samples() {
        let request = &sample.request;
        let only_reads = *request.method() == Method::GET
            && !request.needs_layers()
            && matches!(request.resend(), Resend::Safe);
        let is_readers = sample.call.split(", ").all(|call| call.starts_with("Reader::"));
        assert_eq!(is_readers, only_reads, "{}: {}", sample.call, sample.endpoint());
    }
}

const BEGIN: &str =
    "<!-- endpoints: written by a test, see crates/pebble/src/tests/docs_table.rs -->\n";
const END: &str = "<!-- end of endpoints -->\n";

#[test]
fn the_table_in_the_docs_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pebble.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let rows: Vec<String> = samples().iter().map(Sample::row).collect();
    let table = format!(
        "| Endpoint | Calls | Since | After a lost answer |\n|---|---|---|---|\n{}\n",
        rows.join("\n")
    );
    if found != table && std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(&path, [before, BEGIN, &table, END, after].concat()).unwrap();
    }
    assert_eq!(found, table, "write it anew with UPDATE_DOCS=1");
}

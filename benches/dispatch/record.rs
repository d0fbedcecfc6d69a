//! This module records a run of the Rust charm: its hook tools from their log, and its requests to
//! Pebble from a proxy.

use std::fmt::Write as _;
use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;

use charmwright_testing::proxy::{Fault, FaultProxy, Rule};

use crate::calls::Call;
use crate::common::Failure;
use crate::recording::{Recording, Step};
use crate::unit::{Charm, Unit};

/// Records the Rust charm in an event, until two consecutive runs are the same.
///
/// # Errors
///
/// A run fails, or each of five repetitions differs from the run before it: a charm that does
/// something else each time has no floor.
pub(crate) fn record(unit: &Unit<'_>, event: &str) -> Result<Recording, Failure> {
    let mut last = record_once(unit, event)?;
    for _ in 0..5 {
        let again = record_once(unit, event)?;
        if again == last {
            return Ok(again);
        }
        last = again;
    }
    Err(format!(
        "the Rust charm does something else each time it runs {event}; the last time: {:#?}",
        last.steps
    )
    .into())
}

/// Records one run of the Rust charm, with a proxy between it and Pebble.
fn record_once(unit: &Unit<'_>, event: &str) -> Result<Recording, Failure> {
    // A path below /tmp is short enough for a unix socket, wherever $TMPDIR points.
    let folder = tempfile::Builder::new().prefix("cw-").tempdir_in("/tmp")?;
    fs::create_dir(folder.path().join("workload"))?;
    let proxy =
        FaultProxy::start_at(folder.path().join("workload/pebble.socket"), unit.daemon.socket())?;
    let log = folder.path().join("calls");
    let request_log = log.clone();
    // The requests are marked in the log of the hook tools, so that both are in one order. A proxy
    // that marks a request before it forwards it cannot be overtaken by a later hook tool.
    let log_request = move |_: &_| {
        let file = OpenOptions::new().append(true).create(true).open(&request_log);
        if file.and_then(|mut file| file.write_all(b"7:request,")).is_err() {
            // This runs in the proxy, which has no way to fail the recording. The missing mark
            // does: a request is then left over below.
            eprintln!("dispatch benchmark: cannot write down a request");
        }
    };
    proxy.add(Rule::any(Fault::before(log_request)).always());
    let calls = unit.run(Charm::Rust, event, &log, Some(folder.path()))?;
    let mut requests = proxy.requests().into_iter();
    let mut steps = Vec::new();
    for call in calls {
        steps.push(match call {
            Call::Tool { argv, input } => Step::Tool { argv, input },
            Call::Request => {
                let seen = requests.next().ok_or("a request that the proxy did not see")?;
                let status = seen
                    .status
                    .ok_or_else(|| format!("{} {} was not answered", seen.method, seen.path))?;
                // The id of the change is cut out of the path, and the floor program puts in the id
                // of its own run.
                let (path, rest) = match seen.path.strip_prefix("/v1/changes/") {
                    Some(tail) => (
                        "/v1/changes/".to_owned(),
                        Some(
                            tail.trim_start_matches(|digit: char| digit.is_ascii_digit())
                                .to_owned(),
                        ),
                    ),
                    None => (seen.path.clone(), None),
                };
                let mut tail = " HTTP/1.1\r\nHost: localhost\r\n".to_owned();
                if !seen.body.is_empty() {
                    write!(
                        tail,
                        "Content-Type: application/json\r\nContent-Length: {}\r\n",
                        seen.body.len()
                    )?;
                }
                let tail = [tail.as_bytes(), b"\r\n", &seen.body].concat();
                let head = format!("{} {path}", seen.method);
                match rest {
                    Some(rest) => Step::Request {
                        start: head.into_bytes(),
                        rest: Some([rest.as_bytes(), &tail].concat()),
                        status,
                    },
                    None => Step::Request {
                        start: [head.as_bytes(), &tail].concat(),
                        rest: None,
                        status,
                    },
                }
            }
        });
    }
    // A request without a mark would shift all later steps, so there is no recording then.
    if requests.next().is_some() {
        return Err("a request is missing from the log".into());
    }
    Ok(Recording { steps })
}

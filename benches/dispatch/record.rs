//! This module records a run of the Rust charm: its hook tools from their log, and its requests to
//! each Pebble from a proxy.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

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

/// Records one run of the Rust charm, with a proxy between it and each Pebble.
fn record_once(unit: &Unit<'_>, event: &str) -> Result<Recording, Failure> {
    // A path below /tmp is short enough for a unix socket, wherever $TMPDIR points.
    let folder = tempfile::Builder::new().prefix("cw-").tempdir_in("/tmp")?;
    let log = folder.path().join("calls");
    let mut proxies = Vec::new();
    for (container, socket) in unit.sockets() {
        fs::create_dir(folder.path().join(container))?;
        let proxy_socket = folder.path().join(container).join("pebble.socket");
        let proxy = FaultProxy::start_at(proxy_socket, socket)?;
        proxy.add(Rule::any(Fault::before(mark_requests(&log, container))).always());
        proxies.push((container, proxy));
    }
    let calls = unit.run(Charm::Rust, event, &log, Some(folder.path()))?;
    let mut requests: BTreeMap<&str, _> = proxies
        .iter()
        .map(|(container, proxy)| (*container, proxy.requests().into_iter()))
        .collect();
    let mut steps = Vec::new();
    for call in calls {
        steps.push(match call {
            Call::Tool { argv, input } => Step::Tool { argv, input },
            Call::Request { container } => {
                let seen = requests
                    .get_mut(container.as_str())
                    .and_then(Iterator::next)
                    .ok_or("a request that the proxy did not see")?;
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
                        container,
                    },
                    None => Step::Request {
                        start: [head.as_bytes(), &tail].concat(),
                        rest: None,
                        status,
                        container,
                    },
                }
            }
        });
    }
    // A request without a mark would shift all later steps, so there is no recording then.
    if requests.values_mut().any(|left| left.next().is_some()) {
        return Err("a request is missing from the log".into());
    }
    Ok(Recording { steps })
}

/// Returns what a container's proxy does before it forwards a request: it marks the request in the
/// log of the hook tools, so that both are in one order. A proxy that marks a request before it
/// forwards it cannot be overtaken by a later hook tool.
fn mark_requests<T>(log: &Path, container: &str) -> impl Fn(&T) + Send + Sync + 'static {
    let log = log.to_path_buf();
    let mark = format!("7:request,{}:{container},", container.len());
    move |_| {
        let file = OpenOptions::new().append(true).create(true).open(&log);
        if file.and_then(|mut file| file.write_all(mark.as_bytes())).is_err() {
            // This runs in the proxy, which has no way to fail the recording. The missing mark
            // does: a request is then left over.
            eprintln!("dispatch benchmark: cannot write down a request");
        }
    }
}

//! A recording lists the hook tools and the requests to Pebble of one run of a charm, in order;
//! this module makes one and writes it as a C table.

use std::fmt::Write as _;
use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;

use charmwright_testing::proxy::{Fault, FaultProxy, Rule};

use crate::common::Failure;
use crate::unit::{Charm, Unit};

/// A call is what a charm does outside its own process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    /// A hook tool with its arguments, its bare name first, and its input.
    Tool { argv: Vec<String>, input: Vec<u8> },
    /// A request to Pebble. The log has only its place in the order, and the proxy has its content.
    Request,
}

/// Parses the log of the hook tools, in which the proxy marks each request. The log consists of
/// netstrings; `hook-tool.c` documents them.
pub(crate) fn parse_calls(log: &[u8]) -> Result<Vec<Call>, Failure> {
    let mut rest = log;
    let mut next = move || -> Result<Option<&[u8]>, Failure> {
        if rest.is_empty() {
            return Ok(None);
        }
        let colon =
            rest.iter().position(|byte| *byte == b':').ok_or("a record without a length")?;
        let (length, tail) = rest.split_at(colon);
        let length: usize = str::from_utf8(length)?.parse()?;
        let field = tail.get(1..=length).ok_or("a record that is cut short")?;
        rest = tail.get(length + 2..).ok_or("a record that is cut short")?;
        Ok(Some(field))
    };
    let mut all = Vec::new();
    while let Some(kind) = next()? {
        if kind == b"request" {
            all.push(Call::Request);
            continue;
        }
        let mut field =
            || next().and_then(|field| field.ok_or_else(|| "a record that is cut short".into()));
        let count: usize = str::from_utf8(field()?)?.parse()?;
        let argv: Result<Vec<String>, Failure> =
            (0..count).map(|_| Ok(String::from_utf8(field()?.to_vec())?)).collect();
        all.push(Call::Tool { argv: argv?, input: field()?.to_vec() });
    }
    Ok(all)
}

/// A step is what the floor program does for one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Tool {
        argv: Vec<String>,
        input: Vec<u8>,
    },
    /// A request to Pebble. If there is a `rest`, the request is `start`, then the id of the last
    /// change, then `rest`: the id differs from run to run, so it cannot be recorded.
    Request {
        start: Vec<u8>,
        rest: Option<Vec<u8>>,
        status: u16,
    },
}

/// A recording has all steps of the Rust charm in one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recording {
    pub(crate) steps: Vec<Step>,
}

/// Records the Rust charm in an event, until two runs after each other are the same.
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
    if requests.next().is_some() {
        return Err("a request is missing from the log".into());
    }
    Ok(Recording { steps })
}

impl Recording {
    /// Writes the recording as the table `plan`, which `floor.c` includes.
    pub(crate) fn to_c_table(&self) -> String {
        let mut text =
            "/* Written by the dispatch benchmark: what the Rust charm was seen to do. */\n"
                .to_owned();
        let mut table = String::new();
        for (index, step) in self.steps.iter().enumerate() {
            match step {
                Step::Tool { argv, input } => {
                    let words: Vec<String> =
                        argv.iter().map(|word| c_string(word.as_bytes())).collect();
                    text += &format!(
                        "static char *const argv_{index}[] = {{{}, NULL}};\n",
                        words.join(", ")
                    );
                    let c_input =
                        if input.is_empty() { "NULL".to_owned() } else { c_string(input) };
                    table += &format!(
                        "    {{.argv = argv_{index}, .input = {c_input}, .input_length = {}}},\n",
                        input.len()
                    );
                }
                Step::Request { start, rest, status } => {
                    table += &format!(
                        "    {{.request = {}, .request_length = {}, .status = {status}",
                        c_string(start),
                        start.len()
                    );
                    if let Some(rest) = rest {
                        table +=
                            &format!(", .rest = {}, .rest_length = {}", c_string(rest), rest.len());
                    }
                    table += "},\n";
                }
            }
        }
        text + &format!("static const struct step plan[] = {{\n{table}}};\n")
    }
}

/// Writes bytes as a C string literal.
///
/// Its escapes are octal: those have at most three digits, while a hexadecimal escape would swallow
/// the digits that follow it. A question mark is escaped too, since two could begin a trigraph.
fn c_string(bytes: &[u8]) -> String {
    let mut text = "\"".to_owned();
    for byte in bytes {
        match byte {
            b'"' | b'\\' | b'?' => text += &format!("\\{byte:03o}"),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => text += &format!("\\{byte:03o}"),
        }
    }
    text + "\""
}

//! What a charm does, written down: hook tools and requests to Pebble, in order; and the same as a
//! C table.

use std::fmt::Write as _;
use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;

use charmwright_testing::proxy::{Fault, FaultProxy, Rule};

use crate::common::Failure;
use crate::unit::{Charm, Unit};

/// One call of a charm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    /// A hook tool, by its argv (the tool's bare name first), with its input.
    Tool { argv: Vec<String>, input: Vec<u8> },
    /// A request to Pebble: the whole of it lies with the proxy.
    Request,
}

/// Reads the log that the hook tools write, and the proxy's own mark in it: netstrings, see
/// `hook-tool.c`.
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

/// One step of the floor program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Tool {
        argv: Vec<String>,
        input: Vec<u8>,
    },
    /// `rest`, when there is one, follows the id of the last change.
    Request {
        start: Vec<u8>,
        rest: Option<Vec<u8>>,
        status: u16,
    },
}

/// All that the Rust charm did in one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recording {
    pub(crate) steps: Vec<Step>,
}

/// Records the Rust charm in this event. What it does must be the same each time, else there is no
/// floor for it.
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

fn record_once(unit: &Unit<'_>, event: &str) -> Result<Recording, Failure> {
    let folder = tempfile::Builder::new().prefix("cw-").tempdir_in("/tmp")?;
    fs::create_dir(folder.path().join("workload"))?;
    let proxy =
        FaultProxy::start_at(folder.path().join("workload/pebble.socket"), unit.daemon.socket())?;
    let log = folder.path().join("calls");
    let request_log = log.clone();
    // Into the same log as the tools write to, so that both are in one order.
    let log_request = move |_: &_| {
        let file = OpenOptions::new().append(true).create(true).open(&request_log);
        if file.and_then(|mut file| file.write_all(b"7:request,")).is_err() {
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
    /// The table `plan` that `floor.c` includes.
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

/// Bytes as a C string literal; octal, since a hexadecimal escape has no end.
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

//! This module prints the tables: times, ratios with their bounds, and phases.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use crate::common::Failure;
use crate::common::numbers::{check_mark, mebibytes};
use crate::environment::Environment;
use crate::measure::{OperationResult, Runs};
use crate::peer::{PEERS, Peer};

/// The ratios that are printed beside those of the charmwright client. They show how far apart the
/// other clients are.
const REFERENCE_RATIOS: [(Peer, Peer); 3] =
    [(Peer::Go, Peer::Floor), (Peer::Curl, Peer::Floor), (Peer::Ops, Peer::Floor)];

/// Prints all tables on standard output.
pub(crate) fn print(
    results: &[OperationResult],
    environment: &Environment,
    rounds: usize,
) -> Result<(), Failure> {
    let mut out = String::new();
    write_times(&mut out, results)?;
    write_ratios(&mut out, results)?;
    write_phases(&mut out, results)?;
    let location = if environment.is_in_memory() {
        "Files and daemons lie in memory (/dev/shm): no disk is in these figures, but where a row \
         says so."
    } else {
        "Files and daemons lie on a disk: its writes and syncs are in these figures, most of all \
         in those of push."
    };
    writeln!(
        out,
        "Medians of {rounds} rounds. {location}\nThe CPU time is the client's, not the daemon's. \
         curl's has its start in it; the others' is that of the measured loop only."
    )?;
    if !environment.has_curl {
        writeln!(out, "There is no curl here: its bounds were not looked at.")?;
    }
    // One write for all: `println!` would panic if the reader of the tables has gone.
    std::io::stdout().write_all(out.as_bytes())?;
    Ok(())
}

/// Writes the two lines that begin a table in Markdown.
fn write_header(out: &mut String, columns: impl Iterator<Item = String>) {
    let columns: Vec<String> = columns.collect();
    *out += &format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()));
}

/// Writes the table with the time, the CPU time and the peak memory of each peer.
fn write_times(out: &mut String, results: &[OperationResult]) -> Result<(), Failure> {
    *out += "Time (CPU time) of one operation, peak memory of the process:\n\n";
    let names = PEERS.into_iter().map(|peer| peer.name().to_owned());
    write_header(out, std::iter::once("operation".to_owned()).chain(names));
    for measured in results {
        write!(out, "| {} |", measured.operation.title())?;
        for peer in PEERS {
            write!(out, " {} |", cell(measured.runs_of(peer)))?;
        }
        *out += "\n";
    }
    *out += "\n";
    Ok(())
}

/// Returns the text of one cell of that table.
fn cell(runs: Option<&Runs>) -> String {
    let Some(runs) = runs else {
        return "–".to_owned();
    };
    if let Some(limit) = runs.stopped_after {
        return format!("> {} s, stopped", limit.as_secs());
    }
    match (runs.time(), runs.cpu()) {
        (Some(time), Some(cpu)) => {
            format!(
                "{} ({}), {:.1} MiB",
                format_duration(time),
                format_duration(cpu),
                mebibytes(runs.peak_kib())
            )
        }
        _ => "not measured".to_owned(),
    }
}

/// Formats a time as `48 µs`, `1.25 ms` or `134 ms`.
fn format_duration(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..1e3 => format!("{micros:.0} µs"),
        ..1e4 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.0} ms", micros / 1e3),
    }
}

/// Writes the table of the ratios.
fn write_ratios(out: &mut String, results: &[OperationResult]) -> Result<(), Failure> {
    *out += "Ratios, paired within a round; in brackets the bound of ours:\n\n";
    let others = PEERS.into_iter().filter(|peer| *peer != Peer::Charmwright);
    let ours = others.clone().map(|peer| (Peer::Charmwright, peer));
    let pairs: Vec<(Peer, Peer)> = ours.chain(REFERENCE_RATIOS).collect();
    let names = pairs
        .iter()
        .map(|(numerator, denominator)| format!("{} ÷ {}", numerator.name(), denominator.name()));
    write_header(out, std::iter::once("operation".to_owned()).chain(names));
    for measured in results {
        write!(out, "| {} |", measured.operation.title())?;
        for (numerator, denominator) in &pairs {
            let bound = measured
                .operation
                .bounds()
                .iter()
                .find(|(peer, _)| *numerator == Peer::Charmwright && peer == denominator)
                .map(|(_, bound)| *bound);
            let text = match (measured.ratio(*numerator, *denominator), bound) {
                (Some(ratio), Some(bound)) => {
                    format!("{ratio:.2} (≤ {bound}) {}", check_mark(ratio <= bound))
                }
                (Some(ratio), None) => format!("{ratio:.2}"),
                (None, Some(bound)) => format!("not measured (≤ {bound})"),
                (None, None) => "–".to_owned(),
            };
            write!(out, " {text} |")?;
        }
        *out += "\n";
    }
    *out += "\n";
    Ok(())
}

/// Writes the list of the phases: the parts of an exec, and the parsing of a plan's YAML.
fn write_phases(out: &mut String, results: &[OperationResult]) -> Result<(), Failure> {
    let mut text = String::new();
    for measured in results {
        for runs in &measured.peers {
            let phases: Vec<String> = runs
                .phases()
                .iter()
                .map(|(name, took)| format!("{name} {}", format_duration(*took)))
                .collect();
            if !phases.is_empty() {
                let operation = measured.operation.title();
                writeln!(text, "- {operation}, {}: {}", runs.peer.name(), phases.join("; "))?;
            }
        }
    }
    if !text.is_empty() {
        write!(out, "Phases:\n\n{text}\n")?;
    }
    Ok(())
}

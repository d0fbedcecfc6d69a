//! This module prints the table and checks the bounds.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::time::Duration;

use crate::common::numbers::{check_mark, mebibytes};
use crate::common::{Failure, print_progress};
use crate::measure::{Counts, EventResult};
use crate::setup::Programs;

// The bounds of the Rust charm: its wall time as a multiple of the floor's, its peak memory, the
// hook tools of an update-status, and the size of its executable.
const WALL_TO_FLOOR: f64 = 1.5;
const PEAK_KIB: u64 = 8 * 1024;
const UPDATE_STATUS_TOOLS: usize = 3;
const HOOK_BYTES: u64 = 6_000_000;

/// Returns the bound of ops: it has to take at least so many times as long as the Rust charm.
///
/// The bound is lower for the events in which the Rust charm makes more calls: a call takes both
/// charms about the same time.
fn ops_factor(event: &str) -> f64 {
    match event {
        "start" | "config-changed" => 10.0,
        _ => 30.0,
    }
}

/// Prints the table and returns `true` if the bounds of counts and sizes hold.
///
/// The bounds of times are only marked in the table, since times depend on the machine.
pub(crate) fn print(results: &[EventResult], programs: &Programs) -> Result<bool, Failure> {
    let mut out = String::new();
    writeln!(
        out,
        "| event | floor | Rust | Rust ÷ floor (≤ {WALL_TO_FLOOR}) | ops | ops ÷ Rust | peak \
         memory Rust (≤ 8 MiB), ops | hook tools Rust, ops | requests to Pebble |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
    let mut failures = Vec::new();
    let mut names = String::new();
    for result in results {
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let total = |counts: &Counts| counts.values().sum::<usize>();
        let factor = ops_factor(result.event);
        writeln!(
            out,
            "| {} | {:.1} ms | {:.1} ms | {:.2} {} | {:.0} ms | {:.0} (≥ {factor}) {} | {:.1} {}, \
             {:.1} MiB | {}, {} | {} |",
            result.event,
            millis(result.floor),
            millis(result.rust),
            result.rust_to_floor,
            check_mark(result.rust_to_floor <= WALL_TO_FLOOR),
            millis(result.ops),
            result.ops_to_rust,
            check_mark(result.ops_to_rust >= factor),
            mebibytes(result.rust_peak),
            check_mark(result.rust_peak <= PEAK_KIB),
            mebibytes(result.ops_peak),
            total(&result.rust_tools),
            total(&result.ops_tools),
            result.requests,
        )?;
        writeln!(
            names,
            "- {}: Rust {}; ops {}",
            result.event,
            format_counts(&result.rust_tools),
            format_counts(&result.ops_tools)
        )?;
        if result.rust_peak > PEAK_KIB {
            failures.push(format!(
                "{}: peak memory {:.1} MiB, more than 8",
                result.event,
                mebibytes(result.rust_peak)
            ));
        }
        let tools: usize = result.rust_tools.values().sum();
        if result.event == "update-status" && tools > UPDATE_STATUS_TOOLS {
            failures.push(format!(
                "update-status: {tools} hook tools, more than {UPDATE_STATUS_TOOLS}"
            ));
        }
    }
    let bytes = fs::metadata(&programs.hook)?.len();
    #[expect(clippy::cast_precision_loss, reason = "a size to be read, to two digits")]
    let megabytes = bytes as f64 / 1e6;
    writeln!(out, "\nHook tools by name:\n\n{names}")?;
    writeln!(out, "Hook executable: {megabytes:.2} MB (≤ 6) {}", check_mark(bytes <= HOOK_BYTES))?;
    if bytes > HOOK_BYTES {
        failures.push(format!("the hook executable has {megabytes:.2} MB, more than 6"));
    }
    std::io::stdout().write_all(out.as_bytes())?;
    for failure in &failures {
        print_progress(&format!("FLOOR NOT REACHED: {failure}"));
    }
    Ok(failures.is_empty())
}

/// Formats counts as `config-get, state-get, 2 × juju-log`.
fn format_counts(counts: &Counts) -> String {
    let names: Vec<String> = counts
        .iter()
        .map(|(name, count)| if *count == 1 { name.clone() } else { format!("{count} × {name}") })
        .collect();
    names.join(", ")
}

//! This module prints the table and checks the bounds.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::time::Duration;

use crate::case::{Case, MeasuredEvent};
use crate::common::numbers::{check_mark, mebibytes};
use crate::common::{Failure, print_progress};
use crate::measure::{Counts, EventResult};
use crate::setup::Programs;

// The bounds of the Rust charms in all cases: the wall time as a multiple of the floor's, and the
// size of the executable.
const WALL_TO_FLOOR: f64 = 1.5;
const HOOK_BYTES: u64 = 6_000_000;

/// Prints the table of a case and returns `true` if the bounds of counts and sizes hold.
///
/// The bounds of times are only marked in the table, since times depend on the machine.
pub(crate) fn print(
    case: &Case,
    results: &[EventResult],
    programs: &Programs,
) -> Result<bool, Failure> {
    let peak_mib = case.peak_mib;
    let mut out = format!("### {}\n\n", case.package);
    writeln!(
        out,
        "| event | floor | Rust | Rust ÷ floor (≤ {WALL_TO_FLOOR}) | ops | ops ÷ Rust | peak \
         memory Rust (≤ {peak_mib} MiB), ops | hook tools Rust, ops | requests to Pebble |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|")?;
    let mut failures = Vec::new();
    let mut names = String::new();
    for result in results {
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let total = |counts: &Counts| counts.values().sum::<usize>();
        let MeasuredEvent { name, tools: most_tools, ops_factor, .. } = result.event;
        let (tools, ops_tools) = (total(&result.rust_tools), total(&result.ops_tools));
        let holds_memory = result.rust_peak <= u64::from(peak_mib) * 1024;
        writeln!(
            out,
            "| {name} | {:.1} ms | {:.1} ms | {:.2} {} | {:.0} ms | {:.0} (≥ {ops_factor}) {} | \
             {:.1} {}, {:.1} MiB | {tools} (≤ {most_tools}) {}, {ops_tools} | {} |",
            millis(result.floor),
            millis(result.rust),
            result.rust_to_floor,
            check_mark(result.rust_to_floor <= WALL_TO_FLOOR),
            millis(result.ops),
            result.ops_to_rust,
            check_mark(result.ops_to_rust >= *ops_factor),
            mebibytes(result.rust_peak),
            check_mark(holds_memory),
            mebibytes(result.ops_peak),
            check_mark(tools <= *most_tools && tools < ops_tools),
            result.requests,
        )?;
        writeln!(
            names,
            "- {}: Rust {}; ops {}",
            name,
            format_counts(&result.rust_tools),
            format_counts(&result.ops_tools)
        )?;
        if !holds_memory {
            let peak = mebibytes(result.rust_peak);
            failures.push(format!("{name}: peak memory {peak:.1} MiB, more than {peak_mib}"));
        }
        if tools >= ops_tools {
            failures.push(format!("{name}: {tools} hook tools, and ops starts {ops_tools}"));
        }
        if tools > *most_tools {
            failures.push(format!("{name}: {tools} hook tools, more than {most_tools}"));
        }
    }
    let bytes = fs::metadata(programs.hook(case)?)?.len();
    #[expect(clippy::cast_precision_loss, reason = "a size to be read, to two digits")]
    let megabytes = bytes as f64 / 1e6;
    writeln!(out, "\nHook tools by name:\n\n{names}")?;
    writeln!(
        out,
        "Hook executable: {megabytes:.2} MB (≤ 6) {}\n",
        check_mark(bytes <= HOOK_BYTES)
    )?;
    if bytes > HOOK_BYTES {
        failures.push(format!("the hook executable has {megabytes:.2} MB, more than 6"));
    }
    std::io::stdout().write_all(out.as_bytes())?;
    for failure in &failures {
        print_progress(&format!("BOUND MISSED: {}: {failure}", case.package));
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

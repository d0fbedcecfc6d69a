//! A small test runner for programs without a test harness.

use std::panic::catch_unwind;
use std::process::ExitCode;

/// Runs tests one after the other and prints the result of each.
///
/// As with the usual harness, words on the command line choose the tests whose names contain them.
pub fn run_tests(tests: &[(&str, fn())]) -> ExitCode {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut failed = false;
    for (name, test) in tests {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let passed = catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed |= !passed;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

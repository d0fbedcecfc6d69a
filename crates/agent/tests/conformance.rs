//! Checks the page `docs/conformance.md`: a rule must not name a test that does not exist.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the file of a module, given the names below the crate: `a.rs`, `a/mod.rs`, or, for a
/// module inside a file, the file that has it.
fn file_of(modules: &[&str]) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    (1..=modules.len()).rev().find_map(|count| {
        let path: PathBuf = modules.iter().take(count).collect();
        let base = root.join(path);
        [base.with_extension("rs"), base.join("mod.rs")].into_iter().find(|file| file.is_file())
    })
}

#[test]
fn every_test_of_the_page_exists() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let page = fs::read_to_string(page).unwrap();
    // The second column of a row has the tests, each between two back ticks.
    let rows = page.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit_once(" | "));
    let tests = rows.flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2));
    let mut count = 0;
    for test in tests {
        let parts: Vec<&str> = test.split("::").collect();
        let (name, modules) = parts.split_last().unwrap();
        let file = file_of(modules).unwrap_or_else(|| panic!("{test} has no file"));
        let source = fs::read_to_string(&file).unwrap();
        assert!(source.contains(&format!("fn {name}(")), "{test} is not in {}", file.display());
        count += 1;
    }
    assert!(count > 200, "only {count} tests were found");
}

//! This test compares the table of `docs/pebble-versions.md` with the versions that the cases name
//! in their code.

use std::collections::BTreeSet;
use std::path::Path;

use super::CASES;

/// A version, and a case that names it.
type Difference = (String, String);

/// Reads a file of the repository.
fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the texts between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Returns the versions of the table with the cases in their rows.
fn in_the_table() -> BTreeSet<Difference> {
    let text = read("docs/pebble-versions.md");
    let rows = text.lines().filter(|line| line.starts_with("| 1."));
    rows.flat_map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [version, _, _, cases] = cells[..] else {
            panic!("a row of {} cells: {row}", cells.len());
        };
        let rows: Vec<Difference> =
            quoted(cases).map(|case| (version.to_owned(), case.to_owned())).collect();
        assert!(!rows.is_empty(), "no case holds it: {row}");
        rows
    })
    .collect()
}

/// Returns the versions in the code of the cases. A version there is a string such as "1.17".
fn in_the_cases() -> BTreeSet<Difference> {
    let mut found = BTreeSet::new();
    for (module, case) in CASES {
        let text = read(&format!("tests/pebble/conformance/{module}.rs"));
        let begin = text.find(&format!("async fn {case}(")).expect("the case in its module");
        let body = text[begin..].split_once("\n}\n").unwrap().0;
        for (index, mark) in body.match_indices("\"1.") {
            let minor = body[index + mark.len()..].split('"').next().unwrap();
            if (1..=2).contains(&minor.len()) && minor.bytes().all(|byte| byte.is_ascii_digit()) {
                found.insert((format!("1.{minor}"), format!("{module}::{case}")));
            }
        }
    }
    found
}

#[test]
fn the_table_and_the_cases_say_the_same() {
    let (table, cases) = (in_the_table(), in_the_cases());
    let missing: Vec<_> = cases.difference(&table).collect();
    assert!(missing.is_empty(), "not in docs/pebble-versions.md: {missing:#?}");
    let unknown: Vec<_> = table.difference(&cases).collect();
    assert!(unknown.is_empty(), "in docs/pebble-versions.md, and in no such case: {unknown:#?}");
}

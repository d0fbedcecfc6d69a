//! The table of `docs/pebble-versions.md` says what the cases say of versions, no more and no less.

use std::collections::BTreeSet;
use std::path::Path;

use super::CASES;

/// A version, and a case that knows it.
type Difference = (String, String);

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

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

fn in_the_cases() -> BTreeSet<Difference> {
    let mut found = BTreeSet::new();
    for (room, case) in CASES {
        let text = read(&format!("tests/pebble/conformance/{room}.rs"));
        let begin = text.find(&format!("async fn {case}(")).expect("the case in its room");
        let body = text[begin..].split_once("\n}\n").unwrap().0;
        for (index, mark) in body.match_indices("\"1.") {
            let minor = body[index + mark.len()..].split('"').next().unwrap();
            if (1..=2).contains(&minor.len()) && minor.bytes().all(|byte| byte.is_ascii_digit()) {
                found.insert((format!("1.{minor}"), format!("{room}::{case}")));
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
    let unheld: Vec<_> = table.difference(&cases).collect();
    assert!(unheld.is_empty(), "in docs/pebble-versions.md, and in no such case: {unheld:#?}");
}

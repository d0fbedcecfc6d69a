//! Checks the page `docs/coverage.md`: that it has a row for every event and every hook tool of
//! Juju and for everything that ops offers to a charm, and that what a row names exists.

mod public_items;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use public_items::public_items;

/// What ops 3.9 offers to the author of a charm, for each class.
const OPS: &[(&str, &[&str])] = &[
    ("ActionEvent", &["fail", "id", "load_params", "log", "params", "set_results"]),
    ("Application", &["add_secret", "name", "planned_units", "status"]),
    ("Binding", &["network"]),
    ("CharmBase", &["app", "charm_dir", "config", "load_config", "meta", "unit"]),
    ("CloudCredential", &["CloudCredential"]),
    ("CloudSpec", &["CloudSpec"]),
    ("CollectMetricsEvent", &["add_metrics"]),
    ("CollectStatusEvent", &["add_status"]),
    (
        "Container",
        &[
            "add_layer",
            "autostart",
            "can_connect",
            "exec",
            "exists",
            "get_check",
            "get_checks",
            "get_notice",
            "get_notices",
            "get_plan",
            "get_service",
            "get_services",
            "isdir",
            "list_files",
            "make_dir",
            "pebble",
            "pull",
            "pull_path",
            "push",
            "push_path",
            "remove_path",
            "replan",
            "restart",
            "send_signal",
            "start",
            "start_checks",
            "stop",
            "stop_checks",
        ],
    ),
    ("EventBase", &["defer"]),
    ("Framework", &["breakpoint", "observe"]),
    ("JujuContext", &["from_environ"]),
    ("JujuVersion", &["from_environ"]),
    ("LazyCheckInfo", &["LazyCheckInfo"]),
    ("LazyNotice", &["LazyNotice"]),
    (
        "Model",
        &[
            "app",
            "config",
            "get_app",
            "get_binding",
            "get_cloud_spec",
            "get_relation",
            "get_secret",
            "get_unit",
            "juju_version",
            "name",
            "pod",
            "relations",
            "resources",
            "storages",
            "unit",
            "uuid",
        ],
    ),
    ("ModelError", &["ModelError"]),
    (
        "Network",
        &["bind_address", "egress_subnets", "ingress_address", "ingress_addresses", "interfaces"],
    ),
    ("NetworkInterface", &["NetworkInterface"]),
    ("ObjectEvents", &["define_event"]),
    ("PebbleCheckEvent", &["info"]),
    ("PebbleNoticeEvent", &["notice"]),
    ("Port", &["Port"]),
    ("Relation", &["active", "app", "data", "id", "load", "name", "remote_model", "save", "units"]),
    ("RelationDepartedEvent", &["departing_unit"]),
    ("RelationEvent", &["app", "relation", "unit"]),
    ("RelationNotFoundError", &["RelationNotFoundError"]),
    ("Resources", &["fetch"]),
    (
        "Secret",
        &[
            "get_content",
            "get_info",
            "grant",
            "id",
            "label",
            "peek_content",
            "remove_all_revisions",
            "remove_revision",
            "revoke",
            "set_content",
            "set_info",
            "unique_identifier",
        ],
    ),
    ("SecretEvent", &["secret"]),
    ("SecretExpiredEvent", &["remove_revision", "revision"]),
    ("SecretNotFoundError", &["SecretNotFoundError"]),
    ("SecretRemoveEvent", &["remove_revision", "revision"]),
    ("Storage", &["full_id", "id", "index", "location", "name"]),
    ("StorageEvent", &["storage"]),
    ("StorageMapping", &["request"]),
    ("StoredState", &["set_default"]),
    (
        "Unit",
        &[
            "add_secret",
            "close_port",
            "containers",
            "get_container",
            "is_leader",
            "name",
            "open_port",
            "opened_ports",
            "reboot",
            "set_ports",
            "set_workload_version",
            "status",
        ],
    ),
    ("WorkloadEvent", &["workload"]),
    ("hookcmds", &["hookcmds"]),
    ("logging", &["logging"]),
    ("main", &["main"]),
    ("testing", &["testing"]),
];

/// A row of the page: its first cell, the library's column, the model's and that of the tests.
struct Row {
    subject: String,
    library: String,
    model: String,
    tests: String,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Returns the cells of the rows of a table's text, without the two of its head.
fn cells(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.skip(1).map(|row| row.split(" | ").map(str::trim).collect())
}

/// Returns the texts between back ticks.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Returns the rows of the section of the page with this heading.
fn section(heading: &str) -> Vec<Row> {
    let page = read("docs/coverage.md");
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let text = rest.split("\n## ").next().unwrap();
    let row = |cells: Vec<&str>| {
        let [subject, library, model, tests] = cells[..] else {
            panic!("a row of {heading} has not four cells: {cells:?}")
        };
        let [subject, library, model, tests] = [subject, library, model, tests].map(str::to_owned);
        Row { subject, library, model, tests }
    };
    let rows: Vec<Row> = cells(text).map(row).collect();
    assert!(!rows.is_empty(), "{heading} has no row");
    rows
}

/// Asserts that the first cells name each of `due` exactly once, and nothing else.
fn assert_complete(rows: &[Row], due: &BTreeSet<String>) {
    let mut left = due.clone();
    for row in rows {
        for name in code(&row.subject) {
            assert!(left.remove(name), "{name} has a second row, or is nothing that there is");
        }
    }
    assert!(left.is_empty(), "without a row: {left:?}");
}

/// Returns the first column of the table that a test writes into a page of the docs.
fn written_by_a_test(page: &str) -> Vec<(String, String)> {
    let page = read(page);
    let (_, rest) = page.split_once("written by a test").unwrap();
    let table = rest.split("<!-- end").next().unwrap();
    let named = cells(table).filter_map(|cells| {
        let name = code(cells.first()?).next()?;
        Some((name.to_owned(), (*cells.get(1)?).to_owned()))
    });
    named.collect()
}

#[test]
fn every_event_has_a_row() {
    let events = written_by_a_test("docs/events.md");
    assert!(events.len() > 20, "{events:?}");
    let rows = section("Events");
    assert_complete(&rows, &events.iter().map(|(hook, _)| hook.clone()).collect());
    for row in rows {
        let hook = code(&row.subject).next().unwrap();
        let (_, variant) = events.iter().find(|(name, _)| name == hook).unwrap();
        assert_eq!(format!("`Event::{}`", variant.trim_matches('`')), row.library, "{hook}");
    }
}

#[test]
fn every_hook_tool_has_a_row() {
    let tools = written_by_a_test("docs/hook-tools.md");
    assert!(tools.len() > 40, "{tools:?}");
    let rows = section("Hook tools");
    assert_complete(&rows, &tools.iter().map(|(tool, _)| tool.clone()).collect());
    for row in rows {
        let tool = code(&row.subject).next().unwrap();
        let (_, versions) = tools.iter().find(|(name, _)| name == tool).unwrap();
        let model = match versions.as_str() {
            "before 3.0" => "2.9",
            "before 4.0" => "3.6",
            _ => "3.6, 4.0",
        };
        assert_eq!(row.model, model, "{tool}");
    }
}

#[test]
fn everything_that_ops_offers_has_a_row() {
    let names =
        OPS.iter().flat_map(|(class, names)| {
            names.iter().map(move |name| {
                if class == name { (*name).to_owned() } else { format!("{class}.{name}") }
            })
        });
    assert_complete(&section("What ops offers"), &names.collect());
}

#[test]
fn what_a_row_names_in_the_library_exists() {
    let items = public_items(root());
    assert!(items.len() > 1_000, "only {} public items were found", items.len());
    let mut missing = Vec::new();
    for heading in ["Events", "Hook tools", "What ops offers"] {
        for row in section(heading) {
            if row.library.starts_with("none: ") {
                continue;
            }
            let named: Vec<&str> = code(&row.library).collect();
            assert!(!named.is_empty(), "{} has neither a type nor a reason", row.subject);
            for item in named.into_iter().filter(|item| !items.contains(*item)) {
                missing.push(format!("{}: {item}", row.subject));
            }
        }
    }
    assert_eq!(missing, [""; 0], "these do not exist");
}

#[test]
fn the_tests_of_each_row_exist() {
    for heading in ["Events", "Hook tools", "What ops offers"] {
        for row in section(heading) {
            let tests: Vec<&str> = code(&row.tests).collect();
            assert!(!tests.is_empty(), "{} has no test", row.subject);
            for test in tests {
                let (file, name) = test.split_once("::").unwrap_or_else(|| panic!("{test}"));
                let source = read(file);
                let (before, _) = source
                    .split_once(&format!("fn {name}("))
                    .unwrap_or_else(|| panic!("{}: {file} has no {name}", row.subject));
                let attributes = before.rsplit("\n\n").next().unwrap();
                // A comment may have the word too.
                let mut lines = attributes.lines().map(str::trim);
                let is_run = lines.any(|line| ["#[test]", "#[tokio::test]"].contains(&line));
                assert!(is_run, "{}: {test} is not run", row.subject);
            }
        }
    }
}

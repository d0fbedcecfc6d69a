//! These tests compare how the client and a real Pebble read the YAML of a layer, with every kind
//! of value in every kind of field.

use charmwright_pebble::{Layer, Plan};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_tests::wire::ask;
use serde_json::{Value, json};

/// The entry `a` of each section in YAML, and the fields whose values are tested in the place of
/// FIELD.
const ENTRIES: &[(&str, &str, &[&str])] = &[
    (
        "services",
        "override: replace\n    command: c\n    FIELD",
        &[
            "summary",
            "user",
            "user-id",
            "environment",
            "after",
            "on-check-failure",
            "on-failure",
            "backoff-factor",
            "kill-delay",
        ],
    ),
    (
        "checks",
        "override: replace\n    startup: disabled\n    tcp: {port: 1}\n    FIELD",
        &["threshold", "period", "level"],
    ),
    (
        "checks",
        "override: replace\n    startup: disabled\n    tcp:\n      FIELD",
        &["port", "host"],
    ),
    (
        "checks",
        "override: replace\n    startup: disabled\n    http:\n      url: u\n      FIELD",
        &["headers"],
    ),
    (
        "checks",
        "override: replace\n    startup: disabled\n    exec:\n      command: c\n      FIELD",
        &["environment", "group-id", "working-dir"],
    ),
    (
        "log-targets",
        "override: replace\n    type: loki\n    location: l\n    FIELD",
        &["labels", "services"],
    ),
];

/// The values, which YAML 1.1, YAML 1.2 and Go's parser read differently.
const VALUES: &[&str] = &[
    "",
    "~",
    "null",
    "NULL",
    "true",
    "yes",
    "y",
    "0",
    "00",
    "010",
    "08",
    "0x10",
    "-0x10",
    "0o17",
    "0b11",
    "1e3",
    "1e+3",
    "1.5",
    "5.",
    ".5",
    "+1",
    "-1",
    "1_000",
    "1_0.5",
    "1__0",
    ".inf",
    "-.inf",
    ".nan",
    "9223372036854775807",
    "9223372036854775808",
    "1e19",
    "3.0",
    "3.7",
    "1:20",
    "2001-01-01",
    "2001-01-01T10:00:00Z",
    "abc",
    "'3'",
    "\"3\"",
    "''",
    "'true'",
    "!!int \"7\"",
    "!!int x",
    "!!str 5",
    "!!float 3",
    "!!bool yes",
    "!!null x",
    "!!null ''",
    "!!binary aGk=",
    "!!binary x",
    "!foo 5",
    "! 5",
    "[]",
    "{}",
    "[a]",
    "[a, ~, b]",
    "[1, 2.50, yes]",
    "[[a]]",
    "{a: b}",
    "{a: }",
    "{~: x}",
    "{a: ~, b: 1}",
    "{1: x}",
    "{a: {b: c}}",
    "{? [a] : b}",
    "*x",
    "&x 5",
    "5s",
    "1m30s",
    "-1s",
    "ignore",
    "\"\\ud83d\"",
    "\"a\\nb\"",
    "0x1p4",
    "{<<: {a: b}}",
    "{<<: {a: b}, a: c}",
    "{<<: [{a: b}, {a: c, d: e}]}",
    "{a: b, a: c}",
    "{a: x, 'a': y}",
    "{'<<': {a: b}}",
    "<<",
    "a # b",
    "x: y",
    "a\n---\n{",
    "'a'\n...\nb",
    "a\n   b",
];

#[tokio::test]
async fn every_kind_of_value_is_read_as_the_daemon_reads_it() {
    let options = DaemonOptions::new().hold();
    let Some(daemon) =
        daemon_or_skip("every_kind_of_value_is_read_as_the_daemon_reads_it", options)
    else {
        return;
    };
    let client = daemon.client();
    let mut label = 0;
    let mut read = 0;
    for (section, entry, fields) in ENTRIES {
        for field in *fields {
            for value in VALUES {
                label += 1;
                let text = format!(
                    "{section}:\n  a:\n    {}\n",
                    entry.replace("FIELD", &format!("{field}: {value}"))
                );
                let here = Layer::from_yaml(&text);
                match post(&daemon, label, &text) {
                    Answer::Added => {
                        let layer = here.unwrap_or_else(|error| panic!("{error}\n{text}"));
                        let plan = client.plan().await.unwrap();
                        assert_eq!(of_layer(&layer, section), of_plan(&plan, section), "{text}");
                        read += 1;
                    }
                    Answer::NoLayer(answer) => assert!(here.is_err(), "{text}\n{answer}"),
                    // The daemon has parsed the value and refuses it, so the client must parse it.
                    Answer::Refused => assert!(here.is_ok(), "{here:?}\n{text}"),
                }
            }
        }
    }
    assert!(read > 300, "only {read} were added");
}

/// Pebble reads each section of a layer apart from the others, so an anchor holds only in its
/// section, and it refuses a section that is null.
#[tokio::test]
async fn sections_are_read_as_the_daemon_reads_them() {
    let options = DaemonOptions::new().hold();
    let Some(daemon) = daemon_or_skip("sections_are_read_as_the_daemon_reads_them", options) else {
        return;
    };
    let service = "{override: replace, command: c, environment: &e {A: b}}";
    for (label, text) in [
        String::new(),
        "~".to_owned(),
        "# nothing".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "text".to_owned(),
        "services:".to_owned(),
        "services: # none".to_owned(),
        "services: ~".to_owned(),
        "services: {}".to_owned(),
        "services: []".to_owned(),
        "summary:".to_owned(),
        "summary: ''".to_owned(),
        "summary: 010".to_owned(),
        "pairing:".to_owned(),
        "~:".to_owned(),
        "services: {}\nservices: {}".to_owned(),
        "services: {a: ~}".to_owned(),
        "services: {~: {override: replace, command: c}}".to_owned(),
        format!(
            "services: {{a: {service}}}\nchecks: {{b: {{override: replace, startup: disabled, \
             exec: {{command: c, environment: *e}}}}}}"
        ),
        format!(
            "services:\n  a: {service}\n  b: {{override: replace, command: d, environment: *e}}"
        ),
        format!("services:\n  a: &a {service}\n  b:\n    <<: *a\n    command: d"),
        "%YAML 1.1\n---\nsummary: a".to_owned(),
        "%YAML 1.2\n---\nsummary: a".to_owned(),
        "  summary: a\n description: b".to_owned(),
        "summary: a\n\tdescription: b".to_owned(),
        "summary: \"\u{1}\"".to_owned(),
        "summary: a\u{85}b".to_owned(),
    ]
    .into_iter()
    .enumerate()
    {
        let here = Layer::from_yaml(&text).map(|layer| layer.validate());
        match post(&daemon, label, &text) {
            Answer::Added => assert!(matches!(here, Ok(Ok(()))), "{here:?}\n{text}"),
            Answer::NoLayer(answer) => assert!(here.is_err(), "{text}\n{answer}"),
            Answer::Refused => assert!(!matches!(here, Ok(Ok(()))), "{text}"),
        }
    }
}

/// The result of adding a layer.
enum Answer {
    Added,
    /// The daemon cannot parse the text. This is its reply.
    NoLayer(String),
    /// The daemon has parsed the text and refuses a value.
    Refused,
}

/// Adds a layer without the client, which would check it first.
fn post(daemon: &Daemon, label: usize, text: &str) -> Answer {
    let body =
        json!({"action": "add", "format": "yaml", "label": format!("l{label}"), "layer": text})
            .to_string();
    let (status, answer) = ask(daemon.socket(), "POST", "/v1/layers", &body).unwrap();
    if status == 200 {
        Answer::Added
    } else if answer.contains(&format!("cannot parse layer \\\"l{label}\\\""))
        || answer.contains("cannot be null")
    {
        Answer::NoLayer(answer)
    } else {
        Answer::Refused
    }
}

/// Returns the entry `a` of a section of a layer.
fn of_layer(layer: &Layer, section: &str) -> Value {
    normalized(match section {
        "services" => serde_json::to_value(&layer.get_services()["a"]),
        "checks" => serde_json::to_value(&layer.get_checks()["a"]),
        _ => serde_json::to_value(&layer.get_log_targets()["a"]),
    })
}

/// Returns the entry `a` of a section of a plan.
fn of_plan(plan: &Plan, section: &str) -> Value {
    normalized(match section {
        "services" => serde_json::to_value(&plan.services()["a"]),
        "checks" => serde_json::to_value(&plan.checks()["a"]),
        _ => serde_json::to_value(&plan.log_targets()["a"]),
    })
}

/// Removes from an entry what Pebble leaves out of its plan or adds to it: empty values, and the
/// default threshold of a check.
fn normalized(entry: serde_json::Result<Value>) -> Value {
    let Value::Object(mut entry) = entry.unwrap() else {
        panic!("an entry is an object");
    };
    let is_set = |value: &Value| ![json!(""), json!([]), json!({})].contains(value);
    for kind in ["http", "tcp", "exec"] {
        if let Some(Value::Object(part)) = entry.get_mut(kind) {
            part.retain(|key, value| is_set(value) && !(key == "port" && *value == json!(0)));
        }
    }
    let threshold = entry.get("threshold").cloned();
    if matches!(
        threshold,
        Some(Value::Number(number)) if number.as_i64() == Some(0) || number.as_i64() == Some(3)
    ) {
        entry.remove("threshold");
    }
    entry.retain(|_, value| is_set(value));
    Value::Object(entry)
}

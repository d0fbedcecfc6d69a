//! These cases read and follow logs.

use std::path::PathBuf;
use std::time::Duration;

use charmwright_pebble::{Client, Layer, LayerMode, LogEntry, LogQuery, Service, Timestamp};

use super::pebble::{Pebble, add, until};
use super::raw::{Stream, get, post};

/// Returns a service that runs a script and does not end. The script is in single quotes, so it
/// must have none.
fn writer(script: &str) -> Service {
    Service::new().command(format!("/bin/sh -c '{script}; exec sleep 600'"))
}

/// Starts services without waiting for the change, which takes a second.
fn start(pebble: &impl Pebble, names: &[&str]) {
    let body = serde_json::json!({"action": "start", "services": names});
    assert_eq!(post(pebble, "/v1/services", &body.to_string()).status, 202);
}

/// Waits until these services have written this many lines, and returns all lines.
async fn wait_for_lines(client: &Client, names: &[&str], count: usize) -> Vec<LogEntry> {
    let query = LogQuery::new().services(names.iter().copied()).all();
    until(async || client.logs(&query).await.unwrap(), |entries| entries.len() >= count).await
}

/// Returns the texts of the lines.
fn messages(entries: &[LogEntry]) -> Vec<&str> {
    entries.iter().map(LogEntry::message).collect()
}

pub(crate) async fn are_as_many_as_asked_for(pebble: &impl Pebble) {
    let client = pebble.client();
    let services = ["one", "two"].map(|name| {
        let script = format!("for number in $(seq 1 20); do echo {name} $number; done");
        (name, writer(&script))
    });
    add(&client, services).await;
    // The services are started one after the other. The times of lines are in milliseconds, so the
    // order is only certain with more than one between them.
    start(pebble, &["one"]);
    let last = wait_for_lines(&client, &["one"], 20).await[19].time();
    let passed = async || Timestamp::now().since(last);
    until(passed, |passed| *passed > Duration::from_millis(1)).await;
    start(pebble, &["two"]);
    let all = wait_for_lines(&client, &[], 40).await;
    let expected: Vec<String> = ["one", "two"]
        .iter()
        .flat_map(|name| (1..=20).map(move |number| format!("{name} {number}")))
        .collect();
    assert_eq!(messages(&all), expected);
    assert!(all.is_sorted_by_key(LogEntry::time));
    let lines = |query: &str| {
        let answer = get(pebble, &format!("/v1/logs{query}"));
        assert_eq!(answer.status, 200, "{query}");
        let head = answer.head.to_ascii_lowercase();
        assert!(head.contains("content-type: application/x-ndjson"), "{head}");
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{query}");
        let last: Vec<String> = text
            .lines()
            .map(|line| {
                let entry: LogEntry = serde_json::from_str(line).unwrap();
                entry.message().to_owned()
            })
            .collect();
        last
    };
    for (query, count) in [
        ("", 30),
        ("?n=", 30),
        ("?follow=false", 30),
        ("?n=0", 0),
        ("?n=1", 1),
        ("?n=35", 35),
        ("?n=1000", 40),
        ("?n=-1", 40),
    ] {
        assert_eq!(lines(query), expected[40 - count..], "{query}");
    }
    assert_eq!(lines("?services=one"), expected[..20]);
    assert_eq!(lines("?services=one&n=2"), expected[18..20]);
    assert_eq!(lines("?services=two,%20nobody,&n=-1"), expected[20..]);
    assert_eq!(lines("?services=two&services=one&n=-1").len(), 40);
    // Trap: a name that no service has is no error.
    assert_eq!(lines("?services=nobody"), [""; 0]);
    let newest = client.logs(&LogQuery::new().newest(3)).await.unwrap();
    assert_eq!(messages(&newest), expected[37..]);
    assert_eq!(client.logs(&LogQuery::new()).await.unwrap().len(), 30);
}

pub(crate) async fn that_are_asked_for_wrongly_are_refused(pebble: &impl Pebble) {
    for (query, text) in [
        ("n=-2", "n must be -1, 0, or a positive integer"),
        ("n=x", "n must be -1, 0, or a positive integer"),
        ("n=1.5", "n must be -1, 0, or a positive integer"),
        ("follow=maybe", "follow parameter must be \"true\" or \"false\""),
        ("follow=true&n=-2", "n must be -1, 0, or a positive integer"),
    ] {
        let answer = get(pebble, &format!("/v1/logs?{query}"));
        assert_eq!((answer.status, answer.error_message().as_str()), (400, text), "{query}");
    }
    assert_eq!(pebble.client().logs(&LogQuery::new().all()).await.unwrap(), []);
}

pub(crate) async fn are_lines_of_both_streams(pebble: &impl Pebble) {
    let client = pebble.client();
    let script = concat!(
        r#"echo "<a> & b"; echo "to stderr" >&2; echo; "#,
        r#"printf "\tä\303\n"; printf "one\r\ntwo\n"; printf "no end""#
    );
    add(&client, [("web", writer(script))]).await;
    start(pebble, &["web"]);
    let entries = wait_for_lines(&client, &["web"], 7).await;
    // Trap: a line is there before its end is written, and bytes that are not UTF-8 are replaced.
    assert_eq!(
        messages(&entries),
        ["<a> & b", "to stderr", "", "\tä\u{fffd}", "one\r", "two", "no end"]
    );
    assert!(entries.iter().all(|entry| entry.service() == "web"));
    // Times are in milliseconds, and `<`, `>` and `&` are not escaped, unlike in all other replies.
    let body = String::from_utf8(get(pebble, "/v1/logs").body).unwrap();
    let first = body.lines().next().unwrap();
    assert!(first.ends_with(r#"Z","service":"web","message":"<a> & b"}"#), "{first}");
    for line in body.lines() {
        let time = line.split('"').nth(3).unwrap();
        let fraction =
            time.split_once('.').map_or("", |(_, fraction)| fraction.trim_end_matches('Z'));
        assert!(fraction.len() <= 3, "{time}");
    }
}

pub(crate) async fn of_long_lines_are_several(pebble: &impl Pebble) {
    let client = pebble.client();
    let script = "head -c 10000 /dev/zero | tr \"\\\\000\" x; echo; echo last";
    add(&client, [("web", writer(script))]).await;
    start(pebble, &["web"]);
    let last =
        |entries: &Vec<LogEntry>| entries.last().is_some_and(|entry| entry.message() == "last");
    let query = LogQuery::new().all();
    let entries = until(async || client.logs(&query).await.unwrap(), last).await;
    let long = &entries[..entries.len() - 1];
    // Trap: one line of the service may be several entries of the reply.
    assert!(long.len() > 1, "{}", long.len());
    let lengths: Vec<usize> = long.iter().map(|entry| entry.message().len()).collect();
    assert_eq!(lengths.iter().sum::<usize>(), 10_000, "{lengths:?}");
    assert!(lengths.iter().all(|length| *length <= 4096), "{lengths:?}");
}

pub(crate) async fn are_kept_over_restarts_of_the_service_only(pebble: &impl Pebble) {
    let client = pebble.client();
    let layer = Layer::new().service("web", writer("echo started"));
    client.add_layer("web", &layer, LayerMode::New).await.unwrap();
    client.start(["web"]).await.unwrap();
    client.restart(["web"]).await.unwrap();
    assert_eq!(messages(&wait_for_lines(&client, &["web"], 2).await), ["started", "started"]);
    // Pebble keeps 100 KiB for each service.
    let flood = Layer::new().service("flood", writer("seq 1 30000"));
    client.add_layer("flood", &flood, LayerMode::New).await.unwrap();
    start(pebble, &["flood"]);
    let query = LogQuery::new().services(["flood"]).all();
    let last =
        |entries: &Vec<LogEntry>| entries.last().is_some_and(|entry| entry.message() == "30000");
    let entries = until(async || client.logs(&query).await.unwrap(), last).await;
    assert!((1000..30_000).contains(&entries.len()), "{}", entries.len());
    assert_eq!(wait_for_lines(&client, &["web"], 2).await.len(), 2, "each has its own");
    pebble.restart();
    assert_eq!(client.logs(&LogQuery::new().all()).await.unwrap(), []);
}

/// Returns a service that writes a line for each of these files when the file is there, and the
/// paths of the files.
fn triggered(pebble: &impl Pebble, names: &[&str]) -> (Service, Vec<PathBuf>) {
    let files: Vec<PathBuf> = names.iter().map(|name| pebble.folder().join(name)).collect();
    let script: Vec<String> = files
        .iter()
        .zip(names)
        .map(|(file, name)| {
            format!("while ! test -e {}; do sleep 0.02; done; echo {name}", file.display())
        })
        .collect();
    (writer(&format!("echo first; {}", script.join("; "))), files)
}

pub(crate) async fn are_followed(pebble: &impl Pebble) {
    let client = pebble.client();
    let (service, files) = triggered(pebble, &["second", "third"]);
    add(&client, [("early", service), ("late", writer("echo late"))]).await;
    start(pebble, &["early"]);
    wait_for_lines(&client, &["early"], 1).await;
    let follow = |query: &str| Stream::get(pebble, &format!("/v1/logs?follow=true{query}"));
    let (mut new, mut none, mut last, mut all) =
        (follow(""), follow("&n=0"), follow("&n=1"), follow("&n=-1"));
    // Lines that are there already come at once. Trap: if there are none, not even the head of the
    // reply comes.
    let head = all.until("\"first\"}\n").to_ascii_lowercase();
    assert!(head.contains("content-type: application/x-ndjson"), "{head}");
    last.until("\"first\"}\n");
    assert!(new.is_quiet(Duration::from_millis(100)) && none.is_quiet(Duration::from_millis(1)));
    // Trap: a service that is started for the first time after a request is not in its reply.
    start(pebble, &["late"]);
    wait_for_lines(&client, &["late"], 1).await;
    std::fs::write(&files[0], "").unwrap();
    for (stream, first) in
        [(&mut new, false), (&mut none, false), (&mut last, true), (&mut all, true)]
    {
        let text = stream.until("\"second\"}\n");
        assert_eq!(text.contains("first"), first, "{text}");
        assert!(!text.contains("late"), "{text}");
    }
    // A request that is made now has that service.
    let mut both = follow("&n=-1");
    both.until("\"late\"}\n");
    std::fs::write(&files[1], "").unwrap();
    both.until("\"third\"}\n");
    all.until("\"third\"}\n");
}

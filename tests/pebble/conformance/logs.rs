//! Logs: which lines are read, what is in them, and which are followed.

use std::path::PathBuf;
use std::time::Duration;

use charmwright_pebble::{Client, Layer, LayerMode, LogEntry, LogQuery, Service, Timestamp};

use super::pebble::{Pebble, add, until};
use super::raw::{Stream, get, post};

/// A service that runs this and then stays. Its `$` and `"` are the layer's.
fn writer(script: &str) -> Service {
    Service::new().command(format!("/bin/sh -c '{script}; exec sleep 600'"))
}

/// Starts services, and does not wait the second that Pebble looks at them.
fn start(pebble: &impl Pebble, names: &[&str]) {
    let body = serde_json::json!({"action": "start", "services": names});
    assert_eq!(post(pebble, "/v1/services", &body.to_string()).status, 202);
}

/// All lines of these services, once there are so many.
async fn written(client: &Client, names: &[&str], count: usize) -> Vec<LogEntry> {
    let query = LogQuery::new().services(names.iter().copied()).all();
    until(async || client.logs(&query).await.unwrap(), |entries| entries.len() >= count).await
}

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
    // One after the other, so that their lines have an order: their times count milliseconds.
    start(pebble, &["one"]);
    let last = written(&client, &["one"], 20).await[19].time();
    let passed = async || Timestamp::now().since(last);
    until(passed, |passed| *passed > Duration::from_millis(1)).await;
    start(pebble, &["two"]);
    let all = written(&client, &[], 40).await;
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
    // The trap: a name that no service has is no error.
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
    let entries = written(&client, &["web"], 7).await;
    // The trap: what has no end yet is there, and what is no UTF-8 is not.
    assert_eq!(
        messages(&entries),
        ["<a> & b", "to stderr", "", "\tä\u{fffd}", "one\r", "two", "no end"]
    );
    assert!(entries.iter().all(|entry| entry.service() == "web"));
    // Milliseconds, and no letter of HTML is escaped, unlike in every other answer.
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
    // The trap: a line of the service is not one of the answer.
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
    assert_eq!(messages(&written(&client, &["web"], 2).await), ["started", "started"]);
    // 100 KiB a service.
    let flood = Layer::new().service("flood", writer("seq 1 30000"));
    client.add_layer("flood", &flood, LayerMode::New).await.unwrap();
    start(pebble, &["flood"]);
    let query = LogQuery::new().services(["flood"]).all();
    let last =
        |entries: &Vec<LogEntry>| entries.last().is_some_and(|entry| entry.message() == "30000");
    let entries = until(async || client.logs(&query).await.unwrap(), last).await;
    assert!((1000..30_000).contains(&entries.len()), "{}", entries.len());
    assert_eq!(written(&client, &["web"], 2).await.len(), 2, "each has its own");
    pebble.restart();
    assert_eq!(client.logs(&LogQuery::new().all()).await.unwrap(), []);
}

/// A service that writes one line for each of these files, when it is there.
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
    written(&client, &["early"], 1).await;
    let follow = |query: &str| Stream::get(pebble, &format!("/v1/logs?follow=true{query}"));
    let (mut new, mut none, mut last, mut all) =
        (follow(""), follow("&n=0"), follow("&n=1"), follow("&n=-1"));
    // What is there already is an answer at once; the trap: without any, not even a head is.
    let head = all.until("\"first\"}\n").to_ascii_lowercase();
    assert!(head.contains("content-type: application/x-ndjson"), "{head}");
    last.until("\"first\"}\n");
    assert!(new.is_quiet(Duration::from_millis(100)) && none.is_quiet(Duration::from_millis(1)));
    // The trap: one that is started for the first time now is followed by none of them.
    start(pebble, &["late"]);
    written(&client, &["late"], 1).await;
    std::fs::write(&files[0], "").unwrap();
    for (stream, first) in
        [(&mut new, false), (&mut none, false), (&mut last, true), (&mut all, true)]
    {
        let text = stream.until("\"second\"}\n");
        assert_eq!(text.contains("first"), first, "{text}");
        assert!(!text.contains("late"), "{text}");
    }
    // One that asks now has it.
    let mut both = follow("&n=-1");
    both.until("\"late\"}\n");
    std::fs::write(&files[1], "").unwrap();
    both.until("\"third\"}\n");
    all.until("\"third\"}\n");
}

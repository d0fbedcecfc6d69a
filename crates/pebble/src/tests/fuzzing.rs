//! These tests try each decoder with random bytes and with good input that was damaged; `fuzz/`
//! tries the same with libFuzzer.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;

use super::{TARGETS, Target};

/// Good input, or nearly good, for each decoder, from which a mutation gets far.
const SEEDS: &[(&str, &[&str])] = &[
    (
        "envelope",
        &[
            "\u{0}\u{48}{\"type\":\"sync\",\"status-code\":200,\"status\":\"OK\",\"result\":[{\"\
             name\":\"web\"}]}",
            "\u{0}\u{48}{\"type\":\"error\",\"result\":{\"message\":\"no\",\"kind\":\"not-found\"\
             }}\n{\"time\":1}",
        ],
    ),
    (
        "multipart",
        &[
            "\u{2}multipart/form-data; boundary=bb\n--bb\r\nContent-Disposition: form-data; \
             name=\"files\"; \
             filename=\"/a\\\"\"\r\n\r\nx\r\n--b\r\r\n--bb\r\nContent-Disposition: form-data; \
             name=response\r\n\r\n{}\r\n--bb--\r\n",
            "\u{0}multipart/form-data; boundary=\"b b\"\n--b b\r\ncontent-disposition: form-data; \
             name=\"a\r\n\r\nb\"\r\n\r\n\r\n--b b\r\n\r\n",
        ],
    ),
    (
        "lines",
        &[
            "\u{0}\u{7}{\"time\":\"2026-11-22T20:00:09.3Z\",\"service\":\"web\",\"message\":\"a\"\
             }\n\n{\"time\"",
            "\u{1}\u{7f}\n",
        ],
    ),
    (
        "layer",
        &[
            "services:\n  web: &a\n    override: replace\n    command: a [ b ]\n    environment: \
             {A: yes, B: 0x1F}\n    after: [x]\nchecks: {up: {override: merge, period: 1m30s, \
             http: {url: x}}}\n",
            "summary: |\n  two\n  lines\nlog-targets: {a: {override: replace, type: loki, labels: \
             {a: b}}}\nother: [1, 2.5, null, ~]\n",
        ],
    ),
    ("duration", &["1h30m", "-1.5s", "0", "9223372036854775807ns", "1\u{b5}s"]),
    (
        "timestamp",
        &[
            "2026-11-22T20:00:09.123456789Z",
            "0000-01-01T00:00:00-23:59",
            "9999-12-31T23:59:60+00:00",
        ],
    ),
    (
        "exec_control",
        &[
            "{\"command\":\"end\"}",
            " {\"command\": \"\\u0065nd\", \"future\": {\"a\": [1, null]}} ",
            "{\"command\":\"signal\",\"signal\":{\"name\":\"SIGTERM\"}}",
        ],
    ),
];

/// Makes a seed of which a piece was replaced.
fn mutated(target: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let seeds = SEEDS.iter().find(|(name, _)| *name == target).expect("seeds").1;
    let seed = prop::sample::select(seeds);
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..4),
        "[-0-9a-z:.{}\\[\\]\"&*!|>%@\\\\ \n\r]{0,6}".prop_map(String::into_bytes),
    ];
    (seed, any::<prop::sample::Index>(), 0..8_usize, piece, 1..3_usize).prop_map(
        |(seed, at, length, piece, times)| {
            let mut bytes = seed.as_bytes().repeat(times);
            let start = at.index(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, piece);
            bytes
        },
    )
}

#[test]
fn any_bytes_have_an_answer() {
    for (name, decode) in TARGETS {
        proptest!(ProptestConfig::with_cases(400), |(bytes: Vec<u8>)| decode(&bytes));
        proptest!(ProptestConfig::with_cases(1_200), |(bytes in mutated(name))| decode(&bytes));
    }
}

#[test]
fn each_decoder_has_a_fuzz_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let targets: BTreeSet<String> =
        TARGETS.iter().map(|(name, _): &Target| (*name).to_owned()).collect();
    assert_eq!(files, targets);
    let manifest = include_str!("../../../../fuzz/Cargo.toml");
    assert!(targets.iter().all(|name| manifest.contains(&format!("name = \"{name}\""))));
}

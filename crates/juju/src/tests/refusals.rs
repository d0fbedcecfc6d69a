//! Tests of the table of error texts, with the texts as Juju prints them.

use proptest::prelude::*;

use super::*;
use ErrorKind::{
    AgentAway, Denied, Gone, Invalid, NotFound, NotLeader, System, Unavailable, WrongContext,
};

/// Calls of tools that fail: the tool, its exit code, its text after `ERROR ` and the kind.
const TEXTS: &[(&str, i32, &str, ErrorKind)] = &[
    ("status-set", 1, "this unit is not the leader", NotLeader),
    ("status-get", 1, "finding application status: this unit is not the leader", NotLeader),
    ("secret-grant", 1, "this unit is not the leader", NotLeader),
    (
        "leader-set",
        1,
        "cannot write leadership settings: cannot write settings: not the leader",
        NotLeader,
    ),
    ("relation-set", 1, "cannot write relation settings", NotLeader),
    ("relation-get", 2, "invalid value \"9\" for option -r: relation not found", Gone),
    ("network-get", 2, "invalid value \"9\" for option -r: relation not found", Gone),
    ("relation-get", 1, "relation not found", Gone),
    ("relation-set", 1, "cannot read relation settings: relation 7 not found", Gone),
    ("relation-list", 1, "relation: 7 not found", Gone),
    ("network-get", 1, "relation 7 not found", Gone),
    ("secret-get", 1, "secret \"secret:9m4e2mr0ui3e8a215n4g\" not found", Gone),
    ("secret-grant", 1, "secret \"9m4e2mr0ui3e8a215n4g\" not found", Gone),
    ("secret-get", 1, "consumer label \"x\" not found", Gone),
    ("secret-get", 1, "secret with label \"x\" not found", Gone),
    ("secret-get", 1, "secret revision \"9m4e2mr0ui3e8a215n4g/3\" not found", Gone),
    ("secret-get", 1, "secret revision not found", Gone),
    ("secret-get", 1, "secret 9m4e2mr0ui3e8a215n4g revision 3 not found", Gone),
    ("secret-get", 1, "secret URI for consumer label \"x\" not found", Gone),
    ("secret-get", 1, "\"web/0\" is not allowed to read this secret", Denied),
    ("secret-set", 1, "\"web/0\" is not allowed to manage this secret", Denied),
    ("secret-add", 1, "secret with label \"x\" already exists", Invalid),
    (
        "secret-grant",
        1,
        "any unit level grants need to be revoked before granting access to the corresponding \
         application",
        Invalid,
    ),
    (
        "storage-get",
        2,
        "invalid value \"data/9\" for option -s: storage attachment \"data/9\" on \"u/0\" not \
             found",
        Gone,
    ),
    ("storage-get", 2, "storage attachment \"data/9\" on \"u/0\" not provisioned", NotFound),
    (
        "resource-get",
        1,
        "could not download resource: HTTP request failed: resource \"x\" not found",
        NotFound,
    ),
    ("secret-get", 1, "secret key value \"x\" not found", NotFound),
    ("secret-get", 1, "secret key value \"\" not found", NotFound),
    ("state-get", 1, "\"x\" not found", NotFound),
    ("network-get", 1, "no network config found for binding \"nope\"", NotFound),
    ("network-get", 1, "undefined for unit charm: endpoint \"nope\" not valid", NotFound),
    ("relation-get", 1, "permission denied", Denied),
    ("secret-get", 1, "permission denied", Denied),
    ("network-get", 1, "permission denied", Denied),
    ("secret-info-get", 1, "reading metadata: permission denied", Denied),
    ("relation-list", 1, "reading members: permission denied", Denied),
    ("network-get", 1, "reading addresses: permission denied", Denied),
    ("status-set", 1, "permission denied", Denied),
    ("relation-get", 1, "access denied", Denied),
    (
        "credential-get",
        1,
        "cannot access cloud credentials: getting model credentials: unauthorized",
        Denied,
    ),
    ("credential-get", 1, "cannot access cloud credentials: permission denied", Denied),
    (
        "credential-get",
        1,
        "cannot access cloud credentials: getting model credentials: permission denied",
        Denied,
    ),
    ("config-get", 1, "bad request: token does not match", Denied),
    ("action-get", 1, "not running an action", WrongContext),
    ("action-fail", 1, "not running an action", WrongContext),
    ("juju-reboot", 1, "juju-reboot is not supported when running an action.", WrongContext),
    ("config-get", 1, "bad request: wrong context ID; got \"web/0-install-1\"", WrongContext),
    ("relation-list", 2, "no relation id specified", WrongContext),
    ("relation-get", 2, "no unit or application specified", WrongContext),
    ("storage-get", 2, "no storage instance specified", WrongContext),
    ("secret-add", 1, "bad request: unknown command: secret-add", Unavailable),
    ("status-get", 2, "option provided but not defined: --application", Unavailable),
    (
        "open-port",
        1,
        "port ranges are not supported for k8s applications, please specify a single port",
        Invalid,
    ),
    (
        "open-port",
        1,
        "cannot open 80/tcp (unit \"a/0\"): port range conflicts with 80-90/tcp (unit \"b/0\")",
        Invalid,
    ),
    (
        "close-port",
        1,
        "cannot close 201-202/tcp (unit \"u/0\"): port range conflicts with 200-210/tcp (unit \
         \"u/0\") requested earlier",
        Invalid,
    ),
    ("state-set", 1, "max allowed key length (256) exceeded", Invalid),
    ("state-set", 1, "max allowed key length (256): quota limit exceeded", Invalid),
    ("state-set", 1, "max allowed value length (65536) exceeded", Invalid),
    ("storage-get", 1, "invalid storage attribute \"bogus\"", Invalid),
    ("is-leader", 1, "JUJU_CONTEXT_ID not set", AgentAway),
    ("is-leader", 1, "JUJU_AGENT_SOCKET_NETWORK not set", AgentAway),
    ("is-leader", 1, "dial unix /agent.socket: connect: no such file or directory", AgentAway),
    ("is-leader", 1, "dial foo: unknown network foo", AgentAway),
    ("is-leader", 2, "getwd: no such file or directory", System),
];

/// Returns the index of the first row that matches.
fn row_index(tool: &str, code: i32, text: &str) -> Option<usize> {
    ROWS.iter().position(|row| {
        row.code == code && matches_pattern(row.tool, tool) && matches_pattern(row.text, text)
    })
}

#[test]
fn every_text_has_its_kind() {
    for (tool, code, text, kind) in TEXTS {
        for stderr in [
            format!("ERROR {text}"),
            format!("ERROR {text}\n"),
            format!("--format flag deprecated for command \"{tool}\"ERROR {text}"),
        ] {
            assert_eq!(kind_of(tool, *code, &stderr).as_ref(), Some(kind), "{tool}: {stderr}");
        }
        // The same text with another exit code is not this failure.
        assert_eq!(kind_of(tool, 3, &format!("ERROR {text}")), None, "{tool}: {text}");
    }
}

#[test]
fn a_denied_read_about_a_relation_is_told_apart_by_who_may_read() {
    assert_eq!(kind_of_denied(DeniedRead::Shared), Gone);
    assert_eq!(kind_of_denied(DeniedRead::OwnApplication), NotLeader);
}

#[test]
fn every_row_is_reached_by_a_text_of_its_own() {
    let reached: Vec<usize> =
        TEXTS.iter().filter_map(|(tool, code, text, _)| row_index(tool, *code, text)).collect();
    for (at, row) in ROWS.iter().enumerate() {
        assert!(reached.contains(&at), "{} {:?} is shadowed or untested", row.tool, row.text);
    }
}

#[test]
fn a_text_that_is_not_known_has_no_kind() {
    for (tool, code, stderr) in [
        ("is-leader", 1, "ERROR leadership status unknown: lease manager stopped"),
        ("resource-get", 1, "ERROR could not download resource: HTTP request failed"),
        ("credential-get", 1, "ERROR cannot access cloud credentials: connection is shut down"),
        ("status-set", 1, "ERROR open /x: permission denied"),
        // A refusal may quote a charm's own text, which must not be read as Juju's.
        ("state-set", 2, "ERROR expected \"key=value\", got \"this unit is not the leader\""),
        ("config-get", 1, "ERROR not running an action"),
        ("config-get", 1, "ERROR \"x\" not found"),
        ("relation-set", 1, "ERROR secret \"x\" not found"),
        ("status-set", 1, ""),
        ("status-set", 2, "ERROR "),
    ] {
        assert_eq!(kind_of(tool, code, stderr), None, "{tool}: {stderr}");
    }
}

#[test]
fn a_star_matches_any_characters() {
    for (pattern, text, is_match) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("*", "", true),
        ("a*", "a", true),
        ("*a", "ba", true),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("a*b*c", "abc", true),
        ("a*b*c", "acb", false),
        ("*b*b", "b", false),
        ("*b*b", "bab", true),
        ("*b*", "abc", true),
    ] {
        assert_eq!(matches_pattern(pattern, text), is_match, "{pattern} {text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(stderr in "(?s).{0,60}", code: i32) {
        let _ = kind_of("secret-get", code, &stderr);
    }
}

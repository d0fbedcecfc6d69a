//! Tests of the relation and storage tools of a unit that has neither.
//!
//! The expected texts were measured on Juju 3.6.28 and 4.0.15. A comment such as `R3` names the row
//! of reference `juju-agent-measured.md` 2.1, one such as `3.8` its section.

use super::Fixture;

#[test]
fn a_unit_without_relations_or_storage_says_so() {
    let mut fixture = Fixture::in_hook();
    for (line, out) in [
        // R25
        (&["relation-ids", ""][..], ""),
        (&["relation-ids", "", "--format=json"], "[]\n"),
        (&["relation-ids", "site"], ""),
        (&["relation-ids", "nope", "--format=yaml"], "[]\n"),
        (&["storage-list"], ""),
        (&["storage-list", ""], ""),
        (&["storage-list", "nope", "--format=json"], "[]\n"),
    ] {
        assert_eq!(fixture.tool_stdout(line), out, "{line:?}");
    }
    for (line, error) in [
        (&["relation-ids"][..], "no endpoint name specified"),
        (&["relation-ids", "a", "b"], "unrecognized args: [\"b\"]"),
        (&["relation-list", "x"], "no relation id specified"),
        (&["relation-list", "--app"], "no relation id specified"),
        (&["relation-get", "-", "pg"], "no relation id specified"),
        (&["relation-get", "-", "pg/0", "x"], "no relation id specified"),
        (&["relation-set"], "no relation id specified"),
        (&["relation-set", "--format=x", "a"], "no relation id specified"),
        (&["relation-set", "--file=nofile"], "no relation id specified"),
        (&["relation-model-get", "x"], "no relation id specified"),
        (&["storage-list", "a", "b"], "unrecognized args: [\"b\"]"),
        (&["storage-get", "kind", "x"], "no storage instance specified"),
    ] {
        assert_eq!(fixture.tool_error(line), (2, error.into()), "{line:?}");
    }
}

#[test]
fn a_relations_id_is_a_number_of_64_bits() {
    let mut fixture = Fixture::in_hook();
    // R26
    for (id, why) in [
        ("9", "relation not found"),
        ("-1", "relation not found"),
        ("+1", "relation not found"),
        ("007", "relation not found"),
        ("db:7", "relation not found"),
        ("a:b:7", "relation not found"),
        ("9223372036854775807", "relation not found"),
        ("9223372036854775808", "invalid relation id"),
        ("99999999999999999999", "invalid relation id"),
        ("", "invalid relation id"),
        ("db", "invalid relation id"),
        ("db:", "invalid relation id"),
        ("7:db", "invalid relation id"),
        ("1_0", "invalid relation id"),
        ("0x1", "invalid relation id"),
        (" 1", "invalid relation id"),
    ] {
        for tool in [
            "relation-list",
            "relation-get",
            "relation-set",
            "relation-model-get",
            "network-get",
            "secret-grant",
        ] {
            let error = format!("invalid value {id:?} for option -r: {why}");
            assert_eq!(fixture.tool_error(&[tool, "-r", id]), (2, error), "{tool} {id}");
        }
        let error = format!("invalid value {id:?} for option --relation: {why}");
        let option = format!("--relation={id}");
        assert_eq!(fixture.tool_error(&["secret-revoke", &option]), (2, error));
    }
    assert_eq!(
        fixture.tool_error(&["relation-list", "-r=7"]),
        (2, "invalid value \"=7\" for option -r: invalid relation id".into())
    );
}

#[test]
fn a_storages_id_has_a_form() {
    let mut fixture = Fixture::in_hook();
    // R27
    for id in ["data/0", "my-data/12", "a-b1/3"] {
        let error = format!(
            "invalid value {id:?} for option -s: storage attachment {id:?} on \"web/0\" not found"
        );
        assert_eq!(fixture.tool_error(&["storage-get", "-s", id]), (2, error));
    }
    for id in ["", "x", "data", "data/", "/0", "data/00", "data/x", "Data/0", "a-1/0", "data/0/1"] {
        let error = format!("invalid value {id:?} for option -s: invalid storage ID {id:?}");
        assert_eq!(fixture.tool_error(&["storage-get", "-s", id]), (2, error));
    }
}

#[test]
fn a_storage_directive_is_a_count() {
    // 3.8
    for (version, words, least) in
        [("3.6.28", "constraints", "constraints"), ("4.0.15", "directive", "directives")]
    {
        let mut fixture = Fixture::with_version(version);
        fixture.begin();
        let parse = |why: &str| format!("cannot parse {words} for storage \"data\": {why}");
        for (line, error) in [
            (&["storage-add"][..], "storage add requires a storage directive".to_owned()),
            (&["storage-add", "data=1G"], "only count can be specified for \"data\"".to_owned()),
            (&["storage-add", "data=x"], "only count can be specified for \"data\"".to_owned()),
            (
                &["storage-add", "data=pool,1"],
                "only count can be specified for \"data\"".to_owned(),
            ),
            (
                &["storage-add", "data=0"],
                parse("parsing storage count: count must be greater than zero, got \"0\""),
            ),
            (
                &["storage-add", "data=-1"],
                parse("parsing storage count: count must be greater than zero, got \"-1\""),
            ),
            (
                &["storage-add", "data="],
                parse(&format!("storage {least} require at least one field to be specified")),
            ),
            (
                &["storage-add", "data", "data=2"],
                "storage \"data\" specified more than once".to_owned(),
            ),
            (&["storage-add", "=1"], format!("expected \"name={words}\" or \"name\", got \"=1\"")),
        ] {
            assert_eq!(fixture.tool_error(line), (2, error), "{line:?}");
        }
        // Any name is taken until the commit.
        assert_eq!(fixture.tool_stdout(&["storage-add", "data=2", "nope"]), "");
    }
}

//! Tests of `secret-get`, `secret-ids` and `secret-info-get`. The numbers are sections of reference
//! `juju-agent-measured.md`.

use super::*;

#[test]
fn a_content_is_printed_as_a_map_or_as_one_value() {
    let mut world = World::new();
    let uri = world.add("web/0", &["token=s3cret", "pin=0123", "bytes#base64=//4="]);
    world.begin_hook("web/0");
    for (args, out) in [
        // 3.5
        (&[][..], "bytes: !!binary //4=\npin: \"0123\"\ntoken: s3cret"),
        (
            &["--format=json"],
            "{\"bytes\":\"\\ufffd\\ufffd\",\"pin\":\"0123\",\"token\":\"s3cret\"}",
        ),
        (&["token"], "s3cret"),
        (&["pin"], "\"0123\""),
        (&["pin", "--format=json"], "\"0123\""),
        (&["token#base64"], "czNjcmV0"),
        (&["bytes"], "!!binary //4="),
        (&["bytes#base64"], "//4="),
        // An empty key stands for the whole map.
        (
            &["", "--format=json"],
            "{\"bytes\":\"\\ufffd\\ufffd\",\"pin\":\"0123\",\"token\":\"s3cret\"}",
        ),
    ] {
        let call: Vec<&str> = ["secret-get", &uri].iter().chain(args).copied().collect();
        assert_eq!(world.print("web/0", &call), out, "{args:?}");
    }
    for (args, error) in [
        ("nope", "secret key value \"nope\" not found"),
        ("#base64", "secret key value \"\" not found"),
        ("token#file", "secret key value \"token#file\" not found"),
    ] {
        let error = (1, error.to_owned());
        assert_eq!(world.error("web/0", &["secret-get", &uri, args]), error, "{args}");
    }
}

#[test]
fn a_value_that_is_not_base64_is_stored_and_cannot_be_read() {
    let mut world = World::new();
    // 3.6
    let uri = world.add("web/0", &["abc#base64=notb64!"]);
    world.begin_hook("web/0");
    let error = (1, "illegal base64 data at input byte 6".to_owned());
    assert_eq!(world.error("web/0", &["secret-get", &uri]), error);
    assert_eq!(world.error("web/0", &["secret-get", &uri, "abc#base64"]), error);
}

#[test]
fn after_secret_set_a_plain_get_is_old_and_peek_and_refresh_are_new() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    world.begin_hook("web/0");
    let get = ["secret-get", &uri, "abc"];
    assert_eq!(world.print("web/0", &get), "\"1\"");
    world.print("web/0", &["secret-set", &uri, "abc=2"]);
    // 3.5
    assert_eq!(world.print("web/0", &get), "\"1\"");
    assert_eq!(world.print("web/0", &["secret-get", &uri, "abc", "--peek"]), "\"2\"");
    assert_eq!(world.print("web/0", &get), "\"1\"");
    assert_eq!(world.print("web/0", &["secret-get", &uri, "abc", "--refresh"]), "\"2\"");
    assert_eq!(world.print("web/0", &get), "\"1\"", "the refresh counts from the commit on");
    world.finish("web/0", 0);
    assert_eq!(world.settled(), ["web/0 secret-remove 1"]);
    assert_eq!(world.get("web/0", &[&uri, "abc"]), "\"2\"");
}

#[test]
fn a_secret_that_the_hook_has_added_is_read_at_once() {
    let mut world = World::new();
    world.begin_hook("web/0");
    let uri = world.print("web/0", &["secret-add", "abc=1", "--label=new"]);
    let by_label = ["secret-get", "--label=new", "--format=json"];
    assert_eq!(world.print("web/0", &["secret-get", &uri, "abc"]), "\"1\"");
    assert_eq!(world.print("web/0", &by_label), "{\"abc\":\"1\"}");
    world.print("web/0", &["secret-set", &uri, "abc=2"]);
    assert_eq!(world.print("web/0", &by_label), "{\"abc\":\"2\"}");
    assert_eq!(world.print("web/0", &["secret-ids"]), bare(&uri));
    world.print("web/0", &["secret-remove", &uri]);
    // 3.7
    let gone = (1, format!("secret \"{uri}\" not found"));
    assert_eq!(world.error("web/0", &["secret-get", &uri]), gone);
    assert_eq!(world.print("web/0", &["secret-ids", "--format=json"]), "null");
    // A failed hook has added nothing, and its id is never used again.
    let dropped = world.print("web/0", &["secret-add", "abc=3"]);
    world.finish("web/0", 1);
    world.model.resolved(&name("web/0"), super::super::super::Resolve::NoRetry).unwrap();
    assert_ne!(world.add("web/0", &["abc=3"]), dropped);
    world.begin_hook("web/0");
    assert_eq!(world.error("web/0", &["secret-get", &dropped]).0, 1);
}

#[test]
fn a_label_is_found_in_every_state() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1", "--label=mine"]);
    // Every unit may use the label of a secret of its application.
    assert_eq!(world.get("web/1", &["--label=mine"]), "{\"abc\":\"1\"}");
    world.begin_hook("web/0");
    world.print("web/0", &["secret-set", &uri, "--label=pending"]);
    // 3.5: a pending label works in the same hook.
    assert_eq!(world.print("web/0", &["secret-get", "--label=pending"]), "abc: \"1\"");
    world.finish("web/0", 1);
    world.model.resolved(&name("web/0"), super::super::super::Resolve::NoRetry).unwrap();
    world.begin_hook("web/0");
    let unknown = (1, "consumer label \"pending\" not found".to_owned());
    assert_eq!(world.error("web/0", &["secret-get", "--label=pending"]), unknown);
    // With a URI the label is set at once, and stays even if the hook fails.
    assert_eq!(world.print("web/0", &["secret-get", &uri, "--label=given"]), "abc: \"1\"");
    world.finish("web/0", 1);
    world.model.resolved(&name("web/0"), super::super::super::Resolve::NoRetry).unwrap();
    assert_eq!(world.get("web/1", &["--label=given"]), "{\"abc\":\"1\"}");
}

#[test]
fn a_read_counts_at_once_even_if_the_hook_fails() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    world.begin_hook("web/1");
    world.print("web/1", &["secret-get", &uri]);
    world.finish("web/1", 1);
    world.model.resolved(&name("web/1"), super::super::super::Resolve::NoRetry).unwrap();
    world.hook("web/0", &[&["secret-set", &uri, "abc=2"]]);
    assert_eq!(world.get("web/0", &[&uri]), "{\"abc\":\"2\"}", "the first read of this unit");
    assert_eq!(world.settled(), ["web/1 secret-changed 2"]);
    assert_eq!(world.get("web/1", &[&uri]), "{\"abc\":\"1\"}");
}

#[test]
fn who_may_not_read_is_refused() {
    let mut world = World::new();
    let shared = world.add("web/0", &["abc=1"]);
    let own = world.add("web/1", &["abc=1", "--owner=unit"]);
    world.begin_hook("pg/0");
    let denied = (1, "permission denied".to_owned());
    assert_eq!(world.error("pg/0", &["secret-get", &shared]), denied);
    assert_eq!(world.error("pg/0", &["secret-get", &own, "--peek"]), denied);
    world.begin_hook("web/0");
    assert_eq!(world.error("web/0", &["secret-get", &own]), denied, "not even the leader may");
    let foreign = (1, format!("secret {:?} not found", bare(&shared)));
    assert_eq!(world.error("pg/0", &["secret-info-get", &shared]), foreign);
}

#[test]
fn secret_ids_are_bare_and_not_sorted() {
    let mut world = World::new();
    let mut uris: Vec<String> = (0..8).map(|_| world.add("web/0", &["abc=1"])).collect();
    let own = world.add("web/1", &["abc=1", "--owner=unit"]);
    let printed = world.hook("web/0", &[&["secret-ids"], &["secret-ids", "--format=json"]]);
    let ids: Vec<&str> = printed[0].lines().collect();
    assert_eq!(printed[1], serde_json::to_string(&ids).unwrap());
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_ne!(ids, sorted);
    uris.sort();
    assert_eq!(sorted, uris.iter().map(|uri| bare(uri)).collect::<Vec<_>>());
    // A unit that does not lead sees only its own.
    assert_eq!(world.hook("web/1", &[&["secret-ids"]]), [bare(&own)]);
    assert_eq!(world.hook("pg/0", &[&["secret-ids"]]), [""]);
}

#[test]
fn secret_info_get_has_its_fields_in_jujus_order() {
    let mut world = World::new();
    let uri = world.add(
        "web/0",
        &[
            "abc=1",
            "--label=admin",
            "--description=for the admin",
            "--rotate=daily",
            "--expire=2031-02-03T04:05:06.5Z",
        ],
    );
    let id = bare(&uri).to_owned();
    let plain = world.add("web/0", &["abc=1", "--owner=unit"]);
    world.begin_hook("web/0");
    // 3.5
    let yaml = format!(
        "{id}:\n  revision: 1\n  label: admin\n  owner: application\n  description: for the admin\n\
         \x20 rotation: daily\n  expiry: 2031-02-03T04:05:07Z\n  rotates: 2031-01-03T03:04:05Z"
    );
    assert_eq!(world.print("web/0", &["secret-info-get", &uri]), yaml);
    assert_eq!(world.print("web/0", &["secret-info-get", "--label=admin"]), yaml);
    assert_eq!(
        world.print("web/0", &["secret-info-get", &uri, "--format=json"]),
        format!(
            "{{\"{id}\":{{\"revision\":1,\"label\":\"admin\",\"owner\":\"application\",\
             \"description\":\"for the admin\",\"rotation\":\"daily\",\
             \"expiry\":\"2031-02-03T04:05:07Z\",\"rotates\":\"2031-01-03T03:04:05Z\"}}}}"
        )
    );
    assert_eq!(
        world.print("web/0", &["secret-info-get", &plain]),
        format!(
            "{}:\n  revision: 1\n  label: \"\"\n  owner: unit\n  rotation: never",
            bare(&plain)
        )
    );
    // Pending metadata shows, and the number of the revision does not grow.
    world.print("web/0", &["secret-set", &plain, "abc=2", "--label=l", "--rotate=weekly"]);
    assert_eq!(
        world.print("web/0", &["secret-info-get", "--label=l"]),
        format!("{}:\n  revision: 1\n  label: l\n  owner: unit\n  rotation: weekly", bare(&plain))
    );
    let new = world.print("web/0", &["secret-add", "abc=3", "--expire=2031-02-03T04:05:06.5Z"]);
    assert_eq!(
        world.print("web/0", &["secret-info-get", &new]),
        format!(
            "{}:\n  revision: 1\n  label: \"\"\n  owner: application\n  \
             expiry: 2031-02-03T04:05:06.5Z",
            bare(&new)
        )
    );
}

#[test]
fn debug_of_a_call_prints_no_content() {
    let request = ToolRequest {
        name: "secret-add".to_owned(),
        args: vec!["password=s3cret".to_owned()],
        stdin: Some(b"s3cret".to_vec()),
        files: [("/f".into(), Ok(b"s3cret".to_vec()))].into(),
        ..ToolRequest::default()
    };
    assert!(!format!("{request:?}").contains("s3cret"));
    let mut world = World::new();
    world.add("web/0", &["password=s3cret"]);
    world.begin_hook("web/0");
    world.print("web/0", &["secret-add", "password=s3cret", "--label=l"]);
    world.print("web/0", &["secret-get", "--label=l"]);
    assert!(!format!("{:?}", world.model).contains("s3cret"));
    let report = world.model.report(&name("web/0")).unwrap();
    assert!(!format!("{report:?}").contains("s3cret"));
}

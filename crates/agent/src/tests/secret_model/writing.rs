//! Tests of the tools that write secrets, and of the commit of a hook. The numbers are sections of
//! reference `juju-agent-measured.md`.

use super::*;

#[test]
fn secret_set_makes_a_revision_only_of_another_content() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1", "def=2"]);
    let revision = |world: &mut World| {
        world.settle();
        let info = world.hook("web/0", &[&["secret-info-get", &uri, "--format=json"]]).remove(0);
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        info[bare(&uri)]["revision"].as_u64().unwrap()
    };
    world.hook("web/0", &[&["secret-set", &uri, "def=2", "abc=1"]]);
    assert_eq!(revision(&mut world), 1);
    world.hook("web/0", &[&["secret-set", &uri, "abc#base64=MQ==", "def=2"]]);
    assert_eq!(revision(&mut world), 1, "the same bytes");
    world.hook("web/0", &[&["secret-set", &uri, "abc=1"]]);
    assert_eq!(revision(&mut world), 2, "the content is replaced as a whole");
    // 3.6: a call with nothing to change succeeds.
    world.hook("web/0", &[&["secret-set", &uri]]);
    world.hook("web/0", &[&["secret-set", &uri, "--label=l", "--description=d"]]);
    assert_eq!(revision(&mut world), 2);
}

#[test]
fn several_sets_in_one_hook_make_one_revision() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    world.hook(
        "web/0",
        &[
            &["secret-set", &uri, "abc=2"],
            &["secret-set", &uri, "abc=3"],
            &["secret-set", &uri, "--label=l"],
        ],
    );
    assert_eq!(world.settled(), ["web/0 secret-remove 1"]);
    assert_eq!(world.get("web/0", &["--label=l"]), "{\"abc\":\"3\"}");
    let report = world.model.report(&name("web/0")).unwrap();
    assert_eq!((report.secrets[0].revision, report.secrets[0].tracked), (2, Some(2)));
}

#[test]
fn a_stored_label_is_refused_at_the_commit_and_a_pending_one_at_once() {
    let mut world = World::new();
    world.add("web/0", &["abc=1", "--label=taken"]);
    world.begin_hook("web/0");
    world.print("web/0", &["secret-add", "abc=1", "--label=new"]);
    // 3.6
    assert_eq!(
        world.error("web/0", &["secret-add", "abc=2", "--label=new"]),
        (1, "secret with label \"new\" already exists".to_owned())
    );
    world.finish("web/0", 0);
    let refused = world
        .refused_hook("web/0", &[&["secret-add", "abc=1", "--label=taken"], &["state-set", "a=1"]]);
    assert_eq!(refused, "creating secrets: secret with label \"taken\" already exists");
    let unit = world.model.unit(&name("web/0")).unwrap();
    assert!(unit.state().is_empty(), "a refused commit changes nothing");
}

#[test]
fn a_refused_state_changes_no_secret() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    let big = format!("x={}", "v".repeat(65_536));
    world.begin_hook("web/0");
    world.print("web/0", &["secret-set", &uri, "abc=2"]);
    for key in 0..40 {
        world.print("web/0", &["state-set", &format!("{key}{big}")]);
    }
    assert!(world.finish("web/0", 0).error().unwrap().contains("quota limit exceeded"));
    world.model.resolved(&name("web/0"), super::super::super::Resolve::NoRetry).unwrap();
    assert_eq!(world.get("web/0", &[&uri, "--peek"]), "{\"abc\":\"1\"}");
}

#[test]
fn only_the_leader_writes_secrets_of_the_application() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    world.begin_hook("web/1");
    let not_leader = (1, "this unit is not the leader".to_owned());
    assert_eq!(world.error("web/1", &["secret-add", "abc=1"]), not_leader);
    // A unit that does not lead does not see the secret as its own, so Juju refuses it later.
    for call in [
        &["secret-set", &uri, "abc=2"][..],
        &["secret-revoke", &uri, "--app=pg"],
        &["secret-remove", &uri],
    ] {
        assert_eq!(world.print("web/1", call), "");
        let refused = world.finish("web/1", 0).error().unwrap().to_owned();
        assert!(refused.ends_with("\"web/1\" is not leader of \"web\""), "{refused}");
        world.model.resolved(&name("web/1"), super::super::super::Resolve::NoRetry).unwrap();
        world.begin_hook("web/1");
    }
}

#[test]
fn lost_leadership_is_refused_by_the_tool_and_at_the_commit() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    world.begin_hook("web/0");
    world.print("web/0", &["secret-set", &uri, "abc=2"]);
    world.model.set_leader(&name("web/1")).unwrap();
    let not_leader = (1, "this unit is not the leader".to_owned());
    for call in [
        &["secret-set", &uri, "abc=3"][..],
        &["secret-remove", &uri],
        &["secret-revoke", &uri, "--app=pg"],
        &["secret-add", "abc=1"],
    ] {
        assert_eq!(world.error("web/0", call), not_leader, "{call:?}");
    }
    assert_eq!(
        world.finish("web/0", 0).error(),
        Some("updating secrets: \"web/0\" is not leader of \"web\"")
    );
}

#[test]
fn unknown_and_foreign_secrets_are_refused_at_the_commit() {
    const GONE: &str = "9m4e2mr0ui3e8a215n4g";
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    let missing = format!("secret \"secret:{GONE}\" not found");
    for (call, refused) in [
        (&["secret-set", GONE, "abc=1"][..], format!("updating secrets: {missing}")),
        (&["secret-revoke", GONE, "--app=web"], format!("revoking secrets access: {missing}")),
        (&["secret-set", &uri, "abc=1"], "updating secrets: permission denied".to_owned()),
        (&["secret-remove", &uri], "removing secrets: permission denied".to_owned()),
    ] {
        assert_eq!(world.refused_hook("pg/0", &[call]), refused, "{call:?}");
    }
    // 3.7: a removal of what is gone is harmless.
    world.hook("pg/0", &[&["secret-remove", GONE], &["secret-remove", GONE, "--revision=3"]]);
    let mut world = World::with_version("4.0.15");
    world.hook("pg/0", &[&["secret-set", GONE, "abc=1"], &["secret-revoke", GONE, "--app=web"]]);
}

#[test]
fn a_later_set_takes_a_removal_back() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    // 3.7
    world.hook("web/0", &[&["secret-remove", &uri], &["secret-set", &uri, "abc=2"]]);
    world.settle();
    assert_eq!(world.get("web/0", &[&uri]), "{\"abc\":\"2\"}");
    world.hook("web/0", &[&["secret-set", &uri, "abc=3"], &["secret-remove", &uri]]);
    world.begin_hook("web/0");
    assert_eq!(world.error("web/0", &["secret-get", &uri]).0, 1);
}

#[test]
fn a_number_that_is_no_revision_removes_all() {
    let mut world = World::new();
    // 3.7
    for number in ["0", "-1"] {
        let uri = world.add("web/0", &["abc=1"]);
        let option = format!("--revision={number}");
        world.hook("web/0", &[&["secret-remove", &uri, &option]]);
        assert!(world.model.report(&name("web/0")).unwrap().secrets.is_empty(), "{number}");
    }
    let uri = world.add("web/0", &["abc=1"]);
    world.hook("web/0", &[&["secret-remove", &uri, "--revision=99"]]);
    assert_eq!(world.model.report(&name("web/0")).unwrap().secrets.len(), 1);
}

#[test]
fn a_file_for_each_key_is_asked_for_once() {
    let mut world = World::new();
    world.begin_hook("web/0");
    let running = world.model.record(&name("web/0")).unwrap().running.as_ref();
    let args = ["abc#file=/one", "def#file=/two", "--file=/all", "ghi=arg"];
    let mut request = ToolRequest {
        context_id: running.unwrap().run.id().to_owned(),
        dir: "/charm".into(),
        name: "secret-add".to_owned(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        ..ToolRequest::default()
    };
    for (path, content) in
        [("/one", &b"1\n\xff"[..]), ("/two", b"2"), ("/all", b"def: file\n\"jkl#base64\": //4=\n")]
    {
        let step = world.model.tool(&name("web/0"), &request);
        assert_eq!(step, ToolStep::NeedsFile(path.into()));
        request.files.insert(path.into(), Ok(content.to_vec()));
    }
    let ToolStep::Done(answer) = world.model.tool(&name("web/0"), &request) else {
        panic!("it has every file");
    };
    let uri = text(&answer.stdout).trim().to_owned();
    // 3.6: the file's values replace those of the arguments.
    for (key, value) in
        [("abc#base64", "MQr/"), ("def", "file"), ("ghi", "arg"), ("jkl#base64", "//4=")]
    {
        assert_eq!(world.print("web/0", &["secret-get", &uri, key]), value, "{key}");
    }
}

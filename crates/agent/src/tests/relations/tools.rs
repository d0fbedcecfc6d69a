//! Tests of what the relation tools print, in every format, and of their exit codes.
//!
//! The expected texts were measured on Juju 3.6.28 and 4.0.15; a comment names the section of
//! reference `juju-agent-measured.md`.

use proptest::prelude::*;

use super::{HookExit, ModelSettings, ToolStep, World, text, unit};

/// The versions of Juju with which the texts were measured.
const VERSIONS: [&str; 2] = ["3.6.28", "4.0.15"];

/// Makes a model whose unit web/0 runs db-relation-changed for pg/0. The relation `db:1` has pg/0
/// and pg/1, the peer relation `ring:0` web/1.
fn in_changed(version: &str) -> World {
    let settings = ModelSettings::new().juju_version(version.parse().unwrap());
    let mut world = World::with_settings(settings, 2);
    world.add_remote("pg", 2);
    world.model.integrate("web:db", "pg").unwrap();
    world.settle();
    let data = [("port", "5432"), ("lines", "a\nb\n"), ("host", "h")];
    world.model.set_remote_unit_data(1, &unit("pg/0"), data).unwrap();
    let seeded = ["egress-subnets", "ingress-address", "private-address"];
    world.model.set_remote_unit_data(1, &unit("pg/1"), seeded.map(|key| (key, ""))).unwrap();
    world.model.set_remote_unit_data(1, &unit("pg/0"), seeded.map(|key| (key, ""))).unwrap();
    world.begin_hook("web/0", "db-relation-changed pg/0");
    world
}

#[test]
fn relations_and_their_members_are_listed() {
    VERSIONS.iter().copied().for_each(check_listing);
}

fn check_listing(version: &str) {
    let mut world = in_changed(version);
    // 3.1
    for (line, smart, yaml, json) in [
        (&["relation-ids"][..], "db:1\n", "- db:1\n", "[\"db:1\"]\n"),
        (&["relation-ids", "ring"], "ring:0\n", "- ring:0\n", "[\"ring:0\"]\n"),
        (&["relation-ids", "nope"], "", "[]\n", "[]\n"),
        (&["relation-ids", ""], "", "[]\n", "[]\n"),
        (&["relation-list"], "pg/0\npg/1\n", "- pg/0\n- pg/1\n", "[\"pg/0\",\"pg/1\"]\n"),
        (&["relation-list", "-r", "ring:0"], "web/1\n", "- web/1\n", "[\"web/1\"]\n"),
        (&["relation-list", "-r", "nonsense:0"], "web/1\n", "- web/1\n", "[\"web/1\"]\n"),
        (&["relation-list", "--app"], "pg\n", "pg\n", "\"pg\"\n"),
        (&["relation-list", "--app", "-r", "0"], "web\n", "web\n", "\"web\"\n"),
    ] {
        for (format, expected) in [("smart", smart), ("yaml", yaml), ("json", json)] {
            let line = [line, &["--format", format]].concat();
            assert_eq!(world.out("web/0", &line), expected, "{line:?}");
        }
    }
    let uuid = "4f5f2d5a-7c1e-4d6b-8a53-1c0d7b1e9a10";
    assert_eq!(world.out("web/0", &["relation-model-get"]), format!("uuid: {uuid}\n"));
    assert_eq!(
        world.out("web/0", &["relation-model-get", "--format=json"]),
        format!("{{\"uuid\":\"{uuid}\"}}\n")
    );
    for (line, error) in [
        (&["relation-list", "x"][..], "unrecognized args: [\"x\"]"),
        (&["relation-ids", "a", "b"], "unrecognized args: [\"b\"]"),
        (&["relation-list", "-r", "db"], "invalid value \"db\" for option -r: invalid relation id"),
        (&["relation-list", "-r", ""], "invalid value \"\" for option -r: invalid relation id"),
        (&["relation-list", "-r", "9"], "invalid value \"9\" for option -r: relation not found"),
        (&["relation-list", "-r", "-1"], "invalid value \"-1\" for option -r: relation not found"),
        (&["relation-model-get", "x"], "unrecognized args: [\"x\"]"),
    ] {
        assert_eq!(world.error("web/0", line), (2, error.to_owned()), "{line:?}");
    }
}

#[test]
fn outside_a_relation_hook_there_is_no_default() {
    let mut world = World::related(1, 1);
    world.begin_config_changed("web/0");
    for (line, error) in [
        (&["relation-ids"][..], "no endpoint name specified"),
        (&["relation-list"], "no relation id specified"),
        (&["relation-get"], "no relation id specified"),
        (&["relation-set", "a=b"], "no relation id specified"),
        (&["relation-model-get"], "no relation id specified"),
        // 3.2
        (&["relation-get", "-r", "1"], "no unit or application specified"),
        (&["relation-get", "-r", "1", "k"], "no unit or application specified"),
        (&["relation-get", "-r", "1", "--app"], "no unit or application specified"),
        // 3.4
        (&["network-get", "-r", "1"], "no arguments specified"),
    ] {
        assert_eq!(world.error("web/0", line), (2, error.to_owned()), "{line:?}");
    }
    assert_eq!(world.out("web/0", &["relation-list", "-r", "1"]), "pg/0\n");
    assert_eq!(
        world.out("web/0", &["network-get", "db", "-r", "1", "--bind-address"]),
        "127.0.0.1\n"
    );
}

#[test]
fn relation_get_prints_a_databag_or_a_key_of_it() {
    VERSIONS.iter().copied().for_each(check_get);
}

fn check_get(version: &str) {
    let mut world = in_changed(version);
    // 3.2
    let all = "host: h\nlines: |\n  a\n  b\nport: \"5432\"\n";
    let json = "{\"host\":\"h\",\"lines\":\"a\\nb\\n\",\"port\":\"5432\"}\n";
    for (line, smart, yaml, json) in [
        (&["relation-get"][..], all, all, json),
        (&["relation-get", "-"], all, all, json),
        (&["relation-get", ""], all, all, json),
        (&["relation-get", "-", "pg/0"], all, all, json),
        (&["relation-get", "port"], "5432\n", "\"5432\"\n", "\"5432\"\n"),
        (&["relation-get", "missing"], "", "", "null\n"),
        (&["relation-get", "lines"], "a\nb\n\n", "|\n  a\n  b\n", "\"a\\nb\\n\"\n"),
        (&["relation-get", "-", "pg/1"], "{}\n", "{}\n", "{}\n"),
        (&["relation-get", "--app"], "{}\n", "{}\n", "{}\n"),
        (&["relation-get", "-", "web", "--app"], "{}\n", "{}\n", "{}\n"),
        (&["relation-get", "-", "web/1", "--app"], "{}\n", "{}\n", "{}\n"),
    ] {
        for (format, expected) in [("smart", smart), ("yaml", yaml), ("json", json)] {
            let line = [line, &["--format", format]].concat();
            assert_eq!(world.out("web/0", &line), expected, "{line:?}");
        }
    }
    for (code, line, error) in [
        (2, &["relation-get", "-", "pg"][..], "expected unit name, got application name \"pg\""),
        (2, &["relation-get", "-", ""], "invalid unit name \"\""),
        (2, &["relation-get", "-", "Pg/0"], "invalid unit name \"Pg/0\""),
        (2, &["relation-get", "-", "pg/00"], "invalid unit name \"pg/00\""),
        (2, &["relation-get", "-", "pg/0", "x"], "unrecognized args: [\"x\"]"),
        (1, &["relation-get", "-", "", "--app"], "\"\" is not a valid unit or application"),
        (1, &["relation-get", "-", "Pg", "--app"], "\"\" is not a valid unit or application"),
        // The hook's remote unit is used on the other relation too.
        (1, &["relation-get", "-r", "0"], "permission denied"),
        (1, &["relation-get", "-r", "0", "--app"], "permission denied"),
    ] {
        assert_eq!(world.error("web/0", line), (code, error.to_owned()), "{line:?}");
    }
}

#[test]
fn a_hook_without_a_remote_unit_reads_the_application() {
    let mut world = World::related(1, 1);
    world.model.set_remote_app_data(1, "pg", [("k", "v")]).unwrap();
    world.begin_hook("web/0", "db-relation-changed");
    assert_eq!(world.out("web/0", &["relation-get"]), "k: v\n");
    assert_eq!(world.out("web/0", &["relation-get", "k"]), "v\n");
}

#[test]
fn relation_set_takes_pairs_and_a_file() {
    VERSIONS.iter().copied().for_each(check_set);
}

fn check_set(version: &str) {
    let mut world = in_changed(version);
    // 3.3
    for line in [&["relation-set"][..], &["relation-set", ""], &["relation-set", "--file", ""]] {
        assert_eq!(world.out("web/0", line), "", "{line:?}");
    }
    world.out("web/0", &["relation-set", " a = v ", "b=1", "c=2=3"]);
    assert_eq!(world.out("web/0", &["relation-get", "a", "web/0", "--format=json"]), "\"v\"\n");
    assert_eq!(world.out("web/0", &["relation-get", "c", "web/0"]), "2=3\n");
    let (mut request, step) = world.step("web/0", &["relation-set", "--file", "-", "f=", "b=9"]);
    assert_eq!(step, ToolStep::NeedsInput);
    request.stdin = Some(b"sp: ' sp '\na: ~\nf: 1\nb: 2\ny: yes\nn: 1.50".to_vec());
    assert!(
        matches!(world.model.tool(&unit("web/0"), &request), ToolStep::Done(it) if it.code == 0)
    );
    let own = world.out("web/0", &["relation-get", "-", "web/0", "--format=json"]);
    let own: serde_json::Value = serde_json::from_str(&own).unwrap();
    assert_eq!(own["sp"], " sp ");
    assert_eq!((&own["b"], &own["y"], &own["n"]), (&"9".into(), &"yes".into(), &"1.50".into()));
    assert!(own.get("a").is_none() && own.get("f").is_none(), "null and \"\" delete");
    for (code, line, error) in [
        (2, &["relation-set", "x"][..], "expected \"key=value\", got \"x\""),
        (2, &["relation-set", "=x"], "expected \"key=value\", got \"=x\""),
        (2, &["relation-set", "x=1", "x=2"], "key \"x\" specified more than once"),
        (
            2,
            &["relation-set", "-r", "9", "x=1"],
            "invalid value \"9\" for option -r: relation not found",
        ),
    ] {
        assert_eq!(world.error("web/0", line), (code, error.to_owned()), "{line:?}");
    }
    let answer = world.answer("web/0", &["relation-set", "--format", "json", "z=1"]);
    assert_eq!(
        (answer.code, text(&answer.stderr)),
        (0, "--format flag deprecated for command \"relation-set\"".to_owned())
    );
    world.finish("web/0", HookExit::Code(0));
    assert_eq!(world.unit_data(1, "web/0")["z"], "1");
}

#[test]
fn the_leader_writes_the_application_databag() {
    VERSIONS.iter().copied().for_each(check_set_by_leader);
}

fn check_set_by_leader(version: &str) {
    let mut world = in_changed(version);
    world.out("web/0", &["relation-set", "--app", "k=v"]);
    world.out("web/0", &["relation-set", "--app", "-r", "ring:0", "k=w"]);
    assert_eq!(world.out("web/0", &["relation-get", "--app", "k", "web"]), "v\n");
    assert_eq!(world.out("web/0", &["relation-get", "--app", "-r", "0", "k", "web"]), "w\n");
    world.finish("web/0", HookExit::Code(0));
    assert_eq!(world.app_data(1, "web")["k"], "v");
    assert_eq!(world.app_data(0, "web")["k"], "w");
}

#[test]
fn the_log_of_a_relation_hook_names_the_relation() {
    let mut world = in_changed("3.6.28");
    // 3.8
    world.out("web/0", &["juju-log", "hello"]);
    let model_unit = world.model.unit(&unit("web/0")).unwrap();
    assert_eq!(model_unit.log(0).last().unwrap().message, "db:1: hello");
}

#[test]
fn broken_still_lists_the_relation_and_no_member() {
    let mut world = World::related(1, 1);
    world.model.remove_relation("web", "pg").unwrap();
    world.begin_hook("web/0", "db-relation-broken");
    assert_eq!(world.out("web/0", &["relation-list"]), "");
    assert_eq!(world.out("web/0", &["relation-list", "--app"]), "pg\n");
    // The agent learns the life of a relation when it starts only (Juju 3.6 and 4.0).
    assert_eq!(world.out("web/0", &["relation-ids"]), "db:1\n");
    world.finish("web/0", HookExit::Code(1));
    world.model.agent_restarted(&unit("web/0")).unwrap();
    super::advance(&mut world, 5);
    world.begin_hook("web/0", "db-relation-broken");
    assert_eq!(world.out("web/0", &["relation-ids"]), "");
    assert_eq!(
        world.out("web/0", &["relation-get", "private-address", "pg/0"]),
        "127.0.0.1\n",
        "the databag stays while the relation exists"
    );
}

#[test]
fn goal_state_has_the_relations_by_endpoint() {
    let mut world = World::new(1);
    world.add_remote("pg", 1);
    world.model.integrate("web", "pg").unwrap();
    world.begin_hook("web/0", "install");
    let since = "\n    since: 1970-01-01 00:00:00Z\n";
    assert_eq!(
        world.out("web/0", &["goal-state"]),
        format!(
            "units:\n  web/0:\n    status: maintenance{since}relations:\n  db:\n    pg:\n      \
             status: joining\n      since: 1970-01-01 00:00:00Z\n    pg/0:\n      status: \
             active\n      since: 1970-01-01 00:00:00Z\n"
        )
    );
    world.finish("web/0", HookExit::Code(0));
    world.begin_hook("web/0", "config-changed");
    assert!(world.out("web/0", &["goal-state"]).contains("status: joined"));
}

#[test]
fn relation_ids_are_sorted_as_texts() {
    let mut world = World::new(1);
    for number in 0..11 {
        world.add_remote(&format!("pg{number}"), 0);
        world.model.integrate("web:db", &format!("pg{number}")).unwrap();
    }
    world.settle();
    world.begin_config_changed("web/0");
    assert!(world.out("web/0", &["relation-ids", "db"]).starts_with("db:1\ndb:10\ndb:11\ndb:2\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_call_of_a_relation_tool_panics(
        calls in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "relation-ids", "relation-list", "relation-get", "relation-set",
                    "relation-model-get", "network-get", "goal-state",
                ]),
                prop::collection::vec(
                    "-r|--app|--relation=(db|ring|):?[0-9]{0,11}|[0-9]{1,3}|-|\
                     (web|pg)(/[0-9]{1,12})?|[a-z]{0,3}=?\\PC{0,5}|--format=(json|yaml|smart)|\
                     --file|\\PC{0,6}",
                    0..5,
                ),
            ),
            1..20,
        ),
        exit in prop::sample::select(vec![0, 1]),
    ) {
        let mut world = in_changed("3.6.28");
        for (tool, args) in &calls {
            let args = args.iter().map(String::as_str);
            let line: Vec<&str> = std::iter::once(*tool).chain(args).collect();
            let (mut request, step) = world.step("web/0", &line);
            let step = match step {
                ToolStep::NeedsInput => {
                    request.stdin = Some(b"a: b".to_vec());
                    world.model.tool(&unit("web/0"), &request)
                }
                other => other,
            };
            if let ToolStep::Done(answer) = step {
                prop_assert!(answer.code <= 2);
                prop_assert_eq!(answer.code == 0, !text(&answer.stderr).starts_with("ERROR"));
            }
        }
        let finished = world.finish("web/0", HookExit::Code(exit));
        prop_assert_eq!(finished.committed(), exit == 0, "{:?}", finished);
    }
}

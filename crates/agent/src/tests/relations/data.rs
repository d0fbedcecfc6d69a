//! Tests of what a hook reads and writes in databags, and of what is committed.
//!
//! A comment such as `3.3` names the section of reference `juju-agent-measured.md`.

use super::{Deployment, HookExit, PG, World, meta, unit};

#[test]
fn a_hook_reads_its_own_writes_and_the_others_after_it_has_succeeded() {
    let mut world = World::related(2, 0);
    world.begin_config_changed("web/0");
    world.out("web/0", &["relation-set", "-r", "0", "k=v", "gone=1"]);
    world.out("web/0", &["relation-set", "-r", "0", "gone="]);
    assert_eq!(world.out("web/0", &["relation-get", "-r", "0", "k", "web/0"]), "v\n");
    assert_eq!(
        world.out("web/0", &["relation-get", "-r", "0", "gone", "web/0", "--format=json"]),
        "null\n"
    );
    world.begin_config_changed("web/1");
    assert_eq!(world.out("web/1", &["relation-get", "-r", "0", "k", "web/0"]), "");
    world.finish("web/0", HookExit::Code(0));
    // web/1 has read the databag in this hook already.
    assert_eq!(world.out("web/1", &["relation-get", "-r", "0", "k", "web/0"]), "");
    world.finish("web/1", HookExit::Code(0));
    world.begin_hook("web/1", "ring-relation-changed web/0");
    assert_eq!(world.out("web/1", &["relation-get", "k"]), "v\n");
}

#[test]
fn a_failed_hook_writes_nothing() {
    for exit in [HookExit::Code(1), HookExit::Signal(15), HookExit::Signal(11)] {
        let mut world = World::related(1, 1);
        let before = (world.unit_data(1, "web/0"), world.app_data(1, "web"));
        world.begin_config_changed("web/0");
        world.out("web/0", &["relation-set", "-r", "1", "k=v"]);
        world.out("web/0", &["relation-set", "-r", "1", "--app", "k=v"]);
        world.finish("web/0", exit);
        assert_eq!((world.unit_data(1, "web/0"), world.app_data(1, "web")), before);
    }
}

#[test]
fn an_action_commits_and_reads_as_a_hook_does() {
    let mut world = World::new(1);
    let actions = Some("go: {}");
    let charm = crate::CharmMeta::parse(PG, None, actions).unwrap();
    world.model.deploy("pg", Deployment::charm(charm)).unwrap();
    world.model.integrate("web", "pg").unwrap();
    world.settle();
    world.model.run_action(&unit("pg/0"), "go", &[]).unwrap();
    world.begin_hook("pg/0", "go");
    assert_eq!(world.error("pg/0", &["relation-get"]).1, "no relation id specified");
    world.out("pg/0", &["relation-set", "-r", "1", "k=v"]);
    world.finish("pg/0", HookExit::Code(0));
    assert_eq!(world.run("web/0"), ["db-relation-changed pg/0"]);
}

#[test]
fn the_network_values_are_there_from_the_start_and_come_back_at_config_changed() {
    let mut world = World::related(1, 1);
    let seeded = world.unit_data(1, "web/0");
    assert_eq!(
        seeded.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>(),
        ["egress-subnets=127.0.0.1/32", "ingress-address=127.0.0.1", "private-address=127.0.0.1"]
    );
    // 3.3
    world.model.set_remote_app_data(1, "pg", [("k", "1")]).unwrap();
    world.begin_hook("web/0", "db-relation-changed");
    world.out("web/0", &["relation-set", "private-address=", "ingress-address=", "k=v"]);
    world.finish("web/0", HookExit::Code(0));
    assert!(!world.unit_data(1, "web/0").contains_key("private-address"));
    world.begin_config_changed("web/0");
    world.finish("web/0", HookExit::Code(0));
    assert_eq!(world.unit_data(1, "web/0")["private-address"], "127.0.0.1");
    assert_eq!(world.unit_data(1, "web/0")["k"], "v");
}

#[test]
fn config_changed_writes_the_new_address_to_every_databag() {
    let mut world = World::related(2, 1);
    world.model.set_address(&unit("web/0"), "10.0.0.7").unwrap();
    assert_eq!(world.unit_data(1, "web/0")["ingress-address"], "127.0.0.1");
    world.begin_hook("web/0", "config-changed");
    // The charm has the old address in its copy of one databag, and does not change it there.
    world.out("web/0", &["relation-set", "-r", "1", "k=v"]);
    world.out("web/0", &["relation-set", "-r", "0", "ingress-address=mine"]);
    world.finish("web/0", HookExit::Code(0));
    let data = world.unit_data(1, "web/0");
    assert_eq!((data["k"].as_str(), data["ingress-address"].as_str()), ("v", "10.0.0.7"));
    assert_eq!(data["egress-subnets"], "10.0.0.7/32");
    let peers = world.unit_data(0, "web/0");
    assert_eq!(peers["private-address"], "10.0.0.7");
    assert_eq!(peers["ingress-address"], "mine");
    assert_eq!(world.run("web/1"), ["ring-relation-changed web/0"]);
}

#[test]
fn a_hook_that_only_reads_its_own_databag_tells_nobody() {
    let mut world = World::related(2, 0);
    world.begin_config_changed("web/0");
    world.out("web/0", &["relation-get", "-r", "0", "-", "web/0"]);
    world.out("web/0", &["relation-set", "-r", "0", "private-address=127.0.0.1"]);
    world.finish("web/0", HookExit::Code(0));
    assert_eq!(world.run("web/1"), ["config-changed"]);
}

#[test]
fn a_remote_databag_is_read_once_a_hook_and_kept_until_a_hook_for_its_unit() {
    let mut world = World::related(1, 2);
    world.begin_config_changed("web/0");
    for name in ["pg/0", "pg/1"] {
        assert_eq!(world.out("web/0", &["relation-get", "-r", "1", "k", name]), "");
        world.model.set_remote_unit_data(1, &unit(name), [("k", "new")]).unwrap();
        assert_eq!(world.out("web/0", &["relation-get", "-r", "1", "k", name]), "");
    }
    assert_eq!(world.out("web/0", &["relation-get", "-r", "1", "--app", "k", "pg"]), "");
    world.model.set_remote_app_data(1, "pg", [("k", "new")]).unwrap();
    assert_eq!(world.out("web/0", &["relation-get", "-r", "1", "--app", "k", "pg"]), "");
    world.finish("web/0", HookExit::Code(0));
    world.begin_hook("web/0", "db-relation-changed pg/0");
    assert_eq!(world.out("web/0", &["relation-get", "k"]), "new\n");
    assert_eq!(world.out("web/0", &["relation-get", "k", "pg/1"]), "", "no hook for it has run");
    assert_eq!(world.out("web/0", &["relation-get", "--app", "k"]), "new\n");
}

#[test]
fn membership_is_that_of_the_start_of_the_hook() {
    let mut world = World::related(1, 1);
    world.begin_config_changed("web/0");
    world.model.add_unit("pg").unwrap();
    assert_eq!(world.out("web/0", &["relation-list", "-r", "1"]), "pg/0\n");
    world.finish("web/0", HookExit::Code(0));
    world.begin_hook("web/0", "db-relation-joined pg/1");
    assert_eq!(world.out("web/0", &["relation-list"]), "pg/0\npg/1\n");
}

#[test]
fn leadership_lost_before_the_commit_fails_the_hook() {
    for (version, text) in [
        ("3.6.28", "checking leadership continuity: \"web/0\" is not leader of \"web\""),
        ("4.0.15", "checking lease token: lease not held"),
    ] {
        let mut world = on_version(version);
        world.begin_config_changed("web/0");
        world.out("web/0", &["relation-set", "-r", "1", "--app", "k=v"]);
        world.out("web/0", &["relation-set", "-r", "1", "k=v"]);
        world.out("web/0", &["state-set", "k=v"]);
        let other = world.model.add_unit("web").unwrap();
        world.model.set_leader(&other).unwrap();
        let finished = world.finish("web/0", HookExit::Code(0));
        assert_eq!(finished.error(), Some(text));
        assert!(world.app_data(1, "web").is_empty());
        assert!(!world.unit_data(1, "web/0").contains_key("k"), "nothing of it is committed");
        assert!(world.model.unit(&unit("web/0")).unwrap().state().is_empty());
    }
}

/// Makes a model on a version of Juju, with `web` related to `pg` by the relation 1.
fn on_version(version: &str) -> World {
    let settings = crate::ModelSettings::new().juju_version(version.parse().unwrap());
    let mut world = World::with_settings(settings, 1);
    world.add_remote("pg", 1);
    world.model.integrate("web:db", "pg").unwrap();
    world.settle();
    world
}

#[test]
fn a_value_that_is_changed_and_changed_back_is_a_change_before_juju_4() {
    for (version, hooks) in [("3.6.28", 2), ("4.0.15", 0)] {
        let mut world = on_version(version);
        world.model.set_remote_unit_data(1, &unit("pg/0"), [("k", "1")]).unwrap();
        world.model.set_remote_app_data(1, "pg", [("k", "1")]).unwrap();
        assert_eq!(world.run("web/0").len(), 2);
        for value in ["2", "1"] {
            world.model.set_remote_unit_data(1, &unit("pg/0"), [("k", value)]).unwrap();
            world.model.set_remote_app_data(1, "pg", [("k", value)]).unwrap();
        }
        assert_eq!(world.run("web/0").len(), hooks, "{version}");
    }
}

#[test]
fn juju_4_keeps_its_own_addresses_and_limits_a_databag() {
    let mut world = on_version("4.0.15");
    world.begin_config_changed("web/0");
    let line = ["relation-set", "-r", "1", "ingress-address=x", "egress-subnets=", "k=v"];
    world.out("web/0", &line);
    assert_eq!(world.out("web/0", &["relation-get", "-r", "1", "ingress-address", "web/0"]), "x\n");
    world.finish("web/0", HookExit::Code(0));
    let data = world.unit_data(1, "web/0");
    assert_eq!(data["k"], "v");
    assert_eq!(
        (&*data["ingress-address"], &*data["egress-subnets"]),
        ("127.0.0.1", "127.0.0.1/32")
    );

    let half = "x".repeat(8 << 20);
    for (app, text) in [
        ("--app=false", "checking relation unit settings size"),
        (
            "--app",
            "setting relation application settings: checking relation application settings size",
        ),
    ] {
        world.begin_config_changed("web/0");
        for key in ["a", "b"] {
            let pair = format!("{key}={half}");
            world.out("web/0", &["relation-set", "-r", "1", app, &pair]);
        }
        let finished = world.finish("web/0", HookExit::Code(0));
        let text = format!("{text}: max allowed total size (16777216): quota limit exceeded");
        assert_eq!(finished.error(), Some(text.as_str()));
        world.model.resolved(&unit("web/0"), crate::Resolve::NoRetry).unwrap();
    }
    assert!(world.app_data(1, "web").is_empty() && !world.unit_data(1, "web/0").contains_key("a"));
}

#[test]
fn reading_the_own_application_databag_commits_nothing() {
    let mut world = World::related(2, 1);
    world.begin_config_changed("web/0");
    world.out("web/0", &["relation-get", "-r", "1", "--app", "-", "web"]);
    world.model.set_leader(&unit("web/1")).unwrap();
    assert!(world.finish("web/0", HookExit::Code(0)).committed());
}

#[test]
fn who_may_read_and_write_what() {
    let mut world = World::new(2);
    world.model.deploy("pg", Deployment::charm(meta(PG)).units(2)).unwrap();
    world.model.integrate("web", "pg").unwrap();
    world.settle();
    world.begin_config_changed("web/0");
    world.begin_config_changed("web/1");
    let denied = (1, "permission denied".to_owned());
    for (line, is_open_to_leader, is_open_to_follower) in [
        // The own databags, of the unit and of the application.
        (&["relation-get", "-r", "1", "-", "web/0"][..], true, true),
        (&["relation-get", "-r", "1", "--app", "-", "web"], true, false),
        (&["relation-get", "-r", "0", "--app", "-", "web"], true, true),
        (&["relation-get", "-r", "0", "--app", "-", "web/1"], true, true),
        // The remote ones.
        (&["relation-get", "-r", "1", "-", "pg/1"], true, true),
        (&["relation-get", "-r", "1", "--app", "-", "pg"], true, true),
        // Juju's controller lets a unit read the others of its application (Juju 3.6).
        (&["relation-get", "-r", "1", "-", "web/1"], true, true),
        // Anyone else's.
        (&["relation-get", "-r", "0", "-", "pg/0"], false, false),
        (&["relation-get", "-r", "1", "-", "other/0"], false, false),
        (&["relation-get", "-r", "1", "--app", "-", "other"], false, false),
    ] {
        for (name, is_open) in [("web/0", is_open_to_leader), ("web/1", is_open_to_follower)] {
            if is_open {
                world.out(name, line);
            } else {
                assert_eq!(world.error(name, line), denied, "{name} {line:?}");
            }
        }
    }
    assert_eq!(
        world.error("web/1", &["relation-set", "-r", "1", "--app", "k=v"]),
        (1, "cannot write relation settings".to_owned())
    );
    world.out("web/1", &["relation-set", "-r", "1", "k=v"]);
}

#[test]
fn a_unit_that_has_never_entered_the_relation_has_no_databag() {
    for (version, expected) in [
        (
            "3.6.28",
            "cannot read settings for unit \"pg/9\" in relation \"web:db pg:server\": unit \
             \"pg/9\": settings not found",
        ),
        ("4.0.15", "relation unit not found"),
    ] {
        let mut world = on_version(version);
        world.begin_config_changed("web/0");
        let line = ["relation-get", "-r", "1", "-", "pg/9"];
        assert_eq!(world.error("web/0", &line), (1, expected.to_owned()));
    }
}

#[test]
fn a_restarted_agent_reads_every_databag_anew() {
    let mut world = World::related(1, 1);
    world.begin_config_changed("web/0");
    world.out("web/0", &["relation-get", "-r", "1", "k", "pg/0"]);
    world.model.set_remote_unit_data(1, &unit("pg/0"), [("k", "new")]).unwrap();
    world.finish("web/0", HookExit::Code(0));
    world.model.agent_restarted(&unit("web/0")).unwrap();
    world.begin_hook("web/0", "start");
    assert_eq!(world.out("web/0", &["relation-get", "-r", "1", "k", "pg/0"]), "new\n");
}

#[test]
fn debug_of_the_model_shows_no_value_of_a_databag() {
    let mut world = World::related(1, 1);
    world.model.set_remote_app_data(1, "pg", [("password", "hunter2")]).unwrap();
    world.begin_hook("web/0", "db-relation-changed");
    world.out("web/0", &["relation-get", "--app"]);
    world.out("web/0", &["relation-set", "token=hunter2"]);
    let shown = format!("{:?}", world.model);
    assert!(shown.contains("password") && shown.contains("token"));
    assert!(!shown.contains("hunter2"), "a databag may hold a secret");
}

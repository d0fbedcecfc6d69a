//! Tests of the hooks of relations and their order, one for each rule of reference `juju-agent.md`
//! 6, and of the variables that they have (5.2).

use super::{
    Deployment, EndpointMeta, EndpointRole, HookExit, ModelSettings, PG, World, advance, meta,
    unit, variable,
};
use crate::Resolve;

#[test]
fn a_peer_relation_exists_right_after_install_with_no_other_unit() {
    let mut world = World::new(1);
    assert_eq!(
        world.run("web/0"),
        ["install", "ring-relation-created", "leader-elected", "config-changed", "start"]
    );
    let report = world.model.report(&unit("web/0")).unwrap();
    let relation = &report.relations[0];
    assert_eq!((relation.id.get(), relation.remote_app.as_str()), (0, "web"));
    assert_eq!((relation.state.as_str(), relation.units.len()), ("joined", 0));
}

#[test]
fn install_sees_no_relation() {
    let mut world = World::new(1);
    world.add_remote("pg", 1);
    world.model.integrate("web", "pg").unwrap();
    world.begin_hook("web/0", "install");
    for endpoint in ["ring", "db"] {
        assert_eq!(world.out("web/0", &["relation-ids", endpoint]), "");
    }
    assert_eq!(
        world.error("web/0", &["relation-list", "-r", "0"]).1,
        "invalid value \"0\" for option -r: relation not found"
    );
}

#[test]
fn relations_that_are_known_come_before_leadership_and_their_units_after_start() {
    let mut world = World::new(2);
    world.add_remote("pg", 1);
    world.model.integrate("web", "pg").unwrap();
    world.run("web/1");
    assert_eq!(
        world.run("web/0"),
        [
            "install",
            "ring-relation-created",
            "db-relation-created",
            "leader-elected",
            "config-changed",
            "start",
            "db-relation-joined pg/0",
            "db-relation-changed pg/0",
            "ring-relation-joined web/1",
            "ring-relation-changed web/1",
        ],
        "peer relations come last"
    );
}

#[test]
fn every_scope_is_entered_before_the_first_relation_created() {
    let mut world = World::new(1);
    world.add_remote("pg", 1);
    world.model.integrate("web", "pg").unwrap();
    world.begin_hook("web/0", "ring-relation-created");
    assert_eq!(world.out("web/0", &["relation-ids", "db"]), "db:1\n");
    assert_eq!(world.out("web/0", &["relation-list", "-r", "1"]), "", "pg/0 has not joined yet");
}

#[test]
fn two_charms_see_each_other() {
    let mut world = World::new(1);
    world.model.deploy("pg", Deployment::charm(meta(PG))).unwrap();
    world.model.integrate("web", "pg").unwrap();
    world.run("web/0");
    assert_eq!(
        world.run("pg/0")[1..],
        [
            "server-relation-created",
            "leader-elected",
            "config-changed",
            "start",
            "server-relation-joined web/0",
            "server-relation-changed web/0",
        ]
    );
    assert_eq!(world.run("web/0"), ["db-relation-joined pg/0", "db-relation-changed pg/0"]);
    world.begin_config_changed("web/0");
    world.out("web/0", &["relation-set", "-r", "1", "--app", "database=web"]);
    assert!(world.run("pg/0").is_empty(), "the hook has not ended");
    world.finish("web/0", HookExit::Code(0));
    world.begin_hook("pg/0", "server-relation-changed");
    assert_eq!(world.out("pg/0", &["relation-get", "--app", "database"]), "web\n");
}

#[test]
fn the_application_databag_comes_before_the_units() {
    let mut world = World::new(1);
    world.add_remote("pg", 1);
    world.model.integrate("web", "pg").unwrap();
    world.model.set_remote_app_data(1, "pg", [("endpoints", "h:5432")]).unwrap();
    let ran = world.run("web/0");
    let at = |hook: &str| ran.iter().position(|name| name == hook).unwrap();
    assert!(at("db-relation-changed") < at("db-relation-joined pg/0"), "{ran:?}");
}

#[test]
fn any_number_of_writes_makes_one_changed() {
    let mut world = World::related(1, 2);
    for value in ["1", "2", "3"] {
        world.model.set_remote_unit_data(1, &unit("pg/1"), [("k", value)]).unwrap();
        world.model.set_remote_app_data(1, "pg", [("k", value), ("l", value)]).unwrap();
    }
    assert_eq!(world.run("web/0"), ["db-relation-changed", "db-relation-changed pg/1"]);
    world.model.set_remote_app_data(1, "pg", [("k", "3")]).unwrap();
    assert!(world.run("web/0").is_empty(), "the same value again");
}

#[test]
fn a_leader_is_told_of_its_own_write_to_its_peers() {
    let mut world = World::related(2, 0);
    world.write("web/0", &["relation-set", "-r", "0", "--app", "k=v"]);
    assert_eq!(world.run("web/0"), ["ring-relation-changed"], "as Juju's watcher tells it");
    assert_eq!(world.run("web/1"), ["config-changed", "ring-relation-changed"]);
}

#[test]
fn the_environment_names_the_remote_side() {
    let mut world = World::new(1);
    world.add_remote("pg", 1);
    world.model.integrate("web", "pg").unwrap();
    world.model.set_remote_app_data(1, "pg", [("k", "v")]).unwrap();
    let mut seen = Vec::new();
    let mut note = |world: &mut World| {
        while let Some(run) = world.begin("web/0") {
            world.finish("web/0", HookExit::Code(0));
            if run.name().starts_with("db-") {
                let of = |name: &str| variable(&run, name).unwrap_or_else(|| "unset".to_owned());
                seen.push(format!(
                    "{} {} {} {:?} {} {}",
                    run.name(),
                    of("JUJU_RELATION"),
                    of("JUJU_RELATION_ID"),
                    of("JUJU_REMOTE_UNIT"),
                    of("JUJU_REMOTE_APP"),
                    of("JUJU_DEPARTING_UNIT"),
                ));
            } else {
                assert!(variable(&run, "JUJU_DEPARTING_UNIT").is_none());
            }
        }
    };
    note(&mut world);
    world.model.remove_relation("web", "pg").unwrap();
    note(&mut world);
    assert_eq!(
        seen,
        [
            "db-relation-created db db:1 \"\" pg unset",
            "db-relation-changed db db:1 \"\" pg unset",
            "db-relation-joined db db:1 \"pg/0\" pg unset",
            "db-relation-changed db db:1 \"pg/0\" pg unset",
            "db-relation-departed db db:1 \"pg/0\" pg pg/0",
            "db-relation-broken db db:1 \"\" pg unset",
        ]
    );
}

#[test]
fn a_removed_relation_departs_then_breaks_and_its_number_is_not_used_again() {
    let mut world = World::related(2, 1);
    world.model.remove_relation("web", "pg").unwrap();
    assert_eq!(world.run("web/0"), ["db-relation-departed pg/0", "db-relation-broken"]);
    assert!(world.model.app_data(1, "pg").is_ok(), "web/1 is still in it");
    assert_eq!(world.run("web/1"), ["db-relation-departed pg/0", "db-relation-broken"]);
    assert!(world.model.app_data(1, "pg").is_err());
    assert_eq!(world.model.integrate("web", "pg").unwrap(), 2);
    assert_eq!(world.run("web/0")[0], "db-relation-created");
}

#[test]
fn the_leaver_is_gone_from_the_list_in_departed_and_readable_until_the_end() {
    let mut world = World::related(1, 2);
    world.model.set_remote_unit_data(1, &unit("pg/0"), [("k", "v")]).unwrap();
    world.run("web/0");
    world.model.remove_unit(&unit("pg/0")).unwrap();
    world.begin_hook("web/0", "db-relation-departed pg/0");
    assert_eq!(world.out("web/0", &["relation-list"]), "pg/1\n");
    assert_eq!(world.out("web/0", &["relation-get", "k"]), "v\n", "of the leaver");
    world.finish("web/0", HookExit::Code(0));
    world.begin_config_changed("web/0");
    assert_eq!(world.out("web/0", &["relation-get", "-r", "1", "k", "pg/0"]), "v\n");
}

#[test]
fn a_removed_unit_departs_breaks_stops_and_leaves_its_peers_without_broken() {
    let mut world = World::related(2, 1);
    world.model.remove_unit(&unit("web/1")).unwrap();
    assert_eq!(world.run("web/0"), ["ring-relation-departed web/1"]);
    let mut departing = Vec::new();
    let mut ran = Vec::new();
    while let Some(run) = world.begin("web/1") {
        departing.extend(variable(&run, "JUJU_DEPARTING_UNIT"));
        ran.push(super::shown(&run));
        world.finish("web/1", HookExit::Code(0));
    }
    assert_eq!(
        ran,
        [
            "db-relation-departed pg/0",
            "db-relation-broken",
            "ring-relation-departed web/0",
            "stop",
            "remove"
        ]
    );
    assert_eq!(departing, ["web/1", "web/1"], "it is this unit that leaves");
    assert!(world.run("web/0").is_empty());
    assert_eq!(world.model.report(&unit("web/0")).unwrap().relations[1].units, ["pg/0"]);
}

#[test]
fn a_unit_that_is_added_joins_its_peers() {
    let mut world = World::related(1, 1);
    let added = world.model.add_unit("web").unwrap();
    assert!(world.run("web/0").is_empty(), "it is not installed yet");
    let ran = world.run(&added.to_string());
    assert_eq!(ran[..3], ["install", "ring-relation-created", "db-relation-created"]);
    assert_eq!(ran[ran.len() - 2..], ["ring-relation-joined web/0", "ring-relation-changed web/0"]);
    assert_eq!(world.run("web/0"), ["ring-relation-joined web/1", "ring-relation-changed web/1"]);
}

#[test]
fn units_of_a_remote_application_join_and_depart_at_once() {
    let mut world = World::related(1, 0);
    world.model.add_unit("pg").unwrap();
    assert_eq!(world.run("web/0"), ["db-relation-joined pg/0", "db-relation-changed pg/0"]);
    assert_eq!(world.unit_data(1, "pg/0")["private-address"], "127.0.0.1");
    world.model.remove_unit(&unit("pg/0")).unwrap();
    assert_eq!(world.run("web/0"), ["db-relation-departed pg/0"]);
}

#[test]
fn a_failed_hook_is_retried_with_its_variables_and_holds_the_queue() {
    let mut world = World::related(1, 2);
    world.model.set_remote_unit_data(1, &unit("pg/1"), [("k", "1")]).unwrap();
    world.begin_hook("web/0", "db-relation-changed pg/1");
    let failed = world.finish("web/0", HookExit::Code(1));
    assert!(!failed.committed());
    let report = world.model.report(&unit("web/0")).unwrap();
    assert_eq!(report.message, "hook failed: \"db-relation-changed\"");
    world.model.set_remote_app_data(1, "pg", [("k", "1")]).unwrap();
    world.model.set_remote_unit_data(1, &unit("pg/0"), [("k", "1")]).unwrap();
    world.model.set_remote_unit_data(1, &unit("pg/1"), [("k", "2")]).unwrap();
    assert!(world.begin("web/0").is_none());
    advance(&mut world, 5);
    world.begin_hook("web/0", "db-relation-changed pg/1");
    assert_eq!(world.out("web/0", &["relation-get", "k"]), "2\n", "the databag is read anew");
    world.finish("web/0", HookExit::Code(0));
    assert_eq!(
        world.run("web/0"),
        ["db-relation-changed", "db-relation-changed pg/0", "db-relation-changed pg/1"]
    );
}

#[test]
fn a_joined_that_is_skipped_counts_as_done() {
    let mut world = World::related(1, 0);
    world.model.add_unit("pg").unwrap();
    world.begin_hook("web/0", "db-relation-joined pg/0");
    world.finish("web/0", HookExit::Code(1));
    world.model.resolved(&unit("web/0"), Resolve::NoRetry).unwrap();
    assert_eq!(world.run("web/0"), ["db-relation-changed pg/0"]);
}

#[test]
fn a_broken_that_is_skipped_leaves_the_relation() {
    let mut world = World::related(1, 0);
    world.model.remove_relation("web", "pg").unwrap();
    world.begin_hook("web/0", "db-relation-broken");
    world.finish("web/0", HookExit::Code(1));
    assert!(world.model.app_data(1, "pg").is_ok());
    world.model.resolved(&unit("web/0"), Resolve::NoRetry).unwrap();
    assert!(world.model.app_data(1, "pg").is_err());
}

#[test]
fn a_killed_relation_hook_runs_again() {
    let mut world = World::related(1, 0);
    world.model.add_unit("pg").unwrap();
    world.begin_hook("web/0", "db-relation-joined pg/0");
    world.finish("web/0", HookExit::Signal(9));
    assert_eq!(world.run("web/0"), ["db-relation-joined pg/0", "db-relation-changed pg/0"]);
}

#[test]
fn a_new_pod_keeps_its_relations() {
    let mut world = World::related(1, 1);
    world.model.end_pod(&unit("web/0")).unwrap();
    world.run("web/0");
    world.model.pod_started(&unit("web/0")).unwrap();
    assert_eq!(world.run("web/0"), ["upgrade-charm", "config-changed", "start"]);
}

#[test]
fn a_unit_is_not_settled_while_it_has_a_relation_to_enter() {
    let mut world = World::new(1);
    world.add_remote("pg", 1);
    world.settle();
    let settled = |world: &World| world.model.unit(&unit("web/0")).unwrap().is_settled(world.now);
    assert!(settled(&world));
    world.model.integrate("web", "pg").unwrap();
    assert!(!settled(&world));
    world.settle();
    assert!(settled(&world));
}

#[test]
fn a_refresh_brings_the_peer_relations_of_the_new_charm() {
    let mut world = World::new(1);
    world.settle();
    let more = "name: web\nsummary: s\ndescription: d\n\
                peers: {ring: {interface: ring}, second: {interface: x}}";
    world.model.refresh("web", meta(more)).unwrap();
    assert_eq!(
        world.run("web/0"),
        ["upgrade-charm", "config-changed", "second-relation-created"],
        "the new charm must be there first, and config-changed follows at once"
    );
}

#[test]
fn the_side_of_juju_info_runs_no_hooks() {
    let mut world = World::new(1);
    let host = EndpointMeta::new("host", EndpointRole::Requirer, "juju-info");
    world.model.deploy("watcher", Deployment::remote([host])).unwrap();
    world.settle();
    world.model.integrate("web", "watcher").unwrap();
    assert!(world.run("web/0").is_empty());
    assert_eq!(world.unit_data(1, "web/0")["ingress-address"], "127.0.0.1");
    world.model.remove_relation("web", "watcher").unwrap();
    assert!(world.run("web/0").is_empty());
    assert!(world.model.app_data(1, "watcher").is_err(), "it is removed");
}

#[test]
fn the_status_of_the_agent_names_the_remote_unit() {
    let mut world = World::related(1, 0);
    world.model.add_unit("pg").unwrap();
    world.begin_hook("web/0", "db-relation-joined pg/0");
    let report = world.model.report(&unit("web/0")).unwrap();
    assert_eq!(report.agent_message, "running db-relation-joined hook for pg/0");
}

#[test]
fn a_removed_application_ends_its_relations_and_goes_with_the_last() {
    let mut world = World::new(2);
    world.model.deploy("pg", Deployment::charm(meta(PG))).unwrap();
    world.model.integrate("web", "pg").unwrap();
    world.settle();
    world.model.remove_application("web").unwrap();
    let error = world.model.integrate("web:db", "pg").unwrap_err().to_string();
    assert!(error.ends_with("application \"web\" is not alive"), "{error}");
    let mut departing = Vec::new();
    while let Some(run) = world.begin("web/0") {
        departing.extend(variable(&run, "JUJU_DEPARTING_UNIT"));
        world.finish("web/0", HookExit::Code(0));
    }
    assert_eq!(departing, ["web/0", "web/0"]);
    world.run("web/1");
    assert!(world.model.application("web").is_ok(), "pg/0 is still in the relation");
    assert_eq!(
        world.run("pg/0"),
        [
            "server-relation-departed web/0",
            "server-relation-departed web/1",
            "server-relation-broken"
        ]
    );
    assert!(world.model.application("web").is_err());
    assert!(world.model.app_data(0, "web").is_err(), "the peer relation has gone with it");
    world.model.deploy("web", Deployment::charm(meta(super::WEB))).unwrap();
    assert_eq!(world.model.integrate("web", "pg").unwrap(), 3, "2 is the new peer relation");
}

#[test]
fn a_removed_remote_application_departs_and_breaks() {
    let mut world = World::related(1, 2);
    world.model.remove_application("pg").unwrap();
    assert!(world.model.application("pg").is_ok());
    assert_eq!(
        world.run("web/0"),
        ["db-relation-departed pg/0", "db-relation-departed pg/1", "db-relation-broken"]
    );
    assert!(world.model.application("pg").is_err());
}

#[test]
fn a_charm_without_the_endpoint_of_a_relation_is_refused() {
    let mut world = World::related(1, 1);
    let less = "name: web\nsummary: s\ndescription: d\npeers: {ring: {interface: ring}}";
    let error = world.model.refresh("web", meta(less)).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::State);
    assert_eq!(
        error.to_string(),
        "cannot refresh application \"web\": would break relation \"web:db pg:server\""
    );
}

#[test]
fn a_charm_with_a_smaller_limit_than_there_are_relations_is_refused() {
    let mut world = World::related(1, 1);
    world.add_remote("pg2", 1);
    world.model.integrate("web", "pg2").unwrap();
    let limited = |limit: u32| {
        meta(&format!(
            "name: web\nsummary: s\ndescription: d\n\
             requires: {{db: {{interface: sql, limit: {limit}}}}}\n"
        ))
    };
    let error = world.model.refresh("web", limited(1)).unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot refresh application \"web\": new charm version imposes a maximum relation limit \
         of 1 for web:db which cannot be satisfied by the number of already established relations \
         (2)"
    );
    world.model.refresh("web", limited(2)).unwrap();
}

#[test]
fn a_charm_does_not_become_a_subordinate() {
    let mut world = World::related(1, 1);
    let subordinate = "name: web\nsummary: s\ndescription: d\nsubordinate: true\n\
        requires: {host: {interface: juju-info, scope: container}}\n";
    let error = world.model.refresh("web", meta(subordinate)).unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot refresh application \"web\": cannot change an application's subordinacy"
    );
}

#[test]
fn a_peer_relation_goes_with_a_charm_that_does_not_declare_it() {
    let mut world = World::related(2, 1);
    let without = "name: web\nsummary: s\ndescription: d\nrequires: {db: {interface: sql}}";
    world.model.refresh("web", meta(without)).unwrap();
    assert!(world.model.app_data(0, "web").is_err(), "the peer relation is removed");
    let ran = world.run("web/0");
    assert_eq!(ran, ["upgrade-charm", "config-changed"], "no hook tells of it");
    world.settle();
    // The agent lists it until it is another one, but its databags are gone.
    world.begin_config_changed("web/0");
    assert_eq!(world.out("web/0", &["relation-ids", "ring"]), "ring:0\n");
    let denied = (1, "permission denied".to_owned());
    assert_eq!(world.error("web/0", &["relation-get", "-r", "0", "-", "web/0"]), denied);
    world.finish("web/0", HookExit::Code(0));
    world.model.agent_restarted(&unit("web/0")).unwrap();
    world.begin_hook("web/0", "start");
    assert_eq!(world.out("web/0", &["relation-ids", "ring"]), "");
    world.finish("web/0", HookExit::Code(0));
    // It comes back as another relation.
    world.model.refresh("web", meta(super::WEB)).unwrap();
    let ran = world.run("web/0");
    assert!(ran.contains(&"ring-relation-created".to_owned()), "{ran:?}");
}

#[test]
fn a_unit_that_is_removed_before_it_is_installed_was_never_seen() {
    let mut world = World::related(1, 1);
    let added = world.model.add_unit("web").unwrap();
    world.model.remove_unit(&added).unwrap();
    assert!(world.run("web/0").is_empty());
}

#[test]
fn a_played_unit_is_a_peer_at_once() {
    let mut world = World::related(1, 1);
    let played = world.model.add_played_unit("web").unwrap();
    assert_eq!(world.run("web/0"), ["ring-relation-joined web/1", "ring-relation-changed web/1"]);
    world.model.set_remote_unit_data(0, &played, [("k", "v")]).unwrap();
    world.begin_hook("web/0", "ring-relation-changed web/1");
    assert_eq!(world.out("web/0", &["relation-get", "k"]), "v\n");
    world.finish("web/0", HookExit::Code(0));
    let refused = world.model.set_remote_app_data(0, "web", [("k", "v")]).unwrap_err();
    assert_eq!(refused.kind(), crate::ErrorKind::State, "web/0 leads");
    world.model.set_leader(&played).unwrap();
    world.model.set_remote_app_data(0, "web", [("k", "v")]).unwrap();
    assert_eq!(world.run("web/0").last().unwrap(), "ring-relation-changed");
    world.model.remove_unit(&played).unwrap();
    assert!(world.run("web/0").contains(&"ring-relation-departed web/1".to_owned()));
    assert!(world.model.unit_data(1, &played).is_ok(), "it was in the other relation too");
}

#[test]
fn in_juju_4_a_dying_unit_is_seen_until_it_has_left() {
    let settings = ModelSettings::new().juju_version("4.0.15".parse().unwrap());
    let mut world = World::with_settings(settings, 2);
    world.model.deploy("pg", Deployment::charm(meta(PG))).unwrap();
    world.model.integrate("web", "pg").unwrap();
    world.settle();
    world.model.remove_unit(&unit("web/1")).unwrap();
    assert!(world.run("pg/0").is_empty() && world.run("web/0").is_empty());
    world.begin_hook("web/1", "db-relation-broken");
    world.finish("web/1", HookExit::Code(0));
    assert_eq!(world.run("pg/0"), ["server-relation-departed web/1"]);
    assert!(world.run("web/0").is_empty(), "it leaves its peers with its last hook");
    assert_eq!(world.run("web/1"), ["ring-relation-departed web/0", "stop", "remove"]);
    assert_eq!(world.run("web/0"), ["ring-relation-departed web/1"]);
}

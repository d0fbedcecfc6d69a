//! Tests of the operator's commands on relations, and of what they refuse.

use super::{Deployment, EndpointMeta, EndpointRole, PG, World, meta, unit};
use crate::ErrorKind;

#[test]
fn integrate_refuses_in_jujus_words() {
    let mut world = World::new(1);
    world.add_remote("pg", 1);
    world.add_remote("pg2", 1);
    let two = [
        EndpointMeta::new("a", EndpointRole::Provider, "redis"),
        EndpointMeta::new("b", EndpointRole::Provider, "redis"),
    ];
    world.model.deploy("redis", Deployment::remote(two)).unwrap();
    world.model.integrate("pg", "web").unwrap();
    world.model.integrate("web", "redis:a").unwrap();
    for (first, second, why) in [
        ("web", "nope", "application \"nope\" not found"),
        ("web:nope", "pg", "application \"web\" has no \"nope\" relation"),
        ("web:", "pg", "invalid endpoint \"web:\""),
        ("web", "web", "no relations found"),
        ("web:site", "pg", "no relations found"),
        ("pg", "pg2", "no relations found"),
        ("web:ring", "web:ring", "no relations found"),
        (
            "web",
            "redis",
            "ambiguous relation: \"web redis\" could refer to \"web:cache redis:a\"; \"web:cache \
             redis:b\"",
        ),
    ] {
        let error = world.model.integrate(first, second).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Relation);
        let named = format!("{first} {second}");
        assert_eq!(error.to_string(), format!("cannot add relation {named:?}: {why}"));
    }
    // When the two endpoints are known, the text names them.
    for (first, second, key, why) in [
        ("web", "pg", "web:db pg:server", "relation web:db pg:server already exists"),
        (
            "redis:b",
            "web",
            "web:cache redis:b",
            "establishing a new relation for web:cache would exceed its maximum relation limit of \
             1",
        ),
    ] {
        let error = world.model.integrate(first, second).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot add relation {key:?}: {why}"));
    }
    assert_eq!(world.model.integrate("web", "pg2").unwrap(), 3, "a refusal uses up no number");
    world.settle();
    world.model.remove_relation("web", "pg").unwrap();
    let error = world.model.integrate("web", "pg").unwrap_err().to_string();
    assert!(error.ends_with("relation web:db pg:server is dying, but not yet removed"), "{error}");
}

#[test]
fn remove_relation_refuses_in_jujus_words() {
    let mut world = World::related(1, 1);
    for (first, second, why) in [
        ("web", "nope", "relation matching \"web nope\" not found"),
        ("web:cache", "pg", "relation matching \"web:cache pg\" not found"),
        ("web:", "pg", "invalid endpoint \"web:\""),
    ] {
        let error = world.model.remove_relation(first, second).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Relation);
        let named = format!("{first} {second}");
        assert_eq!(error.to_string(), format!("cannot destroy relation {named:?}: {why}"));
    }
    let error = world.model.remove_relation_number(0).unwrap_err();
    assert_eq!(error.to_string(), "cannot destroy relation \"web:ring\": is a peer relation");
    let error = world.model.remove_relation_number(9).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Relation);
    world.model.remove_relation_number(1).unwrap();
    world.model.remove_relation_number(1).unwrap();
    assert_eq!(world.run("web/0"), ["db-relation-departed pg/0", "db-relation-broken"]);
}

#[test]
fn a_relation_without_units_is_removed_at_once() {
    let mut world = World::new(1);
    world.add_remote("pg", 0);
    world.model.integrate("web", "pg").unwrap();
    world.model.remove_relation("web", "pg").unwrap();
    assert!(world.model.app_data(1, "pg").is_err());
    assert_eq!(world.model.integrate("web", "pg").unwrap(), 2);
}

#[test]
fn only_the_data_of_an_application_without_a_charm_is_the_operators() {
    let mut world = World::related(1, 1);
    world.add_remote("other", 1);
    let model = &mut world.model;
    let kind = |result: Result<(), crate::Error>| result.unwrap_err().kind();
    let data = || [("k", "v")];
    assert_eq!(kind(model.set_remote_app_data(1, "web", data())), ErrorKind::State);
    assert_eq!(kind(model.set_remote_app_data(1, "nope", data())), ErrorKind::NotFound);
    assert_eq!(kind(model.set_remote_app_data(1, "other", data())), ErrorKind::Relation);
    assert_eq!(kind(model.set_remote_app_data(7, "pg", data())), ErrorKind::Relation);
    let web = unit("web/0");
    assert_eq!(kind(model.set_remote_unit_data(1, &web, data())), ErrorKind::State);
    assert_eq!(kind(model.set_remote_unit_data(1, &unit("pg/9"), data())), ErrorKind::NotFound);
    let other = unit("other/0");
    assert_eq!(kind(model.set_remote_unit_data(1, &other, data())), ErrorKind::Relation);
}

#[test]
fn the_report_shows_relations_and_no_values() {
    let mut world = World::related(1, 2);
    world.model.set_remote_app_data(1, "pg", [("password", "hunter2")]).unwrap();
    world.write("web/0", &["relation-set", "-r", "1", "k=hunter2"]);
    let report = serde_json::to_value(world.model.report(&unit("web/0")).unwrap()).unwrap();
    assert!(!report.to_string().contains("hunter2"));
    let relation = &report["relations"][1];
    assert_eq!((&relation["endpoint"], &relation["id"]), (&"db".into(), &1.into()));
    assert_eq!((&relation["remote-app"], &relation["state"]), (&"pg".into(), &"joined".into()));
    assert_eq!(relation["interface"], "sql");
    assert_eq!(relation["units"], serde_json::json!(["pg/0", "pg/1"]));
    assert_eq!(relation["remote-app-keys"], serde_json::json!(["password"]));
    assert_eq!(relation["unit-keys"][2], "k");
    world.model.remove_relation("web", "pg").unwrap();
    let report = world.model.report(&unit("web/0")).unwrap();
    assert_eq!(report.relations[1].state, "dying");
}

#[test]
fn two_charms_may_be_related_by_several_endpoints() {
    let mut world = World::new(1);
    let more = "name: x\nsummary: s\ndescription: d\n\
                requires: {db: {interface: sql}, replica: {interface: sql}}";
    world.model.deploy("x", Deployment::charm(meta(more))).unwrap();
    world.model.deploy("pg", Deployment::charm(meta(PG))).unwrap();
    let error = world.model.integrate("x", "pg").unwrap_err().to_string();
    assert!(error.contains("\"x:db pg:server\"; \"x:replica pg:server\""), "{error}");
    world.model.integrate("x:db", "pg").unwrap();
    world.model.integrate("x:replica", "pg").unwrap();
    world.settle();
    let error = world.model.remove_relation("x", "pg").unwrap_err().to_string();
    assert!(error.contains("ambiguous relation: \"x pg\" could refer to"), "{error}");
    world.model.remove_relation("x:replica", "pg:server").unwrap();
    assert_eq!(world.run("x/0"), ["replica-relation-departed pg/0", "replica-relation-broken"]);
}

//! Units on which no charm runs, and applications whose endpoints grow.

use super::*;

#[test]
fn a_played_peer_takes_part_and_the_operator_writes_its_databag() {
    let mut world = World::new(1);
    world.settle();
    let peer = world.model.add_played_unit("web").unwrap();
    assert_eq!(world.run("web/0"), ["ring-relation-joined web/1", "ring-relation-changed web/1"]);
    world.model.set_remote_unit_data(0, &peer, [("role", "standby")]).unwrap();
    world.begin_hook("web/0", "ring-relation-changed web/1");
    assert_eq!(world.out("web/0", &["relation-get", "role"]), "standby\n");
    world.finish("web/0", HookExit::Code(0));
    let refused = world.model.set_remote_unit_data(0, &unit("web/0"), [("k", "v")]).unwrap_err();
    assert!(refused.to_string().contains("a charm acts for it"), "{refused}");
    world.model.remove_unit(&peer).unwrap();
    assert_eq!(world.run("web/0"), ["ring-relation-departed web/1"]);
}

#[test]
fn the_databag_of_an_application_is_written_for_a_leader_without_a_charm() {
    let mut world = World::new(1);
    world.settle();
    let refused = world.model.set_remote_app_data(0, "web", [("k", "v")]).unwrap_err();
    assert!(refused.to_string().contains("a charm acts for it"), "{refused}");
    let peer = world.model.add_played_unit("web").unwrap();
    world.model.set_leader(&peer).unwrap();
    world.settle();
    world.model.set_remote_app_data(0, "web", [("k", "v")]).unwrap();
    assert_eq!(world.run("web/0"), ["ring-relation-changed"]);
}

#[test]
fn an_application_without_a_charm_gets_a_further_endpoint() {
    let mut world = World::related(1, 1);
    let cache = || EndpointMeta::new("cache", EndpointRole::Provider, "redis");
    for _ in 0..2 {
        world.model.add_endpoint("pg", cache()).unwrap();
    }
    world.model.integrate("web:cache", "pg").unwrap();
    assert_eq!(
        world.run("web/0"),
        ["cache-relation-created", "cache-relation-joined pg/0", "cache-relation-changed pg/0"]
    );
    let other = EndpointMeta::new("cache", EndpointRole::Requirer, "redis");
    let refused = world.model.add_endpoint("pg", other).unwrap_err();
    assert!(refused.to_string().contains("another one of this name"), "{refused}");
    assert!(world.model.add_endpoint("web", cache()).is_err(), "its charm declares them");
}

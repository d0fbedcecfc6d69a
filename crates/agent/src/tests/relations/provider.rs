//! Tests of providers that play an application without a charm.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{EndpointMeta, EndpointRole, HookExit, World, unit};
use crate::{Deployment, ErrorKind, Played, Provider};

/// Answers the name of a database with a user and an endpoint.
#[derive(Debug, Default)]
struct Database {
    asked: Arc<AtomicU32>,
}

impl Provider for Database {
    fn changed(&mut self, remote: &mut Played<'_>) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        for relation in remote.relations() {
            let id = relation.id();
            let Some(name) = remote.remote_app_data(id).get("database").cloned() else { continue };
            let user = format!("{name}_{}_{}", relation.endpoint(), relation.remote_app());
            remote.set_app_data(id, [("username", user.as_str())]);
            for unit in remote.units(id) {
                remote.set_unit_data(id, &unit, [("endpoint", "10.0.0.9:5432")]);
            }
        }
    }
}

#[test]
fn a_provider_answers_what_a_charm_writes() {
    let mut world = World::related(1, 1);
    world.model.play("pg", Database::default()).unwrap();
    world.write("web/0", &["relation-set", "-r", "1", "--app", "database=shop"]);
    assert_eq!(world.run("web/0"), ["db-relation-changed", "db-relation-changed pg/0"]);
    world.begin_config_changed("web/0");
    assert_eq!(
        world.out("web/0", &["relation-get", "-r", "1", "--app", "username", "pg"]),
        "shop_server_web\n"
    );
    assert_eq!(
        world.out("web/0", &["relation-get", "-r", "1", "endpoint", "pg/0"]),
        "10.0.0.9:5432\n"
    );
}

#[test]
fn a_provider_is_asked_only_when_something_that_it_sees_has_changed() {
    let mut world = World::related(2, 1);
    let asked = Arc::new(AtomicU32::new(0));
    world.model.play("pg", Database { asked: Arc::clone(&asked) }).unwrap();
    let expect = |world: &mut World, count: u32, what: &str| {
        world.settle();
        assert_eq!(asked.swap(0, Ordering::SeqCst), count, "{what}");
    };
    expect(&mut world, 1, "when it was appointed");
    world.write("web/0", &["relation-set", "-r", "0", "k=v"]);
    expect(&mut world, 0, "another relation");
    world.write("web/0", &["relation-set", "-r", "1", "k=v"]);
    expect(&mut world, 1, "a databag");
    world.write("web/0", &["relation-set", "-r", "1", "k=v"]);
    expect(&mut world, 0, "the same value again");
    world.model.add_unit("pg").unwrap();
    expect(&mut world, 1, "an own unit");
    world.model.add_unit("web").unwrap();
    expect(&mut world, 1, "a remote unit");
    world.begin_config_changed("web/0");
    world.out("web/0", &["relation-set", "-r", "1", "k=w"]);
    world.finish("web/0", HookExit::Code(1));
    assert_eq!(asked.load(Ordering::SeqCst), 0, "a hook that failed");
    world.model.remove_relation("web", "pg").unwrap();
    assert_eq!(asked.swap(0, Ordering::SeqCst), 1, "the end of a relation");
}

/// Writes a new value whenever it is asked.
#[derive(Debug, Default)]
struct Restless(u32);

impl Provider for Restless {
    fn changed(&mut self, remote: &mut Played<'_>) {
        self.0 += 1;
        for relation in remote.relations() {
            let count = self.0.to_string();
            remote.set_app_data(relation.id(), [("count", count.as_str())]);
        }
    }
}

#[test]
fn two_providers_that_answer_each_other_come_to_an_end() {
    let mut world = World::new(1);
    world.add_remote("pg", 1);
    let client = EndpointMeta::new("db", EndpointRole::Requirer, "sql");
    world.model.deploy("app", Deployment::remote([client])).unwrap();
    world.model.play("pg", Restless::default()).unwrap();
    world.model.play("app", Restless::default()).unwrap();
    world.model.integrate("app", "pg").unwrap();
    assert_ne!(world.app_data(1, "pg")["count"], "1", "they were asked more than once");
}

#[test]
fn a_provider_writes_only_the_databags_of_its_own_application() {
    #[derive(Debug)]
    struct Intruder;
    impl Provider for Intruder {
        fn changed(&mut self, remote: &mut Played<'_>) {
            for unit in remote.remote_units(1) {
                remote.set_unit_data(1, &unit, [("k", "v")]);
            }
            remote.set_app_data(0, [("k", "v")]);
        }
    }
    let mut world = World::related(1, 1);
    world.model.play("pg", Intruder).unwrap();
    assert!(!world.unit_data(1, "web/0").contains_key("k"));
    assert!(world.app_data(0, "web").is_empty());
}

#[test]
fn only_an_application_without_a_charm_is_played() {
    let mut world = World::new(1);
    let error = world.model.play("web", Database::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::State);
    assert!(error.to_string().starts_with("cannot play application \"web\""), "{error}");
    let error = world.model.play("nope", Database::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(world.model.report(&unit("web/0")).is_ok());
}

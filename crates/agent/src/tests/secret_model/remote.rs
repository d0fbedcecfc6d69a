//! The secrets of an application without a charm, which the operator makes and grants.

use super::super::super::{EndpointMeta, EndpointRole, ErrorKind, RelationNumber, SecretId};
use super::*;

/// Makes a model in which `web:db` is related to `db`, which has no charm and a secret.
fn related() -> (World, RelationNumber, SecretId) {
    let mut world = World::new();
    let server = EndpointMeta::new("server", EndpointRole::Provider, "sql");
    world.model.deploy("db", Deployment::remote([server])).unwrap();
    let relation = world.model.integrate("web:db", "db").unwrap();
    world.settle();
    let secret = world.model.set_remote_secret("db", "user", &[("username", "app")]).unwrap();
    (world, relation, secret)
}

/// Returns what a unit reads, or the error.
fn read(world: &mut World, unit: &str, secret: &SecretId) -> String {
    world.begin_hook(unit);
    let answer = world.call(unit, &["secret-get", secret.as_str(), "username", "--refresh"]);
    world.finish(unit, 0);
    world.settle();
    text(if answer.code == 0 { &answer.stdout } else { &answer.stderr }).trim().to_owned()
}

const DENIED: &str = "ERROR permission denied";

#[test]
fn it_is_readable_by_the_other_application_while_it_is_granted() {
    let (mut world, relation, secret) = related();
    assert_eq!(read(&mut world, "web/0", &secret), DENIED);
    world.model.grant_remote_secret("db", &secret, relation).unwrap();
    assert_eq!(read(&mut world, "web/1", &secret), "app");
    assert_eq!(read(&mut world, "pg/0", &secret), DENIED);
    world.model.revoke_remote_secret("db", &secret, "web").unwrap();
    assert_eq!(read(&mut world, "web/1", &secret), DENIED);
    world.model.grant_remote_secret("db", &secret, relation).unwrap();
    world.model.remove_relation_number(relation).unwrap();
    world.settle();
    assert_eq!(read(&mut world, "web/1", &secret), DENIED);
}

#[test]
fn another_content_is_a_revision_of_which_the_observers_are_told() {
    let (mut world, relation, secret) = related();
    world.model.grant_remote_secret("db", &secret, relation).unwrap();
    assert_eq!(read(&mut world, "web/0", &secret), "app");
    let report = |world: &World| world.model.secret_report(&name("web/0"), &secret).unwrap();
    for (content, revision) in [("app", 1), ("later", 2)] {
        let same = world.model.set_remote_secret("db", "user", &[("username", content)]).unwrap();
        assert_eq!(same, secret);
        assert_eq!((report(&world).revision, report(&world).owner.as_str()), (revision, "db"));
    }
    assert_eq!(world.settled(), ["web/0 secret-changed 2"]);
    assert_eq!(read(&mut world, "web/0", &secret), "later");
    world.model.remove_remote_secret("db", &secret).unwrap();
    assert!(world.model.secret_report(&name("web/0"), &secret).is_none());
}

#[test]
fn what_juju_refuses_is_refused() {
    let (mut world, relation, secret) = related();
    let set = |world: &mut World, application: &str, key: &str| {
        let set = world.model.set_remote_secret(application, "x", &[(key, "PLANTED")]);
        let error = set.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("PLANTED"), "{error:?}");
        error.kind()
    };
    assert_eq!(set(&mut world, "db", "KEY"), ErrorKind::Secret);
    assert_eq!(set(&mut world, "nobody", "key"), ErrorKind::NotFound);
    assert_eq!(set(&mut world, "web", "key"), ErrorKind::State);
    let empty = world.model.set_remote_secret("db", "x", &[]).unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::Secret);
    let grant = world.model.grant_remote_secret("db", &secret, relation.get() + 1).unwrap_err();
    assert_eq!(grant.kind(), ErrorKind::Relation);
    world.model.remove_remote_secret("db", &secret).unwrap();
    let grant = world.model.grant_remote_secret("db", &secret, relation).unwrap_err();
    assert_eq!(grant.kind(), ErrorKind::Secret);
}

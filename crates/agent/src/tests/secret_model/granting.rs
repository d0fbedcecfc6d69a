//! Tests of `secret-grant` and `secret-revoke`, and of what a grant allows. The numbers are
//! sections of reference `juju-agent-measured.md`.

use super::super::super::{EndpointMeta, EndpointRole, Played, Provider};
use super::*;

const DENIED: &str = "permission denied";

/// Returns the error of a unit that reads a secret, or `None` if it may.
fn refusal(world: &mut World, unit: &str, uri: &str) -> Option<String> {
    world.begin_hook(unit);
    let answer = world.call(unit, &["secret-get", uri]);
    world.finish(unit, 0);
    let error = text(&answer.stderr);
    (answer.code != 0).then(|| error.trim_start_matches("ERROR ").trim_end().to_owned())
}

/// Runs the next hook of a unit that has this name, and leaves it running.
fn begin_relation_hook(world: &mut World, unit: &str, hook: &str) {
    loop {
        if world.begin(unit).name() == hook {
            return;
        }
        world.finish(unit, 0);
    }
}

#[test]
fn a_granted_secret_is_read_by_every_unit_of_the_other_application() {
    let (mut world, relation) = World::related();
    let uri = world.add("web/0", &["abc=1"]);
    assert_eq!(refusal(&mut world, "pg/0", &uri), Some(DENIED.to_owned()));
    world.hook("web/0", &[&["secret-grant", &uri, "-r", &relation]]);
    assert_eq!(refusal(&mut world, "pg/0", &uri), None);
    world.model.add_unit("pg").unwrap();
    world.settle();
    assert_eq!(refusal(&mut world, "pg/1", &uri), None);
    // A revoke of the relation is one of its application.
    world.settle();
    world.hook("web/0", &[&["secret-revoke", &uri, "-r", &format!("db:{relation}")]]);
    assert_eq!(refusal(&mut world, "pg/0", &uri), Some(DENIED.to_owned()));
}

#[test]
fn a_secret_is_added_and_granted_in_one_hook() {
    let (mut world, relation) = World::related();
    world.begin_hook("web/0");
    let uri = world.print("web/0", &["secret-add", "abc=1"]);
    world.print("web/0", &["secret-grant", &uri, "-r", &relation]);
    world.print("web/0", &["relation-set", "-r", &relation, "--app", &format!("secret={uri}")]);
    world.finish("web/0", 0);
    begin_relation_hook(&mut world, "pg/0", "server-relation-changed");
    let read = world.print("pg/0", &["relation-get", "secret"]);
    assert_eq!(read, uri);
    assert_eq!(world.print("pg/0", &["secret-get", &read, "--label=db"]), "abc: \"1\"");
    world.finish("pg/0", 0);
    assert_eq!(world.get("pg/0", &["--label=db"]), "{\"abc\":\"1\"}");
}

#[test]
fn the_owner_sees_its_stored_grants() {
    let (mut world, relation) = World::related();
    let uri = world.add("web/0", &["abc=1"]);
    let info = ["secret-info-get", &uri];
    world.begin_hook("web/0");
    world.print("web/0", &["secret-grant", &uri, "-r", &relation]);
    // 3.5: pending grants are not shown.
    assert!(!world.print("web/0", &info).contains("access"));
    world.finish("web/0", 0);
    let shown = world.hook("web/0", &[&info]).remove(0);
    assert!(
        shown.ends_with(
            "\n  access:\n  - target: application-pg\n    scope: relation-web.db#pg.server\n    \
             role: view"
        ),
        "{shown}"
    );
}

#[test]
fn the_last_grant_on_a_relation_counts() {
    let (mut world, relation) = World::related();
    world.model.add_unit("pg").unwrap();
    world.settle();
    let uri = world.add("web/0", &["abc=1"]);
    // 3.7
    let unit_grant = ["secret-grant", &uri, "-r", &relation, "--unit", "pg/0"];
    world.hook("web/0", &[&["secret-grant", &uri, "-r", &relation], &unit_grant]);
    assert_eq!(refusal(&mut world, "pg/0", &uri), None);
    assert_eq!(refusal(&mut world, "pg/1", &uri), Some(DENIED.to_owned()));
    world.begin_hook("web/0");
    let (code, error) = world.error("web/0", &["secret-grant", &uri, "-r", &relation]);
    assert!(code == 1 && error.starts_with("any unit level grants need to be revoked"), "{error}");
    world.print("web/0", &["secret-revoke", &uri, "--unit=pg/0"]);
    world.finish("web/0", 0);
    world.hook("web/0", &[&["secret-grant", &uri, "-r", &relation]]);
    // A grant that is there already is not repeated, and neither is one to a unit of it.
    world.hook("web/0", &[&unit_grant, &["secret-grant", &uri, "-r", &relation, "--unit="]]);
    assert_eq!(refusal(&mut world, "pg/1", &uri), None);
}

#[test]
fn wrong_grants_and_revokes_are_refused_in_jujus_words() {
    const GONE: &str = "9m4e2mr0ui3e8a215n4g";
    let (mut world, relation) = World::related();
    let uri = world.add("web/0", &["abc=1"]);
    let foreign = world.add("pg/0", &["abc=1"]);
    world.begin_hook("web/0");
    let missing = |uri: &str| format!("secret \"{}\" not found", uri.trim_start_matches("secret:"));
    // 3.7
    for (call, code, error) in [
        (&["secret-grant", &uri][..], 2, "no relation id specified".to_owned()),
        (
            &["secret-grant", &uri, "-r", "99"],
            2,
            "invalid value \"99\" for option -r: relation not found".to_owned(),
        ),
        (
            &["secret-grant", &uri, "-r", &relation, "--unit=zz/0"],
            2,
            "cannot specify unit \"zz/0\" in relation to application \"pg\"".to_owned(),
        ),
        (
            &["secret-grant", &uri, "-r", &relation, "--unit=bad"],
            2,
            "unit \"bad\" not valid".to_owned(),
        ),
        (&["secret-grant", &uri, "-r", &relation, "x"], 2, "unrecognized args: [\"x\"]".to_owned()),
        (&["secret-grant", GONE, "-r", &relation], 1, missing(GONE)),
        (&["secret-grant", &foreign, "-r", &relation], 1, missing(&foreign)),
        (&["secret-revoke", &uri], 2, "missing relation or application or unit".to_owned()),
        (
            &["secret-revoke", &uri, "-r", &relation, "--app=pg"],
            2,
            "do not specify both relation and app".to_owned(),
        ),
        (
            &["secret-revoke", &uri, "--app=pg", "--unit=pg/0"],
            2,
            "specify only one of application or unit".to_owned(),
        ),
    ] {
        assert_eq!(world.error("web/0", call), (code, error), "{call:?}");
    }
}

#[test]
fn the_relation_of_the_hook_is_the_default() {
    let (mut world, relation) = World::related();
    let uri = world.add("web/0", &["abc=1"]);
    world.hook("pg/0", &[&["relation-set", "-r", &relation, "x=1"]]);
    begin_relation_hook(&mut world, "web/0", "db-relation-changed");
    world.print("web/0", &["secret-grant", &uri]);
    // 3.7: in a relation hook `--app` is refused.
    let error = (2, "do not specify both relation and app".to_owned());
    assert_eq!(world.error("web/0", &["secret-revoke", &uri, "--app=pg"]), error);
    world.finish("web/0", 0);
    world.settle();
    assert_eq!(refusal(&mut world, "pg/0", &uri), None);
    world.hook("pg/0", &[&["relation-set", "-r", &relation, "x=2"]]);
    begin_relation_hook(&mut world, "web/0", "db-relation-changed");
    world.print("web/0", &["secret-revoke", &uri]);
    world.finish("web/0", 0);
    world.settle();
    assert_eq!(refusal(&mut world, "pg/0", &uri), Some(DENIED.to_owned()));
}

#[test]
fn a_grant_and_a_revoke_in_one_hook_leave_no_grant() {
    let (mut world, relation) = World::related();
    let uri = world.add("web/0", &["abc=1"]);
    // 3.7: both are sent, and the controller grants first.
    world.hook(
        "web/0",
        &[&["secret-revoke", &uri, "--app=pg"], &["secret-grant", &uri, "-r", &relation]],
    );
    assert_eq!(refusal(&mut world, "pg/0", &uri), Some(DENIED.to_owned()));
}

#[test]
fn a_grant_ends_with_its_relation() {
    let (mut world, relation) = World::related();
    let uri = world.add("web/0", &["abc=1"]);
    world.hook("web/0", &[&["secret-grant", &uri, "-r", &relation]]);
    assert_eq!(refusal(&mut world, "pg/0", &uri), None);
    world.model.remove_relation("web:db", "pg:server").unwrap();
    world.settle();
    assert_eq!(refusal(&mut world, "pg/0", &uri), Some(DENIED.to_owned()));
    // A new relation of the same applications does not bring it back, and may have it granted.
    let relation = world.model.integrate("web:db", "pg:server").unwrap().to_string();
    world.settle();
    assert_eq!(refusal(&mut world, "pg/0", &uri), Some(DENIED.to_owned()));
    world.hook("web/0", &[&["secret-grant", &uri, "-r", &relation]]);
    assert_eq!(refusal(&mut world, "pg/0", &uri), None);
}

#[test]
fn a_unit_shares_its_own_secret_with_its_peers() {
    let mut world = World::new();
    let uri = world.add("web/1", &["abc=1", "--owner=unit"]);
    assert_eq!(refusal(&mut world, "web/0", &uri), Some(DENIED.to_owned()));
    // 3.7: on a peer relation the subject is the own application.
    let ids = world.hook("web/1", &[&["relation-ids", "ring"]]).remove(0);
    world.hook("web/1", &[&["secret-grant", &uri, "-r", &ids]]);
    assert_eq!(refusal(&mut world, "web/0", &uri), None);
    // The application's own secret needs no grant, and the controller refuses one.
    let shared = world.add("web/0", &["abc=1"]);
    let refused = world.refused_hook("web/0", &[&["secret-grant", &shared, "-r", &ids]]);
    assert!(refused.ends_with("cannot change secret permission scope"), "{refused}");
}

#[test]
fn a_grant_whose_relation_ends_meanwhile_is_refused_at_the_commit() {
    let (mut world, relation) = World::related();
    let uri = world.add("web/0", &["abc=1"]);
    world.begin_hook("web/0");
    world.print("web/0", &["secret-grant", &uri, "-r", &relation]);
    world.model.remove_relation("web:db", "pg:server").unwrap();
    assert_eq!(
        world.finish("web/0", 0).error().unwrap(),
        format!(
            "granting secrets access: cannot change access to \"{uri}\" for \"application-pg\": \
             cannot grant access to secret in scope of \"relation-web.db#pg.server\" which is not \
             alive"
        )
    );
}

#[test]
fn an_observer_follows_the_owner_and_the_owner_the_observer() {
    let (mut world, relation) = World::related();
    let uri = world.add("web/0", &["abc=1"]);
    world.hook("web/0", &[&["secret-grant", &uri, "-r", &relation]]);
    world.get("pg/0", &[&uri, "--label=db"]);
    for value in ["abc=2", "abc=3"] {
        world.hook("web/0", &[&["secret-set", &uri, value]]);
        if value == "abc=2" {
            // Revision 2 was never read.
            assert_eq!(world.settled(), ["pg/0 secret-changed 2"]);
        }
    }
    assert_eq!(world.settled(), ["pg/0 secret-changed 3", "web/0 secret-remove 2"]);
    assert_eq!(world.get("pg/0", &["--label=db", "--refresh"]), "{\"abc\":\"3\"}");
    assert_eq!(world.settled(), ["web/0 secret-remove 1"]);
}

/// A database that answers the name of a database with a user in a secret.
#[derive(Debug)]
struct Database;

impl Provider for Database {
    fn changed(&mut self, remote: &mut Played<'_>) {
        for relation in remote.relations() {
            let id = relation.id();
            let Some(name) = remote.remote_app_data(id).remove("database") else { continue };
            let label = format!("user-{id}");
            let content = [("username", name.as_str()), ("password", "s3cret")];
            let secret = remote.set_secret(&label, &content).unwrap();
            remote.grant_secret(&secret, id).unwrap();
            remote.set_app_data(id, [("secret-user", secret.as_str())]);
        }
    }
}

#[test]
fn a_played_provider_answers_with_a_secret() {
    let mut world = World::new();
    let server = EndpointMeta::new("server", EndpointRole::Provider, "sql");
    world.model.deploy("db", Deployment::remote([server])).unwrap();
    world.model.play("db", Database).unwrap();
    let relation = world.model.integrate("web:db", "db").unwrap().to_string();
    world.settle();
    let ask = |world: &mut World, name: &str| {
        let database = format!("database={name}");
        world.hook("web/0", &[&["relation-set", "-r", &relation, "--app", &database]]);
    };
    ask(&mut world, "shop");
    begin_relation_hook(&mut world, "web/0", "db-relation-changed");
    let uri = world.print("web/0", &["relation-get", "secret-user"]);
    let read = world.print("web/0", &["secret-get", &uri, "username"]);
    assert_eq!(read, "shop");
    world.finish("web/0", 0);
    world.settle();
    assert_eq!(refusal(&mut world, "pg/0", &uri), Some(DENIED.to_owned()));
    ask(&mut world, "store");
    assert_eq!(world.settled(), ["web/0 secret-changed 2"]);
    assert_eq!(world.get("web/0", &[&uri, "username", "--refresh"]), "\"store\"");
    world.model.remove_relation("web:db", "db").unwrap();
    world.settle();
    assert_eq!(refusal(&mut world, "web/0", &uri), Some(DENIED.to_owned()));
}

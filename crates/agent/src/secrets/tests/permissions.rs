//! Tests of who may read a secret, by which label, and which revision.

use super::*;

const DENIED: &str = "permission denied";

#[test]
fn an_application_and_its_units_read_their_own_secrets() {
    let mut store = Store::new();
    let shared = store.add_for_web("a");
    let own = store.add("web/1", unit("web/1"), with_content("b"));
    assert_eq!(store.get("web/0", &shared), Ok(content("a")));
    assert_eq!(store.get("web/1", &shared), Ok(content("a")));
    assert_eq!(store.get("web/1", &own), Ok(content("b")));
    assert_eq!(store.get("web/0", &own), Err(DENIED.to_owned()), "not even the leader reads it");
    assert_eq!(store.get("pg/0", &shared), Err(DENIED.to_owned()));
}

#[test]
fn a_grant_to_an_application_includes_its_units_and_one_to_a_unit_does_not() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.grant(&id, unit("pg/0"), relation(1)).unwrap();
    assert_eq!(store.get("pg/0", &id), Ok(content("a")));
    assert_eq!(store.get("pg/1", &id), Err(DENIED.to_owned()));
    store.grant(&id, application("mq"), relation(2)).unwrap();
    assert_eq!(store.get("mq/7", &id), Ok(content("a")));
    assert_eq!(store.get("mq2/0", &id), Err(DENIED.to_owned()));
}

#[test]
fn a_revoke_and_the_end_of_the_relation_end_a_grant() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.grant(&id, application("pg"), relation(1)).unwrap();
    store.commit("web/0", |pending| pending.revoke(&id, application("pg"))).unwrap();
    assert_eq!(store.get("pg/0", &id), Err(DENIED.to_owned()));
    store.grant(&id, application("pg"), relation(1)).unwrap();
    assert_eq!(store.get("pg/0", &id), Ok(content("a")));
    store.secrets.keep_grants_of(|id| id != 2);
    assert_eq!(store.get("pg/0", &id), Ok(content("a")));
    store.secrets.keep_grants_of(|id| id != 1);
    assert_eq!(store.get("pg/0", &id), Err(DENIED.to_owned()));
    assert_eq!(store.get("web/0", &id), Ok(content("a")), "the owner needs no relation");
}

#[test]
fn a_unit_keeps_its_revision_until_it_refreshes() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.grant(&id, application("pg"), relation(1)).unwrap();
    assert_eq!(store.get("pg/0", &id), Ok(content("a")));
    store.set("web/0", &id, with_content("b")).unwrap();
    assert_eq!(store.get("pg/0", &id), Ok(content("a")));
    assert_eq!(store.read("pg/0", &id, ReadMode::Peek), Ok(content("b")));
    assert_eq!(store.get("pg/0", &id), Ok(content("a")));
    assert_eq!(store.read("pg/0", &id, ReadMode::Refresh), Ok(content("b")));
    assert_eq!(store.get("pg/0", &id), Ok(content("b")));
    // The first read of another unit is of the latest revision, even with --peek.
    assert_eq!(store.read("pg/1", &id, ReadMode::Peek), Ok(content("b")));
    store.set("web/0", &id, with_content("c")).unwrap();
    assert_eq!(store.get("pg/1", &id), Ok(content("b")));
}

#[test]
fn a_removed_revision_and_a_removed_secret_are_not_found() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.get("web/1", &id).unwrap();
    store.set("web/0", &id, with_content("b")).unwrap();
    store.commit("web/0", |pending| pending.remove(&id, Some(1))).unwrap();
    assert_eq!(
        store.get("web/1", &id),
        Err(format!("secret revision \"{id}/1\" not found")),
        "the revision that it tracks is gone"
    );
    assert_eq!(store.read("web/1", &id, ReadMode::Refresh), Ok(content("b")));
    store.commit("web/0", |pending| pending.remove(&id, None)).unwrap();
    assert_eq!(store.get("web/1", &id), Err(format!("secret \"secret:{id}\" not found")));
}

#[test]
fn a_secret_goes_with_its_last_revision() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.commit("web/0", |pending| pending.remove(&id, Some(7))).unwrap();
    assert!(store.secrets.get(&id).is_some(), "there is no such revision");
    store.commit("web/0", |pending| pending.remove(&id, Some(1))).unwrap();
    assert!(store.secrets.get(&id).is_none());
}

#[test]
fn an_owners_label_is_for_every_unit_of_the_application() {
    let mut store = Store::new();
    let id = store.add("web/0", application("web"), labelled("admin", "a"));
    for name in ["web/0", "web/1"] {
        assert_eq!(store.by_label(name, "admin"), Ok(content("a")), "{name}");
    }
    assert_eq!(
        store.by_label("pg/0", "admin"),
        Err("consumer label \"admin\" not found".to_owned())
    );
    // Only the leader changes it, and a unit that is not the leader has no label of its own.
    assert_eq!(store.name("web/1", &id, "mine"), Ok(content("a")));
    assert!(store.by_label("web/1", "mine").is_err());
    assert_eq!(store.name("web/0", &id, "renamed"), Ok(content("a")));
    assert_eq!(store.by_label("web/1", "renamed"), Ok(content("a")));
    assert!(store.by_label("web/1", "admin").is_err());
}

#[test]
fn an_observer_has_a_label_of_its_own() {
    let mut store = Store::new();
    let id = store.add("web/0", application("web"), labelled("admin", "a"));
    store.grant(&id, application("pg"), relation(1)).unwrap();
    assert_eq!(store.name("pg/0", &id, "db"), Ok(content("a")));
    assert_eq!(store.by_label("pg/0", "db"), Ok(content("a")));
    assert!(store.by_label("pg/1", "db").is_err(), "a label is of one unit");
    assert!(store.by_label("pg/0", "admin").is_err());
    assert_eq!(store.name("pg/0", &id, "db2"), Ok(content("a")));
    assert!(store.by_label("pg/0", "db").is_err());
}

#[test]
fn a_label_that_is_in_use_is_refused_at_once() {
    let mut store = Store::new();
    let first = store.add("web/0", application("web"), labelled("admin", "a"));
    let second = store.add("web/0", application("web"), labelled("other", "b"));
    for id in [&first, &second] {
        store.grant(id, application("pg"), relation(1)).unwrap();
    }
    store.add("pg/0", application("pg"), labelled("shared", "c"));
    store.add("pg/0", unit("pg/0"), labelled("own", "d"));
    store.name("pg/0", &first, "db").unwrap();
    let refused = |label: &str, whose: &str| {
        Err(format!(
            "getting latest secret revision: secret label {label:?} for {whose} already exists"
        ))
    };
    assert_eq!(store.name("pg/0", &second, "db"), refused("db", "consumer \"unit-pg-0\""));
    assert_eq!(store.name("pg/0", &second, "own"), refused("own", "owner \"unit-pg-0\""));
    assert_eq!(store.name("pg/0", &second, "shared"), refused("shared", "application \"pg\""));
    assert_eq!(store.name("pg/1", &second, "db"), Ok(content("b")));
    assert_eq!(
        store.name("web/0", &second, "admin"),
        Err("secret label \"admin\" for owner \"application-web\" already exists".to_owned())
    );
}

#[test]
fn a_secret_of_another_model_is_not_found() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    let other = format!("secret://00000000-7c1e-4d6b-8a53-1c0d7b1e9a10/{id}");
    assert_eq!(store.get("web/0", &other), Err(format!("secret \"{other}\" not found")));
    assert_eq!(store.get("web/0", &format!("secret://{MODEL}/{id}")), Ok(content("a")));
}

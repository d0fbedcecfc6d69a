//! Tests of the pending writes of a hook, and of their commit.

use charmwright_juju::SecretRotation;

use super::*;

#[test]
fn pending_writes_merge_and_a_removal_drops_them() {
    let mut pending = PendingSecrets::default();
    pending.add("new".into(), application("web"), labelled("l", "a")).unwrap();
    assert_eq!(
        pending.add("newer".into(), application("web"), labelled("l", "b")),
        Err("secret with label \"l\" already exists".to_owned())
    );
    pending.update("new", with_content("c"), None);
    assert_eq!(pending.read(Some("new"), "", ReadMode::Tracked), Some(content("c")));
    assert_eq!(pending.read(None, "l", ReadMode::Tracked), Some(content("c")));
    assert_eq!(pending.read(Some("new"), "renamed", ReadMode::Tracked), Some(content("c")));
    assert_eq!(pending.id_of_label("renamed"), Some("new"));
    pending.remove("new", None);
    assert_eq!(pending.read(Some("new"), "", ReadMode::Tracked), None);
    assert!(!pending.is_empty(), "the removal itself is sent");
    pending.update("new", with_content("d"), None);
    assert_eq!(pending.removals.len(), 0, "an update takes the removal back");
}

#[test]
fn a_pending_content_is_read_with_peek_and_refresh_only() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.get("web/0", &id).unwrap();
    let owned = store.secrets.owned_by("web/0", true);
    let mut pending = PendingSecrets::default();
    pending.update(&id, with_content("b"), owned.get(&id));
    assert_eq!(pending.read(Some(&id), "", ReadMode::Tracked), None);
    assert_eq!(pending.read(Some(&id), "", ReadMode::Peek), Some(content("b")));
    assert!(pending.tracked.is_empty());
    assert_eq!(pending.read(Some(&id), "", ReadMode::Refresh), Some(content("b")));
    let committer =
        Committer { unit: "web/0", is_leader: true, now: store.now, check_grant: &|_, _| Ok(()) };
    store.secrets = store.secrets.committed(&pending, &committer).unwrap();
    assert_eq!(store.get("web/0", &id), Ok(content("b")), "the refresh is committed too");
    assert!(store.due("web/0").is_ok_and(|due| due.event == SecretEvent::Remove { revision: 1 }));
}

#[test]
fn an_equal_content_makes_no_revision() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.set("web/0", &id, with_content("a")).unwrap();
    assert_eq!(store.latest(&id), 1);
    store.set("web/0", &id, with_content("b")).unwrap();
    assert_eq!(store.latest(&id), 2);
    // The checksum stays with the secret when the revision is removed.
    store.commit("web/0", |pending| pending.remove(&id, Some(2))).unwrap();
    store.set("web/0", &id, with_content("b")).unwrap();
    assert_eq!(store.latest(&id), 2);
}

#[test]
fn a_refused_commit_changes_nothing() {
    let mut store = Store::new();
    let first = store.add("web/0", application("web"), labelled("taken", "a"));
    let id = store.secrets.new_id();
    let refused = store.commit("web/0", |pending| {
        pending.update(&first, with_content("b"), None);
        pending.add(id.clone(), application("web"), labelled("taken", "c")).unwrap();
    });
    let text = "creating secrets: secret with label \"taken\" already exists";
    assert_eq!(refused, Err(text.to_owned()));
    assert_eq!(store.latest(&first), 1);
    assert!(store.secrets.get(&id).is_none());
}

#[test]
fn labels_are_unique_within_an_application() {
    let mut store = Store::new();
    store.add("web/0", application("web"), labelled("shared", "a"));
    store.add("web/1", unit("web/1"), labelled("own", "b"));
    let exists = |label: &str| Err(format!("secret with label {label:?} already exists"));
    let mut add = |name: &str, owner: Party, label: &str| {
        let id = store.secrets.new_id();
        let changes = labelled(label, "c");
        let refused = store.commit(name, |pending| pending.add(id, owner, changes).unwrap());
        refused.map_err(|text| text.trim_start_matches("creating secrets: ").to_owned())
    };
    assert_eq!(add("web/0", application("web"), "own"), exists("own"));
    assert_eq!(add("web/0", unit("web/0"), "shared"), exists("shared"));
    assert_eq!(add("web/1", unit("web/1"), "own"), exists("own"));
    assert_eq!(add("web/0", unit("web/0"), "own"), Ok(()), "two units share no label");
    assert_eq!(add("pg/0", application("pg"), "shared"), Ok(()));
    let id = store.add_for_web("d");
    assert_eq!(
        store.set("web/0", &id, labelled("shared", "e")),
        Err("updating secrets: secret with label \"shared\" already exists".to_owned())
    );
    assert_eq!(store.latest(&id), 1);
}

#[test]
fn the_application_s_secrets_need_the_leader_at_the_commit() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    let lost = |what: &str| Err(format!("{what}: \"web/1\" is not leader of \"web\""));
    let new = store.secrets.new_id();
    let added = store.commit("web/1", |pending| {
        pending.add(new, application("web"), with_content("b")).unwrap();
    });
    assert_eq!(added, lost("creating secrets"));
    assert_eq!(store.set("web/1", &id, with_content("b")), lost("updating secrets"));
    let revoked = store.commit("web/1", |pending| pending.revoke(&id, application("pg")));
    assert_eq!(revoked, lost("revoking secrets access"));
    let removed = store.commit("web/1", |pending| pending.remove(&id, None));
    assert_eq!(removed, lost("removing secrets"));
}

#[test]
fn a_foreign_secret_is_refused_at_the_commit() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.grant(&id, application("pg"), relation(1)).unwrap();
    let denied = |what: &str| Err(format!("{what}: permission denied"));
    assert_eq!(store.set("pg/0", &id, with_content("b")), denied("updating secrets"));
    let revoked = store.commit("pg/0", |pending| pending.revoke(&id, application("pg")));
    assert_eq!(revoked, denied("revoking secrets access"));
    assert_eq!(
        store.commit("pg/0", |pending| pending.remove(&id, None)),
        denied("removing secrets")
    );
    store.secrets.is_juju_4 = true;
    assert_eq!(
        store.set("pg/0", &id, with_content("b")),
        Err("updating secrets: \"pg/0\" is not allowed to manage this secret".to_owned())
    );
}

#[test]
fn juju_3_refuses_changes_of_what_is_gone_and_juju_4_skips_them() {
    let mut store = Store::new();
    let gone = store.secrets.new_id();
    let missing = |what: &str| Err(format!("{what}: secret \"secret:{gone}\" not found"));
    assert_eq!(store.set("web/0", &gone, with_content("b")), missing("updating secrets"));
    let revoked = store.commit("web/0", |pending| pending.revoke(&gone, application("pg")));
    assert_eq!(revoked, missing("revoking secrets access"));
    let removed = store.commit("web/0", |pending| pending.remove(&gone, Some(1)));
    assert_eq!(removed, Ok(()), "a removal may be repeated");
    store.secrets.is_juju_4 = true;
    assert_eq!(store.set("web/0", &gone, with_content("b")), Ok(()));
    assert_eq!(store.commit("web/0", |pending| pending.revoke(&gone, application("pg"))), Ok(()));
}

#[test]
fn one_subject_has_one_permission_whatever_the_relation() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.grant(&id, application("pg"), relation(1)).unwrap();
    let refused = |subject: &str| {
        Err(format!(
            "granting secrets access: cannot change access to \"secret:{id}\" for {subject:?}: \
             cannot change secret permission scope"
        ))
    };
    assert_eq!(store.grant(&id, application("pg"), relation(2)), refused("application-pg"));
    // The owner has its permission in its own scope, also on its peer relation.
    let peers = RelationScope { id: 3, key: "web:ring".to_owned() };
    assert_eq!(store.grant(&id, application("web"), peers.clone()), refused("application-web"));
    store.secrets.is_juju_4 = true;
    assert_eq!(
        store.grant(&id, application("web"), peers),
        Err("granting secrets access: granting access to a secret over a peer relation is not \
             supported"
            .to_owned())
    );
}

#[test]
fn the_last_grant_of_a_hook_on_a_relation_counts() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    let owned = store.secrets.owned_by("web/0", true);
    let secret = owned.get(&id).unwrap();
    store
        .commit("web/0", |pending| {
            pending.grant(&id, application("pg"), relation(1), secret).unwrap();
            pending.grant(&id, unit("pg/0"), relation(1), secret).unwrap();
        })
        .unwrap();
    assert!(store.get("pg/0", &id).is_ok() && store.get("pg/1", &id).is_err());
    // The stored grant of the unit stands in the way of one to its application.
    let owned = store.secrets.owned_by("web/0", true);
    let mut pending = PendingSecrets::default();
    let refused = pending.grant(&id, application("pg"), relation(1), owned.get(&id).unwrap());
    assert!(refused.is_err_and(|text| text.starts_with("any unit level grants need")));
}

#[test]
fn a_grant_and_a_revoke_in_one_hook_leave_no_grant() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    let owned = store.secrets.owned_by("web/0", true);
    store
        .commit("web/0", |pending| {
            pending.revoke(&id, application("pg"));
            pending.grant(&id, application("pg"), relation(1), owned.get(&id).unwrap()).unwrap();
        })
        .unwrap();
    assert!(store.get("pg/0", &id).is_err());
}

#[test]
fn a_revoke_of_an_application_includes_its_units() {
    let mut pending = PendingSecrets::default();
    for subject in [application("pg"), unit("pg/0"), application("pg"), unit("mq/0")] {
        pending.revoke("id", subject);
    }
    let sent: Vec<String> = pending.revokes.values().flatten().map(ToString::to_string).collect();
    assert_eq!(sent, ["application-pg", "unit-mq-0"]);
}

#[test]
fn a_new_revision_has_no_expiry_and_a_rotation_only_comes_earlier() {
    let mut store = Store::new();
    let expires: Timestamp = "2031-01-02T04:00:00.7Z".parse().unwrap();
    let changes = Changes {
        expires: Some(expires),
        rotate: Some(SecretRotation::Daily),
        ..with_content("a")
    };
    let id = store.add("web/0", application("web"), changes);
    let shown = |store: &Store| {
        let secret = store.secrets.get(&id).unwrap();
        let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
        (text(secret.expires), text(secret.next_rotation))
    };
    let daily = Some("2031-01-03T03:04:05Z".to_owned());
    assert_eq!(shown(&store), (Some("2031-01-02T04:00:01Z".to_owned()), daily.clone()));
    store.set("web/0", &id, with_content("b")).unwrap();
    assert_eq!(shown(&store), (None, daily.clone()));
    let rotate = |policy| Changes { rotate: Some(policy), ..Changes::default() };
    store.set("web/0", &id, rotate(SecretRotation::Weekly)).unwrap();
    assert_eq!(shown(&store).1, daily, "a later time does not replace it");
    store.set("web/0", &id, rotate(SecretRotation::Hourly)).unwrap();
    assert_eq!(shown(&store).1, Some("2031-01-02T04:04:05Z".to_owned()));
    store.set("web/0", &id, rotate(SecretRotation::Never)).unwrap();
    assert_eq!(shown(&store).1, None);
}

//! Tests of the secret hooks that are due.

use charmwright_juju::SecretRotation;

use super::*;

const HOUR: u64 = 3600;

#[test]
fn secret_changed_comes_once_for_any_number_of_revisions() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.grant(&id, application("pg"), relation(1)).unwrap();
    store.name("pg/0", &id, "db").unwrap();
    assert!(store.due("pg/0").is_err(), "the unit has the latest revision");
    for value in ["b", "c"] {
        store.set("web/0", &id, with_content(value)).unwrap();
    }
    let due = store.due("pg/0").unwrap();
    assert_eq!((due.event, due.label.as_str()), (SecretEvent::Changed { revision: 3 }, "db"));
    assert_eq!(store.run("pg/0"), Some(SecretEvent::Changed { revision: 3 }));
    assert!(store.due("pg/0").is_err(), "it has been told, though it has not refreshed");
    assert!(store.due("pg/1").is_err(), "this unit has read nothing");
    store.set("web/0", &id, with_content("d")).unwrap();
    assert_eq!(store.run("pg/0"), Some(SecretEvent::Changed { revision: 4 }));
}

#[test]
fn secret_changed_comes_to_every_unit_that_has_read_an_older_revision() {
    let mut store = Store::new();
    let id = store.add("web/0", application("web"), labelled("admin", "a"));
    for name in ["web/0", "web/1"] {
        store.get(name, &id).unwrap();
    }
    store.set("web/0", &id, with_content("b")).unwrap();
    for name in ["web/0", "web/1"] {
        let due = store.due(name).unwrap();
        // A unit of the owner has the owner's label.
        assert_eq!(
            (due.event, due.label.as_str()),
            (SecretEvent::Changed { revision: 2 }, "admin")
        );
    }
    // A change without a new content is no new revision.
    let id = store.add_for_web("c");
    store.get("web/1", &id).unwrap();
    store.run("web/1");
    store
        .set("web/0", &id, Changes { description: Some("d".into()), ..Changes::default() })
        .unwrap();
    assert!(store.due("web/1").is_err());
}

#[test]
fn a_unit_whose_grant_was_revoked_is_told_of_nothing() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.grant(&id, application("pg"), relation(1)).unwrap();
    store.get("pg/0", &id).unwrap();
    store.set("web/0", &id, with_content("b")).unwrap();
    store.commit("web/0", |pending| pending.revoke(&id, application("pg"))).unwrap();
    assert!(store.due("pg/0").is_err());
}

#[test]
fn secret_remove_comes_to_the_owner_when_nobody_tracks_a_revision() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.grant(&id, application("pg"), relation(1)).unwrap();
    store.get("pg/0", &id).unwrap();
    store.set("web/0", &id, with_content("b")).unwrap();
    assert!(store.due("web/0").is_err(), "pg/0 still tracks revision 1");
    store.read("pg/0", &id, ReadMode::Refresh).unwrap();
    assert!(store.due("web/1").is_err(), "this unit is not the leader");
    assert_eq!(store.run("web/0"), Some(SecretEvent::Remove { revision: 1 }));
    assert!(store.due("web/0").is_err(), "once is enough, though the revision is still there");
    // Revision 2 is tracked, and revision 3 was never read.
    store.set("web/0", &id, with_content("c")).unwrap();
    store.set("web/0", &id, with_content("d")).unwrap();
    let events: Vec<SecretEvent> = std::iter::from_fn(|| store.run("web/0")).collect();
    assert_eq!(events, [SecretEvent::Remove { revision: 3 }]);
}

#[test]
fn nothing_comes_for_a_secret_that_is_gone() {
    let mut store = Store::new();
    let id = store.add_for_web("a");
    store.get("web/1", &id).unwrap();
    store.set("web/0", &id, with_content("b")).unwrap();
    store.set("web/0", &id, with_content("c")).unwrap();
    assert!(store.due("web/0").is_ok() && store.due("web/1").is_ok());
    store.commit("web/0", |pending| pending.remove(&id, None)).unwrap();
    assert!(store.due("web/0").is_err() && store.due("web/1").is_err());
}

#[test]
fn secret_rotate_comes_by_the_policy_or_after_five_minutes() {
    let mut store = Store::new();
    let rotate = Changes { rotate: Some(SecretRotation::Hourly), ..labelled("admin", "a") };
    let id = store.add("web/0", application("web"), rotate);
    let due_at = store.due("web/0").unwrap_err().unwrap();
    assert_eq!(due_at.to_string(), "2031-01-02T04:04:05Z");
    assert_eq!(store.due("web/1"), Err(None), "the leader rotates the application's secrets");
    store.advance(HOUR);
    let due = store.due("web/0").unwrap();
    assert_eq!((due.event, due.label.as_str()), (SecretEvent::Rotate, "admin"));
    // The charm does nothing, so the hook comes again.
    store.run("web/0");
    assert_eq!(store.due("web/0"), Err(Some("2031-01-02T04:09:05Z".parse().unwrap())));
    store.advance(300);
    let rotated = store.run_with("web/0", |store, id| {
        store.set("web/0", id, with_content("b")).unwrap();
    });
    assert_eq!(rotated, Some(SecretEvent::Rotate));
    // Revision 1 was never read.
    assert_eq!(store.run("web/0"), Some(SecretEvent::Remove { revision: 1 }));
    assert_eq!(store.due("web/0"), Err(Some("2031-01-02T05:09:05Z".parse().unwrap())));
    assert_eq!(store.latest(&id), 2);
}

#[test]
fn a_secret_that_expires_before_its_next_rotation_is_rotated_earlier() {
    let mut store = Store::new();
    let changes = Changes {
        rotate: Some(SecretRotation::Hourly),
        expires: Some("2031-01-02T04:30:00Z".parse().unwrap()),
        ..with_content("a")
    };
    store.add("web/0", application("web"), changes);
    store.advance(HOUR);
    store.run_with("web/0", |store, id| {
        // The new revision expires too, before the next hour is over.
        let expires = Some("2031-01-02T04:40:00Z".parse().unwrap());
        store.set("web/0", id, Changes { expires, ..with_content("b") }).unwrap();
    });
    store.run("web/0");
    assert_eq!(store.due("web/0"), Err(Some("2031-01-02T04:09:05Z".parse().unwrap())));
}

#[test]
fn secret_expired_comes_again_until_the_revision_is_removed() {
    let mut store = Store::new();
    let changes =
        Changes { expires: Some("2031-01-02T03:10:00Z".parse().unwrap()), ..with_content("a") };
    let id = store.add("web/0", application("web"), changes);
    assert_eq!(store.due("web/0"), Err(Some("2031-01-02T03:10:00Z".parse().unwrap())));
    store.advance(400);
    assert_eq!(store.run("web/0"), Some(SecretEvent::Expired { revision: 1 }));
    assert!(store.due("web/0").is_err());
    store.advance(299);
    assert!(store.due("web/0").is_err());
    store.advance(1);
    assert_eq!(store.run("web/0"), Some(SecretEvent::Expired { revision: 1 }));
    // A new revision does not help: the old one is still there.
    store.set("web/0", &id, with_content("b")).unwrap();
    assert_eq!(store.run("web/0"), Some(SecretEvent::Remove { revision: 1 }));
    store.advance(300);
    let expired = store.run_with("web/0", |store, id| {
        store.commit("web/0", |pending| pending.remove(id, Some(1))).unwrap();
    });
    assert_eq!(expired, Some(SecretEvent::Expired { revision: 1 }));
    store.advance(HOUR);
    assert_eq!(store.due("web/0"), Err(None));
}

#[test]
fn a_restart_of_the_agent_forgets_the_repetition_of_secret_expired() {
    let mut store = Store::new();
    let changes = Changes { expires: Some(store.now), ..with_content("a") };
    store.add("web/0", application("web"), changes);
    store.run("web/0");
    assert!(store.due("web/0").is_err());
    store.hooks.get_mut("web/0").unwrap().agent_restarted();
    assert_eq!(store.run("web/0"), Some(SecretEvent::Expired { revision: 1 }));
}

#[test]
fn the_order_is_expired_rotate_changed_remove() {
    let mut store = Store::new();
    let own = store.add("web/0", unit("web/0"), with_content("a"));
    store.set("web/0", &own, with_content("b")).unwrap();
    let read = store.add_for_web("c");
    store.get("web/0", &read).unwrap();
    store.set("web/0", &read, with_content("d")).unwrap();
    let rotate = Changes { rotate: Some(SecretRotation::Hourly), ..with_content("e") };
    store.add("web/0", unit("web/0"), rotate);
    let expires = Changes { expires: Some(store.now), ..with_content("f") };
    store.add("web/0", unit("web/0"), expires);
    store.advance(HOUR);
    let events: Vec<SecretEvent> = std::iter::from_fn(|| store.run("web/0")).collect();
    assert_eq!(
        events.first_chunk(),
        Some(&[
            SecretEvent::Expired { revision: 1 },
            SecretEvent::Rotate,
            // The rotation is late by the five minutes that it was to come again after.
            SecretEvent::Changed { revision: 2 },
            SecretEvent::Remove { revision: 1 },
        ])
    );
}

#[test]
fn what_belongs_to_a_removed_unit_or_application_is_gone() {
    let mut store = Store::new();
    let own = store.add("web/1", unit("web/1"), with_content("a"));
    let shared = store.add_for_web("b");
    store.grant(&shared, unit("pg/0"), relation(1)).unwrap();
    store.name("pg/0", &shared, "db").unwrap();
    store.secrets.unit_removed("web/1");
    assert!(store.secrets.get(&own).is_none() && store.secrets.get(&shared).is_some());
    store.secrets.unit_removed("pg/0");
    assert!(store.get("pg/0", &shared).is_err());
    assert!(store.by_label("pg/0", "db").is_err());
    store.secrets.application_removed("web");
    assert!(store.secrets.get(&shared).is_none());
}

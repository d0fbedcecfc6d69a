//! Tests of user secrets.

use super::*;

#[test]
fn an_application_reads_a_user_secret_that_is_granted_to_it() {
    let mut store = Store::new();
    let id = store.secrets.add_user_secret("db-password", "", content("a")).unwrap();
    assert_eq!(store.get("web/1", &id), Err("permission denied".to_owned()));
    store.secrets.grant_user_secret("db-password", "web").unwrap();
    assert_eq!(store.get("web/1", &id), Ok(content("a")));
    store.secrets.revoke_user_secret(&format!("secret:{id}"), "web").unwrap();
    assert_eq!(store.get("web/1", &id), Err("permission denied".to_owned()));
    assert!(store.secrets.owned_by("web/0", true).is_empty(), "no unit owns it");
}

#[test]
fn secret_changed_comes_after_an_update_with_another_content() {
    let mut store = Store::new();
    let id = store.secrets.add_user_secret("db", "", content("a")).unwrap();
    store.secrets.grant_user_secret("db", "web").unwrap();
    store.get("web/0", &id).unwrap();
    let now = store.now;
    let update = |store: &mut Store, value: &str| {
        store.secrets.update_user_secret("db", with_content(value), None, now).unwrap();
    };
    update(&mut store, "a");
    assert!(store.due("web/0").is_err());
    update(&mut store, "b");
    assert_eq!(store.run("web/0"), Some(SecretEvent::Changed { revision: 2 }));
    assert!(store.due("web/1").is_err(), "this unit has read nothing");
    store.read("web/0", &id, ReadMode::Refresh).unwrap();
    assert!(store.due("web/0").is_err(), "no unit owns a user secret: there is no secret-remove");
}

#[test]
fn a_pruned_user_secret_loses_the_revisions_that_nobody_tracks() {
    let mut store = Store::new();
    let id = store.secrets.add_user_secret("db", "", content("a")).unwrap();
    store.secrets.grant_user_secret("db", "web").unwrap();
    store.get("web/0", &id).unwrap();
    let revisions = |store: &Store| {
        store.secrets.get(&id).unwrap().revisions.keys().copied().collect::<Vec<u32>>()
    };
    let now = store.now;
    for value in ["b", "c"] {
        store.secrets.update_user_secret("db", with_content(value), None, now).unwrap();
    }
    assert_eq!(revisions(&store), [1, 2, 3]);
    store.secrets.update_user_secret("db", Changes::default(), Some(true), now).unwrap();
    assert_eq!(revisions(&store), [1, 3]);
    store.read("web/0", &id, ReadMode::Refresh).unwrap();
    assert_eq!(revisions(&store), [3]);
}

#[test]
fn the_operator_is_refused_in_jujus_words() {
    let mut store = Store::new();
    let charms = store.add_for_web("a");
    store.secrets.add_user_secret("one", "", content("a")).unwrap();
    store.secrets.add_user_secret("two", "", content("a")).unwrap();
    let taken = "secret with name \"one\" already exists".to_owned();
    assert_eq!(store.secrets.add_user_secret("one", "", content("b")), Err(taken.clone()));
    let now = store.now;
    let name = |name: &str| Changes { label: Some(name.to_owned()), ..Changes::default() };
    assert_eq!(store.secrets.update_user_secret("two", name("one"), None, now), Err(taken));
    assert_eq!(store.secrets.update_user_secret("two", name("two"), None, now), Ok(()));
    assert_eq!(
        store.secrets.grant_user_secret("nope", "web"),
        Err("secret \"nope\" not found".to_owned())
    );
    let gone = store.secrets.new_id();
    assert_eq!(
        store.secrets.revoke_user_secret(&gone, "web"),
        Err(format!("secret \"secret:{gone}\" not found"))
    );
    assert_eq!(
        store.secrets.remove_user_secret(&charms, None),
        Err("permission denied".to_owned())
    );
    store.secrets.remove_user_secret("two", Some(7)).unwrap();
    store.secrets.remove_user_secret("two", None).unwrap();
    assert_eq!(
        store.secrets.remove_user_secret("two", None),
        Err("secret \"two\" not found".to_owned())
    );
}

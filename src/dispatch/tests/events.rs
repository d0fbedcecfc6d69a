//! Tests that each hook of a relation, a storage, a secret and of old versions of Juju is the event
//! that its environment describes, and that an event stays the same when it is stored.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::hook_event::{event_from_variables, variables_of};
use super::invocation::Invocation;
use super::stored::event::StoredEvent;
use crate::declaration::Metadata;
use crate::event::Event;
use crate::juju::{
    ApplicationName, EndpointName, HookEnv, RelationId, SecretId, StorageId, StorageKind,
    StorageName, UnitName,
};

const METADATA: Metadata = Metadata::new("example").containers(&["web"]);

const SECRET: &str = "secret:9m4e2mr0ui3e8a215n4g";

/// The variables of a relation's hook, as Juju sets them: one that does not apply is empty.
const RELATION: [(&str, &str); 4] = [
    ("JUJU_RELATION", "db"),
    ("JUJU_RELATION_ID", "db:7"),
    ("JUJU_REMOTE_APP", "pg"),
    ("JUJU_REMOTE_UNIT", ""),
];

/// The hooks of Juju 2.9 and 3 that Juju 4 does not have.
pub(super) const LEGACY_HOOKS: [&str; 6] = [
    "collect-metrics",
    "leader-deposed",
    "leader-settings-changed",
    "meter-status-changed",
    "post-series-upgrade",
    "pre-series-upgrade",
];

/// Reads the event of the hook of this name. The later of two variables of a name counts.
pub(super) fn event(hook: &str, variables: &[(&str, &str)]) -> Result<Event, crate::juju::Error> {
    let path = format!("hooks/{hook}");
    let own = [("JUJU_UNIT_NAME", "example/0"), ("JUJU_DISPATCH_PATH", &*path)];
    let vars = own.iter().chain(variables);
    let env = HookEnv::from_vars(vars.map(|(name, value)| (OsString::from(name), value.into())))?;
    match Invocation::from_env(&env, &METADATA)?.unwrap() {
        Invocation::Hook(event) => Ok(event),
        action @ Invocation::Action(_) => panic!("{action:?}"),
    }
}

/// Reads the event of a relation's hook with these variables in place of the usual ones.
fn relation_event(hook: &str, variables: &[(&str, &str)]) -> Event {
    event(hook, &[&RELATION[..], variables].concat()).unwrap()
}

fn endpoint(name: &str) -> EndpointName {
    name.parse().unwrap()
}

fn db() -> (EndpointName, RelationId) {
    (endpoint("db"), "db:7".parse().unwrap())
}

fn pg() -> ApplicationName {
    "pg".parse().unwrap()
}

fn unit(name: &str) -> UnitName {
    name.parse().unwrap()
}

fn secret() -> SecretId {
    SECRET.parse().unwrap()
}

/// The name of a hook, its variables, and the event that they describe.
pub(super) type Sample = (&'static str, Vec<(&'static str, &'static str)>, Event);

/// Every kind of event that a relation, a storage or a secret has, and each form that Juju gives
/// it.
pub(super) fn table() -> Vec<Sample> {
    let (db, id) = db();
    let with = |variables: &[(&'static str, &'static str)]| {
        let is_replaced = |name| variables.iter().any(|(other, _)| *other == name);
        let usual = RELATION.iter().filter(|(name, _)| !is_replaced(*name));
        usual.chain(variables).copied().collect::<Vec<_>>()
    };
    let of_unit = with(&[("JUJU_REMOTE_UNIT", "pg/1")]);
    let departing = |unit| with(&[("JUJU_REMOTE_UNIT", "pg/1"), ("JUJU_DEPARTING_UNIT", unit)]);
    let storage = vec![
        ("JUJU_STORAGE_ID", "data/0"),
        ("JUJU_STORAGE_KIND", "filesystem"),
        ("JUJU_STORAGE_LOCATION", "/srv/data"),
    ];
    let data: StorageId = "data/0".parse().unwrap();
    let secret_vars = vec![("JUJU_SECRET_ID", SECRET), ("JUJU_SECRET_LABEL", "key")];
    let of_revision = [&secret_vars[..], &[("JUJU_SECRET_REVISION", "4")]].concat();
    let key = || Some("key".to_owned());
    vec![
        ("db-relation-created", with(&[]), Event::relation_created(db.clone(), id.clone(), pg())),
        (
            "db-relation-joined",
            of_unit.clone(),
            Event::relation_joined(db.clone(), id.clone(), unit("pg/1")),
        ),
        (
            "db-relation-changed",
            of_unit.clone(),
            Event::relation_changed(db.clone(), id.clone(), unit("pg/1")),
        ),
        (
            "db-relation-changed",
            with(&[]),
            Event::relation_application_changed(db.clone(), id.clone(), pg()),
        ),
        (
            "db-relation-departed",
            departing("pg/1"),
            Event::relation_departed(db.clone(), id.clone(), unit("pg/1"), Some(unit("pg/1"))),
        ),
        (
            "db-relation-departed",
            departing("example/0"),
            Event::relation_departed(db.clone(), id.clone(), unit("pg/1"), Some(unit("example/0"))),
        ),
        (
            "db-relation-departed",
            of_unit,
            Event::relation_departed(db.clone(), id.clone(), unit("pg/1"), None),
        ),
        (
            "db-relation-broken",
            with(&[]),
            Event::relation_broken(db.clone(), id.clone(), Some(pg())),
        ),
        (
            "db-relation-broken",
            with(&[("JUJU_REMOTE_APP", "")]),
            Event::relation_broken(db, id, None),
        ),
        (
            "data-storage-attached",
            storage.clone(),
            Event::storage_attached(data.clone(), StorageKind::Filesystem, "/srv/data"),
        ),
        (
            "data-storage-detaching",
            storage,
            Event::storage_detaching(data, StorageKind::Filesystem, "/srv/data"),
        ),
        (
            "data-storage-detaching",
            Vec::new(),
            Event::unprovisioned_storage_detaching("data".parse().unwrap()),
        ),
        ("secret-changed", secret_vars.clone(), Event::secret_changed(secret(), key())),
        (
            "secret-changed",
            vec![("JUJU_SECRET_ID", SECRET), ("JUJU_SECRET_LABEL", "")],
            Event::secret_changed(secret(), None),
        ),
        ("secret-rotate", secret_vars, Event::secret_rotate(secret(), key())),
        ("secret-expired", of_revision.clone(), Event::secret_expired(secret(), key(), 4)),
        ("secret-remove", of_revision, Event::secret_remove(secret(), key(), 4)),
    ]
}

#[test]
fn every_hook_is_the_event_that_its_variables_describe() {
    for (hook, variables, expected) in table() {
        let read = event(hook, &variables).unwrap();
        assert_eq!(read, expected);
        assert_eq!(read.to_string(), hook);
        let name = hook.split('-').next().unwrap();
        assert_eq!(read.endpoint().is_some(), hook.contains("-relation-"), "{hook}");
        assert!(read.endpoint().is_none_or(|endpoint| endpoint.as_str() == name), "{hook}");
        assert_eq!(read.relation().is_some(), read.endpoint().is_some(), "{hook}");
        assert_eq!(read.storage().map(StorageName::as_str), (name == "data").then_some(name));
        assert_eq!(read.secret().is_some(), name == "secret", "{hook}");
        assert_eq!((read.container(), read.is_workload()), (None, false), "{hook}");
        assert!(read.changes_world() && !read.is_ending(), "{hook}");
        let comes_again = matches!(hook, "secret-rotate" | "secret-expired");
        assert_eq!(read.is_deferrable(), !comes_again, "{hook}");
    }
}

#[test]
fn the_data_of_an_event_is_what_juju_said() {
    let changed = relation_event("db-relation-changed", &[("JUJU_REMOTE_UNIT", "pg/1")]);
    let Event::RelationChanged(changed) = changed else { panic!("{changed:?}") };
    assert_eq!((changed.application(), changed.unit()), (&pg(), Some(&unit("pg/1"))));
    let own = [("JUJU_REMOTE_UNIT", "pg/1"), ("JUJU_DEPARTING_UNIT", "example/0")];
    let departed = relation_event("db-relation-departed", &own);
    let Event::RelationDeparted(departed) = departed else { panic!("{departed:?}") };
    assert_eq!((departed.application(), departed.unit()), (&pg(), &unit("pg/1")));
    assert_eq!(departed.departing_unit(), Some(&unit("example/0")));
    let block = [
        ("JUJU_STORAGE_ID", "disks/3"),
        ("JUJU_STORAGE_KIND", "block"),
        ("JUJU_STORAGE_LOCATION", "/dev/sdb"),
    ];
    let attached = event("disks-storage-attached", &block).unwrap();
    let Event::StorageAttached(attached) = attached else { panic!("{attached:?}") };
    assert_eq!((attached.name().as_str(), attached.id().unwrap().number()), ("disks", 3));
    assert_eq!(attached.kind(), Some(&StorageKind::Block));
    assert_eq!(attached.location().unwrap().to_str(), Some("/dev/sdb"));
}

#[test]
fn an_event_that_lacks_a_variable_is_unknown_with_the_others() {
    for (hook, variables, known) in table() {
        for (missing, _) in &variables {
            let rest: Vec<_> =
                variables.iter().filter(|(name, _)| name != missing).copied().collect();
            let read = event(hook, &rest).unwrap();
            assert_eq!(read.to_string(), hook);
            let is_needed = match (*missing, hook) {
                ("JUJU_RELATION" | "JUJU_RELATION_ID" | "JUJU_SECRET_ID", _) => true,
                ("JUJU_REMOTE_APP", "db-relation-created") => true,
                ("JUJU_REMOTE_APP", "db-relation-changed") => {
                    matches!(&known, Event::RelationChanged(changed) if changed.unit().is_none())
                }
                ("JUJU_REMOTE_UNIT", "db-relation-joined" | "db-relation-departed") => true,
                ("JUJU_SECRET_REVISION", _) => true,
                _ => false,
            };
            let Event::Unknown(unknown) = &read else {
                assert!(!is_needed, "{hook} without {missing}: {read:?}");
                continue;
            };
            assert!(is_needed, "{hook} without {missing}");
            let set = rest.iter().filter(|(_, value)| !value.is_empty());
            let expected: BTreeMap<_, _> =
                set.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(unknown.variables(), &expected, "{hook} without {missing}");
            assert_eq!(read.is_deferrable(), known.is_deferrable(), "{hook}");
        }
    }
}

#[test]
fn the_endpoint_is_the_one_that_juju_names_and_the_hook_must_agree() {
    let changed = |endpoint: &str| {
        let id: RelationId = format!("{endpoint}:7").parse().unwrap();
        Event::relation_application_changed(endpoint.parse().unwrap(), id, pg())
    };
    for name in ["my_db", "my-db", "db-relation-changed", "db-relation-joined", "a_b-c"] {
        let hook = format!("{name}-relation-changed");
        let id = format!("{name}:7");
        let variables = [("JUJU_RELATION", name), ("JUJU_RELATION_ID", &*id)];
        assert_eq!(relation_event(&hook, &variables), changed(name));
        // A bare number is an id too.
        let bare = relation_event(&hook, &[("JUJU_RELATION", name), ("JUJU_RELATION_ID", "7")]);
        assert_eq!(bare.relation().unwrap().number(), 7);
        assert_eq!(bare.endpoint().unwrap().as_str(), name);
    }
    for variables in [
        &[("JUJU_RELATION", "cache")][..],
        &[("JUJU_RELATION", "my_db"), ("JUJU_RELATION_ID", "my_db:7")],
        &[("JUJU_RELATION_ID", "cache:7")],
    ] {
        for hook in ["my-db-relation-changed", "db-relation-changed"] {
            let read = relation_event(hook, variables);
            assert!(matches!(read, Event::Unknown(_)), "{read:?}");
            assert_eq!(read.to_string(), hook);
        }
    }
    let other = event("data-storage-attached", &[("JUJU_STORAGE_ID", "logs/0")]).unwrap();
    assert!(matches!(other, Event::Unknown(_)), "{other:?}");
}

#[test]
fn hooks_of_older_versions_of_juju_are_unknown_and_keep_their_name() {
    for hook in LEGACY_HOOKS {
        let read = event(hook, &[]).unwrap();
        assert_eq!(read, Event::unknown(hook, []));
        assert!(read.is_deferrable() && read.changes_world());
        // The agent of an old version calls the charm by a link of the hook's name.
        let env = HookEnv::from_vars([("JUJU_UNIT_NAME".into(), "example/0".into())]).unwrap();
        let env = env.with_called_by(format!("/charm/hooks/{hook}"));
        assert_eq!(
            Invocation::from_env(&env, &METADATA).unwrap(),
            Some(Invocation::Hook(read)),
            "{hook}"
        );
    }
    let target = [("JUJU_TARGET_BASE", "ubuntu@22.04"), ("JUJU_TARGET_SERIES", "jammy")];
    let read = event("pre-series-upgrade", &target).unwrap();
    let Event::Unknown(unknown) = &read else { panic!("{read:?}") };
    assert_eq!(unknown.variables()["JUJU_TARGET_BASE"], "ubuntu@22.04");
}

/// Returns the event that the stored form of this one is read as.
fn stored_and_read(event: &Event) -> Event {
    let text = serde_json::to_string(&StoredEvent::from_event(event)).unwrap();
    serde_json::from_str::<StoredEvent>(&text).unwrap().into_event()
}

#[test]
fn an_event_is_stored_as_the_hook_that_an_older_version_knows() {
    for (hook, variables, event) in table() {
        let stored = serde_json::to_value(StoredEvent::from_event(&event)).unwrap();
        let set = variables.iter().filter(|(_, value)| !value.is_empty());
        let set: serde_json::Map<String, Value> =
            set.map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let mut expected = json!({"event": "unknown", "hook": hook});
        if !set.is_empty() {
            expected["variables"] = set.into();
        }
        assert_eq!(stored, expected);
        assert_eq!(stored_and_read(&event), event);
    }
}

#[test]
fn a_location_that_is_not_utf8_is_the_only_thing_that_is_not_stored() {
    let location = OsString::from_vec(vec![b'/', 0xff]);
    let id: StorageId = "data/0".parse().unwrap();
    let event = Event::storage_attached(id.clone(), StorageKind::Block, location);
    let Event::StorageAttached(read) = stored_and_read(&event) else { panic!("{event:?}") };
    assert_eq!(
        (read.id(), read.kind(), read.location()),
        (Some(&id), Some(&StorageKind::Block), None)
    );
}

#[test]
fn stored_variables_that_describe_no_event_stay_as_they_are() {
    for (hook, variables) in [
        ("db-relation-changed", &[("JUJU_RELATION", "db"), ("JUJU_RELATION_ID", "db")][..]),
        ("db-relation-changed", &[("JUJU_RELATION", "../db"), ("JUJU_RELATION_ID", "db:7")]),
        ("secret-changed", &[("JUJU_SECRET_ID", "secret:../x")]),
        ("secret-remove", &[("JUJU_SECRET_ID", SECRET), ("JUJU_SECRET_REVISION", "-1")]),
        ("-storage-attached", &[]),
        ("../x-storage-attached", &[]),
        ("", &[]),
        ("moon-full", &[]),
    ] {
        let owned: BTreeMap<_, _> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(event_from_variables(hook, &owned), None, "{hook}");
        let unknown = Event::unknown(hook, owned);
        assert_eq!(stored_and_read(&unknown), unknown);
    }
}

/// Any event of a relation, a storage or a secret.
fn any_event() -> impl Strategy<Value = Event> {
    let name = "[a-z][a-z0-9]{0,6}([_-][a-z0-9]{1,4}){0,2}|[a-z]{1,4}-relation-(joined|broken)";
    let unit = || {
        ("[a-z][a-z0-9]{0,5}", 0..1000_u32)
            .prop_map(|(app, number)| format!("{app}/{number}").parse::<UnitName>().unwrap())
    };
    let relation = (name, any::<u32>(), any::<bool>()).prop_map(|(name, number, is_bare)| {
        let endpoint: EndpointName = name.parse().unwrap();
        let id = if is_bare { number.to_string() } else { format!("{name}:{number}") };
        (endpoint, id.parse::<RelationId>().unwrap())
    });
    let relation_event = (relation, unit(), proptest::option::of(unit()), 0..8_u8).prop_map(
        |((endpoint, id), unit, other, kind)| {
            let application = unit.application().clone();
            match kind {
                0 => Event::relation_created(endpoint, id, application),
                1 => Event::relation_joined(endpoint, id, unit),
                2 => Event::relation_changed(endpoint, id, unit),
                3 => Event::relation_application_changed(endpoint, id, application),
                4 | 5 => Event::relation_departed(endpoint, id, unit, other),
                _ => {
                    let application = other.map(|unit| unit.application().clone());
                    Event::relation_broken(endpoint, id, application)
                }
            }
        },
    );
    let storage_event = (name, any::<u32>(), "filesystem|block|[a-z]{1,9}", "/\\PC{0,20}", 0..3_u8)
        .prop_map(|(name, number, kind, location, which)| {
            let id: StorageId = format!("{name}/{number}").parse().unwrap();
            let Ok(kind) = kind.parse();
            match which {
                0 => Event::storage_attached(id, kind, location),
                1 => Event::storage_detaching(id, kind, location),
                _ => Event::unprovisioned_storage_detaching(id.name().clone()),
            }
        });
    let id = "(secret:|secret://0f3c-1/)?[a-v0-9]{19}[0g]";
    let secret_event = (id, proptest::option::of("\\PC{0,12}"), any::<u64>(), 0..4_u8).prop_map(
        |(id, label, revision, kind)| {
            let id: SecretId = id.parse().unwrap();
            match kind {
                0 => Event::secret_changed(id, label),
                1 => Event::secret_rotate(id, label),
                2 => Event::secret_expired(id, label, revision),
                _ => Event::secret_remove(id, label, revision),
            }
        },
    );
    prop_oneof![relation_event, storage_event, secret_event]
}

proptest! {
    #[test]
    fn any_event_is_read_from_its_hook_and_from_its_stored_form(expected in any_event()) {
        let variables = variables_of(&expected).unwrap();
        let pairs: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        prop_assert_eq!(event(&expected.to_string(), &pairs).unwrap(), expected.clone());
        prop_assert_eq!(stored_and_read(&expected), expected);
    }

    #[test]
    fn any_variables_are_an_event_of_the_hooks_name_or_an_error(
        hook in "(db|my_db|db-relation-joined)-relation-(created|joined|changed|departed|broken)|\
                 (data|db)-storage-(attached|detaching)|secret-(changed|rotate|expired|remove)",
        values in proptest::collection::vec(
            "db|my_db|db:7|7|pg|pg/1|data/0|secret:x|\\PC{0,8}", 10
        ),
    ) {
        let names = [
            "JUJU_RELATION", "JUJU_RELATION_ID", "JUJU_REMOTE_APP", "JUJU_REMOTE_UNIT",
            "JUJU_DEPARTING_UNIT", "JUJU_STORAGE_ID", "JUJU_STORAGE_KIND", "JUJU_SECRET_ID",
            "JUJU_SECRET_LABEL", "JUJU_SECRET_REVISION",
        ];
        let pairs: Vec<(&str, &str)> =
            names.iter().copied().zip(values.iter().map(String::as_str)).collect();
        match event(&hook, &pairs) {
            Ok(event) => {
                prop_assert_eq!(event.to_string(), hook);
                prop_assert_eq!(stored_and_read(&event), event);
            }
            Err(error) => prop_assert!(error.to_string().contains("JUJU_"), "{}", error),
        }
    }
}

//! Tests of storage in whole hook runs.

use std::path::Path;

use crate::juju::{StorageId, StorageKind};
use crate::played_juju::{Answer, Declared, Ran, run};
use crate::{
    AnyNumber, AtMostOne, DeclaredContainer, DeclaredStorage, ExactlyOne, Hook, Mount, Result,
    StorageLookup,
};

#[derive(Clone, Copy)]
struct Web;

impl DeclaredContainer for Web {
    const NAME: &'static str = "web";
}

#[derive(Clone, Copy)]
struct Data;

impl DeclaredStorage for Data {
    const NAME: &'static str = "data";
    const MOUNTS: &'static [Mount] = &[
        Mount::new("other", "/other"),
        Mount::new("web", "/srv/data"),
        Mount::new("web", "/srv/again"),
    ];
    type Count = ExactlyOne;
}

#[derive(Clone, Copy)]
struct Cache;

impl DeclaredStorage for Cache {
    const NAME: &'static str = "data";
    type Count = AtMostOne;
}

#[derive(Clone, Copy)]
struct Disks;

impl DeclaredStorage for Disks {
    const NAME: &'static str = "data";
    type Count = AnyNumber;
}

/// Plays a unit with storage: `data/2` is not provisioned.
fn storage(tool: &str, args: &str) -> Answer {
    match (tool, args) {
        ("storage-list", "--format=json data") => Ok(r#"["data/2","data/1"]"#.to_owned()),
        ("storage-get", "--format=json -s data/1") => {
            Ok(r#"{"kind":"filesystem","location":"/var/data/1"}"#.to_owned())
        }
        ("storage-get", "--format=json -s data/2") => Err("invalid value \"data/2\" for option \
             -s: storage attachment \"data/2\" on \"web/0\" not provisioned"
            .to_owned()),
        ("storage-add", _) => Ok(String::new()),
        ("goal-state", _) => Ok(r#"{"units":{"web/0":{"status":"active"}}}"#.to_owned()),
        _ => Err(format!("{tool} {args} is not played")),
    }
}

fn no_storage(tool: &str, _: &str) -> Answer {
    match tool {
        "storage-list" => Ok("[]".to_owned()),
        _ => Err("not played".to_owned()),
    }
}

fn ran(step: impl Fn(&Hook<Declared>) -> Result) -> Ran {
    let ran = run("config-changed", &[], storage, step);
    assert_eq!(ran.report.exit_code(), 0, "{ran:?}");
    ran
}

const DETACHING: &[(&str, &str)] = &[
    ("JUJU_STORAGE_ID", "data/1"),
    ("JUJU_STORAGE_KIND", "filesystem"),
    ("JUJU_STORAGE_LOCATION", "/var/data/1"),
];

#[test]
fn the_declaration_decides_whether_there_is_one_or_many() {
    let ran = ran(|hook| {
        let one = hook.storage(Data)?;
        assert_eq!(one.id().to_string(), "data/1");
        assert_eq!(one.location()?, Path::new("/var/data/1"));
        assert_eq!(one.kind()?, StorageKind::Filesystem);
        assert_eq!(one.location_in(Web), "/srv/data");
        assert!(!one.is_detaching());
        assert_eq!(hook.storage(Cache)?.map(|one| one.id().clone()), Some(one.id().clone()));
        let ids: Vec<String> =
            hook.storage(Disks)?.iter().map(|one| one.id().to_string()).collect();
        assert_eq!(ids, ["data/1", "data/2"]);
        let named = hook.storage_named(&"data".parse().unwrap())?;
        assert_eq!(format!("{named:?}"), "[Storage(data/1), Storage(data/2)]");
        Ok(())
    });
    assert_eq!(ran.status(), "active");
    // Each answer is asked for once, and the location of no other instance.
    assert_eq!(
        ran.calls,
        ["storage-list --format=json data", "storage-get --format=json -s data/1"]
    );
}

#[test]
fn what_is_not_attached_or_not_provisioned_is_not_ready() {
    let none = run("install", &[], no_storage, |hook| {
        assert!(hook.storage(Cache)?.is_none() && hook.storage(Disks)?.is_empty());
        hook.storage(Data)?;
        panic!("it goes on without a storage")
    });
    assert_eq!(none.status(), "waiting: data: the storage is not attached yet");
    let unprovisioned = ran(|hook| {
        let second = hook.storage(Disks)?.pop().unwrap();
        second.location()?;
        panic!("it goes on without a location")
    });
    let status = "waiting: data: the storage data/2 is not provisioned yet";
    assert_eq!(unprovisioned.status(), status);
    assert_eq!(unprovisioned.report.exit_code(), 0);
    let vanished = |tool: &str, args: &str| match tool {
        "storage-get" => Err("invalid value \"data/1\" for option -s: storage attachment \
             \"data/1\" on \"web/0\" not found"
            .to_owned()),
        _ => storage(tool, args),
    };
    let ran = run("config-changed", &[], vanished, |hook| hook.storage(Data)?.location().map(drop));
    assert_eq!(ran.status(), "waiting: data: the storage data/1 is not attached any more");
    assert_eq!(ran.report.exit_code(), 0);
}

#[test]
fn a_view_reads_storage_too() {
    ran(|hook| {
        assert_eq!(hook.view().storage(Data)?.location()?, Path::new("/var/data/1"));
        Ok(())
    });
}

#[test]
fn what_is_detached_with_this_hook_is_left_out_and_can_still_be_read() {
    let ran = run("data-storage-detaching", DETACHING, storage, |hook| {
        let ids: Vec<String> =
            hook.storage(Disks)?.iter().map(|one| one.id().to_string()).collect();
        assert_eq!(ids, ["data/2"]);
        let id: StorageId = "data/1".parse().unwrap();
        let StorageLookup::Detaching(leaving) = hook.storage_instance(Disks, &id)? else {
            panic!("it is detaching")
        };
        assert!(leaving.is_detaching());
        assert_eq!(leaving.location()?, Path::new("/var/data/1"));
        let named = hook.storage_instance_named(&id)?;
        assert_eq!(format!("{named:?}"), "Detaching(Storage(data/1))");
        Ok(())
    });
    // The hook's variables have the location.
    assert_eq!(ran.calls, ["storage-list --format=json data"]);
    assert_eq!(ran.status(), "active");
    let only = |tool: &str, _: &str| match tool {
        "storage-list" => Ok(r#"["data/1"]"#.to_owned()),
        _ => Err("not played".to_owned()),
    };
    let ran = run("data-storage-detaching", DETACHING, only, |hook| {
        assert!(hook.storage(Cache)?.is_none());
        hook.storage(Data)?;
        panic!("it goes on with a storage that leaves")
    });
    assert_eq!(ran.status(), "waiting: data: the storage data/1 is being detached");
}

#[test]
fn the_hook_of_an_attached_storage_knows_its_location() {
    let attached = run("data-storage-attached", DETACHING, storage, |hook| {
        let id = "data/1".parse().unwrap();
        let StorageLookup::Attached(data) = hook.storage_instance(Data, &id)? else {
            panic!("it is attached")
        };
        assert_eq!(data.location()?, Path::new("/var/data/1"));
        Ok(())
    });
    assert_eq!(attached.calls, ["storage-list --format=json data"]);
    // What is no absolute path is not a location that Juju gives, so the tool is asked.
    let relative =
        [("JUJU_STORAGE_ID", "data/1"), DETACHING[1], ("JUJU_STORAGE_LOCATION", "data/1")];
    let asked = run("data-storage-attached", &relative, storage, |hook| {
        assert_eq!(hook.storage(Data)?.location()?, Path::new("/var/data/1"));
        Ok(())
    });
    assert_eq!(
        asked.calls,
        ["storage-list --format=json data", "storage-get --format=json -s data/1"]
    );
}

#[test]
fn an_instance_is_found_by_its_id_or_gone() {
    ran(|hook| {
        let gone = hook.storage_instance(Disks, &"data/7".parse().unwrap())?;
        assert!(matches!(gone, StorageLookup::Gone));
        for (id, found) in [("data/2", "Attached(Storage(data/2))"), ("data/7", "Gone")] {
            let named = hook.storage_instance_named(&id.parse().unwrap())?;
            assert_eq!(format!("{named:?}"), found);
        }
        let error = hook.storage_instance(Disks, &"logs/1".parse().unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot use the storage logs/1 as one of \"data\": it is one of \"logs\""
        );
        Ok(())
    });
}

#[test]
fn a_charm_asks_for_more() {
    let ran = ran(|hook| {
        hook.add_storage(Disks, 2)?;
        hook.add_storage(Cache, 1)?;
        assert!(hook.add_storage(Disks, 0).is_err());
        Ok(())
    });
    assert_eq!(ran.calls, ["storage-add data=2", "storage-add data=1"]);
}

#[test]
fn a_charm_asks_for_what_is_missing_and_only_once() {
    let ran = ran(|hook| {
        assert_eq!(hook.add_storage_up_to(Disks, 2)?, 0);
        assert_eq!(hook.add_storage_up_to(Disks, 3)?, 1);
        assert_eq!(hook.add_storage_up_to(Disks, 3)?, 0);
        hook.add_storage(Disks, 1)?;
        assert_eq!(hook.add_storage_up_to(Disks, 6)?, 2);
        Ok(())
    });
    assert_eq!(
        ran.calls,
        [
            "storage-list --format=json data",
            // Juju is asked whether the unit is being removed only when something is missing.
            "goal-state --format=json",
            "storage-add data=1",
            "storage-add data=1",
            "storage-add data=2",
        ]
    );
}

#[test]
fn what_is_detached_with_this_hook_counts_and_a_dying_unit_asks_for_nothing() {
    let detaching = run("data-storage-detaching", DETACHING, storage, |hook| {
        assert_eq!((hook.storage(Disks)?.len(), hook.add_storage_up_to(Disks, 2)?), (1, 0));
        Ok(())
    });
    assert_eq!(detaching.report.exit_code(), 0, "{detaching:?}");
    let dying = |tool: &str, args: &str| match tool {
        "goal-state" => Ok(r#"{"units":{"web/0":{"status":"dying"}}}"#.to_owned()),
        _ => storage(tool, args),
    };
    let ran = run("config-changed", &[], dying, |hook| {
        assert_eq!(hook.add_storage_up_to(Disks, 9)?, 0);
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 0, "{ran:?}");
    assert!(!ran.calls.iter().any(|call| call.starts_with("storage-add")), "{ran:?}");
}

#[test]
fn a_tool_that_fails_is_an_error_and_not_something_that_is_missing() {
    let broken = |_: &str, _: &str| Err("connection is shut down".to_owned());
    let ran = run("config-changed", &[], broken, |hook| hook.storage(Data).map(drop));
    assert_eq!(ran.report.exit_code(), 1);
    let list = |tool: &str, args: &str| match tool {
        "storage-list" => storage(tool, args),
        _ => Err("connection is shut down".to_owned()),
    };
    let ran = run("config-changed", &[], list, |hook| hook.storage(Data)?.location().map(drop));
    assert_eq!(ran.report.exit_code(), 1);
    assert!(ran.failure().contains("data/1"), "{}", ran.failure());
}

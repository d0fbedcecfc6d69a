//! A charm with storage, on a model that attaches, provisions and detaches it.

use std::fs;
use std::path::PathBuf;

use charmwright_agent::{RecordedCall, StorageState};

use super::charms::storage::Keeper;
use super::juju::{Juju, Ran, VERSIONS, assert_all_done, hooks_of, name};

const UNIT: &str = "storage/0";

/// A model whose storage is in a folder.
struct Keeping {
    juju: Juju,
    folder: tempfile::TempDir,
}

impl Keeping {
    /// Deploys the charm. `provisions` says whether the model provisions storage by itself.
    fn new(version: &str, copies: &'static str, provisions: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let mut juju = Juju::with_settings(|settings| {
            let settings = settings.juju_version(version.parse().unwrap());
            settings.storage_directory(path).provision_storage(provisions)
        });
        // The model does no I/O, so the folders of its instances are made here.
        for instance in ["notes/0", "copies/0", "copies/1", "copies/2", "copies/3"] {
            fs::create_dir_all(folder.path().join(instance)).unwrap();
        }
        juju.deploy_with("storage", |charm| charm.config("copies", copies), || Keeper);
        Self { juju, folder }
    }

    fn provision(&mut self, id: &str) -> Vec<Ran> {
        self.juju.with(|model| model.provision_storage(&id.parse().unwrap())).unwrap();
        let ran = self.juju.settle();
        assert_all_done(&ran);
        ran
    }

    /// Returns the ids of the copies that the unit has.
    fn copies(&self) -> Vec<String> {
        self.juju.with(|model| {
            let of_unit = model.storages().filter(|it| it.unit() == Some(&name(UNIT)));
            let ids = of_unit.map(|it| it.id().to_string());
            ids.filter(|id| id.starts_with("copies")).collect()
        })
    }

    fn folder(&self, id: &str) -> PathBuf {
        self.folder.path().join(id)
    }

    fn has(&self, id: &str, file: &str) -> bool {
        self.folder(id).join(file).exists()
    }
}

/// Returns what the hooks asked Juju to add.
fn added(ran: &[Ran]) -> Vec<&str> {
    let calls = ran.iter().flat_map(|hook| &hook.calls);
    let adds = calls.filter(|call| call.tool() == "storage-add" && call.succeeded());
    adds.map(|call| call.args()[0].as_str()).collect()
}

#[test]
fn the_unit_keeps_its_notes_in_its_storage() {
    for version in VERSIONS {
        let mut keeping = Keeping::new(version, "0", true);
        let ran = keeping.juju.settle();
        assert_all_done(&ran);
        assert_eq!(hooks_of(&ran, UNIT)[..2], ["notes-storage-attached", "install"]);
        let asked: Vec<_> = ran[0].calls.iter().map(RecordedCall::tool).collect();
        assert!(!asked.contains(&"storage-get"), "the hook has the location: {asked:?}");
        let path = keeping.folder("notes/0");
        let status = format!("active: keeps notes in {}, 0 copies", path.display());
        assert_eq!(keeping.juju.status(UNIT), status);
        // What is there already is kept.
        let notes = path.join("notes");
        assert_eq!(fs::read_to_string(&notes).unwrap(), "the first note\n");
        fs::write(&notes, "my own").unwrap();
        assert_all_done(&keeping.juju.update_status());
        assert_eq!(fs::read_to_string(&notes).unwrap(), "my own");
    }
}

#[test]
fn copies_are_asked_for_once_and_written_when_they_are_there() {
    for version in VERSIONS {
        let mut keeping = Keeping::new(version, "2", false);
        // Nothing is installed before the storage is there.
        assert_eq!(keeping.juju.settle().len(), 0);
        assert_eq!(added(&keeping.provision("notes/0")), ["copies=2"]);
        let copies = keeping.copies();
        let [first, second] = copies.as_slice() else { panic!("{copies:?}") };
        // Juju lists both, and has provisioned neither.
        assert_eq!(added(&keeping.juju.update_status()), [""; 0]);
        let ran = keeping.provision(second);
        assert_eq!((hooks_of(&ran, UNIT), added(&ran)), (vec!["copies-storage-attached"], vec![]));
        assert!(keeping.has(second, "notes") && !keeping.has(first, "notes"));
        keeping.provision(first);
        assert!(keeping.has(first, "notes"));
        assert!(keeping.juju.status(UNIT).ends_with("2 copies"));
    }
}

#[test]
fn a_copy_that_is_detached_is_marked_and_another_asked_for() {
    for version in VERSIONS {
        let mut keeping = Keeping::new(version, "1", true);
        assert_all_done(&keeping.juju.settle());
        let [first] = keeping.copies().try_into().unwrap();
        fs::remove_file(keeping.folder(&first).join("notes")).unwrap();
        keeping.juju.with(|model| model.detach_storage(&first.parse().unwrap())).unwrap();
        let ran = keeping.juju.settle();
        assert_all_done(&ran);
        // Juju counts the leaving one until the hook has ended.
        assert_eq!((hooks_of(&ran, UNIT), added(&ran)), (vec!["copies-storage-detaching"], vec![]));
        assert!(keeping.has(&first, "detached"));
        assert!(!keeping.has(&first, "notes"), "it is not among the copies any more");
        let ran = keeping.juju.update_status();
        assert_all_done(&ran);
        assert_eq!(hooks_of(&ran, UNIT), ["update-status", "copies-storage-attached"]);
        assert_eq!(added(&ran), ["copies=1"]);
        let [second] = keeping.copies().try_into().unwrap();
        assert!(second != first && keeping.has(&second, "notes"));
        let id = first.parse().unwrap();
        let state = keeping.juju.with(|model| model.storage(&id).unwrap().state());
        assert_eq!(state, StorageState::Detached);
        // The operator gives it back, and the unit has one more than it asks for.
        keeping.juju.with(|model| model.attach_storage(&name(UNIT), &id)).unwrap();
        let ran = keeping.juju.settle();
        assert_all_done(&ran);
        assert_eq!((hooks_of(&ran, UNIT), added(&ran)), (vec!["copies-storage-attached"], vec![]));
        assert!(keeping.has(&first, "notes"));
    }
}

#[test]
fn a_unit_that_goes_marks_its_copies_and_adds_none() {
    for version in VERSIONS {
        let mut keeping = Keeping::new(version, "1", true);
        assert_all_done(&keeping.juju.settle());
        let [copy] = keeping.copies().try_into().unwrap();
        keeping.juju.with(|model| model.remove_unit(&name(UNIT))).unwrap();
        let ran = keeping.juju.settle();
        assert_all_done(&ran);
        let hooks = hooks_of(&ran, UNIT);
        assert!(hooks.contains(&"copies-storage-detaching"), "{hooks:?}");
        assert!(hooks.ends_with(&["stop", "remove"]), "{hooks:?}");
        assert!(keeping.has(&copy, "detached"));
        assert_eq!(added(&ran), [""; 0]);
    }
}

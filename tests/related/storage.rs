//! A charm with storage. The storage is played: its hooks, and what the tools say of it.

use std::fs;
use std::path::Path;

use super::charms::storage::Keeper;
use super::juju::{Juju, Ran, assert_all_done};

/// Juju's text about the second copy while it is not provisioned (measured on Juju 3.6 and 4.0).
const NOT_PROVISIONED: &str = "ERROR invalid value \"copies/2\" for option -s: storage attachment \
                               \"copies/2\" on \"storage/0\" not provisioned";

/// A unit that has started, and folders that stand for its storage.
struct Played {
    juju: Juju,
    folder: tempfile::TempDir,
}

impl Played {
    fn new(copies: &str) -> Self {
        let mut juju = Juju::new();
        let deploy = |charm: charmwright_agent::Deployment| charm.config("copies", copies);
        juju.deploy_on_machine("storage", deploy, || Keeper);
        assert_all_done(&juju.settle());
        let folder = tempfile::tempdir().unwrap();
        for id in ["notes-0", "copies-1", "copies-2"] {
            fs::create_dir(folder.path().join(id)).unwrap();
        }
        Self { juju, folder }
    }

    fn path(&self, id: &str) -> String {
        self.folder.path().join(id.replace('/', "-")).to_str().unwrap().to_owned()
    }

    /// Runs a hook. `copies` are the ids as Juju lists them. `asked` are those of which the charm asks
    /// for the location, in that order, and `-` stands for `copies/2` while it is not provisioned.
    fn run(&mut self, hook: &str, about: Option<&str>, copies: &[&str], asked: &[&str]) -> Ran {
        let info = |id: &str| match id {
            "-" => NOT_PROVISIONED.to_owned(),
            id => format!(r#"{{"kind":"filesystem","location":"{}"}}"#, self.path(id)),
        };
        let list = format!("{copies:?}");
        let infos: Vec<String> = asked.iter().map(|id| info(id)).collect();
        let mut answers =
            vec![("storage-list", r#"["notes/0"]"#), ("storage-list", &list), ("storage-add", "")];
        answers.extend(infos.iter().map(|info| ("storage-get", info.as_str())));
        let location = about.map(|id| self.path(id)).unwrap_or_default();
        let variables = [
            ("JUJU_STORAGE_ID", about.unwrap_or_default()),
            ("JUJU_STORAGE_KIND", about.map_or("", |_| "filesystem")),
            ("JUJU_STORAGE_LOCATION", location.as_str()),
        ];
        let ran = self.juju.play_hook("storage/0", hook, &variables, &answers);
        for tool in ["storage-list", "storage-add", "storage-get"] {
            self.juju.tools_of("storage/0").restore_tool(tool);
        }
        assert_all_done(std::slice::from_ref(&ran));
        ran
    }

    fn has(&self, id: &str, file: &str) -> bool {
        Path::new(&self.path(id)).join(file).exists()
    }
}

/// Returns what a hook asked Juju to add.
fn added(ran: &Ran) -> Vec<&str> {
    let adds = ran.calls.iter().filter(|call| call.tool() == "storage-add");
    adds.map(|call| call.args()[0].as_str()).collect()
}

#[test]
fn the_unit_waits_for_its_storage_and_then_keeps_its_notes_there() {
    let mut played = Played::new("0");
    assert_eq!(played.juju.status("storage/0"), "waiting: notes: the storage is not attached yet");
    let ran = played.run("notes-storage-attached", Some("notes/0"), &[], &[]);
    assert!(ran.calls.iter().all(|call| call.tool() != "storage-get"), "the hook has its location");
    let path = played.path("notes/0");
    let status = format!("active: keeps notes in {path}, 0 copies");
    assert_eq!(played.juju.status("storage/0"), status);
    // What is there already is kept.
    fs::write(Path::new(&path).join("notes"), "my own").unwrap();
    played.run("config-changed", None, &[], &["notes/0"]);
    assert_eq!(fs::read_to_string(Path::new(&path).join("notes")).unwrap(), "my own");
}

#[test]
fn copies_are_asked_for_once_and_written_when_they_are_there() {
    let mut played = Played::new("2");
    let ran = played.run("notes-storage-attached", Some("notes/0"), &[], &[]);
    assert_eq!(added(&ran), ["copies=2"]);
    // Juju lists both, and has provisioned the first.
    let both = ["copies/1", "copies/2"];
    let ran = played.run("copies-storage-attached", Some("copies/1"), &both, &["notes/0", "-"]);
    assert_eq!(added(&ran), [""; 0]);
    let ran = played.run("config-changed", None, &both, &["notes/0", "copies/1", "copies/2"]);
    assert_eq!(added(&ran), [""; 0]);
    assert!(played.has("copies/1", "notes") && played.has("copies/2", "notes"));
    assert!(played.juju.status("storage/0").ends_with("2 copies"));
}

#[test]
fn a_copy_that_is_detached_is_marked_and_another_asked_for() {
    let mut played = Played::new("1");
    let ran = played.run("copies-storage-detaching", Some("copies/1"), &["copies/1"], &["notes/0"]);
    assert!(played.has("copies/1", "detached"), "{ran:#?}");
    assert!(!played.has("copies/1", "notes"), "it is not among the copies any more");
    assert_eq!(added(&ran), ["copies=1"]);
    assert!(played.juju.status("storage/0").ends_with("0 copies"));
}

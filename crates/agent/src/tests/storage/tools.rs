//! Tests of storage-list, storage-get and storage-add of a unit that has storage.
//!
//! The expected texts are those of reference `juju-agent-measured.md` 3.8, or of the source of Juju
//! 3.6.

use std::time::Instant;

use super::super::super::{Deployment, HookExit, Model, Substrate};
use super::{
    begin, charm, failure, finish, id, instances, model_on, optional, run_all, settings, stdout,
    unit,
};

#[test]
fn storage_is_listed_in_every_format() {
    let mut model = Model::new(settings(Substrate::Kubernetes));
    model.deploy("web", Deployment::charm(charm()).storage("logs", 1)).unwrap();
    // Nothing is provisioned before the unit has started, and the list has it all the same.
    assert_eq!(begin(&mut model, "web/0"), "install");
    for (line, out) in [
        (&["storage-list"][..], "blk/0\ndata/1\nlogs/2\nmany/3\nmany/4\n"),
        (&["storage-list", ""], "blk/0\ndata/1\nlogs/2\nmany/3\nmany/4\n"),
        (&["storage-list", "many", "--format=yaml"], "- many/3\n- many/4\n"),
        (&["storage-list", "many", "--format=json"], "[\"many/3\",\"many/4\"]\n"),
        (&["storage-list", "nope"], ""),
        (&["storage-list", "nope", "--format=yaml"], "[]\n"),
    ] {
        assert_eq!(stdout(&mut model, "web/0", line), out, "{line:?}");
    }
    for (storage, what) in [("data/1", "filesystem"), ("blk/0", "volume")] {
        let number = storage.split_once('/').unwrap().1;
        let error = format!(
            "invalid value {storage:?} for option -s: {what} attachment \"{number}\" on \"unit \
             web/0\" not provisioned"
        );
        assert_eq!(failure(&mut model, "web/0", &["storage-get", "-s", storage]), (2, error));
    }
    // Juju asks once in a hook.
    model.detach_storage(&id("logs/2")).unwrap();
    assert_eq!(stdout(&mut model, "web/0", &["storage-list", "logs"]), "logs/2\n");
}

#[test]
fn an_instance_is_printed_whole_or_by_its_attribute() {
    let mut model = model_on(Substrate::Machine, charm());
    assert_eq!(begin(&mut model, "web/0"), "blk-storage-attached blk/0");
    for (line, out) in [
        (&["storage-get"][..], "kind: block\nlocation: /dev/loop0\n"),
        (&["storage-get", "--format=yaml"], "kind: block\nlocation: /dev/loop0\n"),
        (&["storage-get", ""], "kind: block\nlocation: /dev/loop0\n"),
        (&["storage-get", "kind"], "block\n"),
        (&["storage-get", "location", "--format=json"], "\"/dev/loop0\"\n"),
        (&["storage-get", "-s", "data/1", "location"], "/srv/data\n"),
        (
            &["storage-get", "-s", "many/2", "--format=json"],
            "{\"kind\":\"filesystem\",\"location\":\"/srv/many/many/2\"}\n",
        ),
    ] {
        assert_eq!(stdout(&mut model, "web/0", line), out, "{line:?}");
    }
    for (line, code, error) in [
        (&["storage-get", "bogus"][..], 1, "invalid storage attribute \"bogus\""),
        (&["storage-get", "kind", "x"], 2, "unrecognized args: [\"x\"]"),
        (
            &["storage-get", "-s", "data"],
            2,
            "invalid value \"data\" for option -s: invalid storage ID \"data\"",
        ),
        (
            &["storage-get", "-s", "data/9"],
            2,
            "invalid value \"data/9\" for option -s: storage attachment \"data/9\" on \"web/0\" \
             not found",
        ),
        (
            &["storage-get", "-s", "data/99999999999"],
            2,
            "invalid value \"data/99999999999\" for option -s: storage attachment \
             \"data/99999999999\" on \"web/0\" not found",
        ),
    ] {
        assert_eq!(failure(&mut model, "web/0", line), (code, error.to_owned()), "{line:?}");
    }
    // Only a storage hook has a default, and another unit's storage is not found.
    run_all_after(&mut model);
    model.add_unit("web").unwrap();
    model.update_status(&unit("web/0")).unwrap();
    begin(&mut model, "web/0");
    assert_eq!(
        failure(&mut model, "web/0", &["storage-get"]),
        (2, "no storage instance specified".into())
    );
    assert_eq!(failure(&mut model, "web/0", &["storage-get", "-s", "blk/4"]).0, 2);
}

fn run_all_after(model: &mut Model) {
    finish(model, "web/0", 0);
    run_all(model, "web/0");
}

#[test]
fn storage_add_takes_effect_at_the_commit() {
    let mut model = model_on(Substrate::Machine, optional());
    assert_eq!(begin(&mut model, "opt/0"), "install");
    assert_eq!(stdout(&mut model, "opt/0", &["storage-add", "logs"]), "");
    // Several calls add up.
    assert_eq!(stdout(&mut model, "opt/0", &["storage-add", "logs=2"]), "");
    assert_eq!(stdout(&mut model, "opt/0", &["storage-list"]), "");
    assert!(instances(&model).is_empty());
    finish(&mut model, "opt/0", 0);
    assert_eq!(instances(&model).len(), 3);
    assert_eq!(
        run_all(&mut model, "opt/0"),
        [
            "leader-elected",
            "logs-storage-attached logs/0",
            "logs-storage-attached logs/1",
            "logs-storage-attached logs/2",
            "config-changed",
            "start",
        ]
    );
    // A hook that fails adds nothing.
    model.detach_storage(&id("logs/2")).unwrap();
    assert_eq!(begin(&mut model, "opt/0"), "logs-storage-detaching logs/2");
    stdout(&mut model, "opt/0", &["storage-add", "logs"]);
    finish(&mut model, "opt/0", 1);
    assert_eq!(instances(&model).len(), 3);
}

#[test]
fn a_commit_is_refused_that_adds_what_the_charm_does_not_declare() {
    for (lines, error) in [
        (
            &[&["storage-add", "nope"][..]][..],
            "adding storage nope for unit-opt-0: storage \"nope\" not found",
        ),
        (
            &[&["storage-add", "logs=4"][..]],
            "attaching 4 storage instances brings the total to 4, exceeding the maximum of 3",
        ),
        (
            &[&["storage-add", "logs=3"][..], &["storage-add", "logs"]],
            "attaching 1 storage instance brings the total to 4, exceeding the maximum of 3",
        ),
    ] {
        let mut model = model_on(Substrate::Machine, optional());
        begin(&mut model, "opt/0");
        stdout(&mut model, "opt/0", &["state-set", "a=1"]);
        for line in lines {
            assert_eq!(stdout(&mut model, "opt/0", line), "");
        }
        let exit = HookExit::Code(0);
        let opt = unit("opt/0");
        let finished = model.finish(&opt, &exit, Instant::now(), b"", b"").unwrap();
        assert_eq!(finished.error(), Some(error));
        assert!(model.unit(&opt).unwrap().state().is_empty() && instances(&model).is_empty());
    }
    // A unit that is being removed gets none.
    let mut model = model_on(Substrate::Machine, optional());
    begin(&mut model, "opt/0");
    stdout(&mut model, "opt/0", &["storage-add", "logs"]);
    model.remove_unit(&unit("opt/0")).unwrap();
    let exit = HookExit::Code(0);
    let finished = model.finish(&unit("opt/0"), &exit, Instant::now(), b"", b"").unwrap();
    assert_eq!(finished.error(), Some("unit is not found or not alive"));
}

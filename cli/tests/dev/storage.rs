//! The storage of a charm: a folder that is kept while the unit lives, the operator's commands on
//! it, and its place in a container.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::containers::{args, charm as charm_with_pebble};
use crate::support::{Charm, Run, wait_until};

/// Notes each hook with the storage that it is about.
const NOTES: &str = "echo $JUJU_HOOK_NAME $JUJU_STORAGE_ID >>$OUT/hooks\n";

const METADATA: &str = "name: web\nsummary: s\ndescription: d\nstorage:\n\
    \x20 data: {type: filesystem}\n\
    \x20 cache: {type: filesystem, multiple: {range: 0-2}}\n\
    \x20 disk: {type: block, multiple: {range: 0-}}\n";

fn machine_charm(dispatch: &str) -> Charm {
    let charm = Charm::with_dispatch(&format!("{NOTES}{dispatch}"));
    charm.write("metadata.yaml", METADATA);
    charm
}

/// Returns the hooks that ran, but for update-status.
fn hooks(charm: &Charm) -> Vec<String> {
    let hooks = charm.note("hooks");
    let hooks = hooks.lines().filter(|hook| !hook.starts_with("update-status"));
    hooks.map(|hook| hook.trim_end().to_owned()).collect()
}

#[test]
fn storage_comes_before_install_on_a_machine_and_goes_before_stop() {
    for juju in ["3.6.28", "4.0.15"] {
        let charm = machine_charm(
            "case $JUJU_HOOK_NAME in\n\
             data-storage-attached) date >\"$JUJU_STORAGE_LOCATION/made\" ;;\n\
             start) storage-add disk; storage-list >$OUT/before ;;\n\
             disk-storage-attached)\n\
             \x20   [ \"$(storage-get location)\" = \"$JUJU_STORAGE_LOCATION\" ] || exit 1\n\
             \x20   test -f \"$JUJU_STORAGE_LOCATION\" && storage-get kind >$OUT/kind ;;
\
             *-storage-detaching) test -e \"$JUJU_STORAGE_LOCATION\" || exit 1 ;;\n\
             esac\nstatus-set active",
        );
        charm
            .run(&["--juju", juju], "wait-for active\nstatus\n")
            .exits(0)
            .says("Storage  Kind        State     Unit   Location")
            .says("data/0   filesystem  attached  web/0  /")
            .says("disk/1   block       attached  web/0  /");
        let wanted = [
            "data-storage-attached data/0",
            "install",
            "leader-elected",
            "config-changed",
            "start",
            "disk-storage-attached disk/1",
            "data-storage-detaching data/0",
            "disk-storage-detaching disk/1",
            "stop",
            "remove",
        ];
        assert_eq!(hooks(&charm), wanted);
        assert_eq!(charm.note("before").trim_end(), "data/0", "storage-add counts at the commit");
        assert_eq!(charm.note("kind").trim_end(), "block");
    }
}

#[test]
fn a_detached_instance_keeps_its_files() {
    let charm = machine_charm(
        "case $JUJU_HOOK_NAME in cache-storage-attached)\n\
         cat \"$JUJU_STORAGE_LOCATION/kept\" >>$OUT/found 2>/dev/null\n\
         echo $JUJU_STORAGE_ID >\"$JUJU_STORAGE_LOCATION/kept\"\n\
         chmod 0750 \"$JUJU_STORAGE_LOCATION\" ;;\n\
         cache-storage-detaching) stat -c %a \"$JUJU_STORAGE_LOCATION\" >>$OUT/mode ;;\n\
         esac\nstatus-set active",
    );
    charm
        .run(
            &[],
            "wait-for active\nattach-storage cache\nwait-for idle\ndetach-storage cache/1\n\
             wait-for idle\nstatus\nattach-storage cache\nattach-storage cache/1\nwait-for idle\n\
             detach-storage cache/2\nwait-for idle\ndetach-storage cache/2\n",
        )
        .exits(0)
        .says("cache/1 is attached to web/0")
        .says("cache/1 is detached once its hook has run")
        .says("cache/1  filesystem  detached\n")
        .says("cache/2 is detached\n");
    assert_eq!(charm.note("found"), "cache/1\n");
    assert_eq!(charm.note("mode"), "750\n750\n750\n", "its mode is the charm's");
    let hooks = hooks(&charm);
    let cache = hooks.iter().filter(|hook| hook.starts_with("cache"));
    let wanted = [
        "cache-storage-attached cache/1",
        "cache-storage-detaching cache/1",
        "cache-storage-attached cache/2",
        "cache-storage-attached cache/1",
        "cache-storage-detaching cache/2",
        "cache-storage-detaching cache/1",
    ];
    assert_eq!(cache.collect::<Vec<_>>(), wanted);
}

/// Prepares what [`EDIT`] puts in the place of the author's files: other metadata, and a dispatch
/// that notes that it ran.
fn prepare_edit(charm: &Charm, metadata: &str) {
    charm.write("../out/metadata", metadata);
    charm.write("../out/dispatch", "#!/bin/sh\necho $JUJU_HOOK_NAME >>$OUT/second\n");
    charm.write("actions.yaml", "edit: {}\n");
}

/// The action `edit`, which comes while the unit runs, as an author's edit does.
const EDIT: &str = "[ \"$JUJU_DISPATCH_PATH\" != actions/edit ] || {\n\
    \x20 cd $OUT && cp metadata ../charm/metadata.yaml && cp dispatch ../charm/dispatch; }\n";

const REFUSED: &str = "cannot refresh application \"web\": required storage \"data\" removed";

#[test]
fn a_charm_that_juju_refuses_does_not_replace_the_one_that_runs() {
    let charm = machine_charm(&format!("{EDIT}status-set active"));
    prepare_edit(&charm, "name: web\nsummary: s\ndescription: d\n");
    let script = "wait-for active\nrun edit\nwait-for idle\ntry upgrade\nwait-for idle\n\
        attach-storage cache\nwait-for idle\n";
    charm.run(&[], script).exits(0).says(REFUSED);
    assert_eq!(charm.note("second"), "", "the hooks are those of the charm that runs");
    let hooks = hooks(&charm);
    assert!(!hooks.iter().any(|hook| hook == "upgrade-charm"), "{hooks:?}");
}

#[test]
fn on_kubernetes_a_charm_that_juju_refuses_does_not_end_the_pod() {
    let test = "on_kubernetes_a_charm_that_juju_refuses_does_not_end_the_pod";
    let Some((charm, options)) = charm_with_pebble(test, &format!("{EDIT}status-set active"))
    else {
        return;
    };
    mounting(&charm, "  web: {}\n");
    let bare = "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}\n";
    prepare_edit(&charm, bare);
    let script = "wait-for active\nrun edit\nwait-for idle\ntry upgrade\nwait-for idle\n";
    charm.run(&args(&options), script).exits(0).says(REFUSED);
    assert_eq!(charm.note("second"), "", "the hooks are those of the charm that runs");
    let stops = hooks(&charm).iter().filter(|hook| *hook == "stop").count();
    assert_eq!(stops, 1, "the pod ends with the unit only");
}

#[test]
fn a_wrong_command_on_storage_says_why() {
    let charm = machine_charm("status-set active");
    let run = charm
        .run(
            &[],
            "wait-for active\n\
             try attach-storage\ntry attach-storage data\ntry attach-storage dat\n\
             try attach-storage nothing-like-it\ntry attach-storage data=2\n\
             try attach-storage data/9\ntry attach-storage data/x\ntry attach-storage cache disk\n\
             try detach-storage data\ntry detach-storage data/0\ntry detach-storage cache/7\n\
             attach-storage cache\nattach-storage cache\ntry attach-storage cache\n",
        )
        .exits(0)
        .says("attach-storage NAME[/N]")
        .says("cannot add storage \"data\" to web/0: cannot attach, storage is singular")
        .says("charm storage \"dat\" not found; did you mean `data`?")
        .says("charm storage \"nothing-like-it\" not found; the charm declares cache, data, disk")
        .says("each call adds one instance")
        .says("storage instance \"data/9\" not found; there is data/0")
        .says("cannot find storage data/x")
        .says("`data` is no instance; `status` lists them, as data/0")
        .says("data/0:web/0: cannot detach, storage is singular")
        .says("storage instance \"cache/7\" not found")
        .says("brings the total to 3, exceeding the maximum of 2");
    assert_eq!(run.stdout.matches("`try` lets it go").count(), 12, "{}", run.stdout);
    let none = Charm::with_dispatch("");
    none.run(&[], "attach-storage data\n").exits(1).says("the charm declares no storage");
    none.run(&[], "detach-storage data/0\n").exits(1).says("there is no storage");
    let help = none.run(&[], "help\n").exits(0);
    help.says("attach-storage NAME[/N]").says("detach-storage NAME/N").says("attach-resource NAME");
}

#[test]
fn a_workload_leaves_no_folder_that_cannot_be_removed() {
    let charm = machine_charm(
        "[ $JUJU_HOOK_NAME = install ] || exit 0\n\
         cd \"$(storage-get -s data/0 location)\" && mkdir -p a/b && touch a/b/file && \
         ln -s $OUT outside && chmod 0500 a/b && chmod 0 a && echo done >$OUT/made",
    );
    // `run` checks that nothing is left. Root may remove all of it anyway.
    charm.run(&[], "wait-for unknown\n").exits(0);
    assert_eq!(charm.note("made"), "done\n");
}

/// Starts a service that appends a line to the storage, at the path of the container.
const SERVICE: &str = r#"case $JUJU_HOOK_NAME in
data-storage-attached) storage-get location >$OUT/location ;;
web-pebble-ready)
    cat >layer.yaml <<END
services:
  main:
    override: replace
    startup: enabled
    command: sh -c "echo line >>$OUT/mnt/data/log; exec sleep 300"
END
    lines=$(wc -l <$OUT/mnt/data/log 2>/dev/null || echo 0)
    $PEBBLE add main layer.yaml && $PEBBLE replan >/dev/null || exit 1
    until [ "$(wc -l <$OUT/mnt/data/log)" -gt $lines ]; do sleep 0.01; done
    status-set active ;;
upgrade-charm) status-set waiting ;;
esac"#;

fn mounting(charm: &Charm, containers: &str) {
    let storage = "storage: {data: {type: filesystem}, logs: {type: filesystem}, \
                   more: {type: filesystem, multiple: {range: 0-}}}";
    charm.write(
        "metadata.yaml",
        &format!("name: web\nsummary: s\ndescription: d\n{storage}\ncontainers:\n{containers}"),
    );
}

#[test]
fn a_container_finds_storage_at_its_mount_through_every_restart() {
    let test = "a_container_finds_storage_at_its_mount_through_every_restart";
    let Some((charm, options)) = charm_with_pebble(test, SERVICE) else { return };
    mounting(
        &charm,
        "  web: {mounts: [{storage: data, location: $OUT/mnt/data/}]}\n\
         \x20 side: {mounts: [{storage: data, location: $OUT/side}]}\n",
    );
    let mount = charm.out().join("mnt/data");
    let mut child = charm.start(
        &args(&options),
        "wait-for active\npebble kill\nwait-for idle\npebble start\nwait-for active\nupgrade\n\
         wait-for active\n",
    );
    wait_until("the third start of the service", || {
        fs::read_to_string(mount.join("log")).is_ok_and(|log| log.lines().count() >= 3)
    });
    let location = charm.wait_for_note("location");
    assert_eq!(fs::read_link(&mount).unwrap().display().to_string(), location.trim_end());
    assert_eq!(fs::read_link(charm.out().join("side")).unwrap(), fs::read_link(&mount).unwrap());
    drop(child.stdin.take());
    Run::from(child.wait_with_output().unwrap()).exits(0);
    charm.assert_nothing_left();
    assert!(!charm.out().join("mnt").exists() && !charm.out().join("side").is_symlink());
    let hooks = hooks(&charm);
    let start = hooks.iter().position(|hook| hook == "start");
    let attached = hooks.iter().position(|hook| hook == "data-storage-attached");
    assert!(start.is_some() && start < attached, "{hooks:?}");
    let end = ["data-storage-detaching", "logs-storage-detaching", "stop", "remove"];
    assert!(hooks.ends_with(&end.map(str::to_owned)), "{hooks:?}");
    let attached = hooks.iter().filter(|hook| hook.ends_with("-storage-attached")).count();
    assert_eq!(attached, 2, "a new pod has the same storage: {hooks:?}");
}

#[test]
fn a_mount_that_cannot_be_made_is_told_once_and_the_run_goes_on() {
    let test = "a_mount_that_cannot_be_made_is_told_once_and_the_run_goes_on";
    let dispatch = "case $JUJU_HOOK_NAME in *-pebble-ready) status-set active ;; esac";
    let Some((charm, options)) = charm_with_pebble(test, dispatch) else { return };
    mounting(
        &charm,
        "  web:\n    mounts:\n\
         \x20   - {storage: data, location: $OUT/taken}\n\
         \x20   - {storage: data, location: data}\n\
         \x20   - {storage: data, location: $OUT/../out/up}\n\
         \x20   - {storage: data, location: $OUT/users}\n\
         \x20   - {storage: data, location: $OUT/file/data}\n\
         \x20   - {storage: data, location: $OUT/shared}\n\
         \x20   - {storage: logs, location: $OUT/shared/logs}\n\
         \x20   - {storage: data, location: $OUT/old}\n\
         \x20 side:\n    mounts: [{storage: logs, location: $OUT/shared}]\n",
    );
    let at = |name: &str| charm.out().join(name);
    fs::create_dir(at("taken")).unwrap();
    fs::write(at("file"), "a file").unwrap();
    // One leads to a disk that is not there now, the other was left by a run that was killed.
    symlink("/mnt/a-disk", at("users")).unwrap();
    symlink("/tmp/charmwright-gone/storage/data/0", at("old")).unwrap();
    let run = charm.run(&args(&options), "wait-for active\nattach-storage more\nwait-for idle\n");
    let run = run.exits(0).says("more/2 is attached to web/0; Juju takes this command on machines");
    let notes: Vec<&str> =
        run.stdout.lines().filter(|line| line.contains("cannot mount storage")).collect();
    assert_eq!(notes.len(), 6, "{notes:#?}");
    for (path, why) in [
        (at("taken").display().to_string(), "something else is there"),
        ("data".to_owned(), "no absolute path"),
        (charm.out().join("../out/up").display().to_string(), "has a `..`"),
        (at("users").display().to_string(), "something else is there"),
        (at("file/data").display().to_string(), "Not a directory"),
        (at("shared").display().to_string(), "another storage of the charm is mounted there"),
    ] {
        let told = notes.iter().find(|note| note.contains(&format!("storage at {path} for ")));
        assert!(told.is_some_and(|note| note.contains(why)), "{path}: {notes:#?}");
    }
    assert_eq!(fs::read_link(at("users")).unwrap().to_str(), Some("/mnt/a-disk"));
    assert!(at("taken").is_dir() && !at("old").is_symlink() && !at("shared").is_symlink());
}

#[test]
fn a_kill_of_the_command_removes_the_mounts_too() {
    let test = "a_kill_of_the_command_removes_the_mounts_too";
    let dispatch = "[ $JUJU_HOOK_NAME != start ] || echo up >$OUT/started";
    let Some((charm, options)) = charm_with_pebble(test, dispatch) else { return };
    mounting(&charm, "  web: {mounts: [{storage: data, location: $OUT/a/b}]}\n");
    let mut child = charm.start(&args(&options), "");
    charm.wait_for_note("started");
    assert!(charm.out().join("a/b").is_dir());
    let mode = fs::metadata(charm.out().join("a/b")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    child.kill().unwrap();
    child.wait().unwrap();
    charm.assert_nothing_left();
    assert!(!charm.out().join("a").exists());
}

//! The run's files and config values stay private, and text from outside does not act on the
//! terminal.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use crate::support::{Charm, Run, wait_until};

const FAST: &[&str] = &["--speed", "100"];

/// Returns the name, kind and mode of everything below `folder` except for links, which have no
/// mode of their own.
fn modes(folder: &Path) -> Vec<(String, bool, u32)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let mode = fs::metadata(&folder).unwrap().mode() & 0o7777;
        found.push((folder.display().to_string(), true, mode));
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() || kind.is_socket() {
                let mode = entry.metadata().unwrap().mode() & 0o7777;
                found.push((entry.path().display().to_string(), false, mode));
            }
        }
    }
    found
}

#[test]
fn no_umask_opens_the_runs_files_to_others() {
    for umask in ["000", "077", "777"] {
        let charm = Charm::with_dispatch(
            "[ $JUJU_HOOK_NAME = install ] || exit 0; juju-log hello; umask >$OUT/umask; touch \
             $OUT/began; until [ -e $OUT/go ]; do sleep 0.01; done",
        );
        let dir = charm.out().join("parent/run");
        let shell = format!("umask {umask}; exec \"$@\"");
        let args = ["--dir", &dir.display().to_string()];
        let child = charm.start_within(&["sh", "-c", &shell, "sh"], &args, "");
        wait_until("the hook", || charm.out().join("began").exists());
        let found = modes(&charm.out().join("parent"));
        fs::write(charm.out().join("go"), "").unwrap();
        Run::from(child.wait_with_output().unwrap()).exits(0);
        assert!(found.iter().any(|(name, ..)| name.ends_with("/agent.socket")), "{found:?}");
        assert!(found.iter().any(|(name, ..)| name.ends_with("/unit.log")), "{found:?}");
        for (name, is_folder, mode) in &found {
            let socket = name.ends_with(".socket");
            // The folder of the charm's copy is closed to others, and the files in it keep the
            // author's modes.
            if name.contains("/run/charm/") {
                continue;
            }
            let wanted = if *is_folder || socket { 0o700 } else { 0o600 };
            assert_eq!(*mode, wanted, "umask {umask}: {name} has {mode:o}");
        }
        // A charm gets the umask that it has under Juju's agent, or a stricter one if the user has
        // that.
        let wanted = if umask == "000" { "0022\n" } else { "0077\n" };
        assert_eq!(charm.note("umask"), wanted);
    }
}

#[test]
fn a_folder_that_others_can_reach_is_refused_and_no_link_is_followed() {
    let charm = Charm::with_dispatch("");
    let dir = charm.out().join("run");
    let run = || charm.run(&["--dir", &dir.display().to_string()], "wait-for unknown\n");
    fs::create_dir(&dir).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o777)).unwrap();
    run().exits(1).says("its mode is 0777, and has to be 0700").says("chmod 700");
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    run().exits(0);
    let precious = charm.out().join("precious");
    fs::write(&precious, "years of work").unwrap();
    fs::remove_file(dir.join("unit.log")).unwrap();
    symlink(&precious, dir.join("unit.log")).unwrap();
    run().exits(1).says("unit.log in it cannot be written: it is a link");
    fs::remove_file(dir.join("unit.log")).unwrap();
    fs::hard_link(&precious, dir.join("unit.log")).unwrap();
    run().exits(1).says("another name");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "years of work");
}

#[test]
fn config_values_are_printed_and_logged_nowhere() {
    let charm = Charm::new(&[
        ("actions.yaml", "login: {params: {password: {type: string}}}\n"),
        ("actions/login", "#!/bin/sh\n"),
    ]);
    charm.write("config.yaml", "options:\n  environment: {type: string}\n  port: {type: int}\n");
    let dir = charm.out().join("run").display().to_string();
    let script = "wait-for unknown\nconfig environment=SECRET\ntry config environmnt=SECRET\n\
                  try config port=SECRET\ntry config environment SECRET\n\
                  try confg environment=SECRET\nenvironment=SECRET\n";
    let good = "run login password=SECRET\nexpect-action completed\n\
                fetch http://me:SECRET@127.0.0.1:1/?token=SECRET\n";
    for (args, script) in [
        (["--config", "environment=SECRET"], script),
        (["--config", "environment=SECRET"], good),
        (["--config", "port=SECRET"], ""),
        (["--config", "SECRET"], ""),
        (["--config", "environmnt=SECRET"], ""),
    ] {
        let run = charm.run(&[args[0], args[1], "--dir", &dir], script).exits(1);
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains("SECRET"), "{text}");
        }
        let log = fs::read_to_string(format!("{dir}/unit.log")).unwrap_or_default();
        assert!(!log.contains("SECRET"), "{log}");
    }
    let printed = charm.run(&["--config", "environment=SECRET"], "").exits(0);
    printed.says("config      environment=...");
}

#[test]
fn no_text_from_a_charm_acts_on_the_terminal_or_breaks_the_table() {
    let hostile = r"$(printf 'a\033[2J\007\r\302\233\342\200\256b')";
    let charm = Charm::new(&[
        ("actions.yaml", "show: {}\n"),
        (
            "actions/show",
            &format!(
                "#!/bin/sh\naction-log \"{hostile}\"; action-set x=\"{hostile}\"; echo \
                 \"{hostile}\"; action-fail \"{hostile}\"\n"
            ),
        ),
        (
            "dispatch",
            &format!(
                "#!/bin/sh\n[ -x $JUJU_DISPATCH_PATH ] && exec $JUJU_DISPATCH_PATH\n\
                 [ $JUJU_HOOK_NAME = install ] || exit 0\n\
                 application-version-set \"$(printf '1.0\\n2.0')\"\n\
                 status-set active \"{hostile}\"\n\
                 juju-log -l ERROR \"{hostile}\"; echo \"{hostile}\" >&2; echo \"{hostile}\"\n"
            ),
        ),
    ]);
    for args in [&["--speed", "100"][..], &["--speed", "100", "--format", "json"]] {
        let run = charm
            .run(args, "wait-for active\nrun show\nexpect-action failed\nstatus\nlog\n")
            .exits(0);
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{7}', '\r', '\u{9b}', '\u{202e}']), "{text:?}");
        }
        run.says("web  1.0 2.0  active");
    }
}

#[test]
fn a_status_of_any_length_is_cut() {
    let charm = Charm::with_dispatch(
        "[ $JUJU_HOOK_NAME = install ] || exit 0\n\
         status-set active \"$(head -c 65536 /dev/zero | tr '\\0' x)\"\n\
         application-version-set \"$(head -c 70000 /dev/zero | tr '\\0' y)\"",
    );
    let run = charm.run(FAST, "wait-for active\nstatus\nexpect active xxx\n").exits(0);
    assert!(run.stdout.lines().all(|line| line.chars().count() < 2100), "{}", run.stdout);
    assert!(run.stdout.contains("xxx…"));
}

//! However a run ends, it leaves no process, no socket and no folder. [`Charm::run`] checks that
//! for every orderly end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use crate::support::{Charm, Run, is_alive, signal, signal_pid, wait_until};

/// A program that leaves a daemon behind, outside of its process group and its session, and notes
/// the daemon's process id. The hook ends once the note is there: the end of the run kills the
/// daemon, which may be before it has written anything.
const LEAVES_A_DAEMON: &str = "[ $JUJU_HOOK_NAME = install ] || exit 0\nsetsid sh -c 'echo $$ \
                               >$OUT/daemon; exec sleep 300' >/dev/null 2>&1 &\nuntil [ -s \
                               $OUT/daemon ]; do sleep 0.01; done";

#[test]
fn what_a_hook_left_running_ends_with_the_run() {
    let charm = Charm::with_dispatch(LEAVES_A_DAEMON);
    charm.run(&[], "wait-for unknown\nquit\n").exits(0);
    assert!(!is_alive(&charm.wait_for_note("daemon")));
}

#[test]
fn a_kill_of_the_command_itself_leaves_nothing() {
    let charm = Charm::with_dispatch(LEAVES_A_DAEMON);
    let mut child = charm.start(&[], "");
    let daemon = charm.wait_for_note("daemon");
    assert!(is_alive(&daemon));
    child.kill().unwrap();
    child.wait().unwrap();
    charm.assert_nothing_left();
    assert!(!is_alive(&daemon));
}

#[test]
fn a_kill_of_its_inner_half_leaves_nothing() {
    let charm = Charm::with_dispatch(LEAVES_A_DAEMON);
    let child = charm.start(&[], "");
    let daemon = charm.wait_for_note("daemon");
    let inner = Command::new("ps")
        .args(["-o", "pid=", "--ppid", &child.id().to_string()])
        .output()
        .unwrap();
    signal_pid(String::from_utf8(inner.stdout).unwrap().trim(), "KILL");
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(run.code, Some(137));
    charm.assert_nothing_left();
    assert!(!is_alive(&daemon));
}

#[test]
fn ctrl_c_and_sigterm_run_stop_and_remove() {
    for name in ["INT", "TERM"] {
        let charm = Charm::with_dispatch("echo $JUJU_HOOK_NAME >>$OUT/hooks");
        let child = charm.start(&[], "");
        wait_until("start", || charm.note("hooks").contains("start"));
        signal(&child, name);
        Run::from(child.wait_with_output().unwrap()).exits(0);
        assert!(charm.note("hooks").ends_with("stop\nremove\n"), "{}", charm.note("hooks"));
        charm.assert_nothing_left();
    }
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let charm = Charm::with_dispatch("echo $$ >$OUT/hook; sleep 300 & wait");
    let mut child = charm.start(&[], "");
    let hook = charm.wait_for_note("hook");
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut printed = String::new();
    signal(&child, "INT");
    // Two signals of one kind that are pending at once are delivered as one.
    while !printed.contains("stopping") {
        assert!(stdout.read_line(&mut printed).unwrap() > 0, "{printed}");
    }
    signal(&child, "INT");
    stdout.read_to_string(&mut printed).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stdout = printed.into_bytes();
    Run::from(output).exits(1).says("stopping at once");
    assert!(!is_alive(&hook));
    charm.assert_nothing_left();
}

#[test]
fn a_stop_hook_that_fails_is_an_exit_code() {
    let charm =
        Charm::with_dispatch("echo $JUJU_HOOK_NAME >>$OUT/hooks; [ $JUJU_HOOK_NAME != stop ]");
    charm.run(&[], "wait-for unknown\nquit\n").exits(1).says("stop");
    assert!(charm.note("hooks").ends_with("stop\nremove\n"));
}

#[test]
fn a_unit_in_error_can_be_removed() {
    let charm = Charm::with_dispatch("[ $JUJU_HOOK_NAME != install ]");
    charm.run(&[], "wait-for error\nquit\n").exits(0).says("remove");
}

/// Starts a run that builds Pebble for ever: its `go` is a script that notes its process id and
/// sleeps.
fn building_for_ever(charm: &Charm) -> (std::process::Child, String) {
    charm.write("metadata.yaml", "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}\n");
    charm.write("dispatch", "#!/bin/sh\n");
    charm.write("bin/go", "#!/bin/sh\necho $$ >$OUT/go\nexec sleep 300\n");
    // A program in Cargo's target folder would find the Pebble that was built there.
    let child = Command::new(charm.copied_program())
        .arg("dev")
        .arg(charm.dir())
        .env("PATH", format!("{}:/usr/bin:/bin", charm.dir().join("bin").display()))
        .env("XDG_CACHE_HOME", charm.dir().join("cache"))
        .env("TMPDIR", charm.dir().parent().unwrap().join("tmp"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let go = charm.wait_for_note("go");
    (child, go)
}

#[test]
fn a_kill_during_a_build_leaves_nothing() {
    let charm = Charm::new(&[]);
    let (mut child, go) = building_for_ever(&charm);
    child.kill().unwrap();
    child.wait().unwrap();
    charm.assert_nothing_left();
    assert!(!is_alive(&go));
}

#[test]
fn a_signal_during_a_build_ends_it_with_a_word() {
    for name in ["INT", "TERM"] {
        let charm = Charm::new(&[]);
        let (child, go) = building_for_ever(&charm);
        signal(&child, name);
        Run::from(child.wait_with_output().unwrap())
            .exits(1)
            .says("asked to end before it was ready");
        charm.assert_nothing_left();
        assert!(!is_alive(&go));
    }
}

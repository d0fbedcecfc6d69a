//! The commands of a script: lines that may fail, expectations of an action, waits that give up.
//! And what a person sees on a terminal.

use std::io::{BufRead, BufReader, Read, Write};

use crate::support::{Charm, wait_until};

const FAST: &[&str] = &["--speed", "100"];

#[test]
fn a_line_that_may_fail_does_not_end_a_script() {
    let charm = Charm::with_dispatch("status-set active");
    charm.write("config.yaml", "options:\n  port: {type: int}\n");
    let script = "wait-for active\ntry expect blocked\ntry config port=high\n\
                  try fetch http://127.0.0.1:1/\ntry wait-for blocked 100ms\ntry run nothing\n\
                  try frobnicate\ntry config port=81\nexpect active\n";
    let run = charm.run(FAST, script).exits(0);
    assert_eq!(run.stdout.matches("`try` lets it go").count(), 6, "{}", run.stdout);
    // Only the line with `try` may fail.
    charm
        .run(FAST, "try expect blocked\nexpect blocked\n")
        .exits(1)
        .says("cannot confirm blocked: web/0 is active");
    charm.run(FAST, "try\n").exits(1).says("it goes: try COMMAND");
}

#[test]
fn a_refresh_that_may_fail_does_not_end_a_script() {
    let charm = Charm::with_dispatch(
        "[ $JUJU_HOOK_NAME != start ] || echo 'containers: {web: {}}' \
         >>$OUT/../charm/metadata.yaml",
    );
    charm.run(FAST, "wait-for unknown\ntry upgrade\nexpect unknown\n").exits(0).says(
        "it has a new container \"web\": containers are made at the start; quit and start again; \
         `try` lets it go",
    );
}

#[test]
fn an_action_is_expected_to_end_well_or_not() {
    let charm = Charm::new(&[
        ("actions.yaml", "good: {}\nbad: {}\n"),
        ("actions/good", "#!/bin/sh\nsleep 0.1\n"),
        ("actions/bad", "#!/bin/sh\naction-fail 'no disk'\n"),
    ]);
    let script = "run good\nexpect-action completed\nrun bad\nexpect-action failed\nexpect-action \
                  failed 'no disk'\n";
    charm.run(FAST, script).exits(0);
    charm
        .run(FAST, "run good\nexpect-action failed\n")
        .exits(1)
        .says("cannot confirm failed: action 1 (good) has completed");
    charm
        .run(FAST, "run bad\nexpect-action completed\n")
        .exits(1)
        .says("action 1 (bad) has failed: no disk");
    charm
        .run(FAST, "run bad\nexpect-action failed money\n")
        .exits(1)
        .says("cannot confirm failed with \"money\" in its message");
    charm.run(FAST, "expect-action completed\n").exits(1).says("no action was run");
    charm.run(FAST, "expect-action done\n").exits(1).says("one of completed, failed");
}

#[test]
fn a_wait_gives_up_in_an_error_for_good() {
    for line in ["wait-for active 1h", "wait-for idle 1h", "expect active"] {
        Charm::with_dispatch("exit 1")
            .run(FAST, &format!("{line}\n"))
            .exits(1)
            .says("in error for good: install has failed");
    }
    Charm::with_dispatch("echo run >>$OUT/runs; [ $(wc -l <$OUT/runs) -gt 10 ] || kill -9 $$")
        .run(FAST, "wait-for active\n")
        .exits(1)
        .says("in error for good: install was killed 10 times in a row");
    // A command may help, so failures before it do not count.
    let charm = Charm::with_dispatch(
        "[ $JUJU_HOOK_NAME = config-changed ] || exit 0\n\
         echo run >>$OUT/runs; [ $(config-get port) = 81 ] && status-set active",
    );
    charm.write("config.yaml", "options:\n  port: {type: int, default: 80}\n");
    charm
        .run(FAST, "try wait-for active\nconfig port=81\nwait-for active\n")
        .exits(0)
        .says("in error for good: config-changed");
}

#[test]
fn a_hook_that_runs_is_named_with_its_time() {
    let charm = Charm::with_dispatch(
        "[ $JUJU_HOOK_NAME = start ] || exit 0; touch $OUT/began; until [ -e $OUT/go ]; do sleep \
         0.01; done",
    );
    let mut child = charm.start(FAST, "");
    wait_until("the hook", || charm.out().join("began").exists());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"status\ntry wait-for active 1s\n").unwrap();
    drop(stdin);
    let mut printed = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    while !printed.contains("not settled yet") {
        assert!(stdout.read_line(&mut printed).unwrap() > 0, "{printed}");
    }
    std::fs::write(charm.out().join("go"), "").unwrap();
    stdout.read_to_string(&mut printed).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{printed}");
    assert!(printed.contains("executing (start, "), "{printed}");
    let named = ["(agent executing (start, 1 s), ", "(agent executing (start, 2 s), "];
    assert!(named.iter().any(|text| printed.contains(text)), "{printed}");
    charm.assert_nothing_left();
}

#[test]
fn standard_error_has_its_time_and_its_bound() {
    let charm = Charm::with_dispatch(
        "[ $JUJU_HOOK_NAME = install ] || exit 0; yes careful | head -n 300 >&2",
    );
    let run = charm.run(FAST, "wait-for unknown\nlog\n").exits(0);
    let (printed, log) = run.stdout.split_once("> log").unwrap();
    assert_eq!(printed.matches("WARNING careful").count(), 200, "{printed}");
    assert!(
        printed.contains("no more of its standard error is shown here after 200 lines"),
        "{printed}"
    );
    assert_eq!(log.matches("WARNING  unit.web/0.install: careful").count(), 300);
    let line = printed.lines().find(|line| line.contains("WARNING")).unwrap();
    assert!(line.trim_start().starts_with(|c: char| c.is_ascii_digit()), "{line}");
}

#[test]
fn the_applications_own_status_is_shown() {
    let charm = Charm::with_dispatch(
        "status-set waiting 'for the disk'; status-set --application active 'all others are well'",
    );
    let run = charm.run(FAST, "wait-for waiting\n").exits(0);
    run.says("App  Version  Status  Message\nweb           active  all others are well\n")
        .says("web/0*  waiting   idle          for the disk");
}

/// A program that runs a command with a terminal as its standard input, and types its own standard
/// input there.
const TERMINAL_WRAPPER: &str = "\
import os, pty, subprocess, sys
keyboard, terminal = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=terminal)
os.close(terminal)
os.write(keyboard, sys.stdin.buffer.read())
sys.exit(child.wait())";

/// A mistake on a terminal does not end the session.
#[test]
fn a_wrong_word_on_a_terminal_is_only_told() {
    let charm = Charm::with_dispatch("status-set active");
    let lines = "wait-for active\nfrobnicate\nexpect blocked\nwait-for blocked 50ms\n\
                 fetch http://127.0.0.1:1/\nfetch x\nrun nothing\nexpect-action completed\n\
                 config x\nrelate x\nadd-secret x\nremote web\nresolved\nkill x\nnotify a.b/c\n\
                 try expect blocked\nexpect active\nquit\n";
    let run = charm.run_within(&["python3", "-c", TERMINAL_WRAPPER], FAST, lines).exits(0);
    for text in [
        "there is no such command",
        "cannot confirm blocked",
        "cannot wait any longer for blocked",
        "cannot fetch http://127.0.0.1:1/",
        "the charm has no such action",
        "no action was run",
        "it goes: config KEY=VALUE",
        "cannot find endpoint \"x\"",
        "it goes: add-secret NAME KEY=VALUE...",
        "it goes: remote APP[/N] ENDPOINT [KEY=VALUE...]",
        "cannot resolve",
        "the charm has no container",
        "  remove ",
    ] {
        assert!(run.stdout.contains(text), "no {text:?} in {}", run.stdout);
    }
}

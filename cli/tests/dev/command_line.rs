//! The command line and the commands: what they print, which mistakes they name, and the exit code
//! of a run.

use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{CHARMWRIGHT, Charm, Run};

fn charm_with_status(status: &str) -> Charm {
    let charm =
        Charm::with_dispatch(&format!("[ $JUJU_HOOK_NAME != install ] || status-set {status}"));
    charm.write("config.yaml", "options:\n  port: {type: int, default: 80}\n");
    charm
}

#[test]
fn until_idle_exits_by_the_status() {
    charm_with_status("active fine")
        .run(&["--until-idle"], "")
        .exits(0)
        .says("web/0*  active")
        .says("fine");
    charm_with_status("blocked 'no database'")
        .run(&["--until-idle"], "")
        .exits(1)
        .says("web/0 is blocked: no database");
    let failing = Charm::with_dispatch("exit 1");
    failing
        .run(&["--until-idle", "--timeout", "300ms"], "")
        .exits(1)
        .says("cannot wait any longer for idle")
        .says("hook failed");
    // Without a short time limit the run ends once the error counts as lasting.
    failing
        .run(&["--until-idle", "--speed", "1000"], "")
        .exits(1)
        .says("in error for good: install has failed");
}

#[test]
fn json_is_one_document_and_progress_goes_elsewhere() {
    for (args, script) in [
        (["--format=json", "--until-idle"].as_slice(), ""),
        (&["--format=json"], "wait-for active\nstatus\n"),
    ] {
        let run = charm_with_status("active").run(args, script).exits(0);
        let document: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(document["status"], "active");
        assert_eq!(document["unit"], "web/0");
        assert!(run.stderr.contains("install"), "{}", run.stderr);
    }
}

#[test]
fn a_failed_expectation_says_what_was_there() {
    let waiting = charm_with_status("waiting 'for a friend'");
    waiting
        .run(&[], "expect active\n")
        .exits(1)
        .says("cannot confirm active: web/0 is waiting: for a friend");
    waiting
        .run(&[], "expect waiting enemy\n")
        .exits(1)
        .says("cannot confirm waiting with \"enemy\" in its message");
    waiting
        .run(&[], "wait-for active 100ms\n")
        .exits(1)
        .says("after 100 ms web/0 is waiting: for a friend");
    waiting
        .run(&[], "wait-for waiting\nfetch http://127.0.0.1:1/\n")
        .exits(1)
        .says("cannot fetch http://127.0.0.1:1/");
    waiting.run(&[], "fetch ftp://127.0.0.1/\n").exits(1).says("only http:// is spoken here");
    waiting.run(&[], "expect waiting 'a friend'\nquit\nexpect active\n").exits(0);
}

#[test]
fn a_mistake_in_a_script_ends_it() {
    let charm = charm_with_status("active");
    charm.run(&[], "wait-fro active\n").exits(1).says("did you mean `wait-for`?");
    charm.run(&[], "config prot=1\n").exits(1).says("did you mean `port`?");
    charm.run(&[], "config port=high\n").exits(1).says("expected int");
    charm.run(&["--config", "prot=1"], "").exits(1).says("did you mean `port`?");
    charm.run(&[], "pebble kill\n").exits(1).says("the charm has no container");
}

#[test]
fn a_script_can_be_a_file_and_its_end_is_the_end() {
    let charm = charm_with_status("active");
    charm.write(
        "script",
        "# a comment\n\nwait-for active\nconfig port=81\nexpect active\nlog\nhelp\n",
    );
    let script = charm.dir().join("script").display().to_string();
    charm
        .run(&["--script", &script], "never read\n")
        .exits(0)
        .says("> config port=...")
        .says("config-changed")
        .says("wait-for STATUS [TIME]");
    charm
        .run(&["--script", "/no/such/script"], "")
        .exits(1)
        .says("cannot read the script /no/such/script");
}

#[test]
fn a_chosen_folder_keeps_the_logs_and_must_be_short_enough() {
    let charm = Charm::with_dispatch("juju-log -l WARNING careful; echo printed");
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run").display().to_string();
    charm.run(&["--dir", &dir], "wait-for unknown\n").exits(0).says("WARNING careful");
    let log = std::fs::read_to_string(folder.path().join("run/unit.log")).unwrap();
    assert!(
        log.contains("WARNING  unit.web/0.juju-log: careful")
            && log.contains("DEBUG    unit.web/0.install: printed"),
        "{log}"
    );
    let long = folder.path().join("x".repeat(120)).display().to_string();
    charm.run(&["--dir", &long], "").exits(1).says("give a shorter folder with --dir DIR");
    charm
        .run(&["--dir", &charm.dir().display().to_string()], "")
        .exits(1)
        .says("not of an earlier run");
}

#[test]
fn leadership_can_be_taken_and_given() {
    let charm = Charm::with_dispatch("status-set active \"leader $(is-leader)\"");
    let script = "expect active 'leader False'\nleader yes\nexpect active 'leader True'\n";
    charm.run(&["--leader", "no"], script).exits(0).says("leader-elected");
}

#[test]
fn help_teaches_and_a_wrong_option_is_exit_2() {
    let run = |args: &[&str]| Run::from(Command::new(CHARMWRIGHT).args(args).output().unwrap());
    run(&["dev", "--help"]).exits(0).says("cargo dev --until-idle").says("Exit code");
    run(&["--help"]).exits(0).says("dev").says("demo-workload");
    run(&["dev", "--untill-idle"]).exits(2).says("--until-idle");
    // These are the arguments of `cargo dev -- --help`.
    run(&["dev", "--", "--help"]).exits(0).says("Run a charm on this machine");
    run(&["dev", "--speed", "0"]).exits(2);
    run(&["dev", "/no/such/charm"]).exits(1).says("cannot open the charm /no/such/charm");
}

#[test]
fn a_pipe_that_never_ends_is_not_read_to_its_end() {
    let charm = charm_with_status("active");
    let mut child = charm.start(&[], "");
    let mut stdin = child.stdin.take().unwrap();
    // While the first command waits, the lines behind it are read only up to the limit.
    stdin.write_all(b"wait-for blocked 500ms\n").unwrap();
    let began = Instant::now();
    let mut written = 0;
    while stdin.write_all(&b"# a comment\n".repeat(1000)).is_ok() {
        written += 12_000;
        assert!(began.elapsed() < Duration::from_secs(60), "{written} bytes were read");
    }
    let run = Run::from(child.wait_with_output().unwrap()).exits(1);
    assert!(written < 1 << 20, "{written} bytes were read\n{}", run.stdout);
}

#[test]
fn a_line_that_is_no_text_is_a_wrong_line_and_not_the_end() {
    let charm = Charm::with_dispatch("status-set active");
    let mut child = charm.start(&[], "wait-for active\n");
    child.stdin.take().unwrap().write_all(b"stat\xffus\nexpect blocked\n").unwrap();
    Run::from(child.wait_with_output().unwrap()).exits(1).says("there is no such command");
}

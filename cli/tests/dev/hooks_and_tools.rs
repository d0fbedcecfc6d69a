//! What a charm meets: Juju's order of hooks, its environment and hook tools, and the handling of a
//! hook that fails or is killed.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{CHARMWRIGHT, Charm};

const FAST: &[&str] = &["--speed", "100"];

#[test]
fn hooks_run_in_jujus_order_and_the_script_decides_how_long() {
    let charm = Charm::with_dispatch("echo $JUJU_DISPATCH_PATH >>$OUT/hooks");
    charm
        .run(
            FAST,
            "wait-for unknown\nleader no\nwait-for idle\nupgrade\nwait-for \
             idle\nupdate-status\nwait-for idle\nquit\n",
        )
        .exits(0);
    let wanted = [
        "install",
        "leader-elected",
        "config-changed",
        "start",
        // A leader that is deposed is told of the settings, until Juju 3.6.
        "leader-settings-changed",
        "upgrade-charm",
        "config-changed",
        "update-status",
        "stop",
        "remove",
    ];
    let ran = charm.note("hooks");
    let ran: Vec<&str> = ran.lines().map(|line| line.trim_start_matches("hooks/")).collect();
    // At this speed update-status may run without a command too.
    let mut once = ran.clone();
    once.dedup();
    assert_eq!(once, wanted, "{ran:?}");
}

#[test]
fn the_environment_is_jujus_and_nothing_of_ours() {
    let charm = Charm::with_dispatch(
        "[ $JUJU_HOOK_NAME = install ] || exit 0\nenv >$OUT/env; pwd >$OUT/pwd; wc -c \
         >$OUT/stdin; echo $# >$OUT/args",
    );
    charm.run(FAST, "wait-for unknown\n").exits(0);
    let env = charm.note("env");
    let value = |name: &str| env.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    assert_eq!(value("JUJU_UNIT_NAME"), Some("web/0"));
    assert_eq!(value("JUJU_DISPATCH_PATH"), Some("hooks/install"));
    let dir = value("JUJU_CHARM_DIR").unwrap();
    let own = charm.dir().display().to_string();
    assert!(dir.ends_with("/charm") && !dir.starts_with(&own), "{dir} is no copy");
    assert!(
        value("CHARMWRIGHT_CONTAINERS").is_some_and(|path| path.ends_with("/containers")),
        "{env}"
    );
    assert!(value("JUJU_CONTEXT_ID").is_some_and(|id| id.starts_with("web/0-install-")), "{env}");
    for name in ["HOME", "USER", "CARGO_MANIFEST_DIR", "TMPDIR"] {
        assert_eq!(value(name), None, "{name}");
    }
    assert_eq!(
        (charm.note("pwd").trim(), charm.note("stdin").trim(), charm.note("args").trim()),
        (dir, "0", "0")
    );
}

#[test]
fn hook_tools_answer_with_jujus_texts_and_exit_codes() {
    let charm = Charm::with_dispatch(
        r#"[ $JUJU_HOOK_NAME = install ] || exit 0
try() { "$@" 2>&1; echo "= $?"; }
{
    try config-get port
    try config-get --format=json
    try config-get absent
    try status-set bogus
    try status-set active -foo
    try status-set active -- -foo
    try status-get
    try is-leader --format json
    try action-get
    try open-port 80/tcp
    try opened-ports
    ln -s "$(readlink -f "$(command -v status-set)")" ./frobnicate
    try ./frobnicate --now
    printf 'key: a value\nother: "1"\n' | try state-set --file -
    try state-get key
    try state-get --format=json -o out.json
    try cat out.json
    rm frobnicate out.json
} >$OUT/said
# A tool that does not need its standard input must not wait for it.
mkfifo pipe; sleep 300 >pipe & config-get port <pipe >$OUT/piped; kill $!; rm pipe"#,
    );
    charm.write(
        "config.yaml",
        "options:\n  port: {type: int, default: 80}\n  name: {type: string}\n",
    );
    charm.run(FAST, "wait-for active\n").exits(0);
    assert_eq!(
        charm.note("said"),
        r#"80
= 0
{"port":80}
= 0
= 0
ERROR invalid status "bogus", expected one of [maintenance blocked waiting active]
= 2
ERROR option provided but not defined: -f
= 2
= 0
active
= 0
true
= 0
ERROR not running an action
= 1
= 0
80/tcp
= 0
ERROR bad request: unknown command: frobnicate
= 1
= 0
a value
= 0
= 0
{"key":"a value","other":"1"}
= 0
"#
    );
    assert_eq!(charm.note("piped"), "80\n");
}

#[test]
fn a_tool_outside_a_hook_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("status-set");
    std::os::unix::fs::symlink(CHARMWRIGHT, &tool).unwrap();
    let run = |vars: &[(&str, &str)]| {
        let output = Command::new(&tool)
            .arg("active")
            .env_clear()
            .envs(vars.iter().copied())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&[]), (Some(1), "ERROR JUJU_CONTEXT_ID not set\n".to_owned()));
    assert_eq!(
        run(&[("JUJU_CONTEXT_ID", "x")]),
        (Some(1), "ERROR JUJU_AGENT_SOCKET_ADDRESS not set\n".to_owned())
    );
    let with_network = |network| {
        run(&[
            ("JUJU_CONTEXT_ID", "x"),
            ("JUJU_AGENT_SOCKET_ADDRESS", "/nowhere/agent.socket"),
            ("JUJU_AGENT_SOCKET_NETWORK", network),
        ])
    };
    for (network, printed) in [
        ("", "JUJU_AGENT_SOCKET_NETWORK not set"),
        ("foo", "dial foo: unknown network foo"),
        ("tcp", "JUJU_AGENT_CA_CERT not set"),
        ("unix", "dial unix /nowhere/agent.socket: connect: no such file or directory"),
    ] {
        assert_eq!(with_network(network), (Some(1), format!("ERROR {printed}\n")));
    }
}

#[test]
fn a_tool_minds_its_surroundings_as_jujus_does() {
    let charm = Charm::with_dispatch(
        r#"[ $JUJU_HOOK_NAME = install ] || exit 0
try() { "$@" 2>&1; echo "= $?"; }
{
    JUJU_AGENT_TOKEN=x try is-leader
    JUJU_AGENT_SOCKET_NETWORK= try is-leader
    mkdir gone; cd gone; rmdir ../gone
    try is-leader
    cd ..
    try status-get -o /tmp
    try status-get -o ''
    try state-set --file /tmp
    try state-set --file /tmp/no/file
    try state-set --file /dev/null
    head -c 40000000 /dev/zero | try state-set --file -
} >$OUT/said"#,
    );
    charm.run(FAST, "wait-for unknown\n").exits(0);
    assert_eq!(
        charm.note("said"),
        "ERROR bad request: token does not match\n= 1\n\
         ERROR JUJU_AGENT_SOCKET_NETWORK not set\n= 1\n\
         ERROR getwd: no such file or directory\n= 2\n\
         ERROR open /tmp: is a directory\n= 1\nmaintenance\n= 0\n\
         ERROR read /tmp: is a directory\n= 1\n\
         ERROR open /tmp/no/file: no such file or directory\n= 1\n= 0\n\
         ERROR cannot send standard input: it is longer than 32 MiB\n= 1\n"
    );
}

#[test]
fn a_last_line_without_its_end_is_lost() {
    let charm = Charm::new(&[
        ("actions.yaml", "half: {}\nnone: {}\n"),
        ("actions/half", "#!/bin/sh\necho whole; printf lost; printf lost >&2\n"),
        ("actions/none", "#!/bin/sh\nprintf lost\n"),
        ("hooks/install", "#!/bin/sh\necho whole >&2; printf lost >&2\n"),
    ]);
    let script = "wait-for unknown\nrun half\nexpect-action completed\nrun none\nexpect-action \
                  completed\nlog\n";
    let run = charm.run(FAST, script).exits(0);
    assert!(!run.stdout.contains("lost"), "{}", run.stdout);
    run.says("WARNING whole").says("stdout: whole");
}

#[test]
fn a_killed_action_says_terminated() {
    let charm =
        Charm::new(&[("actions.yaml", "die: {}\n"), ("actions/die", "#!/bin/sh\nkill -9 $$\n")]);
    charm
        .run(FAST, "wait-for unknown\nrun die\nexpect-action failed terminated\n")
        .exits(0)
        .says("action 1: failed: terminated")
        .says("return-code: -1");
}

#[test]
fn a_failed_hook_loses_its_writes_and_runs_again() {
    let charm = Charm::with_dispatch(
        r#"[ $JUJU_HOOK_NAME = config-changed ] || exit 0
echo "state $(state-get n) ports $(opened-ports)" >>$OUT/runs
state-set n=1; open-port 80; status-set active "set at once"
[ $(wc -l <$OUT/runs) -ge 3 ] || { echo "no luck" >&2; exit 3; }"#,
    );
    // At this speed the waits are 500 and 1000 ms.
    let run = charm.run(
        &["--speed", "10"],
        "wait-for error\nexpect error config-changed\nwait-for active\nexpect active 'set at \
         once'\nquit\n",
    );
    run.exits(0)
        .says("exit 3")
        .says("WARNING no luck")
        .says("runs again in 500 ms")
        .says("runs again in 1.0 s")
        .says("again, 3");
    assert_eq!(charm.note("runs"), "state  ports \n".repeat(3));
}

#[test]
fn resolved_runs_a_failed_hook_now_or_skips_it() {
    let script = "[ $JUJU_HOOK_NAME = config-changed ] || exit 0\necho run >>$OUT/runs; exit 1";
    let charm = Charm::with_dispatch(script);
    charm
        .run(
            &[],
            "wait-for error\nresolved\nwait-for error\nresolved --no-retry\nwait-for \
             unknown\nquit\n",
        )
        .exits(0);
    assert_eq!(charm.note("runs").lines().count(), 2);
    // A unit that is not in error cannot be resolved, and that ends a script.
    Charm::with_dispatch("")
        .run(FAST, "wait-for unknown\nresolved\n")
        .exits(1)
        .says("cannot resolve");
}

#[test]
fn a_killed_hook_is_queued_again_and_is_no_error() {
    for signal in ["KILL", "TERM"] {
        let charm = Charm::with_dispatch(&format!(
            "[ $JUJU_HOOK_NAME = install ] || exit 0\n\
             state-set n=1; echo \"$(state-get n)\" >>$OUT/runs\n\
             [ -e $OUT/killed ] && exit 0; touch $OUT/killed; kill -{signal} $$"
        ));
        let run = charm.run(&[], "wait-for unknown\nquit\n").exits(0).says("it runs again");
        assert!(!run.stdout.contains("error"), "{}", run.stdout);
        assert_eq!(charm.note("runs"), "1\n1\n");
    }
}

#[test]
fn actions_are_checked_run_and_told() {
    let charm = Charm::new(&[
        (
            "actions.yaml",
            "backup:\n  description: d\n  params: {to: {type: string, default: /tmp}, deep: \
             {type: boolean}}\nfail: {}\n",
        ),
        (
            "actions/backup",
            "#!/bin/sh\naction-set to=\"$(action-get to)\"; action-log working; echo out; echo \
             \"[$JUJU_HOOK_NAME]\" >$OUT/hook\n",
        ),
        ("actions/fail", "#!/bin/sh\naction-fail 'no disk'\n"),
    ]);
    let script = "wait-for unknown\nrun backup to='/a b'\nwait-for idle\nrun fail\nwait-for \
                  idle\nrun backup deep=maybe\n";
    let run = charm.run(FAST, script).exits(1);
    run.says("action 1: completed")
        .says("to: /a b")
        .says("log working")
        .says("stdout: out")
        .says("action 2: failed: no disk")
        .says("deep");
    assert_eq!(charm.note("hook"), "[]\n");
    Charm::new(&[("actions.yaml", "backup: {}\n"), ("hooks/install", "#!/bin/sh\n")])
        .run(FAST, "run bakcup\n")
        .exits(1)
        .says("did you mean `backup`?");
}

#[test]
fn an_action_runs_while_the_unit_is_in_error() {
    let charm = Charm::new(&[
        ("actions.yaml", "show: {}\n"),
        ("actions/show", "#!/bin/sh\naction-set seen=yes\n"),
        ("hooks/install", "#!/bin/sh\nexit 1\n"),
    ]);
    charm
        .run(&[], "wait-for error\nrun show\nsleep 0\nresolved --no-retry\nwait-for unknown\n")
        .exits(0)
        .says("seen: yes");
}

#[test]
fn a_charm_of_single_hooks_in_any_language_works() {
    let charm = Charm::new(&[
        (
            "hooks/install",
            "#!/usr/bin/env perl\nsystem('status-set', 'maintenance', 'from perl');\n",
        ),
        (
            "hooks/start",
            "#!/usr/bin/env python3\nimport subprocess\nsubprocess.check_call(['status-set', \
             'active', 'from python'])\n",
        ),
    ]);
    charm.run(FAST, "wait-for active\nexpect active 'from python'\n").exits(0).says("no hook");
}

#[test]
fn a_dispatch_that_cannot_be_run_is_an_error_and_not_a_missing_hook() {
    // The exit code is 1 because the stop hook cannot be run either.
    let charm =
        Charm::new(&[("dispatch", "echo not executable"), ("hooks/install", "#!/bin/sh\n")]);
    charm.run(&[], "wait-for error\nexpect error install\n").exits(1).says("chmod +x");
    let charm = Charm::new(&[("dispatch", "#!/no/such/interpreter\n")]);
    charm.run(&[], "wait-for error\n").exits(1).says("does the program after its #! exist?");
    let charm = Charm::new(&[]);
    fs::remove_file(charm.dir().join("metadata.yaml")).unwrap();
    charm.run(&[], "").exits(1).says("metadata.yaml");
}

#[test]
fn a_charm_of_one_hook_is_a_charm() {
    Charm::new(&[("hooks/start", "#!/bin/sh\n")])
        .run(FAST, "wait-for unknown\n")
        .exits(0)
        .says("no hook");
}

#[test]
fn hooks_are_told_of_kubernetes_and_of_the_time() {
    let charm = Charm::with_dispatch(
        "[ $JUJU_HOOK_NAME = start ] || exit 0\nenv >$OUT/env; status-set active; goal-state \
         >$OUT/goal; date -u +%F >$OUT/today",
    );
    let mut child = charm
        .command(FAST)
        .env("KUBERNETES_SERVICE_HOST", "10.0.0.1")
        .env("KUBERNETES_SERVICE_PORT", "443")
        .env("KUBERNETES_ELSEWHERE", "x")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"wait-for active\n").unwrap();
    assert!(child.wait().unwrap().success());
    let env = charm.note("env");
    assert!(
        env.contains("KUBERNETES_SERVICE_HOST=10.0.0.1\n")
            && env.contains("KUBERNETES_SERVICE_PORT=443\n")
    );
    assert!(!env.contains("KUBERNETES_ELSEWHERE"), "{env}");
    let goal = charm.note("goal");
    assert!(goal.contains(charm.note("today").trim()), "{goal}");
}

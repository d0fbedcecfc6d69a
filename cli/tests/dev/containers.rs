//! Containers with a real Pebble: when it is ready, what notices it records, and that its end is
//! the end of every process in the container.

use std::io::Write;
use std::process::Command;

use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::{daemon_or_skip, pebble_binary};

use crate::support::{Charm, Run, is_alive, wait_until};

const FAST: &str = "50";

/// Returns a charm with one container, whose scripts find Pebble as `$PEBBLE`, and the arguments of
/// its run.
pub fn charm(test: &str, dispatch: &str) -> Option<(Charm, Vec<String>)> {
    // This only finds out whether there is a Pebble, and prints the usual message if not. The run
    // starts its own.
    drop(daemon_or_skip(test, DaemonOptions::default())?);
    let pebble = pebble_binary::find_or_build(None, &mut |_| {}).unwrap();
    let pebble = pebble.display();
    let charm = Charm::with_dispatch(&format!(
        "export PEBBLE_SOCKET=$CHARMWRIGHT_CONTAINERS/web/pebble.socket\nPEBBLE={pebble}\necho \
         $JUJU_HOOK_NAME >>$OUT/hooks\n{dispatch}"
    ));
    charm.write("metadata.yaml", "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}\n");
    Some((
        charm,
        vec!["--speed".to_owned(), FAST.to_owned(), "--pebble".to_owned(), pebble.to_string()],
    ))
}

/// Returns the arguments as [`Charm::run`] takes them.
pub fn args(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// A program that starts a service with a daemon: a forked child in a session of its own, whose
/// parent has ended. It waits until both have noted their ids.
const SERVICE: &str = concat!(
    r#"case $JUJU_HOOK_NAME in *-pebble-ready)
cat >layer.yaml <<END
services:
  main:
    override: replace
    startup: enabled
    command: sh -c "echo \$\$ >>$OUT/main; "#,
    r#"(setsid sh -c 'echo \$\$ >>$OUT/daemon; exec sleep 300' >/dev/null 2>&1 &) ; exec sleep 300"
END
$PEBBLE add main layer.yaml && $PEBBLE replan >/dev/null || exit 1
for pids in $OUT/main $OUT/daemon; do
    until [ "$(wc -l <$pids)" -ge "$(grep -c pebble-ready $OUT/hooks)" ]; do sleep 0.01; done
done
status-set active ;; esac"#
);

#[test]
fn killing_or_stopping_pebble_kills_everything_in_its_container() {
    let Some((charm, options)) =
        charm("killing_or_stopping_pebble_kills_everything_in_its_container", SERVICE)
    else {
        return;
    };
    for verb in ["kill", "stop"] {
        let script = format!("wait-for active\npebble {verb}\nwait-for idle\nexpect active\n");
        charm
            .run(&args(&options), &script)
            .exits(0)
            .says("Pebble in web has ended")
            .says("web        stopped");
    }
    let pids = charm.note("main") + &charm.note("daemon");
    assert_eq!(pids.lines().count(), 4);
    assert!(!pids.lines().any(is_alive), "{pids}");
}

#[test]
fn each_start_of_pebble_is_a_new_boot() {
    let Some((charm, options)) = charm("each_start_of_pebble_is_a_new_boot", SERVICE) else {
        return;
    };
    let script = "wait-for active\npebble kill\npebble start\nwait-for active\npebble \
                  stop\nwait-for idle\npebble start\nwait-for active\n";
    charm.run(&args(&options), script).exits(0);
    assert_eq!(charm.note("hooks").matches("web-pebble-ready").count(), 3);
    assert_eq!(charm.note("main").lines().count(), 3);
}

/// The run lasts longer than the runtime keeps an idle blocking thread. A container that such a
/// thread has started would end with the thread.
#[test]
fn a_container_outlives_an_idle_session() {
    let Some((charm, options)) = charm("a_container_outlives_an_idle_session", SERVICE) else {
        return;
    };
    charm
        .run(&args(&options), "wait-for active\nsleep 11\nstatus\npebble kill\nwait-for idle\n")
        .exits(0)
        .says("Pebble in web has ended");
    assert_eq!(charm.note("hooks").matches("web-pebble-ready").count(), 1);
    assert_eq!(charm.note("main").lines().count(), 1);
}

#[test]
fn pebble_can_be_held_back_at_the_start() {
    let Some((charm, mut options)) = charm("pebble_can_be_held_back_at_the_start", SERVICE) else {
        return;
    };
    options.push("--no-pebble".to_owned());
    charm.run(&args(&options), "expect unknown\npebble start\nwait-for active\n").exits(0);
    let hooks = charm.note("hooks");
    assert!(
        hooks.starts_with("install\nleader-elected\nconfig-changed\nstart\nweb-pebble-ready\n"),
        "{hooks}"
    );
}

#[test]
fn notices_and_checks_make_hooks() {
    let dispatch = r#"case $JUJU_HOOK_NAME in
*-pebble-ready)
    touch $OUT/well
    cat >layer.yaml <<END
checks:
  up:
    override: replace
    period: 50ms
    threshold: 2
    exec: {command: test -e $OUT/well}
END
    $PEBBLE add main layer.yaml
    $PEBBLE notify example.com/hello a=b >/dev/null
    status-set waiting ;;
*-pebble-custom-notice)
    echo "$JUJU_NOTICE_TYPE $JUJU_NOTICE_KEY $JUJU_WORKLOAD_NAME" >$OUT/notice
    rm $OUT/well
    status-set blocked ;;
*-pebble-check-failed)
    echo "$JUJU_PEBBLE_CHECK_NAME" >$OUT/failed
    touch $OUT/well
    status-set maintenance ;;
*-pebble-check-recovered) echo "$JUJU_PEBBLE_CHECK_NAME" >$OUT/recovered; status-set active ;;
esac"#;
    let Some((charm, options)) = charm("notices_and_checks_make_hooks", dispatch) else {
        return;
    };
    charm.run(&args(&options), "wait-for active\nquit\n").exits(0);
    assert_eq!(charm.note("notice"), "custom example.com/hello web\n");
    assert_eq!(
        (charm.note("failed"), charm.note("recovered")),
        ("up\n".to_owned(), "up\n".to_owned())
    );
}

#[test]
fn a_script_can_notify_and_kill() {
    let dispatch = r#"case $JUJU_HOOK_NAME in
*-pebble-ready)
    cat >layer.yaml <<END
services:
  main:
    override: replace
    startup: enabled
    on-failure: restart
    backoff-delay: 10ms
    command: sh -c "echo \$\$ >>$OUT/main; exec sleep 300"
END
    $PEBBLE add main layer.yaml && $PEBBLE replan >/dev/null; status-set waiting ;;
*-pebble-custom-notice) echo "$JUJU_NOTICE_KEY" >$OUT/notice; status-set active ;;
esac"#;
    let Some((charm, options)) = charm("a_script_can_notify_and_kill", dispatch) else {
        return;
    };
    let mut child = charm.start(
        &args(&options),
        "wait-for waiting\nnotify example.com/hello\nwait-for active\nkill main\n",
    );
    wait_until("a second process of the service", || charm.note("main").lines().count() == 2);
    let lines =
        "try kill nothing\ntry notify Example\ntry notify a.b/c nowhere\nkill nothing web\n";
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let run = Run::from(child.wait_with_output().unwrap()).exits(1);
    assert_eq!(charm.note("notice"), "example.com/hello\n");
    run.says("is recorded in web")
        .says("SIGKILL was sent to main in web")
        .says("cannot kill nothing in web")
        .says("cannot notify web")
        .says("cannot find container \"nowhere\": the charm has web")
        .says("`try` lets it go");
}

#[test]
fn a_flood_in_a_container_has_its_bound() {
    let dispatch = r#"case $JUJU_HOOK_NAME in *-pebble-ready)
cat >layer.yaml <<END
services:
  main:
    override: replace
    startup: enabled
    command: sh -c "yes a line of a workload | head -c 40000000; touch $OUT/flooded; exec sleep 300"
END
$PEBBLE add main layer.yaml && $PEBBLE replan >/dev/null
until [ -e $OUT/flooded ]; do sleep 0.01; done
status-set active ;; esac"#;
    let Some((charm, mut options)) = charm("a_flood_in_a_container_has_its_bound", dispatch) else {
        return;
    };
    let dir = charm.out().join("run");
    options.extend(["--dir".to_owned(), dir.display().to_string()]);
    charm.run(&args(&options), "wait-for active\n").exits(0);
    let sizes: Vec<u64> = ["pebble-web.log", "pebble-web.log.1"]
        .iter()
        .map(|name| std::fs::metadata(dir.join(name)).unwrap().len())
        .collect();
    assert!(sizes.iter().all(|size| (1..=4 << 20).contains(size)), "{sizes:?}");
    let end = std::fs::read(dir.join("pebble-web.log")).unwrap();
    assert!(end.windows(6).any(|part| part == b"[main]"), "the newest lines are kept");
}

#[test]
fn a_failed_pebble_ready_comes_back_and_is_no_error() {
    let dispatch = "case $JUJU_HOOK_NAME in *-pebble-ready) [ -e $OUT/once ] || { touch \
                    $OUT/once; exit 1; }; status-set active;; esac";
    let Some((charm, options)) =
        charm("a_failed_pebble_ready_comes_back_and_is_no_error", dispatch)
    else {
        return;
    };
    let run = charm
        .run(&args(&options), "wait-for active\n")
        .exits(0)
        .says("Juju shows nothing of a failed Pebble hook");
    assert!(!run.stdout.contains("hook failed"), "{}", run.stdout);
    assert_eq!(charm.note("hooks").matches("web-pebble-ready").count(), 2);
}

#[test]
fn a_kill_of_the_command_ends_the_containers_too() {
    let Some((charm, options)) = charm("a_kill_of_the_command_ends_the_containers_too", SERVICE)
    else {
        return;
    };
    let mut child = charm.start(&args(&options), "");
    let pids = charm.wait_for_note("daemon") + &charm.wait_for_note("main");
    assert!(pids.lines().all(is_alive), "{pids}");
    child.kill().unwrap();
    child.wait().unwrap();
    charm.assert_nothing_left();
    assert!(!pids.lines().any(is_alive), "{pids}");
}

#[test]
fn a_pebble_that_cannot_be_run_is_told_at_once() {
    let charm = Charm::with_dispatch("");
    charm.write("metadata.yaml", "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}\n");
    charm.run(&["--pebble", "/no/such/pebble"], "").exits(1).says("/no/such/pebble");
    // A program that is no Pebble ends at once, and the unit goes on without it.
    charm
        .run(&["--pebble", "/bin/false", "--speed", "50"], "expect unknown\n")
        .exits(0)
        .says("ended with code 1");
}

#[test]
fn a_rebuild_of_the_program_under_its_run_does_no_harm() {
    let replaced = "[ $JUJU_HOOK_NAME != install ] || { cp $OUT/charmwright $OUT/new && \
                    mv $OUT/new $OUT/charmwright; }\n\
                    case $JUJU_HOOK_NAME in *-pebble-ready) status-set active ;; \
                    *) status-set waiting ;; esac";
    let Some((charm, options)) =
        charm("a_rebuild_of_the_program_under_its_run_does_no_harm", replaced)
    else {
        return;
    };
    let script = charm.out().join("script");
    std::fs::write(
        &script,
        "wait-for idle\npebble kill\nwait-for idle\npebble start\nwait-for active\n",
    )
    .unwrap();
    let ran = Command::new(charm.copied_program())
        .arg("dev")
        .arg(charm.dir())
        .args(args(&options))
        .arg("--script")
        .arg(script)
        .env("TMPDIR", charm.dir().parent().unwrap().join("tmp"))
        .output()
        .unwrap();
    let run = Run::from(ran).exits(0);
    assert_eq!(run.stdout.matches("web-pebble-ready").count(), 2, "{}", run.stdout);
}

#[test]
fn an_upgrade_is_a_new_pod() {
    let dispatch = "case $JUJU_HOOK_NAME in\n\
                    install) touch left ;;\n\
                    upgrade-charm) [ ! -e left ] && echo new >>$OUT/folder ;;\n\
                    *-pebble-ready) status-set active ;;\n\
                    *) status-set waiting ;;\nesac";
    let Some((charm, options)) = charm("an_upgrade_is_a_new_pod", dispatch) else {
        return;
    };
    charm
        .run(
            &args(&options),
            "wait-for active\nupgrade\nwait-for active\nupgrade\nwait-for active\nquit\n",
        )
        .exits(0);
    let hooks = charm.note("hooks");
    let hooks: Vec<&str> = hooks.lines().filter(|hook| *hook != "update-status").collect();
    let pod = ["stop", "upgrade-charm", "config-changed", "start", "web-pebble-ready"];
    let after: Vec<&str> = hooks.iter().skip_while(|hook| **hook != "stop").copied().collect();
    assert_eq!(after, [&pod[..], &pod[..], &["stop", "remove"]].concat(), "{hooks:?}");
    assert_eq!(charm.note("folder"), "new\nnew\n", "the charm's folder is the pod's");
}

#[test]
fn quit_comes_to_stop_and_remove_though_pebble_ready_keeps_failing() {
    // Each hook takes longer than the time until the other's next poll, so that one of the two is
    // always queued.
    let dispatch = "case $JUJU_HOOK_NAME in *-pebble-ready) sleep 0.2; exit 1 ;; esac";
    let test = "quit_comes_to_stop_and_remove_though_pebble_ready_keeps_failing";
    let Some((charm, options)) = charm(test, dispatch) else {
        return;
    };
    charm.write(
        "metadata.yaml",
        "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}, side: {}}\n",
    );
    let mut child = charm.start(&args(&options), "");
    wait_until("pebble-ready to fail in both", || {
        let hooks = charm.note("hooks");
        ["web", "side"]
            .iter()
            .all(|name| hooks.matches(&format!("{name}-pebble-ready")).count() > 1)
    });
    child.stdin.as_mut().unwrap().write_all(b"quit\n").unwrap();
    Run::from(child.wait_with_output().unwrap()).exits(0);
    assert!(charm.note("hooks").ends_with("stop\nremove\n"), "{}", charm.note("hooks"));
    charm.assert_nothing_left();
}

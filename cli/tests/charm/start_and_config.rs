//! The unit starts, and changes of its config reach the running workload.

use crate::support::{Setup, Workload, free_port};

#[test]
fn a_unit_starts_and_its_workload_answers() {
    let port = free_port();
    let Some(setup) = Setup::any_workload("start-up", port) else {
        return;
    };
    let mut dev = setup.config("environment", "{GREETING: first}").start();
    let table = dev.wait_until_settled("active");
    assert_eq!(table.status(), ("active", ""));
    assert_eq!((table.agent, table.ports), ("idle".to_owned(), format!("{port}/tcp")));
    let hooks: Vec<_> = dev.hooks_since(0).into_iter().map(|hook| (hook.name, hook.exit)).collect();
    let expected =
        ["install", "leader-elected", "config-changed", "start", "workload-pebble-ready"];
    for hook in expected {
        let times = hooks.iter().filter(|(name, exit)| name == hook && exit == "exit 0").count();
        assert_eq!(times, 1, "{hook} in {hooks:?}");
    }
    assert_eq!(hooks.len(), expected.len(), "{hooks:?}");
    let workload = Workload::at(port).unwrap();
    assert_eq!(workload.variable("PORT"), Some(port.to_string()));
    assert_eq!(workload.variable("GREETING").as_deref(), Some("first"));

    // The pebble-ready hook found everything in place, so the process is still the one that the
    // first hook started.
    let before = dev.line_count();
    dev.send("update-status");
    assert_eq!(dev.hook("update-status").exit, "exit 0");
    assert_eq!(dev.wait_until_settled("active").status(), ("active", ""));
    assert_eq!(dev.hooks_since(before).len(), 1);
    assert_eq!(Workload::at(port), Some(workload));

    let printed = dev.quit();
    let text = printed.join("\n");
    assert!(text.contains("stop ") && text.contains("remove "), "{text}");
}

#[test]
fn a_config_change_reaches_the_running_workload() {
    let (old, new) = (free_port(), free_port());
    let Some(setup) = Setup::any_workload("config change", old) else {
        return;
    };
    let mut dev = setup.start();
    dev.wait_until_settled("active");
    let first = Workload::at(old).unwrap();
    assert_eq!(first.variable("GREETING"), None);

    dev.send("config environment='{GREETING: \"hello: you\"}'");
    let hook = dev.hook("config-changed");
    assert_eq!(hook.exit, "exit 0");
    // The first check of the workload has passed before the hook ended.
    let second = Workload::at(old).unwrap();
    assert_ne!(second.pid, first.pid);
    assert_eq!(second.variable("GREETING").as_deref(), Some("hello: you"));

    dev.send(&format!("config port={new}"));
    let hook = dev.hook("config-changed");
    assert_eq!(hook.exit, "exit 0");
    assert!(
        hook.tools.contains("open-port") && hook.tools.contains("close-port"),
        "{}",
        hook.tools
    );
    assert_eq!(dev.wait_until_settled("active").ports, format!("{new}/tcp"));
    let third = Workload::at(new).unwrap();
    assert_eq!(third.variable("PORT"), Some(new.to_string()));
    assert_eq!(third.variable("GREETING").as_deref(), Some("hello: you"));
    assert_eq!(Workload::at(old), None);

    // A config that changes nothing for the workload does not restart it.
    dev.send("config pebble-retry-attempts=7");
    assert_eq!(dev.hook("config-changed").exit, "exit 0");
    dev.wait_until_settled("active");
    assert_eq!(Workload::at(new), Some(third));

    // Without a port and a check of it, the port is closed again.
    dev.send("config health-check=");
    assert_eq!(dev.hook("config-changed").exit, "exit 0");
    dev.send("config port=0");
    assert_eq!(dev.hook("config-changed").exit, "exit 0");
    assert_eq!(dev.wait_until_settled("active").ports, "");
    dev.quit();
}

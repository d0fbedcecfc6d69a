//! Pebble is killed at one moment of a config-changed hook and comes back after some seconds. The
//! same hook applies the new config.

use charmwright_testing::proxy::{Fault, Rule};

use crate::support::{Setup, Workload, free_port};

/// The moment at which Pebble is killed: at a request, which is then lost, or after the request was
/// done and before its response is read.
enum KillPoint {
    Request(RequestPattern),
    Response(RequestPattern),
}

/// The request: its method, its path, and a part of its body.
type RequestPattern = (&'static str, &'static str, &'static str);

const ADD_LAYER: RequestPattern = ("POST", "/v1/layers", "");
const REPLAN: RequestPattern = ("POST", "/v1/services", "replan");
const WAIT: RequestPattern = ("GET", "/v1/changes/", "");

#[test]
fn before_add_layer() {
    assert_new_config_applied("killed before add-layer", KillPoint::Request(ADD_LAYER));
}

#[test]
fn between_add_layer_and_replan() {
    assert_new_config_applied(
        "killed between add-layer and replan",
        KillPoint::Response(ADD_LAYER),
    );
}

#[test]
fn as_the_replan_arrives() {
    assert_new_config_applied("killed as the replan arrives", KillPoint::Request(REPLAN));
}

#[test]
fn when_the_replan_was_accepted() {
    assert_new_config_applied("killed when the replan was accepted", KillPoint::Response(REPLAN));
}

#[test]
fn while_the_replan_is_waited_for() {
    assert_new_config_applied("killed while the replan is waited for", KillPoint::Request(WAIT));
}

/// Checks what the operator sees while the hook still waits.
#[test]
fn a_long_outage_is_shown_while_it_lasts() {
    let (old, new) = (free_port(), free_port());
    let Some(setup) = Setup::any_workload("a long outage", old) else {
        return;
    };
    let mut dev = setup.start();
    dev.wait_until_settled("active");
    dev.input.kill_pebble();
    let (before, log_length) = (dev.line_count(), dev.log_length());
    dev.send(&format!("config port={new}"));
    // The attempts begin at 0, 1, 3 and 6 s. The wait of 4 s after the fourth brings the outage to
    // 10 s, at which the status is set.
    let shown = "Pebble in \"workload\" not answering (attempt 4 of 15)";
    dev.line(&format!("status waiting: {shown}"));
    let table = dev.table();
    assert_eq!(table.status(), ("waiting", shown));
    // The changes that the hook asked for are not committed yet.
    assert!(table.agent.starts_with("executing (config-changed, "), "{}", table.agent);
    assert_eq!(table.ports, format!("{old}/tcp"));
    dev.send("pebble start");
    let hook = dev.hook("config-changed");
    assert_eq!((hook.exit.as_str(), hook.attempt), ("exit 0", 1), "{}", dev.describe());
    let table = dev.wait_until_settled("active");
    assert_eq!(table.status(), ("active", ""));
    assert_eq!(table.ports, format!("{new}/tcp"));
    assert!(Workload::at(new).is_some());
    let printed = dev.lines_since(before).join("\n");
    let summary = dev.retries_since(log_length).pop().unwrap();
    assert_eq!((summary.on(), summary.is_ongoing()), ("container \"workload\"", false));
    let shown = format!("            {} retries inside the hook", summary.retries());
    for part in ["could add layer \"workload\" in container \"workload\" at attempt ", &shown] {
        assert!(printed.contains(part), "{part}{}", dev.describe());
    }
    dev.quit();
}

fn assert_new_config_applied(test: &str, moment: KillPoint) {
    let (old, new) = (free_port(), free_port());
    let Some(setup) = Setup::any_workload(test, old) else {
        return;
    };
    let mut dev = setup.with_proxy().start();
    dev.wait_until_settled("active");
    // The pebble-ready of the new Pebble would apply the config too. It has to wait until the test
    // has checked what this hook did.
    dev.hold_hook("workload-pebble-ready");
    let input = dev.input.clone();
    let kill = move |_: &_| input.kill_pebble();
    let ((method, path, body), fault) = match moment {
        KillPoint::Request(request) => (request, Fault::before(kill)),
        KillPoint::Response(request) => (request, Fault::before_reply(kill)),
    };
    dev.proxy().forget();
    let rule = dev.proxy().add(Rule::new(method, path, fault).body_contains(body));

    let (before, log_length) = (dev.line_count(), dev.log_length());
    dev.send(&format!("config port={new}"));
    dev.line("attempt 1 of 15");
    assert_eq!(dev.proxy().fired(rule), 1);
    // The time for which Pebble stays away.
    dev.send("sleep 2\npebble start");
    let hook = dev.hook("config-changed");
    assert_eq!((hook.exit.as_str(), hook.attempt), ("exit 0", 1), "{}", dev.describe());
    let workload = Workload::at(new)
        .unwrap_or_else(|| panic!("nobody answers on the new port{}", dev.describe()));
    assert_eq!(workload.variable("PORT"), Some(new.to_string()));
    assert_eq!(Workload::at(old), None);
    let table = dev.table();
    assert_eq!(
        (table.ports, table.deferred.len()),
        (format!("{new}/tcp"), 0),
        "{}",
        dev.describe()
    );
    let printed = dev.lines_since(before).join("\n");
    for bad in ["ERROR", "deferred", "failed", "is stored"] {
        assert!(!printed.contains(bad), "{bad}{}", dev.describe());
    }
    let summary = dev.retries_since(log_length).pop().unwrap();
    assert!(summary.retries() > 0 && !summary.is_ongoing(), "{summary}{}", dev.describe());

    dev.release_hook("workload-pebble-ready");
    assert_eq!(dev.wait_until_settled("active").status(), ("active", ""));
    let hooks: Vec<_> =
        dev.hooks_since(before).into_iter().map(|hook| (hook.name, hook.exit)).collect();
    assert_eq!(
        hooks,
        ["config-changed", "workload-pebble-ready"]
            .map(|name| (name.to_owned(), "exit 0".to_owned()))
    );
    // The config was complete, so pebble-ready had nothing to restart.
    assert_eq!(Workload::at(new), Some(workload));
    dev.quit();
}

//! Pebble goes away inside a hook that Juju would not run again: the event is stored and shown, and
//! runs once more before the next event.

use std::fs;

use charmwright_testing::proxy::{Fault, Rule};

use crate::support::{DevRun, Setup, Workload, free_port};

const REASON: &str = "waiting for Pebble in \"workload\"";

/// Kills Pebble at the next request that adds a layer.
fn kill_at_add_layer(dev: &DevRun) {
    let input = dev.input.clone();
    dev.proxy().add(Rule::new("POST", "/v1/layers", Fault::before(move |_| input.kill_pebble())));
}

/// Checks what follows when `event` has just run and has lost its Pebble. It is the same for every
/// event that is stored.
fn assert_stored_shown_and_run_once(dev: &mut DevRun, event: &str, position: usize) {
    let table = dev.wait_until_settled("waiting");
    assert_eq!(table.status(), ("waiting", REASON));
    assert_eq!(table.deferred, [(event.to_owned(), REASON.to_owned())]);
    let printed = dev.lines_since(position).join("\n");
    for part in [
        format!(
            "WARNING \"{event}\" is stored and runs again before the next event: cannot add layer \
             \"workload\""
        ),
        format!("            deferred {event}: {REASON}"),
    ] {
        assert_eq!(printed.matches(&part).count(), 1, "{part}{}", dev.describe());
    }

    // Pebble comes back before the hook of the next event begins. The stored event runs in that
    // hook, once and first.
    let before = dev.line_count();
    dev.hold_hook("update-status");
    dev.hold_hook("workload-pebble-ready");
    dev.send("update-status");
    dev.line("> update-status");
    dev.input.start_pebble();
    dev.proxy().forget();
    dev.release_hook("update-status");
    let hook = dev.hook("update-status");
    assert_eq!(hook.exit, "exit 0", "{}", dev.describe());
    let layers = dev.proxy().count("POST", "/v1/layers");
    assert_eq!(layers, 1, "{}", dev.describe());
    let posts: Vec<_> =
        dev.proxy().requests().into_iter().filter(|seen| seen.method == "POST").collect();
    assert_eq!(posts[0].path, "/v1/layers");
    assert!(posts[1].path.starts_with("/v1/services"), "{}", dev.describe());
    // Pebble still has everything that the stored event has set.
    assert!(
        posts.iter().all(|post| post.status.is_some_and(|status| status < 300)),
        "{}",
        dev.describe()
    );
    let table = dev.table();
    assert!(table.deferred.is_empty(), "{:?}", table.deferred);
    let printed = dev.lines_since(before).join("\n");
    assert!(printed.contains("1 deferred event(s) done, 0 left"), "{printed}");

    // The new Pebble causes an event of its own.
    dev.release_hook("workload-pebble-ready");
    assert_eq!(dev.hook("workload-pebble-ready").exit, "exit 0");
    let table = dev.wait_until_settled("active");
    assert!(table.deferred.is_empty(), "{:?}", table.deferred);
}

#[test]
fn inside_pebble_ready() {
    let port = free_port();
    let Some(setup) = Setup::any_workload("Pebble is lost inside pebble-ready", port) else {
        return;
    };
    let mut dev = setup.retry_attempts(2).with_proxy().start();
    dev.wait_until_settled("active");
    dev.input.kill_pebble();
    kill_at_add_layer(&dev);
    let before = dev.line_count();
    dev.send("pebble start");
    let hook = dev.hook("workload-pebble-ready");
    assert_eq!((hook.exit.as_str(), hook.attempt), ("exit 0", 1));
    assert_stored_shown_and_run_once(&mut dev, "workload-pebble-ready", before);
    assert!(Workload::at(port).is_some());
    dev.quit();
}

#[test]
fn inside_a_check_event() {
    let Some(setup) = Setup::restart_on_check("Pebble is lost inside a check event") else {
        return;
    };
    let mut dev = setup.retry_attempts(2).with_proxy().start();
    dev.wait_until_settled("active");
    kill_at_add_layer(&dev);
    let before = dev.line_count();
    fs::write(dev.unhealthy_file(), "").unwrap();
    let hook = dev.hook("workload-pebble-check-failed");
    assert_eq!((hook.exit.as_str(), hook.attempt), ("exit 0", 1));
    // The check passes again, so that the new Pebble reports no failure of its own.
    fs::remove_file(dev.unhealthy_file()).unwrap();
    assert_stored_shown_and_run_once(&mut dev, "workload-pebble-check-failed", before);
    dev.quit();
}

//! These tests kill the daemon after it has accepted an action. The next daemon resumes the change
//! as it starts, with only the layer files in its plan. The action must still take effect on it,
//! with the client's layers, and only once.
//!
//! The services record their starts, each with the process id of the daemon and the value that the
//! layers give the service.

use std::thread;
use std::time::Duration;

use charmwright_pebble::{Change, Error, Layer, LayerMode, Override, Service, Startup};
use charmwright_testing::daemon::DaemonOptions;
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::wait::until;
use charmwright_tests::{AWAY, COUNTED, Fixture, Random};

use super::{side_by_side, start_held};

/// The action of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Start,
    Restart,
    Replan,
    Autostart,
}

/// The moment at which the daemon is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The daemon has accepted the request. Its reply still arrives.
    Answered,
    /// The reply was lost, and the client's next request comes in.
    Lost,
    /// The client knows the change and waits for its end.
    Waited,
}

const MOMENTS: [Moment; 3] = [Moment::Answered, Moment::Lost, Moment::Waited];

/// Kills the daemon at this moment and starts it again after [`AWAY`].
fn kill_at(fixture: &Fixture, moment: Moment) {
    match moment {
        Moment::Answered => fixture.kill_at("POST", "/v1/services", false),
        Moment::Lost => {
            fixture.proxy.add(Rule::new("POST", "/v1/services", Fault::DropReply));
            // The client asks for the plan first if it has layers to look for, and else for the
            // changes.
            let kill = fixture.killer(AWAY);
            for path in ["/v1/plan", "/v1/changes"] {
                let kill = kill.clone();
                let fault = Fault::before(move |_| kill());
                fixture.proxy.add(Rule::new("GET", path, fault).whole_path());
            }
        }
        Moment::Waited => fixture.kill_at("GET", "/v1/changes/", true),
    }
}

/// One combination of what may differ.
#[derive(Debug, Clone, Copy)]
struct Case {
    action: Action,
    moment: Moment,
    /// `true` if a layer file has the service, too.
    in_file: bool,
    /// `true` if the service's startup is enabled.
    enabled: bool,
    /// `true` if the daemon keeps no state on disk (`PEBBLE_PERSIST=never`), so that the next one
    /// knows nothing of the change.
    forgetful: bool,
}

/// Returns all combinations, but an autostart of a disabled service, which starts nothing.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for action in [Action::Start, Action::Restart, Action::Replan, Action::Autostart] {
        for moment in MOMENTS {
            for bits in 0..8 {
                let [in_file, enabled, forgetful] = [1, 2, 4].map(|bit| bits & bit != 0);
                if enabled || action != Action::Autostart {
                    cases.push(Case { action, moment, in_file, enabled, forgetful });
                }
            }
        }
    }
    cases
}

/// Starts the fixture of a case.
fn start_for_case(test: &str, case: &Case) -> Option<Fixture> {
    let mut options = DaemonOptions::new();
    if case.forgetful {
        options = options.forgetful();
    }
    if case.in_file {
        let startup = if case.enabled { "enabled" } else { "disabled" };
        let command = serde_json::to_string(COUNTED).unwrap();
        let yaml = format!(
            "services: {{web: {{override: replace, startup: {startup}, command: {command}, \
             environment: {{NAME: file}}}}}}"
        );
        options = options.layer("image", yaml);
    }
    // Enabled services are tested with a daemon that starts them by itself, as in a container. With
    // `--hold` all starts are the client's.
    if case.enabled { Fixture::start(test, options) } else { start_held(test, options) }
}

/// Combines three layers into one label. The value of the service is `123` only if all are there.
async fn add_in_three(fixture: &Fixture, case: &Case) {
    let startup = if case.enabled { Startup::Enabled } else { Startup::Disabled };
    let first = Service::new().command(COUNTED).env("NAME", "1").after(["one"]).startup(startup);
    let more = |value: &str, after: &str| {
        Service::new().override_mode(Override::Merge).env("NAME", value).after([after])
    };
    for service in [first, more("12", "two"), more("123", "three")] {
        let layer = Layer::new().service("web", service);
        fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    }
}

/// Does what comes before the action of a case: for a restart and a replan it starts the service
/// with an older value, and it adds the newest layers.
async fn prepare(fixture: &Fixture, case: &Case) {
    if matches!(case.action, Action::Restart | Action::Replan) {
        let old = fixture.service("old");
        let startup = if case.enabled { Startup::Enabled } else { Startup::Disabled };
        let layer = Layer::new().service("web", old.startup(startup));
        fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
        fixture.client.start(["web"]).await.unwrap();
    }
    add_in_three(fixture, case).await;
}

/// Runs the action through the proxy.
async fn run(fixture: &Fixture, action: Action) -> Result<Change, Error> {
    match action {
        Action::Start => fixture.client.start(["web"]).await,
        Action::Restart => fixture.client.restart(["web"]).await,
        Action::Replan => fixture.client.replan().await,
        Action::Autostart => fixture.client.autostart().await,
    }
}

#[test]
fn an_action_that_a_killed_daemon_had_accepted_happens_once_on_the_next() {
    side_by_side(cases(), async |case| {
        let Some(fixture) = start_for_case("killed_during_action", &case) else {
            return;
        };
        prepare(&fixture, &case).await;
        kill_at(&fixture, case.moment);
        run(&fixture, case.action).await.unwrap_or_else(|error| panic!("{case:?}: {error}"));
        assert_eq!(fixture.daemon.boots(), 2, "{case:?}");
        assert_happened_once(&fixture, &case).await;
    });
}

/// Asserts that the service runs with its newest value, that no daemon has started a value twice,
/// and that the newest daemon has started no other value, save that of a layer file.
async fn assert_happened_once(fixture: &Fixture, case: &Case) {
    let services = fixture.client.services(["web"]).await.unwrap();
    assert!(services.len() == 1 && services[0].is_active(), "{case:?}: {services:?}");
    let plan = fixture.client.plan().await.unwrap();
    assert_eq!(plan.services()["web"].get_after(), ["one", "two", "three"], "{case:?}");

    fixture.assert_started_once(&format!("{case:?}"));
    let (starts, values) = (fixture.started_by_daemon(), fixture.started_by_newest());
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let is_right = values == ["123"] || (case.in_file && values == ["file", "123"]);
    assert!(is_right, "{case:?}: {starts:?}");
}

/// Kills the daemon at random moments, some of them after the action has ended. `CHARMWRIGHT_KILLS`
/// is the number of kills (24 by default) and `CHARMWRIGHT_SEED` the seed (1 by default).
#[test]
fn an_action_killed_at_any_moment_happens_at_most_once_on_each_daemon() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let (count, seed) = (number("CHARMWRIGHT_KILLS", 24), number("CHARMWRIGHT_SEED", 1));
    println!("{count} kills from seed {seed}");
    let mut random = Random::new(seed);
    let all = cases();
    let mut drawn = Vec::new();
    for _ in 0..count {
        let case = *random.one_of(&all);
        // The longest action, a restart, takes a little more than a second: so long Pebble waits to
        // see whether the service stays up.
        drawn.push((case, Duration::from_millis(random.below(1300))));
    }
    side_by_side(drawn, async |(case, delay)| {
        let what = format!("{case:?}, killed after {delay:?}");
        let Some(fixture) = start_for_case("killed_at_any_moment", &case) else {
            return;
        };
        prepare(&fixture, &case).await;
        let kill = fixture.killer(AWAY);
        let killer = thread::spawn(move || {
            thread::sleep(delay);
            kill();
        });
        let result = run(&fixture, case.action).await;
        killer.join().unwrap();
        result.unwrap_or_else(|error| panic!("{what}: {error}"));
        fixture.wait_for_boot(2).await;
        fixture.assert_started_once(&what);
        let (starts, values) = (fixture.started_by_daemon(), fixture.started_by_newest());
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let in_file = case.in_file;
        let is_right = match values.as_slice() {
            [] | ["123"] => true,
            ["file"] | ["file", "123"] => in_file,
            _ => false,
        };
        assert!(is_right, "{what}: {starts:?}");
    });
}

#[test]
fn two_actions_that_a_killed_daemon_had_accepted_both_happen_once() {
    side_by_side(vec![false, true], async |forgetful| {
        let options = DaemonOptions::new();
        let options = if forgetful { options.forgetful() } else { options };
        let Some(fixture) = start_held("killed_during_two_actions", options) else {
            return;
        };
        let one = fixture.service("one").startup(Startup::Disabled);
        let two = fixture.service("two").startup(Startup::Disabled);
        let layer = Layer::new().service("one", one).service("two", two);
        fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
        fixture.client.start(["one", "two"]).await.unwrap();
        let kill = fixture.killer(AWAY);
        let fault = Fault::before_reply(move |_| kill());
        fixture.proxy.add(Rule::new("POST", "/v1/services", fault).from_nth(2));
        let (one, two) =
            tokio::join!(fixture.client.restart(["one"]), fixture.client.restart(["two"]));
        one.unwrap();
        two.unwrap();
        let mut values = fixture.started_by_newest();
        values.sort();
        assert_eq!(values, ["one", "two"], "state lost: {forgetful}");
    });
}

/// The layer was added by another client, such as an earlier hook, and is lost with the daemon.
/// This client cannot restore it, so it reports that: the next pebble-ready will add it again.
#[test]
fn an_action_on_a_layer_of_another_client_reports_that_it_is_gone() {
    let mut cases = Vec::new();
    for forgetful in [false, true] {
        for moment in MOMENTS {
            cases.push((forgetful, moment));
        }
    }
    side_by_side(cases, async |(forgetful, moment)| {
        let options = DaemonOptions::new();
        let options = if forgetful { options.forgetful() } else { options };
        let Some(fixture) = start_held("layer_of_another", options) else {
            return;
        };
        let another = fixture.daemon.client();
        another.add_layer("web", &fixture.layer("one"), LayerMode::Combine).await.unwrap();
        another.start(["web"]).await.unwrap();
        kill_at(&fixture, moment);
        let error = fixture.client.restart(["web"]).await.unwrap_err();
        assert_eq!(*error.kind(), charmwright_pebble::ErrorKind::Restarted, "{error}");
        assert_eq!(fixture.started_by_newest(), [""; 0]);
    });
}

/// The next daemon starts the enabled services by itself, a moment after its socket answers. The
/// stop must come after that.
#[test]
fn a_stop_holds_on_the_next_daemon() {
    let command = serde_json::to_string(COUNTED).unwrap();
    let in_file =
        format!("services: {{web: {{override: replace, startup: enabled, command: {command}}}}}");
    let mut cases = Vec::new();
    for in_file in [false, true] {
        for moment in MOMENTS {
            cases.push((in_file, moment));
        }
    }
    side_by_side(cases, async |(is_in_file, moment)| {
        let options = DaemonOptions::new();
        let options = if is_in_file { options.layer("image", &in_file) } else { options };
        let Some(fixture) = Fixture::start("stop_holds", options) else {
            return;
        };
        if !is_in_file {
            let layer = Layer::new().service("web", fixture.service("a").startup(Startup::Enabled));
            fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
        }
        fixture.client.start(["web"]).await.unwrap();
        kill_at(&fixture, moment);
        fixture.client.stop(["web"]).await.unwrap();
        let autostarts = fixture.changes_of_kind("autostart").await;
        assert!(autostarts.iter().all(Change::ready), "{autostarts:?}");
        let services = fixture.client.services(["web"]).await.unwrap();
        assert!(!services[0].is_active(), "in a file: {is_in_file}, {moment:?}: {services:?}");
    });
}

/// The next daemon makes an autostart of its own, with only the layer files in its plan. The client
/// must not take it for the lost one.
#[test]
fn an_autostart_starts_the_services_of_layers_beside_those_of_a_layer_file() {
    let command = serde_json::to_string(COUNTED).unwrap();
    let in_file = format!(
        "services: {{image: {{override: replace, startup: enabled, command: {command}, \
         environment: {{NAME: image}}}}}}"
    );
    let mut cases = Vec::new();
    for forgetful in [false, true] {
        for moment in MOMENTS {
            cases.push((forgetful, moment));
        }
    }
    side_by_side(cases, async |(forgetful, moment)| {
        let options = DaemonOptions::new().layer("image", &in_file);
        let options = if forgetful { options.forgetful() } else { options };
        let Some(fixture) = Fixture::start("autostart_beside_file", options) else {
            return;
        };
        let layer = Layer::new().service("web", fixture.service("web").startup(Startup::Enabled));
        fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
        kill_at(&fixture, moment);
        fixture.client.autostart().await.unwrap();
        let mut values = fixture.started_by_newest();
        values.sort();
        assert_eq!(values, ["image", "web"], "state lost: {forgetful}, {moment:?}");
    });
}

/// The start joins the daemon's own autostart, and its change ends before the daemon is killed.
#[test]
fn a_start_that_had_joined_an_autostart_is_done_on_the_next_daemon() {
    let command = serde_json::to_string(COUNTED).unwrap();
    let in_file = format!(
        "services: {{web: {{override: replace, startup: enabled, command: {command}, \
         environment: {{NAME: file}}}}}}"
    );
    side_by_side(vec![false, true], async |forgetful| {
        let options = DaemonOptions::new().layer("image", &in_file);
        let options = if forgetful { options.forgetful() } else { options };
        let Some(fixture) = Fixture::start("joined_autostart", options) else {
            return;
        };
        until("the daemon starts the file's", async || fixture.started() == ["file"]).await;
        let layer = Layer::new().service("web", fixture.service("web").startup(Startup::Enabled));
        fixture.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
        let kill = fixture.killer(AWAY);
        let fault = Fault::before(move |_| kill());
        fixture.proxy.add(Rule::new("GET", "/v1/changes", fault).whole_path());
        fixture.client.start(["web"]).await.unwrap();
        assert_eq!(fixture.daemon.boots(), 2);
        let (starts, values) = (fixture.started_by_daemon(), fixture.started_by_newest());
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        assert!(values == ["web"] || values == ["file", "web"], "{starts:?}");
    });
}

#[test]
fn two_labels_of_one_service_are_back_before_it_is_started() {
    side_by_side(vec![Action::Restart, Action::Replan], async |action| {
        let Some(fixture) = Fixture::start("two_labels", DaemonOptions::new()) else {
            return;
        };
        let layer = Layer::new().service("web", fixture.service("one").startup(Startup::Enabled));
        fixture.client.add_layer("base", &layer, LayerMode::Combine).await.unwrap();
        fixture.client.start(["web"]).await.unwrap();
        let over = Service::new().override_mode(Override::Merge).env("NAME", "two");
        let layer = Layer::new().service("web", over);
        fixture.client.add_layer("over", &layer, LayerMode::Combine).await.unwrap();
        fixture.kill_at("POST", "/v1/services", false);
        run(&fixture, action).await.unwrap();
        let starts = fixture.started_by_daemon();
        assert_eq!(fixture.started_by_newest(), ["two"], "{action:?}: {starts:?}");
    });
}

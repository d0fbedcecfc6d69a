//! What the client does when a reply is lost or Pebble dies, against the real daemon: every effect exactly once, every refusal sent exactly once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as expected"
)]

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use charmwright::pebble::{
    Change, ChangeFilter, ChangeStatus, Client, Error, ErrorKind, FailedAttempt, Layer, LayerMode, Override,
    RetryObserver, RetryPolicy, Service,
};
use charmwright::testing::daemon::{Daemon, DaemonOptions};
use charmwright::testing::daemon_or_skip;
use charmwright::testing::proxy::{Door, Fault, FaultProxy, Rule};

/// Longer than anything here takes, shorter than anybody's patience.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a killed daemon stays away.
const AWAY: Duration = Duration::from_millis(700);

/// A daemon behind a proxy, a client of it, and a file to which each start of a service adds a line.
struct Scene {
    proxy: FaultProxy,
    daemon: Arc<Daemon>,
    client: Client,
    starts: PathBuf,
}

/// As the default, but in tenths.
fn policy() -> RetryPolicy {
    RetryPolicy::operation()
        .step(Duration::from_millis(100))
        .cap(Duration::from_millis(500))
        .attempts(NonZeroU32::new(40).unwrap())
}

fn scene(test: &str, options: DaemonOptions) -> Option<Scene> {
    let daemon = daemon_or_skip(test, options.hold())?;
    let proxy = FaultProxy::start(daemon.socket()).unwrap();
    let client = Client::new(proxy.socket())
        .with_target("container \"web\"")
        .with_retry(policy());
    let starts = daemon.folder().join("starts");
    Some(Scene {
        proxy,
        daemon: Arc::new(daemon),
        client,
        starts,
    })
}

impl Scene {
    /// Writes its value to the file of starts and stays.
    fn service(&self, value: &str) -> Service {
        let script = format!("echo \"$NAME\" >> {}; exec sleep 600", self.starts.display());
        Service::new()
            .command(format!("/bin/sh -c '{script}'"))
            .env("NAME", value)
    }

    fn layer(&self, value: &str) -> Layer {
        Layer::new().service("web", self.service(value))
    }

    /// The values of all starts so far, oldest first.
    fn started(&self) -> Vec<String> {
        std::fs::read_to_string(&self.starts)
            .unwrap_or_default()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Adds a layer of this value and starts it, and forgets the requests.
    async fn running(&self, value: &str) {
        self.client
            .add_layer("web", &self.layer(value), LayerMode::Combine)
            .await
            .unwrap();
        self.client.start(&["web"]).await.unwrap();
        assert_eq!(self.started(), [value]);
        self.proxy.forget();
    }

    fn posts(&self, path: &str) -> usize {
        self.proxy.count("POST", path)
    }

    async fn changes_of_kind(&self, kind: &str) -> Vec<Change> {
        let mut changes = self.client.changes(&ChangeFilter::all()).await.unwrap();
        changes.retain(|change| change.kind() == kind);
        changes
    }

    /// Kills the daemon at the next such request: before it arrives, or when it is answered (an answer that was given still passes).
    fn kill_at(&self, method: &str, path: &str, before: bool) {
        let kill = self.kill();
        let fault = if before {
            Fault::before(move |_| kill())
        } else {
            Fault::before_reply(move |_| kill())
        };
        self.proxy.add(Rule::new(method, path, fault));
    }

    /// Kills the daemon, which is back after a while. Once, however often the rule fires.
    fn kill(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let daemon = Arc::clone(&self.daemon);
        let done = Arc::new(AtomicBool::new(false));
        move || {
            if done.swap(true, Ordering::SeqCst) {
                return;
            }
            daemon.kill().unwrap();
            let daemon = Arc::clone(&daemon);
            thread::spawn(move || {
                thread::sleep(AWAY);
                daemon.start_again().unwrap();
            });
        }
    }
}

/// Runs the cases of a test, some at a time: nearly all of their time is Pebble's own second of waiting.
fn side_by_side<T: Send>(cases: Vec<T>, run: impl AsyncFn(T) + Sync) {
    let cases = Mutex::new(cases.into_iter());
    let next = || cases.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                while let Some(case) = next() {
                    runtime.block_on(run(case));
                }
            });
        }
    });
}

/// Keeps what an observer is told.
#[derive(Default)]
struct Told(Mutex<Vec<FailedAttempt>>);

impl RetryObserver for Told {
    fn attempt_failed(&self, failure: &FailedAttempt) {
        self.0.lock().unwrap().push(failure.clone());
    }
}

/// The ways in which a reply is lost after the daemon has done its work.
fn losses() -> [Fault; 3] {
    [Fault::DropReply, Fault::CutReplyAfter(12), Fault::CutReplyAfter(150)]
}

#[test]
fn a_lost_reply_never_doubles_an_action() {
    let mut cases = Vec::new();
    for kind in ["replan", "start", "restart"] {
        for hidden in [0, 1] {
            cases.extend(losses().map(|fault| (kind, hidden, fault)));
        }
    }
    side_by_side(cases, lose_the_reply);
}

async fn lose_the_reply((kind, hidden, fault): (&'static str, u32, Fault)) {
    let what = format!("{kind}, listed late {hidden} times, {fault:?}");
    let Some(scene) = scene("a_lost_reply_never_doubles_an_action", DaemonOptions::new()) else {
        return;
    };
    if kind == "start" {
        let layer = scene.layer("one");
        scene.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    } else {
        scene.running("one").await;
    }
    if kind == "replan" {
        let layer = scene.layer("two");
        scene.client.add_layer("web", &layer, LayerMode::Combine).await.unwrap();
    }
    scene.proxy.forget();
    scene.proxy.add(Rule::new("POST", "/v1/services", fault));
    if hidden > 0 {
        scene.proxy.add(Rule::hide_changes(hidden));
    }
    let (result, expected): (_, &[&str]) = match kind {
        "replan" => (scene.client.replan().await, &["one", "two"]),
        "start" => (scene.client.start(&["web"]).await, &["one"]),
        _ => (scene.client.restart(&["web"]).await, &["one", "one"]),
    };
    let change = result.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!((change.kind(), change.status()), (kind, &ChangeStatus::Done), "{what}");
    assert_eq!(scene.posts("/v1/services"), 1, "{what}");
    assert_eq!(scene.started(), expected, "{what}");
    assert_eq!(scene.changes_of_kind(kind).await.len(), 1, "{what}");
}

#[tokio::test]
async fn an_action_that_never_arrived_is_sent_again_and_happens_once() {
    let Some(scene) = scene("an_action_that_never_arrived", DaemonOptions::new()) else {
        return;
    };
    scene.running("one").await;
    scene
        .proxy
        .add(Rule::new("POST", "/v1/services", Fault::CutRequestBefore));
    scene.client.restart(&["web"]).await.unwrap();
    assert_eq!(scene.started(), ["one", "one"]);
    assert_eq!(scene.posts("/v1/services"), 2);
    assert!(
        scene.proxy.count("GET", "/v1/changes?") >= 2,
        "looked for before it was sent again"
    );
    assert_eq!(scene.changes_of_kind("restart").await.len(), 1);
}

#[tokio::test]
async fn a_daemon_that_only_refuses_is_not_taken_for_a_new_one() {
    let Some(scene) = scene("a_daemon_that_only_refuses", DaemonOptions::new()) else {
        return;
    };
    scene.running("one").await;
    let told = Arc::new(Told::default());
    let client = scene.client.clone().with_observer(told.clone());
    scene.proxy.add(Rule::new("POST", "/v1/services", Fault::DropReply));
    scene.proxy.add(Rule::new("GET", "/v1/", Fault::Refuse(AWAY)));
    client.restart(&["web"]).await.unwrap();
    assert_eq!(scene.started(), ["one", "one"], "restarted once");
    assert_eq!((scene.posts("/v1/services"), scene.posts("/v1/layers")), (1, 0));
    let told = told.0.lock().unwrap();
    assert!(told.len() >= 3, "{told:?}");
    assert!(
        told.iter()
            .all(|failure| failure.operation() == "restart service \"web\"" && failure.delay().is_some())
    );
    assert_eq!(told[0].attempt(), 1);
    assert!(
        told.iter().any(|failure| failure.cause() == "connection refused"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_lost_wait_is_asked_again() {
    let Some(scene) = scene("a_lost_wait_is_asked_again", DaemonOptions::new()) else {
        return;
    };
    scene
        .client
        .add_layer("web", &scene.layer("one"), LayerMode::Combine)
        .await
        .unwrap();
    scene
        .proxy
        .add(Rule::new("GET", "/v1/changes/", Fault::DropReply).times(3));
    scene.proxy.add(Rule::new(
        "GET",
        "/v1/changes/1/wait",
        Fault::Reply {
            status: 504,
            body: r#"{"type":"error","status-code":504,"result":{"message":"timed out waiting for change"}}"#.into(),
        },
    ));
    scene.client.replan().await.unwrap();
    // A replan starts what is enabled; this one is not.
    assert_eq!(scene.posts("/v1/services"), 1);
    scene.client.start(&["web"]).await.unwrap();
    assert_eq!(scene.started(), ["one"]);
}

#[tokio::test]
async fn a_layer_whose_reply_was_lost_is_combined_once() {
    for fault in losses() {
        let Some(scene) = scene("a_layer_whose_reply_was_lost", DaemonOptions::new()) else {
            return;
        };
        let base = Layer::new()
            .service("db", scene.service("db"))
            .service("web", scene.service("one"));
        scene.client.add_layer("base", &base, LayerMode::New).await.unwrap();
        scene.proxy.forget();
        scene.proxy.add(Rule::new("POST", "/v1/layers", fault.clone()));
        // Its list would grow if it were combined twice.
        let more = Layer::new().service("web", Service::new().override_mode(Override::Merge).after(["db"]));
        scene.client.add_layer("base", &more, LayerMode::Combine).await.unwrap();
        assert_eq!(scene.posts("/v1/layers"), 1, "{fault:?}");
        let plan = scene.client.plan().await.unwrap();
        assert_eq!(plan.services()["web"].get_after(), ["db"], "{fault:?}");
        assert_eq!(plan.services()["web"].get_environment()["NAME"], "one");

        // A new label: sent again, and that it exists is then what the first one has done.
        scene.proxy.forget();
        scene.proxy.add(Rule::new("POST", "/v1/layers", fault.clone()));
        scene
            .client
            .add_layer("new", &scene.layer("two"), LayerMode::New)
            .await
            .unwrap();
        assert_eq!(
            scene.client.plan().await.unwrap().services()["web"].get_environment()["NAME"],
            "two"
        );

        // And one that never arrived.
        scene.proxy.forget();
        scene
            .proxy
            .add(Rule::new("POST", "/v1/layers", Fault::CutRequestBefore));
        scene
            .client
            .add_layer("base", &scene.layer("three"), LayerMode::Combine)
            .await
            .unwrap();
        assert_eq!(scene.posts("/v1/layers"), 2, "{fault:?}");
    }
}

#[tokio::test]
async fn an_abort_whose_reply_was_lost_is_explained_by_itself() {
    let Some(scene) = scene("an_abort_whose_reply_was_lost", DaemonOptions::new()) else {
        return;
    };
    scene.running("one").await;
    let done = scene.changes_of_kind("start").await.remove(0);
    // Without a lost reply, that nothing is pending is a refusal.
    let error = scene.client.abort_change(done.id()).await.unwrap_err();
    assert_eq!(
        (error.kind(), scene.posts("/v1/changes/")),
        (&ErrorKind::Api { status: 400 }, 1)
    );
    scene.proxy.add(Rule::new("POST", "/v1/changes/", Fault::DropReply));
    let change = scene.client.abort_change(done.id()).await.unwrap();
    assert_eq!(change.id(), done.id());
}

#[tokio::test]
async fn every_definite_refusal_is_sent_once_and_says_what_is_at_fault() {
    let Some(scene) = scene("every_definite_refusal", DaemonOptions::new()) else {
        return;
    };
    scene.running("one").await;
    let client = &scene.client;
    let check = |result: Result<(), Error>, status: u16, sent: (&str, &str), named: &str| {
        let error = result.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Api { status }, "{error}");
        assert!(error.to_string().contains(named), "{error} names {named}");
        assert!(error.to_string().starts_with("cannot ") && error.message().is_some() && !error.may_have_acted());
        assert_eq!(error.attempts(), 1);
        assert_eq!(scene.proxy.count(sent.0, sent.1), 1, "{error}");
        scene.proxy.forget();
    };
    let services = ("POST", "/v1/services");
    let layers = ("POST", "/v1/layers");
    check(client.start(&["nope"]).await.map(drop), 400, services, "\"nope\"");
    check(client.stop(&["nope"]).await.map(drop), 400, services, "\"nope\"");
    check(
        client.restart(&["web", "nope"]).await.map(drop),
        400,
        services,
        "\"nope\"",
    );
    check(client.autostart().await.map(drop), 400, services, "no default services");
    check(
        client.add_layer("web", &scene.layer("x"), LayerMode::New).await,
        400,
        layers,
        "\"web\"",
    );
    let requires = Layer::new().service("api", scene.service("x").requires(["ghost"]));
    check(
        client.add_layer("api", &requires, LayerMode::Combine).await,
        400,
        layers,
        "\"ghost\"",
    );
    let id = "4711".parse().unwrap();
    check(
        client.change(&id).await.map(drop),
        404,
        ("GET", "/v1/changes/4711"),
        "4711",
    );
    check(
        client.wait_change(&id, PATIENCE).await.map(drop),
        404,
        ("GET", "/v1/changes/4711"),
        "4711",
    );
    check(
        client.abort_change(&id).await.map(drop),
        404,
        ("POST", "/v1/changes/4711"),
        "4711",
    );
    check(
        client.refresh_check("ghost").await.map(drop),
        404,
        ("POST", "/v1/checks/refresh"),
        "ghost",
    );
    assert_eq!(client.budget().retries(), 0);
}

#[tokio::test]
async fn a_failed_change_names_the_service_its_cause_and_its_last_line() {
    let Some(scene) = scene("a_failed_change", DaemonOptions::new()) else {
        return;
    };
    let broken = Service::new().command("/bin/sh -c 'echo starting; echo no such key >&2; exit 3'");
    let absent = Service::new().command("/no/such/program");
    let layer = Layer::new().service("broken", broken).service("absent", absent);
    scene.client.add_layer("x", &layer, LayerMode::New).await.unwrap();
    let error = scene.client.start(&["broken", "absent"]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeFailed);
    let failed = error.failed_services();
    assert_eq!(failed.len(), 2, "{error}");
    let broken = failed.iter().find(|failure| failure.service() == "broken").unwrap();
    assert!(broken.cause().contains("code 3"), "{error}");
    assert_eq!(broken.last_output(), Some("no such key"));
    assert!(
        failed
            .iter()
            .any(|failure| failure.service() == "absent" && failure.cause().contains("/no/such/program"))
    );
    assert!(
        error.to_string().contains("no such key") && error.change().is_some(),
        "{error}"
    );
    assert_eq!(scene.posts("/v1/services"), 1);
}

/// What a hook does: the layer, then the replan.
async fn configure(scene: &Scene, value: &str) -> Result<Change, Error> {
    let layer = Layer::new().service(
        "web",
        scene.service(value).startup(charmwright::pebble::Startup::Enabled),
    );
    scene.client.add_layer("web", &layer, LayerMode::Combine).await?;
    scene.client.replan().await
}

/// The value that the running service has, from its own process.
async fn is_running(scene: &Scene, value: &str) {
    let services = scene.client.services(&["web"]).await.unwrap();
    assert!(services.len() == 1 && services[0].is_active(), "{services:?}");
    assert_eq!(scene.started().last().map(String::as_str), Some(value));
    assert_eq!(
        scene.client.plan().await.unwrap().services()["web"].get_environment()["NAME"],
        value
    );
}

#[test]
fn pebble_killed_and_back_at_a_chosen_moment_makes_the_same_calls_succeed() {
    let moments = [
        ("POST", "/v1/layers", true),
        ("POST", "/v1/layers", false),
        ("POST", "/v1/services", true),
        ("POST", "/v1/services", false),
        ("GET", "/v1/changes/", true),
        ("", "", true),
    ];
    let kept = moments.map(|moment| (moment, false));
    let forgotten = moments.map(|moment| (moment, true));
    side_by_side(
        [kept, forgotten].concat(),
        async |((method, path, before), forgetful)| {
            let what = format!("killed at {method} {path}, before it: {before}, state lost: {forgetful}");
            let options = DaemonOptions::new();
            let options = if forgetful { options.forgetful() } else { options };
            let Some(scene) = scene("pebble_killed_and_back", options) else {
                return;
            };
            configure(&scene, "one").await.unwrap();
            scene.kill_at(method, path, before);
            configure(&scene, "two")
                .await
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(scene.daemon.boots(), 2, "{what}");
            is_running(&scene, "two").await;
            assert!(scene.client.budget().retries() > 0, "{what}");
        },
    );
}

#[tokio::test]
async fn pebble_killed_and_back_between_two_calls_gets_its_layers_back() {
    let Some(scene) = scene("pebble_killed_between", DaemonOptions::new()) else {
        return;
    };
    let layer = Layer::new().service(
        "web",
        scene.service("one").startup(charmwright::pebble::Startup::Enabled),
    );
    let other = Layer::new().service("web", Service::new().override_mode(Override::Merge).env("NAME", "two"));
    scene.client.add_layer("web", &layer, LayerMode::New).await.unwrap();
    scene.client.add_layer("over", &other, LayerMode::New).await.unwrap();
    scene.daemon.kill().unwrap();
    scene.daemon.start_again().unwrap();
    scene.proxy.forget();
    // Nothing fails: the kept connection is found dead, and that alone is reason enough to look.
    scene.client.replan().await.unwrap();
    is_running(&scene, "two").await;
    assert_eq!((scene.posts("/v1/layers"), scene.client.budget().retries()), (2, 0));
    // With the daemon alive nothing is put back again.
    scene.proxy.cut_connections();
    scene.client.restart(&["web"]).await.unwrap();
    assert_eq!((scene.posts("/v1/layers"), scene.started().len()), (2, 2));
}

#[test]
fn pebble_killed_at_any_moment_makes_the_same_calls_succeed() {
    // Over the whole of it: the stop of the old service takes no time, the start of the new one a second.
    let moments = (0..12_u64).map(|n| Duration::from_millis(n * n * 10)).collect();
    side_by_side(moments, async |delay: Duration| {
        let Some(scene) = scene("pebble_killed_at_any_moment", DaemonOptions::new()) else {
            return;
        };
        configure(&scene, "one").await.unwrap();
        let kill = scene.kill();
        let killer = thread::spawn(move || {
            thread::sleep(delay);
            kill();
        });
        let result = configure(&scene, "two").await;
        killer.join().unwrap();
        result.unwrap_or_else(|error| panic!("killed after {delay:?}: {error}"));
        let end = Instant::now() + PATIENCE;
        while !scene.daemon.is_running() || scene.daemon.boots() < 2 {
            assert!(Instant::now() < end, "the daemon is not back");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // Killed when both calls were over, it is for the next call to find out.
        scene.client.replan().await.unwrap();
        is_running(&scene, "two").await;
    });
}

#[tokio::test]
async fn a_static_service_killed_with_its_pebble_is_restarted_on_the_new_one() {
    let yaml = "services:\n  disk:\n    override: replace\n    startup: disabled\n    command: sleep 600\n";
    for (method, path, before) in [
        ("POST", "/v1/services", true),
        ("POST", "/v1/services", false),
        ("GET", "/v1/changes/", true),
    ] {
        let Some(scene) = scene("a_static_service", DaemonOptions::new().layer("disk", yaml)) else {
            return;
        };
        scene.kill_at(method, path, before);
        let change = scene
            .client
            .start(&["disk"])
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert_eq!(*change.status(), ChangeStatus::Done);
        assert!(
            scene.client.services(&["disk"]).await.unwrap()[0].is_active(),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn pebble_gone_for_good_is_told_with_effort_and_cause() {
    let Some(scene) = scene("pebble_gone_for_good", DaemonOptions::new()) else {
        return;
    };
    scene.daemon.kill().unwrap();
    let policy = policy().attempts(NonZeroU32::new(3).unwrap());
    let client = scene.client.clone().with_retry(policy);
    let error = client.replan().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts(), error.may_have_acted()),
        (&ErrorKind::Unreachable, 3, false)
    );
    let text = error.to_string();
    assert!(
        text.starts_with("cannot replan container \"web\": no answer from Pebble at "),
        "{text}"
    );
    assert!(
        text.contains(" after 3 attempts in ") && text.contains("(connection refused)"),
        "{text}"
    );
    // The budget is spent: the next call makes one attempt.
    assert_eq!(client.plan().await.unwrap_err().attempts(), 1);
    scene.proxy.hold_door(Some(Door::Missing));
    let error = client
        .clone()
        .with_retry(RetryPolicy::once(Duration::from_secs(1)))
        .plan()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("(no such socket)"), "{error}");
}

#[tokio::test]
async fn a_silent_pebble_is_waited_for_and_never_asked_twice() {
    let Some(scene) = scene("a_silent_pebble", DaemonOptions::new()) else {
        return;
    };
    scene.running("one").await;
    let client = scene
        .client
        .clone()
        .with_retry(policy().deadline(Duration::from_millis(400)));
    scene.proxy.add(Rule::new("POST", "/v1/services", Fault::Silence));
    let error = client.restart(&["web"]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_acted(), error.attempts()),
        (&ErrorKind::Unreachable, true, 1)
    );
    assert!(error.to_string().contains("may have acted"), "{error}");
    assert_eq!(scene.posts("/v1/services"), 1);
    // An answer that drips in takes no longer than the limit either.
    scene
        .proxy
        .add(Rule::new("GET", "/v1/plan", Fault::DripFeed(Duration::from_millis(20))));
    assert_eq!(*client.plan().await.unwrap_err().kind(), ErrorKind::Unreachable);
    // And the connection that was left in the middle is not used again.
    client.plan().await.unwrap();
}

#[tokio::test]
async fn a_change_that_takes_too_long_is_told_apart_from_a_silent_pebble() {
    let Some(scene) = scene("a_change_that_takes_too_long", DaemonOptions::new()) else {
        return;
    };
    scene
        .client
        .add_layer("web", &scene.layer("one"), LayerMode::New)
        .await
        .unwrap();
    let client = scene.client.clone().with_change_deadline(Duration::from_millis(200));
    let error = client.start(&["web"]).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::ChangeRunning);
    let id = error.change().unwrap().id().clone();
    assert!(error.to_string().contains("still running"), "{error}");
    let change = scene.client.wait_change(&id, PATIENCE).await.unwrap();
    assert!(change.ready() && change.err().is_none());
}

#[tokio::test]
async fn what_is_not_pebble_is_not_asked_twice() {
    let Some(scene) = scene("what_is_not_pebble", DaemonOptions::new()) else {
        return;
    };
    let json = |text: &str| Fault::Reply {
        status: 200,
        body: text.to_owned(),
    };
    let spoiled = [
        Fault::Garbage(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        Fault::Garbage(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec()),
        Fault::Garbage(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".to_vec()),
        json("[]"),
        json("{\"type\":\"sync\",\"result\":7}"),
        json("{\"type\":\"surprise\"}"),
    ];
    for fault in spoiled {
        scene.proxy.forget();
        scene.proxy.add(Rule::any(fault.clone()));
        let error = scene.client.plan().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Protocol, "{fault:?}: {error}");
        assert_eq!(scene.proxy.requests().len(), 1, "{fault:?}");
    }
    // A truncated answer is a lost one.
    scene.proxy.add(Rule::any(Fault::Garbage(
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{".to_vec(),
    )));
    scene.client.plan().await.unwrap();
}

#[tokio::test]
async fn an_overloaded_answer_is_retried_only_where_resending_is_safe() {
    let Some(scene) = scene("an_overloaded_answer", DaemonOptions::new()) else {
        return;
    };
    let busy = Fault::Reply {
        status: 503,
        body: r#"{"type":"error","result":{"message":"busy"}}"#.into(),
    };
    scene.proxy.add(Rule::any(busy.clone()).times(2));
    scene.client.plan().await.unwrap();
    assert_eq!(scene.proxy.count("GET", "/v1/plan"), 3);
    scene.proxy.add(Rule::any(busy));
    let error = scene.client.replan().await.unwrap_err();
    assert_eq!(
        (error.kind(), scene.posts("/v1/services")),
        (&ErrorKind::Api { status: 503 }, 1)
    );
}

#[tokio::test]
async fn a_bad_socket_path_is_refused_at_the_first_call() {
    let long = format!("/tmp/{}", "x".repeat(200));
    let error = Client::new(&long).plan().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("205 bytes") && error.to_string().contains("107"),
        "{error}"
    );
    let bytes: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"/tmp/\xff".to_vec());
    assert_eq!(
        *Client::new(bytes).plan().await.unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
    assert_eq!(
        *Client::new("").plan().await.unwrap_err().kind(),
        ErrorKind::InvalidRequest
    );
    let once = RetryPolicy::once(Duration::from_secs(1));
    let error = Client::new("/no/such/folder/pebble.socket")
        .with_retry(once)
        .replan()
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Unreachable, 1));
    assert_eq!(
        error.to_string(),
        "cannot replan: no answer from Pebble at /no/such/folder/pebble.socket (no such socket); is the container running?"
    );
}

#[tokio::test]
async fn a_dropped_call_leaves_a_client_that_works() {
    let Some(scene) = scene("a_dropped_call", DaemonOptions::new()) else {
        return;
    };
    scene.running("one").await;
    scene.proxy.add(Rule::new("GET", "/v1/plan", Fault::Silence));
    let dropped = tokio::time::timeout(Duration::from_millis(50), scene.client.plan()).await;
    assert!(dropped.is_err());
    scene.client.plan().await.unwrap();
    // Many at once need more than one connection, and get them.
    let (a, b, c) = tokio::join!(
        scene.client.plan(),
        scene.client.services(&[]),
        scene.client.system_info()
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
}

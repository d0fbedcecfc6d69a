//! These tests compare the typed model of layers, plans and checks with a real Pebble: what it
//! accepts, and what it returns.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use charmwright_pebble::{
    Check, CheckInfo, CheckLevel, CheckQuery, CheckStatus, Client, ErrorKind, ExecCheck,
    HealthQuery, HttpCheck, Layer, LayerFault, LayerMode, LogTarget, LogTargetType, Override, Plan,
    Service, ServiceAction, Startup, TcpCheck, UserFault, Version,
};
use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_tests::wait::{WAIT_LIMIT, until};
use serde_json::json;

/// Starts a daemon that does not start the enabled services by itself.
fn daemon(test: &str, options: DaemonOptions) -> Option<Daemon> {
    daemon_or_skip(test, options.hold())
}

/// Returns a layer with every key that Pebble 1.32.1 knows, each with a value of its own.
fn every_key() -> Layer {
    let web = Service::new()
        .summary("The web")
        .description("First line\nand: #second \u{7f}\u{85}\u{2028} ü\n")
        .startup(Startup::Disabled)
        .command("/bin/web --flag 'a b' [ --port 80 ]")
        .after(["db"])
        .before(["cache"])
        .requires(["db"])
        .envs([
            ("PORT", "8080"),
            ("EMPTY", ""),
            ("YES", "yes"),
            ("HEX", "0x1F"),
            ("NULL", "null"),
            ("SPACE", " x "),
        ])
        .user_id(0)
        .user("root")
        .group_id(0)
        .group("root")
        .working_dir("/tmp")
        .on_success(ServiceAction::FailureShutdown)
        .on_failure(ServiceAction::SuccessShutdown)
        .on_check_failure("up", ServiceAction::Restart)
        .on_check_failure("ready", ServiceAction::Ignore)
        .on_check_failure("run", ServiceAction::Shutdown)
        .backoff_delay(Duration::from_millis(1_500))
        .backoff_factor(1.25)
        .backoff_limit(Duration::from_secs(90))
        .kill_delay(Duration::from_nanos(1_234_567));
    let http = HttpCheck::new("http://127.0.0.1:8080/health?a=b#c").header("X-Test", "a: b");
    let exec = ExecCheck::new("/bin/true '#' x")
        .service_context("web")
        .env("A", "1")
        .user_id(0)
        .user("root")
        .group_id(0)
        .group("root")
        .working_dir("/");
    Layer::new()
        .summary("All of it")
        .description("Every key")
        .service("web", web)
        .service(
            "db",
            Service::new().command("db").workload("store").override_mode(Override::Merge),
        )
        .check(
            "up",
            Check::new()
                .with_http(http)
                .level(CheckLevel::Alive)
                .startup(Startup::Disabled)
                .threshold(7),
        )
        .check(
            "ready",
            Check::new()
                .with_tcp(TcpCheck::new(8080).host("127.0.0.1"))
                .level(CheckLevel::Ready)
                .startup(Startup::Disabled)
                .period(Duration::from_secs(3_600))
                .timeout(Duration::from_millis(250)),
        )
        .check("run", Check::new().with_exec(exec).startup(Startup::Disabled))
        .log_target(
            "loki",
            LogTarget::new(LogTargetType::Loki, "http://127.0.0.1:1/loki")
                .services(["all", "-db"])
                .label("unit", "$PORT"),
        )
        .log_target(
            "otel",
            LogTarget::new(LogTargetType::OpenTelemetry, "http://127.0.0.1:1").services(["-all"]),
        )
        .log_target("syslog", LogTarget::new(LogTargetType::Syslog, "udp://127.0.0.1:1"))
        .other(
            "workloads",
            json!({
                "store": {
                    "override": "replace", "environment": {"A": "b"}, "user-id": 0, "user": "root",
                    "group-id": 0, "group": "root"
                }
            }),
        )
}

/// Asserts that the plan is the same as that layer, except that it always has the threshold of a
/// check.
fn assert_shows_every_key(plan: &Plan) {
    let layer = every_key();
    assert_eq!(plan.services(), layer.get_services());
    assert_eq!(plan.log_targets(), layer.get_log_targets());
    assert_eq!(plan.other()["workloads"], layer.get_other()["workloads"]);
    assert_eq!(plan.checks().len(), layer.get_checks().len());
    for (name, shown) in plan.checks() {
        let set = &layer.get_checks()[name];
        let threshold = u32::try_from(set.get_threshold().unwrap_or(3)).unwrap();
        assert_eq!(*shown, set.clone().threshold(threshold), "{name}");
    }
    assert!(layer.is_reflected_in(plan));
}

#[tokio::test]
async fn a_layer_with_every_key_comes_back_as_it_was() {
    let layer = every_key();
    layer.validate().unwrap();
    // Pebble takes workloads only from a layer file. Then the same layer is added over the API.
    let options = DaemonOptions::new().layer("model", layer.to_yaml().unwrap());
    let Some(daemon) = daemon("a_layer_with_every_key_comes_back_as_it_was", options) else {
        return;
    };
    let client = daemon.client();
    assert_shows_every_key(&client.plan().await.unwrap());
    client.add_layer("api", &Layer::new(), LayerMode::New).await.unwrap();
    client.add_layer("api", &layer, LayerMode::Combine).await.unwrap();
    assert_shows_every_key(&client.plan().await.unwrap());
}

/// On each base the plan reflects a layer only after it was added, and combining a layer twice
/// changes nothing if the layer says that it is idempotent.
#[tokio::test]
async fn what_a_plan_reflects_and_what_may_be_repeated() {
    const BASES: [&str; 2] = [
        "{}",
        "services: {web: {override: replace, command: old, after: [x], environment: {A: z, B: c}}, \
         db: {override: replace, command: db}}\n\
         checks: {up: {override: replace, period: 30s, threshold: 7, tcp: {port: 1}, \
         startup: disabled}}\n\
         log-targets: {t: {override: replace, type: loki, location: 'http://127.0.0.1:1', \
         labels: {a: b}}}",
    ];
    let layers = [
        "services: {web: {override: replace, command: new, startup: disabled, kill-delay: 5s, \
         after: [db], summary: ''}}",
        "services: {web: {override: merge, command: new, environment: {A: b, C: ''}, \
         backoff-factor: 2, user-id: 0}}",
        "services: {web: {override: merge, command: new, after: [p, q], requires: []}}",
        "checks: {up: {override: replace, tcp: {port: 1, host: localhost}, timeout: 20s, startup: \
         disabled}}",
        "checks: {up: {override: merge, tcp: {port: 2}, startup: disabled}}",
        "checks: {up: {override: merge, tcp: {port: 2}, startup: disabled, threshold: 5, timeout: \
         20s}}",
        "checks: {up: {override: merge, tcp: {port: 2}, startup: disabled, threshold: 5, timeout: \
         20s, period: 20s}}",
        "log-targets: {t: {override: merge, type: loki, location: 'http://127.0.0.1:2', labels: \
         {c: d}}}",
        "log-targets: {t: {override: merge, type: loki, location: 'http://127.0.0.1:2', services: \
         [all]}}",
    ];
    let Some(daemon) =
        daemon("what_a_plan_reflects_and_what_may_be_repeated", DaemonOptions::new())
    else {
        return;
    };
    let mut repeats_differ = 0;
    for base in BASES {
        for yaml in layers {
            // A daemon loses the layers of the API when it is restarted.
            daemon.stop().unwrap();
            daemon.start_again().unwrap();
            let client = daemon.client();
            client
                .add_layer("base", &Layer::from_yaml(base).unwrap(), LayerMode::New)
                .await
                .unwrap();
            let layer = Layer::from_yaml(yaml).unwrap();
            assert!(!layer.is_reflected_in(&client.plan().await.unwrap()), "{yaml} before");
            client.add_layer("own", &layer, LayerMode::Combine).await.unwrap();
            let once = client.plan().await.unwrap();
            assert!(layer.is_reflected_in(&once), "{yaml}\n{once:#?}");
            client.add_layer("own", &layer, LayerMode::Combine).await.unwrap();
            let twice = client.plan().await.unwrap();
            assert!(layer.is_reflected_in(&twice), "{yaml}\n{twice:#?}");
            if layer.combine_is_idempotent() {
                assert_eq!(once, twice, "{yaml}");
            } else if once != twice {
                repeats_differ += 1;
            }
        }
    }
    // Each rule by which a layer is not idempotent needs a layer here that does differ: two lists
    // (on both bases), a threshold, a timeout.
    assert!(repeats_differ >= 5, "{repeats_differ}");
}

#[tokio::test]
async fn the_daemon_agrees_on_what_is_refused() {
    let Some(daemon) = daemon("the_daemon_agrees_on_what_is_refused", DaemonOptions::new()) else {
        return;
    };
    let commands = [
        "web",
        "web 'a b' \"c\"",
        "web 'open",
        "web \"open",
        "web \\",
        "web \"a\\",
        "web [ a ]",
        "web [ a",
        "web [",
        "[ a ]",
        "web ]",
        "web [ a [ b ] ]",
        "web [ a ] b",
        "web [ a ] ]",
        "web '[' x",
        "web # 'open",
        "web#'x'",
        "'' x",
        "web \r\n 'a'",
        "web [ ] [ ]",
    ];
    let mut label = 0;
    for command in commands {
        label += 1;
        let service = Layer::new().service("web", Service::new().command(command));
        let here = service.validate().map_err(|error| error.fault());
        // The request bypasses the client, which would refuse the layer by itself.
        let there = post_layer(&daemon, &format!("l{label}"), &service);
        assert_eq!(here.is_ok(), there.is_ok(), "{command:?}: {here:?}, {there:?}");
        assert!(here.is_ok() || here == Err(LayerFault::Command), "{command:?}");
        label += 1;
        let check = Layer::new().check("up", Check::exec(command).startup(Startup::Disabled));
        let there = post_layer(&daemon, &format!("l{label}"), &check);
        assert_eq!(check.validate().is_ok(), there.is_ok(), "{command:?}: {there:?}");
    }
    for (yaml, accepted) in [
        ("services: {pebble: {override: replace, command: a}}", false),
        ("services: {-a: {override: replace, command: a}}", false),
        ("services: {'': {override: replace, command: a}}", false),
        ("services: {none: {override: replace, command: a}}", true),
        ("services: {a: {command: a}}", false),
        ("services: {a: {override: append, command: a}}", false),
        ("services: {a: {override: replace, command: a, backoff-factor: 0.9}}", false),
        ("checks: {'': {override: replace, tcp: {port: 1}}}", false),
        ("checks: {a: {override: replace}}", false),
        ("checks: {a: {override: replace, tcp: {port: 1}, exec: {command: a}}}", false),
        ("checks: {a: {override: replace, tcp: {port: 1}, period: 0}}", false),
        ("checks: {a: {override: replace, tcp: {port: 1}, timeout: 0s}}", false),
        (
            "log-targets: {a: {override: replace, type: loki, location: 'http://a', labels: \
             {pebble_a: b}}}",
            false,
        ),
    ] {
        label += 1;
        let layer = Layer::from_yaml(yaml).unwrap();
        assert_eq!(layer.validate().is_ok(), accepted, "{yaml} here");
        assert_eq!(
            post_layer(&daemon, &format!("l{label}"), &layer).is_ok(),
            accepted,
            "{yaml} there"
        );
    }
    // The daemon accepts this command and ends when it runs it. So the client refuses it.
    let empty = Layer::new().service("empty", Service::new().command(" # web"));
    let refused = daemon.client().add_layer("empty", &empty, LayerMode::New).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.user_fault()),
        (&ErrorKind::InvalidRequest, Some(UserFault::Command))
    );
    assert!(post_layer(&daemon, "empty", &empty).is_ok());
}

/// Adds a layer without the client, which would check it first. The error is the daemon's reply.
fn post_layer(daemon: &Daemon, label: &str, layer: &Layer) -> Result<(), String> {
    let body = json!({
        "action": "add", "format": "yaml", "label": label, "layer": layer.to_yaml().unwrap()
    })
    .to_string();
    let mut stream = std::os::unix::net::UnixStream::connect(daemon.socket()).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /v1/layers HTTP/1.1\r\nHost: pebble\r\nConnection: close\r\nContent-Length: \
         {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    if answer.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(answer) }
}

#[tokio::test]
async fn checks_are_listed_run_and_summed_up() {
    let Some(daemon) = daemon("checks_are_listed_run_and_summed_up", DaemonOptions::new()) else {
        return;
    };
    let client = daemon.client();
    assert!(client.health(&HealthQuery::all()).await.unwrap());
    assert!(client.checks(&CheckQuery::all()).await.unwrap().is_empty());
    let hour = Duration::from_secs(3_600);
    let layer = Layer::new()
        .check("good", Check::exec("true").period(hour).level(CheckLevel::Ready))
        .check(
            "bad",
            Check::exec("sh -c 'echo why; exit 3'")
                .period(hour)
                .threshold(2)
                .level(CheckLevel::Alive),
        )
        .check("off", Check::exec("false").startup(Startup::Disabled));
    client.add_layer("checks", &layer, LayerMode::New).await.unwrap();

    let checks = client.checks(&CheckQuery::all()).await.unwrap();
    assert_eq!(checks.iter().map(CheckInfo::name).collect::<Vec<_>>(), ["bad", "good", "off"]);
    assert_eq!(
        (checks[1].status(), checks[1].threshold(), checks[1].successes()),
        (&CheckStatus::Up, 3, Some(0))
    );
    assert!(checks[1].change_id().is_some());
    assert_eq!(
        (checks[2].status(), checks[2].startup(), checks[2].change_id()),
        (&CheckStatus::Inactive, &Startup::Disabled, None)
    );
    assert_eq!(client.checks(&CheckQuery::all().level(CheckLevel::Ready)).await.unwrap().len(), 1);
    assert_eq!(client.checks(&CheckQuery::all().names(["off", "nobody"])).await.unwrap().len(), 1);

    let passed = client.refresh_check("good").await.unwrap();
    assert!(passed.passed());
    assert_eq!(passed.info().successes(), Some(1));
    let failed = client.refresh_check("bad").await.unwrap();
    assert!(!failed.passed());
    assert!(failed.error().unwrap().starts_with("exit status 3"), "{failed:?}");
    assert_eq!((failed.info().status(), failed.info().failures()), (&CheckStatus::Up, 1));
    assert!(client.health(&HealthQuery::all()).await.unwrap());
    // The reply to the run that reaches the threshold has the failure. The status of the check
    // follows a moment later.
    assert!(!client.refresh_check("bad").await.unwrap().passed());
    let bad = CheckQuery::all().names(["bad"]);
    until("the check goes down", async || {
        *client.checks(&bad).await.unwrap()[0].status() == CheckStatus::Down
    })
    .await;
    assert_eq!(client.checks(&bad).await.unwrap()[0].failures(), 2);
    assert!(!client.health(&HealthQuery::all()).await.unwrap());
    assert!(client.health(&HealthQuery::all().names(["good", "nobody"])).await.unwrap());
    assert!(
        !client.health(&HealthQuery::all().level(CheckLevel::Ready)).await.unwrap(),
        "ready asks alive too"
    );

    let unknown = client.refresh_check("nobody").await.unwrap_err();
    assert_eq!(*unknown.kind(), ErrorKind::Api { status: 404 });
    assert!(unknown.to_string().contains("\"nobody\""), "{unknown}");
    assert_eq!(*client.refresh_check("").await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    let level = client.health(&HealthQuery::all().level("high".into())).await.unwrap_err();
    assert_eq!(*level.kind(), ErrorKind::Api { status: 400 });
}

#[tokio::test]
async fn the_daemon_says_who_it_is() {
    let Some(daemon) = daemon("the_daemon_says_who_it_is", DaemonOptions::new()) else {
        return;
    };
    let info = daemon.client().system_info().await.unwrap();
    assert!(info.parsed_version().unwrap() >= Version::new(1, 32, 0), "{info:?}");
    assert!(!info.boot_id().is_empty());
    assert_eq!(info.http_address(), None);
}

/// A Pebble before 1.20 has no such endpoint and replies with a 404. So does a newer one for an
/// unknown check, and the client tells the two apart.
#[tokio::test]
async fn an_old_daemon_cannot_run_a_check_on_demand() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        let body = concat!(
            r#"{"type":"error","status-code":404,"status":"Not Found","#,
            r#""result":{"message":"invalid API endpoint requested"}}"#
        );
        write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: \
             {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    });
    let error = Client::new(&socket).refresh_check("up").await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Unsupported { since: "1.20" });
    assert!(error.to_string().starts_with("cannot run check \"up\": "), "{error}");
    server.join().unwrap();
}

/// Reads a request to the end of its body, a small JSON object.
fn read_request(stream: &mut impl Read) {
    let started = Instant::now();
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !seen.ends_with(b"}") {
        assert!(started.elapsed() < WAIT_LIMIT, "no request");
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the client went away");
        seen.extend_from_slice(&buffer[..count]);
    }
}

//! Tests the layer model as a whole.

use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::layer::Plan;
use crate::service_info::Startup;

fn layer(yaml: &str) -> Layer {
    Layer::from_yaml(yaml).unwrap()
}

fn plan(yaml: &str) -> Plan {
    Plan::from_yaml(yaml).unwrap()
}

#[test]
fn writes_keys_as_pebble_names_them() {
    let layer = Layer::new()
        .summary("s")
        .service(
            "web",
            Service::new()
                .command("/bin/web")
                .startup(Startup::Enabled)
                .env("A", "1")
                .kill_delay(Duration::from_secs(90)),
        )
        .check(
            "up",
            Check::http("http://localhost/")
                .level(CheckLevel::Ready)
                .period(Duration::from_millis(1_500))
                .threshold(2),
        )
        .log_target(
            "loki",
            LogTarget::new(LogTargetType::Loki, "http://loki/")
                .services(["all", "-web"])
                .label("x", "y"),
        )
        .other("workloads", json!({"w": {"override": "replace"}}));
    let value: serde_json::Value = serde_json::from_str(&layer.to_yaml().unwrap()).unwrap();
    assert_eq!(
        value,
        json!({
            "summary": "s",
            "services": {
                "web": {
                    "startup": "enabled", "override": "replace", "command": "/bin/web",
                    "environment": {"A": "1"}, "kill-delay": "1m30s"
                }
            },
            "checks": {
                "up": {
                    "override": "replace", "level": "ready", "period": "1.5s", "threshold": 2,
                    "http": {"url": "http://localhost/"}
                }
            },
            "log-targets": {
                "loki": {
                    "type": "loki", "location": "http://loki/", "services": ["all", "-web"],
                    "override": "replace", "labels": {"x": "y"}
                }
            },
            "workloads": {"w": {"override": "replace"}}
        })
    );
}

#[test]
fn reads_yaml_as_people_write_it() {
    let layer = layer(
        "summary: web\nservices:\n  web:\n    override: merge\n    command: 5\n    user-id: 1000\n\
         \x20   after: [db]\n    environment: {PORT: 8080, EMPTY: '', Y: yes}\n    \
         backoff-factor: 2\n    on-check-failure:\n      up: shutdown\n    kill-delay: 1m\n\
         \x20   newer-key: [1, {a: b}]\n    requires:\nchecks: ~\n",
    );
    let web = &layer.get_services()["web"];
    assert_eq!(web.get_override(), Some(&Override::Merge));
    assert_eq!(web.get_command(), Some("5"));
    assert_eq!(web.get_user_id(), Some(1000));
    assert_eq!(web.get_environment()["PORT"], "8080");
    assert_eq!(web.get_environment()["EMPTY"], "");
    assert_eq!(web.get_environment()["Y"], "yes");
    assert_eq!(web.get_backoff_factor(), Some(2.0));
    assert_eq!(web.get_on_check_failure()["up"], ServiceAction::Shutdown);
    assert_eq!(web.get_kill_delay().unwrap().to_string(), "1m0s");
    assert_eq!(web.get_other()["newer-key"], json!([1, {"a": "b"}]));
    assert!(web.get_requires().is_empty() && layer.get_checks().is_empty());
    assert_eq!(Layer::from_yaml("").unwrap(), Layer::new());
}

/// Pebble 1.32.1 read each of these values so.
#[test]
fn reads_values_as_pebble_does() {
    let layer = layer(
        "services:
  web: &web
    override: replace
    command: run
    user-id: 00
    group-id: 3.0
    backoff-factor: 1_0.5
    environment: {HTTP_PROXY: , A: ~, B: 0x10, C: yes, ~: dropped, D: !!str 010}
    after: [db, ~, cache]
    on-check-failure:
  more: {<<: *web, user-id: 0x10, backoff-factor: '2'}
checks:
  up: {override: replace, threshold: 010, tcp: {port: 0x1F90, host: ~}}
  get: {override: replace, threshold: !!int \"7\", http: {url: a, headers: {X: ~}}}
  run: {override: replace, exec: {command: a, environment: {X: }, user-id: 1_000}}
log-targets:
  loki: {override: replace, type: loki, location: a, labels: {x: }, services: [all, ~]}
summary: ~
---
services: [what follows is not read]
",
    );
    let web = &layer.get_services()["web"];
    assert_eq!(
        (web.get_user_id(), web.get_group_id(), web.get_backoff_factor()),
        (Some(0), Some(3), Some(10.5))
    );
    let environment: Vec<_> =
        web.get_environment().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        environment,
        [("A", ""), ("B", "0x10"), ("C", "yes"), ("D", "010"), ("HTTP_PROXY", "")]
    );
    assert_eq!(web.get_after(), ["db", "cache"]);
    let more = &layer.get_services()["more"];
    assert_eq!(
        (more.get_command(), more.get_user_id(), more.get_backoff_factor()),
        (Some("run"), Some(16), Some(2.0))
    );
    let checks = layer.get_checks();
    assert_eq!((checks["up"].get_threshold(), checks["get"].get_threshold()), (Some(8), Some(7)));
    assert_eq!(checks["up"].get_tcp().unwrap().get_port(), Some(8080));
    assert_eq!(checks["get"].get_http().unwrap().get_headers()["X"], "");
    assert_eq!(checks["run"].get_exec().unwrap().get_environment()["X"], "");
    let loki = &layer.get_log_targets()["loki"];
    assert_eq!(
        (loki.get_labels()["x"].as_str(), loki.get_services()),
        ("", &["all".to_owned()][..])
    );
    assert_eq!(layer.get_summary(), None);
}

#[test]
fn refuses_what_is_no_layer() {
    for bad in [
        "services:\n",
        "services: {a: ~}",
        "services: {a: {command: a, command: a}}",
        "services: {a: {user-id: '3'}}",
        "services: {a: {user-id: abc}}",
        "services: {a: {backoff-factor: .inf}}",
        "services: {a: {environment: {A: \"\\ud83d\\ude00\"}}}",
        "services: {a: &e {}}\nchecks: {a: *e}",
        "checks: {c: {threshold: .inf}}",
        "- a",
        "services: 5",
        "services: {a: {kill-delay: 5}}",
        "services: {a: {}, a: {}}",
        "checks: {c: {threshold: many}}",
        "a: *b",
    ] {
        let error = Layer::from_yaml(bad).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the layer as YAML: "), "{error}");
    }
}

#[test]
fn values_that_may_be_secrets_are_not_shown() {
    let layer = Layer::new()
        .service("web", Service::new().command("/bin/web").env("TOKEN", "secret"))
        .check(
            "up",
            Check::default()
                .with_http(HttpCheck::new("http://x/").header("Authorization", "secret")),
        )
        .check("run", Check::default().with_exec(ExecCheck::new("true").env("TOKEN", "secret")));
    let plan = plan(&layer.to_yaml().unwrap());
    for shown in [format!("{layer:?}"), format!("{plan:?}"), format!("{:#?}", layer.get_services())]
    {
        assert!(!shown.contains("secret"), "{shown}");
        assert!(shown.contains("TOKEN") && shown.contains("/bin/web"), "{shown}");
    }
    let shown = format!("{:?}", Service::new().env("TOKEN", "secret"));
    assert!(shown.starts_with("Service {") && shown.contains(r#""TOKEN":"..""#), "{shown}");
}

#[test]
fn an_infinite_factor_is_not_written() {
    let layer =
        Layer::new().service("a", Service::new().command("a").backoff_factor(f64::INFINITY));
    let error = layer.to_yaml().unwrap_err().to_string();
    assert_eq!(error, "cannot write the layer as YAML: backoff-factor has to be a finite number");
    assert_eq!(layer.validate().unwrap_err().fault(), LayerFault::Value);
    assert!(!layer.is_reflected_in(&plan("services: {a: {command: a}}")));
}

#[test]
fn a_known_key_is_written_once() {
    let yaml = Service::new().command("a").other("command", "b").other("new", 1);
    assert_eq!(
        serde_json::to_string(&yaml).unwrap(),
        r#"{"override":"replace","command":"a","new":1}"#
    );
}

#[test]
fn refuses_what_would_harm_the_daemon() {
    let command =
        |command: &str| Layer::new().service("web", Service::new().command(command)).validate();
    assert_eq!(command("/bin/web [ --port 80 ]"), Ok(()));
    for bad in ["", " \t", "# web", "web 'a", "[ web ]"] {
        let error = command(bad).unwrap_err();
        assert_eq!(error.fault(), LayerFault::Command, "{bad:?}");
        assert!(
            error
                .to_string()
                .starts_with("cannot use service \"web\": its command cannot be run: "),
            "{error}"
        );
    }
    let exec = Layer::new().check("up", Check::exec("#")).validate().unwrap_err();
    assert_eq!(
        exec.to_string(),
        "cannot use check \"up\": its command cannot be run: it holds no word, only blanks or a \
         comment"
    );
    // In a merge an empty command means "not set", and blanks do not.
    let merge = |command: &str| {
        Layer::new()
            .service("web", Service::new().override_mode(Override::Merge).command(command))
            .validate()
    };
    assert_eq!(merge(""), Ok(()));
    assert_eq!(merge(" ").unwrap_err().fault(), LayerFault::Command);
}

#[test]
fn refuses_texts_that_the_system_cannot_take() {
    const BAD: &str = "hunter2\0";
    let service = |service| Layer::new().service("a", service);
    let check = |check| Layer::new().check("a", check);
    let exec = |exec| check(Check::new().with_exec(exec));
    let (web, run) = (|| Service::new().command("a"), || ExecCheck::new("a"));
    for (layer, named) in [
        (service(Service::new().command(BAD)), "command"),
        (service(web().env("KEY", BAD)), "\"KEY\""),
        (service(web().env("KEY=hunter2", "")), "\"KEY\""),
        (service(web().env("", "hunter2")), "variable has no name"),
        (service(web().user(BAD)), "user"),
        (service(web().group(BAD)), "group"),
        (service(web().working_dir(BAD)), "working-dir"),
        (exec(ExecCheck::new(BAD)), "command"),
        (exec(run().env("KEY", BAD)), "\"KEY\""),
        (exec(run().env("KEY=hunter2", "")), "\"KEY\""),
        (exec(run().user(BAD)), "user"),
        (exec(run().working_dir(BAD)), "working-dir"),
        (check(Check::http(BAD)), "url"),
        (check(Check::new().with_http(HttpCheck::new("http://a").header("KEY", BAD))), "\"KEY\""),
        (check(Check::new().with_tcp(TcpCheck::new(80).host(BAD))), "host"),
        (Layer::new().log_target("a", LogTarget::new(LogTargetType::Loki, BAD)), "location"),
        (Layer::new().service("a\0", web()), "NUL"),
        (Layer::new().check("a\0", Check::tcp(80)), "NUL"),
    ] {
        let error = layer.validate().unwrap_err().to_string();
        assert!(error.contains(named) && error.contains("\"a"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let good = service(web().env("KEY", "a=b\n").env("a b", ""));
    assert_eq!(good.validate(), Ok(()));
}

#[test]
fn refuses_what_pebble_refuses() {
    let fault = |layer: Layer| layer.validate().unwrap_err().fault();
    for name in ["", "pebble", "-a"] {
        assert_eq!(fault(Layer::new().service(name, Service::new())), LayerFault::Name, "{name:?}");
    }
    assert_eq!(fault(Layer::new().check("", Check::tcp(1))), LayerFault::Name);
    assert_eq!(fault(Layer::new().service("a", Service::default())), LayerFault::Override);
    assert_eq!(
        fault(Layer::new().service("a", Service::new().override_mode("append".into()))),
        LayerFault::Override
    );
    assert_eq!(fault(Layer::new().log_target("a", LogTarget::default())), LayerFault::Override);
    assert_eq!(fault(Layer::new().check("a", Check::new())), LayerFault::CheckKind);
    assert_eq!(
        fault(Layer::new().check("a", Check::tcp(1).with_exec(ExecCheck::new("a")))),
        LayerFault::CheckKind
    );
    assert_eq!(
        fault(Layer::new().check("a", Check::tcp(1).period(Duration::ZERO))),
        LayerFault::Value
    );
    assert_eq!(
        fault(Layer::new().check("a", Check::tcp(1).timeout(Duration::ZERO))),
        LayerFault::Value
    );
    assert_eq!(
        fault(Layer::new().service("a", Service::new().backoff_factor(0.5))),
        LayerFault::Value
    );
    assert_eq!(
        fault(Layer::new().log_target("a", LogTarget::merge().label("pebble_x", "1"))),
        LayerFault::Value
    );
    assert_eq!(
        Layer::new()
            .check("a", Check::new().override_mode(Override::Merge).threshold(5))
            .validate(),
        Ok(())
    );
    assert_eq!(Layer::new().service("all", Service::new().command("a")).validate(), Ok(()));
    assert_eq!(Layer::validate_label("web"), Ok(()));
    for bad in ["", "pebble-x", "a\0"] {
        assert_eq!(Layer::validate_label(bad).unwrap_err().fault(), LayerFault::Label);
    }
}

#[test]
fn a_replacing_entry_is_shown_when_equal_but_for_defaults() {
    let web = layer(
        "services: {web: {override: replace, command: web, startup: enabled, kill-delay: 5s, \
         requires: [db], summary: ''}}",
    );
    assert!(web.is_reflected_in(&plan(
        "services: {web: {override: merge, command: web, startup: enabled, requires: [db]}, db: {}}"
    )));
    for other in [
        "{}",
        "services: {web: {command: web}}",
        "services: {web: {command: web, startup: enabled, requires: [db], user: x}}",
    ] {
        assert!(!web.is_reflected_in(&plan(other)), "{other}");
    }
    let up =
        layer("checks: {up: {override: replace, tcp: {port: 80, host: localhost}, timeout: 20s}}");
    assert!(up.is_reflected_in(&plan(
        "checks: {up: {override: replace, timeout: 10s, threshold: 3, tcp: {port: 80}}}"
    )));
    assert!(!up.is_reflected_in(&plan(
        "checks: {up: {override: replace, timeout: 10s, threshold: 4, tcp: {port: 80}}}"
    )));
    assert!(Layer::new().is_reflected_in(&Plan::default()));
}

#[test]
fn a_merging_entry_is_shown_when_contained() {
    let merge = layer(
        "services: {web: {override: merge, after: [a, b], environment: {A: '', B: '2'}, \
         working-dir: ''}}",
    );
    assert!(merge.is_reflected_in(&plan(
        "services: {web: {command: web, after: [x, a, b, y], environment: {A: '', B: '2', C: '3'}}}"
    )));
    for other in [
        "{after: [a, x, b], environment: {A: '', B: '2'}}",
        "{after: [a, b], environment: {B: '2'}}",
        "{after: [a, b], environment: {A: '', B: '3'}}",
        "{}",
    ] {
        assert!(!merge.is_reflected_in(&plan(&format!("services: {{web: {other}}}"))), "{other}");
    }
    let check = layer("checks: {up: {override: merge, timeout: 1m, exec: {environment: {A: b}}}}");
    assert!(check.is_reflected_in(&plan(
        "checks: {up: {override: replace, period: 30s, timeout: 30s, threshold: 7, exec: \
         {command: x, environment: {A: b}}}}"
    )));
    // When the layer is combined a second time, the timeout is capped at the period that the layer
    // itself leaves at 10 s.
    assert!(check.is_reflected_in(&plan(
        "checks: {up: {period: 30s, timeout: 10s, threshold: 7, exec: {command: x, environment: \
         {A: b}}}}"
    )));
    assert!(!check.is_reflected_in(&plan(
        "checks: {up: {period: 30s, timeout: 20s, threshold: 7, exec: {command: x, environment: \
         {A: b}}}}"
    )));
    let section = layer("workloads: {w: {override: replace, user: x}}");
    assert!(section.is_reflected_in(&plan("workloads: {w: {override: merge, user: x, group: y}}")));
    assert!(!section.is_reflected_in(&plan("{}")));
}

#[test]
fn only_a_merge_that_grows_or_fills_in_is_not_idempotent() {
    for (yaml, expected) in [
        ("{}", true),
        ("services: {a: {override: replace, after: [b]}}", true),
        ("services: {a: {override: merge, environment: {A: b}, command: x}}", true),
        ("services: {a: {override: merge, requires: [b]}}", false),
        ("services: {a: {override: merge, new: {x: [1]}}}", false),
        ("services: {a: {command: x}}", false),
        ("checks: {a: {override: replace, tcp: {port: 1}}}", true),
        ("checks: {a: {override: merge, tcp: {port: 1}}}", false),
        ("checks: {a: {override: merge, threshold: 5, tcp: {port: 1}}}", true),
        ("checks: {a: {override: merge, threshold: 5, timeout: 11s}}", false),
        ("checks: {a: {override: merge, threshold: 5, timeout: 11s, period: 11s}}", true),
        ("log-targets: {a: {override: merge, labels: {a: b}}}", true),
        ("log-targets: {a: {override: merge, services: [all]}}", false),
        ("newer: [1]", false),
    ] {
        assert_eq!(layer(yaml).combine_is_idempotent(), expected, "{yaml}");
    }
}

/// Makes texts that are hard for YAML and JSON.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9 .:#'\"\\\\{}\\[\\],&*!|>%@`~?-]{0,12}",
        any::<String>(),
        Just("null".to_owned()),
        Just("yes".to_owned()),
        Just("0x1F".to_owned()),
        Just("1e3".to_owned()),
        Just("a\u{7f}\u{85}\u{2028}\u{feff}\r\n\tb".to_owned()),
    ]
}

fn names() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..3)
}

fn service() -> impl Strategy<Value = Service> {
    let texts = (option::of(text()), option::of(text()), option::of(text()), option::of(text()));
    let lists = (names(), names(), btree_map(text(), text(), 0..3));
    let rest = (
        any::<u32>(),
        any::<u64>(),
        (8_u32..).prop_map(|eighths| f64::from(eighths) / 8.0),
        "[a-z]{1,3}",
        text(),
    );
    (texts, lists, rest).prop_map(
        |(
            (command, startup, mode, user),
            (after, requires, environment),
            (id, delay, factor, key, other),
        )| {
            let mut service = Service::new()
                .after(after)
                .requires(requires)
                .envs(environment)
                .group_id(id)
                .backoff_factor(factor);
            service =
                service.kill_delay(Duration::from_nanos(delay)).other(format!("x-{key}"), other);
            if let Some(command) = command {
                service = service.command(command).on_success(ServiceAction::Ignore);
            }
            if let Some(startup) = startup {
                service = service.startup(Startup::from(startup));
            }
            if let Some(mode) = mode {
                service = service.override_mode(Override::from(mode));
            }
            if let Some(user) = user {
                service = service.user(user.clone()).on_check_failure(user, ServiceAction::Restart);
            }
            service
        },
    )
}

fn check() -> impl Strategy<Value = Check> {
    let kinds = prop_oneof![
        (text(), text(), text())
            .prop_map(|(url, name, value)| Check::new()
                .with_http(HttpCheck::new(url).header(name, value))),
        (any::<u16>(), text())
            .prop_map(|(port, host)| Check::new().with_tcp(TcpCheck::new(port).host(host))),
        (text(), text(), text()).prop_map(|(command, name, value)| {
            Check::new()
                .with_exec(ExecCheck::new(command).env(name.clone(), value).service_context(name))
        }),
    ];
    (kinds, any::<u32>(), any::<u64>()).prop_map(|(check, threshold, period)| {
        check.threshold(threshold).period(Duration::from_nanos(period)).level(CheckLevel::Alive)
    })
}

fn any_layer() -> impl Strategy<Value = Layer> {
    (text(), btree_map(text(), service(), 0..3), btree_map(text(), check(), 0..3), names())
        .prop_map(|(summary, services, checks, targets)| {
            let mut layer = Layer::new().summary(summary);
            for (name, service) in services {
                layer = layer.service(name, service);
            }
            for (name, check) in checks {
                layer = layer.check(name, check);
            }
            for name in targets {
                let target = LogTarget::new(LogTargetType::Syslog, name.clone())
                    .services([name.clone()])
                    .label(name.clone(), "$X");
                layer = layer.log_target(name, target);
            }
            layer
        })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(layer in any_layer()) {
        let yaml = layer.to_yaml().unwrap();
        prop_assert_eq!(Layer::from_yaml(&yaml).unwrap(), layer.clone());
        prop_assert_eq!(
            serde_json::from_str::<Layer>(&serde_json::to_string(&layer).unwrap()).unwrap(),
            layer
        );
    }

    #[test]
    fn a_layer_alone_is_the_plan(layer in any_layer()) {
        // Without a lower layer, both ways of overriding leave an entry as it is.
        let plan = Plan::from_yaml(&layer.to_yaml().unwrap()).unwrap();
        prop_assert!(layer.is_reflected_in(&plan));
        let _ = layer.validate();
        let _ = layer.combine_is_idempotent();
    }

    #[test]
    fn any_text_has_an_answer(text in "\\PC{0,60}", bytes: Vec<u8>) {
        let _ = Layer::from_yaml(&text);
        let _ = Layer::from_yaml(&String::from_utf8_lossy(&bytes));
        let _ = serde_json::from_slice::<Layer>(&bytes);
    }
}

//! Tests of the environment variables of hooks and actions.

use std::collections::BTreeMap;

use super::super::{AgentPaths, HookRun, NoticeInfo};
use super::{Fixture, HookExit};

fn environment(run: &HookRun) -> BTreeMap<String, String> {
    let paths = AgentPaths::new("/agent/charm", "/agent/tools", "/agent/agent.socket")
        .path("/usr/bin:/bin")
        .variable("KUBERNETES_PORT", "tcp://10.0.0.1:443");
    let variables = run.environment(&paths);
    let count = variables.len();
    let map: BTreeMap<String, String> = variables
        .into_iter()
        .map(|(name, value)| (name.into_string().unwrap(), value.into_string().unwrap()))
        .collect();
    assert_eq!(map.len(), count, "no variable stands twice");
    map
}

fn assert_variables(environment: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(environment.get(*name).map(String::as_str), Some(*value), "{name}");
    }
}

#[test]
fn a_hook_has_jujus_variables_and_none_of_the_caller() {
    let mut fixture =
        Fixture::with(|model| model.model_name("prod"), |deployment| deployment.machine_id("3"));
    let run = fixture.begin();
    let variables = environment(&run);
    assert_variables(
        &variables,
        &[
            ("CHARM_DIR", "/agent/charm"),
            ("JUJU_CHARM_DIR", "/agent/charm"),
            ("JUJU_HOOK_NAME", "install"),
            ("JUJU_DISPATCH_PATH", "hooks/install"),
            ("JUJU_CONTEXT_ID", run.id()),
            ("JUJU_AGENT_SOCKET_ADDRESS", "/agent/agent.socket"),
            ("JUJU_AGENT_SOCKET_NETWORK", "unix"),
            ("JUJU_UNIT_NAME", "web/0"),
            ("JUJU_MODEL_NAME", "prod"),
            ("JUJU_VERSION", "3.6.28"),
            ("JUJU_MACHINE_ID", "3"),
            ("JUJU_PRINCIPAL_UNIT", ""),
            ("JUJU_CHARM_HTTP_PROXY", ""),
            ("PATH", "/agent/tools:/usr/bin:/bin"),
            ("LANG", "C.UTF-8"),
            ("TERM", "tmux-256color"),
            ("DEBIAN_FRONTEND", "noninteractive"),
            ("APT_LISTCHANGES_FRONTEND", "none"),
            ("KUBERNETES_PORT", "tcp://10.0.0.1:443"),
        ],
    );
    for absent in [
        "HOME",
        "USER",
        "SHELL",
        "JUJU_WORKLOAD_NAME",
        "JUJU_ACTION_NAME",
        "JUJU_RELATION",
        "PEBBLE_SOCKET",
        "http_proxy",
    ] {
        assert!(!variables.contains_key(absent), "{absent}");
    }
    let digits = run.id().strip_prefix("web/0-install-").unwrap();
    assert!(digits.len() == 32 && digits.chars().all(|c| c.is_ascii_hexdigit()), "{digits}");
    let first = run.id().to_owned();
    fixture.finish(HookExit::Code(1));
    fixture.advance(5);
    assert_ne!(fixture.begin().id(), first, "each run has an id of its own");
}

#[test]
fn each_version_of_juju_has_its_own_variables() {
    for (version, present, absent) in [
        ("2.9.52", &["JUJU_METER_STATUS", "JUJU_SLA"][..], &["JUJU_CHARM_TRACE_CONFIG_HTTP"][..]),
        ("3.6.28", &["JUJU_SLA"], &["JUJU_METER_STATUS", "JUJU_CHARM_TRACE_CONFIG_HTTP"]),
        ("4.0.15", &["JUJU_CHARM_TRACE_CONFIG_CA_CERT"], &["JUJU_SLA", "JUJU_METER_INFO"]),
    ] {
        let mut fixture = Fixture::with_version(version);
        let variables = environment(&fixture.begin());
        assert_variables(&variables, &[("JUJU_VERSION", version)]);
        assert!(present.iter().all(|name| variables.contains_key(*name)), "{version}");
        assert!(!absent.iter().any(|name| variables.contains_key(*name)), "{version}");
    }
}

#[test]
fn each_kind_of_hook_has_its_own_variables() {
    let mut fixture = Fixture::started();
    fixture.unit.pebble_seen("web", "b1").unwrap();
    let variables = environment(&fixture.begin());
    assert_variables(
        &variables,
        &[
            ("JUJU_WORKLOAD_NAME", "web"),
            ("JUJU_HOOK_NAME", "web-pebble-ready"),
            ("JUJU_DISPATCH_PATH", "hooks/web-pebble-ready"),
        ],
    );
    fixture.finish(HookExit::Code(0));

    fixture.unit.check_recovered("side", "up").unwrap();
    let variables = environment(&fixture.begin());
    assert_variables(
        &variables,
        &[
            ("JUJU_WORKLOAD_NAME", "side"),
            ("JUJU_PEBBLE_CHECK_NAME", "up"),
            ("JUJU_HOOK_NAME", "side-pebble-check-recovered"),
        ],
    );
    fixture.finish(HookExit::Code(0));

    fixture
        .unit
        .custom_notice(
            "web",
            NoticeInfo { id: "12".into(), kind: "custom".into(), key: "example.com/done".into() },
        )
        .unwrap();
    let variables = environment(&fixture.begin());
    assert_variables(
        &variables,
        &[
            ("JUJU_NOTICE_ID", "12"),
            ("JUJU_NOTICE_TYPE", "custom"),
            ("JUJU_NOTICE_KEY", "example.com/done"),
            ("JUJU_WORKLOAD_NAME", "web"),
        ],
    );
    fixture.finish(HookExit::Code(0));

    fixture.unit.run_action("restart", &[]).unwrap();
    let run = fixture.begin();
    let variables = environment(&run);
    assert_variables(
        &variables,
        &[
            ("JUJU_HOOK_NAME", ""),
            ("JUJU_DISPATCH_PATH", "actions/restart"),
            ("JUJU_ACTION_NAME", "restart"),
            ("JUJU_ACTION_UUID", "1"),
            ("JUJU_ACTION_TAG", "action-1"),
        ],
    );
    assert!(run.id().starts_with("web/0-restart-"));
}

#[test]
fn an_added_variable_replaces_the_one_of_juju() {
    let mut fixture = Fixture::new();
    let run = fixture.begin();
    let paths = AgentPaths::new("/c", "/t", "/s").variable("TERM", "dumb");
    let terms: Vec<_> =
        run.environment(&paths).into_iter().filter(|(name, _)| name == "TERM").collect();
    assert_eq!(terms, [("TERM".into(), "dumb".into())]);
}

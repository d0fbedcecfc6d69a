//! Tests of the environment's parser: the values that it accepts and refuses.

use std::os::unix::ffi::OsStringExt;

use proptest::prelude::*;

use super::*;
use crate::ErrorKind;

/// Reads an environment with these variables and a unit's name.
fn read_env(vars: &[(&str, &str)]) -> Result<HookEnv, Error> {
    let unit = [("JUJU_UNIT_NAME", "web/0")];
    HookEnv::from_vars(unit.iter().chain(vars).map(|(name, value)| (name.into(), value.into())))
}

/// Returns the variable that an error names.
fn variable_of(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Environment { variable } => variable,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_variable_is_read() {
    let env = read_env(&[
        ("JUJU_DISPATCH_PATH", "hooks/workload-pebble-custom-notice"),
        ("JUJU_HOOK_NAME", "workload-pebble-custom-notice"),
        ("JUJU_CHARM_DIR", "/var/lib/juju/agents/unit-web-0/charm"),
        ("CHARM_DIR", "/elsewhere"),
        ("JUJU_CONTEXT_ID", "web/0-workload-pebble-custom-notice-0f3c"),
        ("JUJU_AGENT_SOCKET_NETWORK", "unix"),
        ("JUJU_AGENT_SOCKET_ADDRESS", "/agent.socket"),
        ("JUJU_MODEL_NAME", "prod"),
        ("JUJU_MODEL_UUID", "cafe"),
        ("JUJU_VERSION", "3.6.28"),
        ("JUJU_API_ADDRESSES", "10.0.0.5:17070  10.0.0.6:17070"),
        ("JUJU_MACHINE_ID", ""),
        ("JUJU_CHARM_HTTP_PROXY", "http://user:hunter2@proxy"),
        ("JUJU_AGENT_TOKEN", "hunter3"),
        ("JUJU_WORKLOAD_NAME", "workload"),
        ("JUJU_NOTICE_ID", "12"),
        ("JUJU_NOTICE_TYPE", "custom"),
        ("JUJU_NOTICE_KEY", "example.com/hunter4"),
        ("JUJU_PEBBLE_CHECK_NAME", "up"),
        ("JUJU_RELATION", "db"),
        ("JUJU_RELATION_ID", "db:7"),
        ("JUJU_REMOTE_APP", "pg"),
        ("JUJU_REMOTE_UNIT", "pg/1"),
        ("JUJU_DEPARTING_UNIT", "pg/1"),
        ("JUJU_ACTION_NAME", "restart"),
        ("JUJU_ACTION_UUID", "12"),
        ("JUJU_ACTION_TAG", "action-12"),
        ("JUJU_SECRET_ID", "secret:9m4e2mr0ui3e8a215n4g"),
        ("JUJU_SECRET_LABEL", "key"),
        ("JUJU_SECRET_REVISION", "4"),
        ("JUJU_STORAGE_ID", "data/0"),
        ("JUJU_STORAGE_KIND", "filesystem"),
        ("JUJU_STORAGE_LOCATION", "/srv"),
        ("JUJU_TRACE_ID", "aa"),
        ("PATH", "/tools:/usr/bin"),
    ])
    .unwrap()
    .with_called_by("/charm/hooks/update-status");

    assert_eq!(env.unit().to_string(), "web/0");
    assert_eq!(env.dispatch_path().unwrap().to_string(), "hooks/workload-pebble-custom-notice");
    assert_eq!(env.hook_name().unwrap().as_str(), "workload-pebble-custom-notice");
    assert_eq!(env.called_by(), Some("update-status"));
    assert_eq!(env.charm_dir(), Some(Path::new("/var/lib/juju/agents/unit-web-0/charm")));
    assert!(env.juju_version().unwrap().unwrap().at_least(3, 6, 0));
    let addresses: Vec<_> = env.api_addresses().unwrap().collect();
    assert_eq!(addresses, ["10.0.0.5:17070", "10.0.0.6:17070"]);
    assert_eq!(env.machine_id().unwrap(), None);
    assert_eq!(env.proxies().unwrap().http(), Some("http://user:hunter2@proxy"));
    assert_eq!(env.agent_token().unwrap().unwrap().reveal(), "hunter3");
    assert_eq!(env.workload_name().unwrap().unwrap().as_str(), "workload");
    let notice = env.notice().unwrap().unwrap();
    assert_eq!((&*notice.id, &*notice.kind), ("12", "custom"));
    assert_eq!(notice.key, "example.com/hunter4");
    assert_eq!(env.check_name().unwrap().unwrap().as_str(), "up");
    let relation = env.relation().unwrap();
    assert_eq!((relation.endpoint.unwrap().as_str(), relation.id.unwrap().number()), ("db", 7));
    assert_eq!(relation.remote_app.unwrap().as_str(), "pg");
    assert_eq!(relation.remote_unit, relation.departing_unit);
    assert_eq!(env.action_name().unwrap().unwrap().as_str(), "restart");
    assert_eq!(env.action_id().unwrap().unwrap().as_str(), "12");
    let secret = env.secret().unwrap();
    assert_eq!((secret.id.unwrap().id(), secret.revision), ("9m4e2mr0ui3e8a215n4g", Some(4)));
    assert_eq!(env.storage().unwrap().location.as_deref(), Some(Path::new("/srv")));
    assert_eq!(env.trace().unwrap().trace_id(), Some("aa"));
    assert_eq!(env.search_path(), Some(OsStr::new("/tools:/usr/bin")));

    let shown = format!("{env:?} {:?} {:?}", env.proxies(), env.agent_token());
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("JUJU_AGENT_TOKEN"), "{shown}");
}

#[test]
fn the_units_name_is_required_and_the_error_says_so() {
    let error = HookEnv::from_vars([]).unwrap_err();
    assert_eq!(variable_of(&error), "JUJU_UNIT_NAME");
    assert!(
        error
            .to_string()
            .starts_with("cannot read the hook's environment: JUJU_UNIT_NAME is not set or empty"),
        "{error}"
    );
    assert_eq!(variable_of(&read_env(&[("JUJU_UNIT_NAME", "")]).unwrap_err()), "JUJU_UNIT_NAME");
}

#[test]
fn a_malformed_variable_is_named() {
    let cases = [
        ("JUJU_UNIT_NAME", "web"),
        ("JUJU_DISPATCH_PATH", "hooks/../../bin/sh"),
        ("JUJU_DISPATCH_PATH", "hooks/"),
        ("JUJU_DISPATCH_PATH", "install"),
        ("JUJU_DISPATCH_PATH", "/hooks/install"),
        ("JUJU_DISPATCH_PATH", "actions/a/b"),
        ("JUJU_HOOK_NAME", ".."),
        ("JUJU_HOOK_NAME", "a/b"),
    ];
    for (name, value) in cases {
        let error = read_env(&[(name, value)]).unwrap_err();
        assert_eq!(variable_of(&error), name, "{value}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

/// Calls every method that parses a variable, and returns the variables that the errors name.
fn failing_variables(env: &HookEnv) -> Vec<&'static str> {
    let faults = [
        env.model_name().err(),
        env.model_uuid().err(),
        env.juju_version().err(),
        env.context_id().err(),
        env.agent_socket_network().err(),
        env.agent_socket_address().err(),
        env.agent_token().err(),
        env.api_addresses().err(),
        env.machine_id().err(),
        env.principal_unit().err(),
        env.availability_zone().err(),
        env.cloud_api_version().err(),
        env.proxies().err(),
        env.sla().err(),
        env.meter_status().err(),
        env.meter_info().err(),
        env.trace().err(),
        env.kubernetes_host().err(),
        env.kubernetes_port().err(),
        env.action_name().err(),
        env.action_id().err(),
        env.action_tag().err(),
        env.workload_name().err(),
        env.check_name().err(),
        env.notice().err(),
        env.relation().err(),
        env.secret().err(),
        env.storage().err(),
        env.target_base().err(),
        env.target_series().err(),
    ];
    faults.iter().flatten().map(variable_of).collect()
}

#[test]
fn a_malformed_variable_fails_only_the_methods_that_read_it() {
    let parsed = [
        ("JUJU_VERSION", "soon"),
        ("JUJU_PRINCIPAL_UNIT", "web"),
        ("JUJU_WORKLOAD_NAME", "../web"),
        ("JUJU_PEBBLE_CHECK_NAME", "a\nb"),
        ("JUJU_ACTION_NAME", "a/b"),
        ("JUJU_ACTION_UUID", "a b"),
        ("JUJU_RELATION_ID", "db"),
        ("JUJU_REMOTE_APP", "../pg"),
        ("JUJU_REMOTE_UNIT", "pg"),
        ("JUJU_DEPARTING_UNIT", "pg"),
        ("JUJU_SECRET_ID", "secret:../x"),
        ("JUJU_SECRET_REVISION", "-1"),
        ("JUJU_STORAGE_ID", "data"),
    ];
    for (name, value) in parsed {
        assert_eq!(failing_variables(&read_env(&[(name, value)]).unwrap()), [name], "{value}");
    }
    for name in crate::vars::KNOWN {
        let vars = [
            (OsString::from("JUJU_UNIT_NAME"), OsString::from("web/0")),
            (OsString::from(name), OsString::from_vec(vec![b'x', 0xff])),
        ];
        match *name {
            "JUJU_UNIT_NAME" | "JUJU_DISPATCH_PATH" | "JUJU_HOOK_NAME" => {
                assert_eq!(variable_of(&HookEnv::from_vars(vars).unwrap_err()), *name);
            }
            // Paths need not be UTF-8.
            "CHARM_DIR"
            | "JUJU_CHARM_DIR"
            | "JUJU_AGENT_CA_CERT"
            | "JUJU_STORAGE_LOCATION"
            | "PATH" => {
                assert_eq!(
                    failing_variables(&HookEnv::from_vars(vars).unwrap()),
                    [""; 0],
                    "{name}"
                );
            }
            _ => assert_eq!(failing_variables(&HookEnv::from_vars(vars).unwrap()), [*name]),
        }
    }
}

#[test]
fn the_variables_of_an_event_keep_their_text() {
    let env = read_env(&[
        ("JUJU_DISPATCH_PATH", "hooks/moon-full"),
        ("JUJU_RELATION_ID", "db"),
        ("JUJU_REMOTE_UNIT", ""),
        ("JUJU_ACTION_UUID", "4"),
        ("JUJU_STORAGE_ID", "data/0"),
    ])
    .unwrap();
    let expected = [("JUJU_RELATION_ID", "db"), ("JUJU_STORAGE_ID", "data/0")];
    assert_eq!(env.event_variables(), expected.into());
    let notice = [("JUJU_NOTICE_ID", "12"), ("JUJU_NOTICE_TYPE", "custom")];
    assert_eq!(read_env(&notice).unwrap().notice().unwrap(), None);
}

#[test]
fn a_value_that_is_not_utf8_is_an_error_only_where_it_must_be_text() {
    let bad = || OsString::from_vec(vec![b'x', 0xff]);
    let with = |name: &str| {
        HookEnv::from_vars([("JUJU_UNIT_NAME".into(), "web/0".into()), (name.into(), bad())])
    };
    let error = with("JUJU_NOTICE_KEY").unwrap().notice().unwrap_err();
    assert_eq!(variable_of(&error), "JUJU_NOTICE_KEY");
    assert_eq!(with("JUJU_CHARM_DIR").unwrap().charm_dir(), Some(Path::new(&bad())));
    assert_eq!(with("LS_COLORS").unwrap().unit().number(), 0);
    let odd_name =
        HookEnv::from_vars([("JUJU_UNIT_NAME".into(), "web/0".into()), (bad(), "x".into())]);
    assert!(odd_name.is_ok());
    assert_eq!(with("HOME").unwrap().with_called_by(bad()).called_by(), None);
}

#[test]
fn an_action_has_no_hook_name() {
    let env =
        read_env(&[("JUJU_DISPATCH_PATH", "actions/restart"), ("JUJU_HOOK_NAME", "")]).unwrap();
    assert!(matches!(
        env.dispatch_path(),
        Some(DispatchPath::Action(name)) if name.as_str() == "restart"
    ));
    assert_eq!(env.hook_name(), None);
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(
        vars in proptest::collection::vec(
            (0..56_usize, proptest::collection::vec(any::<u8>(), 0..24)),
            0..12,
        ),
    ) {
        let all = [
            "JUJU_UNIT_NAME", "JUJU_DISPATCH_PATH", "JUJU_HOOK_NAME", "JUJU_VERSION",
            "JUJU_RELATION_ID", "PATH",
        ];
        let vars = vars
            .into_iter()
            .map(|(which, value)| (all[which % all.len()].into(), OsString::from_vec(value)));
        match HookEnv::from_vars(vars) {
            Ok(env) => prop_assert!(failing_variables(&env).iter().all(|name| all.contains(name))),
            Err(error) => prop_assert!(all.contains(&variable_of(&error))),
        }
    }

    #[test]
    fn dispatch_paths_read_back(name in "[a-z][a-z0-9-]{0,20}", hook: bool) {
        let path = format!("{}/{name}", if hook { "hooks" } else { "actions" });
        let env = read_env(&[("JUJU_DISPATCH_PATH", &path)]).unwrap();
        prop_assert_eq!(env.dispatch_path().unwrap().to_string(), path);
    }
}

//! Tests that a missing or malformed variable fails the hooks that need it, and no other.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use proptest::prelude::*;

use super::fakes::Unit;
use super::hook_event::{event_from_variables, variables_of};
use super::invocation::Invocation;
use super::probe::Step;
use crate::declaration::Metadata;
use crate::event::Event;
use crate::juju::{ErrorKind, HookEnv};
use crate::relation::current_event::CurrentEvent;

const METADATA: Metadata = Metadata::new("example").containers(&["web"]);

const FAILED: &str = "hooks/web-pebble-check-failed";
const RECOVERED: &str = "hooks/web-pebble-check-recovered";
const NOTICE: &str = "hooks/web-pebble-custom-notice";
const ACTION: &str = "actions/restart";
const RELATION: &str = "hooks/db-relation-changed";
const SECRET: &str = "hooks/secret-changed";
const STORAGE: &str = "hooks/data-storage-attached";

/// A hook of each kind.
const HOOKS: [&str; 12] = [
    "hooks/install",
    "hooks/config-changed",
    "hooks/stop",
    "hooks/web-pebble-ready",
    "hooks/moon-full",
    FAILED,
    RECOVERED,
    NOTICE,
    ACTION,
    RELATION,
    SECRET,
    STORAGE,
];

/// The hooks of the end of something.
const ENDS: [&str; 4] = [
    "hooks/db-relation-departed",
    "hooks/db-relation-broken",
    "hooks/data-storage-detaching",
    "hooks/secret-remove",
];

/// A value that is not UTF-8.
const BYTES: &[u8] = b"x\xff";

/// Variables with a malformed value, and the hooks that need the variable.
const MALFORMED: &[(&str, &[u8], &[&str])] = &[
    ("JUJU_PEBBLE_CHECK_NAME", b"a\nb", &[FAILED, RECOVERED]),
    ("JUJU_PEBBLE_CHECK_NAME", BYTES, &[FAILED, RECOVERED]),
    ("JUJU_NOTICE_ID", b"a b", &[NOTICE]),
    ("JUJU_NOTICE_TYPE", BYTES, &[NOTICE]),
    ("JUJU_NOTICE_KEY", BYTES, &[NOTICE]),
    ("JUJU_RELATION", BYTES, &[RELATION]),
    ("JUJU_RELATION_ID", b"db", &[RELATION]),
    ("JUJU_REMOTE_APP", b"../pg", &[RELATION]),
    ("JUJU_REMOTE_UNIT", b"pg", &[RELATION]),
    ("JUJU_DEPARTING_UNIT", b"pg/x", &[RELATION]),
    ("JUJU_SECRET_ID", b"secret:../x", &[SECRET]),
    ("JUJU_SECRET_LABEL", BYTES, &[SECRET]),
    ("JUJU_SECRET_REVISION", b"-1", &[SECRET]),
    ("JUJU_STORAGE_ID", b"data", &[STORAGE]),
    ("JUJU_STORAGE_KIND", BYTES, &[STORAGE]),
    // A path need not be UTF-8, the container is in the hook's name, and the action in its path.
    ("JUJU_STORAGE_LOCATION", BYTES, &[]),
    ("JUJU_WORKLOAD_NAME", b"../web", &[]),
    ("JUJU_ACTION_NAME", b"../restart", &[]),
    ("JUJU_ACTION_UUID", b"a b", &[]),
    ("JUJU_ACTION_TAG", BYTES, &[]),
    // No hook needs the variables about the model and the machine until its charm asks for them.
    ("JUJU_VERSION", b"soon", &[]),
    ("JUJU_MODEL_NAME", BYTES, &[]),
    ("JUJU_MODEL_UUID", BYTES, &[]),
    ("JUJU_CONTEXT_ID", BYTES, &[]),
    ("JUJU_AGENT_SOCKET_ADDRESS", BYTES, &[]),
    ("JUJU_AGENT_TOKEN", BYTES, &[]),
    ("JUJU_API_ADDRESSES", BYTES, &[]),
    ("JUJU_MACHINE_ID", BYTES, &[]),
    ("JUJU_PRINCIPAL_UNIT", b"web", &[]),
    ("JUJU_CHARM_HTTP_PROXY", BYTES, &[]),
    ("JUJU_TRACE_ID", BYTES, &[]),
    ("JUJU_TARGET_BASE", BYTES, &[]),
    ("KUBERNETES_SERVICE_HOST", BYTES, &[]),
    ("PATH", BYTES, &[]),
];

/// The variables that the agent sets for the kinds of hooks.
const AGENT_VARIABLES: &[(&str, &str)] = &[
    ("JUJU_PEBBLE_CHECK_NAME", "up"),
    ("JUJU_NOTICE_ID", "12"),
    ("JUJU_NOTICE_TYPE", "custom"),
    ("JUJU_NOTICE_KEY", "example.com/done"),
    ("JUJU_ACTION_UUID", "4"),
    ("JUJU_RELATION", "db"),
    ("JUJU_RELATION_ID", "db:7"),
    ("JUJU_REMOTE_APP", "pg"),
    ("JUJU_REMOTE_UNIT", "pg/1"),
    ("JUJU_DEPARTING_UNIT", "pg/1"),
    ("JUJU_SECRET_ID", "secret:9m4e2mr0ui3e8a215n4g"),
    ("JUJU_SECRET_LABEL", "key"),
    ("JUJU_SECRET_REVISION", "4"),
    ("JUJU_STORAGE_ID", "data/0"),
    ("JUJU_STORAGE_KIND", "filesystem"),
];

/// Reads the invocation of this hook from all the agent's variables, of which one has this value
/// instead.
fn invocation(hook: &str, variable: &str, value: &[u8]) -> Result<Invocation, crate::juju::Error> {
    let unit = [("JUJU_UNIT_NAME", "example/0"), ("JUJU_DISPATCH_PATH", hook)];
    let variables = unit.iter().chain(AGENT_VARIABLES).filter(|(name, _)| *name != variable);
    let vars = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let replaced = (OsString::from(variable), OsString::from_vec(value.to_vec()));
    let env = HookEnv::from_vars(vars.chain([replaced]))?;
    Ok(Invocation::from_env(&env, &METADATA)?.unwrap())
}

#[test]
fn a_malformed_variable_fails_the_hooks_that_need_it_and_no_other() {
    for &(variable, value, needed_by) in MALFORMED {
        for hook in HOOKS {
            let invocation = invocation(hook, variable, value);
            if needed_by.contains(&hook) {
                let error = invocation.unwrap_err();
                assert_eq!(error.kind(), &ErrorKind::Environment { variable }, "{hook}");
                assert!(error.to_string().contains(variable), "{error}");
            } else {
                let name = hook.strip_prefix("hooks/").unwrap_or(hook);
                assert_eq!(invocation.unwrap().name(), name, "{variable}");
            }
        }
    }
}

#[test]
fn the_names_of_unit_and_event_are_needed_by_every_hook() {
    for (variable, value) in
        [("JUJU_UNIT_NAME", "web"), ("JUJU_UNIT_NAME", ""), ("JUJU_HOOK_NAME", "..")]
    {
        for hook in HOOKS {
            let error = invocation(hook, variable, value.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Environment { variable }, "{hook}");
        }
    }
    let error = invocation("hooks/../x", "JUJU_RELATION", b"db").unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Environment { variable: "JUJU_DISPATCH_PATH" });
    // If nothing else names the event, an action's name does.
    let vars = [("JUJU_UNIT_NAME", "example/0"), ("JUJU_ACTION_NAME", "../restart")];
    let env = HookEnv::from_vars(vars.map(|(name, value)| (name.into(), value.into()))).unwrap();
    let error = Invocation::from_env(&env, &METADATA).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Environment { variable: "JUJU_ACTION_NAME" });
}

#[test]
fn a_hook_without_a_variable_of_its_own_is_unknown_and_every_other_is_as_it_was() {
    for &(variable, _) in AGENT_VARIABLES {
        for hook in HOOKS {
            let needs = match variable {
                "JUJU_PEBBLE_CHECK_NAME" => hook == FAILED || hook == RECOVERED,
                "JUJU_NOTICE_ID" | "JUJU_NOTICE_TYPE" | "JUJU_NOTICE_KEY" => hook == NOTICE,
                "JUJU_RELATION" | "JUJU_RELATION_ID" => hook == RELATION,
                "JUJU_SECRET_ID" => hook == SECRET,
                _ => false,
            };
            // The event is another one without these, but it is still an event.
            let describes = match variable {
                "JUJU_REMOTE_UNIT" => hook == RELATION,
                "JUJU_SECRET_LABEL" => hook == SECRET,
                "JUJU_STORAGE_ID" | "JUJU_STORAGE_KIND" => hook == STORAGE,
                _ => false,
            };
            let without = invocation(hook, variable, b"").unwrap();
            let with = invocation(hook, "LANG", b"C.UTF-8").unwrap();
            assert_eq!(without.name(), with.name(), "{variable}");
            let unknown = |invocation: &Invocation| match invocation {
                Invocation::Hook(Event::Unknown(unknown)) => Some(unknown.variables().clone()),
                _ => None,
            };
            match (unknown(&without), unknown(&with)) {
                (Some(_), None) => assert!(needs, "{hook} {variable}"),
                (Some(without), Some(mut with)) => {
                    with.remove(variable);
                    assert_eq!(without, with, "{hook} {variable}");
                }
                _ => assert_eq!(without == with, !describes, "{hook} {variable}"),
            }
            assert!(!needs || unknown(&without).is_some(), "{hook} {variable}");
        }
    }
}

#[test]
fn a_run_fails_only_where_the_malformed_variable_is_needed() {
    let mut unit = Unit::in_operation().on("update-status", Step::Log(&[]));
    unit.variables = vec![
        ("JUJU_PEBBLE_CHECK_NAME", "a\nb".to_owned()),
        ("JUJU_RELATION_ID", "db".to_owned()),
        ("JUJU_VERSION", "soon".to_owned()),
    ];
    let ran = unit.run("hooks/update-status");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.seen, ["update-status", "collect-status"]);
    for hook in [FAILED, RELATION] {
        let ran = unit.run(hook);
        assert_eq!((ran.code, ran.seen.len(), ran.tools.len()), (1, 0, 0), "{ran:?}");
    }
}

/// Returns values that are random, and ones that are nearly right for some variable.
fn any_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(1_u8.., 0..12),
        "(db|data|web|secret|pg)?[:/]?[a-z0-9./-]{0,6}".prop_map(String::into_bytes),
        Just(b"18446744073709551616".to_vec()),
        Just(b"db:4294967296".to_vec()),
        Just(b"x".repeat(1 << 17)),
    ]
}

proptest! {
    /// An environment gives an event, or an error that names the variable. An event can be stored,
    /// and asked for its relation.
    #[test]
    fn no_environment_makes_an_event_panic(
        hook in proptest::sample::select([&HOOKS[..], &ENDS].concat()),
        values in proptest::collection::vec(any_value(), MALFORMED.len()),
        kept in proptest::collection::vec(any::<bool>(), AGENT_VARIABLES.len()),
    ) {
        // The agent's own values stay for some variables: with random values alone, hardly any
        // event would come about.
        let random = MALFORMED.iter().map(|(name, ..)| *name).zip(values);
        let mut variables: Vec<(OsString, OsString)> =
            random.map(|(name, value)| (name.into(), OsString::from_vec(value))).collect();
        let agents = AGENT_VARIABLES.iter().zip(kept).filter(|(_, kept)| *kept);
        for ((name, value), _) in agents {
            variables.retain(|(other, _)| other != name);
            variables.push((name.into(), value.into()));
        }
        variables.push(("JUJU_UNIT_NAME".into(), "example/0".into()));
        variables.push(("JUJU_DISPATCH_PATH".into(), hook.into()));
        let env = HookEnv::from_vars(variables).unwrap();
        match Invocation::from_env(&env, &METADATA) {
            Ok(Some(Invocation::Hook(event))) => {
                let name = hook.strip_prefix("hooks/").unwrap_or(hook);
                prop_assert_eq!(event.to_string(), name);
                let current = CurrentEvent::of_hook(Some(&event));
                current.begin(&event);
                let is_broken = current.breaking().is_some();
                prop_assert_eq!(is_broken, matches!(&event, Event::RelationBroken(_)));
                // A location that is not UTF-8 is not stored.
                let is_storage = event.storage().is_some();
                if let Some(variables) = variables_of(&event).filter(|_| !is_storage) {
                    prop_assert_eq!(event_from_variables(name, &variables), Some(event));
                }
            }
            Ok(_) => {}
            Err(error) => {
                let text = error.to_string();
                prop_assert!(text.starts_with("cannot read the hook's environment: "), "{}", text);
                let named = |variable: &str| text.contains(variable);
                prop_assert!(MALFORMED.iter().any(|(variable, ..)| named(variable)), "{}", text);
            }
        }
    }
}

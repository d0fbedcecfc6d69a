//! Reads from the environment which event or action a run was started for.

use super::hook_event::{self, env_of_hook};
use crate::declaration::Metadata;
use crate::event::Event;
use crate::juju::{self, ActionName, ContainerName, DispatchPath, HookEnv};

/// An invocation is the event or the action that the agent runs the charm for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// The agent runs a hook.
    Hook(Event),
    /// The agent runs an action. Whether the charm declares it is checked later.
    Action(ActionName),
}

impl Invocation {
    /// Reads the event or action from the environment and the charm's declaration. Returns `None`
    /// if the environment names none.
    ///
    /// The name is in `JUJU_DISPATCH_PATH`, else in `JUJU_HOOK_NAME`, else in `JUJU_ACTION_NAME`,
    /// else it is the name of the executable, if that is the name of a hook. A hook becomes
    /// [`Event::Unknown`] if a variable that its event needs is missing, if the variables are about
    /// something else than the hook's name says, or if the charm does not declare its container.
    ///
    /// # Errors
    ///
    /// Returns an error if a variable that this event needs is malformed. Other variables may be
    /// malformed.
    pub(crate) fn from_env(
        env: &HookEnv,
        metadata: &Metadata,
    ) -> Result<Option<Self>, juju::Error> {
        let hook = |name: &str| event_from_name(name.to_owned(), env, metadata).map(Self::Hook);
        // Juju sets the dispatch path since 2.8, and it is then the source of truth for the event.
        // The other variables serve older agents and runs by hand.
        if let Some(path) = env.dispatch_path() {
            return Ok(Some(match path {
                DispatchPath::Hook(name) => hook(name.as_str())?,
                DispatchPath::Action(name) => Self::Action(name.clone()),
            }));
        }
        if let Some(name) = env.hook_name() {
            return hook(name.as_str()).map(Some);
        }
        if let Some(action) = env.action_name()? {
            return Ok(Some(Self::Action(action)));
        }
        let called_by = env.called_by().filter(|name| is_hook_name(name, metadata));
        called_by.map(hook).transpose()
    }

    /// Returns the name for messages: Juju's name of the hook, or `actions/NAME`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Hook(event) => event.to_string(),
            Self::Action(action) => format!("actions/{action}"),
        }
    }
}

/// Interprets a stored hook again that was unknown when it was stored, because an earlier version
/// of this library had no variant for it or the charm did not declare its container. Returns `None`
/// if it is still unknown.
pub(crate) fn reinterpret_unknown(event: &Event, metadata: &Metadata) -> Option<Event> {
    let Event::Unknown(unknown) = event else { return None };
    let env = env_of_hook(unknown.hook(), unknown.variables())?;
    let Invocation::Hook(event) = Invocation::from_env(&env, metadata).ok()?? else { return None };
    (!matches!(event, Event::Unknown(_)) && event.is_deferrable()).then_some(event)
}

/// Returns `true` if Juju treats a hook of this name as a workload hook, whether or not the charm
/// declares its container.
pub(crate) fn is_named_like_workload(event: &Event) -> bool {
    let named = |hook: &str| WORKLOAD_SUFFIXES.iter().any(|(suffix, _)| hook.ends_with(suffix));
    event.is_workload() || matches!(event, Event::Unknown(unknown) if named(unknown.hook()))
}

/// The hooks of Juju 2.9 and 3 that have no event here, since Juju 4 has none of them.
const LEGACY_HOOKS: [&str; 6] = [
    "collect-metrics",
    "leader-deposed",
    "leader-settings-changed",
    "meter-status-changed",
    "post-series-upgrade",
    "pre-series-upgrade",
];

/// Returns `true` if the name of an executable can only be the name of a hook, such as
/// `db-relation-changed`.
fn is_hook_name(name: &str, metadata: &Metadata) -> bool {
    lifecycle_event(name).is_some()
        || workload_hook(name, metadata).is_some()
        || hook_event::is_hook_name(name)
        || LEGACY_HOOKS.contains(&name)
}

/// The kinds of hooks of a workload container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WorkloadHook {
    Ready,
    CheckFailed,
    CheckRecovered,
    CustomNotice,
}

const WORKLOAD_SUFFIXES: [(&str, WorkloadHook); 4] = [
    ("-pebble-ready", WorkloadHook::Ready),
    ("-pebble-check-failed", WorkloadHook::CheckFailed),
    ("-pebble-check-recovered", WorkloadHook::CheckRecovered),
    ("-pebble-custom-notice", WorkloadHook::CustomNotice),
];

/// Splits the name of a workload hook into the container and the kind of the hook. The stem must be
/// a declared container, because a container may itself be called `a-pebble-ready`.
fn workload_hook(name: &str, metadata: &Metadata) -> Option<(ContainerName, WorkloadHook)> {
    let (stem, kind) = WORKLOAD_SUFFIXES
        .iter()
        .find_map(|(suffix, kind)| name.strip_suffix(suffix).map(|stem| (stem, *kind)))?;
    if !metadata.declares_container(stem) {
        return None;
    }
    Some((stem.parse().ok()?, kind))
}

fn event_from_name(name: String, env: &HookEnv, metadata: &Metadata) -> Result<Event, juju::Error> {
    if let Some(event) = lifecycle_event(&name) {
        return Ok(event);
    }
    if let Some((container, kind)) = workload_hook(&name, metadata) {
        let event = workload_event(container, kind, env)?;
        return Ok(event.unwrap_or_else(|| unknown_event(name, env)));
    }
    Ok(hook_event::read_event(&name, env)?.unwrap_or_else(|| unknown_event(name, env)))
}

fn lifecycle_event(name: &str) -> Option<Event> {
    Some(match name {
        "install" => Event::Install,
        "start" => Event::Start,
        "config-changed" => Event::ConfigChanged,
        "upgrade-charm" => Event::UpgradeCharm,
        "stop" => Event::Stop,
        "remove" => Event::Remove,
        "leader-elected" => Event::LeaderElected,
        "update-status" => Event::UpdateStatus,
        _ => return None,
    })
}

fn workload_event(
    container: ContainerName,
    kind: WorkloadHook,
    env: &HookEnv,
) -> Result<Option<Event>, juju::Error> {
    Ok(match kind {
        WorkloadHook::Ready => Some(Event::pebble_ready(container)),
        WorkloadHook::CheckFailed => {
            env.check_name()?.map(|check| Event::pebble_check_failed(container, check))
        }
        WorkloadHook::CheckRecovered => {
            env.check_name()?.map(|check| Event::pebble_check_recovered(container, check))
        }
        WorkloadHook::CustomNotice => match env.notice()? {
            None => None,
            // This is the only place where a text of Juju becomes an id of Pebble.
            Some(notice) => {
                let id = notice
                    .id
                    .parse()
                    .map_err(|fault| juju::Error::malformed_variable("JUJU_NOTICE_ID", &fault))?;
                Some(Event::notice_of_kind(container, id, notice.kind, notice.key))
            }
        },
    })
}

fn unknown_event(hook: String, env: &HookEnv) -> Event {
    let variables = env.event_variables().into_iter();
    Event::unknown(hook, variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use proptest::prelude::*;

    use super::*;

    const METADATA: Metadata =
        Metadata::new("example").containers(&["web", "web-pebble-ready", "my_db"]);

    fn env(variables: &[(&str, &str)], called_by: &str) -> HookEnv {
        let unit = [("JUJU_UNIT_NAME", "example/0")];
        let all = unit
            .iter()
            .chain(variables)
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        HookEnv::from_vars(all).unwrap().with_called_by(called_by)
    }

    fn invocation(variables: &[(&str, &str)], program: &str) -> Option<Invocation> {
        Invocation::from_env(&env(variables, program), &METADATA).unwrap()
    }

    fn event(variables: &[(&str, &str)]) -> Option<Event> {
        match invocation(variables, "./dispatch")? {
            Invocation::Hook(event) => Some(event),
            action @ Invocation::Action(_) => panic!("{action:?}"),
        }
    }

    fn hook(name: &str) -> Event {
        event(&[("JUJU_DISPATCH_PATH", &format!("hooks/{name}"))]).unwrap()
    }

    fn unknown(name: &str) -> Event {
        Event::unknown(name, [])
    }

    #[test]
    fn lifecycle_hooks_are_known_by_name() {
        for (name, expected) in [
            ("install", Event::Install),
            ("start", Event::Start),
            ("config-changed", Event::ConfigChanged),
            ("upgrade-charm", Event::UpgradeCharm),
            ("stop", Event::Stop),
            ("remove", Event::Remove),
            ("leader-elected", Event::LeaderElected),
            ("update-status", Event::UpdateStatus),
        ] {
            assert_eq!(hook(name), expected);
            assert_eq!(expected.to_string(), name);
        }
    }

    #[test]
    fn workload_hooks_are_split_by_their_known_end() {
        let ready = |container: &str| Event::pebble_ready(container.parse().unwrap());
        assert_eq!(hook("web-pebble-ready"), ready("web"));
        assert_eq!(hook("my_db-pebble-ready"), ready("my_db"));
        assert_eq!(hook("web-pebble-ready-pebble-ready"), ready("web-pebble-ready"));
        let check = ("JUJU_PEBBLE_CHECK_NAME", "up");
        let failed =
            event(&[("JUJU_DISPATCH_PATH", "hooks/web-pebble-check-failed"), check]).unwrap();
        assert_eq!(
            failed,
            Event::pebble_check_failed("web".parse().unwrap(), "up".parse().unwrap())
        );
        let recovered =
            event(&[("JUJU_DISPATCH_PATH", "hooks/web-pebble-check-recovered"), check]).unwrap();
        assert_eq!(
            recovered,
            Event::pebble_check_recovered("web".parse().unwrap(), "up".parse().unwrap())
        );
        let notice = event(&[
            ("JUJU_DISPATCH_PATH", "hooks/web-pebble-custom-notice"),
            ("JUJU_NOTICE_ID", "12"),
            ("JUJU_NOTICE_TYPE", "custom"),
            ("JUJU_NOTICE_KEY", "example.com/done"),
        ]);
        let Some(Event::PebbleCustomNotice(notice)) = notice else { panic!("{notice:?}") };
        assert_eq!(
            (notice.id().as_str(), notice.kind(), notice.key()),
            ("12", "custom", "example.com/done")
        );
    }

    #[test]
    fn what_is_not_declared_or_lacks_its_variables_is_unknown() {
        assert_eq!(hook("other-pebble-ready"), unknown("other-pebble-ready"));
        assert_eq!(hook("web-pebble-check-failed"), unknown("web-pebble-check-failed"));
        assert_eq!(hook("web-pebble-custom-notice"), unknown("web-pebble-custom-notice"));
        assert!(is_named_like_workload(&hook("other-pebble-ready")));
    }

    #[test]
    fn an_unknown_hook_carries_what_juju_said() {
        let moon = event(&[
            ("JUJU_DISPATCH_PATH", "hooks/moon-full"),
            ("JUJU_RELATION_ID", "db:7"),
            ("JUJU_REMOTE_UNIT", ""),
            ("JUJU_REMOTE_APP", "pg"),
        ]);
        let Some(Event::Unknown(unknown)) = moon else { panic!("{moon:?}") };
        assert_eq!(unknown.hook(), "moon-full");
        let expected = [("JUJU_RELATION_ID", "db:7"), ("JUJU_REMOTE_APP", "pg")];
        assert_eq!(
            *unknown.variables(),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
    }

    #[test]
    fn the_dispatch_path_is_asked_first_then_the_hook_then_the_programs_name() {
        let hook = |event| Some(Invocation::Hook(event));
        let action = |name: &str| Some(Invocation::Action(name.parse().unwrap()));
        let all = [("JUJU_DISPATCH_PATH", "hooks/start"), ("JUJU_HOOK_NAME", "stop")];
        assert_eq!(invocation(&all, "install"), hook(Event::Start));
        assert_eq!(invocation(&all[1..], "install"), hook(Event::Stop));
        let named = [("JUJU_ACTION_NAME", "restart"), ("JUJU_ACTION_UUID", "4")];
        assert_eq!(invocation(&named, "install"), action("restart"));
        // Whether the action is declared is checked later.
        let path = [("JUJU_DISPATCH_PATH", "actions/other"), ("JUJU_ACTION_NAME", "restart")];
        assert_eq!(invocation(&path, "install"), action("other"));
        for (program, expected) in [
            ("/charm/hooks/install", hook(Event::Install)),
            ("hooks/web-pebble-ready", hook(Event::pebble_ready("web".parse().unwrap()))),
            ("hooks/db-relation-joined", hook(unknown("db-relation-joined"))),
            ("./dispatch", None),
            ("/usr/bin/example", None),
            ("hooks/-relation-joined", None),
        ] {
            assert_eq!(invocation(&[], program), expected, "{program}");
        }
    }

    #[test]
    fn a_stored_hook_that_was_unknown_is_known_once_it_can_be() {
        let stored = |hook: &str, variables: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Event::unknown(hook, variables.iter().map(owned))
        };
        let ready = stored("web-pebble-ready", &[("JUJU_WORKLOAD_NAME", "web")]);
        let known = Event::pebble_ready("web".parse().unwrap());
        assert_eq!(reinterpret_unknown(&ready, &METADATA), Some(known.clone()));
        assert_eq!(reinterpret_unknown(&ready, &Metadata::new("example")), None);
        let check = stored("web-pebble-check-failed", &[("JUJU_PEBBLE_CHECK_NAME", "up")]);
        assert!(matches!(
            reinterpret_unknown(&check, &METADATA),
            Some(Event::PebbleCheckFailed(failed)) if failed.check().as_str() == "up"
        ));
        for other in [
            stored("web-pebble-check-failed", &[]),
            stored("db-relation-changed", &[("JUJU_RELATION_ID", "db:7")]),
            stored("stop", &[]),
            stored("../etc", &[]),
            stored("", &[]),
            known,
        ] {
            assert_eq!(reinterpret_unknown(&other, &METADATA), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn any_hook_name_is_an_event_of_that_name(
            name in "[a-z0-9][a-z0-9_.-]{0,30}|(web|other)-pebble-(ready|check-failed|nothing)"
        ) {
            prop_assume!(!name.contains(".."));
            let event = hook(&name);
            prop_assert_eq!(event.to_string(), name);
        }

        #[test]
        fn any_program_name_is_an_event_or_none(program in "(?s).{0,40}") {
            let _ = Invocation::from_env(&env(&[], &program), &METADATA);
        }
    }
}

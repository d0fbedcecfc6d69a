//! Which event a hook run is about.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use super::charm::Metadata;
use crate::juju::{self, CheckName, ContainerName, DispatchPath, HookEnv};
use crate::pebble::NoticeId;

/// What happened to the unit, as Juju told this hook run.
///
/// An event carries all that its handler needs: a deferred event is run again in a later hook,
/// whose environment is not its own. A hook that this version does not know arrives as
/// [`Event::Unknown`], so that a newer Juju cannot crash a charm.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Event {
    /// The unit is being set up; runs once, before every other hook but storage's.
    Install,
    /// The unit begins its work: once after the first `config-changed`, and again after each new
    /// pod or reboot.
    Start,
    /// A config option, the unit's trust or its addresses changed; also once at start-up and after
    /// an upgrade.
    ConfigChanged,
    /// The charm's files were replaced by another revision.
    UpgradeCharm,
    /// The unit is about to be removed, or (on Kubernetes) its pod to be replaced.
    Stop,
    /// The last hook of a unit that is going away.
    Remove,
    /// This unit became the leader of its application.
    LeaderElected,
    /// The model's periodic hook (every 5 minutes by default).
    UpdateStatus,
    /// The container's Pebble answered for the first time since it, or the unit agent, started.
    PebbleReady {
        /// The container whose Pebble came up.
        container: ContainerName,
    },
    /// A health check of the container reached its failure threshold.
    PebbleCheckFailed {
        /// The container that the check belongs to.
        container: ContainerName,
        /// The check that is now down.
        check: CheckName,
    },
    /// A health check of the container passes again.
    PebbleCheckRecovered {
        /// The container that the check belongs to.
        container: ContainerName,
        /// The check that is up again.
        check: CheckName,
    },
    /// The workload sent a notice of its own through Pebble (`pebble notify`).
    PebbleCustomNotice {
        /// The container in which the notice was recorded.
        container: ContainerName,
        /// Pebble's id of the notice, by which its container's client reads it.
        id: NoticeId,
        /// The notice's type; `custom` today.
        kind: String,
        /// The key that the workload gave it, such as `example.com/backup-done`.
        key: String,
    },
    /// A user ran one of the charm's declared actions.
    Action {
        /// The action's name.
        name: String,
        /// Juju's id of this run (a number in current versions).
        id: String,
    },
    /// A hook that this version has no arm for: relations, storage, secrets, and whatever a newer
    /// Juju adds.
    #[non_exhaustive]
    Unknown {
        /// The hook's name, such as `db-relation-changed`.
        hook: String,
        /// What Juju said about the hook, by the variable that said it (`JUJU_RELATION_ID`,
        /// `JUJU_SECRET_ID`, …); empty values are left out.
        variables: BTreeMap<String, String>,
    },
}

/// What the environment says this run is: a hook or an action, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Called {
    /// A hook, under Juju's name for it.
    Hook(String),
    /// An action; the name is not yet known to be declared.
    Action(String),
}

impl Called {
    /// Finds the name in `JUJU_DISPATCH_PATH`, else `JUJU_HOOK_NAME`, else `JUJU_ACTION_NAME`, else
    /// in the name the executable was called by, where that is the name of a hook. `None` when no
    /// event is named at all.
    pub(crate) fn find(env: &HookEnv, metadata: &Metadata) -> Result<Option<Self>, juju::Error> {
        if let Some(path) = env.dispatch_path() {
            return Ok(Some(match path {
                DispatchPath::Hook(name) => Self::Hook(name.to_string()),
                DispatchPath::Action(name) => Self::Action(name.to_string()),
            }));
        }
        if let Some(hook) = env.hook_name() {
            return Ok(Some(Self::Hook(hook.to_string())));
        }
        if let Some(action) = env.action_name()? {
            return Ok(Some(Self::Action(action.to_string())));
        }
        let hook = env.called_by().filter(|name| is_hook_name(name, metadata));
        Ok(hook.map(|name| Self::Hook(name.to_owned())))
    }
}

/// The ends of the names of relation hooks.
const RELATION_SUFFIXES: [&str; 5] = [
    "-relation-created",
    "-relation-joined",
    "-relation-changed",
    "-relation-departed",
    "-relation-broken",
];

/// The ends of the names of storage hooks.
const STORAGE_SUFFIXES: [&str; 2] = ["-storage-attached", "-storage-detaching"];

/// The hooks of secrets.
const SECRET_HOOKS: [&str; 4] =
    ["secret-changed", "secret-rotate", "secret-expired", "secret-remove"];

/// Returns `true` if the name is a stem, which is not empty, and one of these ends.
fn ends_in(name: &str, suffixes: &[&str]) -> bool {
    suffixes.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(|stem| !stem.is_empty()))
}

/// Whether a bare program name can only be meant as a hook: nobody names their binary
/// `db-relation-changed`.
fn is_hook_name(name: &str, metadata: &Metadata) -> bool {
    Event::lifecycle(name).is_some()
        || workload_hook(name, metadata).is_some()
        || SECRET_HOOKS.contains(&name)
        || name == "leader-settings-changed"
        || ends_in(name, &RELATION_SUFFIXES)
        || ends_in(name, &STORAGE_SUFFIXES)
}

/// The four hooks of a workload container.
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

/// The name is split by its known end and the rest must be a declared container: a container may
/// itself be called `a-pebble-ready`.
fn workload_hook(name: &str, metadata: &Metadata) -> Option<(ContainerName, WorkloadHook)> {
    let (stem, kind) = WORKLOAD_SUFFIXES
        .iter()
        .find_map(|(suffix, kind)| name.strip_suffix(suffix).map(|stem| (stem, *kind)))?;
    if !metadata.declares_container(stem) {
        return None;
    }
    Some((stem.parse().ok()?, kind))
}

impl Event {
    /// The event that the environment names, read against what the charm declares; `None` when it
    /// names none at all.
    ///
    /// Looks at `JUJU_DISPATCH_PATH`, else `JUJU_HOOK_NAME`, else the name that the executable was
    /// called by. A workload hook of a container that the charm does not declare, an undeclared
    /// action, and a workload hook without the variables it needs are [`Event::Unknown`].
    ///
    /// # Errors
    ///
    /// A variable that this kind of event needs is malformed; others may be.
    pub fn from_env(env: &HookEnv, metadata: &Metadata) -> Result<Option<Self>, juju::Error> {
        let Some(called) = Called::find(env, metadata)? else { return Ok(None) };
        Ok(Some(match called {
            Called::Action(name) if metadata.declares_action(&name) => {
                let id = env.action_id()?.map_or_else(String::new, |id| id.to_string());
                Self::Action { name, id }
            }
            Called::Action(name) => Self::unknown(format!("actions/{name}"), env),
            Called::Hook(name) => Self::from_hook(name, env, metadata)?,
        }))
    }

    /// Reads a stored hook again that was unknown when it was stored: an earlier version of this
    /// library had no arm for it, or the charm did not declare its container. What is still unknown
    /// stays as it is.
    pub(crate) fn known_as(&self, metadata: &Metadata) -> Option<Self> {
        let Self::Unknown { hook, variables } = self else { return None };
        // Any unit will do: no event is about the unit's own name.
        let own = [
            ("JUJU_UNIT_NAME", "unit/0".to_owned()),
            ("JUJU_DISPATCH_PATH", format!("hooks/{hook}")),
        ];
        let variables = variables.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let variables =
            variables.chain(own).map(|(name, value)| (OsString::from(name), value.into()));
        let event = Self::from_env(&HookEnv::from_vars(variables).ok()?, metadata).ok()??;
        (!matches!(event, Self::Unknown { .. }) && event.is_deferrable()).then_some(event)
    }

    fn from_hook(name: String, env: &HookEnv, metadata: &Metadata) -> Result<Self, juju::Error> {
        if let Some(event) = Self::lifecycle(&name) {
            return Ok(event);
        }
        if let Some((container, kind)) = workload_hook(&name, metadata) {
            let event = Self::workload(container, kind, env)?;
            return Ok(event.unwrap_or_else(|| Self::unknown(name, env)));
        }
        // They are kept as they are written; a malformed one is told of now, and not by whoever
        // reads it later.
        if ends_in(&name, &RELATION_SUFFIXES) {
            env.relation()?;
        } else if ends_in(&name, &STORAGE_SUFFIXES) {
            env.storage()?;
        } else if SECRET_HOOKS.contains(&name.as_str()) {
            env.secret()?;
        }
        Ok(Self::unknown(name, env))
    }

    fn lifecycle(name: &str) -> Option<Self> {
        Some(match name {
            "install" => Self::Install,
            "start" => Self::Start,
            "config-changed" => Self::ConfigChanged,
            "upgrade-charm" => Self::UpgradeCharm,
            "stop" => Self::Stop,
            "remove" => Self::Remove,
            "leader-elected" => Self::LeaderElected,
            "update-status" => Self::UpdateStatus,
            _ => return None,
        })
    }

    fn workload(
        container: ContainerName,
        kind: WorkloadHook,
        env: &HookEnv,
    ) -> Result<Option<Self>, juju::Error> {
        Ok(match kind {
            WorkloadHook::Ready => Some(Self::PebbleReady { container }),
            WorkloadHook::CheckFailed => {
                env.check_name()?.map(|check| Self::PebbleCheckFailed { container, check })
            }
            WorkloadHook::CheckRecovered => {
                env.check_name()?.map(|check| Self::PebbleCheckRecovered { container, check })
            }
            WorkloadHook::CustomNotice => match env.notice()? {
                None => None,
                // Here alone a text of Juju's becomes an id of Pebble's.
                Some(notice) => Some(Self::PebbleCustomNotice {
                    container,
                    id: notice.id.parse().map_err(|fault| {
                        juju::Error::malformed_variable("JUJU_NOTICE_ID", &fault)
                    })?,
                    kind: notice.kind,
                    key: notice.key,
                }),
            },
        })
    }

    fn unknown(hook: String, env: &HookEnv) -> Self {
        let said = env.event_variables().into_iter();
        let variables = said.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self::Unknown { hook, variables }
    }

    /// The container that the event is about, for the workload events.
    #[must_use]
    pub fn container(&self) -> Option<&ContainerName> {
        match self {
            Self::PebbleReady { container }
            | Self::PebbleCheckFailed { container, .. }
            | Self::PebbleCheckRecovered { container, .. }
            | Self::PebbleCustomNotice { container, .. } => Some(container),
            _ => None,
        }
    }

    /// Whether this is one of the `<container>-pebble-*` hooks, whose failure Juju hides.
    #[must_use]
    pub fn is_workload(&self) -> bool {
        self.container().is_some()
    }

    /// Whether Juju runs this hook as a workload hook, be its container declared or not.
    pub(crate) fn is_named_like_workload(&self) -> bool {
        let named = |hook: &str| WORKLOAD_SUFFIXES.iter().any(|(suffix, _)| hook.ends_with(suffix));
        self.is_workload() || matches!(self, Self::Unknown { hook, .. } if named(hook))
    }

    /// Whether a user is waiting for the result of this run.
    #[must_use]
    pub fn is_action(&self) -> bool {
        matches!(self, Self::Action { .. })
    }

    /// Whether the unit, or its pod, is going away.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        matches!(self, Self::Stop | Self::Remove)
    }

    /// Whether the event may be stored and run again later: not an action (its user waits for the
    /// result now), not `stop` and `remove` (there is no later), and not `secret-rotate` and
    /// `secret-expired` (Juju sends those again by itself until they are obeyed).
    #[must_use]
    pub fn is_deferrable(&self) -> bool {
        match self {
            Self::Action { .. } | Self::Stop | Self::Remove => false,
            Self::Unknown { hook, .. } => {
                !matches!(hook.as_str(), "secret-rotate" | "secret-expired")
                    && !hook.starts_with("actions/")
            }
            _ => true,
        }
    }
}

/// Juju's name for the hook, such as `web-pebble-ready`; an action is `actions/NAME`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Install => f.write_str("install"),
            Self::Start => f.write_str("start"),
            Self::ConfigChanged => f.write_str("config-changed"),
            Self::UpgradeCharm => f.write_str("upgrade-charm"),
            Self::Stop => f.write_str("stop"),
            Self::Remove => f.write_str("remove"),
            Self::LeaderElected => f.write_str("leader-elected"),
            Self::UpdateStatus => f.write_str("update-status"),
            Self::PebbleReady { container } => write!(f, "{container}-pebble-ready"),
            Self::PebbleCheckFailed { container, .. } => {
                write!(f, "{container}-pebble-check-failed")
            }
            Self::PebbleCheckRecovered { container, .. } => {
                write!(f, "{container}-pebble-check-recovered")
            }
            Self::PebbleCustomNotice { container, .. } => {
                write!(f, "{container}-pebble-custom-notice")
            }
            Self::Action { name, .. } => write!(f, "actions/{name}"),
            Self::Unknown { hook, .. } => f.write_str(hook),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const METADATA: Metadata = Metadata::new("example")
        .containers(&["web", "web-pebble-ready", "my_db"])
        .actions(&["restart"]);

    fn env(variables: &[(&str, &str)], called_by: &str) -> HookEnv {
        let unit = [("JUJU_UNIT_NAME", "example/0")];
        let all = unit
            .iter()
            .chain(variables)
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        HookEnv::from_vars(all).unwrap().with_called_by(called_by)
    }

    fn event(variables: &[(&str, &str)]) -> Option<Event> {
        Event::from_env(&env(variables, "./dispatch"), &METADATA).unwrap()
    }

    fn hook(name: &str) -> Event {
        event(&[("JUJU_DISPATCH_PATH", &format!("hooks/{name}"))]).unwrap()
    }

    fn unknown(name: &str) -> Event {
        Event::Unknown { hook: name.to_owned(), variables: BTreeMap::new() }
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
        let ready = |container: &str| Event::PebbleReady { container: container.parse().unwrap() };
        assert_eq!(hook("web-pebble-ready"), ready("web"));
        assert_eq!(hook("my_db-pebble-ready"), ready("my_db"));
        assert_eq!(hook("web-pebble-ready-pebble-ready"), ready("web-pebble-ready"));
        let check = ("JUJU_PEBBLE_CHECK_NAME", "up");
        let failed =
            event(&[("JUJU_DISPATCH_PATH", "hooks/web-pebble-check-failed"), check]).unwrap();
        assert_eq!(
            failed,
            Event::PebbleCheckFailed {
                container: "web".parse().unwrap(),
                check: "up".parse().unwrap()
            }
        );
        let recovered =
            event(&[("JUJU_DISPATCH_PATH", "hooks/web-pebble-check-recovered"), check]).unwrap();
        assert_eq!(
            recovered,
            Event::PebbleCheckRecovered {
                container: "web".parse().unwrap(),
                check: "up".parse().unwrap()
            }
        );
        let notice = event(&[
            ("JUJU_DISPATCH_PATH", "hooks/web-pebble-custom-notice"),
            ("JUJU_NOTICE_ID", "12"),
            ("JUJU_NOTICE_TYPE", "custom"),
            ("JUJU_NOTICE_KEY", "example.com/done"),
        ]);
        let Some(Event::PebbleCustomNotice { id, kind, key, .. }) = notice else {
            panic!("{notice:?}")
        };
        assert_eq!((id.as_str(), &*kind, &*key), ("12", "custom", "example.com/done"));
    }

    #[test]
    fn what_is_not_declared_or_lacks_its_variables_is_unknown() {
        assert_eq!(hook("other-pebble-ready"), unknown("other-pebble-ready"));
        assert_eq!(hook("web-pebble-check-failed"), unknown("web-pebble-check-failed"));
        assert_eq!(hook("web-pebble-custom-notice"), unknown("web-pebble-custom-notice"));
        assert!(hook("other-pebble-ready").is_named_like_workload());
        let other = event(&[("JUJU_DISPATCH_PATH", "actions/other")]).unwrap();
        assert_eq!(other, unknown("actions/other"));
    }

    #[test]
    fn an_unknown_hook_carries_what_juju_said() {
        let relation = event(&[
            ("JUJU_DISPATCH_PATH", "hooks/db-relation-changed"),
            ("JUJU_RELATION_ID", "db:7"),
            ("JUJU_REMOTE_UNIT", ""),
            ("JUJU_REMOTE_APP", "pg"),
        ]);
        let Some(Event::Unknown { hook, variables }) = relation else { panic!("{relation:?}") };
        assert_eq!(hook, "db-relation-changed");
        let expected = [("JUJU_RELATION_ID", "db:7"), ("JUJU_REMOTE_APP", "pg")];
        assert_eq!(
            variables,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
        );
    }

    #[test]
    fn the_dispatch_path_is_asked_first_then_the_hook_then_the_programs_name() {
        let all = [("JUJU_DISPATCH_PATH", "hooks/start"), ("JUJU_HOOK_NAME", "stop")];
        let called = |variables: &[(&str, &str)], program: &str| {
            Event::from_env(&env(variables, program), &METADATA).unwrap()
        };
        assert_eq!(called(&all, "install"), Some(Event::Start));
        assert_eq!(called(&all[1..], "install"), Some(Event::Stop));
        let action = [("JUJU_ACTION_NAME", "restart"), ("JUJU_ACTION_UUID", "4")];
        let expected = Event::Action { name: "restart".to_owned(), id: "4".to_owned() };
        assert_eq!(called(&action, "install"), Some(expected));
        for (program, expected) in [
            ("/charm/hooks/install", Some(Event::Install)),
            (
                "hooks/web-pebble-ready",
                Some(Event::PebbleReady { container: "web".parse().unwrap() }),
            ),
            ("hooks/db-relation-joined", Some(unknown("db-relation-joined"))),
            ("./dispatch", None),
            ("/usr/bin/example", None),
            ("hooks/-relation-joined", None),
        ] {
            assert_eq!(called(&[], program), expected, "{program}");
        }
    }

    #[test]
    fn a_stored_hook_that_was_unknown_is_known_once_it_can_be() {
        let stored = |hook: &str, variables: &[(&str, &str)]| Event::Unknown {
            hook: hook.to_owned(),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let ready = stored("web-pebble-ready", &[("JUJU_WORKLOAD_NAME", "web")]);
        let known = Event::PebbleReady { container: "web".parse().unwrap() };
        assert_eq!(ready.known_as(&METADATA), Some(known.clone()));
        assert_eq!(ready.known_as(&Metadata::new("example")), None);
        let check = stored("web-pebble-check-failed", &[("JUJU_PEBBLE_CHECK_NAME", "up")]);
        assert!(matches!(
            check.known_as(&METADATA),
            Some(Event::PebbleCheckFailed { check, .. }) if check.as_str() == "up"
        ));
        for other in [
            stored("web-pebble-check-failed", &[]),
            stored("db-relation-changed", &[("JUJU_RELATION_ID", "db:7")]),
            stored("stop", &[]),
            stored("../etc", &[]),
            stored("", &[]),
            known,
        ] {
            assert_eq!(other.known_as(&METADATA), None, "{other:?}");
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
            let _ = Event::from_env(&env(&[], &program), &METADATA);
        }
    }
}

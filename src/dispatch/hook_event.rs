//! Reads the event of a relation, storage or secret hook from the hook's name and variables, and
//! writes it as these again.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use crate::event::Event;
use crate::juju::{self, HookEnv, RelationVars, SecretVars, StorageName};

/// The kinds of hooks of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RelationHook {
    Created,
    Joined,
    Changed,
    Departed,
    Broken,
}

const RELATION_SUFFIXES: [(&str, RelationHook); 5] = [
    ("-relation-created", RelationHook::Created),
    ("-relation-joined", RelationHook::Joined),
    ("-relation-changed", RelationHook::Changed),
    ("-relation-departed", RelationHook::Departed),
    ("-relation-broken", RelationHook::Broken),
];

/// The kinds of hooks of a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StorageHook {
    Attached,
    Detaching,
}

const STORAGE_SUFFIXES: [(&str, StorageHook); 2] =
    [("-storage-attached", StorageHook::Attached), ("-storage-detaching", StorageHook::Detaching)];

/// The kinds of hooks of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SecretHook {
    Changed,
    Rotate,
    Expired,
    Remove,
}

/// Splits a name into a stem that is not empty and one of these suffixes.
fn split<'a, T: Copy>(name: &'a str, suffixes: &[(&str, T)]) -> Option<(&'a str, T)> {
    suffixes
        .iter()
        .find_map(|(suffix, kind)| Some((name.strip_suffix(suffix)?, *kind)))
        .filter(|(stem, _)| !stem.is_empty())
}

fn secret_hook(name: &str) -> Option<SecretHook> {
    Some(match name {
        "secret-changed" => SecretHook::Changed,
        "secret-rotate" => SecretHook::Rotate,
        "secret-expired" => SecretHook::Expired,
        "secret-remove" => SecretHook::Remove,
        _ => return None,
    })
}

/// Returns `true` if this is the name of a relation, storage or secret hook.
pub(crate) fn is_hook_name(name: &str) -> bool {
    split(name, &RELATION_SUFFIXES).is_some()
        || split(name, &STORAGE_SUFFIXES).is_some()
        || secret_hook(name).is_some()
}

/// Reads the event of a relation, storage or secret hook. Returns `None` for any other hook, and if
/// a variable that the event needs is missing or is about something else than the hook's name says.
///
/// # Errors
///
/// Returns an error if a variable of this kind of hook is malformed.
pub(crate) fn read_event(name: &str, env: &HookEnv) -> Result<Option<Event>, juju::Error> {
    if let Some((stem, hook)) = split(name, &RELATION_SUFFIXES) {
        return Ok(relation_event(stem, hook, env.relation()?));
    }
    if let Some((stem, hook)) = split(name, &STORAGE_SUFFIXES) {
        let vars = env.storage()?;
        let Ok(name) = stem.parse::<StorageName>() else { return Ok(None) };
        if vars.id.as_ref().is_some_and(|id| *id.name() != name) {
            return Ok(None);
        }
        return Ok(Some(match hook {
            StorageHook::Attached => Event::storage_attached_with(name, vars),
            StorageHook::Detaching => Event::storage_detaching_with(name, vars),
        }));
    }
    match secret_hook(name) {
        Some(hook) => Ok(secret_event(hook, env.secret()?)),
        None => Ok(None),
    }
}

fn relation_event(stem: &str, hook: RelationHook, vars: RelationVars) -> Option<Event> {
    let (endpoint, id) = (vars.endpoint?, vars.id?);
    if endpoint.as_str() != stem || id.endpoint().is_some_and(|of_id| *of_id != endpoint) {
        return None;
    }
    Some(match hook {
        RelationHook::Created => Event::relation_created(endpoint, id, vars.remote_app?),
        RelationHook::Joined => Event::relation_joined(endpoint, id, vars.remote_unit?),
        RelationHook::Changed => match vars.remote_unit {
            Some(unit) => Event::relation_changed(endpoint, id, unit),
            None => Event::relation_application_changed(endpoint, id, vars.remote_app?),
        },
        RelationHook::Departed => {
            Event::relation_departed(endpoint, id, vars.remote_unit?, vars.departing_unit)
        }
        RelationHook::Broken => Event::relation_broken(endpoint, id, vars.remote_app),
    })
}

fn secret_event(hook: SecretHook, vars: SecretVars) -> Option<Event> {
    let SecretVars { id, label, revision, .. } = vars;
    let id = id?;
    Some(match hook {
        SecretHook::Changed => Event::secret_changed(id, label),
        SecretHook::Rotate => Event::secret_rotate(id, label),
        SecretHook::Expired => Event::secret_expired(id, label, revision?),
        SecretHook::Remove => Event::secret_remove(id, label, revision?),
    })
}

/// The variables of a hook by name.
#[derive(Default)]
struct Variables(BTreeMap<String, String>);

impl Variables {
    fn set(&mut self, name: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.to_string());
        }
    }
}

/// Returns the variables of a relation, storage or secret event, from which
/// [`event_from_variables`] reads the same event. Returns `None` for any other event.
pub(crate) fn variables_of(event: &Event) -> Option<BTreeMap<String, String>> {
    let mut variables = Variables::default();
    variables.set("JUJU_RELATION", event.endpoint());
    variables.set("JUJU_RELATION_ID", event.relation());
    variables.set("JUJU_SECRET_ID", event.secret());
    match event {
        Event::RelationCreated(created) => {
            variables.set("JUJU_REMOTE_APP", Some(created.application()));
        }
        Event::RelationJoined(joined) => {
            variables.set("JUJU_REMOTE_APP", Some(joined.application()));
            variables.set("JUJU_REMOTE_UNIT", Some(joined.unit()));
        }
        Event::RelationChanged(changed) => {
            variables.set("JUJU_REMOTE_APP", Some(changed.application()));
            variables.set("JUJU_REMOTE_UNIT", changed.unit());
        }
        Event::RelationDeparted(departed) => {
            variables.set("JUJU_REMOTE_APP", Some(departed.application()));
            variables.set("JUJU_REMOTE_UNIT", Some(departed.unit()));
            variables.set("JUJU_DEPARTING_UNIT", departed.departing_unit());
        }
        Event::RelationBroken(broken) => variables.set("JUJU_REMOTE_APP", broken.application()),
        Event::StorageAttached(storage) | Event::StorageDetaching(storage) => {
            variables.set("JUJU_STORAGE_ID", storage.id());
            variables.set("JUJU_STORAGE_KIND", storage.kind());
            // A path that is not UTF-8 is left out. Juju has none, since its agent reads them as
            // JSON (3.6 and 4.0).
            let location = storage.location().and_then(Path::to_str);
            variables.set("JUJU_STORAGE_LOCATION", location);
        }
        Event::SecretChanged(secret) | Event::SecretRotate(secret) => {
            variables.set("JUJU_SECRET_LABEL", secret.label());
        }
        Event::SecretExpired(secret) | Event::SecretRemove(secret) => {
            variables.set("JUJU_SECRET_LABEL", secret.label());
            variables.set("JUJU_SECRET_REVISION", Some(secret.revision()));
        }
        _ => return None,
    }
    Some(variables.0)
}

/// Makes the environment of a hook of this name with these variables and no others.
pub(crate) fn env_of_hook(name: &str, variables: &BTreeMap<String, String>) -> Option<HookEnv> {
    // No event depends on the unit's own name, so any name serves.
    let own =
        [("JUJU_UNIT_NAME", "unit/0".to_owned()), ("JUJU_DISPATCH_PATH", format!("hooks/{name}"))];
    let variables = variables.iter().map(|(name, value)| (name.as_str(), value.clone()));
    let variables = variables.chain(own).map(|(name, value)| (OsString::from(name), value.into()));
    HookEnv::from_vars(variables).ok()
}

/// Reads the event of a relation, storage or secret hook from its name and its variables. Returns
/// `None` for any other hook, and if they cannot be read as such an event.
pub(crate) fn event_from_variables(
    name: &str,
    variables: &BTreeMap<String, String>,
) -> Option<Event> {
    read_event(name, &env_of_hook(name, variables)?).ok()?
}

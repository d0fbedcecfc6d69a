//! Compares a layer with a plan. When the answer to a request that adds a layer is lost, the client
//! has to know whether the plan contains the layer, and whether sending it again would change
//! anything.

use serde_json::{Map, Value};

use super::plan::Plan;
use super::{Check, ExecCheck, HttpCheck, Layer, LogTarget, Override, Service, TcpCheck};
use crate::duration::GoDuration;

/// The values that Pebble uses if a service does not set them (Pebble 1.32.1; so are the other
/// defaults here).
const SERVICE_DEFAULTS: &[(&str, &str)] = &[
    ("startup", "\"disabled\""),
    ("on-success", "\"restart\""),
    ("on-failure", "\"restart\""),
    ("backoff-delay", "\"500ms\""),
    ("backoff-factor", "2.0"),
    ("backoff-limit", "\"30s\""),
    ("kill-delay", "\"5s\""),
];
/// The values that Pebble uses if a check does not set them.
const CHECK_DEFAULTS: &[(&str, &str)] =
    &[("startup", "\"enabled\""), ("period", "\"10s\""), ("timeout", "\"3s\""), ("threshold", "3")];
/// The period of a check that does not set one.
const CHECK_PERIOD: GoDuration = GoDuration::from_secs(10);

impl Layer {
    /// Returns `true` if a plan shows every entry of this layer, so that the layer can be taken for
    /// added.
    ///
    /// An entry that replaces must be in the plan as it is, apart from defaults. An entry that
    /// merges must be contained: every value that it sets, every key of its maps, and its lists as
    /// a run of the plan's lists. If a higher layer overrides this one, the answer is `false`.
    #[must_use]
    pub fn is_reflected_in(&self, plan: &Plan) -> bool {
        let services = self.get_services().iter().all(|(name, service)| {
            plan.services()
                .get(name)
                .is_some_and(|shown| service_is_shown(service, shown).unwrap_or(false))
        });
        let checks = self.get_checks().iter().all(|(name, check)| {
            plan.checks()
                .get(name)
                .is_some_and(|shown| check_is_shown(check, shown).unwrap_or(false))
        });
        let log_targets = self.get_log_targets().iter().all(|(name, target)| {
            plan.log_targets()
                .get(name)
                .is_some_and(|shown| log_target_is_shown(target, shown).unwrap_or(false))
        });
        let others = self.get_other().iter().all(|(key, value)| match plan.other().get(key) {
            Some(shown) => is_contained(value, shown),
            None => is_unset(value),
        });
        services && checks && log_targets && others
    }

    /// Returns `true` if combining this layer twice under one label gives the same plan as
    /// combining it once.
    ///
    /// This holds if every entry replaces, or merges without lists (which would grow). A check that
    /// merges must also set its threshold, and no timeout above its period: the second time, Pebble
    /// writes its own threshold and the capped timeout into the label's layer, where they override
    /// lower layers (Pebble 1.32).
    #[must_use]
    pub fn combine_is_idempotent(&self) -> bool {
        let services = self.get_services().values().all(|service| {
            let no_lists = service.get_after().is_empty()
                && service.get_before().is_empty()
                && service.get_requires().is_empty();
            is_repeatable(service.get_override(), no_lists && !has_list_in(service.get_other()))
        });
        let checks = self
            .get_checks()
            .values()
            .all(|check| is_repeatable(check.get_override(), check_merge_is_repeatable(check)));
        let log_targets = self.get_log_targets().values().all(|target| {
            is_repeatable(
                target.get_override(),
                target.get_services().is_empty() && !has_list_in(target.get_other()),
            )
        });
        services && checks && log_targets && !has_list_in(self.get_other())
    }
}

/// Returns `true` if an entry may be combined twice. `merge_is_repeatable` says so for an entry
/// that merges.
fn is_repeatable(mode: Option<&Override>, merge_is_repeatable: bool) -> bool {
    match mode {
        Some(Override::Replace) => true,
        Some(Override::Merge) => merge_is_repeatable,
        Some(Override::Other(_)) | None => false,
    }
}

/// Returns `true` if merging a check a second time changes nothing.
fn check_merge_is_repeatable(check: &Check) -> bool {
    let timeout_is_kept = check
        .get_timeout()
        .is_none_or(|timeout| timeout <= check.get_period().unwrap_or(CHECK_PERIOD));
    let parts = [
        check.get_http().map(HttpCheck::get_other),
        check.get_tcp().map(TcpCheck::get_other),
        check.get_exec().map(ExecCheck::get_other),
    ];
    let no_lists = !has_list_in(check.get_other()) && !parts.into_iter().flatten().any(has_list_in);
    check.get_threshold().is_some_and(|threshold| threshold != 0) && timeout_is_kept && no_lists
}

/// Returns `true` if a value in the map is a list with elements, at any depth.
fn has_list_in(map: &Map<String, Value>) -> bool {
    map.values().any(|value| match value {
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => has_list_in(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    })
}

// The three functions below return `None` for an entry that cannot be written, because a number in
// it is not finite. Pebble cannot show such an entry either.

/// Returns `true` if the plan's service `shown` shows this service.
fn service_is_shown(service: &Service, shown: &Service) -> Option<bool> {
    Some(is_shown(service.get_override(), as_entry(service)?, as_entry(shown)?, SERVICE_DEFAULTS))
}

/// Returns `true` if the plan's log target `shown` shows this log target.
fn log_target_is_shown(target: &LogTarget, shown: &LogTarget) -> Option<bool> {
    Some(is_shown(target.get_override(), as_entry(target)?, as_entry(shown)?, &[]))
}

/// Returns `true` if the plan's check `shown` shows this check.
fn check_is_shown(check: &Check, shown: &Check) -> Option<bool> {
    let mut wanted = as_entry(check)?;
    let mut found = as_entry(shown)?;
    // Pebble caps the timeout that it shows at the period of the plan. When the layer was combined
    // into an existing label, it is also capped at the period that this layer sets or leaves at its
    // default (Pebble 1.32).
    if let Some(timeout) = check.get_timeout() {
        let in_plan = timeout.min(shown.get_period().unwrap_or(CHECK_PERIOD));
        let in_layer = in_plan.min(check.get_period().unwrap_or(CHECK_PERIOD));
        let expected = if shown.get_timeout() == Some(in_layer) { in_layer } else { in_plan };
        wanted.insert("timeout".into(), Value::String(expected.to_string()));
    }
    for entry in [&mut wanted, &mut found] {
        // To Pebble a threshold of 0 is one that is not set.
        if entry.get("threshold").is_some_and(|threshold| *threshold == 0) {
            entry.remove("threshold");
        }
        for kind in ["http", "tcp", "exec"] {
            if let Some(Value::Object(part)) = entry.get_mut(kind) {
                drop_unset(part);
                if kind == "tcp" && part.get("host").is_some_and(|host| host == "localhost") {
                    part.remove("host");
                }
            }
        }
    }
    Some(is_shown(check.get_override(), wanted, found, CHECK_DEFAULTS))
}

/// Returns the keys of an entry that are set, without `override`: the plan shows that of the first
/// definition.
fn as_entry(entry: &impl serde::Serialize) -> Option<Map<String, Value>> {
    match serde_json::to_value(entry).ok()? {
        Value::Object(mut map) => {
            map.remove("override");
            drop_unset(&mut map);
            Some(map)
        }
        _ => None,
    }
}

/// Removes the keys that Pebble takes for not set.
fn drop_unset(entry: &mut Map<String, Value>) {
    entry.retain(|_, value| !is_unset(value));
}

/// Returns `true` if Pebble takes this value of any key for "not set".
pub(super) fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Returns `true` if the entry `shown` of a plan shows the entry `wanted` of a layer.
fn is_shown(
    mode: Option<&Override>,
    mut wanted: Map<String, Value>,
    mut shown: Map<String, Value>,
    defaults: &[(&str, &str)],
) -> bool {
    if mode == Some(&Override::Merge) {
        return map_is_contained(&wanted, &shown);
    }
    for entry in [&mut wanted, &mut shown] {
        for (key, default) in defaults {
            if entry.get(*key).is_some_and(|value| *default == value.to_string().as_str()) {
                entry.remove(*key);
            }
        }
    }
    wanted == shown
}

/// Returns `true` if `shown` has every key of `wanted` with a value that contains that of `wanted`.
fn map_is_contained(wanted: &Map<String, Value>, shown: &Map<String, Value>) -> bool {
    wanted.iter().all(|(key, value)| {
        key == "override" || shown.get(key).is_some_and(|shown| is_contained(value, shown))
    })
}

/// Returns `true` if the value `shown` contains the value `wanted`.
fn is_contained(wanted: &Value, shown: &Value) -> bool {
    match (wanted, shown) {
        (Value::Object(wanted), Value::Object(shown)) => map_is_contained(wanted, shown),
        (Value::Array(wanted), Value::Array(shown)) => {
            wanted.is_empty() || shown.windows(wanted.len()).any(|run| run == wanted.as_slice())
        }
        (wanted, shown) => wanted == shown,
    }
}

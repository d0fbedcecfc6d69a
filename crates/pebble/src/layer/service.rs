//! Describes the configuration of a service, with every key of Pebble's layer schema.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::duration::GoDuration;
use crate::files::Owner;
use crate::service_info::Startup;
use crate::wire::{wire_object, wire_words};

/// Says what an entry does to the entry of the same name in the layers below. Pebble demands it of
/// every entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Override {
    /// Only this entry counts.
    Replace,
    /// The values that are set here win, maps are united, and lists are appended without removing
    /// duplicates. A merge cannot unset a value.
    Merge,
    /// A value that this version does not know. Pebble 1.32 refuses it.
    Other(String),
}

wire_words!(Override { Replace = "replace", Merge = "merge" });

/// Says what Pebble does when a service ends or a check of it fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceAction {
    /// Pebble starts the service again after the backoff delay. This is the default for an exit,
    /// whatever the exit code.
    Restart,
    /// The daemon exits: with success for `on-success`, otherwise with failure.
    Shutdown,
    /// The daemon exits with success although the service has failed. It is not for `on-success`.
    SuccessShutdown,
    /// The daemon exits with failure although the service has succeeded. It is only for
    /// `on-success`.
    FailureShutdown,
    /// Pebble does nothing.
    Ignore,
    /// A value that this version does not know. Pebble 1.32 refuses it.
    Other(String),
}

wire_words!(ServiceAction {
    Restart = "restart",
    Shutdown = "shutdown",
    SuccessShutdown = "success-shutdown",
    FailureShutdown = "failure-shutdown",
    Ignore = "ignore",
});

/// A number that JSON can hold. Writing an infinite one is an error, since `serde_json` would write
/// it as `null`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(transparent)]
struct Factor(f64);

impl Serialize for Factor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            serializer.serialize_f64(self.0)
        } else {
            Err(serde::ser::Error::custom("backoff-factor has to be a finite number"))
        }
    }
}

/// A service tells Pebble which command to run, and how.
///
/// Setters take and return the value, and the `get_` methods read what they set, as with
/// [`std::process::Command`]. A field that is not set is left to the layers below (for a merge) and
/// then to Pebble's default, which each setter names.
///
/// ```
/// use charmwright_pebble::{Layer, Service, Startup};
/// let web = Service::new()
///     .command("/bin/web --port 8080")
///     .startup(Startup::Enabled)
///     .env("LANG", "C.UTF-8");
/// let layer = Layer::new().service("web", web);
/// ```
#[derive(Clone, Default, PartialEq)]
#[must_use]
pub struct Service {
    summary: Option<String>,
    description: Option<String>,
    startup: Option<Startup>,
    override_: Option<Override>,
    command: Option<String>,
    after: Vec<String>,
    before: Vec<String>,
    requires: Vec<String>,
    workload: Option<String>,
    environment: BTreeMap<String, String>,
    user_id: Option<i64>,
    user: Option<String>,
    group_id: Option<i64>,
    group: Option<String>,
    working_dir: Option<String>,
    on_success: Option<ServiceAction>,
    on_failure: Option<ServiceAction>,
    on_check_failure: BTreeMap<String, ServiceAction>,
    backoff_delay: Option<GoDuration>,
    backoff_factor: Option<Factor>,
    backoff_limit: Option<GoDuration>,
    kill_delay: Option<GoDuration>,
    extra: Map<String, Value>,
}

wire_object!(Service, "the configuration of a service (an object)", {
    "summary" => summary: get_summary -> Option<&str>,
    "description" => description: get_description -> Option<&str>,
    "startup" => startup: get_startup -> Option<&Startup>,
    "override" => override_: get_override -> Option<&Override>,
    "command" => command: get_command -> Option<&str>,
    "after" => after: get_after -> &[String],
    "before" => before: get_before -> &[String],
    "requires" => requires: get_requires -> &[String],
    "workload" => workload: get_workload -> Option<&str>,
    "environment" => environment: get_environment -> &BTreeMap<String, String>,
    "user-id" => user_id: get_user_id -> Option<i64>
        = "Pebble itself takes any whole number here.",
    "user" => user: get_user -> Option<&str>,
    "group-id" => group_id: get_group_id -> Option<i64>
        = "Pebble itself takes any whole number here.",
    "group" => group: get_group -> Option<&str>,
    "working-dir" => working_dir: get_working_dir -> Option<&str>,
    "on-success" => on_success: get_on_success -> Option<&ServiceAction>,
    "on-failure" => on_failure: get_on_failure -> Option<&ServiceAction>,
    "on-check-failure" => on_check_failure: get_on_check_failure -> &BTreeMap<String, ServiceAction>
        = "Each action stands under the name of its check.",
    "backoff-delay" => backoff_delay: get_backoff_delay -> Option<GoDuration>,
    "backoff-factor" => backoff_factor,
    "backoff-limit" => backoff_limit: get_backoff_limit -> Option<GoDuration>,
    "kill-delay" => kill_delay: get_kill_delay -> Option<GoDuration>,
});

impl Service {
    /// Makes an entry that replaces any entry of the same name in the layers below, with nothing
    /// else set.
    pub fn new() -> Self {
        Self { override_: Some(Override::Replace), ..Self::default() }
    }

    /// Sets `override`. [`Self::new`] sets [`Override::Replace`].
    pub fn override_mode(mut self, mode: Override) -> Self {
        self.override_ = Some(mode);
        self
    }

    /// Sets `summary`, one line for people.
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.summary = Some(text.into());
        self
    }

    /// Sets `description`, a longer text for people.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Sets `startup`. Pebble takes an absent value for `disabled`.
    pub fn startup(mut self, startup: Startup) -> Self {
        self.startup = Some(startup);
        self
    }

    /// Sets `command`. Pebble splits it into words as a shell does (quotes, backslash, `#`
    /// comments), but runs it without a shell, so without variables, globs or pipes. Each service
    /// in the plan needs a command.
    ///
    /// A group in brackets at the end, as in `web [ --port 80 ]`, holds default arguments, which
    /// the daemon's `--args` can replace.
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// Adds to `after` the names of services. They are started before this one when they are
    /// started together.
    pub fn after(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.after.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds to `before` the names of services. They are started after this one when they are
    /// started together.
    pub fn before(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.before.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds to `requires` the names of services. They are started with this one, and when one of
    /// them is stopped, so is this one.
    pub fn requires(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.requires.extend(names.into_iter().map(Into::into));
        self
    }

    /// Sets `workload`: the entry of the plan's `workloads` that gives user, group and environment
    /// (Pebble 1.20). A service with a workload must set no user and no group.
    pub fn workload(mut self, name: impl Into<String>) -> Self {
        self.workload = Some(name.into());
        self
    }

    /// Adds a variable to `environment`. It takes precedence over the daemon's own environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Adds variables to `environment`. They take precedence over the daemon's own environment.
    pub fn envs(
        mut self,
        variables: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        self.environment
            .extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Sets `user-id`. Pebble compares it with `user` when the service starts.
    pub fn user_id(mut self, id: u32) -> Self {
        self.user_id = Some(i64::from(id));
        self
    }

    /// Sets `user`, a name in the container. Pebble looks it up when the service starts, not
    /// before.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets `group-id`. Pebble compares it with `group` when the service starts.
    pub fn group_id(mut self, id: u32) -> Self {
        self.group_id = Some(i64::from(id));
        self
    }

    /// Sets `group`, a name in the container. The default is the user's own group.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Sets `user`, `user-id`, `group` and `group-id` to those of an account. A part that the
    /// account does not have becomes unset.
    pub fn run_as(self, account: Owner) -> Self {
        let Owner { user_id, user, group_id, group } = account;
        let (user_id, group_id) = (user_id.map(i64::from), group_id.map(i64::from));
        Self { user_id, user, group_id, group, ..self }
    }

    /// Sets `working-dir`. The default is the daemon's own.
    pub fn working_dir(mut self, path: impl Into<String>) -> Self {
        self.working_dir = Some(path.into());
        self
    }

    /// Sets `on-success`, the action after exit code 0. The default is a restart.
    pub fn on_success(mut self, action: ServiceAction) -> Self {
        self.on_success = Some(action);
        self
    }

    /// Sets `on-failure`, the action after any other exit. The default is a restart.
    pub fn on_failure(mut self, action: ServiceAction) -> Self {
        self.on_failure = Some(action);
        self
    }

    /// Adds to `on-check-failure` the action for a check: Pebble takes it when the check reaches
    /// its threshold. The default is no action.
    pub fn on_check_failure(mut self, check: impl Into<String>, action: ServiceAction) -> Self {
        self.on_check_failure.insert(check.into(), action);
        self
    }

    /// Sets `backoff-delay`, the wait before the first automatic restart. The default is 500 ms.
    pub fn backoff_delay(mut self, delay: impl Into<GoDuration>) -> Self {
        self.backoff_delay = Some(delay.into());
        self
    }

    /// Sets `backoff-factor`, by which each further wait is multiplied: a finite number of at least
    /// 1. The default is 2.
    pub fn backoff_factor(mut self, factor: f64) -> Self {
        self.backoff_factor = Some(Factor(factor));
        self
    }

    /// Sets `backoff-limit`: the longest wait, and also the time after which a running service has
    /// its waits reset. The default is 30 s.
    pub fn backoff_limit(mut self, limit: impl Into<GoDuration>) -> Self {
        self.backoff_limit = Some(limit.into());
        self
    }

    /// Sets `kill-delay`, the time from SIGTERM to SIGKILL. The default is 5 s.
    pub fn kill_delay(mut self, delay: impl Into<GoDuration>) -> Self {
        self.kill_delay = Some(delay.into());
        self
    }

    /// Sets a key that this version does not know. A key that has its own setter is not sent from
    /// here.
    pub fn other(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }

    /// Returns the value of `backoff-factor`, if it is set.
    #[must_use]
    pub fn get_backoff_factor(&self) -> Option<f64> {
        self.backoff_factor.map(|factor| factor.0)
    }

    /// Returns the keys that this version does not know.
    #[must_use]
    pub fn get_other(&self) -> &Map<String, Value> {
        &self.extra
    }
}

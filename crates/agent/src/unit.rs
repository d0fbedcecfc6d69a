//! [`Unit`] models one unit; the methods in this file are the commands of the operator.
//!
//! A unit has three parts: the data in Juju's controller (`controller.rs`), the agent's record of
//! the hooks that have run and that are due (`lifecycle.rs`), and the hook that runs now
//! (`running.rs`). `schedule.rs` chooses the next hook, `tool_call.rs` answers the tools that it
//! calls, and `hook_end.rs` takes its exit code.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::charm_meta::CharmMeta;
use super::controller::Controller;
use super::error::{Error, ErrorKind};
use super::lifecycle::{Lifecycle, Retry};
use super::log::{LogLine, Stream};
use super::running::Running;
use super::settings::UnitSettings;

/// A unit as its agent knows it. The [crate's documentation](crate) shows the loop that drives it.
#[derive(Debug)]
pub struct Unit {
    pub(super) controller: Controller,
    pub(super) lifecycle: Lifecycle,
    pub(super) running: Option<Running>,
}

/// The way in which `juju resolved` ends the error of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    /// The failed hook runs again at once.
    Retry,
    /// `--no-retry`: the failed hook counts as done.
    NoRetry,
}

impl Unit {
    /// Makes a unit that has not been installed yet.
    #[must_use]
    pub fn new(meta: CharmMeta, settings: UnitSettings) -> Self {
        let lifecycle = Lifecycle::new(&meta);
        Self { controller: Controller::new(meta, settings), lifecycle, running: None }
    }

    /// Returns the declarations of the unit's charm.
    #[must_use]
    pub fn meta(&self) -> &CharmMeta {
        &self.controller.meta
    }

    /// Returns the unit's name, such as `web/0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.controller.settings.unit
    }

    /// Returns `true` if the unit is its application's leader.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.controller.is_leader
    }

    /// Returns the state that the charm has stored, without the writes of the running hook.
    #[must_use]
    pub fn state(&self) -> &BTreeMap<String, String> {
        &self.controller.state
    }

    /// Returns the config that a charm reads now. An option has the value that the operator set, or
    /// else its default. An option with neither is left out.
    #[must_use]
    pub fn config(&self) -> Map<String, Value> {
        self.controller.config()
    }

    /// Sets a config option, as `juju config KEY=VALUE` does. The value is parsed by the option's
    /// type. config-changed becomes due if the config differs from the one it last saw.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the charm does not declare the option, or the value does not fit
    /// its type.
    pub fn set_config(&mut self, key: &str, value: &str) -> Result<(), Error> {
        self.controller.set_option(key, value)
    }

    /// Resets a config option to its default, as `juju config --reset KEY` does.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the charm does not declare the option.
    pub fn reset_config(&mut self, key: &str) -> Result<(), Error> {
        self.controller.reset_option(key)
    }

    /// Makes the unit its application's leader, or takes the leadership from it. leader-elected
    /// becomes due when the unit becomes the leader.
    pub fn set_leader(&mut self, leader: bool) {
        if self.controller.is_leader == leader {
            return;
        }
        self.controller.is_leader = leader;
        self.lifecycle.has_run_leader_elected = false;
        // A unit that loses the leadership does not run leader-settings-changed for that.
        self.lifecycle.has_run_leader_settings_changed |= !leader;
    }

    /// Refreshes the unit to the same charm on a machine, as `juju refresh` does: upgrade-charm
    /// becomes due, then config-changed.
    ///
    /// On Kubernetes a refresh replaces the pod instead: call [`Unit::end_pod`], then
    /// [`Unit::pod_started`].
    pub fn upgrade(&mut self) {
        self.lifecycle.is_upgrade_due = true;
    }

    /// Refreshes the unit to a charm with other declarations, as `juju refresh` does. An option
    /// keeps its value if the new charm declares it and the value fits its new type.
    pub fn upgrade_to(&mut self, meta: CharmMeta) {
        self.lifecycle.refresh(&meta);
        self.controller.refresh(meta);
    }

    /// Removes the unit, as `juju remove-unit` does: `stop` becomes due, then `remove`, and
    /// [`Unit::next`] returns [`Next::Gone`](super::Next::Gone) after them. A unit in error stays
    /// in error until it is resolved.
    pub fn request_stop(&mut self) {
        self.controller.is_dying = true;
    }

    /// Makes update-status due now, before its interval has passed. It runs when no other hook is
    /// due.
    pub fn update_status(&mut self) {
        self.lifecycle.is_update_status_due = true;
    }

    /// Tells the model that the agent has restarted, in the same pod or on the same machine.
    /// `start` becomes due again, and so does pebble-ready for every container.
    pub fn agent_restarted(&mut self) {
        self.lifecycle.agent_restarted();
    }

    /// Ends the error of the unit, as `juju resolved` does.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if the unit is not in error, or if a hook is running.
    pub fn resolved(&mut self, how: Resolve) -> Result<(), Error> {
        let refuse = |why: &str| {
            let unit = self.name();
            Error::new(ErrorKind::State, format!("cannot resolve {unit}: {why}"))
        };
        // An action may run: it runs in error too, and does not touch the failed hook.
        if self.running.as_ref().is_some_and(|running| running.action.is_none()) {
            return Err(refuse("a hook is running"));
        }
        if self.lifecycle.error.is_none() {
            return Err(refuse("it is not in an error state"));
        }
        match how {
            Resolve::Retry => {
                if let Some(error) = &mut self.lifecycle.error {
                    // The delays grow from 5 seconds again, but the failures still count.
                    error.backoff_step = 0;
                    error.retry = Retry::Now;
                }
            }
            Resolve::NoRetry => {
                if let Some(error) = self.lifecycle.error.take() {
                    let config = self.controller.config();
                    self.lifecycle.complete(&mut self.controller, &error.kind, config, None);
                }
            }
        }
        Ok(())
    }

    /// Returns the lines of the unit's log from `position` on. Position 0 is the first line that
    /// was ever logged. Only the newest 10,000 lines are kept, and of them at most 16 MiB.
    pub fn log(&self, position: u64) -> impl Iterator<Item = &LogLine> {
        self.controller.log.since(position)
    }

    /// Returns the number of lines that were ever logged. Pass it to [`Unit::log`] next time to
    /// read only the lines that are new then.
    #[must_use]
    pub fn log_position(&self) -> u64 {
        self.controller.log.written()
    }

    /// Logs a line that the running hook or action has just printed: a line of standard output at
    /// level DEBUG, one of standard error at WARNING. It does nothing when no hook runs.
    ///
    /// It is for a caller that reads the output while the hook runs. After the first call
    /// [`Unit::finish`] does not log the output again.
    pub fn hook_printed(&mut self, stream: Stream, line: &str) {
        if let Some(running) = &mut self.running {
            running.has_streamed_output = true;
            self.controller.log.push(stream.level(), running.run.output_logger(), line.to_owned());
        }
    }
}

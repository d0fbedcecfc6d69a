//! The model of one unit, and what the operator does to it.
//!
//! It has three parts: what Juju's controller holds (`controller.rs`), where the unit is in its
//! life (`lifecycle.rs`), and the hook that runs (`running.rs`). `schedule.rs` chooses the next hook,
//! `tool_call.rs` answers its tools, and `hook_end.rs` takes its end.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::charm_meta::CharmMeta;
use super::controller::Controller;
use super::error::{Error, ErrorKind};
use super::lifecycle::{Lifecycle, Retry};
use super::log::{LogLine, Stream};
use super::running::Running;
use super::settings::UnitSettings;

/// One unit as its agent knows it. See the [module](super) for the loop around it.
#[derive(Debug)]
pub struct Unit {
    pub(super) controller: Controller,
    pub(super) lifecycle: Lifecycle,
    pub(super) running: Option<Running>,
}

/// What `juju resolved` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolve {
    /// Run the failed hook again at once.
    Retry,
    /// `--no-retry`: count it as done.
    NoRetry,
}

impl Unit {
    /// A unit that has not been installed yet.
    #[must_use]
    pub fn new(meta: CharmMeta, settings: UnitSettings) -> Self {
        let lifecycle = Lifecycle::new(&meta);
        Self { controller: Controller::new(meta, settings), lifecycle, running: None }
    }

    /// What the charm declares.
    #[must_use]
    pub fn meta(&self) -> &CharmMeta {
        &self.controller.meta
    }

    /// The unit's name, such as `web/0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.controller.settings.unit
    }

    /// Whether it is its application's leader.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.controller.is_leader
    }

    /// The charm's stored state, as committed.
    #[must_use]
    pub fn state(&self) -> &BTreeMap<String, String> {
        &self.controller.state
    }

    /// The config as a charm reads it now: what is set, else the default, else nothing.
    #[must_use]
    pub fn config(&self) -> Map<String, Value> {
        self.controller.config()
    }

    /// `juju config KEY=VALUE`: read by the option's type. config-changed follows if that changes
    /// anything.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for an option that the charm does not declare, or a value that does
    /// not fit its type.
    pub fn set_config(&mut self, key: &str, value: &str) -> Result<(), Error> {
        self.controller.set_option(key, value)
    }

    /// `juju config --reset KEY`: back to the default.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for an option that the charm does not declare.
    pub fn reset_config(&mut self, key: &str) -> Result<(), Error> {
        self.controller.reset_option(key)
    }

    /// Gives or takes the leadership. leader-elected follows when it is given.
    pub fn set_leader(&mut self, leader: bool) {
        if self.controller.is_leader == leader {
            return;
        }
        self.controller.is_leader = leader;
        self.lifecycle.has_run_leader_elected = false;
        // Losing it is no reason for a leader-settings-changed of its own.
        self.lifecycle.has_run_leader_settings_changed |= !leader;
    }

    /// `juju refresh` to the same charm on a machine: upgrade-charm, then config-changed. On
    /// Kubernetes a refresh is a new pod:
    /// [`Unit::end_pod`], then [`Unit::pod_started`].
    pub fn upgrade(&mut self) {
        self.lifecycle.is_upgrade_due = true;
    }

    /// `juju refresh` to a charm that declares something else. Options that are gone lose their
    /// value, as does one whose type no longer fits.
    pub fn upgrade_to(&mut self, meta: CharmMeta) {
        self.lifecycle.refresh(&meta);
        self.controller.refresh(meta);
    }

    /// `juju remove-unit`: stop and remove, then [`Next::Gone`](super::Next::Gone). A unit in error
    /// stays there until it is resolved.
    pub fn request_stop(&mut self) {
        self.controller.is_dying = true;
    }

    /// Asks for an update-status now; it runs when nothing else is left to do.
    pub fn update_status(&mut self) {
        self.lifecycle.is_update_status_due = true;
    }

    /// The agent itself has been started again, in the same pod or on the same machine: start runs
    /// again, and pebble-ready for every container.
    pub fn agent_restarted(&mut self) {
        self.lifecycle.agent_restarted();
    }

    /// `juju resolved`.
    ///
    /// # Errors
    /// [`ErrorKind::State`] if the unit is not in error, or the failed hook is running again right
    /// now.
    pub fn resolved(&mut self, how: Resolve) -> Result<(), Error> {
        let refuse = |why: &str| {
            let unit = self.name();
            Error::new(ErrorKind::State, format!("cannot resolve {unit}: {why}"))
        };
        if self.running.as_ref().is_some_and(|running| running.action.is_none()) {
            return Err(refuse("a hook is running"));
        }
        if self.lifecycle.error.is_none() {
            return Err(refuse("it is not in an error state"));
        }
        match how {
            Resolve::Retry => {
                if let Some(error) = &mut self.lifecycle.error {
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

    /// The log's lines from `position` on (0 is the first there ever was; only the newest 10,000
    /// are kept).
    pub fn log(&self, position: u64) -> impl Iterator<Item = &LogLine> {
        self.controller.log.since(position)
    }

    /// How many lines the log has ever held: the position to ask from next time.
    #[must_use]
    pub fn log_position(&self) -> u64 {
        self.controller.log.written()
    }

    /// Logs a line that the running hook or action has just printed: standard output at DEBUG,
    /// standard error at WARNING. For a caller that reads while it runs; without a run it does
    /// nothing.
    pub fn hook_printed(&mut self, stream: Stream, line: &str) {
        if let Some(running) = &mut self.running {
            running.has_streamed_output = true;
            self.controller.log.push(stream.level(), running.run.output_logger(), line.to_owned());
        }
    }
}

//! Handles what happens to a container's Pebble: a poll, a notice, its end.

use charmwright_agent::NoticeInfo;

use super::session::Session;
use super::session_event::{Notice, PebbleInfo};
use crate::bounded_log::last_line;
use crate::processes::ProcessExit;

impl Session {
    /// Handles the answer of a poll, or its absence.
    pub(super) fn pebble_polled(&mut self, name: &str, start: u64, info: Option<PebbleInfo>) {
        let before = self.report().containers;
        let Some(container) = self.containers.iter_mut().find(|container| container.name == name)
        else {
            return;
        };
        // The answer of an earlier start says nothing about the running one.
        if container.current_start().unwrap_or(0) != start {
            return;
        }
        // The model returns an error for a container that a refresh has removed.
        let _ = match info {
            Some(info) => {
                container.note_answer();
                self.versions.insert(name.to_owned(), info.version);
                self.model.pebble_seen(&self.unit, name, &info.boot_id)
            }
            None if container.is_starting() => return,
            None => self.model.pebble_down(&self.unit, name),
        };
        // A container that came up or went down may let a failed hook succeed. A poll that changes
        // nothing must not reset the count of failures.
        if self.report().containers != before {
            self.lasting_error.clear();
        }
    }

    /// Handles a notice that Pebble recorded.
    pub(super) fn pebble_noticed(&mut self, container: &str, notice: Notice) {
        // The model returns an error for a container that a refresh has removed.
        let _ = match notice {
            Notice::Custom { id, key } => {
                let notice = NoticeInfo { id, kind: "custom".to_owned(), key };
                self.model.custom_notice(&self.unit, container, notice)
            }
            Notice::CheckFailed { check } => self.model.check_failed(&self.unit, container, &check),
            Notice::CheckRecovered { check } => {
                self.model.check_recovered(&self.unit, container, &check)
            }
        };
    }

    /// Handles the end of a container's Pebble, requested or not.
    pub(super) fn pebble_ended(&mut self, name: &str, start: u64, exit: ProcessExit) {
        let Some(container) = self.containers.iter_mut().find(|container| container.name == name)
        else {
            return;
        };
        let end = container.note_end(start);
        let how = match exit {
            ProcessExit::Code(code) => format!("with code {code}"),
            ProcessExit::Signal(signal) => format!("by signal {signal}"),
        };
        // Read before a restart, which appends to the same log.
        let last_log_line = last_line(container.log());
        let restart = match (end.is_restart_requested, &self.pebble) {
            (true, Some(pebble)) => container.start(pebble),
            _ => Ok(()),
        };
        // The model returns an error for a container that a refresh has removed.
        let _ = self.model.pebble_poll_due(&self.unit, name);
        self.lasting_error.clear();
        if end.was_requested {
            self.terminal_output.print_line(&format!("Pebble in {name} has ended"));
        } else {
            self.terminal_output.print_line(&format!(
                "Pebble in {name} ended {how}; `pebble start` starts it again"
            ));
            self.terminal_output.print_detail(&last_log_line);
        }
        if let Err(error) = restart {
            self.fail_command(&error.chain());
        }
    }
}

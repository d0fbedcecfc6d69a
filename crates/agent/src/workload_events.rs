//! The methods of [`Model`] that take the events of the Pebble in a container: a start of Pebble, a
//! failed or recovered check, a custom notice.

use charmwright_juju::{LogLevel, UnitName};

use super::error::{Error, ErrorKind};
use super::hook::{HookKind, NoticeInfo};
use super::lifecycle::ContainerState;
use super::model::Model;
use super::unit_record::UnitRecord;

/// The most events that are queued while other hooks run. Equal events merge, so only a workload
/// that makes endless different notices reaches the limit.
const WORKLOAD_EVENTS_LIMIT: usize = 1_000;

impl Model {
    /// Takes the answer of a container's Pebble to the agent's poll (`GET /v1/system-info`).
    ///
    /// pebble-ready becomes due if it has not succeeded for this boot id. So a later poll makes a
    /// failed pebble-ready run again: Juju polls every 5 seconds (Juju 3.6).
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::Container`] if its charm does not declare the container.
    pub fn pebble_seen(
        &mut self,
        unit: &UnitName,
        container: &str,
        boot_id: &str,
    ) -> Result<(), Error> {
        let record = self.live_mut(unit)?;
        let state = record.container_mut(container)?;
        state.polled_boot_id = Some(Some(boot_id.to_owned()));
        if state.ready_boot_id.as_deref() == Some(boot_id) {
            return Ok(());
        }
        let same = |event: &HookKind| {
            matches!(
                event,
                HookKind::PebbleReady { container: other, .. } if other == container
            )
        };
        let event =
            HookKind::PebbleReady { container: container.to_owned(), boot_id: boot_id.to_owned() };
        // Juju's poller waits for the hook of its last event. A start of Pebble meanwhile is found
        // by a later poll.
        if record.running.as_ref().is_some_and(|running| same(&running.run.kind))
            || record.lifecycle.queued.as_ref().is_some_and(same)
            || record.lifecycle.has_given_up(&event)
        {
            return Ok(());
        }
        match record.lifecycle.workload_events.iter_mut().find(|event| same(event)) {
            // Pebble has started again before the hook ran: one hook is enough for both starts.
            Some(queued) => *queued = event,
            None => record.lifecycle.workload_events.push_back(event),
        }
        Ok(())
    }

    /// Records that a container's Pebble did not answer the agent's poll. No hook becomes due.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::Container`] if its charm does not declare the container.
    pub fn pebble_down(&mut self, unit: &UnitName, container: &str) -> Result<(), Error> {
        self.live_mut(unit)?.container_mut(container)?.polled_boot_id = Some(None);
        Ok(())
    }

    /// Forgets the last poll of a container, so that
    /// [`Unit::is_settled`](super::Unit::is_settled) returns `false` until the next one. Call it
    /// after a container's Pebble was stopped or started.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::Container`] if its charm does not declare the container.
    pub fn pebble_poll_due(&mut self, unit: &UnitName, container: &str) -> Result<(), Error> {
        self.live_mut(unit)?.container_mut(container)?.polled_boot_id = None;
        Ok(())
    }

    /// Takes the event that a check has failed as often as its threshold. pebble-check-failed
    /// becomes due.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::Container`] if its charm does not declare the container.
    pub fn check_failed(
        &mut self,
        unit: &UnitName,
        container: &str,
        check: &str,
    ) -> Result<(), Error> {
        self.live_mut(unit)?.queue_workload_event(container, |container| {
            HookKind::PebbleCheckFailed { container, check: check.to_owned() }
        })
    }

    /// Takes the event that a failed check has passed again. pebble-check-recovered becomes due.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::Container`] if its charm does not declare the container.
    pub fn check_recovered(
        &mut self,
        unit: &UnitName,
        container: &str,
        check: &str,
    ) -> Result<(), Error> {
        self.live_mut(unit)?.queue_workload_event(container, |container| {
            HookKind::PebbleCheckRecovered { container, check: check.to_owned() }
        })
    }

    /// Takes a custom notice that was recorded or repeated. pebble-custom-notice becomes due.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::Container`] if its charm does not declare the container.
    pub fn custom_notice(
        &mut self,
        unit: &UnitName,
        container: &str,
        notice: NoticeInfo,
    ) -> Result<(), Error> {
        self.live_mut(unit)?.queue_workload_event(container, |container| {
            HookKind::PebbleCustomNotice { container, notice }
        })
    }
}

impl UnitRecord {
    /// Queues an event, unless an equal one is queued already.
    fn queue_workload_event(
        &mut self,
        container: &str,
        event: impl FnOnce(String) -> HookKind,
    ) -> Result<(), Error> {
        self.container_mut(container)?;
        let event = event(container.to_owned());
        if self.lifecycle.workload_events.contains(&event) || self.lifecycle.has_given_up(&event) {
            return Ok(());
        }
        if self.lifecycle.workload_events.len() >= WORKLOAD_EVENTS_LIMIT {
            let dropped = format!(
                "dropped {}: {WORKLOAD_EVENTS_LIMIT} events are waiting already",
                event.name()
            );
            self.log_agent(LogLevel::Warning, dropped);
        } else {
            self.lifecycle.workload_events.push_back(event);
        }
        Ok(())
    }

    fn container_mut(&mut self, name: &str) -> Result<&mut ContainerState, Error> {
        self.lifecycle.containers.get_mut(name).ok_or_else(|| {
            Error::new(
                ErrorKind::Container,
                format!(
                    "cannot take an event of container {name:?}: the charm has no such container"
                ),
            )
        })
    }
}

//! The events of the unit's containers that Pebble tells of: its starts, its checks, its notices.

use charmwright_juju::LogLevel;

use super::error::{Error, ErrorKind};
use super::hook::{HookKind, NoticeInfo};
use super::lifecycle::ContainerState;
use super::unit::Unit;

/// How many events of Pebble's may wait while other hooks run; more than that is a workload that
/// has gone wild.
const WORKLOAD_EVENTS_LIMIT: usize = 1_000;

impl Unit {
    /// The agent's poll got an answer from a container's Pebble. A boot id for which pebble-ready
    /// has not succeeded yet makes one; polling on is what brings it back after a failure.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn pebble_seen(&mut self, container: &str, boot_id: &str) -> Result<(), Error> {
        let state = self.container_mut(container)?;
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
        // The poller waits for the hook that it asked for: another start seen meanwhile is found by
        // a later poll.
        if self.running.as_ref().is_some_and(|running| same(&running.run.kind))
            || self.lifecycle.requeued.as_ref().is_some_and(same)
            || self.lifecycle.has_given_up(&event)
        {
            return Ok(());
        }
        match self.lifecycle.workload_events.iter_mut().find(|event| same(event)) {
            Some(queued) => *queued = event,
            None => self.lifecycle.workload_events.push_back(event),
        }
        Ok(())
    }

    /// The agent's poll got no answer from a container's Pebble. It makes no event.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn pebble_down(&mut self, container: &str) -> Result<(), Error> {
        self.container_mut(container)?.polled_boot_id = Some(None);
        Ok(())
    }

    /// Something has been done to a container's Pebble that the next poll will tell of: until then
    /// the unit is not settled.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn pebble_poll_due(&mut self, container: &str) -> Result<(), Error> {
        self.container_mut(container)?.polled_boot_id = None;
        Ok(())
    }

    /// Pebble noticed that a check has failed as often as its threshold.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn check_failed(&mut self, container: &str, check: &str) -> Result<(), Error> {
        self.queue_workload_event(container, |container| HookKind::PebbleCheckFailed {
            container,
            check: check.to_owned(),
        })
    }

    /// Pebble noticed that a failed check has passed again.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn check_recovered(&mut self, container: &str, check: &str) -> Result<(), Error> {
        self.queue_workload_event(container, |container| HookKind::PebbleCheckRecovered {
            container,
            check: check.to_owned(),
        })
    }

    /// A custom notice was recorded, or repeated.
    ///
    /// # Errors
    /// [`ErrorKind::Container`] for a container that the charm does not declare.
    pub fn custom_notice(&mut self, container: &str, notice: NoticeInfo) -> Result<(), Error> {
        self.queue_workload_event(container, |container| HookKind::PebbleCustomNotice {
            container,
            notice,
        })
    }

    /// Queues an event of Pebble's; one equal to a waiting one merges with it.
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
            self.controller.log_agent(LogLevel::Warning, dropped);
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

//! The pod of a unit on Kubernetes: how one ends, and what the next one brings.
//!
//! Source: reference `juju-agent.md` section 6, the row of a pod's replacement; Juju 3.6, the
//! uniter's resolver. The charm's folder is the pod's, so in every new pod upgrade-charm and
//! config-changed run before `start`, whether the charm was refreshed or not.

use super::charm_meta::CharmMeta;
use super::unit::Unit;

impl Unit {
    /// Tells whether the unit's cloud is Kubernetes: what the settings say, else whether the charm
    /// has containers.
    #[must_use]
    pub fn is_kubernetes(&self) -> bool {
        self.controller.is_kubernetes()
    }

    /// Ends the pod in order, as a refresh on Kubernetes does and `kubectl delete pod`: `stop` runs
    /// if the unit had started, in error too, and
    /// [`Next::PodEnded`](super::Next::PodEnded) follows. The caller then starts the new pod's
    /// processes and calls [`Unit::pod_started`].
    pub fn end_pod(&mut self) {
        self.lifecycle.is_pod_ending = true;
    }

    /// A new pod has taken the place of the last one, which ended in order or was lost. It holds
    /// `charm`, or the charm that the last one held.
    ///
    /// upgrade-charm, config-changed and `start` follow with nothing between, then pebble-ready for
    /// every container. A unit that is being removed has none of them.
    pub fn pod_started(&mut self, charm: Option<CharmMeta>) {
        match charm {
            Some(charm) => self.upgrade_to(charm),
            None => self.lifecycle.is_upgrade_due = true,
        }
        self.lifecycle.pod_started(self.controller.is_dying);
    }
}

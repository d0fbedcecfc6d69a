//! The methods of [`Unit`] that end its pod on Kubernetes and start the next one.
//!
//! The charm's directory belongs to the pod. So in every new pod upgrade-charm and config-changed
//! run before `start`, whether the charm was refreshed or not. Source: reference `juju-agent.md`
//! section 6, row "K8s pod replacement"; Juju 3.6, the resolver of the uniter.

use super::charm_meta::CharmMeta;
use super::unit::Unit;

impl Unit {
    /// Returns `true` if the unit runs on Kubernetes: by its settings, or else if the charm
    /// declares containers.
    #[must_use]
    pub fn is_kubernetes(&self) -> bool {
        self.controller.is_kubernetes()
    }

    /// Ends the unit's pod, as a refresh on Kubernetes or `kubectl delete pod` does.
    ///
    /// `stop` becomes due if `start` has run, even on a unit in error. Then [`Unit::next`] returns
    /// [`Next::PodEnded`](super::Next::PodEnded). The caller starts the processes of the new pod
    /// and calls [`Unit::pod_started`].
    pub fn end_pod(&mut self) {
        self.lifecycle.is_pod_ending = true;
    }

    /// Tells the model that a new pod has replaced the last one, which has ended or was lost. The
    /// new pod has the given charm, or the same charm as the last one.
    ///
    /// upgrade-charm, config-changed and `start` become due with no hook between, then pebble-ready
    /// for every container. On a unit that is being removed none of them becomes due.
    pub fn pod_started(&mut self, charm: Option<CharmMeta>) {
        match charm {
            Some(charm) => self.upgrade_to(charm),
            None => self.lifecycle.is_upgrade_due = true,
        }
        self.lifecycle.pod_started(self.controller.is_dying);
    }
}

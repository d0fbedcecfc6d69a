//! The pod of a unit on Kubernetes: how one ends, and what the next one brings.
//!
//! Source: reference `juju-agent.md` section 6, the row of a pod's replacement; Juju 3.6, the
//! uniter's resolver. The charm's folder is the pod's, so in every new pod upgrade-charm and
//! config-changed run before `start`, whether the charm was refreshed or not.

use super::charm_meta::CharmMeta;
use super::hook::HookKind;
use super::settings::Substrate;
use super::unit::{ContainerState, Unit};

impl Unit {
    /// Tells whether the unit's cloud is Kubernetes: what the settings say, else whether the charm
    /// has containers.
    #[must_use]
    pub fn is_kubernetes(&self) -> bool {
        match self.settings.substrate {
            Some(substrate) => substrate == Substrate::Kubernetes,
            None => self.meta().containers().next().is_some(),
        }
    }

    /// Ends the pod in order, as a refresh on Kubernetes does and `kubectl delete pod`: `stop` runs
    /// if the unit had started, in error too, and
    /// [`Next::PodEnded`](super::Next::PodEnded) follows. The caller then starts the new pod's
    /// processes and calls [`Unit::pod_started`].
    pub fn end_pod(&mut self) {
        self.life.pod_ending = true;
    }

    /// A new pod has taken the place of the last one, which ended in order or was lost. It holds
    /// `charm`, or the charm that the last one held.
    ///
    /// upgrade-charm, config-changed and `start` follow with nothing between, then pebble-ready for
    /// every container. A unit that is being removed has none of them.
    pub fn pod_started(&mut self, charm: Option<CharmMeta>) {
        match charm {
            Some(charm) => self.upgrade_to(charm),
            None => self.life.upgrade = true,
        }
        let life = &mut self.life;
        life.pod_ending = false;
        life.stopped &= life.dying;
        // Nothing to refresh where nothing is installed.
        life.upgrade &= life.installed;
        life.pod_is_new = life.installed;
        life.start_queued = life.started;
        // The last agent held these, and read no pod's events but its own.
        self.workload_events.clear();
        self.given_up.clear();
        self.requeued.take_if(|kind| kind.container().is_some());
        for container in self.containers.values_mut() {
            *container = ContainerState::default();
        }
    }

    /// Tells whether the unit, or its pod, is on its way out, so that a workload hook which fails
    /// is not waited for.
    pub(super) fn is_leaving(&self) -> bool {
        self.life.dying || self.life.pod_ending
    }

    /// Notes a workload hook that failed or was killed. On a unit that goes away it does not run
    /// again, or `stop` would never come.
    pub(super) fn give_up(&mut self, kind: &HookKind) {
        if self.is_leaving() && kind.container().is_some() && !self.has_given_up(kind) {
            self.given_up.push(kind.clone());
            self.workload_events.retain(|event| event.name() != kind.name());
        }
    }

    /// Tells whether this hook is not run again before the unit is gone.
    pub(super) fn has_given_up(&self, kind: &HookKind) -> bool {
        self.given_up.iter().any(|other| other.name() == kind.name())
    }
}

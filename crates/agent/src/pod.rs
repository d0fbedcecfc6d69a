//! The methods of [`Model`] that end the pod of a unit on Kubernetes and start the next one.
//!
//! The charm's directory belongs to the pod. So in every new pod upgrade-charm and config-changed
//! run before `start`, whether the charm was refreshed or not. Source: reference `juju-agent.md`
//! section 6, row "K8s pod replacement"; Juju 3.6, the resolver of the uniter.

use charmwright_juju::UnitName;

use super::error::Error;
use super::model::Model;

impl Model {
    /// Ends a unit's pod, as `kubectl delete pod` does.
    ///
    /// `stop` becomes due if `start` has run, even on a unit in error. Then [`Model::next`] returns
    /// [`Next::PodEnded`](super::Next::PodEnded). The caller starts the processes of the new pod
    /// and calls [`Model::pod_started`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](super::ErrorKind::NotFound) if the model has no such unit.
    pub fn end_pod(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.live_mut(unit)?.lifecycle.is_pod_ending = true;
        Ok(())
    }

    /// Tells the model that the pod of a unit was lost with everything that ran in it, as by a
    /// crash of its node, and that a new pod has replaced it ([`Model::pod_started`]).
    ///
    /// A hook that ran meanwhile has failed, and runs again as after any failure. An action has
    /// failed, and does not run again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](super::ErrorKind::NotFound) if the model has no such unit.
    pub fn pod_lost(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.live_mut(unit)?;
        self.interrupt(unit)?;
        self.pod_started(unit)
    }

    /// Tells the model that a new pod has replaced the last one of a unit, in which nothing runs
    /// any more. The new pod has the charm of the application.
    ///
    /// upgrade-charm, config-changed and `start` become due with no hook between, then pebble-ready
    /// for every container. On a unit that is being removed none of them becomes due.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](super::ErrorKind::NotFound) if the model has no such unit.
    pub fn pod_started(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.live_mut(unit)?;
        let (record, application) = self.both_mut(unit)?;
        record.lifecycle.pod_started(&application.meta, record.is_dying);
        record.secret_hooks.agent_restarted();
        self.forget_relation_reads(unit);
        Ok(())
    }
}

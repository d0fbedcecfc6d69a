//! The methods of [`Model`] that end the pod of a unit on Kubernetes and start the next one.
//!
//! The charm's directory belongs to the pod. So in every new pod upgrade-charm and config-changed
//! run before `start`, whether the charm was refreshed or not. Source: reference `juju-agent.md`
//! section 6, row "K8s pod replacement"; Juju 3.6, the resolver of the uniter.

use charmwright_juju::UnitName;

use super::charm_meta::CharmMeta;
use super::error::Error;
use super::model::Model;

impl Model {
    /// Ends a unit's pod, as a refresh on Kubernetes or `kubectl delete pod` does.
    ///
    /// `stop` becomes due if `start` has run, even on a unit in error. Then [`Model::next`] returns
    /// [`Next::PodEnded`](super::Next::PodEnded). The caller starts the processes of the new pod
    /// and calls [`Model::pod_started`].
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](super::ErrorKind::NotFound) if the model has no such unit.
    pub fn end_pod(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.record_mut(unit)?.lifecycle.is_pod_ending = true;
        Ok(())
    }

    /// Tells the model that a new pod has replaced the last one of a unit, which has ended or was
    /// lost. The new pod has the given charm, or the same charm as the last one.
    ///
    /// upgrade-charm, config-changed and `start` become due with no hook between, then pebble-ready
    /// for every container. On a unit that is being removed none of them becomes due.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](super::ErrorKind::NotFound) if the model has no such unit.
    pub fn pod_started(&mut self, unit: &UnitName, charm: Option<CharmMeta>) -> Result<(), Error> {
        match charm {
            Some(charm) => self.refresh(unit.application().as_str(), charm)?,
            None => self.record_mut(unit)?.lifecycle.is_upgrade_due = true,
        }
        let record = self.record_mut(unit)?;
        record.lifecycle.pod_started(record.is_dying);
        Ok(())
    }
}

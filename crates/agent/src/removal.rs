//! The methods of [`Model`] that remove a unit or an application, and what happens when a unit is
//! gone.

use charmwright_juju::UnitName;

use super::action_record::ActionStatus;
use super::error::{Error, ErrorKind};
use super::go_text::go_quote;
use super::model::Model;
use super::ports::PortSet;
use super::status::StatusValue;
use super::unit_record::UnitRecord;

impl Model {
    /// Removes a unit, as `juju remove-unit` does. A second call changes nothing while the unit is
    /// being removed.
    ///
    /// storage-detaching becomes due on it for each instance of its storage, then the departed and
    /// broken hooks of its relations, then `stop` if `start` has run, then `remove`, and after them
    /// [`Model::next`] returns [`Next::Gone`](super::Next::Gone). Its storage stays in the model,
    /// detached. A unit in error stays in error until it is
    /// resolved. A unit that has run no hook is gone at once, as in Juju, and so is a unit on which
    /// no charm runs.
    ///
    /// When the leader is gone, another unit of the application becomes the leader.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if the model has no such unit.
    /// - [`ErrorKind::State`] if the unit runs beside a unit of its principal: it goes with that
    ///   one, or with the relation ([`Model::remove_relation`]).
    pub fn remove_unit(&mut self, unit: &UnitName) -> Result<(), Error> {
        if self.live_mut(unit)?.principal.is_some() {
            // Juju's text (source: Juju 3.6, `apiserver/facades/client/application`).
            let text = format!(
                "cannot remove {unit}: unit {} is a subordinate, to remove use remove-relation. \
                 Note: this will remove all units of {}",
                go_quote(&unit.to_string()),
                go_quote(unit.application().as_str())
            );
            return Err(Error::new(ErrorKind::State, text));
        }
        self.begin_removal(unit)
    }

    /// Begins the removal of a unit, of a subordinate too.
    pub(super) fn begin_removal(&mut self, unit: &UnitName) -> Result<(), Error> {
        self.live_mut(unit)?.is_dying = true;
        self.begin_to_drain_storage(unit);
        // In Juju 3 the others see the unit as gone at once, while it still runs its last hooks.
        self.relations.prepare_to_leave(unit);
        self.remove_subordinates(unit);
        self.settle_remotes();
        let record = self.record(unit)?;
        // The agent of such a unit has not set any status yet, so Juju does not wait for it.
        if record.lifecycle.hooks_begun == 0 || !record.has_agent {
            self.unit_gone(unit);
        }
        Ok(())
    }

    /// Removes an application, as `juju remove-application` does. Its relations end and its units
    /// are removed, and the application is gone when they are. A second call changes nothing.
    ///
    /// Until then its name is taken. After that the model has neither the application nor its
    /// units, and each method that takes one of their names fails.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the model has no such application.
    pub fn remove_application(&mut self, application: &str) -> Result<(), Error> {
        self.application_mut(application)?.is_dying = true;
        self.end_relations(application);
        let units: Vec<UnitName> =
            self.records_of(application).map(|unit| unit.name.clone()).collect();
        for unit in &units {
            self.begin_removal(unit)?;
        }
        self.drop_application_if_done(application);
        Ok(())
    }

    /// Records that a unit is gone: nothing runs on it any more, and it takes no part in the model.
    /// Its record stays for its log and its status to be read.
    pub(super) fn unit_gone(&mut self, unit: &UnitName) {
        let Some(record) = self.units.get_mut(unit) else { return };
        record.lifecycle.is_gone = true;
        record.set_status(StatusValue::new("terminated", ""));
        record.ports = PortSet::default();
        self.drop_storage_of(unit);
        let Some(record) = self.units.get_mut(unit) else { return };
        self.secrets.unit_removed(&unit.to_string());
        for action in record.actions.values_mut().filter(|action| !action.has_ended()) {
            action.status = ActionStatus::Cancelled;
            // Juju's text (source: Juju 3.6, `state`).
            action.message = "unit removed".to_owned();
        }
        self.leave_relations(unit);
        self.end_grants();
        let application = unit.application().as_str();
        let known = self.applications.get(application);
        if known.is_some_and(|application| application.leader() == Some(unit)) {
            self.replace_leader(application);
        }
        self.drop_application_if_done(application);
    }

    /// Removes a dying application whose last unit is gone, and whose relations have ended on the
    /// other side too, with the records of its units.
    pub(super) fn drop_application_if_done(&mut self, application: &str) {
        let is_dying = self.applications.get(application).is_some_and(|known| known.is_dying);
        if is_dying
            && self.records_of(application).next().is_none()
            && !self.is_still_related(application)
        {
            self.forget_relations(application);
            self.applications.remove(application);
            self.secrets.application_removed(application);
            self.units.retain(|unit, _| unit.application().as_str() != application);
        }
    }

    /// Gives the leadership of a leader that is gone to the first unit that is not being removed,
    /// or to none if there is no such unit.
    ///
    /// In Juju any unit may be the next leader: the first that claims the lease.
    fn replace_leader(&mut self, application: &str) {
        let elects = self.applications.get(application).is_some_and(|known| known.elects_leader);
        let has_charm = self.applications.get(application).is_some_and(|known| known.has_charm);
        let may_lead = |unit: &UnitRecord| !unit.is_dying && (unit.has_agent || !has_charm);
        let next = self.records_of(application).find(|unit| elects && may_lead(unit));
        let leader = next.map(|unit| unit.name.clone());
        // Both are in the model, or there is nothing to change.
        let _ = self.change_leader(application, leader.as_ref());
    }
}

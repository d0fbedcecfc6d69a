//! The triggers make the hooks due that the charms have in common.

use charmwright_agent::{Model, UnitName};

use crate::common::Failure;

pub(super) fn update_status(model: &mut Model, unit: &UnitName) -> Result<(), Failure> {
    Ok(model.update_status(unit)?)
}

/// Takes the leadership from the unit and gives it back.
pub(super) fn leader_elected(model: &mut Model, unit: &UnitName) -> Result<(), Failure> {
    model.unset_leader(unit.application().as_str())?;
    Ok(model.set_leader(unit)?)
}

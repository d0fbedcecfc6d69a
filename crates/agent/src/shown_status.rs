//! The status of a unit and of an application as Juju shows them to the operator and to the leader.

use super::application::Application;
use super::model::Model;
use super::status::StatusValue;
use super::unit_record::UnitRecord;

/// Returns the status of a unit: that of the charm, or `error` for a unit in error.
pub(super) fn shown_status(unit: &UnitRecord) -> StatusValue {
    // While the failed hook runs again, Juju shows the charm's own status.
    match unit.lifecycle.error.as_ref().filter(|_| unit.running.is_none()) {
        Some(error) => {
            let message = format!("hook failed: \"{}\"", error.kind.failed_name());
            StatusValue::new("error", &message)
        }
        None => unit.status.clone(),
    }
}

impl Model {
    /// Returns the status of an application: the one that the leader has set, or else the worst of
    /// its units, and `unknown` if it has no unit.
    pub(super) fn application_status(&self, application: &Application) -> StatusValue {
        if let Some(status) = &application.status {
            return status.clone();
        }
        let mut worst = StatusValue::new("unknown", "");
        for status in self.records_of(&application.name).map(shown_status) {
            // Of equal ones the first counts.
            if severity(&status.status) > severity(&worst.status) {
                worst = status;
            }
        }
        worst
    }
}

/// Returns the rank of a status word: the worst has the greatest (source: Juju 3.6, `core/status`).
fn severity(status: &str) -> u8 {
    match status {
        "error" => 100,
        "blocked" => 90,
        "maintenance" => 80,
        "waiting" => 70,
        "active" => 60,
        "terminated" => 50,
        "unknown" => 40,
        _ => 0,
    }
}

//! Collects the unit's statuses and sets the worst.

use super::explain_refusal::explain_refusal;
use super::operator_retry::OperatorRetry;
use super::panics::catch_panics;
use super::report::HookReport;
use crate::charm::Charm;
use crate::declaration::Declaration as _;
use crate::error::{Error, ErrorKind};
use crate::hook::Hook;
use crate::juju::Status;
use crate::pebble;
use crate::phase::Phase;
use crate::status::Statuses;
use crate::stop::Stop;
use crate::text;
use crate::unit::UnitView;
use crate::verdict::waiting_for_pebble;

/// The name of this step in errors.
const COLLECT_STATUS: &str = "collect-status";

/// Sets the unit's status once in every hook. It always sets it, because Juju also sets statuses of
/// its own and the current one is unknown. `not_ready` has the statuses of events that were not
/// ready.
///
/// # Errors
///
/// Returns an error if the config cannot be read, the charm's own method failed, or a status could
/// not be set.
pub(crate) async fn show_status<C: Charm>(
    charm: &C,
    hook: &Hook<C::Declared>,
    not_ready: Vec<Status>,
    report: &mut HookReport,
) -> Result<(), Error> {
    let unit = hook.view().for_collect_status();
    // Reading the config may panic as well, in a type of the charm.
    let statuses = catch_panics(COLLECT_STATUS, collect(charm, &unit, not_ready)).await?;
    let tools = hook.tools();
    let worst = to_single_line(&statuses.worst());
    tools.set_status(&worst)?;
    report.status = Some(worst);
    if let Some(status) = statuses.worst_application()
        // Asking for the leader starts a process, so it is asked only if there is something to set.
        && tools.is_leader()?
    {
        let status = to_single_line(status);
        tools.set_application_status(&status)?;
        report.application_status = Some(status);
    }
    Ok(())
}

/// Collects the statuses of the framework, of the handlers and of the charm.
async fn collect<C: Charm>(
    charm: &C,
    unit: &UnitView<C::Declared>,
    not_ready: Vec<Status>,
) -> Result<Statuses, Error> {
    let mut statuses = Statuses::default();
    add_framework_statuses::<C>(unit, not_ready, &mut statuses)?;
    let collecting = async { charm.collect_status(unit, &mut statuses).await };
    let error = match catch_panics(COLLECT_STATUS, collecting).await {
        Ok(()) => return Ok(statuses),
        Err(Stop::NotReady(reason)) => {
            statuses.add(reason.status().clone());
            return Ok(statuses);
        }
        Err(Stop::Failed(error)) => error,
    };
    // The error of a panic names this step already.
    let error = match error.kind() {
        ErrorKind::Panic => error,
        _ => error.context(format_args!("finish \"{COLLECT_STATUS}\"")),
    };
    let error = explain_refusal(charm, &unit.context, error).await;
    if let Some(message) = error.blocked_message() {
        statuses.add(Status::blocked(message));
    } else if error.pebble().is_some_and(pebble::Error::is_unavailable) {
        tracing::debug!("{}", error.chain());
        statuses.add(waiting_for_pebble(&error));
    } else {
        return Err(error);
    }
    Ok(statuses)
}

/// Adds the statuses of the framework. They come before those of the charm, which may return early.
fn add_framework_statuses<C: Charm>(
    unit: &UnitView<C::Declared>,
    not_ready: Vec<Status>,
    statuses: &mut Statuses,
) -> Result<(), Error> {
    if let Err(error) = unit.config() {
        let Some(message) = error.blocked_message() else {
            return Err(error);
        };
        statuses.add(Status::blocked(message));
    }
    let (_, mistakes) = OperatorRetry::read(&*unit.context.tools.config()?);
    for message in mistakes.iter().filter_map(Error::blocked_message) {
        statuses.add(Status::blocked(message));
    }
    let framework = &unit.context.state.borrow().framework;
    for message in framework.faults.messages() {
        statuses.add(Status::blocked(message));
    }
    for status in not_ready {
        statuses.add(status);
    }
    for entry in framework.queue.entries() {
        statuses.add(entry.status());
    }
    for name in C::Declared::METADATA.declared_containers() {
        if framework.phase(&name) == Phase::Setup {
            statuses.add(Status::waiting(format!("waiting for Pebble in \"{name}\"")));
        }
    }
    Ok(())
}

/// Returns the status with its message on one line: it is a line of a table, and an argument of a
/// process.
fn to_single_line(status: &Status) -> Status {
    Status::new(status.kind(), text::one_line(status.message()))
}

//! This module gives the statuses of the workload, which `juju status` shows.

use std::num::NonZeroU32;

use charmwright::pebble::{
    self, Budget, CheckQuery, CheckStatus, ErrorKind, LogEntry, LogQuery, RetryDecision,
    RetryError, RetryPolicy, ServiceStatus,
};
use charmwright::{Container, ContainerView, Error, Result, Status, Statuses, UnitView};

use crate::config::Config;
use crate::declared::{Declared, WORKLOAD, Workload};
use crate::health_check::{PERIOD, without_values};

/// Adds the status of the service and, if it fails, that of the health check.
///
/// The library adds a status of its own if Pebble cannot be reached or an event is deferred, so an
/// error of Pebble only needs to be passed on.
pub async fn collect(unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
    let config = unit.config()?;
    let workload = unit.container(Workload);
    statuses.add(service_status(&workload).await?);
    if config.health_check.is_some()
        && let Some(status) = failing_check_status(&workload).await?
    {
        statuses.add(status);
    }
    Ok(())
}

/// Returns the status of the service.
async fn service_status(workload: &ContainerView) -> Result<Status> {
    let services = workload.services([WORKLOAD]).await?;
    // The plan has no such service before the first `reconcile`, and after a restart of Pebble
    // until its pebble-ready.
    let Some(service) = services.first() else {
        return Ok(Status::waiting(
            "waiting for the workload's layer: Pebble does not have it yet",
        ));
    };
    Ok(match service.current() {
        ServiceStatus::Active => Status::active(),
        ServiceStatus::Backoff => Status::waiting(format!(
            "the workload exited and is started again{}",
            last_line(workload).await?
        )),
        ServiceStatus::Inactive => {
            Status::blocked("the workload is stopped; the action restart starts it")
        }
        other => Status::blocked(format!(
            "the workload's service is in status {other}{}",
            last_line(workload).await?
        )),
    })
}

/// Returns the last line of the workload's output that is not blank, as the end of a message. It
/// usually says why the workload exited. The text is empty if there is no such line.
async fn last_line(workload: &ContainerView) -> Result<String> {
    // One line would be too few, since output often ends with blank ones.
    let entries = workload.logs(&LogQuery::new().services([WORKLOAD]).newest(20)).await?;
    Ok(entries
        .iter()
        .rev()
        .find_map(LogEntry::last_words)
        .map_or_else(String::new, |words| format!(": {words}")))
}

/// Returns the status of the health check, or `None` if it is not down.
async fn failing_check_status(workload: &ContainerView) -> Result<Option<Status>> {
    let checks = workload.checks(&CheckQuery::all().names([WORKLOAD])).await?;
    let Some(down) = checks.iter().find(|check| *check.status() == CheckStatus::Down) else {
        return Ok(None);
    };
    // A check has no field for the reason of a failure. The change that runs the check has it in
    // the log of its task; a Pebble before 1.11 has no such change.
    let cause = match down.change_id() {
        Some(id) => {
            let change = workload.change(id).await?;
            change.tasks().iter().find_map(|task| task.last_error().map(without_values))
        }
        None => None,
    };
    let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
    Ok(Some(Status::blocked(format!(
        "the health check fails ({} times in a row){cause}",
        down.failures()
    ))))
}

/// Runs the health check until it passes, for at most [`PERIOD`].
///
/// Pebble runs a check for the first time one period after it got the layer, and reports it as up
/// until then (Pebble 1.32, `internals/overlord/checkstate`). So without this the status of the
/// hook that has started a workload would say nothing of its health.
///
/// A check that does not pass is no error of the hook: [`collect`] reports it as a status. A Pebble
/// that cannot run the check now runs it at its next period.
///
/// # Errors
///
/// It fails if Pebble cannot be reached or refuses the request for another reason.
pub async fn first_check(workload: &Container, config: &Config) -> Result {
    // A slow start needs some attempts, but each that fails counts towards the threshold at which
    // the check is down. Four run at 0, 1, 3 and 6 s. (`new(4)` would need an `unwrap`.)
    const ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);
    if config.health_check.is_none() {
        return Ok(());
    }
    let policy = RetryPolicy::new().attempts(ATTEMPTS).deadline(PERIOD);
    let run = async |_| -> Result<(), Error> {
        let refresh = workload.refresh_check(WORKLOAD).await?;
        refresh.error().map_or(Ok(()), |reason| Err(Error::new(without_values(reason))))
    };
    // The client has retried an error of Pebble already. What is retried here is a check that ran
    // and failed.
    let classify = |error: &Error| match error.pebble() {
        None => RetryDecision::Retry,
        Some(_) => RetryDecision::Final,
    };
    // The budget is a new one: failed checks are not to use up the client's, which is for requests.
    let checked = policy.run("pass the health check", &Budget::new(), run, classify).await;
    match checked.map_err(RetryError::into_inner) {
        Err(Some(error)) if error.pebble().is_some_and(|error| !runs_later(error)) => {
            Err(error.into())
        }
        // The check passed, or it still fails and `collect` says so.
        _ => Ok(()),
    }
}

/// Returns `true` if Pebble refuses to run the check now and will run it later all the same.
///
/// Either it is too old to run a check on demand, or it does not know the check, because it was
/// restarted after the layer was added; then its pebble-ready adds the layer again.
fn runs_later(error: &pebble::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported { .. } | ErrorKind::Api { status: 404 })
}

//! What `juju status` says of the workload.

use std::num::NonZeroU32;

use charmwright::pebble::{
    self, Budget, CheckQuery, CheckStatus, ErrorKind, LogEntry, LogQuery, RetryDecision,
    RetryError, RetryPolicy, ServiceStatus,
};
use charmwright::{Container, ContainerView, Error, Result, Status, Statuses, UnitView};

use crate::config::Config;
use crate::declared::{Declared, WORKLOAD, Workload};
use crate::health_check::{PERIOD, without_values};

/// Says how the service is and how its check is. That Pebble is away, or that an event waits, is
/// the library's to say.
pub async fn collect(unit: &UnitView<Declared>, statuses: &mut Statuses) -> Result {
    let config = unit.config()?;
    let workload = unit.container(Workload);
    statuses.add(of_service(&workload).await?);
    if config.health_check.is_some()
        && let Some(status) = of_failing_check(&workload).await?
    {
        statuses.add(status);
    }
    Ok(())
}

async fn of_service(workload: &ContainerView) -> Result<Status> {
    let services = workload.services([WORKLOAD]).await?;
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

/// The newest line of the workload's output that is not blank, to stand at the end of a message.
async fn last_line(workload: &ContainerView) -> Result<String> {
    let entries = workload.logs(&LogQuery::new().services([WORKLOAD]).newest(20)).await?;
    Ok(entries
        .iter()
        .rev()
        .find_map(LogEntry::last_words)
        .map_or_else(String::new, |words| format!(": {words}")))
}

async fn of_failing_check(workload: &ContainerView) -> Result<Option<Status>> {
    let checks = workload.checks(&CheckQuery::all().names([WORKLOAD])).await?;
    let Some(down) = checks.iter().find(|check| *check.status() == CheckStatus::Down) else {
        return Ok(None);
    };
    // The change that runs the check logs each failure; a Pebble before 1.11 has none.
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

/// Runs the check that the config asks for until it passes, for one period at most, so that this
/// hook's status is that of what it has just started.
///
/// How it ended is the check's own to say, in [`collect`]. A Pebble that cannot run a check on
/// demand runs it a period from now.
pub async fn first_check(workload: &Container, config: &Config) -> Result {
    // Each run counts towards the check's threshold, so there are no more of them than a slow start
    // deserves: after 1, 3 and 6 s.
    const ATTEMPTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(3);
    if config.health_check.is_none() {
        return Ok(());
    }
    let policy = RetryPolicy::new().attempts(ATTEMPTS).deadline(PERIOD);
    let run = async |_| -> Result<(), Error> {
        let refresh = workload.refresh_check(WORKLOAD).await?;
        refresh.error().map_or(Ok(()), |reason| Err(Error::new(without_values(reason))))
    };
    let classify = |error: &Error| match error.pebble() {
        None => RetryDecision::Retry,
        Some(_) => RetryDecision::Final,
    };
    let checked = policy.run("pass the health check", &Budget::new(), run, classify).await;
    match checked.map_err(RetryError::into_inner) {
        Err(Some(error)) if error.pebble().is_some_and(|error| !runs_later(error)) => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// Pebble is too old to run a check on demand; or it does not know the check, because it was
/// restarted a moment ago, and then its pebble-ready brings the layer back.
fn runs_later(error: &pebble::Error) -> bool {
    matches!(error.kind(), ErrorKind::Unsupported { .. } | ErrorKind::Api { status: 404 })
}

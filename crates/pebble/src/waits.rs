//! The client waits for a state: a service that is active and stays so, a check that is up. The
//! wait for a change is in `changes`.
//!
//! Pebble has no request for these waits, so it is asked ten times a second. Each wait ends at its
//! deadline with [`ErrorKind::NotReached`] and the state that was seen.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::attempt::{AttemptError, CallAttempt};
use super::call::{Call, Operation};
use super::checks::{CheckInfo, CheckQuery, CheckStatus};
use super::client::Client;
#[cfg(test)]
use super::docs_table::Sample;
use super::duration::seconds;
use super::error::Error;
#[cfg(doc)]
use super::error::ErrorKind;
use super::lookups::list_request;
use super::request::Request;
use super::service_info::ServiceInfo;
use super::timestamp::Timestamp;

/// The time between two requests.
const PAUSE: Duration = Duration::from_millis(100);

impl Client {
    /// Waits until a service has been active for `stays` without a restart, and returns it as it is
    /// then: `GET /v1/services`, ten times a second. With a zero `stays` it is enough that it is
    /// active, which Pebble also says of a service that is being started.
    ///
    /// Time for which it was active before the call counts. `deadline` bounds the time in which
    /// Pebble answers; time without an answer goes by the policy, as for
    /// [`wait_change`](super::Reader::wait_change). If Pebble is restarted in the meantime, the
    /// layers that this client has added are put back, but no service is started: [`Self::replan`]
    /// does that. Dropping the future stops the waiting.
    ///
    /// # Errors
    /// It fails with [`ErrorKind::NotReached`] at the deadline, and says what was seen; with
    /// [`ErrorKind::Api`] and status 404, at once, when the plan has no such service; and with
    /// [`ErrorKind::Unreachable`] when no answer comes within the policy.
    pub async fn wait_service_active(
        &self,
        name: &str,
        stays: Duration,
        deadline: Duration,
    ) -> Result<ServiceInfo, Error> {
        let what = if stays.is_zero() {
            format!("wait for service {name:?} to be active")
        } else {
            format!("wait for service {name:?} to be active for {}", seconds(stays))
        };
        let seen = ActiveFor { stays, ..ActiveFor::default() };
        self.wait_for_condition("service", name, service_request(what, name), deadline, seen).await
    }

    /// Waits until a check is up and has passed, and returns it as it is then: `GET /v1/checks`,
    /// ten times a second.
    ///
    /// Pebble reports a check as `up` before its first run, which comes one period after the check
    /// was started. That alone does not count. (A Pebble before 1.23 does not count successes, so
    /// there `up` is enough.) A check that does not run never passes: see [`Self::start_checks`].
    /// The deadline, restarts and dropping the future are as for [`Self::wait_service_active`].
    ///
    /// # Errors
    /// It fails with [`ErrorKind::NotReached`] at the deadline, and says what was seen; with
    /// [`ErrorKind::Api`] and status 404, at once, when the plan has no such check; and with
    /// [`ErrorKind::Unreachable`] when no answer comes within the policy.
    pub async fn wait_check_up(&self, name: &str, deadline: Duration) -> Result<CheckInfo, Error> {
        let request = check_request(format!("wait for check {name:?} to be up"), name);
        self.wait_for_condition("check", name, request, deadline, Passed::default()).await
    }

    async fn wait_for_condition<C: Condition>(
        &self,
        kind: &str,
        name: &str,
        request: Request,
        deadline: Duration,
        condition: C,
    ) -> Result<C::Thing, Error> {
        if name.is_empty() {
            return Err(self.refuse(
                request.operation(),
                format!("the name of a {kind} has at least one character"),
            ));
        }
        let mut call = Call::new(self, request);
        call.run(&mut WaitForCondition { kind, name, deadline, condition, waited: Duration::ZERO })
            .await
    }
}

/// This operation waits until a service or a check meets a condition.
struct WaitForCondition<'a, C> {
    kind: &'a str,
    name: &'a str,
    deadline: Duration,
    condition: C,
    /// The time for which Pebble has answered.
    waited: Duration,
}

impl<C: Condition> Operation for WaitForCondition<'_, C> {
    type Output = C::Thing;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<C::Thing, AttemptError> {
        let client = attempt.client();
        loop {
            let asked = Instant::now();
            let answered = call.send_request(attempt).await?;
            let listed: Option<Vec<C::Thing>> =
                client.decode_as(call.request(), answered.envelope)?;
            let operation = call.request().operation();
            let mut listed = listed.into_iter().flatten();
            let Some(thing) = listed.find(|thing| C::name(thing) == self.name) else {
                let reason = format!(
                    "the plan has no {} {:?}; add a layer that has it, or correct the name",
                    self.kind, self.name
                );
                return Err(Error::missing(operation, client.daemon(), reason).into());
            };
            let Some(longest) = self.condition.observe(&thing) else {
                return Ok(thing);
            };
            self.waited = self.waited.saturating_add(asked.elapsed());
            if self.waited >= self.deadline {
                let (waited, description) = (seconds(self.waited), self.condition.describe(&thing));
                let reason = format!("after {waited} it is {description}");
                return Err(Error::not_reached(operation, client.daemon(), reason).into());
            }
            let pause = PAUSE.min(longest).min(self.deadline.saturating_sub(self.waited));
            self.waited = self.waited.saturating_add(pause);
            attempt.release();
            tokio::time::sleep(pause).await;
        }
    }
}

fn service_request(what: String, name: &str) -> Request {
    let mut request = list_request(&[name]);
    request.rename(what);
    request.needing_layers()
}

fn check_request(what: String, name: &str) -> Request {
    let mut request = CheckQuery::all().names([name]).request();
    request.rename(what);
    request.needing_layers()
}

/// A condition that a service or a check is to meet, and what was seen of it.
trait Condition {
    type Thing: DeserializeOwned;

    fn name(thing: &Self::Thing) -> &str;

    /// Takes note of a state. Returns `None` if it meets the condition, else the time after which
    /// it may.
    fn observe(&mut self, thing: &Self::Thing) -> Option<Duration>;

    /// Describes the present and the past states. The text completes `after 30 s it is`.
    fn describe(&self, thing: &Self::Thing) -> String;
}

/// The condition that a service is active for some time.
#[derive(Debug, Default)]
struct ActiveFor {
    stays: Duration,
    /// The start since which it is active, by Pebble's clock, and the time at which that was first
    /// seen.
    current_run: Option<(Option<Timestamp>, Instant)>,
    times: u32,
    longest: Duration,
}

impl Condition for ActiveFor {
    type Thing = ServiceInfo;

    fn name(thing: &ServiceInfo) -> &str {
        thing.name()
    }

    fn observe(&mut self, service: &ServiceInfo) -> Option<Duration> {
        if !service.is_active() {
            self.current_run = None;
            return Some(PAUSE);
        }
        let since = service.current_since();
        let first_seen = match self.current_run {
            Some((known, first_seen)) if known == since => first_seen,
            _ => {
                self.times = self.times.saturating_add(1);
                let now = Instant::now();
                self.current_run = Some((since, now));
                now
            }
        };
        // `current-since` counts the time before the call. The time since it was first seen counts
        // as well, for a Pebble that gives no time, or a clock that is set back.
        let before = since.map_or(Duration::ZERO, |since| Timestamp::now().since(since));
        let active = first_seen.elapsed().max(before);
        self.longest = self.longest.max(active);
        (active < self.stays).then(|| self.stays.saturating_sub(active))
    }

    fn describe(&self, service: &ServiceInfo) -> String {
        let seen = match self.times {
            0 => "never active".to_owned(),
            1 => format!("active once, for {}", seconds(self.longest)),
            times => format!("active {times} times, at most for {}", seconds(self.longest)),
        };
        format!("{}; seen: {seen}", service.current())
    }
}

/// The condition that a check is up and has passed.
#[derive(Debug, Default)]
struct Passed {
    was_down: bool,
    most_failures: i64,
}

impl Condition for Passed {
    type Thing = CheckInfo;

    fn name(thing: &CheckInfo) -> &str {
        thing.name()
    }

    fn observe(&mut self, check: &CheckInfo) -> Option<Duration> {
        self.was_down |= *check.status() == CheckStatus::Down;
        self.most_failures = self.most_failures.max(check.failures());
        let passed = *check.status() == CheckStatus::Up && check.successes() != Some(0);
        (!passed).then_some(PAUSE)
    }

    fn describe(&self, check: &CheckInfo) -> String {
        let has_run = check.failures() > 0 || self.most_failures > 0;
        let state = match check.status() {
            CheckStatus::Up if has_run => "up, though it has not passed yet".to_owned(),
            CheckStatus::Up => "up by default, since it has not run yet".to_owned(),
            CheckStatus::Inactive => "inactive: nobody has started it".to_owned(),
            status @ (CheckStatus::Down | CheckStatus::Other(_)) => status.to_string(),
        };
        let down = if self.was_down { "down, " } else { "" };
        let (most, threshold) = (self.most_failures, check.threshold());
        format!(
            "{state}; seen: {down}at most {most} failures in a row, of which {threshold} make it \
             down"
        )
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let nothing = String::new;
    vec![
        Sample::new(
            "Client::wait_service_active",
            "/v1/services",
            service_request(nothing(), "web"),
        ),
        Sample::new("Client::wait_check_up", "/v1/checks", check_request(nothing(), "up")),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn service(current: &str, since: Option<Timestamp>) -> ServiceInfo {
        let mut service = json!({"name": "web", "startup": "enabled", "current": current});
        if let Some(since) = since {
            service["current-since"] = json!(since.to_string());
        }
        serde_json::from_value(service).unwrap()
    }

    fn check(status: &str, successes: Value, failures: u32) -> CheckInfo {
        serde_json::from_value(json!({
            "name": "up", "status": status, "successes": successes, "failures": failures,
            "threshold": 3
        }))
        .unwrap()
    }

    fn ago(time: Duration) -> Option<Timestamp> {
        Some((std::time::SystemTime::now() - time).try_into().unwrap())
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn time_before_the_call_counts_and_a_restart_begins_anew() {
        let mut seen = ActiveFor { stays: MINUTE, ..ActiveFor::default() };
        assert!(seen.observe(&service("active", ago(MINUTE / 2))).unwrap() <= MINUTE / 2);
        assert!(seen.observe(&service("backoff", ago(Duration::ZERO))).is_some());
        assert!(seen.observe(&service("active", ago(Duration::ZERO))).is_some());
        let description = seen.describe(&service("error", None));
        assert_eq!(description, "error; seen: active 2 times, at most for 30 s");
        assert_eq!(seen.observe(&service("active", ago(MINUTE * 2))), None);
        assert_eq!(ActiveFor::default().observe(&service("active", None)), None);
        let never = ActiveFor::default();
        assert_eq!(never.describe(&service("inactive", None)), "inactive; seen: never active");
    }

    #[test]
    fn a_check_that_never_ran_is_not_yet_up() {
        let mut seen = Passed::default();
        assert!(seen.observe(&check("up", json!(0), 0)).is_some());
        assert!(seen.describe(&check("up", json!(0), 0)).starts_with("up by default"));
        assert!(seen.observe(&check("up", json!(0), 1)).is_some());
        assert!(seen.observe(&check("down", json!(0), 4)).is_some());
        assert_eq!(
            seen.describe(&check("down", json!(0), 4)),
            "down; seen: down, at most 4 failures in a row, of which 3 make it down"
        );
        assert!(seen.observe(&check("inactive", json!(5), 0)).is_some());
        assert_eq!(seen.observe(&check("up", json!(1), 0)), None);
        // A Pebble before 1.23 gives no successes.
        assert_eq!(seen.observe(&check("up", Value::Null, 0)), None);
    }
}

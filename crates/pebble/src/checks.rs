//! Pebble reports the state of its health checks, and runs one on demand.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use super::change::ChangeId;
use super::client::Client;
#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::health::with_level_and_names;
use super::layer::CheckLevel;
use super::names::owned;
use super::reader::Reader;
use super::request::Request;
use super::resend::Resend;
use super::service_info::Startup;
use super::wire::{null_as_default, wire_words};

/// The status of a check.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CheckStatus {
    /// The check has fewer failures in a row than its threshold. It is also up before its first
    /// run.
    Up,
    /// The check has as many failures in a row as its threshold.
    Down,
    /// The check does not run: it was stopped, or never started (Pebble 1.19).
    Inactive,
    /// A status that this version of the client does not know.
    Other(String),
}

wire_words!(CheckStatus { Up = "up", Down = "down", Inactive = "inactive" });

/// A check as Pebble reports it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CheckInfo {
    name: String,
    #[serde(default, deserialize_with = "word_or_none", skip_serializing_if = "Option::is_none")]
    level: Option<CheckLevel>,
    // Absent before Pebble 1.19, when every check ran.
    #[serde(default = "enabled")]
    startup: Startup,
    status: CheckStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    successes: Option<i64>,
    #[serde(default, deserialize_with = "null_as_default")]
    failures: i64,
    #[serde(default, deserialize_with = "null_as_default")]
    threshold: i64,
    #[serde(default, deserialize_with = "id_or_none", skip_serializing_if = "Option::is_none")]
    change_id: Option<ChangeId>,
    #[serde(default, deserialize_with = "id_or_none", skip_serializing_if = "Option::is_none")]
    prev_change_id: Option<ChangeId>,
}

fn enabled() -> Startup {
    Startup::Enabled
}

/// Reads a word that Go leaves out, or writes as an empty string, when it has none.
fn word_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<CheckLevel>, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    Ok(word.filter(|word| !word.is_empty()).map(CheckLevel::from))
}

fn id_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ChangeId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(serde::de::Error::custom))
        .transpose()
}

impl CheckInfo {
    /// Returns the name of the check in the plan.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the level. A check without one counts only for queries without a level.
    #[must_use]
    pub fn level(&self) -> Option<&CheckLevel> {
        self.level.as_ref()
    }

    /// Returns whether the check starts by itself. A Pebble before 1.19 does not say, and starts
    /// every check.
    #[must_use]
    pub fn startup(&self) -> &Startup {
        &self.startup
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> &CheckStatus {
        &self.status
    }

    /// Returns the number of runs that succeeded since the check was started or last recovered;
    /// `None` from a Pebble before 1.23, which does not count them.
    #[must_use]
    pub fn successes(&self) -> Option<i64> {
        self.successes
    }

    /// Returns the number of runs that failed in a row up to now.
    #[must_use]
    pub fn failures(&self) -> i64 {
        self.failures
    }

    /// Returns the number of failures in a row that make the check down.
    #[must_use]
    pub fn threshold(&self) -> i64 {
        self.threshold
    }

    /// Returns the id of the change that runs the check (Pebble 1.11); `None` while it is inactive.
    /// The logs of its tasks have the last failures.
    #[must_use]
    pub fn change_id(&self) -> Option<&ChangeId> {
        self.change_id.as_ref()
    }

    /// Returns `true` if the check is as it was `before`, apart from the number of its successes.
    pub(super) fn is_like(&self, before: &Self) -> bool {
        let successes = before.successes;
        Self { successes, ..self.clone() } == *before
    }

    /// Returns the id of the change that ran the check before it last went down (Pebble 1.29).
    #[must_use]
    pub fn prev_change_id(&self) -> Option<&ChangeId> {
        self.prev_change_id.as_ref()
    }
}

/// A query says which checks [`Reader::checks`] lists: all of them unless narrowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct CheckQuery {
    level: Option<CheckLevel>,
    names: Vec<String>,
}

impl CheckQuery {
    /// Makes a query for every check.
    pub fn all() -> Self {
        Self::default()
    }

    /// Narrows the query to checks of exactly this level. Other than for health, `ready` does not
    /// include `alive`.
    pub fn level(mut self, level: CheckLevel) -> Self {
        self.level = Some(level);
        self
    }

    /// Narrows the query to checks of these names. A name that no check has is left out of the
    /// answer.
    pub fn names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names.extend(names.into_iter().map(Into::into));
        self
    }

    pub(super) fn request(&self) -> Request {
        with_level_and_names(
            Request::get("/v1/checks", "list checks"),
            self.level.as_ref(),
            &self.names,
        )
    }
}

/// The result of a check that was run on demand.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct CheckRefresh {
    info: CheckInfo,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl CheckRefresh {
    /// Returns the check after the run. If the run brought it down or up, Pebble (1.32 at least)
    /// may still report it as it was before: the status follows a moment later. [`Self::passed`] is
    /// always about this run.
    #[must_use]
    pub fn info(&self) -> &CheckInfo {
        &self.info
    }

    /// Returns the reason of a failed run in Pebble's words; `None` if it passed.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Returns `true` if the run passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.error.is_none()
    }
}

/// Pebble's default period, which is also the longest timeout of a check without a period of its
/// own.
const DEFAULT_RUN: Duration = Duration::from_secs(10);

impl Reader {
    /// Lists the checks and their status, sorted by name: `GET /v1/checks`. Safe to drop.
    ///
    /// # Errors
    /// It fails with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the
    /// policy, and with `Api` and status 400 for a level that Pebble does not know.
    pub async fn checks(&self, query: &CheckQuery) -> Result<Vec<CheckInfo>, Error> {
        self.send(query.request())
            .await?
            .decode::<Option<Vec<CheckInfo>>>()
            .map(Option::unwrap_or_default)
    }
}

impl Client {
    /// Runs a check now and waits for its end: `POST /v1/checks/refresh` (Pebble 1.20). It is for a
    /// check with a timeout of at most 10 s.
    ///
    /// A failed run is `Ok`: see [`CheckRefresh::error`]. For an active check it counts as an
    /// ordinary run, and the period begins anew; an inactive one runs once and stays inactive. If
    /// the answer is lost, the check is run again, since a check may be run at any time. Dropping
    /// the future stops the waiting, not the run.
    ///
    /// # Errors
    /// It fails with [`Unsupported`](super::ErrorKind::Unsupported) from a Pebble before 1.20, and
    /// with `Api` and status 404 for a name that no check has.
    pub async fn refresh_check(&self, name: &str) -> Result<CheckRefresh, Error> {
        self.refresh_check_within(name, DEFAULT_RUN).await
    }

    /// Runs a check as [`Self::refresh_check`] does, for a check with another timeout: the client
    /// waits for `timeout` longer before it counts the daemon as silent.
    ///
    /// # Errors
    /// It fails as [`Self::refresh_check`] does.
    pub async fn refresh_check_within(
        &self,
        name: &str,
        timeout: Duration,
    ) -> Result<CheckRefresh, Error> {
        let operation = format!("run check {name:?}");
        self.send(refresh_request(operation, name, timeout)).await?.decode()
    }

    /// Starts checks that do not run, and returns the names of those that it started: `POST
    /// /v1/checks` (Pebble 1.19).
    ///
    /// A running check stays as it is. Dropping the future does not take back what was sent.
    ///
    /// # Errors
    /// It fails as [`Self::stop_checks`] does.
    pub async fn start_checks(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Vec<String>, Error> {
        self.switch_checks("start", &owned(names)).await
    }

    /// Stops checks, and returns the names of those that it stopped: `POST /v1/checks` (Pebble
    /// 1.19).
    ///
    /// A check whose startup is enabled starts again at the next change of the plan. If the answer
    /// is lost, the request is sent again, and the checks that the first one stopped are not among
    /// the names. Dropping the future does not take back what was sent.
    ///
    /// # Errors
    /// It fails with [`Unsupported`](super::ErrorKind::Unsupported) from a Pebble before 1.19; with
    /// `Api` and status 400 for a name that no check has; and with
    /// [`InvalidRequest`](super::ErrorKind::InvalidRequest) when no check is named.
    pub async fn stop_checks(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Vec<String>, Error> {
        self.switch_checks("stop", &owned(names)).await
    }

    async fn switch_checks(&self, action: &str, names: &[String]) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Switched {
            // Pebble before 1.28 writes an empty list as null.
            #[serde(default, deserialize_with = "null_as_default")]
            changed: Vec<String>,
        }
        let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        let operation = match quoted.as_slice() {
            [] => format!("{action} checks"),
            [one] => format!("{action} check {one}"),
            several => format!("{action} checks {}", several.join(", ")),
        };
        let request = switch_request(operation, action, names);
        if names.is_empty() {
            return Err(self.refuse(request.operation(), "name at least one check"));
        }
        Ok(self.send(request).await?.decode::<Switched>()?.changed)
    }
}

fn refresh_request(operation: String, name: &str, timeout: Duration) -> Request {
    Request::post("/v1/checks/refresh", operation, &json!({ "name": name }), Resend::Safe)
        .since("1.20")
        .expected(timeout)
        .needing_layers()
        .naming("check", &[name])
}

fn switch_request(operation: String, action: &str, names: &[String]) -> Request {
    let body = json!({ "action": action, "checks": names });
    Request::post("/v1/checks", operation, &body, Resend::Safe)
        .since("1.19")
        .needing_layers()
        .naming("check", names)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::new("Reader::checks", "/v1/checks", CheckQuery::all().request()),
        Sample::new(
            "Client::start_checks, Client::stop_checks",
            "/v1/checks",
            switch_request(String::new(), "stop", &[]),
        ),
        Sample::new(
            "Client::refresh_check",
            "/v1/checks/refresh",
            refresh_request(String::new(), "up", DEFAULT_RUN),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_a_new_pebble_says() {
        let info: CheckInfo = serde_json::from_value(json!({
            "name": "up", "level": "ready", "startup": "disabled", "status": "down", "successes": 4,
            "failures": 3, "threshold": 3, "change-id": "12", "prev-change-id": "7", "newer": []
        }))
        .unwrap();
        assert_eq!(
            (info.name(), info.level(), info.startup()),
            ("up", Some(&CheckLevel::Ready), &Startup::Disabled)
        );
        assert_eq!(*info.status(), CheckStatus::Down);
        assert_eq!((info.successes(), info.failures(), info.threshold()), (Some(4), 3, 3));
        assert_eq!(info.change_id().unwrap().as_str(), "12");
        assert_eq!(info.prev_change_id().unwrap().as_str(), "7");
        assert_eq!(
            serde_json::from_value::<CheckInfo>(serde_json::to_value(&info).unwrap()).unwrap(),
            info
        );
    }

    #[test]
    fn reads_what_an_old_pebble_says() {
        let info: CheckInfo = serde_json::from_value(
            json!({"name": "up", "level": "", "status": "paused", "threshold": 3, "change-id": ""}),
        )
        .unwrap();
        assert_eq!(
            (info.level(), info.startup(), info.successes()),
            (None, &Startup::Enabled, None)
        );
        assert_eq!((info.failures(), info.change_id(), info.prev_change_id()), (0, None, None));
        assert_eq!(*info.status(), CheckStatus::Other("paused".into()));
    }

    #[test]
    fn a_failed_run_carries_its_reason() {
        let info = json!({
            "name": "up", "startup": "enabled", "status": "up", "successes": 0, "failures": 1,
            "threshold": 3
        });
        let failed: CheckRefresh =
            serde_json::from_value(json!({"info": info, "error": "exit status 1"})).unwrap();
        assert_eq!(
            (failed.passed(), failed.error(), failed.info().failures()),
            (false, Some("exit status 1"), 1)
        );
        assert!(serde_json::from_value::<CheckRefresh>(json!({ "info": info })).unwrap().passed());
    }

    #[test]
    fn asks_for_level_and_names() {
        assert_eq!(CheckQuery::all().request().target(), "/v1/checks");
        let query = CheckQuery::all().level(CheckLevel::Alive).names(["a b"]);
        assert_eq!(query.request().target(), "/v1/checks?level=alive&names=a%20b");
    }

    proptest! {
        #[test]
        fn any_input_has_an_answer(bytes: Vec<u8>, word in ".{0,8}", count: i64, flag: bool) {
            let _ = serde_json::from_slice::<Vec<CheckInfo>>(&bytes);
            let _ = serde_json::from_slice::<CheckRefresh>(&bytes);
            let info = json!({
                "name": word, "status": word, "failures": count, "threshold": flag,
                "change-id": word
            });
            let _ = serde_json::from_value::<CheckRefresh>(json!({"info": info, "error": word}));
        }
    }
}

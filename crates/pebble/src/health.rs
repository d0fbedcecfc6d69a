//! The client reads the daemon's own summary of its checks.

use serde::Deserialize;

#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::layer::CheckLevel;
use super::reader::Reader;
use super::request::Request;

/// A query says which checks count for [`Reader::health`]: all of them unless narrowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct HealthQuery {
    level: Option<CheckLevel>,
    names: Vec<String>,
}

impl HealthQuery {
    /// Makes a query for every check.
    pub fn all() -> Self {
        Self::default()
    }

    /// Narrows the query to this level: `ready` includes the checks of `alive`, and `alive` only
    /// its own.
    pub fn level(mut self, level: CheckLevel) -> Self {
        self.level = Some(level);
        self
    }

    /// Narrows the query to checks of these names. A name that no check has is ignored.
    pub fn names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names.extend(names.into_iter().map(Into::into));
        self
    }

    fn request(&self) -> Request {
        with_level_and_names(
            Request::get("/v1/health", "read the health"),
            self.level.as_ref(),
            &self.names,
        )
    }
}

/// Adds the query parameters that the endpoints for health and checks share.
pub(super) fn with_level_and_names(
    mut request: Request,
    level: Option<&CheckLevel>,
    names: &[String],
) -> Request {
    if let Some(level) = level {
        request = request.query("level", level.as_str());
    }
    request.query_list("names", "check", names)
}

#[derive(Deserialize)]
struct Health {
    healthy: bool,
}

impl Reader {
    /// Returns `true` if no selected check is down: `GET /v1/health`, which every user may call.
    /// Inactive checks do not count, and a daemon without checks is healthy.
    ///
    /// Pebble answers an unhealthy state with HTTP status 502 and an ordinary result, which is
    /// `Ok(false)`. Safe to drop.
    ///
    /// # Errors
    /// It fails with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the
    /// policy, and with `Api` and status 400 for a level that Pebble does not know.
    pub async fn health(&self, query: &HealthQuery) -> Result<bool, Error> {
        self.send(query.request()).await?.decode::<Health>().map(|health| health.healthy)
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::new("Reader::health", "/v1/health", HealthQuery::all().request())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_level_and_names() {
        assert_eq!(HealthQuery::all().request().target(), "/v1/health");
        let query = HealthQuery::all().level(CheckLevel::Ready).names(["a", "b c"]);
        assert_eq!(query.request().target(), "/v1/health?level=ready&names=a&names=b%20c");
    }
}

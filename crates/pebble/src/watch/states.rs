//! Watches the states of services and checks. Pebble does not report their changes, so the watch
//! asks for them at an interval.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::super::attempt::AttemptError;
use super::super::checks::{CheckInfo, CheckQuery};
#[cfg(test)]
use super::super::docs_table::Sample;
use super::super::lookups::{NO_NAMES, list_request};
use super::super::names::owned;
use super::super::reader::Reader;
use super::super::request::Request;
use super::super::service_info::ServiceInfo;
use super::{Polled, ResumingStream, Source, single_attempt_client, watch_stream};
#[cfg(doc)]
use crate::ErrorKind;

/// The default time between two requests.
const INTERVAL: Duration = Duration::from_millis(500);

/// The least time between two requests. An interval of zero would keep the daemon busy and show
/// nothing more.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// An update says what has changed since the last request of a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update<T> {
    /// The service or check is new, or its state has changed to this one.
    Is(T),
    /// The service or check is no longer in the plan.
    Gone {
        /// The name of the service or check.
        name: String,
    },
}

/// A service watch gives the states of services, first as they are and then as they change, from
/// [`Reader::watch_services`]. It ends with an error, or when it is dropped.
#[derive(Debug)]
#[must_use = "a watch does nothing unless its next event is waited for"]
pub struct ServiceWatch {
    inner: ResumingStream<StateSource<ServiceInfo>>,
}

/// A check watch gives the states of checks, first as they are and then as they change, from
/// [`Reader::watch_checks`]. It ends with an error, or when it is dropped.
#[derive(Debug)]
#[must_use = "a watch does nothing unless its next event is waited for"]
pub struct CheckWatch {
    inner: ResumingStream<StateSource<CheckInfo>>,
}

impl ServiceWatch {
    /// Sets the time between two requests: 500 ms by default, at least 10 ms. It has an effect only
    /// before the first event is waited for.
    pub fn every(mut self, interval: Duration) -> Self {
        set_interval(&mut self.inner, interval);
        self
    }
}

impl CheckWatch {
    /// Sets the time between two requests: 500 ms by default, at least 10 ms. It has an effect only
    /// before the first event is waited for.
    pub fn every(mut self, interval: Duration) -> Self {
        set_interval(&mut self.inner, interval);
        self
    }
}

fn set_interval<T: NamedState>(watch: &mut ResumingStream<StateSource<T>>, interval: Duration) {
    if let Some(source) = watch.source() {
        source.interval = interval.max(MIN_INTERVAL);
    }
}

watch_stream!(ServiceWatch, Update<ServiceInfo>, |_, _| {});
watch_stream!(CheckWatch, Update<CheckInfo>, |_, _| {});

impl Reader {
    /// Watches services: first the state of each, then each one that has changed or is gone.
    /// Without a name, it watches all services. The watch sends `GET /v1/services` every 500 ms, or
    /// as [`ServiceWatch::every`] says.
    ///
    /// A change that is undone between two requests is not seen. A service that was restarted in
    /// between is: its [`current_since`](ServiceInfo::current_since) differs. A restarted Pebble
    /// has lost the layers that were added over its API: their services are gone until the layers
    /// are added again.
    ///
    /// For lost connections see [`Self::watch_notices`].
    ///
    /// # Errors
    /// An error is the last item of the stream:
    /// - [`ErrorKind::PermissionDenied`] if access to the socket is denied.
    /// - [`ErrorKind::Api`] if Pebble refuses the request with another status of 400 to 499.
    /// - [`ErrorKind::InvalidRequest`] if the path cannot be that of a socket.
    pub fn watch_services(&self, names: impl IntoIterator<Item = impl AsRef<str>>) -> ServiceWatch {
        ServiceWatch { inner: StateSource::watch(self, list_request(&owned(names))) }
    }

    /// Watches all services. It works as [`Self::watch_services`] does for some.
    ///
    /// # Errors
    /// As [`Self::watch_services`].
    pub fn watch_all_services(&self) -> ServiceWatch {
        self.watch_services(NO_NAMES)
    }

    /// Watches checks: first the state of each, then each one that has changed or is gone. The
    /// watch sends `GET /v1/checks` every 500 ms, or as [`CheckWatch::every`] says.
    ///
    /// A higher number of successes alone is no change. For lost connections see
    /// [`Self::watch_notices`].
    ///
    /// # Errors
    /// As [`Self::watch_services`]. The last item is [`ErrorKind::Api`] with status 400 if Pebble
    /// does not know the level of the query.
    pub fn watch_checks(&self, query: &CheckQuery) -> CheckWatch {
        CheckWatch { inner: StateSource::watch(self, query.request()) }
    }
}

/// An object that Pebble lists by name and that has a state.
trait NamedState: DeserializeOwned + Clone + Send + 'static {
    const OPERATION: &'static str;

    /// Returns the name of the object.
    fn name(&self) -> &str;

    /// Returns `true` if the change from `before` is to be reported.
    fn differs(&self, before: &Self) -> bool;
}

impl NamedState for ServiceInfo {
    const OPERATION: &'static str = "watch services";

    fn name(&self) -> &str {
        self.name()
    }

    fn differs(&self, before: &Self) -> bool {
        self != before
    }
}

impl NamedState for CheckInfo {
    const OPERATION: &'static str = "watch checks";

    fn name(&self) -> &str {
        self.name()
    }

    fn differs(&self, before: &Self) -> bool {
        !self.is_like(before)
    }
}

struct StateSource<T> {
    client: Reader,
    request: Request,
    interval: Duration,
    has_asked: bool,
    seen: BTreeMap<String, T>,
}

impl<T: NamedState> StateSource<T> {
    fn watch(client: &Reader, request: Request) -> ResumingStream<Self> {
        ResumingStream::new(Self {
            client: single_attempt_client(client),
            request,
            interval: INTERVAL,
            has_asked: false,
            seen: BTreeMap::new(),
        })
    }
}

impl<T: NamedState> Source for StateSource<T> {
    type Item = Update<T>;

    fn operation(&self) -> &'static str {
        T::OPERATION
    }

    fn client(&self) -> &Reader {
        &self.client
    }

    async fn poll_source(&mut self) -> Result<Polled<Update<T>>, AttemptError> {
        // The pause comes before each request but the first, not after it: the first states are
        // given at once, and a failure in between costs no extra pause.
        if std::mem::replace(&mut self.has_asked, true) {
            tokio::time::sleep(self.interval).await;
        }
        let listed = self.client.read_list(&self.request).await?;
        Ok(Polled { items: differences(&mut self.seen, listed), is_healthy: true })
    }
}

/// Compares a list with the states that were seen last, and replaces them by it.
fn differences<T: NamedState>(seen: &mut BTreeMap<String, T>, listed: Vec<T>) -> Vec<Update<T>> {
    // A sorted map gives the updates in the order of the names.
    let now: BTreeMap<String, T> =
        listed.into_iter().map(|state| (state.name().to_owned(), state)).collect();
    let is = now
        .iter()
        .filter(|(name, state)| seen.get(*name).is_none_or(|before| state.differs(before)))
        .map(|(_, state)| Update::Is(state.clone()));
    let gone = seen
        .keys()
        .filter(|name| !now.contains_key(*name))
        .map(|name| Update::Gone { name: name.clone() });
    let updates = is.chain(gone).collect();
    *seen = now;
    updates
}

#[cfg(test)]
pub(crate) fn samples() -> Vec<Sample> {
    vec![
        Sample::new(
            "Reader::watch_services, Reader::watch_all_services",
            "/v1/services",
            list_request(&NO_NAMES),
        ),
        Sample::new("Reader::watch_checks", "/v1/checks", CheckQuery::all().request()),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Client;

    fn service(name: &str, current: &str) -> ServiceInfo {
        serde_json::from_value(json!({"name": name, "startup": "enabled", "current": current}))
            .unwrap()
    }

    fn check(successes: u32, failures: u32) -> CheckInfo {
        serde_json::from_value(json!({
            "name": "up", "status": "up", "successes": successes, "failures": failures,
            "threshold": 3
        }))
        .unwrap()
    }

    #[test]
    fn only_changes_are_given() {
        let mut seen = BTreeMap::new();
        let (a, b) = (service("a", "active"), service("b", "active"));
        let first = differences(&mut seen, vec![a.clone(), b.clone()]);
        assert_eq!(first, [Update::Is(a.clone()), Update::Is(b.clone())]);
        assert_eq!(differences(&mut seen, vec![a.clone(), b.clone()]), []);
        let ended = service("b", "backoff");
        assert_eq!(differences(&mut seen, vec![a.clone(), ended.clone()]), [Update::Is(ended)]);
        assert_eq!(differences(&mut seen, vec![a]), [Update::Gone { name: "b".into() }]);
        assert_eq!(differences(&mut seen, vec![b.clone()])[0], Update::Is(b));
    }

    #[test]
    fn no_interval_makes_it_ask_without_a_pause() {
        let client = Client::new("/nowhere");
        let mut watch = client.watch_all_services().every(Duration::ZERO);
        assert_eq!(watch.inner.source().unwrap().interval, MIN_INTERVAL);
        let mut watch = client.watch_checks(&CheckQuery::all()).every(INTERVAL * 2);
        assert_eq!(watch.inner.source().unwrap().interval, INTERVAL * 2);
    }

    #[test]
    fn one_more_success_is_no_difference_and_a_failure_is() {
        let mut seen = BTreeMap::new();
        differences(&mut seen, vec![check(1, 0)]);
        assert_eq!(differences(&mut seen, vec![check(2, 0)]), []);
        assert_eq!(differences(&mut seen, vec![check(2, 1)]), [Update::Is(check(2, 1))]);
    }
}

//! A watch is a stream of what happens in a Pebble, and it outlives a lost connection.
//!
//! Each watch is a [`Source`] (`notices`, `states` of services and checks, `logs`) inside a
//! [`ResumingStream`], which polls the source again and again, waits after a failure as `backoff`
//! says, and ends at an error that waiting cannot mend. There is no background task: a watch makes
//! progress only while its next item is waited for, and it is over when it is dropped.

mod backoff;
mod lines;
mod log_cursor;
mod log_event;
mod logs;
mod notices;
mod states;

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use self::backoff::Backoff;
use super::attempt::AttemptError;
use super::duration::seconds;
use super::error::{Error, ErrorKind, in_target};
use super::reader::Reader;
use super::retry::{Budget, RetryPolicy, WAITS};

#[cfg(any(test, fuzzing))]
pub(super) use lines::{Lines, TooLong};
pub use log_event::{GapCause, LogEvent, LogGap};
pub use logs::LogFollow;
pub use notices::NoticeWatch;
pub use states::{CheckWatch, ServiceWatch, Update};

/// The time without an answer after which a watch takes the connection for lost. The requests of a
/// watch only read, so sending another one does no harm.
const SILENCE_LIMIT: Duration = Duration::from_secs(10);

/// Makes the client for the requests of a watch. Each call of it is one attempt, because the watch
/// has a backoff of its own, and it spends nothing of the budget that the other calls of the client
/// share.
fn single_attempt_client(client: &Reader) -> Reader {
    client.clone().with_retry(RetryPolicy::once(SILENCE_LIMIT)).with_budget(Budget::new())
}

/// A source gives the items of a watch.
trait Source: Send + 'static {
    type Item: Send + 'static;

    /// Returns the name of the operation for messages, such as `watch notices`.
    fn operation(&self) -> &'static str;

    fn client(&self) -> &Reader;

    /// Waits for the next items, or for a while. After an error it is called again some time later.
    fn poll_source(
        &mut self,
    ) -> impl Future<Output = Result<Polled<Self::Item>, AttemptError>> + Send;
}

/// The items that polling a source gave.
struct Polled<T> {
    items: Vec<T>,
    /// Pebble has done what it was asked for, though there may be no item.
    is_healthy: bool,
}

/// A stream that polls a source, also after failures, until an error ends it.
struct ResumingStream<S: Source> {
    state: State<S>,
    items: VecDeque<S::Item>,
}

/// The state of a resuming stream.
enum State<S: Source> {
    /// No request is out.
    Idle(Box<SourceDriver<S>>),
    /// A future that polls the source. It owns the source and is kept here, so that a caller that
    /// drops [`next`](NoticeWatch::next) loses no answer that is on its way.
    Running(Pin<Box<NextItems<S>>>),
    Ended,
}

/// The future of [`next_items`], which gives the driver back.
type NextItems<S> =
    dyn Future<Output = (Box<SourceDriver<S>>, Result<Vec<<S as Source>::Item>, Error>)> + Send;

/// A source and what is known of its failures.
struct SourceDriver<S> {
    source: S,
    backoff: Backoff,
    outage: Option<Outage>,
}

/// An outage began with a failed attempt and lasts until one succeeds.
struct Outage {
    since: Instant,
    failures: u32,
}

impl<S: Source> ResumingStream<S> {
    fn new(source: S) -> Self {
        let driver = SourceDriver { source, backoff: Backoff::new(), outage: None };
        Self { state: State::Idle(Box::new(driver)), items: VecDeque::new() }
    }

    /// Returns the source, unless the stream has ended or the source is being polled.
    fn source(&mut self) -> Option<&mut S> {
        match &mut self.state {
            State::Idle(driver) => Some(&mut driver.source),
            State::Running(_) | State::Ended => None,
        }
    }

    /// Polls for the next item; it gives `None` when an error has ended the stream.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<S::Item, Error>>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            let mut future = match std::mem::replace(&mut self.state, State::Ended) {
                State::Idle(driver) => Box::pin(next_items(driver)) as Pin<Box<NextItems<S>>>,
                State::Running(future) => future,
                State::Ended => return Poll::Ready(None),
            };
            let Poll::Ready((driver, result)) = future.as_mut().poll(cx) else {
                self.state = State::Running(future);
                return Poll::Pending;
            };
            match result {
                Ok(items) => {
                    self.items.extend(items);
                    self.state = State::Idle(driver);
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

/// Polls the source until there are items, and waits after each failure.
async fn next_items<S: Source>(
    mut driver: Box<SourceDriver<S>>,
) -> (Box<SourceDriver<S>>, Result<Vec<S::Item>, Error>) {
    loop {
        let cause = match driver.source.poll_source().await {
            Ok(Polled { items, is_healthy }) => {
                if is_healthy || !items.is_empty() {
                    driver.note_recovery();
                }
                if items.is_empty() {
                    continue;
                }
                return (driver, Ok(items));
            }
            Err(AttemptError::Final(error)) if is_permanent(&error) => return (driver, Err(error)),
            Err(AttemptError::Final(error)) => error.reason().to_owned(),
            Err(AttemptError::Temporary { cause, .. }) => cause,
            Err(AttemptError::TimedOut { unanswered, .. }) => {
                format!("silent for {}", seconds(unanswered))
            }
        };
        let wait = driver.note_failure(&cause);
        tokio::time::sleep(wait).await;
    }
}

/// Returns `true` if a later attempt would fail in the same way. An answer that is not Pebble's,
/// and an error within Pebble, may be gone by then.
fn is_permanent(error: &Error) -> bool {
    match error.kind() {
        // Pebble itself sends neither 408 nor 429, but a proxy in front of it may, and both mean
        // "later".
        ErrorKind::Api { status } => (400..500).contains(status) && !matches!(status, 408 | 429),
        ErrorKind::Unreachable | ErrorKind::Protocol => false,
        ErrorKind::PermissionDenied
        | ErrorKind::Unsupported { .. }
        | ErrorKind::InvalidRequest
        | ErrorKind::ChangeFailed
        | ErrorKind::ChangeRunning
        | ErrorKind::Restarted
        | ErrorKind::NotReached
        | ErrorKind::TimedOut
        | ErrorKind::OutcomeUnknown
        | ErrorKind::File(_)
        | ErrorKind::Interrupted { .. }
        | ErrorKind::TooLarge { .. }
        | ErrorKind::Local(_) => true,
    }
}

impl<S: Source> SourceDriver<S> {
    /// Logs a failed attempt and returns the wait before the next one. Only the first failure of an
    /// outage is a warning: the others would only repeat it.
    fn note_failure(&mut self, cause: &str) -> Duration {
        let wait = self.backoff.next();
        let outage =
            self.outage.get_or_insert_with(|| Outage { since: Instant::now(), failures: 0 });
        outage.failures = outage.failures.saturating_add(1);
        let what = in_target(self.source.operation(), self.source.client().target());
        let (failures, next) = (outage.failures, seconds(wait));
        if failures == 1 {
            tracing::warn!(
                target: WAITS,
                "cannot {what} for the moment: {cause}; it goes on as soon as it can, \
                 next attempt in {next}"
            );
        } else {
            tracing::debug!(
                target: WAITS,
                "cannot {what} for the moment: {cause}; attempt {failures} failed, next in {next}"
            );
        }
        wait
    }

    /// Logs the end of an outage, if there was one.
    fn note_recovery(&mut self) {
        self.backoff.reset();
        if let Some(Outage { since, failures }) = self.outage.take() {
            let what = in_target(self.source.operation(), self.source.client().target());
            tracing::info!(
                "could {what} again at attempt {}, after {}",
                failures.saturating_add(1),
                seconds(since.elapsed())
            );
        }
    }
}

impl<S: Source> fmt::Debug for ResumingStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Idle(_) => "idle",
            State::Running(_) => "running",
            State::Ended => "ended",
        };
        f.debug_struct("Watch").field("state", &state).field("items", &self.items.len()).finish()
    }
}

/// Makes a public type a stream of the items of its field `inner`. `$seen` is called with each item
/// before it is given.
macro_rules! watch_stream {
    ($watch:ident, $item:ty, $seen:expr) => {
        impl $watch {
            /// Waits for the next event, without a limit. It gives `None` when an error has ended
            /// the watch. Dropping this future loses nothing.
            pub async fn next(&mut self) -> Option<std::result::Result<$item, $crate::Error>> {
                std::future::poll_fn(|cx| {
                    futures_core::Stream::poll_next(std::pin::Pin::new(&mut *self), cx)
                })
                .await
            }
        }

        impl futures_core::Stream for $watch {
            type Item = std::result::Result<$item, $crate::Error>;

            fn poll_next(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Self::Item>> {
                let this = self.get_mut();
                let item = std::task::ready!(this.inner.poll_next(cx));
                if let Some(Ok(item)) = &item {
                    let seen: fn(&mut $watch, &$item) = $seen;
                    seen(this, item);
                }
                std::task::Poll::Ready(item)
            }
        }
    };
}
use watch_stream;

#[cfg(test)]
pub(super) use states::samples;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::Client;
    use crate::daemon::Daemon;
    use charmwright_testing::CapturedLog;

    /// A source that gives what the test says, and records when it was polled.
    struct ScriptedSource {
        client: Reader,
        polls: std::vec::IntoIter<Result<Polled<u32>, AttemptError>>,
        asked: Arc<Mutex<Vec<Instant>>>,
    }

    impl Source for ScriptedSource {
        type Item = u32;

        fn operation(&self) -> &'static str {
            "watch a script"
        }

        fn client(&self) -> &Reader {
            &self.client
        }

        async fn poll_source(&mut self) -> Result<Polled<u32>, AttemptError> {
            self.asked.lock().unwrap().push(Instant::now());
            match self.polls.next() {
                Some(result) => result,
                None => std::future::pending().await,
            }
        }
    }

    fn script(
        polls: Vec<Result<Polled<u32>, AttemptError>>,
    ) -> (ResumingStream<ScriptedSource>, Arc<Mutex<Vec<Instant>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let source = ScriptedSource {
            client: Reader::new("/nowhere"),
            polls: polls.into_iter(),
            asked: Arc::clone(&asked),
        };
        (ResumingStream::new(source), asked)
    }

    fn good(items: &[u32]) -> Result<Polled<u32>, AttemptError> {
        Ok(Polled { items: items.to_vec(), is_healthy: true })
    }

    fn api(status: u16) -> AttemptError {
        let refusal =
            super::super::envelope::Refusal { status, kind: None, message: "no".to_owned() };
        AttemptError::Final(Error::refused("watch a script", &Daemon::default(), refusal))
    }

    async fn next(watch: &mut ResumingStream<ScriptedSource>) -> Option<Result<u32, Error>> {
        poll_fn(|cx| watch.poll_next(cx)).await
    }

    #[tokio::test(start_paused = true)]
    async fn it_tries_again_on_the_schedule_and_a_good_answer_resets_it() {
        let failed = || Err(AttemptError::temporary("away"));
        let mut polls = vec![good(&[1])];
        polls.extend((0..8).map(|_| failed()));
        polls.push(good(&[]));
        polls.push(failed());
        polls
            .push(Err(AttemptError::TimedOut { unanswered: Duration::from_secs(1), acted: false }));
        polls.push(good(&[2, 3]));
        polls.push(failed());
        polls.push(good(&[4]));
        let (mut watch, asked) = script(polls);
        for expected in 1..=4 {
            assert_eq!(next(&mut watch).await.unwrap().unwrap(), expected);
        }
        let asked = asked.lock().unwrap();
        let waits: Vec<Duration> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // This is the longest that each wait may be, and it is at least half as long. The clock of
        // tokio counts in milliseconds and rounds up.
        let exact =
            [0, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 0, 800, 1600, 0, 800];
        assert_eq!(waits.len(), exact.len());
        for (wait, exact) in waits.iter().zip(exact) {
            let longest = Duration::from_millis(exact + u64::from(exact > 0));
            assert!(
                *wait <= longest
                    && *wait >= longest / 2 - Duration::from_millis(1).min(longest / 2),
                "{waits:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_permanent_error_is_the_last_item() {
        let denied = || {
            AttemptError::Final(Error::denied(
                "x",
                &Daemon::default(),
                std::path::Path::new("/s"),
                "permission denied",
            ))
        };
        let bad_path = || {
            AttemptError::Final(Error::invalid(
                "x",
                &Daemon::default(),
                "the path of the socket is empty",
            ))
        };
        let too_old = || AttemptError::Final(Error::unsupported("x", &Daemon::default(), "1.5"));
        for last in [api(400), api(401), api(403), api(404), denied(), bad_path(), too_old()] {
            let (mut watch, asked) = script(vec![good(&[1]), Err(last), good(&[2])]);
            assert_eq!(next(&mut watch).await.unwrap().unwrap(), 1);
            assert!(next(&mut watch).await.unwrap().is_err());
            assert!(next(&mut watch).await.is_none());
            assert!(next(&mut watch).await.is_none());
            assert_eq!(asked.lock().unwrap().len(), 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_logged_once_and_so_is_its_end() {
        let log = CapturedLog::default();
        let _default = tracing::subscriber::set_default(log.clone());
        let failed = || Err(AttemptError::temporary("away"));
        let (mut watch, _) = script(vec![
            failed(),
            failed(),
            failed(),
            good(&[1]),
            good(&[2]),
            failed(),
            good(&[3]),
        ]);
        for expected in 1..=3 {
            assert_eq!(next(&mut watch).await.unwrap().unwrap(), expected);
        }
        let log = log.lines();
        let levels: Vec<_> = log.iter().map(|(level, _)| *level).collect();
        let (warn, info) = (tracing::Level::WARN, tracing::Level::INFO);
        assert_eq!(levels, [warn, info, warn, info]);
        assert!(log[0].1.starts_with("cannot watch a script for the moment: away; "), "{log:?}");
        assert!(log[1].1.starts_with("could watch a script again at attempt 4, after "), "{log:?}");
    }

    #[test]
    fn a_watch_crosses_threads() {
        fn crosses<T: Send + Unpin>(_: T) {}
        let client = Client::new("/nowhere");
        // A watch may also be made outside of a runtime.
        crosses(client.watch_notices(super::super::NoticeQuery::new()));
        crosses(client.watch_all_services());
        crosses(client.watch_checks(&super::super::CheckQuery::all()));
        crosses(client.follow_logs(&super::super::LogQuery::new()));
    }

    #[tokio::test]
    async fn the_last_error_of_a_watch_carries_the_clients_tag() {
        let mut watch = Client::new("").with_tag(Arc::new(7_u8)).watch_all_services();
        let error = watch.next().await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.tag()), (&ErrorKind::InvalidRequest, Some(&7_u8)));
    }

    #[tokio::test(start_paused = true)]
    async fn malformed_answers_and_errors_within_pebble_are_outages() {
        let garbage = AttemptError::Final(Error::protocol("x", &Daemon::default(), "not Pebble"));
        let (mut watch, asked) =
            script(vec![Err(garbage), Err(api(500)), Err(api(503)), Err(api(429)), good(&[1])]);
        assert_eq!(next(&mut watch).await.unwrap().unwrap(), 1);
        assert_eq!(asked.lock().unwrap().len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_future_of_next_loses_nothing() {
        let (mut watch, _) = script(vec![Err(AttemptError::temporary("away")), good(&[1, 2])]);
        assert!(tokio::time::timeout(Duration::from_millis(100), next(&mut watch)).await.is_err());
        assert!(watch.source().is_none());
        assert_eq!(next(&mut watch).await.unwrap().unwrap(), 1);
        assert!(watch.source().is_some());
        assert_eq!(next(&mut watch).await.unwrap().unwrap(), 2);
    }
}

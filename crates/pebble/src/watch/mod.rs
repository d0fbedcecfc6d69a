//! Watches: streams of what happens in a Pebble, which outlive a break.
//!
//! Each is a [`Source`] of its own (`notices`, `states` of services and checks, `logs`) behind one
//! machine, [`ResumingStream`], that runs it round by round, waits after a break as `backoff` says, and
//! ends at an error that no waiting mends. Nothing runs while nobody asks: a watch is driven by
//! whoever waits for its next item, and is over when it is dropped.

mod backoff;
mod cursor;
mod lines;
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

/// How long a daemon may keep silent before a watch takes that for a break. A request of a watch
/// only reads, so another may be sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// The client for the requests of a watch: each is one attempt, and nothing is charged to the
/// budget of the calls beside it.
fn watcher(client: &Reader) -> Reader {
    client.clone().with_retry(RetryPolicy::once(PATIENCE)).with_budget(Budget::new())
}

/// What a watch watches.
trait Source: Send + 'static {
    type Item: Send + 'static;

    /// What is done, for messages: `watch notices`.
    fn operation(&self) -> &'static str;

    fn client(&self) -> &Reader;

    /// Waits until something has happened, or for a while. After a failure it is called again some
    /// time later.
    fn round(&mut self) -> impl Future<Output = Result<Round<Self::Item>, AttemptError>> + Send;
}

/// What has happened.
struct Round<T> {
    items: Vec<T>,
    /// Pebble has shown that it does what it is asked for, though it may have nothing to tell.
    healthy: bool,
}

/// A source that is run until an error ends it.
struct ResumingStream<S: Source> {
    state: State<S>,
    items: VecDeque<S::Item>,
}

enum State<S: Source> {
    Idle(Box<Run<S>>),
    /// It owns the source, so that a waiter that goes away does not lose what was on its way.
    Running(Pin<Box<Turn<S>>>),
    Ended,
}

type Turn<S> = dyn Future<Output = (Box<Run<S>>, Result<Vec<<S as Source>::Item>, Error>)> + Send;

struct Run<S> {
    source: S,
    backoff: Backoff,
    trouble: Option<Outage>,
}

/// It is broken since then, and so many attempts have failed.
struct Outage {
    since: Instant,
    breaks: u32,
}

impl<S: Source> ResumingStream<S> {
    fn new(source: S) -> Self {
        let run = Run { source, backoff: Backoff::new(), trouble: None };
        Self { state: State::Idle(Box::new(run)), items: VecDeque::new() }
    }

    /// The source, unless a round is on its way or it has ended.
    fn source(&mut self) -> Option<&mut S> {
        match &mut self.state {
            State::Idle(run) => Some(&mut run.source),
            State::Running(_) | State::Ended => None,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<S::Item, Error>>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            let mut turn = match std::mem::replace(&mut self.state, State::Ended) {
                State::Idle(run) => Box::pin(turn(run)) as Pin<Box<Turn<S>>>,
                State::Running(turn) => turn,
                State::Ended => return Poll::Ready(None),
            };
            let Poll::Ready((run, result)) = turn.as_mut().poll(cx) else {
                self.state = State::Running(turn);
                return Poll::Pending;
            };
            match result {
                Ok(items) => {
                    self.items.extend(items);
                    self.state = State::Idle(run);
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }
}

/// Runs rounds until there is something to give.
async fn turn<S: Source>(mut run: Box<Run<S>>) -> (Box<Run<S>>, Result<Vec<S::Item>, Error>) {
    loop {
        let cause = match run.source.round().await {
            Ok(Round { items, healthy }) => {
                if healthy || !items.is_empty() {
                    run.recovered();
                }
                if items.is_empty() {
                    continue;
                }
                return (run, Ok(items));
            }
            Err(AttemptError::Final(error)) if ends(&error) => return (run, Err(error)),
            Err(AttemptError::Final(error)) => error.reason().to_owned(),
            Err(AttemptError::Temporary { cause, .. }) => cause,
            Err(AttemptError::TimedOut { unanswered, .. }) => {
                format!("silent for {}", seconds(unanswered))
            }
        };
        let wait = run.broken(&cause);
        tokio::time::sleep(wait).await;
    }
}

/// Whether a later attempt would fail the same way. What is not Pebble's, or an error within it,
/// may have gone by then.
fn ends(error: &Error) -> bool {
    match error.kind() {
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

impl<S: Source> Run<S> {
    /// Tells of a break, and says how long to wait. The first is a warning; the others would only
    /// repeat it.
    fn broken(&mut self, cause: &str) -> Duration {
        let wait = self.backoff.next();
        let trouble =
            self.trouble.get_or_insert_with(|| Outage { since: Instant::now(), breaks: 0 });
        trouble.breaks = trouble.breaks.saturating_add(1);
        let what = in_target(self.source.operation(), self.source.client().target());
        let (breaks, next) = (trouble.breaks, seconds(wait));
        if breaks == 1 {
            tracing::warn!(
                target: WAITS,
                "cannot {what} for the moment: {cause}; it goes on as soon as it can, \
                 next attempt in {next}"
            );
        } else {
            tracing::debug!(
                target: WAITS,
                "cannot {what} for the moment: {cause}; attempt {breaks} failed, next in {next}"
            );
        }
        wait
    }

    fn recovered(&mut self) {
        self.backoff.reset();
        if let Some(Outage { since, breaks }) = self.trouble.take() {
            let what = in_target(self.source.operation(), self.source.client().target());
            tracing::info!(
                "could {what} again at attempt {}, after {}",
                breaks.saturating_add(1),
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

/// Makes a public type a stream of what is in its field `inner`; `$seen` is told of each item as it
/// is given.
macro_rules! watch_stream {
    ($watch:ident, $item:ty, $seen:expr) => {
        impl $watch {
            /// The next event, waited for as long as it takes; `None` when an error has ended the
            /// watch. Dropping this future loses nothing.
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

    /// Does as the script says, and notes when it was asked.
    struct Script {
        client: Reader,
        rounds: std::vec::IntoIter<Result<Round<u32>, AttemptError>>,
        asked: Arc<Mutex<Vec<Instant>>>,
    }

    impl Source for Script {
        type Item = u32;

        fn operation(&self) -> &'static str {
            "watch a script"
        }

        fn client(&self) -> &Reader {
            &self.client
        }

        async fn round(&mut self) -> Result<Round<u32>, AttemptError> {
            self.asked.lock().unwrap().push(Instant::now());
            match self.rounds.next() {
                Some(result) => result,
                None => std::future::pending().await,
            }
        }
    }

    fn script(
        rounds: Vec<Result<Round<u32>, AttemptError>>,
    ) -> (ResumingStream<Script>, Arc<Mutex<Vec<Instant>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let source = Script {
            client: Reader::new("/nowhere"),
            rounds: rounds.into_iter(),
            asked: Arc::clone(&asked),
        };
        (ResumingStream::new(source), asked)
    }

    fn good(items: &[u32]) -> Result<Round<u32>, AttemptError> {
        Ok(Round { items: items.to_vec(), healthy: true })
    }

    fn api(status: u16) -> AttemptError {
        let refusal =
            super::super::envelope::Refusal { status, kind: None, message: "no".to_owned() };
        AttemptError::Final(Error::refused("watch a script", &Daemon::default(), refusal))
    }

    async fn next(watch: &mut ResumingStream<Script>) -> Option<Result<u32, Error>> {
        poll_fn(|cx| watch.poll_next(cx)).await
    }

    #[tokio::test(start_paused = true)]
    async fn it_comes_back_on_the_schedule_and_a_good_round_begins_it_anew() {
        let broken = || Err(AttemptError::temporary("away"));
        let mut rounds = vec![good(&[1])];
        rounds.extend((0..8).map(|_| broken()));
        rounds.push(good(&[]));
        rounds.push(broken());
        rounds
            .push(Err(AttemptError::TimedOut { unanswered: Duration::from_secs(1), acted: false }));
        rounds.push(good(&[2, 3]));
        rounds.push(broken());
        rounds.push(good(&[4]));
        let (mut watch, asked) = script(rounds);
        for expected in 1..=4 {
            assert_eq!(next(&mut watch).await.unwrap().unwrap(), expected);
        }
        let asked = asked.lock().unwrap();
        let waits: Vec<Duration> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
        // The longest that each wait may be; it is at least half of that. tokio's clock counts in
        // milliseconds and rounds up.
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
    async fn an_error_that_no_waiting_mends_is_the_last_item() {
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
    async fn a_break_is_told_once_and_so_is_its_end() {
        let told = CapturedLog::default();
        let _default = tracing::subscriber::set_default(told.clone());
        let broken = || Err(AttemptError::temporary("away"));
        let (mut watch, _) = script(vec![
            broken(),
            broken(),
            broken(),
            good(&[1]),
            good(&[2]),
            broken(),
            good(&[3]),
        ]);
        for expected in 1..=3 {
            assert_eq!(next(&mut watch).await.unwrap().unwrap(), expected);
        }
        let told = told.lines();
        let levels: Vec<_> = told.iter().map(|(level, _)| *level).collect();
        let (warn, info) = (tracing::Level::WARN, tracing::Level::INFO);
        assert_eq!(levels, [warn, info, warn, info]);
        assert!(told[0].1.starts_with("cannot watch a script for the moment: away; "), "{told:?}");
        assert!(
            told[1].1.starts_with("could watch a script again at attempt 4, after "),
            "{told:?}"
        );
    }

    #[test]
    fn a_watch_crosses_threads() {
        fn crosses<T: Send + Unpin>(_: T) {}
        let client = Client::new("/nowhere");
        // Made outside of a runtime, too.
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
    async fn garbage_and_errors_within_pebble_are_breaks() {
        let garbage = AttemptError::Final(Error::protocol("x", &Daemon::default(), "not Pebble"));
        let (mut watch, asked) =
            script(vec![Err(garbage), Err(api(500)), Err(api(503)), Err(api(429)), good(&[1])]);
        assert_eq!(next(&mut watch).await.unwrap().unwrap(), 1);
        assert_eq!(asked.lock().unwrap().len(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_that_goes_away_loses_nothing() {
        let (mut watch, _) = script(vec![Err(AttemptError::temporary("away")), good(&[1, 2])]);
        assert!(tokio::time::timeout(Duration::from_millis(100), next(&mut watch)).await.is_err());
        assert!(watch.source().is_none());
        assert_eq!(next(&mut watch).await.unwrap().unwrap(), 1);
        assert!(watch.source().is_some());
        assert_eq!(next(&mut watch).await.unwrap().unwrap(), 2);
    }
}

//! FollowStream what services write.
//!
//! One opening is two requests. The following is asked for, and not read yet: from then on Pebble
//! itself says where it could not hand on in time. Then all that Pebble keeps is read, which is an
//! answer with an end: there it shows whether the place where a service's log was left is still
//! there, and whether what is new of another is all that it wrote. The following begins at the
//! start of the buffers again, so that nothing falls between the two. (The newest lines, where they
//! are asked for, are read before them.) Pebble's following covers the services that had been
//! started when it was asked for; so the list of services is read once a second beside it, and when
//! one was started that is not covered, it is opened anew.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::time::{Instant, Sleep};

use super::super::attempt::AttemptError;
use super::super::body_stream::BodyStream;
use super::super::error::Error;
use super::super::logs::{Extent, LogEntry, LogQuery};
use super::super::lookups::list_request;
use super::super::reader::Reader;
use super::super::service_info::ServiceInfo;
use super::super::timestamp::Timestamp;
use super::super::transport_error::TransportError;
use super::lines::{Lines, TooLong};
use super::log_cursor::{CursorEvent, LogCursor};
use super::log_event::{GapCause, LogEvent};
use super::{Polled, ResumingStream, SILENCE_LIMIT, Source, single_attempt_client, watch_stream};
#[cfg(doc)]
use crate::ErrorKind;

/// How often the list of services is read beside the following.
const SERVICES_INTERVAL: Duration = Duration::from_secs(1);

/// What Pebble writes in place of what it could not hand on in time (Pebble 1.32.1,
/// `internals/servicelog/iterator.go`).
const TRUNCATED: &str = "(... output truncated ...)";

/// Pebble keeps 100 KiB a service, and drops what is older byte by byte; the part of a line at the
/// front does not show. What is shown of a full buffer is at least this much, for lines of up to 16
/// KiB.
const NEARLY_FULL: usize = 84 * 1024;

/// What Pebble keeps beside the message of an entry: `2026-11-22T20:00:09.300Z [] ` and a newline.
const ENTRY_OVERHEAD: usize = 29;

const OPERATION: &str = "follow the logs";

/// A stream of what services write, from [`Reader::follow_logs`]. It ends by being dropped.
#[derive(Debug)]
#[must_use = "a watch does nothing unless its next event is waited for"]
pub struct LogFollow {
    inner: ResumingStream<LogSource>,
}

watch_stream!(LogFollow, LogEvent, |_, _| {});

impl Reader {
    /// Follows what services write: `GET /v1/logs` with `follow`, and `GET /v1/services` each
    /// second.
    ///
    /// It begins with the lines that are written from this call on; a query of the
    /// [`newest`](LogQuery::newest) lines gives those first that are the newest when Pebble is
    /// first asked, and one of [`all`](LogQuery::all) all that Pebble still has then. Services that
    /// are started later are taken up within a second, with all that they wrote.
    ///
    /// It outlives restarts of services and of Pebble, and breaks. Then it goes on where it was,
    /// each line once, as long as Pebble still has them; where it does not, or may not, a
    /// [`LogEvent::Gap`] stands in their place, and some that were given may come again after it. A
    /// service that has written nothing yet and is started anew together with Pebble has one, too.
    /// Lines of one service come in their order; those of several by their time, but for lines that
    /// are fetched later.
    ///
    /// Pebble gives a line of over about 4 KiB, and one that is written in parts, as several
    /// entries.
    ///
    /// For breaks see [`Self::watch_notices`]. Memory is bounded: what is not asked for stays in
    /// Pebble, but for what services that are taken up have written by then, at most 100 KiB each.
    ///
    /// # Errors
    /// An error is the last item: [`ErrorKind::PermissionDenied`], [`ErrorKind::Api`] for any other
    /// refusal by a status of 400 to 499, and [`ErrorKind::InvalidRequest`] for a path that cannot
    /// be a socket's.
    pub fn follow_logs(&self, query: &LogQuery) -> LogFollow {
        LogFollow { inner: ResumingStream::new(LogSource::new(single_attempt_client(self), query)) }
    }
}

struct LogSource {
    client: Reader,
    query: LogQuery,
    state: State,
    /// Something went wrong since the last opening.
    has_failed: bool,
    /// The buffers held something at this opening.
    has_entries: bool,
    /// The buffers were read to their end once.
    has_read_buffers: bool,
    /// So many of the newest lines are still to be read.
    newest: Option<u32>,
    /// What is older was not asked for; to the millisecond, as entries are. Once each buffer was
    /// read to its end, the place says it better than the clock.
    earliest: Option<Timestamp>,
    cursors: BTreeMap<String, LogCursor>,
    /// The entries of services of which nothing was seen before this opening: whether it is all
    /// that they wrote shows by how much it is.
    unseen: BTreeMap<String, Vec<LogEntry>>,
    /// The services that had been started at the last look, and since when they are as they are.
    started: BTreeMap<String, Timestamp>,
    /// When the services are looked at next.
    services_timer: Option<Pin<Box<Sleep>>>,
}

enum State {
    Start,
    /// The newest lines are read.
    ReadingNewest(BodyStream, Lines),
    /// The following was asked for, and the buffers are read.
    ReadingBuffers(BodyStream, Lines, FollowStream),
    Following(FollowStream, Lines),
}

/// What is followed.
enum FollowStream {
    /// It was asked for at that moment. Pebble answers with the first line that there is, which may
    /// be a long time off.
    Requested(Instant, Pin<Box<dyn Future<Output = Result<BodyStream, AttemptError>> + Send>>),
    Open(Box<BodyStream>),
}

/// What came first.
enum FollowEvent {
    ServicesDue,
    Chunk(Option<Result<Bytes, AttemptError>>),
}

impl Source for LogSource {
    type Item = LogEvent;

    fn operation(&self) -> &'static str {
        OPERATION
    }

    fn client(&self) -> &Reader {
        &self.client
    }

    async fn poll_source(&mut self) -> Result<Polled<LogEvent>, AttemptError> {
        let result = self.step().await;
        if result.is_err() {
            self.state = State::Start;
            self.has_failed = true;
        }
        result
    }
}

impl LogSource {
    fn new(client: Reader, query: &LogQuery) -> Self {
        let now = Some(Timestamp::now().floor_to_millis());
        let (newest, earliest) = match query.extent() {
            Extent::Default | Extent::Newest(0) => (None, now),
            Extent::Newest(lines) => (Some(lines), now),
            Extent::All => (None, None),
        };
        Self {
            client,
            query: query.clone(),
            state: State::Start,
            has_failed: false,
            has_entries: false,
            has_read_buffers: false,
            newest,
            earliest,
            cursors: BTreeMap::new(),
            unseen: BTreeMap::new(),
            started: BTreeMap::new(),
            services_timer: None,
        }
    }

    async fn step(&mut self) -> Result<Polled<LogEvent>, AttemptError> {
        let (chunk, cut_off) = match &mut self.state {
            State::Start => return self.start().await,
            State::Following(..) => return self.follow().await,
            State::ReadingNewest(stream, lines) => {
                (stream.chunk(SILENCE_LIMIT).await.map_err(stream_failed)?, lines.is_cut_off())
            }
            State::ReadingBuffers(stream, lines, follow_stream) => {
                let chunk = async { stream.chunk(SILENCE_LIMIT).await.map_err(stream_failed) };
                (poll_beside(follow_stream, chunk).await?, lines.is_cut_off())
            }
        };
        match chunk {
            Some(chunk) => {
                let entries = self.entries(&chunk)?;
                Ok(polled(self.seen(entries, true)))
            }
            None if cut_off => {
                Err(AttemptError::temporary("the answer broke off in the middle of a line"))
            }
            None => Ok(polled(self.finish_reading())),
        }
    }

    /// Sees what is started, asks for the following, and begins to read the buffers.
    async fn start(&mut self) -> Result<Polled<LogEvent>, AttemptError> {
        let now = started_services(&self.client, &self.query).await?;
        let state = if let Some(lines) = self.newest {
            let request = self.query.clone().newest(lines).stream_request();
            let stream = self.client.open(&request, Some(SILENCE_LIMIT)).await?;
            State::ReadingNewest(stream, Lines::default())
        } else {
            let mut follow_stream = FollowStream::request(&self.client, &self.query);
            let request = self.query.clone().all().stream_request();
            let stream =
                poll_beside(&mut follow_stream, self.client.open(&request, Some(SILENCE_LIMIT)))
                    .await?;
            State::ReadingBuffers(stream, Lines::default(), follow_stream)
        };
        let mut events = Vec::new();
        if std::mem::take(&mut self.has_failed) && self.has_read_buffers {
            // Of one that has written nothing there is no place that could be missed.
            for (name, since) in &self.started {
                if self.is_unseen(name) && now.get(name) != Some(since) {
                    events.push(LogEvent::gap(name, None, GapCause::Forgotten));
                }
            }
        }
        self.started = now;
        self.has_entries = false;
        self.rewind();
        self.state = state;
        Ok(polled(events))
    }

    /// The buffers are read again from their start.
    fn rewind(&mut self) {
        self.unseen.clear();
        self.cursors.values_mut().for_each(LogCursor::rewind);
    }

    /// Whether no line of this service was ever seen.
    fn is_unseen(&self, name: &str) -> bool {
        self.cursors.get(name).is_none_or(|cursor| !cursor.has_position())
    }

    /// All that Pebble keeps was read: a place that was not found is lost. After the newest lines
    /// the rest is read, else the following begins.
    fn finish_reading(&mut self) -> Vec<LogEvent> {
        let mut events = Vec::new();
        for (name, cursor) in &mut self.cursors {
            let after = cursor.last_time();
            let mut seen = Vec::new();
            cursor.finish(&mut seen);
            events.extend(seen.into_iter().map(|seen| event(name, after, seen)));
        }
        for (name, entries) in std::mem::take(&mut self.unseen) {
            let size: usize = entries
                .iter()
                .map(|entry| name.len() + entry.message().len() + ENTRY_OVERHEAD)
                .sum();
            if size >= NEARLY_FULL {
                events.push(LogEvent::gap(&name, None, GapCause::Forgotten));
            }
            for entry in entries {
                self.take(entry, &mut events);
            }
        }
        self.newest = None;
        if let State::ReadingBuffers(_, _, follow_stream) =
            std::mem::replace(&mut self.state, State::Start)
        {
            self.mark_buffers_read();
            self.services_timer = Some(Box::pin(tokio::time::sleep(SERVICES_INTERVAL)));
            self.state = State::Following(follow_stream, Lines::default());
        }
        self.rewind();
        events
    }

    /// Each buffer was read to its end.
    fn mark_buffers_read(&mut self) {
        self.has_read_buffers = true;
        self.earliest = None;
    }

    /// Waits for the next piece of what is followed, or for the time to look at the services.
    async fn follow(&mut self) -> Result<Polled<LogEvent>, AttemptError> {
        match poll_fn(|cx| self.poll_follow(cx)).await {
            FollowEvent::ServicesDue => {
                if let State::Following(FollowStream::Requested(requested_at, _), _) = &self.state
                    && self.has_entries
                    && requested_at.elapsed() > SILENCE_LIMIT
                {
                    let unanswered = requested_at.elapsed();
                    return Err(AttemptError::TimedOut { unanswered, acted: false });
                }
                let now = started_services(&self.client, &self.query).await?;
                self.services_timer = Some(Box::pin(tokio::time::sleep(SERVICES_INTERVAL)));
                // A service that Pebble has forgotten in between has a new buffer, which is not
                // covered either.
                self.started.retain(|name, _| now.contains_key(name));
                if now.keys().any(|name| !self.started.contains_key(name)) {
                    self.state = State::Start;
                } else {
                    self.started = now;
                }
                Ok(Polled { items: Vec::new(), is_healthy: true })
            }
            FollowEvent::Chunk(None) => Err(AttemptError::temporary("Pebble has ended the stream")),
            FollowEvent::Chunk(Some(chunk)) => {
                let chunk = chunk?;
                let entries = self.entries(&chunk)?;
                Ok(Polled { items: self.seen(entries, false), is_healthy: true })
            }
        }
    }

    fn poll_follow(&mut self, cx: &mut Context<'_>) -> Poll<FollowEvent> {
        let State::Following(follow_stream, _) = &mut self.state else {
            return Poll::Pending;
        };
        if let Err(error) = follow_stream.poll_open(cx) {
            return Poll::Ready(FollowEvent::Chunk(Some(Err(error))));
        }
        if let Some(services_timer) = &mut self.services_timer
            && services_timer.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(FollowEvent::ServicesDue);
        }
        match follow_stream {
            FollowStream::Requested(..) => Poll::Pending,
            FollowStream::Open(stream) => stream
                .poll_chunk(cx)
                .map(|chunk| FollowEvent::Chunk(chunk.map(|chunk| chunk.map_err(stream_failed)))),
        }
    }

    /// The entries that a piece completes.
    fn entries(&mut self, chunk: &[u8]) -> Result<Vec<LogEntry>, AttemptError> {
        let mut entries = Vec::new();
        let lines = match &mut self.state {
            State::Start => return Ok(entries),
            State::ReadingNewest(_, lines)
            | State::ReadingBuffers(_, lines, _)
            | State::Following(_, lines) => lines,
        };
        let result = lines.take(chunk, |line| {
            entries.push(serde_json::from_slice(line)?);
            Ok::<_, InvalidLog>(())
        });
        match result {
            Ok(()) => Ok(entries),
            Err(error) => {
                let reason = "what Pebble sent is no log";
                Err(AttemptError::Final(
                    Error::protocol(OPERATION, self.client.daemon(), reason).with_cause(&error),
                ))
            }
        }
    }

    /// What is new among entries as they come.
    fn seen(&mut self, entries: Vec<LogEntry>, reading: bool) -> Vec<LogEvent> {
        self.has_entries |= !entries.is_empty();
        let mut events = Vec::new();
        for entry in entries {
            // Of one that has older lines than were asked for, all that were are there.
            let whole = self.newest.is_some() || is_before(self.earliest, entry.time());
            let asked_for = self.has_read_buffers || self.earliest.is_some();
            if reading && asked_for && !whole && self.is_unseen(entry.service()) {
                self.unseen.entry(entry.service().to_owned()).or_default().push(entry);
            } else {
                self.take(entry, &mut events);
            }
        }
        events
    }

    fn take(&mut self, entry: LogEntry, events: &mut Vec<LogEvent>) {
        let name = entry.service().to_owned();
        let newest = self.newest.is_some();
        let earliest = self.earliest;
        let too_old = |time| is_before(earliest, time);
        // Of the newest lines, the first has come after others.
        let cursor = self
            .cursors
            .entry(name.clone())
            .or_insert_with(|| if newest { LogCursor::after_gap() } else { LogCursor::default() });
        if entry.message() == TRUNCATED {
            // While the place is looked for, whether anything is missing shows when it is found or
            // not.
            if !cursor.is_searching() {
                cursor.note_gap();
                events.push(LogEvent::gap(&name, cursor.last_time(), GapCause::Truncated));
            }
            return;
        }
        if !newest
            && !cursor.is_searching()
            && too_old(entry.time())
            && cursor.last_time().is_none_or(too_old)
        {
            cursor.mark_seen(&entry);
            return;
        }
        let after = cursor.last_time();
        let mut seen = Vec::new();
        cursor.read(entry, &mut seen);
        events.extend(seen.into_iter().map(|seen| event(&name, after, seen)));
    }
}

fn is_before(earliest: Option<Timestamp>, time: Timestamp) -> bool {
    earliest.is_some_and(|earliest| time < earliest)
}

/// The services of the query that were ever started.
async fn started_services(
    client: &Reader,
    query: &LogQuery,
) -> Result<BTreeMap<String, Timestamp>, AttemptError> {
    let services: Vec<ServiceInfo> = client.read_list(&list_request(query.names())).await?;
    Ok(services
        .iter()
        .filter_map(|service| Some((service.name().to_owned(), service.current_since()?)))
        .collect())
}

impl FollowStream {
    fn request(client: &Reader, query: &LogQuery) -> Self {
        let client = client.clone();
        let request = query.follow_request();
        let response = async move { client.open(&request, None).await };
        Self::Requested(Instant::now(), Box::pin(response))
    }

    /// Lets the request go its way, and takes the head of its answer.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Result<(), AttemptError> {
        if let Self::Requested(_, response) = self
            && let Poll::Ready(stream) = response.as_mut().poll(cx)
        {
            *self = Self::Open(Box::new(stream?));
        }
        Ok(())
    }
}

/// Does something while the request for the following goes its way.
async fn poll_beside<T>(
    follow_stream: &mut FollowStream,
    work: impl Future<Output = Result<T, AttemptError>>,
) -> Result<T, AttemptError> {
    let mut work = pin!(work);
    poll_fn(|cx| match follow_stream.poll_open(cx) {
        Ok(()) => work.as_mut().poll(cx),
        Err(error) => Poll::Ready(Err(error)),
    })
    .await
}

#[derive(Debug, thiserror::Error)]
enum InvalidLog {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("a line of its answer is no entry of a log")]
    NotAnEntry(#[from] serde_json::Error),
}

fn polled(items: Vec<LogEvent>) -> Polled<LogEvent> {
    Polled { items, is_healthy: false }
}

fn event(service: &str, after: Option<Timestamp>, seen: CursorEvent) -> LogEvent {
    match seen {
        CursorEvent::New(entry) => LogEvent::Entry(entry),
        CursorEvent::Lost => LogEvent::gap(service, after, GapCause::Forgotten),
    }
}

/// What is followed is one attempt, and its break is a break of the watch.
fn stream_failed(broken: TransportError) -> AttemptError {
    AttemptError::temporary(broken.cause)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Client;

    fn entries(log: &[(u32, &str)]) -> Vec<LogEntry> {
        log.iter()
            .map(|(seconds, message)| {
                let time = format!("{:04}-11-22T20:00:00Z", 2000 + seconds);
                serde_json::from_value(json!({"time": time, "service": "web", "message": message}))
                    .unwrap()
            })
            .collect()
    }

    fn texts(events: Vec<LogEvent>) -> Vec<String> {
        events
            .into_iter()
            .map(|event| match event {
                LogEvent::Entry(entry) => entry.message().to_owned(),
                LogEvent::Gap(_) => "!".to_owned(),
            })
            .collect()
    }

    /// What a follow of these lines gives while it reads the buffer, and what when it then follows.
    fn follow(query: &LogQuery, buffer: &[(u32, &str)], then: &[(u32, &str)]) -> [Vec<String>; 2] {
        let mut logs = LogSource::new(single_attempt_client(&Client::new("/nowhere")), query);
        let mut read = logs.seen(entries(buffer), true);
        read.extend(logs.finish_reading());
        logs.mark_buffers_read();
        let followed = logs.seen(entries(&[buffer, then].concat()), false);
        [texts(read), texts(followed)]
    }

    #[test]
    fn a_clock_that_was_set_back_after_the_call_hides_no_line() {
        let none: [&str; 0] = [];
        let [read, followed] =
            follow(&LogQuery::new(), &[(1, "old")], &[(2, "new"), (900, "future"), (3, "newer")]);
        assert_eq!(
            (read, followed),
            (
                none.map(String::from).to_vec(),
                ["new", "future", "newer"].map(String::from).to_vec()
            )
        );
        // Of a service that had written nothing.
        let [_, followed] = follow(&LogQuery::new(), &[], &[(2, "new")]);
        assert_eq!(followed, ["new"]);
    }

    #[test]
    fn a_clock_that_was_set_back_before_the_call_shows_no_old_line() {
        let buffer = [(5, "a"), (2, "b"), (3, "c")];
        let [read, followed] = follow(&LogQuery::new(), &buffer, &[(4, "d")]);
        assert_eq!((read.len(), followed), (0, vec!["d".to_owned()]));
        let [read, followed] = follow(&LogQuery::new().all(), &buffer, &[(4, "d")]);
        assert_eq!(
            (read, followed),
            (["a", "b", "c"].map(String::from).to_vec(), vec!["d".to_owned()])
        );
    }
}

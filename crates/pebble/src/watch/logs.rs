//! Follows what services write.
//!
//! To follow the logs, two requests are sent one after the other. The first asks Pebble to follow
//! (`follow=true`), and its answer is not read yet: from then on Pebble itself marks the places
//! where it could not send lines in time. The second asks for all that Pebble keeps in its buffers.
//! That answer has an end, and there it is known whether the position in the log of each service is
//! still in the buffer, and whether what is new of another service is all that it wrote. The first
//! answer begins at the start of the buffers as well, so that no line is lost between the two. If
//! the query wants the newest lines, a request for these comes before both.
//!
//! Pebble follows only the services that had been started when it was asked to (Pebble 1.32,
//! `internals/daemon/api_logs.go`). So the list of services is read once a second meanwhile, and
//! when a service was started that the answer does not cover, both requests are sent anew.

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

/// The time between two reads of the list of services while the logs are followed.
const SERVICES_INTERVAL: Duration = Duration::from_secs(1);

/// The text that Pebble writes in place of lines that it could not send in time (Pebble 1.32.1,
/// `internals/servicelog/iterator.go`).
const TRUNCATED: &str = "(... output truncated ...)";

/// The size from which a buffer may have dropped lines, in bytes. Pebble keeps 100 KiB of each
/// service and drops the oldest bytes one by one; it does not show the line at the front that has
/// lost its beginning. So a full buffer shows at least this much, for lines of up to 16 KiB.
const NEARLY_FULL: usize = 84 * 1024;

/// The bytes that Pebble keeps of an entry besides its message and the service's name:
/// `2026-11-22T20:00:09.300Z [] ` and a newline.
const ENTRY_OVERHEAD: usize = 29;

const OPERATION: &str = "follow the logs";

/// A log follow gives the lines that services write, from [`Reader::follow_logs`]. It ends with an
/// error, or when it is dropped.
#[derive(Debug)]
#[must_use = "a watch does nothing unless its next event is waited for"]
pub struct LogFollow {
    inner: ResumingStream<LogSource>,
}

watch_stream!(LogFollow, LogEvent, |_, _| {});

impl Reader {
    /// Follows what services write. It sends `GET /v1/logs` with `follow`, and `GET /v1/services`
    /// each second.
    ///
    /// It begins with the lines that are written from this call on. A query of the
    /// [`newest`](LogQuery::newest) lines first gives those that are the newest when Pebble is
    /// first asked, and one of [`all`](LogQuery::all) gives all lines that Pebble still has then.
    /// Services that are started later are followed within a second, with all that they wrote.
    ///
    /// The stream outlives restarts of services and of Pebble, and lost connections. Then it
    /// continues where it was and gives each line once, as long as Pebble still has the lines. If
    /// Pebble does not have them, or may not, a [`LogEvent::Gap`] stands in their place, and some
    /// lines that were given may come again after it. A service that has written nothing yet and is
    /// restarted together with Pebble has a gap, too. Lines of one service come in their order.
    /// Lines of several services come in the order of their times, except lines that are fetched
    /// later.
    ///
    /// Pebble gives a line of more than about 4 KiB, and one that is written in parts, as several
    /// entries.
    ///
    /// For lost connections see [`Self::watch_notices`]. Memory is bounded: lines that were not
    /// waited for stay in Pebble, except what newly followed services have written by then, which
    /// is at most 100 KiB of each.
    ///
    /// # Errors
    /// An error is the last item of the stream:
    /// - [`ErrorKind::PermissionDenied`] if access to the socket is denied.
    /// - [`ErrorKind::Api`] if Pebble refuses the request with another status of 400 to 499.
    /// - [`ErrorKind::InvalidRequest`] if the path cannot be that of a socket.
    pub fn follow_logs(&self, query: &LogQuery) -> LogFollow {
        LogFollow { inner: ResumingStream::new(LogSource::new(single_attempt_client(self), query)) }
    }
}

/// The source of a [`LogFollow`].
struct LogSource {
    client: Reader,
    query: LogQuery,
    state: State,
    /// An attempt has failed since the requests were last sent.
    has_failed: bool,
    /// An entry has come since the requests were last sent.
    has_entries: bool,
    /// The buffers were read to their end at least once.
    has_read_buffers: bool,
    /// The number of the newest lines that are still to be read.
    newest: Option<u32>,
    /// The moment before which lines are not wanted, in whole milliseconds as those of entries. It
    /// is `None` once every buffer was read to its end: the cursors then say it better than the
    /// clock.
    earliest: Option<Timestamp>,
    cursors: BTreeMap<String, LogCursor>,
    /// The entries of services of which nothing was seen before these requests. They are held until
    /// the end of the buffer, because only their size shows whether they are all that the service
    /// wrote.
    unseen: BTreeMap<String, Vec<LogEntry>>,
    /// The services that had been started when the list was last read, and since when each has its
    /// state.
    started: BTreeMap<String, Timestamp>,
    /// The timer of the next read of the list of services.
    services_timer: Option<Pin<Box<Sleep>>>,
}

/// The step that the source is at.
enum State {
    /// No request is out.
    Start,
    /// The newest lines are being read.
    ReadingNewest(BodyStream, Lines),
    /// The request to follow was sent, and the buffers are being read.
    ReadingBuffers(BodyStream, Lines, FollowStream),
    /// The buffers were read, and the lines are followed.
    Following(FollowStream, Lines),
}

/// The answer to the request to follow.
enum FollowStream {
    /// The request was sent at this moment. Pebble answers when there is a first line, which may be
    /// a long time off.
    Requested(Instant, Pin<Box<dyn Future<Output = Result<BodyStream, AttemptError>> + Send>>),
    /// The answer has begun.
    Open(Box<BodyStream>),
}

/// Says what came first while the logs were followed.
enum FollowEvent {
    /// The list of services is to be read.
    ServicesDue,
    /// A chunk of the answer has come, or its end (`None`).
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

    /// Does one step: sends requests, or reads the next chunk of an answer.
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
                let entries = self.decode_entries(&chunk)?;
                Ok(polled(self.new_events(entries, true)))
            }
            None if cut_off => {
                Err(AttemptError::temporary("the answer broke off in the middle of a line"))
            }
            None => Ok(polled(self.finish_reading())),
        }
    }

    /// Reads the list of services, asks Pebble to follow, and begins to read the buffers.
    async fn start(&mut self) -> Result<Polled<LogEvent>, AttemptError> {
        // The list is read before the request to follow: a service that starts in between is
        // covered by the answer without being in the list, which at worst sends the requests once
        // more.
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
            // A service that has written nothing has no position that could be found missing. That
            // it was restarted is the only sign that lines may be missing.
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

    /// Prepares for reading the buffers again from their start.
    fn rewind(&mut self) {
        self.unseen.clear();
        self.cursors.values_mut().for_each(LogCursor::rewind);
    }

    /// Returns `true` if no line of this service was ever seen.
    fn is_unseen(&self, name: &str) -> bool {
        self.cursors.get(name).is_none_or(|cursor| !cursor.has_position())
    }

    /// Ends the reading of the buffers, since all that Pebble keeps was read. A position that was
    /// not found is lost. After the newest lines the buffers are read again; after the buffers the
    /// follow stream is read.
    fn finish_reading(&mut self) -> Vec<LogEvent> {
        let mut events = Vec::new();
        for (name, cursor) in &mut self.cursors {
            let after = cursor.last_time();
            let mut found = Vec::new();
            cursor.finish(&mut found);
            events.extend(found.into_iter().map(|found| to_event(name, after, found)));
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
                self.add_entry(entry, &mut events);
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

    /// Notes that each buffer was read to its end.
    fn mark_buffers_read(&mut self) {
        self.has_read_buffers = true;
        self.earliest = None;
    }

    /// Waits for the next chunk of the follow stream, or for the time to read the list of services.
    async fn follow(&mut self) -> Result<Polled<LogEvent>, AttemptError> {
        match poll_fn(|cx| self.poll_follow(cx)).await {
            FollowEvent::ServicesDue => {
                if let State::Following(FollowStream::Requested(requested_at, _), _) = &self.state
                    // Only a Pebble that keeps at least one line has something to answer at once.
                    && self.has_entries
                    && requested_at.elapsed() > SILENCE_LIMIT
                {
                    let unanswered = requested_at.elapsed();
                    // A request that only reads has no effect that would have to be looked for.
                    return Err(AttemptError::TimedOut { unanswered, acted: false });
                }
                let now = started_services(&self.client, &self.query).await?;
                self.services_timer = Some(Box::pin(tokio::time::sleep(SERVICES_INTERVAL)));
                // A service that was missing from the list in between has a new buffer, which the
                // answer does not cover either.
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
                let entries = self.decode_entries(&chunk)?;
                Ok(Polled { items: self.new_events(entries, false), is_healthy: true })
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

    /// Decodes the entries that a chunk completes.
    fn decode_entries(&mut self, chunk: &[u8]) -> Result<Vec<LogEntry>, AttemptError> {
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

    /// Returns what is new among entries, in their order. `is_buffer` says that they come from the
    /// read of the buffers.
    fn new_events(&mut self, entries: Vec<LogEntry>, is_buffer: bool) -> Vec<LogEvent> {
        self.has_entries |= !entries.is_empty();
        let mut events = Vec::new();
        for entry in entries {
            // If a service has lines older than the earliest that are wanted, all that are wanted
            // are still there.
            let is_complete = self.newest.is_some() || is_before(self.earliest, entry.time());
            let has_start = self.has_read_buffers || self.earliest.is_some();
            if is_buffer && has_start && !is_complete && self.is_unseen(entry.service()) {
                self.unseen.entry(entry.service().to_owned()).or_default().push(entry);
            } else {
                self.add_entry(entry, &mut events);
            }
        }
        events
    }

    fn add_entry(&mut self, entry: LogEntry, events: &mut Vec<LogEvent>) {
        let name = entry.service().to_owned();
        let newest = self.newest.is_some();
        let earliest = self.earliest;
        let too_old = |time| is_before(earliest, time);
        // Before the newest lines, the service may have written others.
        let cursor = self
            .cursors
            .entry(name.clone())
            .or_insert_with(|| if newest { LogCursor::after_gap() } else { LogCursor::default() });
        if entry.message() == TRUNCATED {
            // During the search, whether lines are missing shows when the position is found or not.
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
        let mut found = Vec::new();
        cursor.read(entry, &mut found);
        events.extend(found.into_iter().map(|found| to_event(&name, after, found)));
    }
}

fn is_before(earliest: Option<Timestamp>, time: Timestamp) -> bool {
    earliest.is_some_and(|earliest| time < earliest)
}

/// Reads the services of the query that were ever started.
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
    /// Sends the request to follow, without waiting for its answer.
    fn request(client: &Reader, query: &LogQuery) -> Self {
        let client = client.clone();
        let request = query.follow_request();
        let response = async move { client.open(&request, None).await };
        Self::Requested(Instant::now(), Box::pin(response))
    }

    /// Drives the request, and takes the head of the answer when it has come.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Result<(), AttemptError> {
        if let Self::Requested(_, response) = self
            && let Poll::Ready(stream) = response.as_mut().poll(cx)
        {
            *self = Self::Open(Box::new(stream?));
        }
        Ok(())
    }
}

/// Does `work` while the request to follow is sent: nothing else would poll it.
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

/// The reason why an answer is not a log.
#[derive(Debug, thiserror::Error)]
enum InvalidLog {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("a line of its answer is no entry of a log")]
    NotAnEntry(#[from] serde_json::Error),
}

/// Wraps the events of a read of the buffers. Without an event it does not count as a recovery,
/// because the follow stream may still fail.
fn polled(items: Vec<LogEvent>) -> Polled<LogEvent> {
    Polled { items, is_healthy: false }
}

fn to_event(service: &str, after: Option<Timestamp>, found: CursorEvent) -> LogEvent {
    match found {
        CursorEvent::New(entry) => LogEvent::Entry(entry),
        CursorEvent::Lost => LogEvent::gap(service, after, GapCause::Forgotten),
    }
}

/// Turns a failure of a stream into one of the attempt. The stream is read in the attempt that
/// opened it, so its loss is a failure of the watch.
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

    /// Follows a log of these lines. Returns the texts that come while the buffer is read, and
    /// those that come when it is followed.
    fn follow(query: &LogQuery, buffer: &[(u32, &str)], then: &[(u32, &str)]) -> [Vec<String>; 2] {
        let mut logs = LogSource::new(single_attempt_client(&Client::new("/nowhere")), query);
        let mut read = logs.new_events(entries(buffer), true);
        read.extend(logs.finish_reading());
        logs.mark_buffers_read();
        let followed = logs.new_events(entries(&[buffer, then].concat()), false);
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
        // The same for a service that had written nothing.
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

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
use super::cursor::{Seen, Track};
use super::lines::{Lines, TooLong};
use super::log_event::{GapCause, LogEvent};
use super::{PATIENCE, ResumingStream, Round, Source, watch_stream, watcher};
#[cfg(doc)]
use crate::ErrorKind;

/// How often the list of services is read beside the following.
const LOOK: Duration = Duration::from_secs(1);

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
    inner: ResumingStream<Logs>,
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
        LogFollow { inner: ResumingStream::new(Logs::new(watcher(self), query)) }
    }
}

struct Logs {
    client: Reader,
    query: LogQuery,
    stage: Stage,
    /// Something went wrong since the last opening.
    broke: bool,
    /// The buffers held something at this opening.
    filled: bool,
    /// The buffers were read to their end once.
    begun: bool,
    /// So many of the newest lines are still to be read.
    newest: Option<u32>,
    /// What is older was not asked for; to the millisecond, as entries are. Once each buffer was
    /// read to its end, the place says it better than the clock.
    floor: Option<Timestamp>,
    tracks: BTreeMap<String, Track>,
    /// The entries of services of which nothing was seen before this opening: whether it is all
    /// that they wrote shows by how much it is.
    new: BTreeMap<String, Vec<LogEntry>>,
    /// The services that had been started at the last look, and since when they are as they are.
    started: BTreeMap<String, Timestamp>,
    /// When the services are looked at next.
    look: Option<Pin<Box<Sleep>>>,
}

enum Stage {
    Start,
    /// The newest lines are read.
    Newest(BodyStream, Lines),
    /// The following was asked for, and the buffers are read.
    Reading(BodyStream, Lines, FollowStream),
    FollowStream(FollowStream, Lines),
}

/// What is followed.
enum FollowStream {
    /// It was asked for at that moment. Pebble answers with the first line that there is, which may
    /// be a long time off.
    Asked(Instant, Pin<Box<dyn Future<Output = Result<BodyStream, AttemptError>> + Send>>),
    Open(Box<BodyStream>),
}

/// What came first.
enum Next {
    Look,
    Piece(Option<Result<Bytes, AttemptError>>),
}

impl Source for Logs {
    type Item = LogEvent;

    fn operation(&self) -> &'static str {
        OPERATION
    }

    fn client(&self) -> &Reader {
        &self.client
    }

    async fn round(&mut self) -> Result<Round<LogEvent>, AttemptError> {
        let result = self.step().await;
        if result.is_err() {
            self.stage = Stage::Start;
            self.broke = true;
        }
        result
    }
}

impl Logs {
    fn new(client: Reader, query: &LogQuery) -> Self {
        let now = Some(Timestamp::now().floor_to_millis());
        let (newest, floor) = match query.extent() {
            Extent::Default | Extent::Newest(0) => (None, now),
            Extent::Newest(lines) => (Some(lines), now),
            Extent::All => (None, None),
        };
        Self {
            client,
            query: query.clone(),
            stage: Stage::Start,
            broke: false,
            filled: false,
            begun: false,
            newest,
            floor,
            tracks: BTreeMap::new(),
            new: BTreeMap::new(),
            started: BTreeMap::new(),
            look: None,
        }
    }

    async fn step(&mut self) -> Result<Round<LogEvent>, AttemptError> {
        let (piece, cut_off) = match &mut self.stage {
            Stage::Start => return self.start().await,
            Stage::FollowStream(..) => return self.follow().await,
            Stage::Newest(incoming, lines) => {
                (incoming.chunk(PATIENCE).await.map_err(broken)?, lines.is_cut_off())
            }
            Stage::Reading(incoming, lines, following) => {
                let piece = async { incoming.chunk(PATIENCE).await.map_err(broken) };
                (beside(following, piece).await?, lines.is_cut_off())
            }
        };
        match piece {
            Some(piece) => {
                let entries = self.entries(&piece)?;
                Ok(round(self.seen(entries, true)))
            }
            None if cut_off => {
                Err(AttemptError::temporary("the answer broke off in the middle of a line"))
            }
            None => Ok(round(self.read_to_the_end())),
        }
    }

    /// Sees what is started, asks for the following, and begins to read the buffers.
    async fn start(&mut self) -> Result<Round<LogEvent>, AttemptError> {
        let now = started_services(&self.client, &self.query).await?;
        let stage = if let Some(lines) = self.newest {
            let request = self.query.clone().newest(lines).stream_request();
            let incoming = self.client.open(&request, Some(PATIENCE)).await?;
            Stage::Newest(incoming, Lines::default())
        } else {
            let mut following = FollowStream::ask(&self.client, &self.query);
            let request = self.query.clone().all().stream_request();
            let incoming =
                beside(&mut following, self.client.open(&request, Some(PATIENCE))).await?;
            Stage::Reading(incoming, Lines::default(), following)
        };
        let mut events = Vec::new();
        if std::mem::take(&mut self.broke) && self.begun {
            // Of one that has written nothing there is no place that could be missed.
            for (name, since) in &self.started {
                if self.is_unseen(name) && now.get(name) != Some(since) {
                    events.push(LogEvent::gap(name, None, GapCause::Forgotten));
                }
            }
        }
        self.started = now;
        self.filled = false;
        self.rewind();
        self.stage = stage;
        Ok(round(events))
    }

    /// The buffers are read again from their start.
    fn rewind(&mut self) {
        self.new.clear();
        self.tracks.values_mut().for_each(Track::rewind);
    }

    /// Whether no line of this service was ever seen.
    fn is_unseen(&self, name: &str) -> bool {
        self.tracks.get(name).is_none_or(|track| !track.has_place())
    }

    /// All that Pebble keeps was read: a place that was not found is lost. After the newest lines
    /// the rest is read, else the following begins.
    fn read_to_the_end(&mut self) -> Vec<LogEvent> {
        let mut events = Vec::new();
        for (name, track) in &mut self.tracks {
            let after = track.time();
            let mut seen = Vec::new();
            track.end(&mut seen);
            events.extend(seen.into_iter().map(|seen| event(name, after, seen)));
        }
        for (name, entries) in std::mem::take(&mut self.new) {
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
        if let Stage::Reading(_, _, following) = std::mem::replace(&mut self.stage, Stage::Start) {
            self.know_each_place();
            self.look = Some(Box::pin(tokio::time::sleep(LOOK)));
            self.stage = Stage::FollowStream(following, Lines::default());
        }
        self.rewind();
        events
    }

    /// Each buffer was read to its end.
    fn know_each_place(&mut self) {
        self.begun = true;
        self.floor = None;
    }

    /// Waits for the next piece of what is followed, or for the time to look at the services.
    async fn follow(&mut self) -> Result<Round<LogEvent>, AttemptError> {
        match poll_fn(|cx| self.poll_follow(cx)).await {
            Next::Look => {
                if let Stage::FollowStream(FollowStream::Asked(asked, _), _) = &self.stage
                    && self.filled
                    && asked.elapsed() > PATIENCE
                {
                    let unanswered = asked.elapsed();
                    return Err(AttemptError::TimedOut { unanswered, acted: false });
                }
                let now = started_services(&self.client, &self.query).await?;
                self.look = Some(Box::pin(tokio::time::sleep(LOOK)));
                // A service that Pebble has forgotten in between has a new buffer, which is not
                // covered either.
                self.started.retain(|name, _| now.contains_key(name));
                if now.keys().any(|name| !self.started.contains_key(name)) {
                    self.stage = Stage::Start;
                } else {
                    self.started = now;
                }
                Ok(Round { items: Vec::new(), healthy: true })
            }
            Next::Piece(None) => Err(AttemptError::temporary("Pebble has ended the stream")),
            Next::Piece(Some(piece)) => {
                let piece = piece?;
                let entries = self.entries(&piece)?;
                Ok(Round { items: self.seen(entries, false), healthy: true })
            }
        }
    }

    fn poll_follow(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        let Stage::FollowStream(following, _) = &mut self.stage else {
            return Poll::Pending;
        };
        if let Err(failure) = following.poll_open(cx) {
            return Poll::Ready(Next::Piece(Some(Err(failure))));
        }
        if let Some(look) = &mut self.look
            && look.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Next::Look);
        }
        match following {
            FollowStream::Asked(..) => Poll::Pending,
            FollowStream::Open(incoming) => incoming
                .poll_chunk(cx)
                .map(|piece| Next::Piece(piece.map(|piece| piece.map_err(broken)))),
        }
    }

    /// The entries that a piece completes.
    fn entries(&mut self, piece: &[u8]) -> Result<Vec<LogEntry>, AttemptError> {
        let mut entries = Vec::new();
        let lines = match &mut self.stage {
            Stage::Start => return Ok(entries),
            Stage::Newest(_, lines)
            | Stage::Reading(_, lines, _)
            | Stage::FollowStream(_, lines) => lines,
        };
        let result = lines.take(piece, |line| {
            entries.push(serde_json::from_slice(line)?);
            Ok::<_, NotEntries>(())
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
        self.filled |= !entries.is_empty();
        let mut events = Vec::new();
        for entry in entries {
            // Of one that has older lines than were asked for, all that were are there.
            let whole = self.newest.is_some() || is_before(self.floor, entry.time());
            let asked_for = self.begun || self.floor.is_some();
            if reading && asked_for && !whole && self.is_unseen(entry.service()) {
                self.new.entry(entry.service().to_owned()).or_default().push(entry);
            } else {
                self.take(entry, &mut events);
            }
        }
        events
    }

    fn take(&mut self, entry: LogEntry, events: &mut Vec<LogEvent>) {
        let name = entry.service().to_owned();
        let newest = self.newest.is_some();
        let floor = self.floor;
        let too_old = |time| is_before(floor, time);
        // Of the newest lines, the first has come after others.
        let track = self
            .tracks
            .entry(name.clone())
            .or_insert_with(|| if newest { Track::torn() } else { Track::default() });
        if entry.message() == TRUNCATED {
            // While the place is looked for, whether anything is missing shows when it is found or
            // not.
            if !track.is_searching() {
                track.tear();
                events.push(LogEvent::gap(&name, track.time(), GapCause::Truncated));
            }
            return;
        }
        if !newest
            && !track.is_searching()
            && too_old(entry.time())
            && track.time().is_none_or(too_old)
        {
            track.pass(&entry);
            return;
        }
        let after = track.time();
        let mut seen = Vec::new();
        track.take(entry, &mut seen);
        events.extend(seen.into_iter().map(|seen| event(&name, after, seen)));
    }
}

fn is_before(floor: Option<Timestamp>, time: Timestamp) -> bool {
    floor.is_some_and(|floor| time < floor)
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
    fn ask(client: &Reader, query: &LogQuery) -> Self {
        let client = client.clone();
        let request = query.follow_request();
        let opening = async move { client.open(&request, None).await };
        Self::Asked(Instant::now(), Box::pin(opening))
    }

    /// Lets the request go its way, and takes the head of its answer.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Result<(), AttemptError> {
        if let Self::Asked(_, opening) = self
            && let Poll::Ready(incoming) = opening.as_mut().poll(cx)
        {
            *self = Self::Open(Box::new(incoming?));
        }
        Ok(())
    }
}

/// Does something while the request for the following goes its way.
async fn beside<T>(
    following: &mut FollowStream,
    work: impl Future<Output = Result<T, AttemptError>>,
) -> Result<T, AttemptError> {
    let mut work = pin!(work);
    poll_fn(|cx| match following.poll_open(cx) {
        Ok(()) => work.as_mut().poll(cx),
        Err(failure) => Poll::Ready(Err(failure)),
    })
    .await
}

#[derive(Debug, thiserror::Error)]
enum NotEntries {
    #[error(transparent)]
    TooLong(#[from] TooLong),
    #[error("a line of its answer is no entry of a log")]
    NoEntry(#[from] serde_json::Error),
}

fn round(items: Vec<LogEvent>) -> Round<LogEvent> {
    Round { items, healthy: false }
}

fn event(service: &str, after: Option<Timestamp>, seen: Seen) -> LogEvent {
    match seen {
        Seen::New(entry) => LogEvent::Entry(entry),
        Seen::Lost => LogEvent::gap(service, after, GapCause::Forgotten),
    }
}

/// What is followed is one attempt, and its break is a break of the watch.
fn broken(broken: TransportError) -> AttemptError {
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
        let mut logs = Logs::new(watcher(&Client::new("/nowhere")), query);
        let mut read = logs.seen(entries(buffer), true);
        read.extend(logs.read_to_the_end());
        logs.know_each_place();
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

//! Following what services write.
//!
//! One opening is two requests. The first reads all that Pebble keeps, which is an answer with an end: there it shows whether the place where a
//! service's log was left is still there. The second is the following itself, from the start of the buffers again, so that nothing falls between the
//! two. Pebble's following covers the services that had been started when it was asked for; so the list of services is read once a second beside it,
//! and when one was started that is not covered, it is opened anew.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::time::Sleep;

use super::super::call::Failure;
use super::super::client::Client;
use super::super::error::Error;
use super::super::incoming::Incoming;
use super::super::logs::{Extent, LogEntry, LogQuery};
use super::super::service_info::ServiceInfo;
use super::super::services::list_request;
use super::super::timestamp::Timestamp;
use super::super::transport::Broken;
use super::cursor::{Seen, Track};
use super::lines::{Lines, TooLong};
use super::{PATIENCE, Resuming, Round, Source, watch_stream, watcher};
#[cfg(doc)]
use crate::pebble::ErrorKind;

/// How often the list of services is read beside the following.
const LOOK: Duration = Duration::from_secs(1);

/// What Pebble writes in place of what it could not hand on in time (Pebble 1.32.1, `internals/servicelog/iterator.go`).
const TRUNCATED: &str = "(... output truncated ...)";

/// Pebble keeps 100 KiB a service, and drops what is older byte by byte; the part of a line at the front does not show. What is shown of a full
/// buffer is at least this much, for lines of up to 16 KiB.
const NEARLY_FULL: usize = 84 * 1024;

/// What Pebble keeps beside the message of an entry: `2026-11-22T20:00:09.300Z [] ` and a newline.
const ENTRY_OVERHEAD: usize = 29;

const OPERATION: &str = "follow the logs";

/// What [`LogFollow`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogEvent {
    /// A line of a service.
    Entry(LogEntry),
    /// Lines of a service may be missing here.
    Gap(LogGap),
}

/// A place in the log of a service where lines may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGap {
    service: String,
    after: Option<Timestamp>,
    cause: GapCause,
}

/// Why lines may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapCause {
    /// Pebble no longer has what came next: it was restarted, or the service has written more than the 100 KiB that are kept while nobody could read.
    Forgotten,
    /// Pebble says that it has left lines out, since they were not read as fast as they were written. The line that follows may lack its beginning.
    Truncated,
}

impl LogGap {
    /// The service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The time of the last line before it; `None` when it is before the first line of the service.
    #[must_use]
    pub fn after(&self) -> Option<Timestamp> {
        self.after
    }

    /// Why lines may be missing.
    #[must_use]
    pub fn cause(&self) -> GapCause {
        self.cause
    }
}

/// A stream of what services write, from [`Client::follow_logs`]. It ends by being dropped.
#[derive(Debug)]
#[must_use = "a watch does nothing unless its next event is waited for"]
pub struct LogFollow {
    inner: Resuming<Logs>,
}

watch_stream!(LogFollow, LogEvent, |_, _| {});

impl Client {
    /// Follows what services write: `GET /v1/logs` with `follow`, and `GET /v1/services` each second.
    ///
    /// It begins with the lines that are written from this call on; a query of the [`newest`](LogQuery::newest) lines gives those first, and one of
    /// [`all`](LogQuery::all) all that Pebble still has. Services that are started later are taken up within a second, with all that they wrote.
    ///
    /// It outlives restarts of services and of Pebble, and breaks. Then it goes on where it was, each line once, as long as Pebble still has them; where
    /// it does not, or may not, a [`LogEvent::Gap`] stands in their place. A service that has written nothing yet and is started anew together with Pebble
    /// has one, too. Lines of one service come in their order; those of several by their time, but for lines that are fetched later.
    ///
    /// Pebble gives a line of over about 4 KiB, and one that is written in parts, as several entries.
    ///
    /// For breaks see [`Self::watch_notices`]. Memory is bounded: what is not asked for stays in Pebble.
    ///
    /// # Errors
    /// An error is the last item: [`ErrorKind::PermissionDenied`], [`ErrorKind::Api`] for any other refusal by a status of 400 to 499, and
    /// [`ErrorKind::InvalidRequest`] for a path that cannot be a socket's.
    pub fn follow_logs(&self, query: &LogQuery) -> LogFollow {
        LogFollow {
            inner: Resuming::new(Logs::new(watcher(self), query)),
        }
    }
}

struct Logs {
    client: Client,
    query: LogQuery,
    stage: Stage,
    /// Something went wrong since the last opening.
    broke: bool,
    /// The buffers held something at this opening.
    filled: bool,
    /// The buffers were read to their end once.
    begun: bool,
    /// What is older was not asked for; to the millisecond, as entries are.
    floor: Option<Timestamp>,
    tracks: BTreeMap<String, Track>,
    /// The entries of services that are new at this opening: whether it is all that they wrote shows by how much it is.
    new: BTreeMap<String, Vec<LogEntry>>,
    /// The services that had been started at the last look, and since when they are as they are.
    started: BTreeMap<String, Timestamp>,
    /// When the services are looked at next.
    look: Option<Pin<Box<Sleep>>>,
}

enum Stage {
    Start,
    /// The buffers are read.
    Reading(Incoming, Lines),
    /// The following was asked for. Pebble answers with the first line that there is.
    Opening(Pin<Box<dyn Future<Output = Result<Incoming, Failure>> + Send>>),
    Following(Incoming, Lines),
}

/// What came first.
enum Next {
    Look,
    Opened(Result<Incoming, Failure>),
    Piece(Option<Result<Bytes, Broken>>),
}

impl Source for Logs {
    type Item = LogEvent;

    fn operation(&self) -> &'static str {
        OPERATION
    }

    fn client(&self) -> &Client {
        &self.client
    }

    async fn round(&mut self) -> Result<Round<LogEvent>, Failure> {
        let result = self.step().await;
        if result.is_err() {
            self.stage = Stage::Start;
            self.broke = true;
        }
        result
    }
}

impl Logs {
    fn new(client: Client, query: &LogQuery) -> Self {
        let floor = match query.extent() {
            Extent::Default | Extent::Newest(_) => Some(Timestamp::now().floor_to_millis()),
            Extent::All => None,
        };
        Self {
            client,
            query: query.clone(),
            stage: Stage::Start,
            broke: false,
            filled: false,
            begun: false,
            floor,
            tracks: BTreeMap::new(),
            new: BTreeMap::new(),
            started: BTreeMap::new(),
            look: None,
        }
    }

    async fn step(&mut self) -> Result<Round<LogEvent>, Failure> {
        match &mut self.stage {
            Stage::Start => self.start().await,
            Stage::Reading(incoming, lines) => match incoming.chunk(PATIENCE).await.map_err(broken)? {
                Some(piece) => {
                    let entries = self.client.entries(lines, &piece)?;
                    Ok(round(self.seen(entries, true)))
                }
                None if lines.is_cut_off() => Err(Failure::temporary("the answer broke off in the middle of a line")),
                None => Ok(round(self.read_to_the_end())),
            },
            Stage::Opening(_) | Stage::Following(..) => self.follow().await,
        }
    }

    /// Sees what is started, and begins to read the buffers.
    async fn start(&mut self) -> Result<Round<LogEvent>, Failure> {
        let now = started_services(&self.client, &self.query).await?;
        let newest = match self.query.extent() {
            Extent::Newest(lines) if !self.begun && lines > 0 => true,
            Extent::Default | Extent::Newest(_) | Extent::All => false,
        };
        let query = if newest {
            self.query.clone()
        } else {
            self.query.clone().all()
        };
        let request = query.stream_request();
        let incoming = self.client.open(&request, Some(PATIENCE)).await?;
        let mut events = Vec::new();
        if std::mem::take(&mut self.broke) && self.begun {
            // Of one that has written nothing there is no place that could be missed.
            for (name, since) in &self.started {
                let unseen = self.tracks.get(name).is_none_or(|track| !track.has_place());
                if unseen && now.get(name) != Some(since) {
                    events.push(gap(name, None, GapCause::Forgotten));
                }
            }
        }
        self.started = now;
        self.filled = false;
        self.rewind();
        self.stage = Stage::Reading(incoming, Lines::default());
        Ok(round(events))
    }

    /// The buffers are read again from their start.
    fn rewind(&mut self) {
        self.new.clear();
        self.tracks.values_mut().for_each(Track::rewind);
    }

    /// All that Pebble keeps was read: a place that was not found is lost. Then the following begins.
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
                events.push(gap(&name, None, GapCause::Forgotten));
            }
            for entry in entries {
                self.take(entry, &mut events);
            }
        }
        self.begun = true;
        self.rewind();
        let client = self.client.clone();
        let request = self.query.follow_request();
        // Its head comes with the first line, which may be a long time off where there is none yet.
        let patience = self.filled.then_some(PATIENCE);
        self.stage = Stage::Opening(Box::pin(async move { client.open(&request, patience).await }));
        self.look = Some(Box::pin(tokio::time::sleep(LOOK)));
        events
    }

    /// Waits for the next piece of what is followed, or for the time to look at the services.
    async fn follow(&mut self) -> Result<Round<LogEvent>, Failure> {
        match poll_fn(|cx| self.poll_follow(cx)).await {
            Next::Look => {
                let now = started_services(&self.client, &self.query).await?;
                self.look = Some(Box::pin(tokio::time::sleep(LOOK)));
                // A service that Pebble has forgotten in between has a new buffer, which is not covered either.
                self.started.retain(|name, _| now.contains_key(name));
                if now.keys().any(|name| !self.started.contains_key(name)) {
                    self.stage = Stage::Start;
                } else {
                    self.started = now;
                }
                Ok(Round {
                    items: Vec::new(),
                    healthy: true,
                })
            }
            Next::Opened(incoming) => {
                self.stage = Stage::Following(incoming?, Lines::default());
                Ok(round(Vec::new()))
            }
            Next::Piece(None) => Err(Failure::temporary("Pebble has ended the stream")),
            Next::Piece(Some(piece)) => {
                let piece = piece.map_err(broken)?;
                let entries = match &mut self.stage {
                    Stage::Following(_, lines) => self.client.entries(lines, &piece)?,
                    Stage::Start | Stage::Reading(..) | Stage::Opening(_) => Vec::new(),
                };
                Ok(Round {
                    items: self.seen(entries, false),
                    healthy: true,
                })
            }
        }
    }

    fn poll_follow(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if let Some(look) = &mut self.look
            && look.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Next::Look);
        }
        Poll::Ready(match &mut self.stage {
            Stage::Opening(opening) => Next::Opened(ready!(opening.as_mut().poll(cx))),
            Stage::Following(incoming, _) => Next::Piece(ready!(incoming.poll_chunk(cx))),
            Stage::Start | Stage::Reading(..) => return Poll::Pending,
        })
    }

    /// What is new among entries as they come.
    fn seen(&mut self, entries: Vec<LogEntry>, reading: bool) -> Vec<LogEvent> {
        self.filled |= !entries.is_empty();
        let mut events = Vec::new();
        for entry in entries {
            let track = self.tracks.get(entry.service());
            if reading && self.begun && track.is_none_or(|track| !track.has_place()) {
                self.new.entry(entry.service().to_owned()).or_default().push(entry);
            } else {
                self.take(entry, &mut events);
            }
        }
        events
    }

    fn take(&mut self, entry: LogEntry, events: &mut Vec<LogEvent>) {
        let name = entry.service().to_owned();
        let newest = !self.begun && matches!(self.query.extent(), Extent::Newest(lines) if lines > 0);
        // Of the newest lines, the first has come after others.
        let track = self
            .tracks
            .entry(name.clone())
            .or_insert_with(|| if newest { Track::torn() } else { Track::default() });
        if entry.message() == TRUNCATED {
            // While the place is looked for, whether anything is missing shows when it is found or not.
            if !track.is_searching() {
                track.tear();
                events.push(gap(&name, track.time(), GapCause::Truncated));
            }
            return;
        }
        let too_old = |time| self.floor.is_some_and(|floor| time < floor);
        if !newest && !track.is_searching() && too_old(entry.time()) && track.time().is_none_or(too_old) {
            track.pass(&entry);
            return;
        }
        let after = track.time();
        let mut seen = Vec::new();
        track.take(entry, &mut seen);
        events.extend(seen.into_iter().map(|seen| event(&name, after, seen)));
    }
}

/// The services of the query that were ever started.
async fn started_services(client: &Client, query: &LogQuery) -> Result<BTreeMap<String, Timestamp>, Failure> {
    let services: Vec<ServiceInfo> = client.read_list_once(&list_request(query.names()), 1).await?;
    Ok(services
        .iter()
        .filter_map(|service| Some((service.name().to_owned(), service.current_since()?)))
        .collect())
}

impl Client {
    /// The entries that a piece completes.
    fn entries(&self, lines: &mut Lines, piece: &[u8]) -> Result<Vec<LogEntry>, Failure> {
        let mut entries = Vec::new();
        let result = lines.take(piece, |line| {
            entries.push(serde_json::from_slice(line)?);
            Ok::<_, NotEntries>(())
        });
        match result {
            Ok(()) => Ok(entries),
            Err(error) => {
                let reason = "what Pebble sent is no log";
                Err(Failure::Final(
                    Error::protocol(OPERATION, self.target(), reason).with_source(error),
                ))
            }
        }
    }
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

fn gap(service: &str, after: Option<Timestamp>, cause: GapCause) -> LogEvent {
    LogEvent::Gap(LogGap {
        service: service.to_owned(),
        after,
        cause,
    })
}

fn event(service: &str, after: Option<Timestamp>, seen: Seen) -> LogEvent {
    match seen {
        Seen::New(entry) => LogEvent::Entry(entry),
        Seen::Lost => gap(service, after, GapCause::Forgotten),
    }
}

/// What is followed is one attempt, and its break is a break of the watch.
fn broken(broken: Broken) -> Failure {
    Failure::temporary(broken.cause)
}

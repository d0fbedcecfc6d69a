//! One connection, and one request at a time on it.
//!
//! A connection is driven by the future of the request that uses it, so there is no background
//! task, and dropping that future closes the connection. A request is answered as a whole
//! ([`Connection::exchange`]), as a stream ([`Connection::open`], then [`Connection::poll_chunk`]), or by turning the
//! connection into something else ([`Connection::upgrade`]). What the stream has counters is counted, so
//! that "nothing was sent" is a fact, and so that slow is told from silent.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::Response;
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::{Builder, Connection as HttpConnection, SendRequest};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::body::Outgoing;
use super::duration::seconds;
use super::self_wake::SelfWake;
use super::transport_error::{TransportError, TransportFailure, plain};

/// What a slow disk writes in a second. Pebble answers a push when the disk has what it was sent
/// (fsync), so after the last byte it may rightly be silent for as long as that takes.
const SLOW_DISK: u64 = 10 * 1024 * 1024;

/// The largest answer that is read as a whole; the largest real ones are changes with hundreds of
/// tasks, well under 1 MiB.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// As its header says.
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) body: Bytes,
}

impl Reply {
    /// Whether it says that it is plain text.
    pub(crate) fn is_text(&self) -> bool {
        self.content_type.as_ref().is_some_and(|value| value.as_bytes().starts_with(b"text/plain"))
    }
}

/// Why an upload has no answer.
#[derive(Debug)]
pub(crate) enum UploadFailure<E> {
    Connection(TransportError),
    /// What was to be sent could not be read.
    Source(E),
}

/// A connection that no longer speaks HTTP, and what of it was read already.
pub(crate) struct Upgraded {
    pub(crate) io: TokioIo<CountingStream>,
    pub(crate) read: Bytes,
}

type Driver = Box<HttpConnection<CountingStream, Outgoing>>;

/// One open connection. Its number tells it from every other of this client: a daemon that was
/// restarted cannot go on with an old connection, so what was true of the daemon on connection 3 is true
/// as long as connection 3 is open.
#[derive(Debug)]
pub(crate) struct Connection {
    number: u64,
    sender: SendRequest<Outgoing>,
    driver: Option<Driver>,
    counters: Arc<IoCounters>,
    /// It has been idle in between, so it may have died unnoticed.
    was_idle: bool,
    /// No exchange is, or was left, in the middle.
    is_reusable: bool,
}

impl Connection {
    /// HTTP/1.1 on a new connection.
    pub(crate) async fn new(
        number: u64,
        stream: hyperlocal::UnixStream,
    ) -> Result<Self, TransportError> {
        let counters = Arc::new(IoCounters::new());
        let stream = CountingStream { stream, counters: Arc::clone(&counters) };
        let (sender, connection) = Builder::new()
            .handshake(stream)
            .await
            .map_err(|error| TransportError::new(TransportFailure::NotSent, error.to_string()))?;
        Ok(Self {
            number,
            sender,
            driver: Some(Box::new(connection)),
            counters,
            was_idle: false,
            is_reusable: true,
        })
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Ready for another request some time later; `None` when an exchange on it was broken off.
    pub(crate) fn idle(mut self) -> Option<Self> {
        self.was_idle = true;
        self.is_reusable.then_some(self)
    }

    /// Whether it can take another request: it is open, as far as is known, and nothing has come
    /// since the last answer. What comes unasked would be taken for the answer to the request.
    ///
    /// One that the daemon closes later fails before anything is sent: the kernel takes no byte for
    /// a socket whose other end is gone.
    pub(crate) async fn is_usable(&mut self) -> bool {
        // What has come is known once the runtime has looked at its sockets, and that it does
        // before it goes on with what has given way.
        tokio::task::yield_now().await;
        poll_fn(|cx| {
            poll_driver(&mut self.driver, cx);
            Poll::Ready(())
        })
        .await;
        self.driver.is_some() && !self.sender.is_closed()
    }

    /// Sends one request and reads its whole answer, within `limit`.
    pub(crate) async fn exchange(
        &mut self,
        message: hyper::Request<Outgoing>,
        limit: Duration,
    ) -> Result<Reply, TransportError> {
        self.begin_exchange();
        let Self { sender, driver, .. } = self;
        let answer = with_driver(driver, async { collect(send(sender, message).await?).await });
        let result = match tokio::time::timeout(limit, answer).await {
            Ok(result) => result,
            Err(_) => Err(self.timed_out(limit)),
        };
        self.end_exchange(result)
    }

    /// Sends one request whose body is still being made by `pump`, and reads its whole answer.
    /// `stall` bounds the time in which nothing is sent, and so the time for the whole answer; it
    /// grows by what a slow disk needs for the bytes that were sent.
    ///
    /// `pump` is first polled when a part of the request is on its way, so what it takes from its
    /// source is not taken in vain. An answer that comes before the body is complete is an answer.
    pub(crate) async fn upload<E>(
        &mut self,
        message: hyper::Request<Outgoing>,
        pump: impl Future<Output = Result<(), E>>,
        stall: Duration,
    ) -> Result<Reply, UploadFailure<E>> {
        self.begin_exchange();
        let counters = Arc::clone(&self.counters);
        let Self { sender, driver, .. } = self;
        let answer = with_driver(driver, async {
            let mut answer = pin!(async { collect(send(sender, message).await?).await });
            let mut pump = pin!(pump);
            let mut pumping = true;
            poll_fn(|cx| {
                if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                    return Poll::Ready(
                        answer.map(|reply| (reply, !pumping)).map_err(UploadFailure::Connection),
                    );
                }
                // Whoever wakes the connection, so that it writes, wakes this too.
                if pumping
                    && counters.has_written()
                    && let Poll::Ready(result) = pump.as_mut().poll(cx)
                {
                    pumping = false;
                    if let Err(error) = result {
                        return Poll::Ready(Err(UploadFailure::Source(error)));
                    }
                }
                Poll::Pending
            })
            .await
        });
        match while_sending(&self.counters, stall, answer).await {
            Some(Ok((reply, complete))) => {
                self.is_reusable = complete;
                Ok(reply)
            }
            Some(Err(UploadFailure::Connection(error))) => {
                Err(UploadFailure::Connection(self.corrected_by_counters(error)))
            }
            Some(Err(source)) => Err(source),
            None => Err(UploadFailure::Connection(self.timed_out(self.unanswered_for()))),
        }
    }

    /// Sends one request and gives the head of its answer, whose body then comes through
    /// [`Self::poll_chunk`]. Without a limit it waits for ever: a daemon that follows a quiet
    /// service sends no head either.
    pub(crate) async fn open(
        &mut self,
        message: hyper::Request<Outgoing>,
        limit: Option<Duration>,
    ) -> Result<Response<Incoming>, TransportError> {
        self.begin_exchange();
        let Self { sender, driver, .. } = self;
        let head = with_driver(driver, send(sender, message));
        let result = match limit {
            None => head.await,
            Some(limit) => match tokio::time::timeout(limit, head).await {
                Ok(result) => result,
                Err(_) => Err(self.timed_out(limit)),
            },
        };
        result.map_err(|error| self.corrected_by_counters(error))
    }

    /// The next piece of a body that [`Self::open`] has begun; `None` at its end, after which the
    /// connection can be used again.
    pub(crate) fn poll_chunk(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, TransportError>>> {
        loop {
            poll_driver(&mut self.driver, cx);
            return match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                None => {
                    self.is_reusable = true;
                    Poll::Ready(None)
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Poll::Ready(Some(Ok(data))),
                    // Trailers, which nobody here sends.
                    Err(_) => continue,
                },
                Some(Err(error)) => Poll::Ready(Some(Err(error_of(&error)))),
            };
        }
    }

    /// Reads the rest of a body as a whole, within `limit`.
    pub(crate) async fn finish(
        &mut self,
        response: Response<Incoming>,
        limit: Duration,
    ) -> Result<Reply, TransportError> {
        let answer = with_driver(&mut self.driver, collect(response));
        let result = match tokio::time::timeout(limit, answer).await {
            Ok(result) => result,
            Err(_) => Err(self.timed_out(limit)),
        };
        self.end_exchange(result)
    }

    /// Sends a request to speak something else from here on, within `limit`. `Ok(Err(reply))` when
    /// the daemon would rather not, or not any more.
    pub(crate) async fn upgrade(
        mut self,
        message: hyper::Request<Outgoing>,
        limit: Duration,
    ) -> Result<Result<(Response<Incoming>, Upgraded), Reply>, TransportError> {
        self.begin_exchange();
        let started = Instant::now();
        let mut ended = false;
        let response = {
            let Self { sender, driver, .. } = &mut self;
            let mut response = pin!(send(sender, message));
            // Not `with_driver`: the connection ends with this answer, and has to be taken apart then
            // instead of dropped.
            let head = poll_fn(|cx| {
                if let Some(running) = driver
                    && !ended
                {
                    ended = running.poll_without_shutdown(cx).is_ready();
                }
                match response.as_mut().poll(cx) {
                    Poll::Pending if ended => {
                        *driver = None;
                        response.as_mut().poll(cx)
                    }
                    poll => poll,
                }
            });
            tokio::time::timeout(limit, head).await
        };
        let response = response.unwrap_or_else(|_| Err(self.timed_out(limit)));
        let response = response.map_err(|error| self.corrected_by_counters(error))?;
        if response.status().as_u16() != 101 {
            let left = limit.saturating_sub(started.elapsed());
            return self.finish(response, left).await.map(Err);
        }
        let Some(connection) = self.driver.take().filter(|_| ended) else {
            let cause = "its answer speaks of an upgrade and the connection did not change";
            return Err(TransportError::new(TransportFailure::NotHttp, cause));
        };
        let parts = connection.into_parts();
        let upgraded = Upgraded { io: TokioIo::new(parts.io), read: parts.read_buf };
        Ok(Ok((response, upgraded)))
    }

    fn begin_exchange(&mut self) {
        self.counters.written.store(0, Ordering::Relaxed);
        self.counters.note(&self.counters.last_sent);
        self.is_reusable = false;
    }

    /// For how long no byte of the present exchange has counters.
    pub(crate) fn quiet_for(&self) -> Duration {
        self.counters.since_last_io()
    }

    /// How long ago the last byte of the present request was sent.
    pub(crate) fn unanswered_for(&self) -> Duration {
        self.counters.since_last_write()
    }

    fn end_exchange(
        &mut self,
        result: Result<Reply, TransportError>,
    ) -> Result<Reply, TransportError> {
        self.is_reusable = result.is_ok();
        result.map_err(|error| self.corrected_by_counters(error))
    }

    /// What the count proves goes before what the error says.
    fn corrected_by_counters(&self, mut error: TransportError) -> TransportError {
        if error.failure == TransportFailure::ReplyLost && !self.counters.has_written() {
            error.failure =
                if self.was_idle { TransportFailure::Stale } else { TransportFailure::NotSent };
        }
        error
    }

    fn timed_out(&self, limit: Duration) -> TransportError {
        let failure = if self.counters.has_written() {
            TransportFailure::TimedOut
        } else {
            TransportFailure::NotSent
        };
        TransportError::new(failure, format!("silent for {}", seconds(limit)))
    }
}

/// Lets the connection do its work; forgets it once it has ended.
fn poll_driver(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if let Some(running) = driver
        && running.poll_without_shutdown(cx).is_ready()
    {
        // Dropped, it hands every waiting request its failure.
        *driver = None;
    }
}

/// The work on a connection and the connection itself, polled together.
async fn with_driver<T>(driver: &mut Option<Driver>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let self_wake = Arc::new(SelfWake::default());
    poll_fn(|cx| {
        self_wake.poll(cx, |cx| {
            // First the connection, which moves the bytes, then the work, which sees them.
            poll_driver(driver, cx);
            work.as_mut().poll(cx)
        })
    })
    .await
}

/// Waits as long as bytes are sent; `None` when none were for `stall` and the time for the disk.
/// What comes back does not prolong it: an answer that never ends would be waited for without end.
async fn while_sending<T>(
    counters: &IoCounters,
    stall: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    loop {
        let left = stall
            .saturating_add(counters.time_on_disk())
            .saturating_sub(counters.since_last_write());
        if left.is_zero() {
            return None;
        }
        if let Ok(done) = tokio::time::timeout(left, work.as_mut()).await {
            return Some(done);
        }
    }
}

async fn send(
    sender: &mut SendRequest<Outgoing>,
    message: hyper::Request<Outgoing>,
) -> Result<Response<Incoming>, TransportError> {
    sender.try_send_request(message).await.map_err(|error| error_of(error.error()))
}

async fn collect(response: Response<Incoming>) -> Result<Reply, TransportError> {
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE).cloned();
    let too_long = || {
        let cause = format!("its answer is longer than {LARGEST_ANSWER} bytes");
        TransportError::new(TransportFailure::NotHttp, cause)
    };
    // What says so itself need not be read.
    if response.body().size_hint().lower() > LARGEST_ANSWER as u64 {
        return Err(too_long());
    }
    let body =
        Limited::new(response.into_body(), LARGEST_ANSWER).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                return too_long();
            }
            error.downcast_ref::<hyper::Error>().map_or_else(
                || TransportError::new(TransportFailure::ReplyLost, error.to_string()),
                error_of,
            )
        })?;
    Ok(Reply { status, content_type, body: body.to_bytes() })
}

/// Text that is not HTTP is garbage; everything else that ends a connection early loses the answer.
fn error_of(error: &hyper::Error) -> TransportError {
    if error.is_parse() || error.is_parse_status() || error.is_user() {
        return TransportError::new(
            TransportFailure::NotHttp,
            format!("its answer is not HTTP: {error}"),
        );
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return match io.kind() {
                // hyper's chunk decoder reports bytes that are no chunk this way.
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => TransportError::new(
                    TransportFailure::NotHttp,
                    format!("its answer is not HTTP: {io}"),
                ),
                io::ErrorKind::UnexpectedEof => {
                    TransportError::new(TransportFailure::ReplyLost, "the answer broke off")
                }
                _ => TransportError::new(TransportFailure::ReplyLost, plain(io)),
            };
        }
        source = cause.source();
    }
    TransportError::new(
        TransportFailure::ReplyLost,
        if error.is_incomplete_message() {
            "connection closed before the answer".to_owned()
        } else {
            error.to_string()
        },
    )
}

/// What a connection has counters.
#[derive(Debug)]
struct IoCounters {
    opened: Instant,
    /// Bytes of the present request.
    written: AtomicU64,
    /// When the kernel last took something, in microseconds since the connection was opened.
    last_sent: AtomicU64,
    /// When it last gave something.
    last_received: AtomicU64,
}

impl IoCounters {
    fn new() -> Self {
        Self {
            opened: Instant::now(),
            written: AtomicU64::new(0),
            last_sent: AtomicU64::new(0),
            last_received: AtomicU64::new(0),
        }
    }

    fn has_written(&self) -> bool {
        self.written.load(Ordering::Relaxed) > 0
    }

    fn note(&self, moment: &AtomicU64) {
        let now = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        moment.store(now, Ordering::Relaxed);
    }

    fn since(&self, moment: &AtomicU64) -> Duration {
        let moment = Duration::from_micros(moment.load(Ordering::Relaxed));
        self.opened.elapsed().saturating_sub(moment)
    }

    fn since_last_write(&self) -> Duration {
        self.since(&self.last_sent)
    }

    fn since_last_io(&self) -> Duration {
        self.since_last_write().min(self.since(&self.last_received))
    }

    fn time_on_disk(&self) -> Duration {
        Duration::from_secs(self.written.load(Ordering::Relaxed) / SLOW_DISK)
    }
}

/// The stream, counting what the kernel takes and gives.
#[derive(Debug)]
pub(crate) struct CountingStream {
    stream: hyperlocal::UnixStream,
    counters: Arc<IoCounters>,
}

impl Read for CountingStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Read::poll_read(Pin::new(&mut self.stream), cx, buf);
        if poll.is_ready() {
            self.counters.note(&self.counters.last_received);
        }
        poll
    }
}

impl Write for CountingStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Write::poll_write(Pin::new(&mut self.stream), cx, buf);
        if let Poll::Ready(Ok(taken)) = &poll {
            self.counters.written.fetch_add(*taken as u64, Ordering::Relaxed);
            self.counters.note(&self.counters.last_sent);
        }
        poll
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Write::poll_flush(Pin::new(&mut self.stream), cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Write::poll_shutdown(Pin::new(&mut self.stream), cx)
    }
}

//! A connection to Pebble's socket sends one request at a time.
//!
//! The future of a request drives its connection: there is no background task, and dropping that
//! future closes the connection. A request is answered as a whole ([`Connection::exchange`]), as a
//! stream ([`Connection::open`], then [`Connection::poll_chunk`]), or by turning the connection
//! into a websocket ([`Connection::upgrade`]). The stream below counts the bytes that it moves. The
//! count proves whether anything was sent, and its times tell a slow daemon from a silent one.

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

use super::body::RequestBody;
use super::duration::seconds;
use super::self_wake::SelfWake;
use super::transport_error::{TransportError, TransportFailure, plain};

/// The bytes that a slow disk writes in a second. Pebble answers a push after it has written the
/// file to disk (fsync), so after the last byte it may be silent for as long as that takes.
const SLOW_DISK: u64 = 10 * 1024 * 1024;

/// The largest answer that is read as a whole, in bytes. The largest real ones are changes with
/// hundreds of tasks, well under 1 MiB.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The `Content-Type` header.
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) body: Bytes,
}

impl Reply {
    /// Returns `true` if the header says plain text.
    pub(crate) fn is_text(&self) -> bool {
        self.content_type.as_ref().is_some_and(|value| value.as_bytes().starts_with(b"text/plain"))
    }
}

/// An upload has no answer for one of these reasons.
#[derive(Debug)]
pub(crate) enum UploadFailure<E> {
    /// The connection failed.
    Connection(TransportError),
    /// The source of the body could not be read.
    Source(E),
}

/// A connection that no longer speaks HTTP, and the bytes that were read from it after the last
/// HTTP answer.
pub(crate) struct Upgraded {
    pub(crate) io: TokioIo<CountingStream>,
    pub(crate) read: Bytes,
}

/// hyper's side of the connection, which moves the bytes when it is polled. It is in a box because
/// a connection is moved between the transport and the attempts.
type Driver = Box<HttpConnection<CountingStream, RequestBody>>;

/// An open connection. Its number is unique in its client. A restarted daemon cannot continue an
/// old connection, so what was learnt about the daemon on connection 3 holds as long as connection
/// 3 is open.
#[derive(Debug)]
pub(crate) struct Connection {
    number: u64,
    sender: SendRequest<RequestBody>,
    /// hyper's side of the connection; `None` once the connection has ended.
    driver: Option<Driver>,
    counters: Arc<IoCounters>,
    /// The connection was idle, so that the daemon may have closed it unnoticed.
    was_idle: bool,
    /// No exchange is in progress, and none was broken off.
    is_reusable: bool,
}

impl Connection {
    /// Begins HTTP/1.1 on a new stream.
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

    /// Marks the connection as idle; `None` if an exchange on it was broken off, so that it cannot
    /// be used again.
    pub(crate) fn idle(mut self) -> Option<Self> {
        self.was_idle = true;
        self.is_reusable.then_some(self)
    }

    /// Returns `true` if the connection can take another request: it is open as far as is known,
    /// and nothing was received after the last answer. hyper would take unasked bytes for the
    /// answer to the next request.
    ///
    /// A connection that the daemon closes after this check fails before anything is sent: the
    /// kernel takes no byte for a socket whose other end is closed.
    pub(crate) async fn is_usable(&mut self) -> bool {
        // The runtime looks at its sockets before it resumes a task that has yielded. After that it
        // is known whether anything was received.
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
        message: hyper::Request<RequestBody>,
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

    /// Sends one request while `pump` produces its body, and reads its whole answer. The upload
    /// ends when no byte was sent for `stall`, and for the time that a slow disk needs for the
    /// bytes that were sent; this also bounds the wait for the answer.
    ///
    /// `pump` is first polled when a part of the request was sent, so that nothing is taken from
    /// its source for a connection that turns out to be closed. An answer that comes before the
    /// body is complete is returned as any other.
    pub(crate) async fn upload<E>(
        &mut self,
        message: hyper::Request<RequestBody>,
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
                // The waker of the connection's writing wakes this future too.
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
                // After an early answer the rest of the body is still to come, and the next request
                // would be taken for it.
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

    /// Sends one request and returns the head of its answer. The body is read by
    /// [`Self::poll_chunk`]. Without a limit the wait for the head has no end: a daemon that
    /// follows the log of a quiet service does not send a head either.
    pub(crate) async fn open(
        &mut self,
        message: hyper::Request<RequestBody>,
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

    /// Polls for the next piece of a body that [`Self::open`] has begun. `None` is its end, after
    /// which the connection can be used again.
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
                    // Pebble sends no trailers.
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

    /// Asks for another protocol on this connection, within `limit`. `Ok(Err(reply))` is an answer
    /// without a change of protocol.
    pub(crate) async fn upgrade(
        mut self,
        message: hyper::Request<RequestBody>,
        limit: Duration,
    ) -> Result<Result<(Response<Incoming>, Upgraded), Reply>, TransportError> {
        self.begin_exchange();
        let started = Instant::now();
        let mut ended = false;
        let response = {
            let Self { sender, driver, .. } = &mut self;
            let mut response = pin!(send(sender, message));
            // `with_driver` drops a connection that has ended. This one ends with the answer, and
            // its stream is taken out of it.
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
        // The limits count from here until the first byte is sent.
        self.counters.note(&self.counters.last_sent);
        self.is_reusable = false;
    }

    /// Returns the time since the last byte was sent or received.
    pub(crate) fn quiet_for(&self) -> Duration {
        self.counters.since_last_io()
    }

    /// Returns the time since the last byte of the current request was sent.
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

    /// Corrects an error by the count of bytes: if none was written, nothing was sent, whatever the
    /// error says.
    fn corrected_by_counters(&self, mut error: TransportError) -> TransportError {
        if error.failure == TransportFailure::ReplyLost && !self.counters.has_written() {
            error.failure =
                if self.was_idle { TransportFailure::Stale } else { TransportFailure::NotSent };
        }
        error
    }

    /// Makes the error of a limit that has passed. It depends on the count whether the daemon has
    /// the request.
    fn timed_out(&self, limit: Duration) -> TransportError {
        let failure = if self.counters.has_written() {
            TransportFailure::TimedOut
        } else {
            TransportFailure::NotSent
        };
        TransportError::new(failure, format!("silent for {}", seconds(limit)))
    }
}

/// Polls the connection, and drops it once it has ended.
fn poll_driver(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if let Some(running) = driver
        && running.poll_without_shutdown(cx).is_ready()
    {
        // When it is dropped, every waiting request fails with its reason.
        *driver = None;
    }
}

/// Runs `work` and polls the connection with it.
async fn with_driver<T>(driver: &mut Option<Driver>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let self_wake = Arc::new(SelfWake::default());
    poll_fn(|cx| {
        self_wake.poll(cx, |cx| {
            // The connection moves the bytes, so it is polled before the work that sees them.
            poll_driver(driver, cx);
            work.as_mut().poll(cx)
        })
    })
    .await
}

/// Runs `work` as long as bytes are sent. Returns `None` when none were sent for `stall` and the
/// time for the disk. Received bytes do not prolong it, since an answer without end would then be
/// waited for without end.
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
    sender: &mut SendRequest<RequestBody>,
    message: hyper::Request<RequestBody>,
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
    // An answer whose `Content-Length` is too large need not be read.
    if response.body().size_hint().lower() > LARGEST_ANSWER as u64 {
        return Err(too_long());
    }
    // A body without a `Content-Length` is bounded while it is read.
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

/// Converts an error of hyper. Bytes that are not HTTP are an answer of something else than Pebble;
/// everything else that ends a connection early loses the answer.
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

/// The counters of a connection. They are atomics because hyper owns the stream that writes them.
#[derive(Debug)]
struct IoCounters {
    opened: Instant,
    /// The bytes that were written since the current request began.
    written: AtomicU64,
    /// The time at which the kernel last accepted bytes, in microseconds since the connection was
    /// opened.
    last_sent: AtomicU64,
    /// The time at which the kernel last gave bytes, likewise.
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

    /// Returns the time that a slow disk needs for the bytes that were written.
    fn time_on_disk(&self) -> Duration {
        Duration::from_secs(self.written.load(Ordering::Relaxed) / SLOW_DISK)
    }
}

/// A stream that counts the bytes which the kernel accepts and gives.
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

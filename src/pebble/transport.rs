//! HTTP/1.1 over Pebble's unix socket: a few kept connections, one request in one connection at a time.
//!
//! hyperlocal dials, hyper speaks HTTP. A connection is driven by the future of the request that uses it, so there is no background task, and
//! dropping that future closes the connection. What the retry needs to know of a failure, and what no error text could tell it safely, is
//! *proved* here: the stream counts what the kernel has taken of a request, so "nothing was sent" is a fact and not a guess.

use std::future::{Future, poll_fn};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyperlocal::UnixConnector;
use tower_service::Service as _;

use super::request::Request;

/// The longest path that fits a unix socket address on Linux (`sun_path` is 108 bytes, one of them the final NUL).
const LONGEST_SOCKET_PATH: usize = 107;

/// The largest answer that is read; the largest real ones are changes with hundreds of tasks, well under 1 MiB.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// More idle connections than a hook ever needs at once.
const MOST_IDLE: usize = 4;

/// What is known after one failed attempt. The retry decides by this and by the request, never by a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureClass {
    /// Not one byte of the request has left this process.
    NotSent,
    /// The connection broke when the request had been, or may have been, written.
    Lost,
    /// The limit passed and the connection is still open: the daemon may be working on it.
    Silent,
    /// The operating system denied access to the socket.
    Denied,
    /// The path cannot be the address of a socket.
    BadPath,
    /// Something answered, and it was not HTTP that we can use.
    Garbage,
}

/// One failed attempt.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) class: FailureClass,
    pub(crate) cause: String,
    /// It was a kept connection that turned out to be dead before anything was sent: dial again, nothing has failed yet.
    pub(crate) stale: bool,
}

impl Broken {
    fn new(class: FailureClass, cause: impl Into<String>) -> Self {
        Self {
            class,
            cause: cause.into(),
            stale: false,
        }
    }
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// Dials the socket and keeps idle connections; shared by all clones of a client.
#[derive(Debug)]
pub(crate) struct Transport {
    socket: PathBuf,
    idle: Mutex<Vec<Lane>>,
    dials: AtomicU64,
}

impl Transport {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            idle: Mutex::new(Vec::new()),
            dials: AtomicU64::new(0),
        }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// An idle connection that is still open, or a new one.
    pub(crate) async fn lane(&self) -> Result<Lane, Broken> {
        while let Some(mut lane) = self.take_idle() {
            if lane.is_open().await {
                return Ok(lane);
            }
        }
        self.dial().await
    }

    /// Keeps a connection for the next request, unless an exchange on it was broken off.
    pub(crate) fn keep(&self, mut lane: Lane) {
        if !lane.clean {
            return;
        }
        lane.used = true;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(lane);
        }
    }

    /// The newest comes first: it is the likeliest to be open.
    fn take_idle(&self) -> Option<Lane> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn dial(&self) -> Result<Lane, Broken> {
        // hyperlocal carries the path as text: another one would be dialled in place of a path that is not UTF-8.
        if self.socket.to_str().is_none() {
            return Err(Broken::new(
                FailureClass::BadPath,
                "the path of the socket is not UTF-8",
            ));
        }
        let length = self.socket.as_os_str().as_bytes().len();
        if length > LONGEST_SOCKET_PATH {
            let cause = format!(
                "the path of the socket has {length} bytes and at most {LONGEST_SOCKET_PATH} fit a socket address"
            );
            return Err(Broken::new(FailureClass::BadPath, cause));
        }
        if length == 0 {
            return Err(Broken::new(FailureClass::BadPath, "the path of the socket is empty"));
        }
        let address = hyperlocal::Uri::new(&self.socket, "/").into();
        let stream = UnixConnector
            .call(address)
            .await
            .map_err(|error| dial_failure(&error))?;
        let written = Arc::new(AtomicU64::new(0));
        let stream = Counted {
            stream,
            written: Arc::clone(&written),
        };
        let (sender, connection) = Builder::new()
            .handshake(stream)
            .await
            .map_err(|error| Broken::new(FailureClass::NotSent, error.to_string()))?;
        let number = self.dials.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Lane {
            number,
            sender,
            connection: Some(Box::pin(connection)),
            written,
            used: false,
            clean: true,
        })
    }
}

/// Every failure to connect proves that nothing was sent, but only these pass by themselves.
fn dial_failure(error: &io::Error) -> Broken {
    let (class, cause) = match error.kind() {
        io::ErrorKind::PermissionDenied => (FailureClass::Denied, "permission denied".to_owned()),
        io::ErrorKind::NotFound => (FailureClass::NotSent, "no such socket".to_owned()),
        io::ErrorKind::ConnectionRefused => (FailureClass::NotSent, "connection refused".to_owned()),
        io::ErrorKind::WouldBlock => (
            FailureClass::NotSent,
            "too many connections are waiting for it".to_owned(),
        ),
        // A file where a folder of the path should be, or a link that leads nowhere for ever, mends itself no more than a bad path.
        io::ErrorKind::InvalidInput | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            (FailureClass::BadPath, plain(error))
        }
        _ => (FailureClass::NotSent, plain(error)),
    };
    Broken::new(class, cause)
}

/// The text of an operating system error without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text.get(..end).unwrap_or(&text).to_lowercase(),
        None => text,
    }
}

type Driver = Pin<Box<Connection<Counted, Full<Bytes>>>>;

/// One open connection. Its number tells it from every other of this client: a daemon that was restarted cannot go on with an old connection,
/// so what was true of the daemon on lane 3 is true as long as lane 3 is open.
#[derive(Debug)]
pub(crate) struct Lane {
    number: u64,
    sender: SendRequest<Full<Bytes>>,
    connection: Option<Driver>,
    written: Arc<AtomicU64>,
    /// It has been idle in between, so it may have died unnoticed.
    used: bool,
    /// No exchange is, or was left, in the middle.
    clean: bool,
}

impl Lane {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Whether it can take a request now, as far as this process has been told.
    async fn is_open(&mut self) -> bool {
        poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(self.connection.is_some() && matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(()))))
        })
        .await
    }

    /// Lets the connection do its work; forgets it once it has ended.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && connection.as_mut().poll(cx).is_ready()
        {
            // Dropped, it hands every waiting request its failure.
            self.connection = None;
        }
    }

    /// Sends one request and reads its whole answer, within `limit`.
    pub(crate) async fn exchange(&mut self, request: &Request, limit: Duration) -> Result<Reply, Broken> {
        self.written.store(0, Ordering::Relaxed);
        self.clean = false;
        let message = http_request(request).map_err(|error| Broken::new(FailureClass::Garbage, error.to_string()))?;
        let answer = self.driven(message);
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(reply)) => {
                self.clean = true;
                Ok(reply)
            }
            Ok(Err(broken)) => Err(self.judged(broken)),
            Err(_) => {
                let class = if self.wrote_nothing() {
                    FailureClass::NotSent
                } else {
                    FailureClass::Silent
                };
                Err(Broken::new(class, format!("silent for {}", seconds(limit))))
            }
        }
    }

    fn wrote_nothing(&self) -> bool {
        self.written.load(Ordering::Relaxed) == 0
    }

    /// What the count proves goes before what the error says.
    fn judged(&self, mut broken: Broken) -> Broken {
        if broken.class == FailureClass::Lost && self.wrote_nothing() {
            broken.class = FailureClass::NotSent;
            broken.stale = self.used;
        }
        broken
    }

    /// The request's own future and the connection's, polled together.
    async fn driven(&mut self, message: hyper::Request<Full<Bytes>>) -> Result<Reply, Broken> {
        let Self { sender, connection, .. } = self;
        let exchange = async {
            let response = sender
                .try_send_request(message)
                .await
                .map_err(|error| broken_by(error.error()))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), LARGEST_ANSWER)
                .collect()
                .await
                .map_err(|error| {
                    if error.is::<LengthLimitError>() {
                        return Broken::new(
                            FailureClass::Garbage,
                            format!("its answer is longer than {LARGEST_ANSWER} bytes"),
                        );
                    }
                    error
                        .downcast_ref::<hyper::Error>()
                        .map_or_else(|| Broken::new(FailureClass::Lost, error.to_string()), broken_by)
                })?;
            Ok(Reply {
                status,
                body: body.to_bytes(),
            })
        };
        let mut exchange = std::pin::pin!(exchange);
        poll_fn(|cx| {
            // First the connection, which moves the bytes, then the request, which sees them; an ended connection leaves the request its failure.
            if let Some(running) = connection
                && running.as_mut().poll(cx).is_ready()
            {
                *connection = None;
            }
            exchange.as_mut().poll(cx)
        })
        .await
    }
}

fn http_request(request: &Request) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
    let mut message = hyper::Request::builder()
        .method(request.method())
        .uri(request.target())
        .header(HOST, "localhost");
    if request.body().is_some() {
        message = message.header(CONTENT_TYPE, "application/json");
    }
    message.body(Full::new(request.body().cloned().unwrap_or_default()))
}

/// Text that is not HTTP is garbage; everything else that ends a connection early loses the answer.
fn broken_by(error: &hyper::Error) -> Broken {
    if error.is_parse() || error.is_parse_status() || error.is_user() {
        return Broken::new(FailureClass::Garbage, format!("its answer is not HTTP: {error}"));
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return match io.kind() {
                // hyper's chunk decoder reports bytes that are no chunk this way.
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    Broken::new(FailureClass::Garbage, format!("its answer is not HTTP: {io}"))
                }
                io::ErrorKind::UnexpectedEof => Broken::new(FailureClass::Lost, "the answer broke off"),
                _ => Broken::new(FailureClass::Lost, plain(io)),
            };
        }
        source = cause.source();
    }
    Broken::new(
        FailureClass::Lost,
        if error.is_incomplete_message() {
            "connection closed before the answer".to_owned()
        } else {
            error.to_string()
        },
    )
}

/// A duration for people: `105 s`, `1.5 s`, `250 ms`.
pub(crate) fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    let tenths = (millis + 50) / 100;
    match (millis, tenths % 10) {
        (0..1000, _) => format!("{millis} ms"),
        (_, 0) => format!("{} s", tenths / 10),
        (_, tenth) => format!("{}.{tenth} s", tenths / 10),
    }
}

/// The stream, counting what the kernel has taken.
#[derive(Debug)]
struct Counted {
    stream: hyperlocal::UnixStream,
    written: Arc<AtomicU64>,
}

impl Read for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Read::poll_read(Pin::new(&mut self.stream), cx, buf)
    }
}

impl Write for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Write::poll_write(Pin::new(&mut self.stream), cx, buf);
        if let Poll::Ready(Ok(taken)) = &poll {
            self.written.fetch_add(*taken as u64, Ordering::Relaxed);
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

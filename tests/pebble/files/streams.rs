//! These tests push from readers and pull to writers: slow ones, failing ones, and calls that
//! cannot be repeated because the reader was read.

use std::pin::Pin;
use std::task::{Context, Poll};

use charmwright_pebble::ErrorKind;
use charmwright_testing::proxy::{Fault, Rule};
use charmwright_tests::noise;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{options, start_fixture};

/// A reader that gives its bytes in pieces and is not ready before each.
struct Slow<'a> {
    left: &'a [u8],
    /// The size of a piece, an even number. It is odd between the poll that is not ready and the
    /// poll that gives the piece.
    at_once: usize,
    /// `true` if the reader fails at its end.
    fails: bool,
}

impl AsyncRead for Slow<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.left.is_empty() {
            return Poll::Ready(if self.fails {
                Err(std::io::Error::other("the tape tore"))
            } else {
                Ok(())
            });
        }
        // Each piece takes a second poll.
        if self.at_once.is_multiple_of(2) {
            self.at_once += 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.at_once -= 1;
        let (now, later) =
            self.left.split_at(self.at_once.min(self.left.len()).min(buf.remaining()));
        buf.put_slice(now);
        self.left = later;
        Poll::Ready(Ok(()))
    }
}

/// A writer that takes this many bytes and then fails, as a full disk does.
struct Full(usize);

impl AsyncWrite for Full {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let count = buf.len().min(self.0);
        self.0 -= count;
        Poll::Ready(match count {
            0 => Err(std::io::ErrorKind::StorageFull.into()),
            count => Ok(count),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Returns a slow reader that does not fail.
fn slow(left: &[u8], at_once: usize) -> Slow<'_> {
    Slow { left, at_once, fails: false }
}

#[tokio::test]
async fn any_reader_and_any_writer_will_do() {
    let Some(fixture) = start_fixture("any_reader_and_any_writer_will_do") else {
        return;
    };
    let content = noise(500_000);
    let path = fixture.path("x");
    for length in [None, Some(content.len() as u64)] {
        for at_once in [998, 700_000] {
            let options = length.map_or_else(options, |length| options().length(length));
            fixture.client.push_from(&path, slow(&content, at_once), &options).await.unwrap();
            assert!(fixture.content("x") == content);
        }
    }
    let mut copy = Vec::new();
    assert_eq!(fixture.client.pull_to(&path, &mut copy).await.unwrap(), 500_000);
    assert!(copy == content);
    fixture.client.push_from(&path, tokio::io::empty(), &options()).await.unwrap();
    assert_eq!(fixture.client.pull_to(&path, tokio::io::sink()).await.unwrap(), 0);
    let connections: std::collections::HashSet<u64> =
        fixture.proxy.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), 1, "the connection is kept after every kind of transfer");
}

#[tokio::test]
async fn a_reader_that_fails_or_has_another_length_writes_nothing() {
    let Some(fixture) = start_fixture("a_reader_that_fails_or_has_another_length_writes_nothing")
    else {
        return;
    };
    let content = noise(300_000);
    let path = fixture.put("x", "before");
    let torn = Slow { left: &content, at_once: 100_000, fails: true };
    let error = fixture.client.push_from(&path, torn, &options()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Local(std::io::ErrorKind::Other), "{error}");
    assert!(error.to_string().ends_with("the tape tore"), "{error}");
    for (length, kind) in [
        (300_001, std::io::ErrorKind::UnexpectedEof),
        (299_999, std::io::ErrorKind::InvalidData),
        (0, std::io::ErrorKind::InvalidData),
    ] {
        let reader = slow(&content, 100_000);
        let error =
            fixture.client.push_from(&path, reader, &options().length(length)).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Local(kind), "{error}");
    }
    // The daemon notices each broken push before it gets this one, so it has removed their
    // temporary files when this one is written.
    fixture.client.push(&fixture.path("y"), "after", &options()).await.unwrap();
    assert_eq!(fixture.content("x"), b"before");
}

#[tokio::test]
async fn a_writer_that_fails_is_told_apart() {
    let Some(fixture) = start_fixture("a_writer_that_fails_is_told_apart") else {
        return;
    };
    let path = fixture.put("x", noise(300_000));
    let error = fixture.client.pull_to(&path, Full(1000)).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Local(std::io::ErrorKind::StorageFull), "{error}");
    assert_eq!(fixture.proxy.count("GET", "/v1/files"), 1);
    let error = fixture.client.pull_file(&path, "/no/such/folder/x").await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Local(std::io::ErrorKind::NotFound), "{error}");
}

#[tokio::test]
async fn a_reader_is_taken_from_only_when_it_is_being_sent() {
    let Some(fixture) = start_fixture("a_reader_is_taken_from_only_when_it_is_being_sent") else {
        return;
    };
    let content = noise(200_000);
    let path = fixture.path("x");
    // Two connections are refused. Nothing was read from the reader, so the client may try again.
    let proxy = std::sync::Arc::new(fixture.proxy);
    proxy.set_listening(Some(charmwright_testing::proxy::ListenState::Refusing));
    let client = fixture.client.clone();
    let observer =
        std::sync::Arc::new(Opener(std::sync::Mutex::new(Some(std::sync::Arc::clone(&proxy)))));
    let client = client.with_observer(observer);
    client.push_from(&path, slow(&content, 10_000), &options()).await.unwrap();
    assert!(std::fs::read(&path).unwrap() == content);
    // The request was sent and its reply is lost. The reader is used up, so the client cannot send
    // it again.
    proxy.forget();
    proxy.add(Rule::new("POST", "/v1/files", Fault::DropReply));
    let error = client.push_from(&path, slow(&content, 10_000), &options()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Interrupted { bytes: 200_000 }, "{error}");
    assert!(error.may_have_acted());
    assert_eq!(proxy.count("POST", "/v1/files"), 1);
}

/// An observer that lets the proxy accept connections after the second failed attempt.
struct Opener(std::sync::Mutex<Option<std::sync::Arc<charmwright_testing::proxy::FaultProxy>>>);

impl charmwright_pebble::RetryObserver for Opener {
    fn attempt_failed(&self, failure: &charmwright_pebble::FailedAttempt) {
        if failure.attempt() == 2
            && let Some(proxy) = self.0.lock().unwrap().take()
        {
            proxy.set_listening(None);
        }
    }
}

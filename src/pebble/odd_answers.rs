//! Answers that Pebble does not give, byte for byte: other HTTP than it speaks, and HTTP that never comes to an end.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::Instant;

use super::{Client, ErrorKind, PushOptions, RetryPolicy};

/// What is sent for each request.
#[derive(Debug, Clone)]
struct Odd {
    /// Before anything is sent.
    delay: Duration,
    first: &'static [u8],
    /// And this after it again and again, unless it is empty.
    endless: &'static [u8],
    /// Between two pieces of what is endless.
    pause: Duration,
    /// Says after one answer that nothing more will come, and goes on reading.
    half_closes: bool,
}

impl Odd {
    fn just(first: &'static [u8]) -> Self {
        Self {
            delay: Duration::ZERO,
            first,
            endless: b"",
            pause: Duration::ZERO,
            half_closes: false,
        }
    }

    fn endless(first: &'static [u8], endless: &'static [u8], pause: Duration) -> Self {
        Self {
            endless,
            pause,
            ..Self::just(first)
        }
    }
}

async fn serve(mut stream: UnixStream, odd: Odd) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    // One that comes in several pieces is answered several times, which nobody here minds.
    while stream.read(&mut request).await? > 0 {
        tokio::time::sleep(odd.delay).await;
        stream.write_all(odd.first).await?;
        if odd.half_closes {
            stream.shutdown().await?;
        }
        while !odd.endless.is_empty() {
            stream.write_all(odd.endless).await?;
            tokio::time::sleep(odd.pause).await;
        }
    }
    Ok(())
}

const LIMIT: Duration = Duration::from_millis(500);

/// Far more than the limit, far less than for ever.
const FOR_EVER: Duration = Duration::from_secs(10);

async fn with<T>(odd: Odd, work: impl AsyncFnOnce(Client) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let socket: &Path = &folder.path().join("s");
    let listener = UnixListener::bind(socket).unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, odd.clone()));
        }
    });
    let client = Client::new(socket).with_retry(RetryPolicy::once(LIMIT));
    let result = tokio::time::timeout(FOR_EVER, work(client)).await;
    server.abort();
    result.expect("it hangs")
}

/// A client that is in no hurry, where an answer is good and only the machine may be slow.
fn patient(client: Client) -> Client {
    client.with_retry(RetryPolicy::once(FOR_EVER))
}

const INFO: &[u8] = b"{\"type\":\"sync\",\"result\":{\"version\":\"v1.32.1\",\"boot-id\":\"x\"}}";

fn answered(head: &str) -> &'static [u8] {
    [head.as_bytes(), INFO].concat().leak()
}

#[tokio::test]
async fn other_http_is_understood() {
    let length = INFO.len();
    for head in [
        format!("HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"),
        format!(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
        ),
    ] {
        with(Odd::just(answered(&head)), async |client| {
            let client = patient(client);
            for _ in 0..3 {
                let info = client
                    .system_info()
                    .await
                    .unwrap_or_else(|error| panic!("{head}: {error}"));
                assert_eq!(info.version(), "v1.32.1");
            }
            assert_eq!(client.budget().retries(), 0, "{head}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_halfway_is_not_used_again() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", INFO.len());
    let odd = Odd {
        half_closes: true,
        ..Odd::just(answered(&head))
    };
    with(odd, async |client| {
        let client = patient(client);
        for _ in 0..3 {
            client.system_info().await.unwrap();
        }
        assert_eq!(client.budget().retries(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_nobodys() {
    let length = INFO.len();
    let other = "{\"type\":\"sync\",\"result\":{\"version\":\"stolen\",\"boot-id\":\"x\"}}";
    let twice = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{other}",
        String::from_utf8_lossy(INFO),
        other.len()
    );
    with(Odd::just(twice.leak().as_bytes()), async |client| {
        let client = patient(client);
        for _ in 0..3 {
            assert_eq!(client.system_info().await.unwrap().version(), "v1.32.1");
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_of_protocol_that_nobody_asked_for_is_not_pebbles() {
    let head = b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    with(Odd::just(head), async |client| {
        let error = client.system_info().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_acted()),
            (&ErrorKind::Protocol, false),
            "{error}"
        );
        let error = client.replan().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_acted()),
            (&ErrorKind::Protocol, true),
            "{error}"
        );
        let error = client
            .push_from("/a", &b"a"[..], &PushOptions::new())
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_acted()),
            (&ErrorKind::Protocol, true),
            "{error}"
        );
        let error = client.pull("/a").await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_acted()),
            (&ErrorKind::Protocol, false),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_end_is_not_waited_for_without_end() {
    let often = Duration::from_millis(20);
    let odd = [
        // Continue and continue, one at a time and as fast as they are read.
        Odd::endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", often),
        Odd::endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", Duration::ZERO),
        // A head and a body that come a byte at a time.
        Odd::endless(b"HTTP/1.1 200 OK\r\nA: ", b"a", often),
        Odd::endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"a", often),
    ];
    // Side by side, as each takes its time.
    futures_util::future::join_all(odd.map(given_up)).await;
}

async fn given_up(odd: Odd) {
    let what = format!("{odd:?}");
    with(odd, async |client| {
        let options = PushOptions::new();
        for (error, acted) in [
            (client.system_info().await.unwrap_err(), false),
            (client.replan().await.unwrap_err(), true),
            (client.push("/a", "a", &options).await.unwrap_err(), true),
        ] {
            assert_eq!(*error.kind(), ErrorKind::Unreachable, "{what}: {error}");
            assert_eq!(error.may_have_acted(), acted, "{what}: {error}");
        }
        let error = client.push_from("/a", &b"a"[..], &options).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Interrupted { .. }), "{what}: {error}");
    })
    .await;
}

#[tokio::test]
async fn a_request_that_cannot_be_written_is_the_callers_mistake() {
    with(Odd::just(b""), async |client| {
        let long = "x".repeat(70_000);
        let error = client.services(&[&long]).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_acted()),
            (&ErrorKind::InvalidRequest, false),
            "{error}"
        );
        assert!(
            error.to_string().len() < 1000 && !error.to_string().contains("is not Pebble"),
            "{error}"
        );
        let error = client.pull(&format!("/{long}")).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_acted()),
            (&ErrorKind::InvalidRequest, false),
            "{}",
            error.reason()
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_limit_is_over_head_and_body_of_a_refusal() {
    // Most of the time goes before the head, and the body never comes.
    let odd = Odd {
        delay: LIMIT * 9 / 10,
        ..Odd::just(b"HTTP/1.1 404 X\r\nContent-Length: 10\r\n\r\n")
    };
    with(odd, async |client| {
        let started = Instant::now();
        assert_eq!(*client.pull("/a").await.unwrap_err().kind(), ErrorKind::Unreachable);
        assert!(started.elapsed() <= LIMIT * 11 / 10, "{:?}", started.elapsed());
        let request = super::request::Request::get("/v1/tasks/1/websocket/stdio", "connect");
        let started = Instant::now();
        assert!(client.websocket(&request, LIMIT).await.is_err());
        assert!(started.elapsed() <= LIMIT * 11 / 10, "{:?}", started.elapsed());
    })
    .await;
}

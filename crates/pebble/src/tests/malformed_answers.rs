//! These tests give answers that Pebble does not give, byte for byte: other HTTP than Pebble's, and
//! HTTP that never ends.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Barrier;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::Instant;

use super::{Client, Error, ErrorKind, Exec, RetryPolicy, Signal};
use super::{DirOptions, PushFile, PushOptions, RemoveOptions, TreeOptions};
use super::{Identity, IdentityAccess, Layer, LayerMode, Notify};

/// The bytes that are sent for each request.
#[derive(Debug, Clone)]
struct MalformedAnswer {
    /// The wait before anything is sent.
    delay: Duration,
    first: &'static [u8],
    /// The bytes that are sent after that again and again, unless there are none.
    endless: &'static [u8],
    /// The wait between two of those.
    pause: Duration,
    /// The server shuts down its sending side after one answer, and goes on reading.
    half_closes: bool,
}

impl MalformedAnswer {
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
        Self { endless, pause, ..Self::just(first) }
    }
}

async fn serve(mut stream: UnixStream, malformed: MalformedAnswer) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    // A request that is read in several pieces is answered several times, which does no harm here.
    while stream.read(&mut request).await? > 0 {
        tokio::time::sleep(malformed.delay).await;
        stream.write_all(malformed.first).await?;
        if malformed.half_closes {
            stream.shutdown().await?;
        }
        while !malformed.endless.is_empty() {
            stream.write_all(malformed.endless).await?;
            tokio::time::sleep(malformed.pause).await;
        }
    }
    Ok(())
}

const LIMIT: Duration = Duration::from_millis(500);

/// A time that is far longer than the limit, and that a test can still wait for.
const FOR_EVER: Duration = Duration::from_secs(10);

async fn with_server<T>(malformed: MalformedAnswer, work: impl AsyncFnOnce(Client) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let socket: &Path = &folder.path().join("s");
    let listener = UnixListener::bind(socket).unwrap();
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, malformed.clone()));
        }
    });
    let client = Client::new(socket).with_retry(RetryPolicy::once(LIMIT));
    let result = tokio::time::timeout(FOR_EVER, work(client)).await;
    server.abort();
    result.expect("it hangs")
}

/// Gives the client a long limit, for a good answer that only a slow machine may delay.
fn with_long_limit(client: Client) -> Client {
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
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nLink: x\r\n\r\nHTTP/1.1 200 \
             OK\r\nContent-Length: {length}\r\n\r\n"
        ),
    ] {
        with_server(MalformedAnswer::just(answered(&head)), async |client| {
            let client = with_long_limit(client);
            for _ in 0..3 {
                let info =
                    client.system_info().await.unwrap_or_else(|error| panic!("{head}: {error}"));
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
    let malformed = MalformedAnswer { half_closes: true, ..MalformedAnswer::just(answered(&head)) };
    with_server(malformed, async |client| {
        let client = with_long_limit(client);
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
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: \
         {}\r\n\r\n{other}",
        String::from_utf8_lossy(INFO),
        other.len()
    );
    with_server(MalformedAnswer::just(twice.leak().as_bytes()), async |client| {
        let client = with_long_limit(client);
        for _ in 0..3 {
            assert_eq!(client.system_info().await.unwrap().version(), "v1.32.1");
        }
    })
    .await;
}

/// The way in which a second answer comes that was not asked for.
#[derive(Debug, Clone, Copy)]
enum Unasked {
    /// It comes with the first one.
    AtOnce,
    /// It comes after the first one was read.
    Afterwards,
    /// A part of it comes after the first one was read.
    InPart,
    /// It does not come, and the connection is closed.
    Closed,
}

/// Answers on the first connection that "/a" was made, and then, unasked, that "/b" was. It refuses
/// every other request.
fn serve_unasked(listener: &std::os::unix::net::UnixListener, unasked: Unasked, barrier: &Barrier) {
    let made = |path: &str| {
        let result = format!(r#"{{"type":"sync","result":[{{"path":"{path}"}}]}}"#);
        http("200 OK", &result).first
    };
    let refusal = http("400 X", r#"{"type":"error","result":{"message":"no"}}"#).first;
    let mut request = [0; 4096];
    let (mut first, _) = listener.accept().unwrap();
    assert!(first.read(&mut request).unwrap() > 0);
    match unasked {
        Unasked::AtOnce => first.write_all(&[made("/a"), made("/b")].concat()).unwrap(),
        _ => first.write_all(made("/a")).unwrap(),
    }
    barrier.wait();
    match unasked {
        Unasked::AtOnce => {}
        Unasked::Afterwards => first.write_all(made("/b")).unwrap(),
        Unasked::InPart => first.write_all(b"HTTP/1.1 2").unwrap(),
        Unasked::Closed => first.shutdown(std::net::Shutdown::Both).unwrap(),
    }
    barrier.wait();
    let (mut second, _) = listener.accept().unwrap();
    if second.read(&mut request).unwrap() > 0 {
        second.write_all(refusal).unwrap();
    }
}

#[test]
fn a_connection_on_which_something_came_unasked_is_not_used_again() {
    for unasked in [Unasked::AtOnce, Unasked::Afterwards, Unasked::InPart, Unasked::Closed] {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("s");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let barrier = &Barrier::new(2);
        let client = with_long_limit(Client::new(socket));
        let (first, second) = std::thread::scope(|scope| {
            scope.spawn(|| serve_unasked(&listener, unasked, barrier));
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let results = runtime.enable_all().build().unwrap().block_on(async {
                let first = client.make_dir("/a", &DirOptions::new()).await;
                // The runtime cannot look at its sockets between these two.
                barrier.wait();
                barrier.wait();
                (first, client.make_dir("/b", &DirOptions::new()).await)
            });
            // Releases a server that got no second connection.
            let _ = std::os::unix::net::UnixStream::connect(client.socket());
            results
        });
        first.unwrap();
        let error = second.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Api { status: 400 }, "{unasked:?}: {error}");
        assert_eq!(client.budget().retries(), 0, "{unasked:?}");
    }
}

#[tokio::test]
async fn a_change_of_protocol_that_nobody_asked_for_is_not_pebbles() {
    let head = b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    with_server(MalformedAnswer::just(head), async |client| {
        let error = client.system_info().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_acted()),
            (&ErrorKind::Protocol, false),
            "{error}"
        );
        let error = client.replan().await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_acted()), (&ErrorKind::Protocol, true), "{error}");
        let error = client.push_from("/a", &b"a"[..], &PushOptions::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_acted()), (&ErrorKind::Protocol, true), "{error}");
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
    let malformed = [
        // Informational answers without end, one at a time and as fast as they are read.
        MalformedAnswer::endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", often),
        MalformedAnswer::endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", Duration::ZERO),
        // A head and a body of which a byte comes at a time.
        MalformedAnswer::endless(b"HTTP/1.1 200 OK\r\nA: ", b"a", often),
        MalformedAnswer::endless(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
            b"a",
            often,
        ),
    ];
    // They run side by side, since each one takes the whole limit.
    futures_util::future::join_all(malformed.map(given_up)).await;
}

async fn given_up(malformed: MalformedAnswer) {
    let what = format!("{malformed:?}");
    with_server(malformed, async |client| {
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
    with_server(MalformedAnswer::just(b""), async |client| {
        let long = "x".repeat(70_000);
        let error = client.services([&long]).await.unwrap_err();
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
    // Most of the time passes before the head, and the body never comes.
    let malformed = MalformedAnswer {
        delay: LIMIT * 9 / 10,
        ..MalformedAnswer::just(b"HTTP/1.1 404 X\r\nContent-Length: 10\r\n\r\n")
    };
    with_server(malformed, async |client| {
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

/// Runs every call that changes something, and returns the results.
async fn writes(client: &Client) -> Vec<(&'static str, Result<(), Error>)> {
    let (push, dir, remove) = (PushOptions::new(), DirOptions::new(), RemoveOptions::new());
    let local = tempfile::tempdir().unwrap();
    let file = local.path().join("file");
    std::fs::write(&file, "a").unwrap();
    let id = "7".parse().unwrap();
    let layer = Layer::new();
    let identities: std::collections::BTreeMap<_, _> =
        [("a".to_owned(), Identity::new(IdentityAccess::Read).local(7))].into();
    let some = identities.iter().map(|(name, identity)| (name.clone(), Some(identity.clone())));
    vec![
        ("make_dir", client.make_dir("/a", &dir).await),
        ("make_dirs", client.make_dirs(["/a", "/b"], &dir).await.map(drop)),
        ("remove", client.remove("/a", &remove).await),
        ("remove_all", client.remove_all(["/a", "/b"], &remove).await.map(drop)),
        ("push", client.push("/a", "a", &push).await),
        (
            "push_all",
            client.push_all(&[PushFile::new("/a", "a"), PushFile::new("/b", "b")]).await.map(drop),
        ),
        ("push_file", client.push_file(&file, "/a", &push).await.map(drop)),
        ("push_from", client.push_from("/a", &b"a"[..], &push).await),
        ("push_tree", client.push_tree(local.path(), "/a", &TreeOptions::new()).await.map(drop)),
        ("notify", client.notify(&Notify::new("a.b/c")).await.map(drop)),
        ("refresh_check", client.refresh_check("a").await.map(drop)),
        ("start_checks", client.start_checks(["a"]).await.map(drop)),
        ("stop_checks", client.stop_checks(["a"]).await.map(drop)),
        ("abort_change", client.abort_change(&id).await.map(drop)),
        ("signal", client.signal(&Signal::HUP, ["a"]).await),
        ("add_layer", client.add_layer("new", &layer, LayerMode::New).await),
        ("add_identities", client.add_identities(&identities).await),
        ("update_identities", client.update_identities(&identities).await),
        ("replace_identities", client.replace_identities(&some.collect()).await),
        ("remove_identities", client.remove_identities(["a"]).await),
        ("start", client.start(["a"]).await.map(drop)),
        ("stop", client.stop(["a"]).await.map(drop)),
        ("restart", client.restart(["a"]).await.map(drop)),
        ("replan", client.replan().await.map(drop)),
        ("autostart", client.autostart().await.map(drop)),
    ]
}

fn http(status: &str, body: &str) -> MalformedAnswer {
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    MalformedAnswer::just(text.leak().as_bytes())
}

#[tokio::test]
async fn a_write_that_was_answered_with_something_else_may_have_acted() {
    let refusal = r#"{"type":"error","status-code":500,"result":{"message":"no"}}"#;
    let half = MalformedAnswer {
        half_closes: true,
        ..MalformedAnswer::just(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
    };
    let malformed = [
        ("half of one", half, 0),
        ("another type of result", http("200 OK", r#"{"type":"sync","result":7}"#), 7),
        ("nothing", http("200 OK", r#"{"type":"sync","result":null}"#), 7),
        (
            "too many results",
            http(
                "200 OK",
                r#"{"type":"sync","result":[{"path":"/a"},{"path":"/b"},{"path":"/c"}]}"#,
            ),
            7,
        ),
        ("another type of answer", http("200 OK", r#"{"type":"new","result":null}"#), 0),
        ("no change", http("202 Accepted", r#"{"type":"async","result":null}"#), 0),
        ("no JSON", http("200 OK", "<html>"), 0),
        ("no body", http("200 OK", ""), 0),
        ("no content", MalformedAnswer::just(b"HTTP/1.1 204 No Content\r\n\r\n"), 0),
        (
            "another place",
            MalformedAnswer::just(
                b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
            ),
            0,
        ),
        (
            "too much",
            MalformedAnswer::just(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{"),
            0,
        ),
        ("a failure", http("500 X", refusal), 0),
        ("a failure of something else", http("502 X", "bad gateway"), 0),
        ("somebody who is busy", http("503 X", refusal), 0),
        ("no HTTP", MalformedAnswer::just(b"SSH-2.0-OpenSSH\r\n\r\n"), 0),
    ];
    for (what, malformed, may_work) in malformed {
        with_server(malformed, async |client| {
            let results = writes(&client).await;
            let failed = results.iter().filter(|(_, result)| result.is_err()).count();
            assert!(failed >= results.len() - may_work, "{what}: {results:?}");
            for (call, result) in results {
                if let Err(error) = result {
                    assert!(error.may_have_acted(), "{call} answered with {what}: {error:?}");
                }
            }
            // Pebble runs a command once its websockets are connected.
            let error = client.exec_output(&Exec::new(["a"])).await.unwrap_err();
            assert!(!error.may_have_acted(), "exec answered with {what}: {error:?}");
            for error in [
                client.plan().await.unwrap_err(),
                client.pull("/a").await.unwrap_err(),
                client.change(&"7".parse().unwrap()).await.unwrap_err(),
            ] {
                assert!(!error.may_have_acted(), "a read answered with {what}: {error:?}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_refusal_proves_that_nothing_was_done_where_it_comes_first() {
    let refusal = r#"{"type":"error","status-code":400,"result":{"message":"no"}}"#;
    for status in ["400 X", "401 X", "403 X", "404 X", "405 X"] {
        with_server(http(status, refusal), async |client| {
            for (call, result) in writes(&client).await {
                let error = result.unwrap_err();
                // Pebble answers this to the later part of a body, too, after some files were
                // written.
                let acted = status == "400 X" && call.starts_with("push") && call != "push_tree";
                assert_eq!(
                    error.may_have_acted(),
                    acted,
                    "{call} answered with {status}: {error:?}"
                );
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_write_without_a_connection_has_not_acted() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::new(folder.path().join("s")).with_retry(RetryPolicy::once(LIMIT));
    for (call, result) in writes(&client).await {
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_acted()),
            (&ErrorKind::Unreachable, false),
            "{call}: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_error_of_one_path_proves_it_where_the_work_has_one_step() {
    let error = r#"{"kind":"permission-denied","message":"no"}"#;
    let result = format!(r#"{{"type":"sync","result":[{{"path":"/a","error":{error}}}]}}"#);
    with_server(http("200 OK", &result), async |client| {
        let (dir, remove, push) = (DirOptions::new(), RemoveOptions::new(), PushOptions::new());
        for (error, acted) in [
            (client.make_dir("/a", &dir).await, false),
            (client.make_dir("/a", &dir.clone().make_parents()).await, true),
            (client.remove("/a", &remove).await, false),
            (client.remove("/a", &remove.clone().recursive()).await, true),
            (client.push("/a", "a", &push).await, false),
            (client.push("/a", "a", &push.clone().make_dirs()).await, true),
        ] {
            let error = error.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::File(_)), "{error:?}");
            assert_eq!(error.may_have_acted(), acted, "{error:?}");
        }
    })
    .await;
}

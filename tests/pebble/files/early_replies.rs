//! These tests push to a server that replies before it has read the whole request. Go's server does
//! so when a handler refuses a request without reading its body.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;

use charmwright_pebble::{Client, ErrorKind};

use super::options;

const REFUSAL: &str = concat!(
    r#"{"type":"error","status-code":401,"status":"Unauthorized","#,
    r#""result":{"message":"access denied","kind":"login-required"}}"#
);

/// Starts a server that reads the first 100 bytes of a request, sends this reply and stops reading,
/// and calls `push` with a client of it. Asserts that the client does not connect a second time.
async fn with_early_reply(
    status: &'static str,
    body: &'static str,
    push: impl AsyncFnOnce(Client),
) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let (done, is_done) = mpsc::channel::<()>();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut start = [0; 100];
        stream.read_exact(&mut start).unwrap();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: \
             close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        // Go's server also only shuts down its side at first: a close with unread data resets the
        // connection, and then the client may lose the reply.
        stream.shutdown(Shutdown::Write).unwrap();
        let _sender_gone = is_done.recv();
        assert!(
            listener.set_nonblocking(true).is_ok() && listener.accept().is_err(),
            "it was tried again"
        );
    });
    push(Client::new(&socket)).await;
    drop(done);
    server.join().unwrap();
}

#[tokio::test]
async fn an_early_refusal_is_reported() {
    let content = vec![7_u8; 8 * 1024 * 1024];
    with_early_reply("401 Unauthorized", REFUSAL, async |client| {
        let error = client.push("/x", content.clone(), &options()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::PermissionDenied, "{error}");
    })
    .await;
    with_early_reply("401 Unauthorized", REFUSAL, async |client| {
        let error = client.push_from("/x", &content[..], &options()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::PermissionDenied, "{error}");
    })
    .await;
}

#[tokio::test]
async fn an_early_success_is_no_success() {
    const SUCCESS: &str =
        r#"{"type":"sync","status-code":200,"status":"OK","result":[{"path":"/x"}]}"#;
    let content = vec![7_u8; 8 * 1024 * 1024];
    let local = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(local.path(), &content).unwrap();
    with_early_reply("200 OK", SUCCESS, async |client| {
        let error = client.push_from("/x", &content[..], &options()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Protocol, "{error}");
        assert!(error.may_have_acted());
    })
    .await;
    with_early_reply("200 OK", SUCCESS, async |client| {
        let error = client.push_file(local.path(), "/x", &options()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Protocol, "{error}");
    })
    .await;
}

//! A daemon that answers before it has read what it is sent: one that refuses does not care for the
//! body.

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

/// Pushes 8 MiB to a server that reads the beginning, answers this, and stops reading.
async fn answered_early(status: &'static str, body: &'static str, push: impl AsyncFnOnce(Client)) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    let (over, is_over) = mpsc::channel::<()>();
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
        // As Go's server does: it ends its side and does not close at once, since that could take
        // its answer back.
        stream.shutdown(Shutdown::Write).unwrap();
        let _sender_gone = is_over.recv();
        assert!(
            listener.set_nonblocking(true).is_ok() && listener.accept().is_err(),
            "it was tried again"
        );
    });
    push(Client::new(&socket)).await;
    drop(over);
    server.join().unwrap();
}

#[tokio::test]
async fn an_early_refusal_is_heard() {
    let content = vec![7_u8; 8 * 1024 * 1024];
    answered_early("401 Unauthorized", REFUSAL, async |client| {
        let error = client.push("/x", content.clone(), &options()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::PermissionDenied, "{error}");
    })
    .await;
    answered_early("401 Unauthorized", REFUSAL, async |client| {
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
    answered_early("200 OK", SUCCESS, async |client| {
        let error = client.push_from("/x", &content[..], &options()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Protocol, "{error}");
        assert!(error.may_have_acted());
    })
    .await;
    answered_early("200 OK", SUCCESS, async |client| {
        let error = client.push_file(local.path(), "/x", &options()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Protocol, "{error}");
    })
    .await;
}

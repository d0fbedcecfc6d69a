//! This test lets a server send pings without reading the pongs. The client must not queue them:
//! its process may grow by less than 16 MiB. The test has a process of its own, since it measures
//! the memory of the process.

use std::time::Duration;

use charmwright_pebble::{Client, Exec, RetryPolicy};
use charmwright_tests::memory::rise;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The number of bytes of all pings. The pongs have as many.
const SENT: usize = 64 * 1024 * 1024;
const RISE: u64 = 16 * 1024 * 1024;

/// Serves one connection with as much of Pebble's API as a command needs, and sends the pings on
/// the websocket of stdio.
async fn serve(stream: UnixStream) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut key, mut length) = (String::new(), String::new(), 0);
        stream.read_line(&mut first).await.ok().filter(|count| *count > 0)?;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.ok()?;
            match line.trim().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().ok()?;
                }
                Some((name, value)) if name.eq_ignore_ascii_case("sec-websocket-key") => {
                    value.clone_into(&mut key);
                }
                Some(_) => {}
                None => break,
            }
        }
        stream.read_exact(&mut vec![0; length]).await.ok()?;
        if first.contains("/websocket/") {
            let accept = derive_accept_key(key.as_bytes());
            let head = format!(
                "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: \
                 websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.get_mut().write_all(head.as_bytes()).await.ok()?;
            if first.contains("/stdio") {
                let ping = [&[0x89, 125][..], &[b'x'; 125]].concat();
                let pings = ping.repeat(512);
                for _ in 0..SENT / pings.len() {
                    stream.get_mut().write_all(&pings).await.ok()?;
                }
                return None;
            }
            return std::future::pending().await;
        }
        if first.starts_with("GET") {
            return std::future::pending().await;
        }
        let body = r#"{"type":"async","change":"1","result":{"task-id":"1"}}"#;
        let reply = format!("HTTP/1.1 202 X\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.get_mut().write_all(reply.as_bytes()).await.ok()?;
    }
}

#[tokio::test]
async fn unread_pongs_do_not_pile_up() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream));
        }
    });
    let client = Client::new(&socket).with_retry(RetryPolicy::once(Duration::from_secs(5)));
    let mut process = client.exec(&Exec::new(["x"]).combine_stderr()).await.unwrap();
    let mut stdout = process.take_stdout().unwrap();
    let mut end = None;
    let rise = rise(async { end = stdout.read(&mut [0; 10]).await.err() }).await;
    let error = end.unwrap();
    println!("the peak rose by {} KiB", rise / 1024);
    // The client has read all pings, since it has seen the end of the connection, which comes after
    // them.
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    assert!(rise < RISE, "{rise} bytes more");
}

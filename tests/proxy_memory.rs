//! This test sends 1 GiB through the proxy. The process may grow by less than 32 MiB. The test has
//! a process of its own, since it measures the memory of the process.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use charmwright_testing::proxy::{Fault, FaultProxy, Rule};
use charmwright_tests::memory::memory;
use charmwright_tests::wire::Wire;

const SIZE: u64 = 1024 * 1024 * 1024;
const RISE: u64 = 32 * 1024 * 1024;

#[test]
fn a_large_body_is_passed_on_as_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("upstream.socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let proxy = FaultProxy::start(&socket).unwrap();
    let received = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&received);
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let counter = Arc::clone(&counter);
            thread::spawn(move || serve(stream, &counter));
        }
    });
    let block = vec![b'x'; 256 * 1024];
    let before = memory("VmHWM:");
    let faults = [None, Some(Fault::Delay(Duration::ZERO)), Some(Fault::CutRequestBefore)];
    // The first two requests have 1 GiB together. The proxy does not forward the third.
    let each = SIZE / 2;
    for fault in faults {
        let cut = matches!(fault, Some(Fault::CutRequestBefore));
        let each = if cut { each / 8 } else { each };
        if let Some(fault) = fault {
            proxy.add(Rule::new("POST", "/v1/files", fault).body_contains("xxx"));
        }
        received.store(0, Ordering::SeqCst);
        let mut wire = Wire::open(proxy.socket()).unwrap();
        write!(wire.stream.get_mut(), "POST /v1/files HTTP/1.1\r\nContent-Length: {each}\r\n\r\n")
            .unwrap();
        for _ in 0..each / block.len() as u64 {
            wire.stream.get_mut().write_all(&block).unwrap();
        }
        assert_eq!(wire.receive().is_ok(), !cut);
        assert_eq!(received.load(Ordering::SeqCst), if cut { 0 } else { each });
        let seen = proxy.requests().pop().unwrap();
        assert!(seen.is_complete && seen.body_length == each && seen.body.len() == 64 * 1024);
        assert_eq!(seen.forwarded, !cut);
    }
    let rise = memory("VmHWM:") - before;
    assert!(rise < RISE, "{rise} bytes more");
}

/// Reads one request with a `Content-Length`, stores the length of its body, and replies.
fn serve(mut stream: UnixStream, received: &AtomicU64) {
    let mut wanted = None;
    let mut head = Vec::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut body = 0;
    while wanted.is_none_or(|wanted| body < wanted) {
        let Ok(count @ 1..) = stream.read(&mut buffer) else {
            return;
        };
        if wanted.is_some() {
            body += count as u64;
            continue;
        }
        head.extend_from_slice(&buffer[..count]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            body = (head.len() - end - 4) as u64;
            let text = String::from_utf8_lossy(&head[..end]).into_owned();
            wanted = Some(
                text.split_once("Content-Length: ")
                    .map_or(0, |(_, value)| value.lines().next().unwrap().parse().unwrap()),
            );
        }
    }
    received.store(body, Ordering::SeqCst);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok();
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

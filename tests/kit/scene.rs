//! A daemon, a proxy before it, and as much HTTP as these tests need.

use std::io::{BufRead, BufReader, ErrorKind as IoKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use charmwright_testing::daemon::{Daemon, DaemonOptions};
use charmwright_testing::daemon_or_skip;
use charmwright_testing::proxy::FaultProxy;

/// Longer than anything here takes, shorter than anybody's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "still not so: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A connection that speaks as much HTTP as these tests need.
pub(crate) struct Wire {
    pub(crate) stream: BufReader<UnixStream>,
}

impl Wire {
    pub(crate) fn open(socket: &Path) -> std::io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, body: &str) -> std::io::Result<()> {
        let length = body.len();
        write!(
            self.stream.get_mut(),
            "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    }

    pub(crate) fn receive(&mut self) -> std::io::Result<(u16, String)> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(IoKind::UnexpectedEof.into());
        }
        let status =
            line.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or(IoKind::InvalidData)?;
        let (mut length, mut chunked) = (0, false);
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(IoKind::UnexpectedEof.into());
            }
            let header = line.trim_end().to_ascii_lowercase();
            match header.split_once(": ") {
                _ if header.is_empty() => break,
                Some(("content-length", value)) => {
                    length = value.parse().map_err(|_| IoKind::InvalidData)?;
                }
                Some(("transfer-encoding", _)) => chunked = true,
                _ => {}
            }
        }
        let mut body = Vec::new();
        loop {
            if chunked {
                line.clear();
                self.stream.read_line(&mut line)?;
                length =
                    usize::from_str_radix(line.trim_end(), 16).map_err(|_| IoKind::InvalidData)?;
            }
            let mut part = vec![0; length];
            self.stream.read_exact(&mut part)?;
            body.extend(part);
            if !chunked {
                break;
            }
            line.clear();
            self.stream.read_line(&mut line)?;
            if length == 0 {
                break;
            }
        }
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
    ) -> std::io::Result<(u16, String)> {
        self.send(method, path, body)?;
        self.receive()
    }
}

pub(crate) fn ask(
    socket: &Path,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    Wire::open(socket)?.ask(method, path, body)
}

pub(crate) fn changes(socket: &Path) -> Vec<serde_json::Value> {
    let (status, body) = ask(socket, "GET", "/v1/changes?select=all", "").unwrap();
    assert_eq!(status, 200, "{body}");
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    document["result"].as_array().unwrap().clone()
}

pub(crate) fn pid_in(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

pub(crate) fn runs(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
    })
}

pub(crate) const IDLE: &str =
    "services:\n  idle:\n    override: replace\n    command: sleep 1000\n";
pub(crate) const START: &str = r#"{"action":"start","services":["idle"]}"#;

/// A held daemon with the service `idle`, and a proxy before it.
pub(crate) fn pair(test: &str) -> Option<(Daemon, FaultProxy)> {
    let daemon = daemon_or_skip(test, DaemonOptions::new().layer("base", IDLE).hold())?;
    let proxy = FaultProxy::start(daemon.socket()).unwrap();
    Some((daemon, proxy))
}

//! Requests that the client does not make, because no good one looks so.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::Value;

use crate::pebble::Pebble;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {:?}", String::from_utf8_lossy(&self.body)))
    }

    /// The message of an error, after a look at its envelope.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        let json = self.json();
        assert_eq!(
            (&json["type"], &json["status-code"]),
            (&"error".into(), &self.status.into()),
            "{json}"
        );
        json["result"]["message"].as_str().unwrap().to_owned()
    }
}

/// One request on a connection of its own. `headers` are whole lines, each with its end.
pub(crate) fn ask(
    pebble: &impl Pebble,
    method: &str,
    target: &str,
    headers: &str,
    body: &[u8],
) -> Answer {
    let mut stream = UnixStream::connect(pebble.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \
         {length}\r\n{headers}\r\n"
    );
    // At once: a daemon that needs only the head may have answered and gone before a second write.
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let split = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..split].to_vec()).unwrap();
    let body = answer[split + 4..].to_vec();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head,
        body: if chunked { unchunked(&body) } else { body },
    }
}

/// The same with a JSON body.
pub(crate) fn post(pebble: &impl Pebble, target: &str, body: &str) -> Answer {
    ask(pebble, "POST", target, "Content-Type: application/json\r\n", body.as_bytes())
}

pub(crate) fn get(pebble: &impl Pebble, target: &str) -> Answer {
    ask(pebble, "GET", target, "", b"")
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            return whole;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 4 + size..];
    }
}

/// An answer that does not end: what has come of it so far.
pub(crate) struct Stream {
    stream: UnixStream,
    text: String,
}

impl Stream {
    pub(crate) fn get(pebble: &impl Pebble, target: &str) -> Self {
        let mut stream = UnixStream::connect(pebble.socket()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let text = String::new();
        Self { stream, text }
    }

    /// All that has come, head and chunks, as soon as this is in it.
    pub(crate) fn until(&mut self, text: &str) -> &str {
        while !self.text.contains(text) {
            let mut buffer = [0; 4096];
            let read = self.stream.read(&mut buffer).unwrap();
            assert!(read > 0, "it ended: {}", self.text);
            self.text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
        &self.text
    }

    /// Whether nothing comes for so long.
    pub(crate) fn is_quiet(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let read = self.stream.read(&mut [0]);
        self.stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        read.is_err()
    }
}

//! A connection after a switch of protocols (to a websocket): bytes pass both ways until one side
//! ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;

use super::probe;
use super::reply::{ClientWriter, ReplyFault};
use super::request::SeenRequest;
use super::rule::AfterReply;
use super::shared::Shared;
use super::upstream::UpstreamReader;
use crate::wire::Head;

/// The two sides of an upgraded connection.
pub(super) struct Upgraded<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client: &'a UnixStream,
    pub(super) from_client: &'a mut BufReader<UnixStream>,
    pub(super) upstream: &'a UnixStream,
    pub(super) from_upstream: &'a mut BufReader<UpstreamReader>,
}

impl Upgraded<'_> {
    /// Passes the daemon's head on and then the bytes of both sides, until one side ends.
    ///
    /// Each direction has a thread. With one thread for both, a command that echoes its input would
    /// block: the daemon reads no more until its output is read.
    pub(super) fn run(
        self,
        reply: &Head,
        fault: &ReplyFault,
        request: &SeenRequest,
    ) -> io::Result<()> {
        let Self { shared, client, from_client, upstream, from_upstream } = self;
        // The other thread reads from the client, so it sees the client leave.
        from_upstream.get_mut().watch_nothing();
        let is_held = matches!(fault, ReplyFault::ReplaceFrames(_, AfterReply::Hold));
        thread::scope(|scope| {
            let upload = thread::Builder::new()
                .name("proxy-upgraded".to_owned())
                .spawn_scoped(scope, move || pass_to_daemon(from_client, upstream, is_held))?;
            if let ReplyFault::CallFirst(callback) = fault {
                callback(request);
            }
            let passed = pass_to_client(shared, client, from_upstream, reply, fault);
            if is_held && passed.is_ok() {
                // The daemon's side is over, and the fault keeps the client from seeing that. The
                // upload ends when the client closes the connection.
                let _panicked = upload.join();
                return Ok(());
            }
            // The probe comes before the client's side is closed: a client that connects again at
            // once must find the proxy's socket in the state of the daemon's.
            probe::probe_after_end(shared);
            let _closed = client.shutdown(Shutdown::Both);
            let _closed = upstream.shutdown(Shutdown::Both);
            Ok(())
        })
    }
}

/// Passes bytes to the daemon until the client closes the connection. It also ends when the daemon
/// takes no more bytes, unless the connection `is_held`: the rest is then thrown away.
fn pass_to_daemon(
    from_client: &mut BufReader<UnixStream>,
    mut upstream: &UnixStream,
    is_held: bool,
) {
    let mut is_broken = false;
    while let Ok(bytes) = from_client.fill_buf() {
        let count = bytes.len();
        if count == 0 {
            break;
        }
        is_broken = is_broken || upstream.write_all(bytes).is_err();
        if is_broken && !is_held {
            break;
        }
        from_client.consume(count);
    }
    let _closed = upstream.shutdown(Shutdown::Both);
}

/// Passes bytes to the client until the daemon ends, the client has closed the connection, or the
/// fault ends it.
fn pass_to_client(
    shared: &Shared,
    mut client: &UnixStream,
    from_upstream: &mut BufReader<UpstreamReader>,
    reply: &Head,
    fault: &ReplyFault,
) -> io::Result<()> {
    let mut writer = ClientWriter::new(shared, client, fault);
    if let ReplyFault::ReplaceFrames(bytes, then) = fault {
        client.write_all(&[&reply.raw, bytes.as_slice()].concat())?;
        if *then == AfterReply::Close {
            return Ok(());
        }
        // The daemon's bytes are read and thrown away, so that its writes never block.
        let mut sink = vec![0; 64 * 1024];
        while from_upstream.read(&mut sink).is_ok_and(|count| count > 0) {}
        return Ok(());
    }
    writer.write(&reply.raw)?;
    loop {
        let bytes = from_upstream.fill_buf()?;
        let count = bytes.len();
        if count == 0 {
            return Ok(());
        }
        writer.write(bytes)?;
        from_upstream.consume(count);
    }
}

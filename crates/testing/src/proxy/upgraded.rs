//! A connection that has become something else (a websocket): bytes both ways until one side ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;

use super::listen_state;
use super::reply::{Back, Tap};
use super::rule::AfterReply;
use super::shared::{SeenRequest, Shared};
use super::upstream::Watched;
use crate::wire::Head;

pub(super) struct Upgraded<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client: &'a UnixStream,
    pub(super) from_client: &'a mut BufReader<UnixStream>,
    pub(super) upstream: &'a UnixStream,
    pub(super) from_upstream: &'a mut BufReader<Watched>,
}

impl Upgraded<'_> {
    /// Gives the daemon's head and then what belongs to it. The two directions have a thread each:
    /// were one to wait for the other, a command that echoes what it gets would stand still.
    pub(super) fn run(self, reply: &Head, back: &Back, request: &SeenRequest) -> io::Result<()> {
        let Self { shared, client, from_client, upstream, from_upstream } = self;
        from_upstream.get_mut().watch_nobody();
        let held = matches!(back, Back::Replace(_, AfterReply::Hold));
        thread::scope(|scope| {
            let there = thread::Builder::new()
                .name("proxy-upgraded".to_owned())
                .spawn_scoped(scope, move || to_daemon(from_client, upstream, held))?;
            if let Back::First(act) = back {
                act(request);
            }
            let given = to_client(shared, client, from_upstream, reply, back);
            if held && given.is_ok() {
                // The daemon's side is over; the client is to see nothing of that.
                let _panicked = there.join();
                return Ok(());
            }
            // Before the client can know: when it comes again, the door says what the daemon's
            // says.
            listen_state::probe_after_end(shared);
            let _closed = client.shutdown(Shutdown::Both);
            let _closed = upstream.shutdown(Shutdown::Both);
            Ok(())
        })
    }
}

/// Until the client leaves. When it is to be `held`, a daemon that takes nothing more is no reason
/// to stop.
fn to_daemon(from_client: &mut BufReader<UnixStream>, mut upstream: &UnixStream, held: bool) {
    let mut deaf = false;
    while let Ok(bytes) = from_client.fill_buf() {
        let count = bytes.len();
        if count == 0 {
            break;
        }
        deaf = deaf || upstream.write_all(bytes).is_err();
        if deaf && !held {
            break;
        }
        from_client.consume(count);
    }
    let _closed = upstream.shutdown(Shutdown::Both);
}

/// Until the daemon ends, the client has left, or a fault has had its way.
fn to_client(
    shared: &Shared,
    mut client: &UnixStream,
    from_upstream: &mut BufReader<Watched>,
    reply: &Head,
    back: &Back,
) -> io::Result<()> {
    let mut tap = Tap::new(shared, client, back);
    if let Back::Replace(bytes, then) = back {
        client.write_all(&[&reply.raw, bytes.as_slice()].concat())?;
        if *then == AfterReply::Close {
            return Ok(());
        }
        // What the daemon says is thrown away, so that it never waits for somebody to take it.
        let mut sink = vec![0; 64 * 1024];
        while from_upstream.read(&mut sink).is_ok_and(|count| count > 0) {}
        return Ok(());
    }
    tap.give(&reply.raw)?;
    loop {
        let bytes = from_upstream.fill_buf()?;
        let count = bytes.len();
        if count == 0 {
            return Ok(());
        }
        tap.give(bytes)?;
        from_upstream.consume(count);
    }
}

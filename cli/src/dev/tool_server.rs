//! The server of the agent's socket: reads the calls of hook tools, passes each to the session, and
//! sends the reply.
//!
//! As in Juju, the socket exists only while a hook runs, so a child that outlives its hook gets "no
//! such file". Calls are answered one at a time in the order in which they arrive, because the
//! session has one queue.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use charmwright_agent::ToolRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::session_event::{SessionEvent, ToolCall};
use crate::error::{Error, Result};
use crate::wire::{body_length, decode_request, encode_reply};

/// The server of one hook's tools. Dropping it closes every open connection and removes the socket.
#[derive(Debug)]
pub struct ToolServer {
    path: PathBuf,
    accept_task: JoinHandle<()>,
}

impl ToolServer {
    /// Listens at `path`, and sends each call to `calls`.
    ///
    /// # Errors
    /// Fails if the socket cannot be made.
    pub fn start(path: &Path, calls: mpsc::UnboundedSender<SessionEvent>) -> Result<Self> {
        let failed = || Error::new(format!("cannot listen for hook tools at {}", path.display()));
        // A socket from a hook whose agent was killed. No other process uses this folder.
        let _ = fs::remove_file(path);
        let listener = UnixListener::bind(path).map_err(|error| failed().because(error))?;
        // Exactly 0700, whatever the umask of the user: no other user may connect.
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(|error| failed().because(error))?;
        let accept_task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        if let Ok((stream, _)) = accepted {
                            connections.spawn(serve_connection(stream, calls.clone()));
                        }
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { path: path.to_owned(), accept_task })
    }
}

impl Drop for ToolServer {
    fn drop(&mut self) {
        // The task owns the set of connections, so they are closed with it.
        self.accept_task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

/// Answers the requests of one connection until it ends.
async fn serve_connection(mut stream: UnixStream, calls: mpsc::UnboundedSender<SessionEvent>) {
    // A client that breaks off or sends an invalid message gets no reply, and reports that itself.
    while let Ok(request) = read_request(&mut stream).await {
        let (reply, answer) = oneshot::channel();
        if calls.send(SessionEvent::ToolCalled(ToolCall { request, reply })).is_err() {
            return;
        }
        let Ok(answer) = answer.await else { return };
        // A reply that is longer than a message can be is dropped. The tool then reports a broken
        // connection.
        let Ok(message) = encode_reply(&answer) else { return };
        if stream.write_all(&message).await.is_err() {
            return;
        }
    }
}

/// Reads one request.
async fn read_request(stream: &mut UnixStream) -> std::io::Result<ToolRequest> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let mut body = vec![0; body_length(head)?];
    stream.read_exact(&mut body).await?;
    decode_request(&body)
}

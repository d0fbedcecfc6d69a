//! The agent's socket: takes hook tools' calls off the wire and hands each to the session, with a
//! way to answer it.
//!
//! As with Juju the socket is there only while a hook runs, so a child that outlives its hook gets
//! "no such file". Calls are answered one at a time, in the order in which they arrive: the session
//! has one queue.

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

/// The socket while one hook runs; dropping it breaks off every open connection and removes the
/// socket.
#[derive(Debug)]
pub struct ToolServer {
    path: PathBuf,
    accept_task: JoinHandle<()>,
}

impl ToolServer {
    /// Listens at `path` and hands each call to `calls`.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start(path: &Path, calls: mpsc::UnboundedSender<SessionEvent>) -> Result<Self> {
        let failed = || Error::new(format!("cannot listen for hook tools at {}", path.display()));
        // Left by a hook whose agent was killed: nobody else uses this folder.
        let _ = fs::remove_file(path);
        let listener = UnixListener::bind(path).map_err(|error| failed().because(error))?;
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
        // The set of connections is owned by that task, and goes with it.
        self.accept_task.abort();
        let _ = fs::remove_file(&self.path);
    }
}

async fn serve_connection(mut stream: UnixStream, calls: mpsc::UnboundedSender<SessionEvent>) {
    // A caller that breaks off or talks nonsense is its own affair: it gets no answer, and says so
    // itself.
    while let Ok(request) = read_request(&mut stream).await {
        let (reply, answer) = oneshot::channel();
        if calls.send(SessionEvent::ToolCalled(ToolCall { request, reply })).is_err() {
            return;
        }
        let Ok(answer) = answer.await else { return };
        let Ok(message) = encode_reply(&answer) else { return };
        if stream.write_all(&message).await.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut UnixStream) -> std::io::Result<ToolRequest> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let mut body = vec![0; body_length(head)?];
    stream.read_exact(&mut body).await?;
    decode_request(&body)
}

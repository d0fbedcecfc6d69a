//! This module returns the command line of each peer.

use std::path::Path;

use crate::common::Failure;
use crate::environment::Environment;
use crate::operation::Operation;
use crate::peer::Peer;
use crate::{curl, driver};

/// Returns `true` if the peer can do the operation here. curl only pulls and pushes files.
pub(crate) fn is_supported(peer: Peer, operation: Operation, environment: &Environment) -> bool {
    match peer {
        Peer::Curl => environment.has_curl && operation.content().is_some(),
        Peer::Charmwright | Peer::Floor | Peer::Go | Peer::Ops => true,
    }
}

/// Returns the command line that makes the peer do the operation, warm-up included.
pub(crate) fn command_line(
    peer: Peer,
    operation: Operation,
    environment: &Environment,
) -> Result<Vec<String>, Failure> {
    let text = |path: &Path| path.display().to_string();
    let mut command_line = match peer {
        Peer::Charmwright => vec![
            text(&environment.this_executable),
            driver::PEER_ARGUMENT.to_owned(),
            "ours".to_owned(),
        ],
        Peer::Floor => vec![
            text(&environment.this_executable),
            driver::PEER_ARGUMENT.to_owned(),
            "floor".to_owned(),
        ],
        Peer::Go => vec![text(&environment.go_client)],
        Peer::Ops => vec![text(&environment.python), text(&environment.ops_client)],
        // curl takes a configuration file instead of the arguments that follow.
        Peer::Curl => return curl::command_line(operation, environment),
    };
    let (warm_up, count) = operation.repetitions(peer);
    command_line.extend([
        text(environment.daemon(operation).socket()),
        operation.argument().to_owned(),
        warm_up.to_string(),
        count.to_string(),
    ]);
    if let Some(content) = operation.content() {
        if operation.pushes() {
            command_line.push(text(&environment.target(peer, operation)));
        }
        command_line.push(text(&environment.source(content)));
    }
    Ok(command_line)
}

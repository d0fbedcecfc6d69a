//! A peer is a client that is measured; this module gives its name and its command line.

use std::path::Path;

use crate::common::Failure;
use crate::environment::Environment;
use crate::operation::Operation;
use crate::{curl, driver};

/// A peer is one of the clients that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Charmwright,
    Floor,
    Go,
    Curl,
    Ops,
}

/// All peers, in the order of the tables.
pub(crate) const PEERS: [Peer; 5] =
    [Peer::Charmwright, Peer::Floor, Peer::Go, Peer::Curl, Peer::Ops];

impl Peer {
    /// Returns the name of the peer in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Charmwright => "ours",
            Self::Floor => "floor",
            Self::Go => "Go client",
            Self::Curl => "curl",
            Self::Ops => "ops",
        }
    }

    /// Returns `true` if the peer can do the operation here. curl only pulls and pushes files.
    pub(crate) fn supports(self, operation: Operation, environment: &Environment) -> bool {
        match self {
            Self::Curl => environment.has_curl && operation.content().is_some(),
            Self::Charmwright | Self::Floor | Self::Go | Self::Ops => true,
        }
    }

    /// Returns the command line that makes the peer do the operation, warm-up included.
    pub(crate) fn command_line(
        self,
        operation: Operation,
        environment: &Environment,
    ) -> Result<Vec<String>, Failure> {
        let text = |path: &Path| path.display().to_string();
        let mut command_line = match self {
            Self::Charmwright => vec![
                text(&environment.this_executable),
                driver::PEER_ARGUMENT.to_owned(),
                "ours".to_owned(),
            ],
            Self::Floor => vec![
                text(&environment.this_executable),
                driver::PEER_ARGUMENT.to_owned(),
                "floor".to_owned(),
            ],
            Self::Go => vec![text(&environment.go_client)],
            Self::Ops => vec![text(&environment.python), text(&environment.ops_client)],
            Self::Curl => return curl::command_line(operation, environment),
        };
        let (warm_up, count) = operation.repetitions(self);
        command_line.extend([
            text(environment.daemon(operation).socket()),
            operation.argument().to_owned(),
            warm_up.to_string(),
            count.to_string(),
        ]);
        if let Some(content) = operation.content() {
            if operation.pushes() {
                command_line.push(text(&environment.target(self, operation)));
            }
            command_line.push(text(&environment.source(content)));
        }
        Ok(command_line)
    }
}

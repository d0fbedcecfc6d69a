//! Who is measured, as a command line.

use std::path::Path;

use crate::common::Failure;
use crate::operation::Operation;
use crate::stage::Stage;
use crate::{curl, driver};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Ours,
    Floor,
    Go,
    Curl,
    Ops,
}

pub(crate) const PEERS: [Peer; 5] = [Peer::Ours, Peer::Floor, Peer::Go, Peer::Curl, Peer::Ops];

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Floor => "floor",
            Self::Go => "Go client",
            Self::Curl => "curl",
            Self::Ops => "ops",
        }
    }

    /// Whether it does this at all.
    pub(crate) fn can(self, operation: Operation, stage: &Stage) -> bool {
        match self {
            Self::Curl => stage.curl && operation.content().is_some(),
            Self::Ours | Self::Floor | Self::Go | Self::Ops => true,
        }
    }

    /// The command line that does it so often.
    pub(crate) fn line(self, operation: Operation, stage: &Stage) -> Result<Vec<String>, Failure> {
        let text = |path: &Path| path.display().to_string();
        let mut line = match self {
            Self::Ours => vec![text(&stage.here), driver::WORD.to_owned(), "ours".to_owned()],
            Self::Floor => vec![text(&stage.here), driver::WORD.to_owned(), "floor".to_owned()],
            Self::Go => vec![text(&stage.go)],
            Self::Ops => vec![text(&stage.python), text(&stage.ops_client)],
            Self::Curl => return curl::line(operation, stage),
        };
        let (warm_up, count) = operation.repetitions(self);
        line.extend([
            text(stage.daemon(operation).socket()),
            operation.word().to_owned(),
            warm_up.to_string(),
            count.to_string(),
        ]);
        if let Some(content) = operation.content() {
            if operation.pushes() {
                line.push(text(&stage.target(self, operation)));
            }
            line.push(text(&stage.source(content)));
        }
        Ok(line)
    }
}

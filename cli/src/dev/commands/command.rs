//! [`Command`] is a line of input that has been parsed.

use std::time::Duration;

use super::relations::RelationCommand;
use super::secrets::SecretCommand;
use super::storage::StorageCommand;
use crate::dev::wanted_status::{WantedOutcome, WantedStatus};

/// The time that `wait-for` and `expect` wait if the line names none.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(180);

/// A line of input, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Config {
        key: String,
        value: String,
    },
    ConfigReset {
        key: String,
    },
    Run {
        action: String,
        params: Vec<(String, String)>,
    },
    Pebble {
        verb: PebbleVerb,
        container: Option<String>,
    },
    Leader(bool),
    Trust(bool),
    Upgrade,
    Resolved {
        retry: bool,
    },
    UpdateStatus,
    Status,
    Log,
    Sleep(Duration),
    WaitFor {
        status: WantedStatus,
        limit: Duration,
    },
    Expect {
        status: WantedStatus,
        message_part: Option<String>,
    },
    ExpectAction {
        outcome: WantedOutcome,
        message_part: Option<String>,
    },
    /// Another line. Its failure does not end the script.
    Try(String),
    Notify {
        key: String,
        container: Option<String>,
    },
    Kill {
        service: String,
        container: Option<String>,
    },
    Fetch(String),
    /// A change of what the unit is related to, or a look at it.
    Relation(RelationCommand),
    /// A change of a secret of the operator or of a remote application.
    Secret(SecretCommand),
    /// A change of the unit's storage or of a resource.
    Storage(StorageCommand),
    Help,
    Quit,
}

/// A change of a container's Pebble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PebbleVerb {
    Start,
    Stop,
    Kill,
}

impl Command {
    /// Returns `true` if the command changes something that a failed hook may depend on.
    pub fn may_affect_hooks(&self) -> bool {
        match self {
            Self::Status
            | Self::Log
            | Self::Help
            | Self::Sleep(_)
            | Self::WaitFor { .. }
            | Self::Expect { .. }
            | Self::ExpectAction { .. }
            | Self::Try(_)
            | Self::Fetch(_) => false,
            Self::Config { .. }
            | Self::ConfigReset { .. }
            | Self::Run { .. }
            | Self::Pebble { .. }
            | Self::Leader(_)
            | Self::Trust(_)
            | Self::Upgrade
            | Self::Resolved { .. }
            | Self::UpdateStatus
            | Self::Notify { .. }
            | Self::Kill { .. }
            | Self::Secret(_)
            | Self::Storage(_)
            | Self::Quit => true,
            Self::Relation(command) => !matches!(command, RelationCommand::Show { .. }),
        }
    }
}

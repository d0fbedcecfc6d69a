//! An operation is what each peer does; this module says how often, and which bounds hold for it.

use crate::peer::Peer;

/// An operation is one request to Pebble, or one exec with all its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    SystemInfo,
    Services,
    Plan,
    PullSmall,
    PullLarge,
    /// The pull of a file that has CR bytes only. Each of them could begin a multipart boundary, so
    /// this is the worst case of a parser.
    PullCarriageReturns,
    PushSmall,
    /// The push of a small file to the disk of the build instead of memory. Pebble syncs each file
    /// that it writes, and only a disk makes that sync take time.
    PushSmallToDisk,
    PushLarge,
    Exec,
}

/// All operations, in the order of the tables.
pub(crate) const OPERATIONS: [Operation; 10] = [
    Operation::SystemInfo,
    Operation::Services,
    Operation::Plan,
    Operation::PullSmall,
    Operation::PullLarge,
    Operation::PullCarriageReturns,
    Operation::PushSmall,
    Operation::PushSmallToDisk,
    Operation::PushLarge,
    Operation::Exec,
];

/// A content is that of one file, which is pulled or pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Small,
    Large,
    CarriageReturns,
}

/// All contents.
pub(crate) const CONTENTS: [Content; 3] =
    [Content::Small, Content::Large, Content::CarriageReturns];

impl Content {
    /// Returns the name of the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
            Self::CarriageReturns => "returns",
        }
    }

    /// Returns the size in bytes.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Small => 1024,
            Self::Large | Self::CarriageReturns => 64 * 1024 * 1024,
        }
    }
}

impl Operation {
    /// Returns the name in the tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::SystemInfo => "system-info",
            Self::Services => "services (10)",
            Self::Plan => "plan",
            Self::PullSmall => "pull of 1 KiB",
            Self::PullLarge => "pull of 64 MiB",
            Self::PullCarriageReturns => "pull of 64 MiB of CR",
            Self::PushSmall => "push of 1 KiB",
            Self::PushSmallToDisk => "push of 1 KiB, to a disk",
            Self::PushLarge => "push of 64 MiB",
            Self::Exec => "exec of /bin/true",
        }
    }

    /// Returns the name on the command line of a peer.
    pub(crate) fn argument(self) -> &'static str {
        match self {
            Self::SystemInfo => "system-info",
            Self::Services => "services",
            Self::Plan => "plan",
            Self::PullSmall | Self::PullLarge | Self::PullCarriageReturns => "pull",
            Self::PushSmall | Self::PushSmallToDisk | Self::PushLarge => "push",
            Self::Exec => "exec",
        }
    }

    /// Returns the content of the file, if the operation pulls or pushes one.
    pub(crate) fn content(self) -> Option<Content> {
        match self {
            Self::PullSmall | Self::PushSmall | Self::PushSmallToDisk => Some(Content::Small),
            Self::PullLarge | Self::PushLarge => Some(Content::Large),
            Self::PullCarriageReturns => Some(Content::CarriageReturns),
            Self::SystemInfo | Self::Services | Self::Plan | Self::Exec => None,
        }
    }

    /// Returns `true` if the operation pushes a file.
    pub(crate) fn pushes(self) -> bool {
        matches!(self, Self::PushSmall | Self::PushSmallToDisk | Self::PushLarge)
    }

    /// Returns how often a peer does the operation in one round: the repetitions of the warm-up,
    /// and those that are measured.
    pub(crate) fn repetitions(self, peer: Peer) -> (usize, usize) {
        match self {
            _ if self.runs_once(peer) => (0, 1),
            Self::SystemInfo | Self::Services | Self::Plan => (50, 500),
            Self::PullSmall | Self::PushSmall | Self::PushSmallToDisk => (20, 200),
            // A transfer of 64 MiB takes long enough that a few of them give a steady average.
            Self::PullLarge | Self::PullCarriageReturns => (1, 3),
            Self::PushLarge => (1, 2),
            Self::Exec => (5, 50),
        }
    }

    /// Returns `true` if the operation takes this peer minutes. The peer then does it once in all
    /// rounds, and is stopped after `--patience` seconds.
    pub(crate) fn runs_once(self, peer: Peer) -> bool {
        peer == Peer::Ops && matches!(self, Self::PullLarge | Self::PullCarriageReturns)
    }

    /// Returns the bounds of the charmwright client: its time may be at most so many times that of
    /// the peer.
    pub(crate) fn bounds(self) -> &'static [(Peer, f64)] {
        match self {
            Self::SystemInfo | Self::Services => &[(Peer::Floor, 1.5), (Peer::Go, 0.6)],
            Self::Plan => &[(Peer::Floor, 2.0)],
            Self::PullSmall => &[(Peer::Go, 0.7)],
            Self::PullLarge => &[(Peer::Curl, 1.2)],
            Self::PullCarriageReturns => &[(Peer::Curl, 1.5)],
            Self::PushSmall | Self::PushSmallToDisk => &[(Peer::Floor, 1.15)],
            Self::PushLarge => &[(Peer::Go, 1.1), (Peer::Curl, 1.1)],
            Self::Exec => &[(Peer::Floor, 1.15)],
        }
    }
}

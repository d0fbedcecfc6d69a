//! What is measured, how often, and what is asked of it.

use crate::peer::Peer;

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    SystemInfo,
    Services,
    Plan,
    PullSmall,
    PullLarge,
    /// A file of CR bytes only: each could be the beginning of a multipart boundary.
    PullCarriageReturns,
    PushSmall,
    /// Not into memory, as the others, but to where the build lies: there Pebble's sync of each
    /// file takes its time.
    PushSmallToDisk,
    PushLarge,
    Exec,
}

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

/// The files that are pulled and pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Small,
    Large,
    CarriageReturns,
}

pub(crate) const CONTENTS: [Content; 3] =
    [Content::Small, Content::Large, Content::CarriageReturns];

impl Content {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
            Self::CarriageReturns => "returns",
        }
    }

    /// In bytes.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Small => 1024,
            Self::Large | Self::CarriageReturns => 64 * 1024 * 1024,
        }
    }
}

impl Operation {
    /// As the tables name it.
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

    /// As a peer's command line names it.
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

    pub(crate) fn content(self) -> Option<Content> {
        match self {
            Self::PullSmall | Self::PushSmall | Self::PushSmallToDisk => Some(Content::Small),
            Self::PullLarge | Self::PushLarge => Some(Content::Large),
            Self::PullCarriageReturns => Some(Content::CarriageReturns),
            Self::SystemInfo | Self::Services | Self::Plan | Self::Exec => None,
        }
    }

    pub(crate) fn pushes(self) -> bool {
        matches!(self, Self::PushSmall | Self::PushSmallToDisk | Self::PushLarge)
    }

    /// How often a peer does it in one round to warm up, and then to be measured.
    pub(crate) fn repetitions(self, peer: Peer) -> (usize, usize) {
        match self {
            _ if self.runs_once(peer) => (0, 1),
            Self::SystemInfo | Self::Services | Self::Plan => (50, 500),
            Self::PullSmall | Self::PushSmall | Self::PushSmallToDisk => (20, 200),
            Self::PullLarge | Self::PullCarriageReturns => (1, 3),
            Self::PushLarge => (1, 2),
            Self::Exec => (5, 50),
        }
    }

    /// Whether it takes this peer minutes, so that it does it once in all, and not for longer than
    /// there is patience.
    pub(crate) fn runs_once(self, peer: Peer) -> bool {
        peer == Peer::Ops && matches!(self, Self::PullLarge | Self::PullCarriageReturns)
    }

    /// What our client's time may be at most, as a multiple of a peer's.
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

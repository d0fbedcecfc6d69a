//! A peer is a client that is measured; this module gives the names of all peers.

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
}

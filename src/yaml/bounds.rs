//! The bound on what aliases may make of a document.

use std::collections::HashSet;

use super::document::NodeId;
use super::error::Error;

/// The nodes that are read before aliases are looked at.
const FREE_NODES: usize = 1_000;
/// The nodes that may be read through aliases: ten times what a document as large as any of Juju's holds.
const MAX_ALIASED: usize = 100_000;

/// Counts the nodes that are read, and those among them that an alias repeats: a few lines can name each other into billions of nodes.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    read: usize,
    aliased: usize,
    open: HashSet<NodeId>,
}

impl Expansion {
    /// Counts one node.
    pub(super) fn count(&mut self) -> Result<(), Error> {
        self.read += 1;
        if !self.open.is_empty() {
            self.aliased += 1;
        }
        if self.read > FREE_NODES && self.aliased > MAX_ALIASED {
            return Err(Error::text("document contains excessive aliasing"));
        }
        Ok(())
    }

    /// Goes into what an alias stands for, which must not be around it.
    pub(super) fn enter(&mut self, name: &str, target: NodeId) -> Result<(), Error> {
        if self.open.insert(target) {
            Ok(())
        } else {
            Err(Error::text(format!("anchor '{name}' value contains itself")))
        }
    }

    /// Comes out of it.
    pub(super) fn leave(&mut self, target: NodeId) {
        self.open.remove(&target);
    }
}

//! The bounds on the stack, the memory and the time that a document may cost its reader.

use std::cell::Cell;

use super::document::Document;
use super::error::Error;

/// The largest number of collections inside each other. The parser and the readers recurse once for
/// each, and a thread's stack does not hold the depth that Go allows: 10,000 in yaml.v3, and any
/// number in yaml.v2. No charm, layer or state comes near this bound.
pub(super) const MAX_DEPTH: usize = 100;

/// The number of nodes that aliases and merge keys may repeat. It is ten times the number of nodes
/// in a large document of Juju.
const MAX_REPEATED: usize = 100_000;

/// The number of nodes that a reader may still visit. Without a bound, a document of a few lines
/// can stand for billions of nodes, because each alias repeats all of its target.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    /// Makes the budget for reading one document.
    pub(super) fn of(document: &Document) -> Self {
        // A reader may visit a node twice without an alias: a key is checked and then read.
        Self(Cell::new(document.len().saturating_mul(2).saturating_add(MAX_REPEATED)))
    }

    /// Takes one node off the budget, and returns an error if none is left.
    pub(super) fn spend(&self) -> Result<(), Error> {
        match self.0.get().checked_sub(1) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(Error::text("document contains excessive aliasing")),
        }
    }
}

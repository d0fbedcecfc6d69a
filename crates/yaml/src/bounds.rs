//! The bounds on what a document may make of the reader's stack and memory.

use std::cell::Cell;

use super::document::Document;
use super::error::Error;

/// The collections that may stand inside each other. Go allows 10,000 (yaml.v3) or any number
/// (yaml.v2), for which our stack is too small; no charm, layer or state comes near.
pub(super) const MAX_DEPTH: usize = 100;

/// The nodes that may be read again through aliases and merge keys: ten times what a large document
/// of Juju's holds.
const MAX_REPEATED: usize = 100_000;

/// The nodes of a document that may still be read: a few lines can name each other into billions.
#[derive(Debug)]
pub(super) struct Budget(Cell<usize>);

impl Budget {
    /// The nodes of a document, each looked at as key and as value, and what aliases may repeat of
    /// it.
    pub(super) fn of(document: &Document) -> Self {
        Self(Cell::new(document.len().saturating_mul(2).saturating_add(MAX_REPEATED)))
    }

    /// Takes one node off.
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

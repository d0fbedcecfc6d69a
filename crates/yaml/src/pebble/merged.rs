//! The entries of a mapping, with those that its merge key `<<` takes from other mappings.

use std::collections::HashSet;

use super::error::DecodeError;
use crate::bounds::Budget;
use crate::dialect::Dialect;
use crate::document::{Document, Node, NodeId, NodeKind};
use crate::resolve::{is_merge, resolve};
use crate::scalar::Scalar;

/// The longest chain of mappings in which each merges the next. It bounds the recursion below, and
/// it ends a mapping that merges itself.
const MAX_MERGE_DEPTH: usize = 20;

/// Returns the entries of a mapping, its own before the merged ones.
///
/// An own entry wins over a merged one, and the first of several merged ones wins. An entry with a
/// null key is dropped.
pub(super) fn entries(
    document: &Document,
    mapping: &Node,
    budget: &Budget,
) -> Result<Vec<(String, NodeId)>, DecodeError> {
    let mut merger = Merger { document, budget, names: HashSet::new(), entries: Vec::new() };
    merger.add_mapping(mapping, MAX_MERGE_DEPTH)?;
    Ok(merger.entries)
}

/// The collector of the entries of one mapping and of those that it merges.
struct Merger<'a> {
    document: &'a Document,
    budget: &'a Budget,
    /// The keys of `entries`.
    names: HashSet<String>,
    entries: Vec<(String, NodeId)>,
}

impl Merger<'_> {
    /// Adds the entries of a mapping whose keys are not there yet, then those that it merges.
    fn add_mapping(&mut self, mapping: &Node, merges_left: usize) -> Result<(), DecodeError> {
        let NodeKind::Mapping(entries) = &mapping.kind else {
            return Ok(());
        };
        check_unique(self.document, entries)?;
        // The merge waits until all own entries are there, because they win wherever the merge key
        // stands.
        let mut merge = None;
        for (key, value) in entries {
            if is_merge(self.document.node(*key), Dialect::Pebble) {
                merge = Some(*value);
                continue;
            }
            let Some(name) = key_text(self.document, *key)? else {
                continue;
            };
            // Merged entries are copied, so a chain of merges can multiply them.
            self.budget.spend().map_err(|error| DecodeError::new(mapping.line, error.reason()))?;
            if self.names.insert(name.clone()) {
                self.entries.push((name, *value));
            }
        }
        let Some(merge) = merge else { return Ok(()) };
        let Some(merges_left) = merges_left.checked_sub(1) else {
            return Err(DecodeError::new(
                mapping.line,
                "too many mappings are merged into each other",
            ));
        };
        let node = self.document.node(merge);
        let sources = match &node.kind {
            NodeKind::Sequence(items) => items.as_slice(),
            _ => &[merge],
        };
        for source in sources {
            let source = resolve_alias(self.document, *source);
            if !matches!(source.kind, NodeKind::Mapping(_)) {
                return Err(DecodeError::new(
                    node.line,
                    "expected a map, or a list of maps, to merge",
                ));
            }
            self.add_mapping(source, merges_left)?;
        }
        Ok(())
    }
}

/// Refuses a repeated key. Like yaml.v3 it compares the texts of the keys and not their values, so
/// `1` and `'1'` are the same key.
fn check_unique(document: &Document, entries: &[(NodeId, NodeId)]) -> Result<(), DecodeError> {
    let mut seen = HashSet::new();
    for (key, _) in entries {
        let node = document.node(*key);
        // Two keys of different kinds never count as equal, as in yaml.v3.
        let identity = match &node.kind {
            NodeKind::Scalar { value, .. } => (0, value.as_str()),
            NodeKind::Sequence(_) => (1, ""),
            NodeKind::Mapping(_) => (2, ""),
            NodeKind::Alias(name, _) => (3, name.as_str()),
        };
        if !seen.insert(identity) {
            return Err(DecodeError::new(
                node.line,
                format!("the key {:?} stands twice", identity.1),
            ));
        }
    }
    Ok(())
}

/// Returns the text of a key; `None` for a null key.
pub(super) fn key_text(document: &Document, key: NodeId) -> Result<Option<String>, DecodeError> {
    let node = resolve_alias(document, key);
    match &node.kind {
        NodeKind::Scalar { value, style } => {
            match resolve(&node.tag, value, *style, Dialect::Pebble) {
                Ok(Scalar::Null) => Ok(None),
                Ok(Scalar::Binary(bytes)) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
                Ok(_) => Ok(Some(value.clone())),
                Err(_) => Err(DecodeError::new(node.line, "a key does not fit its tag")),
            }
        }
        _ => Err(DecodeError::new(node.line, "expected a text as key, found a list or a map")),
    }
}

/// Returns the node with this id, or the target of an alias.
fn resolve_alias(document: &Document, id: NodeId) -> &Node {
    match &document.node(id).kind {
        NodeKind::Alias(_, target) => document.node(*target),
        _ => document.node(id),
    }
}

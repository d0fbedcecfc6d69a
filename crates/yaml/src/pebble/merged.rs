//! The entries of a mapping with those that its merge key takes from others.

use std::collections::HashSet;

use super::error::Misfit;
use crate::bounds::Budget;
use crate::dialect::Dialect;
use crate::document::{Document, Node, NodeId, NodeKind};
use crate::resolve::{is_merge, resolve};
use crate::scalar::Scalar;

/// The mappings that may be merged into each other, one inside the next.
const MAX_MERGES: usize = 20;

/// The entries of a mapping, its own first: they win over merged ones, and the first of several
/// merged ones wins. An entry whose key is null is dropped.
pub(super) fn entries(
    document: &Document,
    mapping: &Node,
    budget: &Budget,
) -> Result<Vec<(String, NodeId)>, Misfit> {
    let mut merged = Merged { document, budget, names: HashSet::new(), entries: Vec::new() };
    merged.take(mapping, MAX_MERGES)?;
    Ok(merged.entries)
}

struct Merged<'a> {
    document: &'a Document,
    budget: &'a Budget,
    names: HashSet<String>,
    entries: Vec<(String, NodeId)>,
}

impl Merged<'_> {
    fn take(&mut self, mapping: &Node, merges_left: usize) -> Result<(), Misfit> {
        let NodeKind::Mapping(entries) = &mapping.kind else {
            return Ok(());
        };
        check_unique(self.document, entries)?;
        let mut merge = None;
        for (key, value) in entries {
            if is_merge(self.document.node(*key), Dialect::Pebble) {
                merge = Some(*value);
                continue;
            }
            let Some(name) = name_of(self.document, *key)? else {
                continue;
            };
            self.budget.spend().map_err(|error| Misfit::at(mapping.line, error.reason()))?;
            if self.names.insert(name.clone()) {
                self.entries.push((name, *value));
            }
        }
        let Some(merge) = merge else { return Ok(()) };
        let Some(merges_left) = merges_left.checked_sub(1) else {
            return Err(Misfit::at(mapping.line, "too many mappings are merged into each other"));
        };
        let node = self.document.node(merge);
        let sources = match &node.kind {
            NodeKind::Sequence(items) => items.as_slice(),
            _ => &[merge],
        };
        for source in sources {
            let source = target_of(self.document, *source);
            if !matches!(source.kind, NodeKind::Mapping(_)) {
                return Err(Misfit::at(node.line, "expected a map, or a list of maps, to merge"));
            }
            self.take(source, merges_left)?;
        }
        Ok(())
    }
}

/// Refuses a key that stands twice: yaml.v3 compares their texts, whatever they stand for.
fn check_unique(document: &Document, entries: &[(NodeId, NodeId)]) -> Result<(), Misfit> {
    let mut seen = HashSet::new();
    for (key, _) in entries {
        let node = document.node(*key);
        let identity = match &node.kind {
            NodeKind::Scalar { value, .. } => (0, value.as_str()),
            NodeKind::Sequence(_) => (1, ""),
            NodeKind::Mapping(_) => (2, ""),
            NodeKind::Alias(name, _) => (3, name.as_str()),
        };
        if !seen.insert(identity) {
            return Err(Misfit::at(node.line, format!("the key {:?} stands twice", identity.1)));
        }
    }
    Ok(())
}

/// The text of a key; none for null.
pub(super) fn name_of(document: &Document, key: NodeId) -> Result<Option<String>, Misfit> {
    let node = target_of(document, key);
    match &node.kind {
        NodeKind::Scalar { value, style } => {
            match resolve(&node.tag, value, *style, Dialect::Pebble) {
                Ok(Scalar::Null) => Ok(None),
                Ok(Scalar::Binary(bytes)) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
                Ok(_) => Ok(Some(value.clone())),
                Err(_) => Err(Misfit::at(node.line, "a key does not fit its tag")),
            }
        }
        _ => Err(Misfit::at(node.line, "expected a text as key, found a list or a map")),
    }
}

fn target_of(document: &Document, id: NodeId) -> &Node {
    match &document.node(id).kind {
        NodeKind::Alias(_, target) => document.node(*target),
        _ => document.node(id),
    }
}

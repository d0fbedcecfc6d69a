//! The functions that read a document as Juju does: a charm's files as values, and the `--file` of
//! a hook tool as strings.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Number, Value};

use crate::bounds::{Budget, MAX_DEPTH};
use crate::dialect::Dialect;
use crate::document::{Document, Node, NodeId, NodeKind};
use crate::error::Error;
use crate::parser;
use crate::resolve::{is_merge, resolve, short_tag};
use crate::scalar::Scalar;

/// Reads the first document as a value, as Go does into an `interface{}`. An empty text is null.
///
/// - If a key is repeated, the last one wins.
/// - A key becomes its text, as in Go's maps of strings and structs. A null key is the empty text.
/// - A value that JSON cannot hold becomes its text: a timestamp, an infinity, NaN. In a `!!binary`
///   each byte that is not UTF-8 becomes U+FFFD.
///
/// # Errors
///
/// The document is not YAML, a value does not fit its tag, or the document is too deep or repeats
/// too much through aliases. The error's text is Go's, and it may quote up to ten bytes of a
/// value.
pub fn value(bytes: &[u8]) -> Result<Value, Error> {
    let Some(document) = parser::parse(bytes, Dialect::Juju)? else {
        return Ok(Value::Null);
    };
    Reader::new(&document).read_value(document.root)
}

/// Reads the first document as [`value`] does, and refuses a key that is not a string in the deeper
/// mappings.
///
/// Juju reads the outer `typed_levels` levels of mappings into types of its own, where every key is
/// a string. It reads the deeper ones into untyped maps, where a key such as `on` is a boolean, and
/// then refuses that key.
///
/// # Errors
///
/// The call fails as [`value`] does, and for a key that is not a string below `typed_levels`.
pub fn value_keyed_by_text(bytes: &[u8], typed_levels: usize) -> Result<Value, Error> {
    let Some(document) = parser::parse(bytes, Dialect::Juju)? else {
        return Ok(Value::Null);
    };
    let mut reader = Reader::new(&document);
    reader.typed_levels = Some(typed_levels);
    reader.read_value(document.root)
}

/// Reads the first document as a map of strings, as Go does into a `map[string]string`. A scalar
/// becomes its text as it is written, and null becomes the empty text.
///
/// # Errors
///
/// The call fails as [`value`] does, and if the document is not a map of scalars. Go reports every
/// value that does not fit, so the error may name several.
pub fn strings(bytes: &[u8]) -> Result<BTreeMap<String, String>, Error> {
    let mut map = BTreeMap::new();
    let Some(document) = parser::parse(bytes, Dialect::Juju)? else {
        return Ok(map);
    };
    let mut reader = Reader::new(&document);
    reader.read_strings(document.root, &mut map)?;
    if reader.type_errors.is_empty() { Ok(map) } else { Err(Error::Values(reader.type_errors)) }
}

/// Reads the values of a map of scalars that are `!!binary`, decoded, by their keys. All other
/// values are left out.
///
/// Juju's writer tags a string as binary if it is not UTF-8, and only then.
///
/// # Errors
///
/// The call fails as [`strings`] does.
pub fn binaries(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut map = BTreeMap::new();
    let Some(document) = parser::parse(bytes, Dialect::Juju)? else {
        return Ok(map);
    };
    // The checks of a map of strings hold for this one too.
    strings(bytes)?;
    let mut reader = Reader::new(&document);
    if let NodeKind::Mapping(entries) = &document.node(document.root).kind {
        for (key, value) in entries {
            let Some(key) = reader.read_string(*key)? else { continue };
            let node = document.node(*value);
            if let NodeKind::Scalar { value, style } = &node.kind
                && let Scalar::Binary(bytes) = resolve(&node.tag, value, *style, Dialect::Juju)?
            {
                map.insert(key, bytes);
            }
        }
    }
    Ok(map)
}

/// The reader of one document.
struct Reader<'a> {
    document: &'a Document,
    budget: Budget,
    /// The targets of the aliases that are being read. A target that is met again inside itself is
    /// an endless document.
    open_aliases: HashSet<NodeId>,
    /// The number of collections around the current node. A collection counts again each time that
    /// an alias leads to it.
    depth: usize,
    /// The errors of values that do not fit the type. Go reads on after each and reports all of
    /// them.
    type_errors: Vec<String>,
    /// The number of outer levels of mappings whose keys may be of any kind; `None` for all levels.
    typed_levels: Option<usize>,
    /// The number of mappings around the current node, its own included.
    level: usize,
}

impl<'a> Reader<'a> {
    fn new(document: &'a Document) -> Self {
        Self {
            document,
            budget: Budget::of(document),
            open_aliases: HashSet::new(),
            depth: 0,
            type_errors: Vec::new(),
            typed_levels: None,
            level: 0,
        }
    }

    /// Calls `read` with the node, or with the target of an alias, and counts its depth and cost.
    fn with_alias_target<T>(
        &mut self,
        id: NodeId,
        read: impl FnOnce(&mut Self, &'a Node) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let node = self.document.node(id);
        let NodeKind::Alias(name, target) = &node.kind else {
            self.budget.spend()?;
            if self.depth > MAX_DEPTH {
                return Err(Error::text(format!("exceeded max depth of {MAX_DEPTH}")));
            }
            self.depth += 1;
            let found = read(self, node);
            self.depth -= 1;
            return found;
        };
        if !self.open_aliases.insert(*target) {
            return Err(Error::text(format!("anchor '{name}' value contains itself")));
        }
        let found = self.with_alias_target(*target, read);
        self.open_aliases.remove(target);
        found
    }

    /// Records that a node does not fit a Go type, in the words of Go. `tag` is the tag of the
    /// node's value if the node has none of its own.
    fn add_type_error(&mut self, node: &Node, tag: &str, go_type: &str) {
        let tag = if node.tag.is_empty() || !matches!(node.kind, NodeKind::Scalar { .. }) {
            tag.to_owned()
        } else {
            short_tag(&node.tag)
        };
        let quoted = match &node.kind {
            // Go writes a scalar with the tag of a collection without a blank and without quotes.
            NodeKind::Scalar { value, .. } if matches!(tag.as_str(), "!!seq" | "!!map") => {
                value.clone()
            }
            NodeKind::Scalar { value, .. } => format!(" `{}`", excerpt(value)),
            _ => String::new(),
        };
        let line = node.line;
        self.type_errors
            .push(format!("line {line}: cannot unmarshal {tag}{quoted} into {go_type}"));
    }

    /// Reads a node into a map of strings.
    fn read_strings(
        &mut self,
        id: NodeId,
        map: &mut BTreeMap<String, String>,
    ) -> Result<(), Error> {
        self.with_alias_target(id, |reader, node| match &node.kind {
            NodeKind::Mapping(entries) => {
                // In the order of the text, because the last of several equal keys wins.
                for (key, value) in entries {
                    if is_merge(reader.document.node(*key), Dialect::Juju) {
                        reader.read_merged(*value, |reader, id| reader.read_strings(id, map))?;
                    } else if let Some(key) = reader.read_string(*key)?
                        && let Some(value) = reader.read_string(*value)?
                    {
                        map.insert(key, value);
                    }
                }
                Ok(())
            }
            NodeKind::Sequence(_) => {
                reader.add_type_error(node, "!!seq", "map[string]string");
                Ok(())
            }
            NodeKind::Scalar { value, style } => {
                let scalar = resolve(&node.tag, value, *style, Dialect::Juju)?;
                if scalar != Scalar::Null {
                    reader.add_type_error(node, scalar.tag(), "map[string]string");
                }
                Ok(())
            }
            NodeKind::Alias(..) => Ok(()),
        })
    }

    /// Calls `read` with each mapping under a merge key. The first of several comes last, so that
    /// its values win.
    fn read_merged(
        &mut self,
        id: NodeId,
        mut read: impl FnMut(&mut Self, NodeId) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match &self.document.node(id).kind {
            NodeKind::Sequence(items) => {
                for item in items.iter().rev() {
                    self.check_is_mapping(*item)?;
                    read(self, *item)?;
                }
                Ok(())
            }
            _ => {
                self.check_is_mapping(id)?;
                read(self, id)
            }
        }
    }

    /// Returns an error if a node, or the target of an alias, is not a mapping.
    fn check_is_mapping(&self, id: NodeId) -> Result<(), Error> {
        // One step is enough: an alias cannot have an anchor, so none refers to another alias.
        let mut node = self.document.node(id);
        if let NodeKind::Alias(_, target) = node.kind {
            node = self.document.node(target);
        }
        match node.kind {
            NodeKind::Mapping(_) => Ok(()),
            _ => Err(Error::text("map merge requires map or sequence of maps as the value")),
        }
    }

    /// Returns the text of a scalar. A collection does not fit: its error is recorded, and the
    /// result is `None`.
    fn read_string(&mut self, id: NodeId) -> Result<Option<String>, Error> {
        self.with_alias_target(id, |reader, node| match &node.kind {
            NodeKind::Scalar { value, style } => {
                Ok(Some(match resolve(&node.tag, value, *style, Dialect::Juju)? {
                    Scalar::Null => String::new(),
                    Scalar::Binary(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                    _ => value.clone(),
                }))
            }
            NodeKind::Sequence(_) => {
                reader.add_type_error(node, "!!seq", "string");
                Ok(None)
            }
            NodeKind::Mapping(_) => {
                reader.add_type_error(node, "!!map", "string");
                Ok(None)
            }
            NodeKind::Alias(..) => Ok(None),
        })
    }

    /// Returns `true` if Go's value of a key is a string, and not null, a boolean or a number.
    fn is_string_key(&mut self, id: NodeId) -> Result<bool, Error> {
        self.with_alias_target(id, |_, node| match &node.kind {
            NodeKind::Scalar { value, style } => Ok(!matches!(
                resolve(&node.tag, value, *style, Dialect::Juju)?,
                Scalar::Null
                    | Scalar::Bool(_)
                    | Scalar::Int(_)
                    | Scalar::Uint(_)
                    | Scalar::Float(_)
            )),
            _ => Ok(false),
        })
    }

    /// Reads a node as a value.
    fn read_value(&mut self, id: NodeId) -> Result<Value, Error> {
        self.with_alias_target(id, |reader, node| match &node.kind {
            NodeKind::Scalar { value, style } => {
                let scalar = resolve(&node.tag, value, *style, Dialect::Juju)?;
                Ok(match scalar {
                    Scalar::Null => Value::Null,
                    Scalar::Bool(flag) => Value::Bool(flag),
                    Scalar::Int(number) => Value::from(number),
                    Scalar::Uint(number) => Value::from(number),
                    Scalar::Float(number) => Number::from_f64(number)
                        .map_or_else(|| Value::from(value.as_str()), Value::Number),
                    Scalar::Binary(bytes) => Value::from(String::from_utf8_lossy(&bytes)),
                    Scalar::Timestamp | Scalar::Text | Scalar::Merge => Value::from(value.as_str()),
                })
            }
            NodeKind::Sequence(items) => {
                items.iter().map(|item| reader.read_value(*item)).collect()
            }
            NodeKind::Mapping(_) => {
                let mut map = Map::new();
                // An error leaves the level too high, but it also ends the reading.
                reader.level += 1;
                reader.read_entries(node, &mut map)?;
                reader.level -= 1;
                Ok(Value::Object(map))
            }
            NodeKind::Alias(..) => Ok(Value::Null),
        })
    }

    /// Reads the entries of a mapping into `map`. An entry replaces an earlier one with its key.
    fn read_entries(&mut self, node: &Node, map: &mut Map<String, Value>) -> Result<(), Error> {
        let NodeKind::Mapping(entries) = &node.kind else {
            return Ok(());
        };
        for (key, value) in entries {
            if is_merge(self.document.node(*key), Dialect::Juju) {
                self.read_merged(*value, |reader, id| {
                    reader.with_alias_target(id, |reader, node| reader.read_entries(node, map))
                })?;
            } else {
                if self.typed_levels.is_some_and(|typed| self.level > typed)
                    && !self.is_string_key(*key)?
                {
                    let line = self.document.node(*key).line;
                    return Err(Error::text(format!(
                        "line {line}: map keyed with non-string value"
                    )));
                }
                // A list or a map cannot be a key, and its error ends the reading.
                let Some(key) = self.read_string(*key)? else {
                    return Err(Error::Values(std::mem::take(&mut self.type_errors)));
                };
                let value = self.read_value(*value)?;
                map.insert(key, value);
            }
        }
        Ok(())
    }
}

/// Shortens a value to at most ten bytes for an error's text, as Go does. Go cuts between bytes, so
/// a cut character becomes U+FFFD here.
fn excerpt(value: &str) -> String {
    if value.len() <= 10 {
        return value.to_owned();
    }
    let start = value.as_bytes().get(..7).unwrap_or_default();
    format!("{}...", String::from_utf8_lossy(start))
}

#[cfg(test)]
#[path = "tests/read.rs"]
mod tests;

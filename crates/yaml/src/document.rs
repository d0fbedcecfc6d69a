//! A document as a list of nodes that refer to each other, each with the line on which it begins.

use super::token::Style;

/// The index of a node in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(usize);

/// The kind and the content of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// A text that may stand for a number, a boolean and so on.
    Scalar {
        /// The text without its quotes and escapes.
        value: String,
        /// The form in which the text is written.
        style: Style,
    },
    /// A list of nodes.
    Sequence(Vec<NodeId>),
    /// The keys and their values, in the order of the text. A key may be there twice.
    Mapping(Vec<(NodeId, NodeId)>),
    /// The name of the anchor and its node. The alias may be inside that node.
    Alias(String, NodeId),
}

/// A node of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// The full tag (`tag:yaml.org,2002:int`), or an empty text if the node has none.
    pub(super) tag: String,
    /// The line on which the node begins, counted from 1.
    pub(super) line: usize,
}

/// A parsed document.
#[derive(Debug)]
pub(super) struct Document {
    nodes: Vec<Node>,
    pub(super) root: NodeId,
}

/// The node that stands in for an id that is not of this document. No caller has such an id, but
/// the lints forbid an index that could panic.
const EMPTY_NODE: &Node = &Node {
    kind: NodeKind::Scalar { value: String::new(), style: Style::Plain },
    tag: String::new(),
    line: 1,
};

impl Document {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::new(), root: NodeId(0) }
    }

    /// Adds a node and returns its id.
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    /// Replaces the kind of a node. The parser adds a collection before its items, so that an alias
    /// inside it can refer to it.
    pub(super) fn set_kind(&mut self, id: NodeId, kind: NodeKind) {
        if let Some(node) = self.nodes.get_mut(id.0) {
            node.kind = kind;
        }
    }

    /// Returns the number of nodes.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the nodes in the order of the text, each collection before its items.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index), node))
    }

    /// Returns the node with this id.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0).unwrap_or(EMPTY_NODE)
    }
}

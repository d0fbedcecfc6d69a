//! A document as a tree of nodes, each with the line on which it begins.

use super::token::Style;

/// The index of a node in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct NodeId(usize);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NodeKind {
    Scalar {
        value: String,
        style: Style,
    },
    Sequence(Vec<NodeId>),
    /// Keys and their values, as they are written: a key may stand there twice.
    Mapping(Vec<(NodeId, NodeId)>),
    /// The name and the node that it stands for, which may be one around the alias.
    Alias(String, NodeId),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// The tag in full (`tag:yaml.org,2002:int`); empty without one.
    pub(super) tag: String,
    /// From 1.
    pub(super) line: usize,
}

/// One document.
#[derive(Debug)]
pub(super) struct Document {
    nodes: Vec<Node>,
    pub(super) root: NodeId,
}

const EMPTY_NODE: &Node = &Node {
    kind: NodeKind::Scalar { value: String::new(), style: Style::Plain },
    tag: String::new(),
    line: 1,
};

impl Document {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::new(), root: NodeId(0) }
    }

    pub(super) fn add(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len() - 1)
    }

    pub(super) fn set_kind(&mut self, id: NodeId, kind: NodeKind) {
        if let Some(node) = self.nodes.get_mut(id.0) {
            node.kind = kind;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes, each after the collection around it and in the order of the text.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId(index), node))
    }

    /// The node of this document with this id.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0).unwrap_or(EMPTY_NODE)
    }
}

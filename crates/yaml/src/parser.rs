//! The parser that turns tokens into a document.
//!
//! It reads the first document of a text only, as Go's packages do. The rest of the text is not
//! even checked.

use std::collections::HashMap;

use super::bounds::MAX_DEPTH;
use super::dialect::Dialect;
use super::document::{Document, Node, NodeId, NodeKind};
use super::error::{Error, Stage, SyntaxError};
use super::input::Input;
use super::scanner::Scanner;
use super::token::{Style, Token, TokenKind};

/// Parses the first document; `None` if the text has no node.
pub(super) fn parse(bytes: &[u8], dialect: Dialect) -> Result<Option<Document>, Error> {
    let mut parser = Parser {
        scanner: Scanner::new(Input::decode(bytes), dialect),
        document: Document::new(),
        anchors: HashMap::new(),
        handles: Vec::new(),
        depth: 0,
    };
    match parser.document() {
        Ok(true) => Ok(Some(parser.document)),
        Ok(false) => Ok(None),
        Err(ParseError::Syntax(error)) => Err(Error::syntax(&error, dialect)),
        Err(ParseError::Other(error)) => Err(error),
    }
}

/// The error of the parser. Only the caller knows the dialect, which decides the line of a syntax
/// error.
enum ParseError {
    Syntax(SyntaxError),
    Other(Error),
}

impl From<SyntaxError> for ParseError {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error)
    }
}

type ParseResult<T> = Result<T, ParseError>;

/// Makes a syntax error on `line`, in a collection or node that began on the line `context`.
fn syntax_error(context: usize, problem: &'static str, line: usize) -> ParseError {
    ParseError::Syntax(SyntaxError {
        stage: Stage::Parser,
        problem,
        problem_line: line,
        context_line: context,
    })
}

/// The properties of a node: the anchor and the tag that stand before it.
#[derive(Default)]
struct Properties {
    anchor: Option<String>,
    tag: String,
}

/// The parser of one document.
struct Parser {
    scanner: Scanner,
    document: Document,
    /// The anchors so far. A repeated anchor replaces the earlier one.
    anchors: HashMap<String, NodeId>,
    /// The handles of tags and their prefixes.
    handles: Vec<(String, String)>,
    /// The number of collections around the current node.
    depth: usize,
}

impl Parser {
    /// Returns the next token without taking it.
    fn peek(&mut self) -> ParseResult<&Token> {
        Ok(self.scanner.peek()?)
    }

    /// Returns `true` if the next token is of one of these kinds.
    fn next_is_one_of(&mut self, kinds: &[TokenKind]) -> ParseResult<bool> {
        let token = self.peek()?;
        Ok(kinds.contains(&token.kind))
    }

    /// Takes the next token.
    fn skip(&mut self) {
        self.scanner.skip_token();
    }

    /// Parses the document. Returns `false` if there is none.
    fn document(&mut self) -> ParseResult<bool> {
        // The first token is always the start of the stream.
        self.peek()?;
        self.skip();
        let root = match &self.peek()?.kind {
            TokenKind::StreamEnd => return Ok(false),
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart => {
                self.directives()?;
                let token = self.peek()?;
                if token.kind != TokenKind::DocumentStart {
                    let line = token.line;
                    return Err(syntax_error(0, "did not find expected <document start>", line));
                }
                self.skip();
                match self.peek()?.kind {
                    TokenKind::VersionDirective { .. }
                    | TokenKind::TagDirective { .. }
                    | TokenKind::DocumentStart
                    | TokenKind::DocumentEnd
                    | TokenKind::StreamEnd => self.empty()?,
                    _ => self.node(true, false)?,
                }
            }
            _ => {
                self.directives()?;
                self.node(true, false)?
            }
        };
        self.document.root = root;
        // Go's packages read one token after the document, and report its error.
        self.peek()?;
        Ok(true)
    }

    /// Parses the directives before a document, and adds the handles that every document has.
    fn directives(&mut self) -> ParseResult<()> {
        let mut has_version = false;
        loop {
            let Token { kind, line } = self.peek()?.clone();
            match kind {
                TokenKind::VersionDirective { .. } if has_version => {
                    return Err(syntax_error(0, "found duplicate %YAML directive", line));
                }
                TokenKind::VersionDirective { major: 1, minor: 1 } => has_version = true,
                TokenKind::VersionDirective { .. } => {
                    return Err(syntax_error(0, "found incompatible YAML document", line));
                }
                TokenKind::TagDirective { handle, .. } if self.prefix_of(&handle).is_some() => {
                    return Err(syntax_error(0, "found duplicate %TAG directive", line));
                }
                TokenKind::TagDirective { handle, prefix } => self.handles.push((handle, prefix)),
                _ => break,
            }
            self.skip();
        }
        // These two come last, because a `%TAG` directive may define them differently.
        for (handle, prefix) in [("!", "!"), ("!!", super::dialect::TAG_PREFIX)] {
            if self.prefix_of(handle).is_none() {
                self.handles.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    /// Returns the prefix of a handle.
    fn prefix_of(&self, handle: &str) -> Option<&str> {
        self.handles.iter().find(|(known, _)| known == handle).map(|(_, prefix)| prefix.as_str())
    }

    /// Adds a node to the document and remembers its anchor. `line` counts from 0.
    fn add(&mut self, properties: Properties, line: usize, kind: NodeKind) -> NodeId {
        let id = self.document.add(Node { kind, tag: properties.tag, line: line + 1 });
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(anchor, id);
        }
        id
    }

    /// Adds a node without any text, on the line of the next token.
    fn empty(&mut self) -> ParseResult<NodeId> {
        let line = self.peek()?.line;
        Ok(self.empty_scalar(Properties::default(), line))
    }

    /// Adds a scalar without any text. Its value is null, unless a tag says otherwise.
    fn empty_scalar(&mut self, properties: Properties, line: usize) -> NodeId {
        self.scalar(properties, line, String::new(), Style::Plain)
    }

    /// Adds a scalar.
    fn scalar(
        &mut self,
        properties: Properties,
        line: usize,
        value: String,
        style: Style,
    ) -> NodeId {
        self.add(properties, line, NodeKind::Scalar { value, style })
    }

    /// Parses one node.
    ///
    /// `in_block` allows collections that are written by indentation. `may_be_indentless` allows a
    /// sequence that is not indented, which the value of a block mapping's key may be.
    fn node(&mut self, in_block: bool, may_be_indentless: bool) -> ParseResult<NodeId> {
        let first = self.peek()?.clone();
        let line = first.line;
        if let TokenKind::Alias(name) = first.kind {
            let Some(&target) = self.anchors.get(&name) else {
                return Err(ParseError::Other(Error::text(format!(
                    "unknown anchor '{name}' referenced"
                ))));
            };
            self.skip();
            return Ok(self.add(Properties::default(), line, NodeKind::Alias(name, target)));
        }
        let properties = self.properties(line)?;
        let token = self.peek()?.clone();
        let kind = match token.kind {
            TokenKind::Scalar { value, style } => {
                self.skip();
                return Ok(self.scalar(properties, line, value, style));
            }
            TokenKind::BlockEntry if may_be_indentless => Self::indentless_sequence,
            TokenKind::FlowSequenceStart => Self::flow_sequence,
            TokenKind::FlowMappingStart => Self::flow_mapping,
            TokenKind::BlockSequenceStart if in_block => Self::block_sequence,
            TokenKind::BlockMappingStart if in_block => Self::block_mapping,
            // An anchor or a tag alone stands for an empty node.
            _ if properties.anchor.is_some() || !properties.tag.is_empty() => {
                return Ok(self.empty_scalar(properties, line));
            }
            _ => return Err(syntax_error(line, "did not find expected node content", token.line)),
        };
        // Checked before the recursion below, which a deep document would otherwise drive into the
        // end of the stack.
        if self.depth >= MAX_DEPTH {
            let text = format!("line {}: exceeded max depth of {MAX_DEPTH}", token.line + 1);
            return Err(ParseError::Other(Error::text(text)));
        }
        // The collection is added before its items, because an alias among them may refer to it.
        let id = self.add(properties, line, NodeKind::Sequence(Vec::new()));
        // An error leaves the depth too high, but it also ends the parsing.
        self.depth += 1;
        let kind = kind(self)?;
        self.depth -= 1;
        self.document.set_kind(id, kind);
        Ok(id)
    }

    /// Parses the anchor and the tag of a node, in either order.
    fn properties(&mut self, start: usize) -> ParseResult<Properties> {
        let mut properties = Properties::default();
        let mut has_tag = false;
        loop {
            let Token { kind, line } = self.peek()?.clone();
            match kind {
                TokenKind::Anchor(anchor) if properties.anchor.is_none() => {
                    properties.anchor = Some(anchor);
                }
                TokenKind::Tag { handle, suffix } if !has_tag => {
                    has_tag = true;
                    // A tag in its full form, `!<tag:...>`, has no handle.
                    properties.tag = if handle.is_empty() {
                        suffix
                    } else {
                        match self.prefix_of(&handle) {
                            Some(prefix) => format!("{prefix}{suffix}"),
                            None => {
                                return Err(syntax_error(
                                    start,
                                    "found undefined tag handle",
                                    line,
                                ));
                            }
                        }
                    };
                }
                _ => return Ok(properties),
            }
            self.skip();
        }
    }

    /// Parses a sequence that is written by indentation.
    fn block_sequence(&mut self) -> ParseResult<NodeKind> {
        let start = self.peek()?.line;
        self.skip();
        let mut items = Vec::new();
        loop {
            let Token { kind, line } = self.peek()?.clone();
            match kind {
                TokenKind::BlockEntry => {
                    self.skip();
                    let is_empty =
                        self.next_is_one_of(&[TokenKind::BlockEntry, TokenKind::BlockEnd])?;
                    items.push(self.node_or_empty(is_empty, line, true, false)?);
                }
                TokenKind::BlockEnd => {
                    self.skip();
                    return Ok(NodeKind::Sequence(items));
                }
                _ => return Err(syntax_error(start, "did not find expected '-' indicator", line)),
            }
        }
    }

    /// Parses a block sequence on the same column as the key before it. It has no token for its
    /// end, so it ends at the first token that is not an item.
    fn indentless_sequence(&mut self) -> ParseResult<NodeKind> {
        const ENDS: &[TokenKind] =
            &[TokenKind::BlockEntry, TokenKind::Key, TokenKind::Value, TokenKind::BlockEnd];
        let mut items = Vec::new();
        while self.next_is_one_of(&[TokenKind::BlockEntry])? {
            let line = self.peek()?.line;
            self.skip();
            let is_empty = self.next_is_one_of(ENDS)?;
            items.push(self.node_or_empty(is_empty, line, true, false)?);
        }
        Ok(NodeKind::Sequence(items))
    }

    /// Parses a mapping that is written by indentation.
    fn block_mapping(&mut self) -> ParseResult<NodeKind> {
        const ENDS: &[TokenKind] = &[TokenKind::Key, TokenKind::Value, TokenKind::BlockEnd];
        let start = self.peek()?.line;
        self.skip();
        let mut entries = Vec::new();
        loop {
            let Token { kind, line } = self.peek()?.clone();
            match kind {
                TokenKind::Key => {
                    self.skip();
                    let is_empty = self.next_is_one_of(ENDS)?;
                    let key = self.node_or_empty(is_empty, line, true, true)?;
                    let line = self.peek()?.line;
                    let has_value = self.next_is_one_of(&[TokenKind::Value])?;
                    if has_value {
                        self.skip();
                    }
                    let is_empty = !has_value || self.next_is_one_of(ENDS)?;
                    entries.push((key, self.node_or_empty(is_empty, line, true, true)?));
                }
                TokenKind::BlockEnd => {
                    self.skip();
                    return Ok(NodeKind::Mapping(entries));
                }
                _ => return Err(syntax_error(start, "did not find expected key", line)),
            }
        }
    }

    /// Parses a sequence in brackets.
    fn flow_sequence(&mut self) -> ParseResult<NodeKind> {
        let start = self.peek()?.line;
        self.skip();
        let mut items = Vec::new();
        loop {
            if self.next_is_one_of(&[TokenKind::FlowSequenceEnd])? {
                break;
            }
            if !items.is_empty() {
                let line = self.peek()?.line;
                if !self.next_is_one_of(&[TokenKind::FlowEntry])? {
                    return Err(syntax_error(start, "did not find expected ',' or ']'", line));
                }
                self.skip();
            }
            // A comma may stand after the last item.
            match self.peek()?.kind {
                TokenKind::FlowSequenceEnd => break,
                TokenKind::Key => items.push(self.flow_pair()?),
                _ => items.push(self.node(false, false)?),
            }
        }
        self.skip();
        Ok(NodeKind::Sequence(items))
    }

    /// Parses an item `key: value` of a flow sequence, which is a mapping with one entry.
    fn flow_pair(&mut self) -> ParseResult<NodeId> {
        const ENDS: &[TokenKind] = &[TokenKind::FlowEntry, TokenKind::FlowSequenceEnd];
        let line = self.peek()?.line;
        self.skip();
        let after = self.peek()?.line;
        let has_no_key = self.next_is_one_of(&[TokenKind::Value])? || self.next_is_one_of(ENDS)?;
        let key = self.node_or_empty(has_no_key, after, false, false)?;
        if has_no_key {
            // libyaml drops the next token here, whatever it is.
            self.skip();
        }
        let has_value = self.next_is_one_of(&[TokenKind::Value])?;
        let after = self.peek()?.line;
        if has_value {
            self.skip();
        }
        let is_empty = !has_value || self.next_is_one_of(ENDS)?;
        let value = self.node_or_empty(is_empty, after, false, false)?;
        self.peek()?;
        Ok(self.add(Properties::default(), line, NodeKind::Mapping(vec![(key, value)])))
    }

    /// Parses a mapping in braces.
    fn flow_mapping(&mut self) -> ParseResult<NodeKind> {
        const ENDS: &[TokenKind] = &[TokenKind::FlowEntry, TokenKind::FlowMappingEnd];
        let start = self.peek()?.line;
        self.skip();
        let mut entries = Vec::new();
        loop {
            if self.next_is_one_of(&[TokenKind::FlowMappingEnd])? {
                break;
            }
            if !entries.is_empty() {
                let line = self.peek()?.line;
                if !self.next_is_one_of(&[TokenKind::FlowEntry])? {
                    return Err(syntax_error(start, "did not find expected ',' or '}'", line));
                }
                self.skip();
            }
            // A comma may stand after the last entry.
            match self.peek()?.kind {
                TokenKind::FlowMappingEnd => break,
                TokenKind::Key => {
                    self.skip();
                    let line = self.peek()?.line;
                    let is_empty =
                        self.next_is_one_of(&[TokenKind::Value])? || self.next_is_one_of(ENDS)?;
                    let key = self.node_or_empty(is_empty, line, false, false)?;
                    let line = self.peek()?.line;
                    let has_value = self.next_is_one_of(&[TokenKind::Value])?;
                    if has_value {
                        self.skip();
                    }
                    let is_empty = !has_value || self.next_is_one_of(ENDS)?;
                    entries.push((key, self.node_or_empty(is_empty, line, false, false)?));
                }
                // A key alone, as in `{a, b: c}`, has an empty value.
                _ => {
                    let key = self.node(false, false)?;
                    entries.push((key, self.empty()?));
                }
            }
        }
        self.skip();
        Ok(NodeKind::Mapping(entries))
    }

    /// Adds an empty node on `line` if `is_empty`, and parses a node otherwise.
    fn node_or_empty(
        &mut self,
        is_empty: bool,
        line: usize,
        in_block: bool,
        may_be_indentless: bool,
    ) -> ParseResult<NodeId> {
        if is_empty {
            Ok(self.empty_scalar(Properties::default(), line))
        } else {
            self.node(in_block, may_be_indentless)
        }
    }
}

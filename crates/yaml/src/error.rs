//! The errors of a document, in the words of Go's YAML packages.

use super::dialect::Dialect;

/// The part of the reader that found an error. Go counts lines differently in each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The decoder of bytes, which knows no line.
    Reader,
    /// The scanner of tokens.
    Scanner,
    /// The parser of nodes.
    Parser,
}

/// A syntax error of a document. Lines count from 0, as in libyaml, and a line of 0 is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) stage: Stage,
    /// The text of the error, in the words of libyaml.
    pub(super) problem: &'static str,
    /// The line on which the error was found.
    pub(super) problem_line: usize,
    /// The line on which the token or collection around the error begins.
    pub(super) context_line: usize,
}

/// The error for a document that cannot be read. Its text begins with `yaml: `, as in both of Go's
/// packages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not YAML.
    #[error("yaml: {}{problem}", shown_line(*.go_line))]
    Syntax {
        /// The text of the error, in the words of Go.
        problem: &'static str,
        /// The line that Go's error names, or 0 if it names none. For an error of Go's parser it is
        /// one too low.
        go_line: usize,
        /// The line on which the error was found, counted from 1; 0 if it is not known.
        line: usize,
    },
    /// A value ends the reading at once.
    #[error("yaml: {0}")]
    Text(String),
    /// Some values do not fit the type that they are read into. Each error names its line.
    #[error("yaml: unmarshal errors:\n  {}", .0.join("\n  "))]
    Values(Vec<String>),
}

impl Error {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Returns the text of the error with its line, without `yaml: ` and on one line.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Syntax { problem, line, .. } => format!("{}{problem}", shown_line(*line)),
            Self::Text(text) => text.replace('\n', " "),
            Self::Values(misfits) => misfits.join("; ").replace('\n', " "),
        }
    }

    /// Makes the error for a syntax error, with the line that the dialect's package would name.
    pub(super) fn syntax(error: &SyntaxError, dialect: Dialect) -> Self {
        let after_scanner = usize::from(error.stage == Stage::Scanner);
        // yaml.v2 prefers the line of the error and yaml.v3 the line of its context. Both count
        // lines from 0, and add one for the scanner only.
        let go_line = match dialect {
            Dialect::Juju if error.problem_line != 0 => error.problem_line + after_scanner,
            Dialect::Juju => error.context_line,
            Dialect::Pebble if error.context_line != 0 => error.context_line + after_scanner,
            Dialect::Pebble if error.problem_line != 0 => error.problem_line + after_scanner,
            Dialect::Pebble => 0,
        };
        Self::Syntax {
            problem: error.problem,
            go_line,
            line: match error.stage {
                Stage::Reader => 0,
                Stage::Scanner | Stage::Parser => error.problem_line + 1,
            },
        }
    }
}

/// Returns the prefix that names a line. It is empty for line 0.
fn shown_line(line: usize) -> String {
    match line {
        0 => String::new(),
        line => format!("line {line}: "),
    }
}

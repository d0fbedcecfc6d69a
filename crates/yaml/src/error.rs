//! The mistakes of a document, in the words of Go's yaml packages.

use super::dialect::Dialect;

/// The part of the reader that met the mistake. Go counts the line of each in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The decoder of bytes: no line is known.
    Reader,
    /// The scanner of tokens.
    Scanner,
    /// The parser of nodes.
    Parser,
}

/// A mistake in the text of a document, before its values are looked at. Lines count from 0; a line
/// of 0 is not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) stage: Stage,
    pub(super) problem: &'static str,
    /// The line at which the mistake was noticed.
    pub(super) problem_line: usize,
    /// The line at which that begins in which the mistake is.
    pub(super) context_line: usize,
}

/// The reasons for which a document cannot be read. The text begins with `yaml: `, as both of Go's
/// packages write it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is no YAML.
    #[error("yaml: {}{problem}", shown_line(*.go_line))]
    Syntax {
        /// The mistake, in the words of Go.
        problem: &'static str,
        /// The line that Go tells, which is one too low for a mistake that its parser finds;
        /// without one, 0.
        go_line: usize,
        /// The line at which the mistake was noticed, from 1; 0 where none is known.
        line: usize,
    },
    /// One value ends the reading at once.
    #[error("yaml: {0}")]
    Text(String),
    /// Values that do not fit what is read, each with its line.
    #[error("yaml: unmarshal errors:\n  {}", .0.join("\n  "))]
    Values(Vec<String>),
}

impl Error {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The mistake and its line, on one line of text, without the name of the package.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Syntax { problem, line, .. } => format!("{}{problem}", shown_line(*line)),
            Self::Text(text) => text.replace('\n', " "),
            Self::Values(misfits) => misfits.join("; ").replace('\n', " "),
        }
    }

    pub(super) fn syntax(error: &SyntaxError, dialect: Dialect) -> Self {
        let after_scanner = usize::from(error.stage == Stage::Scanner);
        // yaml.v2 looks at the mistake first and yaml.v3 at its context; only the line of the
        // scanner is one too low in each.
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

fn shown_line(line: usize) -> String {
    match line {
        0 => String::new(),
        line => format!("line {line}: "),
    }
}

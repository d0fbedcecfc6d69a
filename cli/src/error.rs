//! The error of the command says what was attempted, why it failed, and what to do about it.

use std::error::Error as StdError;
use std::fmt;

/// The result of every function of this command that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error for the person at the terminal.
///
/// `Display` prints this level only ("cannot ..."). [`Error::chain`] adds the causes, each once,
/// and the advice.
#[derive(Debug)]
pub struct Error {
    attempt: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    advice: Option<String>,
    exit_code: u8,
}

impl Error {
    /// Makes an error from the text of what was attempted, and on what. The text begins with
    /// "cannot".
    pub fn new(attempt: impl Into<String>) -> Self {
        Self { attempt: attempt.into(), cause: None, advice: None, exit_code: 1 }
    }

    /// Adds the cause.
    pub fn because(self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// Adds what the reader can do.
    pub fn advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// Marks the error as a mistake in what the user asked for. The command then exits with code 2.
    pub fn usage(self) -> Self {
        Self { exit_code: 2, ..self }
    }

    /// Returns the exit code of the command: 1, or 2 after [`Error::usage`].
    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }

    /// Returns the whole text on one line: the attempt, each cause, and after a `;` the advice.
    pub fn chain(&self) -> String {
        let mut text = chain_of(self);
        if let Some(advice) = &self.advice {
            text.push_str("; ");
            text.push_str(advice);
        }
        text
    }
}

/// Returns `error` and its sources on one line, each once.
pub fn chain_of(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Some errors of other crates print their source themselves.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.attempt)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

/// Turns the error of a system call into the type that [`Error::because`] takes: `rustix` has a
/// type of its own.
pub fn io_error(errno: rustix::io::Errno) -> std::io::Error {
    errno.into()
}

/// Returns the system's text for an error as Go prints it: in lower case, and without Rust's `(os
/// error 2)`.
pub fn system_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_read_as_juju_prints_them() {
        for (number, text) in [
            (2, "no such file or directory"),
            (13, "permission denied"),
            (21, "is a directory"),
            (111, "connection refused"),
        ] {
            assert_eq!(system_text(&std::io::Error::from_raw_os_error(number)), text);
        }
    }

    #[test]
    fn the_chain_says_each_level_once_and_ends_with_advice() {
        let error = Error::new("cannot start Pebble")
            .because(std::io::Error::other("no such file"))
            .advice("give --pebble PATH");
        assert_eq!(error.to_string(), "cannot start Pebble");
        assert_eq!(error.chain(), "cannot start Pebble: no such file; give --pebble PATH");
    }
}

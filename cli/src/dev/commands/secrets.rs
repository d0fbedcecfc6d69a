//! The commands on secrets: those of the operator, as `juju` has them, and those that a remote
//! application owns.

use std::fmt;

use crate::dev::line_words::{pairs, words};

/// The names of these commands, their arguments, and what they do.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    (
        "add-secret",
        "NAME KEY=VALUE...",
        "add a user secret and print its URI; APP/NAME is one that the remote application owns; \
         the value of KEY#base64 is in base64, that of KEY#file in a file",
    ),
    (
        "update-secret",
        "NAME KEY=VALUE...",
        "replace the content: a new revision, unless it is the same content",
    ),
    (
        "grant-secret",
        "NAME [APP]",
        "let APP read the secret, by default the charm's own; one of a remote application is \
         granted over its relation",
    ),
    ("revoke-secret", "NAME [APP]", "end the grant"),
    ("remove-secret", "NAME", "remove the secret"),
];

/// A command on secrets. `secret` is the name that `add-secret` gave, or a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretCommand {
    Add { name: String, content: Content },
    Update { secret: String, content: Content },
    Grant { secret: String, application: Option<String> },
    Revoke { secret: String, application: Option<String> },
    Remove { secret: String },
}

/// The keys and values of a secret. `Debug` prints neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Content(Vec<(String, String)>);

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("keys", &self.0.len()).finish_non_exhaustive()
    }
}

impl Content {
    /// Returns the keys with their values.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// Returns `true` for the name of a command that [`parse`] reads.
pub fn is_command(name: &str) -> bool {
    COMMANDS.iter().any(|(known, ..)| *known == name)
}

/// Parses the arguments of a command.
///
/// # Errors
/// Returns the reason, or `None` if the usage alone explains it. No reason quotes a value.
pub fn parse(name: &str, rest: &str) -> Result<SecretCommand, Option<String>> {
    let words = words(rest).map_err(Some)?;
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let Some((secret, rest)) = texts.split_first() else { return Err(None) };
    // A word with `=` is a value in the wrong place.
    if secret.contains('=') || secret.is_empty() {
        return Err(None);
    }
    let secret = (*secret).to_owned();
    let content = || match pairs(rest) {
        // Juju cuts `=` off the end before it looks for the value (measured 3.6).
        Some(content) if content.iter().any(|(_, value)| value.bytes().all(|b| b == b'=')) => {
            Err(Some("Juju refuses an empty value".to_owned()))
        }
        Some(content) if !content.is_empty() => Ok(Content(content)),
        _ => Err(None),
    };
    let application = || match rest {
        [] => Ok(None),
        [application] if !application.contains('=') => Ok(Some((*application).to_owned())),
        _ => Err(None),
    };
    match name {
        "add-secret" => Ok(SecretCommand::Add { name: new_name(secret)?, content: content()? }),
        "update-secret" => Ok(SecretCommand::Update { secret, content: content()? }),
        "grant-secret" => Ok(SecretCommand::Grant { secret, application: application()? }),
        "revoke-secret" => Ok(SecretCommand::Revoke { secret, application: application()? }),
        "remove-secret" if rest.is_empty() => Ok(SecretCommand::Remove { secret }),
        _ => Err(None),
    }
}

/// Checks a name that `add-secret` gives.
fn new_name(name: String) -> Result<String, Option<String>> {
    if name.starts_with("secret:") {
        return Err(Some("the name stands without `secret:` here".to_owned()));
    }
    match name.split_once('/') {
        Some((application, label)) if application.is_empty() || label.is_empty() => {
            Err(Some("a secret of a remote application is named as pg/user is".to_owned()))
        }
        _ => Ok(name),
    }
}

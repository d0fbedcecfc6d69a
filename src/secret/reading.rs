//! Reads the content of a secret as a type.

use std::sync::Arc;

use super::content::SecretContent;
use crate::error::Error;
use crate::juju::{self, HookTools, SecretFieldError, SecretFields, SecretRef};

/// The way in which a content is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum ReadMode {
    /// The revision that the unit tracks.
    Tracked,
    /// The newest revision, this once.
    Peek,
    /// The newest revision, which the unit tracks from now on.
    Refresh,
}

impl ReadMode {
    pub(super) fn read(
        self,
        tools: &HookTools,
        secret: SecretRef<'_>,
    ) -> Result<Arc<SecretFields>, juju::Error> {
        match self {
            Self::Tracked => tools.secret(secret),
            Self::Peek => tools.peek_secret(secret),
            Self::Refresh => tools.refresh_secret(secret),
        }
    }
}

/// Reads a content as its type. The error names the secret and the key.
pub(super) fn typed<T: SecretContent>(
    secret: SecretRef<'_>,
    fields: &SecretFields,
) -> Result<T, Error> {
    T::from_fields(fields).map_err(|error| Error::new(error).context(format!("use {secret}")))
}

/// Returns what is wrong with a content, as a part of a sentence for the operator.
pub(super) fn fault(error: &SecretFieldError) -> String {
    let (key, expected) = (error.key(), error.expected());
    if error.is_missing() {
        format!("lacks the key \"{key}\"; expected {expected}")
    } else {
        format!("has a value that does not fit under the key \"{key}\"; expected {expected}")
    }
}

//! The id of a secret as a text in a config option or a databag.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::juju::SecretId;

/// What is expected in the place of an id.
pub(crate) const EXPECTED: &str =
    "expected the id of a secret, such as secret:9m4e2mr0ui3e8a215n4g";

/// Reads an id. The error does not repeat the text, which may be a secret that somebody put there
/// by mistake.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecretId, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(|_| D::Error::custom(EXPECTED))
}

//! The digest of a file, by which a charm knows that the file has changed.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The size of the buffer through which a file is read, in bytes.
const BUFFER: usize = 64 * 1024;

/// The SHA-256 of a file, written as 64 hexadecimal digits. Two files with the same digest have the
/// same content.
///
/// It can be a part of the charm's state, so that the next hook knows what this one has used:
///
/// ```
/// use charmwright::Digest;
///
/// #[derive(Default, Clone, serde::Serialize, serde::Deserialize)]
/// struct Stored {
///     #[serde(default)]
///     installed_plugin: Option<Digest>,
/// }
///
/// let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// let digest: Digest = text.parse()?;
/// assert_eq!(digest.to_string(), text);
/// # Ok::<(), charmwright::InvalidDigest>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// The error for a text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use a text as a SHA-256: expected 64 hexadecimal digits")]
pub struct InvalidDigest(());

impl Digest {
    /// Reads a file to its end, through a buffer of 64 KiB, and returns its digest.
    pub(super) fn of_file(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Self(hasher.finalize().into())),
                Ok(length) => hasher.update(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the 32 bytes of the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(InvalidDigest(()));
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(InvalidDigest(()));
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let value = digit(*high)? * 16 + digit(*low)?;
            *byte = u8::try_from(value).map_err(|_| InvalidDigest(()))?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

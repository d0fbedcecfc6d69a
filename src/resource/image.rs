//! A resource that is the description of an image.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::juju::SecretText;

/// The largest description of an image that is read, in bytes. Juju's has a few texts and tokens,
/// and Juju 4.1 stores none that is larger (its source).
const LARGEST: usize = 1024 * 1024;

/// An image is the name of an OCI image in its registry, and the credentials to pull it with.
///
/// `Debug` does not print the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OciImage {
    path: String,
    username: Option<String>,
    password: Option<SecretText>,
}

impl OciImage {
    /// Returns the image with its registry, such as `registry.example.com/web@sha256:…`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the name of the registry's user; `None` if the image is public.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// Returns the password of the registry's user; `None` if the image is public.
    #[must_use]
    pub fn password(&self) -> Option<&SecretText> {
        self.password.as_ref()
    }

    /// Reads the file in which Juju describes the image.
    pub(super) fn read(name: &str, path: &Path) -> Result<Self, Error> {
        let read = |error: io::Error| {
            Error::new(error).context(format_args!("read the image of the resource \"{name}\""))
        };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(read)?;
        // One byte more than is read of it, so that one that is too large is not cut.
        file.take(LARGEST as u64 + 1).read_to_end(&mut bytes).map_err(read)?;
        Self::parse(&bytes).map_err(|cause| {
            Error::new(format!("cannot read the image of the resource \"{name}\": {cause}"))
        })
    }

    /// Reads the description. The error quotes nothing of it, because a password is in it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > LARGEST {
            return Err("what Juju wrote is larger than 1 MiB");
        }
        let Some(keys) = keys(bytes) else {
            return Err("what Juju wrote is a map neither in YAML nor in JSON");
        };
        let path = text(&keys, "registrypath", "ImageName")?.ok_or("it has no registrypath")?;
        let username = text(&keys, "username", "Username")?;
        let password = text(&keys, "password", "Password")?.map(SecretText::from);
        Ok(Self { path, username, password })
    }
}

/// Reads the description. Juju 3.6 writes it as YAML and Juju 4 as JSON (their sources). Not all
/// JSON is YAML as Juju reads that.
fn keys(bytes: &[u8]) -> Option<Map<String, Value>> {
    let json = serde_json::from_slice(bytes).ok();
    match json.or_else(|| charmwright_yaml::juju::value(bytes).ok())? {
        Value::Object(keys) => Some(keys),
        _ => None,
    }
}

/// Returns the text of a key, which Juju spells in another way in JSON. Juju writes an empty text
/// where it has nothing.
fn text(
    keys: &Map<String, Value>,
    key: &str,
    key_in_json: &str,
) -> Result<Option<String>, &'static str> {
    match keys.get(key).or_else(|| keys.get(key_in_json)) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err("one of registrypath, username and password is not a text"),
    }
}

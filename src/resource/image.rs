//! A resource that is the description of an image.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::juju::SecretText;

/// The largest description of an image that is read, in bytes. Juju's has a few texts and tokens.
const LARGEST: u64 = 1024 * 1024;

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
        file.take(LARGEST).read_to_end(&mut bytes).map_err(read)?;
        Self::parse(&bytes).map_err(|cause| {
            Error::new(format!("cannot read the image of the resource \"{name}\": {cause}"))
        })
    }

    /// Reads the description. The error quotes nothing of it, because a password is in it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let Ok(Value::Object(keys)) = charmwright_yaml::juju::value(bytes) else {
            return Err("what Juju wrote is not a map in YAML");
        };
        let path = text(&keys, "registrypath")?.ok_or("it has no registrypath")?;
        let username = text(&keys, "username")?;
        let password = text(&keys, "password")?.map(SecretText::from);
        Ok(Self { path, username, password })
    }
}

/// Returns the text of a key. Juju writes an empty one where it has nothing.
fn text(keys: &Map<String, Value>, key: &str) -> Result<Option<String>, &'static str> {
    match keys.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => Err("one of registrypath, username and password is not a text"),
    }
}

//! The client asks the daemon for its version, its boot id and its addresses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::reader::Reader;
use super::request::Request;

/// The information that a daemon gives about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SystemInfo {
    version: String,
    #[serde(default)]
    boot_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    https_address: Option<String>,
}

impl SystemInfo {
    /// Returns the version as Pebble writes it, such as `v1.32.1`. [`Self::parsed_version`] gives
    /// one that can be compared.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the version as numbers; `None` for a build without a version, such as `unknown`.
    #[must_use]
    pub fn parsed_version(&self) -> Option<Version> {
        self.version.parse().ok()
    }

    /// Returns the boot id. In a container, where the daemon is PID 1, each daemon has a new one;
    /// elsewhere it is the kernel's, and stays when the daemon is restarted.
    #[must_use]
    pub fn boot_id(&self) -> &str {
        &self.boot_id
    }

    /// Returns the address of the HTTP listener, as the daemon was told it (Pebble 1.21); `None`
    /// without one.
    #[must_use]
    pub fn http_address(&self) -> Option<&str> {
        self.http_address.as_deref()
    }

    /// Returns the address of the HTTPS listener, as the daemon was told it (Pebble 1.22); `None`
    /// without one.
    #[must_use]
    pub fn https_address(&self) -> Option<&str> {
        self.https_address.as_deref()
    }
}

/// A version as numbers, which compare as versions do.
///
/// It parses `v1.32.1` as well as `1.32`, `1.32.1-dev` and `v1.32.1+dirty`; the text after the
/// numbers does not count.
///
/// ```
/// use charmwright_pebble::Version;
/// let version: Version = "v1.32.1".parse()?;
/// assert!(version >= Version::new(1, 20, 0));
/// # Ok::<(), charmwright_pebble::InvalidVersion>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// Makes the version `major.minor.patch`.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {text:?} as a version: it does not start with numbers such as 1.32")]
pub struct InvalidVersion {
    text: String,
}

impl FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_version(text).ok_or_else(|| InvalidVersion { text: text.chars().take(64).collect() })
    }
}

fn parse_version(text: &str) -> Option<Version> {
    let text = text.trim();
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let mut numbers = text.get(..end)?.split('.');
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next()?.parse().ok()?;
    let patch = match numbers.next() {
        None | Some("") => 0,
        Some(patch) => patch.parse().ok()?,
    };
    Some(Version { major, minor, patch })
}

impl Reader {
    /// Asks the daemon for its version and addresses: `GET /v1/system-info`, which every user may
    /// call. An answer shows that Pebble is there, not that services run.
    ///
    /// Safe to drop.
    ///
    /// # Errors
    /// It fails with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the
    /// policy.
    pub async fn system_info(&self) -> Result<SystemInfo, Error> {
        self.send(request()).await?.decode()
    }
}

fn request() -> Request {
    Request::get("/v1/system-info", "read the system information")
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::new("Reader::system_info", "/v1/system-info", request())]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_old_and_new_answers() {
        let new: SystemInfo = serde_json::from_value(json!({
            "version": "v1.32.1", "boot-id": "b", "http-address": ":4000",
            "https-address": ":4001", "newer": 1
        }))
        .unwrap();
        assert_eq!((new.version(), new.boot_id()), ("v1.32.1", "b"));
        assert_eq!((new.http_address(), new.https_address()), (Some(":4000"), Some(":4001")));
        let old: SystemInfo = serde_json::from_value(json!({"version": "unknown"})).unwrap();
        assert_eq!((old.parsed_version(), old.http_address()), (None, None));
    }

    #[test]
    fn versions_compare_as_numbers() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert_eq!(version("v1.32.1"), Version::new(1, 32, 1));
        assert_eq!(version("1.4"), Version::new(1, 4, 0));
        assert_eq!(version(" v1.10.2-dev+dirty\n"), Version::new(1, 10, 2));
        assert_eq!(version("1.2.3.4"), Version::new(1, 2, 3));
        assert!(version("v1.9.1") < version("v1.10.0"));
        assert_eq!(version("v1.32.1").to_string(), "1.32.1");
        for bad in ["", "v", "unknown", "1", "v1", "1.x", ".1.2", "-1.2", "1.99999999999"] {
            assert!(bad.parse::<Version>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_input_has_an_answer(
            bytes: Vec<u8>,
            text in ".{0,20}",
            likely in "v?[0-9]{0,12}(\\.[0-9]{0,12}){0,4}.{0,3}",
        ) {
            let _ = serde_json::from_slice::<SystemInfo>(&bytes);
            let _ = text.parse::<Version>();
            if let Ok(version) = likely.parse::<Version>() {
                prop_assert_eq!(version.to_string().parse::<Version>(), Ok(version));
            }
        }
    }
}

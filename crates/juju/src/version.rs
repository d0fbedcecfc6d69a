//! The version of Juju's unit agent.

use std::fmt;
use std::str::FromStr;

/// The version of the unit agent, such as `3.6.28` or `4.1-beta2`.
///
/// The grammar is `MAJOR.MINOR`, then `.PATCH` or `-TAGPATCH`, then an optional `.BUILD`. Versions
/// compare as Juju compares them: a tagged version (`4.1-beta2`) is less than the untagged one
/// (`4.1.0`), and two tags compare by their letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JujuVersion {
    major: u32,
    minor: u32,
    patch: u32,
    tag: Option<Box<str>>,
    build: u32,
    text: Box<str>,
}

impl JujuVersion {
    /// Makes the version of a release, such as 3.6.28.
    #[must_use]
    pub fn release(major: u32, minor: u32, patch: u32) -> Self {
        let text = format!("{major}.{minor}.{patch}").into();
        Self { major, minor, patch, tag: None, build: 0, text }
    }

    /// Returns the first number.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Returns the second number.
    #[must_use]
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// Returns the third number, or the number after the tag; 0 if the version has neither.
    #[must_use]
    pub fn patch(&self) -> u32 {
        self.patch
    }

    /// Returns `true` if this version has the features of the release `major.minor.patch`.
    ///
    /// A tagged version, such as a beta, does not count as having the features of its own release.
    ///
    /// ```
    /// use charmwright_juju::JujuVersion;
    ///
    /// let version: JujuVersion = "3.6.28".parse()?;
    /// assert!(version.at_least(3, 6, 4));
    /// assert!(!version.at_least(4, 0, 0));
    /// # Ok::<(), charmwright_juju::InvalidName>(())
    /// ```
    #[must_use]
    pub fn at_least(&self, major: u32, minor: u32, patch: u32) -> bool {
        if self.tag.is_some() {
            // 4.1-beta2 is less than 4.1.0 and may lack any of its features, so only an earlier
            // minor version counts.
            return (self.major, self.minor) > (major, minor);
        }
        (self.major, self.minor, self.patch) >= (major, minor, patch)
    }

    /// Returns `true` if this version of Juju stores a state for each unit (`state-get`,
    /// `state-set` and `state-delete`), as every version since 2.8 does.
    #[must_use]
    pub fn keeps_state(&self) -> bool {
        self.at_least(2, 8, 0)
    }

    /// Returns the parts of the version in the order in which Juju compares them.
    fn sort_key(&self) -> (u32, u32, bool, &str, u32, u32) {
        (
            self.major,
            self.minor,
            // `false` sorts first: a tagged version is less than the untagged one.
            self.tag.is_none(),
            self.tag.as_deref().unwrap_or_default(),
            self.patch,
            self.build,
        )
    }
}

impl PartialOrd for JujuVersion {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for JujuVersion {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Equality compares the text too, and `3.6` and `3.6.0` are two spellings of one version.
        // The text comes last, so that `cmp` returns `Equal` only for equal values.
        self.sort_key().cmp(&other.sort_key()).then_with(|| self.text.cmp(&other.text))
    }
}

impl FromStr for JujuVersion {
    type Err = super::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| {
            super::InvalidName::new(
                "a version of Juju",
                text,
                "expected a version such as 3.6.28 or 4.1-beta2",
            )
        })
    }
}

fn parse(text: &str) -> Option<JujuVersion> {
    let number = |text: &str| {
        // `u32::from_str` would also take a leading `+`.
        if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse::<u32>().ok() } else { None }
    };
    let (parts, tagged) = match text.split_once('-') {
        Some((parts, tagged)) => (parts, Some(tagged)),
        None => (text, None),
    };
    let mut parts = parts.split('.');
    let major = number(parts.next()?)?;
    let minor = number(parts.next()?)?;
    let (tag, patch, build) = match tagged {
        // `beta2` and `beta2.3`: the digits after the tag take the place of the third number.
        Some(tagged) => {
            let digits = tagged
                .find(|character: char| !character.is_ascii_lowercase())
                .filter(|at| *at > 0)?;
            let (tag, rest) = tagged.split_at(digits);
            let (patch, build) = rest.split_once('.').unwrap_or((rest, "0"));
            (Some(tag.into()), number(patch)?, number(build)?)
        }
        None => {
            (None, parts.next().map_or(Some(0), number)?, parts.next().map_or(Some(0), number)?)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    Some(JujuVersion { major, minor, patch, tag, build, text: text.into() })
}

impl fmt::Display for JujuVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_read_and_ordered_as_juju_does() {
        let ordered = [
            "2.9.52",
            "3.6-beta2",
            "3.6-rc1",
            "3.6.0",
            "3.6.4",
            "3.6.28",
            "3.6.28.1",
            "4.0.15",
            "4.1-beta2.3",
            "4.1.0",
        ];
        let versions: Vec<JujuVersion> = ordered.iter().map(|text| text.parse().unwrap()).collect();
        assert!(versions.is_sorted());
        for (version, text) in versions.iter().zip(ordered) {
            assert_eq!(version.to_string(), text);
        }
        assert_eq!(JujuVersion::release(3, 6, 28), "3.6.28".parse().unwrap());
        let beta: JujuVersion = "4.1-beta2".parse().unwrap();
        assert!(beta.at_least(4, 0, 99));
        assert!(!beta.at_least(4, 1, 0));
        assert_eq!((beta.major(), beta.minor(), beta.patch()), (4, 1, 2));
    }

    #[test]
    fn a_malformed_version_is_refused() {
        for text in [
            "",
            "3",
            "3.",
            "a.b",
            "3.6.x",
            "3.6-",
            "3.6-beta",
            "3.6-2",
            "3.6.1.2.3",
            "+3.6",
            "3.6.28-ubuntu-amd64",
        ] {
            assert!(text.parse::<JujuVersion>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept(text in "[0-9.a-z-]{0,16}|.{0,16}") {
            if let Ok(version) = text.parse::<JujuVersion>() {
                prop_assert_eq!(version.to_string(), text);
            }
        }
    }
}

//! Defines the permissions of a file or folder as Pebble takes and gives them: three octal digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The mode of a file gives the permissions to read, write and execute for user, group and others,
/// such as `644`. It has no setuid, setgid or sticky bit, because Pebble takes none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(u16);

/// A text or number is not a [`Mode`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {given} as a mode: it takes exactly three octal digits, such as 644")]
pub struct InvalidMode {
    given: String,
}

impl Mode {
    /// Makes a mode that is known when the program is compiled: `Mode::octal::<0o644>()`. A number
    /// above `0o777` does not compile.
    ///
    /// ```compile_fail
    /// charmwright_pebble::Mode::octal::<0o4755>();
    /// ```
    #[must_use]
    pub const fn octal<const BITS: u16>() -> Self {
        const { assert!(BITS <= 0o777, "a mode has three octal digits") };
        Self(BITS)
    }

    /// Makes a mode from a number, which in Rust is best written in octal: `Mode::new(0o644)`.
    ///
    /// # Errors
    /// Fails with [`InvalidMode`] for a number above `0o777`.
    pub fn new(bits: u32) -> Result<Self, InvalidMode> {
        match u16::try_from(bits) {
            Ok(bits) if bits <= 0o777 => Ok(Self(bits)),
            _ => Err(InvalidMode { given: format!("0o{bits:o}") }),
        }
    }

    /// Takes the permissions from the mode of a local file. Its other bits are dropped.
    #[must_use]
    pub(super) fn of_local(mode: u32) -> Self {
        Self(u16::try_from(mode & 0o777).unwrap_or_default())
    }

    /// Returns the number, which is at most `0o777`.
    #[must_use]
    pub fn bits(self) -> u32 {
        u32::from(self.0)
    }
}

impl FromStr for Mode {
    type Err = InvalidMode;

    /// Parses exactly three octal digits. It refuses `0644` and `rw-r--r--`, as Pebble does.
    fn from_str(text: &str) -> Result<Self, InvalidMode> {
        if text.len() == 3
            && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'))
            && let Ok(bits) = u16::from_str_radix(text, 8)
        {
            return Ok(Self(bits));
        }
        Err(InvalidMode { given: format!("{text:?}") })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03o}", self.0)
    }
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mode({self})")
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_three_octal_digits() {
        assert_eq!("640".parse(), Mode::new(0o640));
        assert_eq!(Mode::new(0o640), Ok(Mode::octal::<0o640>()));
        assert_eq!(Mode::new(0o007).unwrap().to_string(), "007");
        for wrong in ["", "64", "0644", "648", "+64", "rwx", "6 4", "٦٤٤"] {
            assert!(wrong.parse::<Mode>().is_err(), "{wrong}");
        }
        assert_eq!(
            Mode::new(0o4755).unwrap_err().to_string(),
            "cannot use 0o4755 as a mode: it takes exactly three octal digits, such as 644"
        );
        assert_eq!(Mode::of_local(0o104_755), Mode::new(0o755).unwrap());
    }
}

//! The options that a secret is stored with, and the two requests that carry them.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use super::content::SecretFields;
use crate::names::InvalidName;

/// The owner of a secret, which may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretOwner {
    /// The application. Its leader changes the secret, and all its units can read it.
    Application,
    /// This unit.
    Unit,
}

impl SecretOwner {
    /// Returns the word that Juju uses for the owner.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Unit => "unit",
        }
    }
}

/// The interval after which Juju asks the owner to rotate a secret, by the hook `secret-rotate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretRotation {
    /// Juju never asks.
    Never,
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
    /// Every three months.
    Quarterly,
    /// Every year.
    Yearly,
}

impl SecretRotation {
    const ALL: [Self; 7] = [
        Self::Never,
        Self::Hourly,
        Self::Daily,
        Self::Weekly,
        Self::Monthly,
        Self::Quarterly,
        Self::Yearly,
    ];

    /// Returns Juju's word for the interval.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Quarterly => "quarterly",
            Self::Yearly => "yearly",
        }
    }
}

impl fmt::Display for SecretRotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SecretRotation {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL.into_iter().find(|rotation| rotation.as_str() == text).ok_or_else(|| {
            InvalidName::new(
                "a rotation",
                text,
                "expected never, hourly, daily, weekly, monthly, quarterly or yearly",
            )
        })
    }
}

/// The time at which Juju tells the owner that a secret has expired, by the hook `secret-expired`.
///
/// It belongs to the newest revision. Juju deletes nothing: the owner sets a new content, and
/// removes the revision in a later hook (it cannot do both in one, see
/// [`HookTools::remove_secret_revision`](crate::HookTools::remove_secret_revision)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretExpiry(Expiry);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expiry {
    After(Duration),
    At(SystemTime),
}

impl SecretExpiry {
    /// Makes the expiry after this time, counted from the call. Juju takes 1 ns to 292 years.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        Self(Expiry::After(duration))
    }

    /// Makes the expiry at this time. Juju also takes a time that has passed.
    #[must_use]
    pub fn at(time: SystemTime) -> Self {
        Self(Expiry::At(time))
    }

    /// Returns the value of `--expire`, or the reason why Juju would refuse it.
    pub(crate) fn to_argument(self) -> Result<String, &'static str> {
        match self.0 {
            // Juju refuses a duration of zero (measured 3.6).
            Expiry::After(Duration::ZERO) => Err("the time until it expires is zero"),
            // Go's durations are 64-bit nanoseconds.
            Expiry::After(duration) if i64::try_from(duration.as_nanos()).is_err() => {
                Err("the time until it expires is longer than 292 years")
            }
            Expiry::After(duration) => {
                Ok(format!("{}.{:09}s", duration.as_secs(), duration.subsec_nanos()))
            }
            Expiry::At(time) => jiff::Timestamp::try_from(time)
                .map(|time| time.to_string())
                .map_err(|_| "the time at which it expires is beyond the year 9999"),
        }
    }
}

/// The options that a new secret and an update have in common. An option that is `None` is not
/// sent, so Juju leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) label: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) expiry: Option<SecretExpiry>,
    pub(crate) rotation: Option<SecretRotation>,
}

impl Options {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A request to add a secret ([`HookTools::add_secret`](crate::HookTools::add_secret)).
///
/// ```
/// use std::time::Duration;
///
/// use charmwright_juju::{NewSecret, SecretExpiry, SecretFields, SecretOwner, SecretRotation};
/// use charmwright_juju::SecretText;
///
/// let content = SecretFields::new().with("password", &SecretText::from("hunter2"));
/// let request = NewSecret::new(SecretOwner::Application, content)
///     .label("admin")
///     .description("the password of the admin")
///     .rotation(SecretRotation::Monthly)
///     .expiry(SecretExpiry::after(Duration::from_secs(60 * 86_400)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct NewSecret {
    pub(crate) owner: SecretOwner,
    pub(crate) content: SecretFields,
    pub(crate) options: Options,
}

/// A request to change a secret ([`HookTools::set_secret`](crate::HookTools::set_secret)). What it
/// does not name stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct SecretUpdate {
    pub(crate) content: Option<SecretFields>,
    pub(crate) options: Options,
}

impl NewSecret {
    /// Makes the request for a secret with this owner and this content.
    pub fn new(owner: SecretOwner, content: SecretFields) -> Self {
        Self { owner, content, options: Options::default() }
    }
}

impl SecretUpdate {
    /// Makes an update that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the content, which replaces the old one: a key that is not in it is gone. Juju makes a
    /// new revision of it. A content that is equal to the newest revision makes none (Juju 3.6 and
    /// 4.0).
    pub fn content(mut self, content: SecretFields) -> Self {
        self.content = Some(content);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.content.is_none() && self.options.is_empty()
    }
}

/// Implements the setters of the options that both requests have.
macro_rules! impl_options {
    ($($request:ident),*) => {$(
        impl $request {
            /// Sets the label, by which the owner finds the secret. It is unique among the labels
            /// of the owner, and no label of a secret that the unit observes may be equal to it.
            pub fn label(mut self, label: impl Into<String>) -> Self {
                self.options.label = Some(label.into());
                self
            }

            /// Sets the description, which an operator reads.
            pub fn description(mut self, description: impl Into<String>) -> Self {
                self.options.description = Some(description.into());
                self
            }

            /// Sets the time at which the newest revision expires.
            pub fn expiry(mut self, expiry: SecretExpiry) -> Self {
                self.options.expiry = Some(expiry);
                self
            }

            /// Sets how often Juju asks the owner to rotate the secret.
            pub fn rotation(mut self, rotation: SecretRotation) -> Self {
                self.options.rotation = Some(rotation);
                self
            }
        }
    )*};
}

impl_options!(NewSecret, SecretUpdate);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::parse_time;

    #[test]
    fn an_expiry_is_written_as_juju_reads_it() {
        let epoch = SystemTime::UNIX_EPOCH;
        for (expiry, argument) in [
            (SecretExpiry::after(Duration::from_secs(90)), "90.000000000s"),
            (SecretExpiry::after(Duration::from_nanos(1)), "0.000000001s"),
            (SecretExpiry::at(epoch), "1970-01-01T00:00:00Z"),
            (
                SecretExpiry::at(epoch + Duration::from_millis(1_924_992_000_500)),
                "2031-01-01T00:00:00.5Z",
            ),
        ] {
            assert_eq!(expiry.to_argument().unwrap(), argument);
        }
        for refused in [
            SecretExpiry::after(Duration::ZERO),
            SecretExpiry::after(Duration::from_secs(293 * 366 * 86_400)),
            SecretExpiry::at(epoch + Duration::from_secs(400_000_000_000)),
        ] {
            refused.to_argument().unwrap_err();
        }
        assert_eq!(
            parse_time("2031-01-01T00:00:00.5Z"),
            Some(epoch + Duration::from_millis(1_924_992_000_500))
        );
        assert_eq!(parse_time("tomorrow"), None);
    }

    #[test]
    fn a_rotation_reads_back() {
        for rotation in SecretRotation::ALL {
            assert_eq!(rotation.as_str().parse(), Ok(rotation));
        }
        assert!("NEVER".parse::<SecretRotation>().is_err());
    }

    proptest! {
        #[test]
        fn a_time_reads_back(seconds in 0_u64..250_000_000_000, nanos in 0_u32..1_000_000_000) {
            let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos);
            let argument = SecretExpiry::at(time).to_argument().unwrap();
            prop_assert_eq!(parse_time(&argument), Some(time));
        }
    }
}

//! The content of a secret as a type.

use crate::juju::{SecretFieldError, SecretFields};
use crate::stop::IntoStop;

/// A type that implements this trait is the content of a secret: a struct with a field for each
/// key.
///
/// A field is a [`SecretText`](crate::SecretText), a [`SecretBytes`](crate::SecretBytes) or an
/// `Option` of one. None of them can be printed, so the struct may derive `Debug`. A key has at
/// least three characters: lower-case letters, digits and single hyphens, a letter first.
///
/// ```
/// use charmwright::{SecretContent, SecretFieldError, SecretFields, SecretText};
///
/// #[derive(Debug, Clone, PartialEq)]
/// struct Credentials {
///     username: SecretText,
///     password: SecretText,
/// }
///
/// impl SecretContent for Credentials {
///     fn from_fields(fields: &SecretFields) -> Result<Self, SecretFieldError> {
///         Ok(Self { username: fields.get("username")?, password: fields.get("password")? })
///     }
///     fn to_fields(&self) -> SecretFields {
///         SecretFields::new().with("username", &self.username).with("password", &self.password)
///     }
/// }
/// ```
///
/// [`SecretFields`] implements it too, for a content whose keys are not known beforehand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the content of a secret",
    note = "implement `charmwright::SecretContent` for a struct with a field for each key"
)]
pub trait SecretContent: Sized {
    /// Reads the content. Keys that it does not know are ignored.
    ///
    /// # Errors
    ///
    /// Returns an error if a key is missing or its value does not fit.
    fn from_fields(fields: &SecretFields) -> Result<Self, SecretFieldError>;

    /// Returns the values by key. They replace the whole content of the secret.
    fn to_fields(&self) -> SecretFields;
}

impl SecretContent for SecretFields {
    fn from_fields(fields: &SecretFields) -> Result<Self, SecretFieldError> {
        Ok(fields.clone())
    }

    fn to_fields(&self) -> SecretFields {
        self.clone()
    }
}

impl IntoStop for SecretFieldError {}

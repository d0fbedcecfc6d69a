//! The interface `example_token`: one application owns a token, and others use it.
//!
//! Both charms use it. Outside these examples it would be a crate of its own.

use charmwright::{
    Bag, Plain, RemoteSecret, Result, SecretContent, SecretFieldError, SecretFields, SecretText,
};
use serde::{Deserialize, Serialize};

/// What the owner writes, in the databag of its application.
#[derive(Serialize, Deserialize)]
pub struct Offer {
    /// The secret that has the token.
    pub token: RemoteSecret<Token>,
}

impl Bag for Offer {
    type Codec = Plain;
}

/// The content of the secret. Its `Debug` shows no value.
#[derive(Debug)]
pub struct Token {
    /// The token.
    pub token: SecretText,
}

impl SecretContent for Token {
    fn from_fields(fields: &SecretFields) -> Result<Self, SecretFieldError> {
        Ok(Self { token: fields.get("token")? })
    }

    fn to_fields(&self) -> SecretFields {
        SecretFields::new().with("token", &self.token)
    }
}

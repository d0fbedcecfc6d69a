//! The interface `example_database`: what a database and its client write for each other.
//!
//! Both charms use it. Outside these examples it would be a crate of its own.

use charmwright::{
    Bag, Plain, RemoteSecret, Result, SecretContent, SecretFieldError, SecretFields, SecretText,
};
use serde::{Deserialize, Serialize};

/// What the client asks for, in the databag of its application.
#[derive(Serialize, Deserialize)]
pub struct Request {
    /// The name of the database.
    pub database: String,
}

impl Bag for Request {
    type Codec = Plain;
}

/// The database answers with this in the databag of its application.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// Host and port.
    pub endpoints: String,
    /// The secret with the name and the password of the client's user. Only its id is written.
    pub secret_user: RemoteSecret<Login>,
}

impl Bag for Answer {
    type Codec = Plain;
}

/// The content of the secret. Its `Debug` shows no value.
#[derive(Debug)]
pub struct Login {
    /// The name of the user.
    pub username: SecretText,
    /// The password of the user.
    pub password: SecretText,
}

impl SecretContent for Login {
    fn from_fields(fields: &SecretFields) -> Result<Self, SecretFieldError> {
        Ok(Self { username: fields.get("username")?, password: fields.get("password")? })
    }

    fn to_fields(&self) -> SecretFields {
        SecretFields::new().with("username", &self.username).with("password", &self.password)
    }
}

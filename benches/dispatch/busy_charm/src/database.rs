//! The databags that the charm and the database write for each other.

use charmwright::{
    Bag, Plain, RemoteSecret, Result, SecretContent, SecretFieldError, SecretFields, SecretText,
};
use serde::{Deserialize, Serialize};

/// The charm asks for this in the databag of its application.
#[derive(Serialize, Deserialize)]
pub struct Request {
    pub database: String,
    pub roles: String,
}

impl Bag for Request {
    type Codec = Plain;
}

/// Each unit of the charm writes this in its own databag.
#[derive(Serialize, Deserialize)]
pub struct Client {
    pub version: String,
}

impl Bag for Client {
    type Codec = Plain;
}

/// The database answers with this in the databag of its application.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    pub endpoints: String,
    pub secret_user: RemoteSecret<Login>,
}

impl Bag for Answer {
    type Codec = Plain;
}

/// Each unit of the database writes this in its own databag.
#[derive(Serialize, Deserialize)]
pub struct Server {
    pub address: String,
}

impl Bag for Server {
    type Codec = Plain;
}

/// The content of the secret.
pub struct Login {
    pub username: SecretText,
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

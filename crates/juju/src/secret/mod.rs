//! The content of a secret, the options that it is stored with, and what one hook knows of secrets.
//!
//! The calls themselves are in `calls/secret_read.rs` and `calls/secret_write.rs`. A content never
//! goes into an argument, a log, an error or a `Debug`: to Juju it goes by a private file
//! (`private_file.rs`), and from Juju by the standard output of `secret-get`.

mod base64;
mod content;
mod document;
mod hook_record;
mod info;
mod options;
mod private_file;

pub(crate) use base64::decode as decode_base64;
pub(crate) use document::{Document, Unfit};
pub(crate) use hook_record::{Change, HookRecord, ReadMode};
pub(crate) use info::{parse_ids, parse_info};
pub(crate) use options::Options as SecretOptions;
pub(crate) use private_file::PrivateFile;

pub use content::{
    InvalidSecretKey, SecretBytes, SecretFieldError, SecretFields, SecretText, SecretValue,
    check_secret_key,
};
pub use hook_record::SecretRef;
pub use info::{SecretAccess, SecretInfo};
pub use options::{NewSecret, SecretExpiry, SecretOwner, SecretRotation, SecretUpdate};

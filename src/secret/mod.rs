#![doc = include_str!("../../docs/secrets.md")]

mod content;
mod leadership;
mod observed;
mod options;
mod own;
mod owned;
mod reading;
mod remote;
pub(crate) mod source;
#[cfg(test)]
mod tests;
pub(crate) mod uri;
mod user;

pub(crate) use leadership::check_leadership;

pub use content::SecretContent;
pub use observed::{ObservedSecret, SecretView};
pub use own::{AppSecret, UnitSecret};
pub use remote::RemoteSecret;
pub use user::UserSecret;

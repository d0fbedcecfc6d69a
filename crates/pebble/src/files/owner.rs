//! Defines the owner of a file or folder, which is also the account of a process.

use serde::Serialize;

use crate::names::check_text;

/// An owner is a user and a group, each given by name or by id. It is the owner of a file that is
/// written, or the account that a process runs as. Without one, Pebble uses its own account, which
/// in a container is root.
///
/// A user alone also sets the user's primary group. Pebble refuses a group without a user, and a
/// name and an id that do not belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[must_use]
pub struct Owner {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
}

impl Owner {
    /// Makes an owner without a user and a group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the user by name.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Sets the user by id.
    pub fn user_id(mut self, id: u32) -> Self {
        self.user_id = Some(id);
        self
    }

    /// Sets the group by name.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// Sets the group by id.
    pub fn group_id(mut self, id: u32) -> Self {
        self.group_id = Some(id);
        self
    }

    /// Refuses a name that contains a NUL, which no account can have.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_text("the name of the user", self.user.as_deref().unwrap_or_default())?;
        check_text("the name of the group", self.group.as_deref().unwrap_or_default())
    }
}

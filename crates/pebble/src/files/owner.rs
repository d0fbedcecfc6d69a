//! The owner of a file or folder, and the account of a process.

use serde::Serialize;

use crate::names::check_text;

/// A user and a group, each by name or by number: the owner of what is written, or the account
/// that a process runs as. Without one it is what Pebble itself runs as, which in a container is
/// root.
///
/// A user alone brings its primary group. A group alone is refused by Pebble, and so are a name and
/// a number that do not belong together.
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
    /// Nobody in particular yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A user by name.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// A user by number.
    pub fn user_id(mut self, id: u32) -> Self {
        self.user_id = Some(id);
        self
    }

    /// A group by name.
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.group = Some(name.into());
        self
    }

    /// A group by number.
    pub fn group_id(mut self, id: u32) -> Self {
        self.group_id = Some(id);
        self
    }

    /// Refuses a name that no account can have.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_text("the name of the user", self.user.as_deref().unwrap_or_default())?;
        check_text("the name of the group", self.group.as_deref().unwrap_or_default())
    }
}

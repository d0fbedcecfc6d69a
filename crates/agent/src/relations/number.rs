//! [`RelationNumber`] is the name of a relation in the whole model.

use std::fmt;

use charmwright_juju::RelationId;
use serde::Serialize;

/// The number of a relation, which is unique in its model: the 7 in `db:7`.
///
/// [`Model::integrate`](crate::Model::integrate) returns it, and `juju remove-relation` takes it.
/// Each side of the relation puts the name of its own endpoint before it, which makes the id that a
/// charm knows ([`RelationId`]).
///
/// ```
/// use charmwright_agent::RelationNumber;
/// use charmwright_juju::RelationId;
///
/// # fn main() -> Result<(), charmwright_juju::InvalidName> {
/// let id: RelationId = "db:7".parse()?;
/// assert_eq!(RelationNumber::from(&id), 7);
/// assert_eq!(RelationNumber::from(&id).to_string(), "7");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RelationNumber(u32);

impl RelationNumber {
    /// Returns the number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl From<u32> for RelationNumber {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

impl From<&RelationId> for RelationNumber {
    fn from(id: &RelationId) -> Self {
        Self(id.number())
    }
}

/// A test compares with a number that it knows.
impl PartialEq<u32> for RelationNumber {
    fn eq(&self, number: &u32) -> bool {
        self.0 == *number
    }
}

impl fmt::Display for RelationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

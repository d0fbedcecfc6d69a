//! [`relation_of_grant`] finds the relation in whose scope `secret-grant` and `secret-revoke` work.

use super::super::secrets::RelationScope;
use super::context::ToolContext;

/// The relation of a grant, as the unit's agent knows it.
pub(super) struct GrantRelation {
    pub(super) scope: RelationScope,
    /// The related application; on a peer relation the unit's own one.
    pub(super) remote: String,
}

/// Returns the relation of `-r`, or else that of the running hook.
///
/// Relations are not modelled, so there is none: a value of `-r` is refused earlier.
pub(super) fn relation_of_grant(_: &ToolContext<'_>) -> Option<GrantRelation> {
    None
}

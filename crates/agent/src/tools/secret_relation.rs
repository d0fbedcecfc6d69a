//! [`relation_of_grant`] finds the relation in whose scope `secret-grant` and `secret-revoke` work.

use super::super::secrets::RelationScope;
use super::context::ToolContext;
use super::relation::{record, relation_id};

/// The relation of a grant, as the unit's agent knows it.
pub(super) struct GrantRelation {
    pub(super) scope: RelationScope,
    /// The related application; on a peer relation the unit's own one.
    pub(super) remote: String,
}

/// Returns the relation of `-r`, or else that of the running hook. Returns `None` if there is
/// neither, and if the relation is gone.
pub(super) fn relation_of_grant(context: &ToolContext<'_>) -> Option<GrantRelation> {
    let id = relation_id(context).ok()?;
    let key = context.model.relations.get(id)?.key();
    let remote = record(context, id).ok()?.remote_app.clone();
    Some(GrantRelation { scope: RelationScope { id, key }, remote })
}

//! What the handles of one relation share.

use std::fmt;
use std::rc::Rc;

use crate::dispatch::context::HookContext;
use crate::juju::{ApplicationName, EndpointName, RelationId, UnitName};

/// One relation of this hook. The handles of it, and of its databags, share it.
pub(crate) struct RelationCore {
    pub(crate) context: Rc<HookContext>,
    pub(crate) id: RelationId,
    pub(crate) endpoint: EndpointName,
    /// The remote application; the own application on a peer relation. `None` if Juju does not know
    /// it any more.
    pub(crate) remote_app: Option<ApplicationName>,
    pub(crate) is_breaking: bool,
}

impl RelationCore {
    /// Returns the name of this unit.
    pub(crate) fn own(&self) -> &UnitName {
        self.context.env.unit()
    }

    pub(crate) fn fmt_as(&self, what: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{what}({})", self.id)
    }
}

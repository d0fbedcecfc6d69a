//! A call knows its daemon by a name and a tag, which every error of the call carries.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The name of the daemon and the caller's tag, which each error of a client carries.
#[derive(Clone, Default)]
pub(crate) struct Daemon {
    /// The name of the daemon in messages, such as `container "web"`.
    pub(crate) name: Option<Arc<str>>,
    /// The tag of [`Client::with_tag`](crate::Client::with_tag).
    pub(crate) tag: Option<Arc<dyn Any + Send + Sync>>,
}

impl Daemon {
    pub(crate) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Debug for Daemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon").field("name", &self.name).finish_non_exhaustive()
    }
}

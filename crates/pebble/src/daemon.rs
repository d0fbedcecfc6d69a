//! The daemon that a call is made to, as the errors of the call tell of it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The part of a client that each of its errors has: the name of the daemon, and the caller's tag.
#[derive(Clone, Default)]
pub(crate) struct Daemon {
    /// The name in messages, such as `container "web"`.
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

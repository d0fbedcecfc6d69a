//! The data of a hook for which this version has no event.

use std::collections::BTreeMap;

/// An unknown hook has the name and the variables of a hook for which this version has no variant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownHook {
    hook: String,
    variables: BTreeMap<String, String>,
}

impl UnknownHook {
    pub(super) fn new(hook: String, variables: BTreeMap<String, String>) -> Self {
        Self { hook, variables }
    }

    /// Returns the name of the hook, such as `collect-metrics`.
    #[must_use]
    pub fn hook(&self) -> &str {
        &self.hook
    }

    /// Returns the variables of the environment that describe the hook (`JUJU_RELATION_ID`,
    /// `JUJU_SECRET_ID`, …), by name. A variable that is empty is left out.
    #[must_use]
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }
}

//! The environment variables that this crate reads, and their conversion to values.

use std::ffi::{OsStr, OsString};
use std::str::FromStr;

use super::error::Error;

/// The variables that [`HookEnv`](super::HookEnv) reads, sorted for a binary search.
///
/// The agent sets more variables, which tell a charm nothing new: the settings of language,
/// terminal and package manager are the same in every hook, the other `KUBERNETES_*` variables
/// repeat the host and the port, and `http_proxy` and its kind are for other programs to read.
pub(super) const KNOWN: &[&str] = &[
    "CHARM_DIR",
    "CLOUD_API_VERSION",
    "JUJU_ACTION_NAME",
    "JUJU_ACTION_TAG",
    "JUJU_ACTION_UUID",
    "JUJU_AGENT_CA_CERT",
    "JUJU_AGENT_SOCKET_ADDRESS",
    "JUJU_AGENT_SOCKET_NETWORK",
    "JUJU_AGENT_TOKEN",
    "JUJU_API_ADDRESSES",
    "JUJU_AVAILABILITY_ZONE",
    "JUJU_CHARM_DIR",
    "JUJU_CHARM_FTP_PROXY",
    "JUJU_CHARM_HTTPS_PROXY",
    "JUJU_CHARM_HTTP_PROXY",
    "JUJU_CHARM_NO_PROXY",
    "JUJU_CHARM_TRACE_CONFIG_CA_CERT",
    "JUJU_CHARM_TRACE_CONFIG_GRPC",
    "JUJU_CHARM_TRACE_CONFIG_HTTP",
    "JUJU_CONTEXT_ID",
    "JUJU_DEPARTING_UNIT",
    "JUJU_DISPATCH_PATH",
    "JUJU_HOOK_NAME",
    "JUJU_MACHINE_ID",
    "JUJU_METER_INFO",
    "JUJU_METER_STATUS",
    "JUJU_MODEL_NAME",
    "JUJU_MODEL_UUID",
    "JUJU_NOTICE_ID",
    "JUJU_NOTICE_KEY",
    "JUJU_NOTICE_TYPE",
    "JUJU_PEBBLE_CHECK_NAME",
    "JUJU_PRINCIPAL_UNIT",
    "JUJU_RELATION",
    "JUJU_RELATION_ID",
    "JUJU_REMOTE_APP",
    "JUJU_REMOTE_UNIT",
    "JUJU_SECRET_ID",
    "JUJU_SECRET_LABEL",
    "JUJU_SECRET_REVISION",
    "JUJU_SLA",
    "JUJU_SPAN_ID",
    "JUJU_STORAGE_ID",
    "JUJU_STORAGE_KIND",
    "JUJU_STORAGE_LOCATION",
    "JUJU_TARGET_BASE",
    "JUJU_TARGET_SERIES",
    "JUJU_TRACE_FLAGS",
    "JUJU_TRACE_ID",
    "JUJU_UNIT_NAME",
    "JUJU_VERSION",
    "JUJU_WORKLOAD_NAME",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "PATH",
];

/// The values of the [`KNOWN`] variables that are set and not empty.
#[derive(Clone)]
pub(super) struct Vars {
    /// The values, each at the index of its name in [`KNOWN`].
    values: Vec<Option<OsString>>,
}

impl Vars {
    /// Keeps the known variables. An empty value counts as absent, because the agent sets a
    /// variable that does not apply to the empty text.
    pub(super) fn new(all: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut values = vec![None; KNOWN.len()];
        for (name, value) in all {
            let index = name
                .to_str()
                .and_then(|name| KNOWN.binary_search(&name).ok())
                .and_then(|index| values.get_mut(index));
            if let Some(index) = index {
                *index = Some(value).filter(|value| !value.is_empty());
            }
        }
        Self { values }
    }

    /// Returns the names of the variables that are set, for `Debug`.
    pub(super) fn names(&self) -> Vec<&'static str> {
        KNOWN
            .iter()
            .zip(&self.values)
            .filter(|(_, value)| value.is_some())
            .map(|(name, _)| *name)
            .collect()
    }

    /// Returns the value of a variable unchanged, for paths, which need not be UTF-8.
    pub(super) fn raw(&self, name: &'static str) -> Option<&OsStr> {
        let index = KNOWN.binary_search(&name);
        debug_assert!(index.is_ok(), "{name} is missing from the table of variables");
        self.values.get(index.ok()?)?.as_deref()
    }

    /// Returns the value of a variable as text.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, Error> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        value
            .to_str()
            .map(Some)
            .ok_or_else(|| Error::environment(name, format!("{name} is not valid UTF-8")))
    }

    /// Returns the value of a variable, parsed as a `T`.
    pub(super) fn parsed<T>(&self, name: &'static str) -> Result<Option<T>, Error>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| Error::malformed_variable(name, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::KNOWN;

    #[test]
    fn the_table_is_in_order_so_that_bisection_works() {
        assert!(KNOWN.is_sorted_by(|a, b| a < b));
    }
}

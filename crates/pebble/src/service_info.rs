//! Pebble reports whether a service starts by itself, and whether it runs.

use serde::{Deserialize, Serialize};

use super::timestamp::Timestamp;
use super::wire::wire_words;

/// The startup of a service or check says whether it starts by itself (at `autostart`, a replan or
/// the start of the daemon).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Startup {
    /// It starts by itself.
    Enabled,
    /// It starts only on request, or when another service requires it.
    Disabled,
    /// A value that this version of the client does not know. Pebble treats it as disabled for a
    /// service, and refuses it for a check.
    Other(String),
}

wire_words!(Startup { Enabled = "enabled", Disabled = "disabled" });

/// The status of a service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServiceStatus {
    /// It runs, or is being started.
    Active,
    /// It does not run: it was never started, was stopped, or was told to stop a moment ago (its
    /// process may still be ending).
    Inactive,
    /// It ended, and Pebble waits before it starts it again.
    Backoff,
    /// It failed, and is not started again by itself.
    Error,
    /// A value that this version of the client does not know.
    Other(String),
}

wire_words!(ServiceStatus {
    Active = "active", Inactive = "inactive", Backoff = "backoff", Error = "error",
});

/// A service as `GET /v1/services` reports it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ServiceInfo {
    name: String,
    startup: Startup,
    current: ServiceStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current_since: Option<Timestamp>,
}

impl ServiceInfo {
    /// Returns the name of the service in the plan.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the service starts by itself.
    #[must_use]
    pub fn startup(&self) -> &Startup {
        &self.startup
    }

    /// Returns the status.
    #[must_use]
    pub fn current(&self) -> &ServiceStatus {
        &self.current
    }

    /// Returns the time since which it has this status, by the daemon's clock; `None` if it was
    /// never started.
    #[must_use]
    pub fn current_since(&self) -> Option<Timestamp> {
        self.current_since
    }

    /// Returns `true` if it runs or is being started.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.current == ServiceStatus::Active
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_known_and_unknown_states() {
        let list: Vec<ServiceInfo> = serde_json::from_value(json!([
            {
                "name": "a", "startup": "enabled", "current": "active",
                "current-since": "2026-11-22T20:00:09.3+01:00"
            },
            {"name": "b", "startup": "disabled", "current": "paused", "newer": {}},
        ]))
        .unwrap();
        assert!(list[0].is_active() && list[0].current_since().is_some());
        assert_eq!(*list[0].startup(), Startup::Enabled);
        assert_eq!(*list[1].current(), ServiceStatus::Other("paused".into()));
        assert_eq!(list[1].current().to_string(), "paused");
        assert_eq!(list[1].current_since(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(bytes: Vec<u8>) {
            let _ = serde_json::from_slice::<Vec<ServiceInfo>>(&bytes);
        }
    }
}

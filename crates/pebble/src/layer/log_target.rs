//! Describes the configuration of a log target: a server to which Pebble forwards the output of
//! services (Pebble 1.2).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::service::Override;
use crate::wire::{wire_object, wire_words};

/// Says which protocol Pebble uses for a log target.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogTargetType {
    /// Grafana Loki's push API (works since Pebble 1.4).
    Loki,
    /// OpenTelemetry's log protocol over HTTP (Pebble 1.24).
    OpenTelemetry,
    /// Syslog over TCP or UDP (Pebble 1.27).
    Syslog,
    /// A protocol that this version does not know.
    Other(String),
}

wire_words!(LogTargetType { Loki = "loki", OpenTelemetry = "opentelemetry", Syslog = "syslog" });

/// A log target tells Pebble to forward the output of services to a server.
#[derive(Clone, Default, PartialEq)]
#[must_use]
pub struct LogTarget {
    kind: Option<LogTargetType>,
    location: Option<String>,
    services: Vec<String>,
    override_: Option<Override>,
    labels: BTreeMap<String, String>,
    extra: Map<String, Value>,
}

wire_object!(LogTarget, "the configuration of a log target (an object)", {
    "type" => kind: get_kind -> Option<&LogTargetType>,
    "location" => location: get_location -> Option<&str>,
    "services" => services: get_services -> &[String],
    "override" => override_: get_override -> Option<&Override>,
    "labels" => labels: get_labels -> &BTreeMap<String, String>,
});

impl LogTarget {
    /// Makes a log target with this protocol and URL, which replaces any log target of the same
    /// name in the layers below. It forwards nothing until [`Self::services`] names services.
    pub fn new(kind: LogTargetType, location: impl Into<String>) -> Self {
        Self {
            kind: Some(kind),
            location: Some(location.into()),
            override_: Some(Override::Replace),
            ..Self::default()
        }
    }

    /// Makes a log target that is merged into the one of the same name in the layers below, with
    /// nothing else set.
    pub fn merge() -> Self {
        Self { override_: Some(Override::Merge), ..Self::default() }
    }

    /// Sets `override`. [`Self::new`] sets [`Override::Replace`].
    pub fn override_mode(mut self, mode: Override) -> Self {
        self.override_ = Some(mode);
        self
    }

    /// Sets `type`.
    pub fn kind(mut self, kind: LogTargetType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets `location`, a URL. For syslog it is `tcp://…` or `udp://…`.
    pub fn location(mut self, url: impl Into<String>) -> Self {
        self.location = Some(url.into());
        self
    }

    /// Adds to `services` the name of a service, or `all`. A name with a `-` before it takes the
    /// service out again. If several fit a service, the last one counts.
    pub fn services(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.services.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds a label to `labels`. Pebble replaces `$VAR` in the value from the service's
    /// environment. Names that start with `pebble_` are reserved for Pebble.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Sets a key that this version does not know. A key that has its own setter is not sent from
    /// here.
    pub fn other(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }

    /// Returns the keys that this version does not know.
    #[must_use]
    pub fn get_other(&self) -> &Map<String, Value> {
        &self.extra
    }
}

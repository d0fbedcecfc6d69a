//! Describes the layer itself, and converts it to and from YAML.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Check, LogTarget, Service};
use crate::wire::wire_object;
use charmwright_yaml as yaml;

/// A layer tells Pebble which services to run, which checks to make, and where to forward logs.
///
/// ```
/// use charmwright_pebble::{Check, Layer, Service, Startup};
/// let layer = Layer::new()
///     .summary("the workload")
///     .service("web", Service::new().command("/bin/web").startup(Startup::Enabled))
///     .check("up", Check::tcp(8080));
/// layer.validate()?;
/// # Ok::<(), charmwright_pebble::InvalidLayer>(())
/// ```
#[derive(Clone, Default, PartialEq)]
#[must_use]
pub struct Layer {
    summary: Option<String>,
    description: Option<String>,
    services: BTreeMap<String, Service>,
    checks: BTreeMap<String, Check>,
    log_targets: BTreeMap<String, LogTarget>,
    extra: Map<String, Value>,
}

wire_object!(Layer, "a layer (an object)", {
    "summary" => summary: get_summary -> Option<&str>,
    "description" => description: get_description -> Option<&str>,
    "services" => services,
    "checks" => checks,
    "log-targets" => log_targets,
});

/// A text cannot be read as a layer or a plan, or a layer cannot be written as text. The message
/// says what is wrong and, for a text, where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot {attempt} as YAML: {why}")]
pub struct InvalidYaml {
    attempt: &'static str,
    why: String,
}

impl InvalidYaml {
    pub(crate) fn new(attempt: &'static str, why: String) -> Self {
        Self { attempt, why }
    }
}

impl Layer {
    /// Makes an empty layer, which Pebble accepts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `summary`, one line for people.
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.summary = Some(text.into());
        self
    }

    /// Sets `description`, a longer text for people.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Adds a service under this name. It replaces one that was added under it before.
    pub fn service(mut self, name: impl Into<String>, service: Service) -> Self {
        self.services.insert(name.into(), service);
        self
    }

    /// Adds a check under this name. It replaces one that was added under it before.
    pub fn check(mut self, name: impl Into<String>, check: Check) -> Self {
        self.checks.insert(name.into(), check);
        self
    }

    /// Adds a log target under this name. It replaces one that was added under it before.
    pub fn log_target(mut self, name: impl Into<String>, target: LogTarget) -> Self {
        self.log_targets.insert(name.into(), target);
        self
    }

    /// Sets a top-level key that has no setter of its own here, such as `workloads`.
    pub fn other(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }

    /// Returns the services by name.
    #[must_use]
    pub fn get_services(&self) -> &BTreeMap<String, Service> {
        &self.services
    }

    /// Returns the checks by name.
    #[must_use]
    pub fn get_checks(&self) -> &BTreeMap<String, Check> {
        &self.checks
    }

    /// Returns the log targets by name.
    #[must_use]
    pub fn get_log_targets(&self) -> &BTreeMap<String, LogTarget> {
        &self.log_targets
    }

    /// Returns the top-level keys that have no type of their own here.
    #[must_use]
    pub fn get_other(&self) -> &Map<String, Value> {
        &self.extra
    }

    /// Writes the layer as YAML that Pebble reads. (The text is JSON, which is YAML, too.) Nothing
    /// is checked: see [`Self::validate`].
    ///
    /// # Errors
    /// Fails if a number in the layer is not finite.
    pub fn to_yaml(&self) -> Result<String, InvalidYaml> {
        yaml::to_yaml(self).map_err(|error| InvalidYaml::new("write the layer", error.to_string()))
    }

    /// Reads a layer from YAML. An empty document is an empty layer. Only the types are checked:
    /// see [`Self::validate`].
    ///
    /// # Errors
    /// Fails if the text is not YAML, has a key twice, or has a value of the wrong type under a
    /// known key.
    pub fn from_yaml(text: &str) -> Result<Self, InvalidYaml> {
        yaml::pebble::read_layer(text).map_err(|why| InvalidYaml::new("read the layer", why))
    }
}

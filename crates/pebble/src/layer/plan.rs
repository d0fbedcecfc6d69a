//! Describes the plan, which combines all layers.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::check::Check;
use super::document::InvalidYaml;
use super::log_target::LogTarget;
use super::service::Service;
use crate::wire::wire_object;
use charmwright_yaml as yaml;

/// The plan is the configuration that Pebble runs: all its layers combined.
///
/// Defaults are not written in it, except the threshold of a check. The labels, summaries and the
/// order of the layers are lost.
#[derive(Clone, Default, PartialEq)]
pub struct Plan {
    services: BTreeMap<String, Service>,
    checks: BTreeMap<String, Check>,
    log_targets: BTreeMap<String, LogTarget>,
    extra: Map<String, Value>,
}

wire_object!(Plan, "a plan (an object)", {
    "services" => services, "checks" => checks, "log-targets" => log_targets
});

impl Plan {
    /// Returns the services by name.
    #[must_use]
    pub fn services(&self) -> &BTreeMap<String, Service> {
        &self.services
    }

    /// Returns the checks by name.
    #[must_use]
    pub fn checks(&self) -> &BTreeMap<String, Check> {
        &self.checks
    }

    /// Returns the log targets by name.
    #[must_use]
    pub fn log_targets(&self) -> &BTreeMap<String, LogTarget> {
        &self.log_targets
    }

    /// Returns the sections that have no type of their own here, such as `workloads` and `pairing`.
    #[must_use]
    pub fn other(&self) -> &Map<String, Value> {
        &self.extra
    }

    /// Reads a plan from the YAML that Pebble sends.
    ///
    /// # Errors
    /// Fails if the text is not YAML, has a key twice, or has a value of the wrong type under a
    /// known key.
    pub fn from_yaml(text: &str) -> Result<Self, InvalidYaml> {
        yaml::pebble::read(text).map_err(|why| InvalidYaml::new("read the plan", why))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_plans_that_pebble_writes() {
        assert_eq!(Plan::from_yaml("{}\n").unwrap(), Plan::default());
        assert_eq!(Plan::from_yaml("").unwrap(), Plan::default());
        let plan = Plan::from_yaml(
            "services:\n    web:\n        startup: enabled\n        override: replace\n\
             \x20       command: /bin/web\n        environment:\n            \
             PORT: \"8080\"\nchecks:\n    up:\n        override: merge\n        threshold: 3\n\
             \x20       tcp:\n            port: 8080\nworkloads:\n    \
             w:\n        override: replace\n",
        )
        .unwrap();
        assert_eq!(plan.services()["web"].get_environment()["PORT"], "8080");
        assert_eq!(plan.checks()["up"].get_threshold(), Some(3));
        assert!(plan.log_targets().is_empty());
        assert!(plan.other().contains_key("workloads"));
    }

    #[test]
    fn an_error_says_where() {
        let error = Plan::from_yaml("services:\n    web: 5\n").unwrap_err().to_string();
        assert!(error.starts_with("cannot read the plan as YAML: "), "{error}");
        assert!(error.contains('2'), "the line: {error}");
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(
            text in "\\PC{0,60}",
            likely in "(services|checks|log-targets):\n\
                       ( {0,4}[a-z-]{0,8}:( [\\[\\]{}&*!|>'\"%@a-z0-9.:-]{0,12})?\n){0,6}",
        ) {
            let _ = Plan::from_yaml(&text);
            let _ = Plan::from_yaml(&likely);
        }
    }
}

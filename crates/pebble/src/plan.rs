//! The plan: what all layers say together.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::layer::{Check, InvalidYaml, LogTarget, Service};
use super::reader::Reader;
use super::request::Request;
use super::wire::wire_object;
use charmwright_yaml as yaml;

/// The plan that Pebble runs by: all its layers combined.
///
/// Defaults are not written in it, except the threshold of a check. Labels, summaries and the order
/// of the layers are lost.
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
    /// The services, by name.
    #[must_use]
    pub fn services(&self) -> &BTreeMap<String, Service> {
        &self.services
    }

    /// The checks, by name.
    #[must_use]
    pub fn checks(&self) -> &BTreeMap<String, Check> {
        &self.checks
    }

    /// The log targets, by name.
    #[must_use]
    pub fn log_targets(&self) -> &BTreeMap<String, LogTarget> {
        &self.log_targets
    }

    /// The sections that have no type of their own here, such as `workloads` and `pairing`.
    #[must_use]
    pub fn other(&self) -> &Map<String, Value> {
        &self.extra
    }

    /// Reads a plan from the YAML that Pebble gives.
    ///
    /// # Errors
    /// When it is not YAML, has a key twice, or a known key has a value of the wrong type.
    pub fn from_yaml(text: &str) -> Result<Self, InvalidYaml> {
        yaml::pebble::read(text).map_err(|why| InvalidYaml::new("read the plan", why))
    }
}

impl Reader {
    /// The plan that Pebble runs by now: `GET /v1/plan?format=yaml`. Since Pebble 1.28 only an
    /// administrator may ask. Safe to drop.
    ///
    /// # Errors
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy;
    /// `Protocol` when the answer is no plan.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let answer = self.send(read_plan()).await?;
        Plan::from_yaml(&answer.decode::<String>()?)
            .map_err(|error| answer.malformed("what Pebble sent is not a plan").with_cause(&error))
    }
}

/// The request for the plan as text.
pub(super) fn read_plan() -> Request {
    Request::get("/v1/plan", "read the plan").query("format", "yaml")
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::new("Reader::plan", "/v1/plan", read_plan())]
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

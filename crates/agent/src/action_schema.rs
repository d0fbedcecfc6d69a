//! [`ActionSchema`] is the declaration of one action, and validates the parameters of a run.

use serde_json::{Map, Value};

use super::model_settings::is_at_least;
use super::schema::{Schema, fill_defaults};
use charmwright_juju::JujuVersion;

/// The declaration of one action in `actions.yaml`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ActionSchema {
    description: String,
    /// The JSON Schema of all parameters as one object; it has `properties`.
    document: Value,
}

impl ActionSchema {
    pub(super) fn new(description: String, document: Value) -> Self {
        Self { description, document }
    }

    /// Returns the description of the action; empty if the charm has none.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Returns the names of the declared parameters.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.properties().into_iter().flat_map(Map::keys).map(String::as_str)
    }

    fn properties(&self) -> Option<&Map<String, Value>> {
        self.document.get("properties").and_then(Value::as_object)
    }

    /// Validates the given parameters, then adds the defaults of the missing ones, and returns the
    /// parameters that the action reads.
    ///
    /// The defaults come last, as in Juju: so a `required` parameter must be given even if it has a
    /// default. Juju 4 refuses parameters that are not declared, unless the schema has
    /// `additionalProperties`.
    ///
    /// # Errors
    /// Returns one sentence with every violation of the schema.
    pub(super) fn complete_params(
        &self,
        version: &JujuVersion,
        given: Map<String, Value>,
    ) -> Result<Map<String, Value>, String> {
        let mut document = self.document.clone();
        if is_at_least(version, 4, 0)
            && let Value::Object(document) = &mut document
        {
            document.entry("additionalProperties").or_insert(Value::Bool(false));
        }
        let given = Value::Object(given);
        let broken = Schema::parse(&document)?.violations(&given);
        if !broken.is_empty() {
            return Err(format!("validation failed: {}", broken.join("; ")));
        }
        let Value::Object(mut params) = given else {
            return Ok(Map::new());
        };
        if let Some(properties) = self.properties() {
            fill_defaults(&mut params, properties)?;
        }
        Ok(params)
    }
}

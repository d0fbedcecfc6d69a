//! One action that a charm declares, and the judgement of the parameters that it is given.

use serde_json::{Map, Value};

use super::schema::{Schema, fill_defaults};
use super::settings::is_at_least;
use charmwright_juju::JujuVersion;

/// One action of `actions.yaml`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ActionSchema {
    description: String,
    /// The schema of the parameters as a whole; it has `properties`.
    document: Value,
}

impl ActionSchema {
    pub(super) fn new(description: String, document: Value) -> Self {
        Self { description, document }
    }

    /// The purpose of the action, as its author wrote it; may be empty.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The names of the declared parameters.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.properties().into_iter().flat_map(Map::keys).map(String::as_str)
    }

    fn properties(&self) -> Option<&Map<String, Value>> {
        self.document.get("properties").and_then(Value::as_object)
    }

    /// Gives the parameters as the action gets them: held against the schema as they were given,
    /// and only then filled up with defaults.
    ///
    /// Juju 4 refuses parameters that are not declared, unless the schema says otherwise.
    ///
    /// # Errors
    /// Every rule that is broken, in one sentence.
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

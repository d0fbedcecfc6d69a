//! A charm's actions: their names and parameters, the request of one action, and its result.

use std::cell::OnceCell;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::redact_values;
use crate::error::Error;
use crate::juju::{HookTools, check_action_key};

/// A type that implements this trait lists a charm's actions and is what an action is parsed into:
/// usually an enum with a variant for each action, whose fields are the action's parameters.
///
/// Each name is listed in [`NAMES`](Actions::NAMES) and matched in [`parse`](Actions::parse). A
/// test that parses an [`ActionRequest::new`] for each of the names keeps the two in agreement.
///
/// ```
/// use charmwright::{ActionRequest, Actions, Error};
///
/// enum Action {
///     Restart,
///     Backup { path: String, compress: Option<bool> },
/// }
///
/// impl Actions for Action {
///     const NAMES: &'static [&'static str] = &["restart", "backup"];
///
///     fn parse(request: &ActionRequest) -> Result<Self, Error> {
///         match request.name() {
///             "restart" => Ok(Self::Restart),
///             "backup" => Ok(Self::Backup {
///                 path: request.parameter("path")?,
///                 compress: request.parameter("compress")?,
///             }),
///             _ => Err(request.undeclared::<Self>()),
///         }
///     }
/// }
/// ```
pub trait Actions: Sized + 'static {
    /// The names of the actions that the charm's YAML declares.
    const NAMES: &'static [&'static str];

    /// Parses an action from its name and parameters.
    ///
    /// The framework calls it only for a name in [`NAMES`](Actions::NAMES).
    ///
    /// # Errors
    ///
    /// Returns an error if a parameter does not fit its type, or if the charm does not have the
    /// action. The error becomes the failure message of the action.
    fn parse(request: &ActionRequest) -> Result<Self, Error>;
}

/// This type is the actions of a charm that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoActions {}

impl Actions for NoActions {
    const NAMES: &'static [&'static str] = &[];

    fn parse(request: &ActionRequest) -> Result<Self, Error> {
        Err(request.undeclared::<Self>())
    }
}

/// A request has the name and the parameters that a user ran an action with. The parameters are
/// read from the unit agent when the first of them is asked for.
#[derive(Debug)]
pub struct ActionRequest {
    name: String,
    parameters: Parameters,
}

/// The source of an action's parameters.
#[derive(Debug)]
enum Parameters {
    Given(Map<String, Value>),
    /// The hook tool `action-get` reads them when they are first needed; the cell keeps the answer.
    FromAgent(Arc<HookTools>, OnceCell<Arc<Map<String, Value>>>),
}

impl ActionRequest {
    /// Makes a request with the given parameters, for a test of [`Actions::parse`].
    ///
    /// ```
    /// use charmwright::{ActionRequest, Actions as _, NoActions};
    ///
    /// let request = ActionRequest::new("backup", serde_json::Map::new());
    /// let error = NoActions::parse(&request).unwrap_err();
    /// assert!(error.to_string().ends_with("the charm declares no action"));
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, parameters: Map<String, Value>) -> Self {
        Self { name: name.into(), parameters: Parameters::Given(parameters) }
    }

    pub(crate) fn from_agent(name: &str, tools: Arc<HookTools>) -> Self {
        let parameters = Parameters::FromAgent(tools, OnceCell::new());
        Self { name: name.to_owned(), parameters }
    }

    /// Returns the name of the action.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns all parameters. Juju has checked them against the charm's YAML and filled in the
    /// defaults.
    ///
    /// # Errors
    ///
    /// Returns an error if the hook tool fails.
    pub fn parameters(&self) -> Result<&Map<String, Value>, Error> {
        match &self.parameters {
            Parameters::Given(parameters) => Ok(parameters),
            Parameters::FromAgent(tools, known) => {
                if let Some(known) = known.get() {
                    return Ok(known);
                }
                // An error is not kept, so that a later call asks again.
                let parameters = tools.action_params()?;
                Ok(known.get_or_init(|| parameters))
            }
        }
    }

    /// Reads one parameter as the type `T`. A parameter that was not given reads as `None` if the
    /// type is an `Option`.
    ///
    /// # Errors
    ///
    /// Returns an error if the parameter is not given or has another type, or if the hook tool
    /// fails. The message does not contain the parameter's value.
    pub fn parameter<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        // A parameter that is missing deserializes as null, so that an `Option` is `None`.
        let value = self.parameters()?.get(name);
        let is_given = value.is_some();
        T::deserialize(value.unwrap_or(&Value::Null)).map_err(|error| {
            let why = if is_given {
                redact_values(&error.to_string(), value.as_slice())
            } else {
                "it is not given".to_owned()
            };
            Error::new(format!(
                "cannot run the action \"{}\": the parameter \"{name}\" cannot be used: {why}",
                self.name
            ))
        })
    }

    /// Makes the error for an action that the charm does not declare.
    #[must_use]
    pub fn undeclared<A: Actions>(&self) -> Error {
        let declares = match A::NAMES {
            [] => "no action".to_owned(),
            names => format!("the actions {names:?}"),
        };
        let name = &self.name;
        Error::undeclared(format!(
            "cannot run the action \"{name}\": the charm declares {declares}"
        ))
    }
}

/// A result has the keys and values that a user sees after an action has succeeded.
///
/// A key consists of lower-case letters, digits and hyphens, with dots between the parts of a
/// nested key; a value is text. An action that fails returns an error instead, for instance
/// [`Stop::refused`](crate::Stop::refused).
///
/// ```
/// use charmwright::ActionResult;
///
/// let result = ActionResult::new().with("file", "/backups/7.tar").with("size.bytes", 1234);
/// assert_eq!(result.get("size.bytes"), Some("1234"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ActionResult {
    pairs: Vec<(String, String)>,
}

impl ActionResult {
    /// Makes a result without any keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value under a key, formatted as text. A later value of the same key replaces an
    /// earlier one.
    pub fn with(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.pairs.push((key.into(), value.to_string()));
        self
    }

    /// Makes a result from a struct or a map. A nested struct or map gets keys with dots, a list
    /// gets the index of each element as a key, and null is left out.
    ///
    /// ```
    /// use charmwright::ActionResult;
    ///
    /// #[derive(serde::Serialize)]
    /// struct Backup {
    ///     file: String,
    ///     parts: Vec<u32>,
    /// }
    ///
    /// let backup = Backup { file: "/backups/7.tar".into(), parts: vec![3, 4] };
    /// let result = ActionResult::of(&backup)?;
    /// assert_eq!(result.get("file"), Some("/backups/7.tar"));
    /// assert_eq!(result.get("parts.1"), Some("4"));
    /// # Ok::<(), charmwright::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the value is neither a struct nor a map, or has a key that Juju does not
    /// accept.
    pub fn of(results: &(impl Serialize + ?Sized)) -> Result<Self, Error> {
        const CANNOT: &str = "cannot make the action's result";
        let value = serde_json::to_value(results)
            .map_err(|error| Error::new(format!("{CANNOT}: {error}")))?;
        let Value::Object(map) = value else {
            return Err(Error::new(format!("{CANNOT}: it is no struct and no map")));
        };
        let mut pairs = Vec::new();
        for (key, value) in map {
            flatten(key, value, &mut pairs);
        }
        for (key, _) in &pairs {
            check_action_key(key).map_err(|error| Error::new(format!("{CANNOT}: {error}")))?;
        }
        Ok(Self { pairs })
    }

    /// Returns the value of a key, or `None` if the result does not have the key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        // A key that was added twice counts by its last value, as it does for `action-set`.
        self.iter().filter(|(name, _)| *name == key).last().map(|(_, value)| value)
    }

    /// Iterates over the keys and values in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// Flattens nested values into keys with dots. The recursion is bounded, because serde_json refuses
/// a value that is nested more than 128 levels deep.
fn flatten(key: String, value: Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::String(text) => pairs.push((key, text)),
        Value::Bool(_) | Value::Number(_) => pairs.push((key, value.to_string())),
        Value::Array(list) => {
            for (place, value) in list.into_iter().enumerate() {
                flatten(format!("{key}.{place}"), value, pairs);
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                flatten(format!("{key}.{name}"), value, pairs);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(parameters: Value) -> ActionRequest {
        ActionRequest::new("backup", parameters.as_object().cloned().unwrap())
    }

    #[test]
    fn a_parameter_is_read_as_its_type() {
        let request = request(json!({"path": "/a", "level": 3, "list": [1, 2]}));
        assert_eq!(request.parameter::<String>("path").unwrap(), "/a");
        assert_eq!(request.parameter::<Option<u8>>("level").unwrap(), Some(3));
        assert_eq!(request.parameter::<Option<u8>>("missing").unwrap(), None);
        assert_eq!(request.parameter::<Vec<u8>>("list").unwrap(), [1, 2]);
    }

    #[test]
    fn a_parameter_that_does_not_fit_is_named_without_its_value() {
        let request = request(json!({"path": "hunter22", "level": 700}));
        for (error, why) in [
            (request.parameter::<u8>("path").unwrap_err(), "invalid type: string, expected u8"),
            (request.parameter::<u8>("level").unwrap_err(), "invalid value: integer, expected u8"),
            (request.parameter::<u8>("missing").unwrap_err(), "it is not given"),
        ] {
            let text = error.to_string();
            assert!(text.starts_with("cannot run the action \"backup\": the parameter "), "{text}");
            assert!(text.ends_with(why) && !text.contains("hunter22"), "{text}");
        }
    }

    #[test]
    fn a_nested_result_has_keys_with_dots() {
        let result = ActionResult::of(&json!({
            "a": {"b": {"c": 1}, "none": null}, "list": [true, {"x": "y"}]
        }))
        .unwrap();
        let pairs: Vec<_> = result.iter().collect();
        assert_eq!(pairs, [("a.b.c", "1"), ("list.0", "true"), ("list.1.x", "y")]);
    }

    #[test]
    fn a_result_that_juju_does_not_take_is_refused() {
        for (value, why) in [
            (json!([1]), "it is no struct and no map"),
            (json!({"Upper": 1}), "\"Upper\""),
            (json!({"a": {"snake_case": 1}}), "\"a.snake_case\""),
            (json!({"a.stdout": 1}), "Juju's own"),
        ] {
            let error = ActionResult::of(&value).unwrap_err().to_string();
            assert!(error.starts_with("cannot make the action's result: "), "{error}");
            assert!(error.contains(why), "{error}");
        }
    }
}

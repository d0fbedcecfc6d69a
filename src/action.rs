//! Actions: what a user of the model asks of one unit, and what comes of it.

use std::cell::OnceCell;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::redact_values;
use crate::error::Error;
use crate::juju::{HookTools, check_action_key};

/// The actions of a charm, as a type that an action is parsed into: usually an enum with a variant
/// for each, whose fields are the action's parameters.
///
/// Each name stands in [`NAMES`](Actions::NAMES) and in [`parse`](Actions::parse); a test that
/// parses an [`ActionRequest::new`] for each of the names holds them together.
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

    /// Reads an action from its name and parameters.
    ///
    /// It is asked for the names in [`NAMES`](Actions::NAMES) only.
    ///
    /// # Errors
    ///
    /// A parameter that does not fit, or an action that the charm does not have. It is the failure
    /// message of the action.
    fn parse(request: &ActionRequest) -> Result<Self, Error>;
}

/// The actions of a charm that has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoActions {}

impl Actions for NoActions {
    const NAMES: &'static [&'static str] = &[];

    fn parse(request: &ActionRequest) -> Result<Self, Error> {
        Err(request.undeclared::<Self>())
    }
}

/// An action as its user asked for it: its name, and its parameters, which are read when the first
/// is asked for.
#[derive(Debug)]
pub struct ActionRequest {
    name: String,
    parameters: Parameters,
}

/// Where the parameters come from.
#[derive(Debug)]
enum Parameters {
    Given(Map<String, Value>),
    /// The agent is asked, once.
    FromAgent(Arc<HookTools>, OnceCell<Arc<Map<String, Value>>>),
}

impl ActionRequest {
    /// Makes a request with these parameters, for a test of [`Actions::parse`].
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

    /// The action's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All parameters. Juju has checked them against the charm's YAML and filled in the defaults.
    ///
    /// # Errors
    ///
    /// The hook tool failed.
    pub fn parameters(&self) -> Result<&Map<String, Value>, Error> {
        match &self.parameters {
            Parameters::Given(parameters) => Ok(parameters),
            Parameters::FromAgent(tools, known) => {
                if let Some(known) = known.get() {
                    return Ok(known);
                }
                let parameters = tools.action_params()?;
                Ok(known.get_or_init(|| parameters))
            }
        }
    }

    /// One parameter. One that was not given reads as `None` where the type is an `Option`.
    ///
    /// # Errors
    ///
    /// It is not given or of another type, told without its value; or the hook tool failed.
    pub fn parameter<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
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

    /// Makes the error of an action that the charm does not have.
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

/// The result of an action that went well: what its user gets to see, by keys.
///
/// Keys have lower-case letters, digits and hyphens, and dots between nested ones; values are
/// texts. An action that does not do what it was asked for ends with an error instead, be it
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
    /// A result that says nothing more than that the action went well.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one value, shown as text. A later value of the same key wins.
    pub fn with(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.pairs.push((key.into(), value.to_string()));
        self
    }

    /// Makes the result of a struct or a map. Nested ones get keys with dots, and a list the
    /// numbers of its places; null is left out.
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
    /// What is given is no struct or map, or has a key that Juju does not take.
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

    /// The value of a key, if there is one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().filter(|(name, _)| *name == key).last().map(|(_, value)| value)
    }

    /// Each key with its value, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// Depth is no danger: serde_json refuses a value that is nested more deeply than 128.
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

//! A charm's actions: their names and parameters, the request of one action, and its result.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::config::{field_in_message, redact_values};
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
///
/// Its `Debug` shows no parameter, since one may be a password.
pub struct ActionRequest {
    name: String,
    parameters: Parameters,
}

/// The source of an action's parameters.
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
        serde_path_to_error::deserialize(value.unwrap_or(&Value::Null)).map_err(|error| {
            if value.is_none() {
                return self.unusable(name, "it is not given");
            }
            let path = error.path().to_string();
            // A value that is wrong as a whole has the path `.`.
            let name = if path == "." { name.to_owned() } else { format!("{name}.{path}") };
            self.unusable(&name, &redact_values(&error.inner().to_string(), value.as_slice()))
        })
    }

    /// Reads all parameters as the type `T`, usually a struct with a field for each. A parameter
    /// that was not given reads as `None` if its field is an `Option`.
    ///
    /// ```
    /// use charmwright::{ActionRequest, Actions, Error};
    ///
    /// #[derive(serde::Deserialize)]
    /// #[serde(rename_all = "kebab-case")]
    /// struct Backup {
    ///     path: String,
    ///     keep_days: Option<u32>,
    /// }
    ///
    /// enum Action {
    ///     Backup(Backup),
    /// }
    ///
    /// impl Actions for Action {
    ///     const NAMES: &'static [&'static str] = &["backup"];
    ///
    ///     fn parse(request: &ActionRequest) -> Result<Self, Error> {
    ///         match request.name() {
    ///             "backup" => Ok(Self::Backup(request.read()?)),
    ///             _ => Err(request.undeclared::<Self>()),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error that names the action and the parameter if a parameter is not given or does
    /// not fit, or if the hook tool fails. The message contains no parameter's value.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let parameters = self.parameters()?;
        serde_path_to_error::deserialize(parameters).map_err(|error| {
            let message = error.inner().to_string();
            let path = Some(error.path().to_string()).filter(|path| path != ".");
            let is_missing = message.starts_with("missing field");
            // serde gives no path for a field that is missing, only its name in the text.
            let name = match (path, field_in_message(&message)) {
                (Some(path), Some(field)) if is_missing => format!("{path}.{field}"),
                (Some(name), _) | (None, Some(name)) => name,
                (None, None) => {
                    let values: Vec<&Value> = parameters.values().collect();
                    return Error::new(format!(
                        "cannot run the action \"{}\": its parameters cannot be used: {}",
                        self.name,
                        redact_values(&message, &values)
                    ));
                }
            };
            let values: Vec<&Value> = parameters.values().collect();
            let why = redact_values(&message, &values);
            self.unusable(&name, if is_missing { "it is not given" } else { &why })
        })
    }

    fn unusable(&self, name: &str, why: &str) -> Error {
        Error::new(format!(
            "cannot run the action \"{}\": the parameter \"{name}\" cannot be used: {why}",
            self.name
        ))
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

impl fmt::Debug for ActionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActionRequest").field("name", &self.name).finish_non_exhaustive()
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

    /// Makes a result from a struct or a map.
    ///
    /// Juju's results are texts in nested maps, so each value becomes text: a number and a boolean
    /// as JSON writes them, and the elements of a list under their indexes, from 0. Null, an empty
    /// list and an empty map are left out. A key of Juju has hyphens and no underscores: derive
    /// `Serialize` with `#[serde(rename_all = "kebab-case")]`.
    ///
    /// ```
    /// use charmwright::ActionResult;
    ///
    /// #[derive(serde::Serialize)]
    /// #[serde(rename_all = "kebab-case")]
    /// struct Backup {
    ///     file_name: String,
    ///     size: Size,
    ///     parts: Vec<u32>,
    /// }
    ///
    /// #[derive(serde::Serialize)]
    /// struct Size {
    ///     bytes: u64,
    /// }
    ///
    /// let backup = Backup {
    ///     file_name: "/backups/7.tar".into(),
    ///     size: Size { bytes: 7 },
    ///     parts: vec![3, 4],
    /// };
    /// let result = ActionResult::of(&backup)?;
    /// assert_eq!(result.get("file-name"), Some("/backups/7.tar"));
    /// assert_eq!(result.get("size.bytes"), Some("7"));
    /// assert_eq!(result.get("parts.1"), Some("4"));
    /// # Ok::<(), charmwright::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the value is neither a struct nor a map, or has a key that Juju does not
    /// accept. A value that is too large is an error only when the action has ended
    /// ([`HookTools::action_set`]), which then fails.
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
        let mut keys = BTreeSet::new();
        for (key, _) in &pairs {
            check_action_key(key).map_err(|error| Error::new(format!("{CANNOT}: {error}")))?;
            // A key with a dot in it may be that of a nested value, which would be lost.
            if !keys.insert(key) {
                return Err(Error::new(format!("{CANNOT}: it has the key {key:?} twice")));
            }
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
        assert_eq!(format!("{request:?}"), "ActionRequest { name: \"backup\", .. }");
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
        let empty = ActionResult::of(&json!({"a": [], "b": {}, "c": null, "d": [null]})).unwrap();
        assert_eq!(empty, ActionResult::new());
        let texts = ActionResult::of(&json!({"f": 1.5, "n": -7, "s": "", "u": u64::MAX})).unwrap();
        let pairs: Vec<_> = texts.iter().collect();
        assert_eq!(pairs, [("f", "1.5"), ("n", "-7"), ("s", ""), ("u", "18446744073709551615")]);
    }

    #[test]
    fn all_parameters_are_read_as_a_struct() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Backup {
            path: String,
            keep_days: Option<u8>,
            target: Target,
        }
        #[derive(Debug, PartialEq, serde::Deserialize)]
        struct Target {
            host: String,
            ports: Vec<u16>,
        }
        let good = json!({"path": "/a", "target": {"host": "h", "ports": [1]}, "unknown": true});
        let expected = Backup {
            path: "/a".to_owned(),
            keep_days: None,
            target: Target { host: "h".to_owned(), ports: vec![1] },
        };
        assert_eq!(request(good.clone()).read::<Backup>().unwrap(), expected);
        assert_eq!(request(good).parameter::<Target>("target").unwrap(), expected.target);

        let target = json!({"host": "hunter22", "ports": [1]});
        for (parameters, name, why) in [
            (json!({"target": target}), "path", "it is not given"),
            (json!({"path": "/a", "target": {"ports": []}}), "target.host", "it is not given"),
            (
                json!({"path": "/a", "target": {"host": "h", "ports": [1, "hunter22"]}}),
                "target.ports[1]",
                "invalid type: string, expected u16",
            ),
            (
                json!({"path": "/a", "keep-days": 256, "target": target}),
                "keep-days",
                "invalid value: integer, expected u8",
            ),
        ] {
            let error = request(parameters).read::<Backup>().unwrap_err().to_string();
            let start = format!("cannot run the action \"backup\": the parameter \"{name}\"");
            assert!(error.starts_with(&start) && error.ends_with(why), "{error}");
            assert!(!error.contains("hunter22"), "{error}");
        }
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        let error = request(json!({"hunter": "22"})).read::<Nothing>().unwrap_err().to_string();
        assert!(error.contains("the parameter \"hunter\" cannot be used"), "{error}");
        let wrong = request(json!({"target": {"host": 7, "ports": []}}));
        let error = wrong.parameter::<Target>("target").unwrap_err().to_string();
        assert!(error.contains("\"target.host\""), "{error}");
    }

    #[test]
    fn a_result_that_juju_does_not_take_is_refused() {
        for (value, why) in [
            (json!([1]), "it is no struct and no map"),
            (json!({"Upper": 1}), "\"Upper\""),
            (json!({"a": {"snake_case": 1}}), "\"a.snake_case\""),
            (json!({"a.stdout": 1}), "Juju's own"),
            (json!({"return-code": 1}), "Juju's own"),
            (json!({"a": {"b": 1}, "a.b": 2}), "\"a.b\" twice"),
        ] {
            let error = ActionResult::of(&value).unwrap_err().to_string();
            assert!(error.starts_with("cannot make the action's result: "), "{error}");
            assert!(error.contains(why), "{error}");
        }
    }
}

//! [`ConfigOption`] is the declaration of a config option; its type decides which values it takes.

use serde_json::Value;

use super::go_text::go_bool;
use super::secret_uri::SecretUri;
use charmwright_yaml::go_int;

/// The type of a config option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionType {
    /// `string`: any text.
    String,
    /// `int`: a signed integer of 64 bits.
    Int,
    /// `float`: a floating-point number.
    Float,
    /// `boolean`: `true` or `false`.
    Boolean,
    /// `secret`: the URI of a user secret (`secret:ID`).
    Secret,
}

impl OptionType {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "int" => Self::Int,
            "float" => Self::Float,
            "boolean" => Self::Boolean,
            "secret" => Self::Secret,
            _ => return None,
        })
    }

    /// Returns the name of the type in `config.yaml`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Secret => "secret",
        }
    }

    /// Converts a default of `config.yaml` to this type, or returns `None` if Juju would refuse it.
    ///
    /// Juju also takes a string for an `int`, in any base, and for a `boolean`, but not for a
    /// `float` (Juju 3.6, package charm).
    pub(super) fn parse_default(self, value: &Value) -> Option<Value> {
        match self {
            Self::String => value.as_str().map(Value::from),
            Self::Int => match value {
                Value::String(text) => go_int(text).map(Value::from),
                number => number.as_i64().map(Value::from),
            },
            Self::Float => value.as_f64().map(Value::from),
            Self::Boolean => match value {
                Value::Bool(_) => Some(value.clone()),
                Value::String(word) => go_bool(word).map(Value::Bool),
                _ => None,
            },
            Self::Secret => value.as_str().filter(|text| is_secret(text)).map(Value::from),
        }
    }

    /// Parses the text that the operator has typed, or returns `None` if it does not fit this type.
    pub(super) fn parse_text(self, text: &str) -> Option<Value> {
        match self {
            Self::String => Some(Value::from(text)),
            // Of base 10 only, unlike a default.
            Self::Int => text.parse::<i64>().ok().map(Value::from),
            Self::Float => {
                text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
            }
            Self::Boolean => go_bool(text).map(Value::Bool),
            // Juju wants the scheme, which the charm's tools do not, and then parses the URI.
            Self::Secret => Some(text)
                .filter(|text| is_secret(text))
                .filter(|text| text.is_empty() || SecretUri::parse(text).is_ok())
                .map(Value::from),
        }
    }
}

fn is_secret(text: &str) -> bool {
    text.is_empty() || text.starts_with("secret:")
}

/// The declaration of one option in `config.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigOption {
    kind: OptionType,
    default: Option<Value>,
    description: String,
}

impl ConfigOption {
    pub(super) fn new(kind: OptionType, default: Option<Value>, description: String) -> Self {
        Self { kind, default, description }
    }

    /// Returns the type of the option.
    #[must_use]
    pub fn kind(&self) -> OptionType {
        self.kind
    }

    /// Returns the value that the option has until the operator sets it, or `None` if it has none.
    #[must_use]
    pub fn default(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// Returns the description of the option; empty if the charm has none.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_fit_their_type() {
        use OptionType::{Boolean, Float, Int, Secret, String};
        for (kind, text, value) in [
            (String, "", Some(json!(""))),
            (String, "12", Some(json!("12"))),
            (Int, "9191", Some(json!(9191))),
            (Int, "-1", Some(json!(-1))),
            (Int, "1.0", None),
            (Int, "", None),
            (Int, "9223372036854775808", None),
            (Float, "1", Some(json!(1.0))),
            (Float, "1e3", Some(json!(1000.0))),
            (Float, "NaN", None),
            (Boolean, "True", Some(json!(true))),
            (Boolean, "yes", None),
            (Secret, "secret:9m4e2mr0ui3e8a215n4g", Some(json!("secret:9m4e2mr0ui3e8a215n4g"))),
            (Secret, "hunter2", None),
        ] {
            assert_eq!(kind.parse_text(text), value, "{kind:?} {text:?}");
        }
    }

    #[test]
    fn defaults_fit_their_type_as_they_do_for_juju() {
        use OptionType::{Boolean, Float, Int, Secret, String};
        for (kind, default, value) in [
            (Float, json!(1), Some(json!(1.0))),
            (Float, json!("1.5"), None),
            (Int, json!(1.0), None),
            (Int, json!("0x1F"), Some(json!(31))),
            (Int, json!("-0_17"), Some(json!(-15))),
            (Int, json!("1__0"), None),
            (Int, json!(""), None),
            (Int, json!(18_446_744_073_709_551_615_u64), None),
            (Boolean, json!("true"), Some(json!(true))),
            (Boolean, json!("F"), Some(json!(false))),
            (Boolean, json!("yes"), None),
            (Boolean, json!(1), None),
            (String, json!(1), None),
            (Secret, json!(""), Some(json!(""))),
        ] {
            assert_eq!(kind.parse_default(&default), value, "{kind:?} {default}");
        }
    }
}

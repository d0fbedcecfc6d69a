//! Reads the charm's config as a type, without repeating a value in an error.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use crate::error::Error;
use crate::secret::uri;

/// This type is the config of a charm that has no options of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct NoConfig {}

/// Reads the options as the charm's config type.
///
/// # Errors
///
/// Returns a config error that names the option at fault. It says what was expected and does not
/// repeat the value, which may be a password.
pub(crate) fn parse<T: DeserializeOwned>(options: &Map<String, Value>) -> Result<T, Error> {
    serde_path_to_error::deserialize(options).or_else(|error| {
        let option = error.path().iter().find_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        let message = error.inner().to_string();
        // Operators clear an option by `juju config web tls-key=`, and Juju takes an empty text for
        // one of type secret (3.6, `config.go` of juju/charm). So it counts as not set.
        if let Some(option) = &option
            && message == uri::EXPECTED
            && options.get(option).and_then(Value::as_str) == Some("")
        {
            let mut set = options.clone();
            set.remove(option);
            return parse(&set);
        }
        // serde gives no path for a field that is missing.
        let option = option.or_else(|| field_in_message(&message));
        let values: Vec<&Value> = match &option {
            Some(option) => options.get(option).into_iter().collect(),
            // The error concerns several options, so any of their values may be in the message.
            None => options.values().collect(),
        };
        let message = redact_values(&message, &values);
        Err(match option {
            Some(option) => Error::config(option, message),
            None => Error::whole_config(message),
        })
    })
}

/// Returns the message with the values removed, including those that a charm's own type has
/// repeated.
pub(crate) fn redact_values(message: &str, values: &[&Value]) -> String {
    values
        .iter()
        .flat_map(|value| forms_in_message(value))
        .fold(redact_found_value(message), |message, form| message.replace(&form, "…"))
}

/// Removes the value from a message of serde, such as `invalid type: string "…", expected u16`. The
/// kind of the value stays.
fn redact_found_value(message: &str) -> String {
    const KINDS: [&str; 18] = [
        "boolean",
        "integer",
        "floating point",
        "character",
        "string",
        "byte array",
        "unit value",
        "null",
        "Option value",
        "newtype struct",
        "sequence",
        "map",
        "enum",
        "unit variant",
        "newtype variant",
        "tuple variant",
        "struct variant",
        "number",
    ];
    let Some((found, expected)) = message.rsplit_once(", expected ") else {
        return match message.split_once(", there are no variants") {
            Some(_) => "unknown variant, there are no variants".to_owned(),
            None => message.to_owned(),
        };
    };
    for start in ["invalid type", "invalid value"] {
        if let Some(found) = found.strip_prefix(start).and_then(|rest| rest.strip_prefix(": ")) {
            let kind = KINDS.iter().find(|kind| found.starts_with(**kind));
            return kind.map_or_else(
                || format!("{start}, expected {expected}"),
                |kind| format!("{start}: {kind}, expected {expected}"),
            );
        }
    }
    if found.starts_with("unknown variant `") {
        return format!("unknown variant, expected {expected}");
    }
    message.to_owned()
}

/// Returns the forms in which a message may repeat a value. A short value (`http`, `80`) may occur
/// in a message by chance, so it counts only in quotes, unless it mixes letters and other
/// characters as passwords do. The messages of serde, which repeat a value of any length, are
/// recognised by their form instead.
fn forms_in_message(value: &Value) -> Vec<String> {
    const LONG_TEXT: usize = 8;
    const LONG_NUMBER: usize = 5;
    const LONG_MIXTURE: usize = 4;
    let is_distinctive = |text: &str| {
        // A word such as `exec:` also occurs in messages that describe that form of a value.
        let core = text.trim_matches(|character: char| !character.is_alphanumeric());
        let is_word = core.chars().all(char::is_alphabetic);
        let is_mixed = !is_word && !text.bytes().all(|byte| byte.is_ascii_digit());
        text.len() >= LONG_TEXT || (is_mixed && text.len() >= LONG_MIXTURE)
    };
    match value {
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => {
            let quoted = [
                format!("{text:?}"),
                format!("\"{text}\""),
                format!("'{text}'"),
                format!("`{text}`"),
            ];
            let bare = [text.clone(), text.trim().to_owned()];
            let bare = bare.into_iter().filter(|text| is_distinctive(text));
            quoted.into_iter().chain(bare).collect()
        }
        value => {
            let text = value.to_string();
            [text].into_iter().filter(|text| text.len() >= LONG_NUMBER).collect()
        }
    }
}

/// Returns the option that serde names only in its text, because an option that is missing has no
/// path in the config: ``missing field `port` ``.
pub(crate) fn field_in_message(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("missing field `")
        .or_else(|| message.strip_prefix("unknown field `"))?;
    rest.split_once('`').map(|(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    #[expect(dead_code, reason = "only the reading is of interest")]
    struct Config {
        log_level: String,
        port: u16,
        #[serde(default)]
        ratio: f64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "Map<String, Value>")]
    struct Never;

    impl TryFrom<Map<String, Value>> for Never {
        type Error = &'static str;

        fn try_from(_: Map<String, Value>) -> Result<Self, Self::Error> {
            Err("they do not go together")
        }
    }

    fn options(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn an_error_names_the_option() {
        for (value, option) in [
            (json!({"log-level": "x", "port": "eighty"}), "port"),
            (json!({"log-level": 7, "port": 80}), "log-level"),
            (json!({"log-level": "x", "port": 65536}), "port"),
            (json!({"log-level": "x"}), "port"),
            (json!({"log-level": "x", "port": 80, "colour": "red"}), "colour"),
        ] {
            let error = parse::<Config>(&options(value)).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::Config { option: Some(option.to_owned()) });
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("cannot use the config option \"{option}\": ")),
                "{error}"
            );
        }
        let error = parse::<Never>(&Map::new()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Config { option: None });
        assert_eq!(error.to_string(), "cannot use the config: they do not go together");
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Colour {
        Red,
        Blue,
    }

    #[derive(Debug, Deserialize)]
    #[serde(try_from = "String")]
    struct Quoting;

    impl TryFrom<String> for Quoting {
        type Error = String;

        fn try_from(text: String) -> Result<Self, String> {
            Err(format!("{text:?} is no URL, nor is {text}"))
        }
    }

    #[test]
    fn no_message_repeats_a_value() {
        fn refused<T: DeserializeOwned>(value: Value) -> String {
            #[derive(Debug, Deserialize)]
            struct One<T> {
                #[expect(dead_code, reason = "only the reading is of interest")]
                option: T,
            }
            let options = options(json!({"option": value}));
            let error = parse::<One<T>>(&options).map(drop).unwrap_err();
            error.blocked_message().unwrap()
        }
        let is = |told: String, rest: &str| {
            assert_eq!(told, format!("invalid config \"option\": {rest}"));
        };
        is(refused::<u16>(json!("hunter2, expected u16")), "invalid type: string, expected u16");
        is(refused::<u16>(json!(70707)), "invalid value: integer, expected u16");
        is(refused::<u16>(json!(-7)), "invalid value: integer, expected u16");
        is(refused::<u16>(json!(7.5)), "invalid type: floating point, expected u16");
        is(refused::<bool>(json!("hunter2")), "invalid type: string, expected a boolean");
        is(refused::<String>(json!(true)), "invalid type: boolean, expected a string");
        is(refused::<char>(json!("hunter2")), "invalid value: string, expected a character");
        is(refused::<Colour>(json!("hunter2")), "unknown variant, expected `red` or `blue`");
        is(refused::<Quoting>(json!("hunter2 \"x\"")), "… is no URL, nor is …");
        is(refused::<Quoting>(json!("hunter2")), "… is no URL, nor is …");
        is(refused::<Quoting>(json!("a=b ")), "… is no URL, nor is …");
        is(refused::<Quoting>(json!("http")), "… is no URL, nor is http");
        is(
            refused::<std::num::NonZeroU8>(json!(0)),
            "invalid value: integer, expected a nonzero u8",
        );
    }

    #[test]
    fn a_charm_without_options_reads_whatever_is_there() {
        assert_eq!(parse::<NoConfig>(&options(json!({"a": 1}))).unwrap(), NoConfig {});
        parse::<Config>(&options(json!({"log-level": "x", "port": 80, "ratio": 1}))).unwrap();
    }
}

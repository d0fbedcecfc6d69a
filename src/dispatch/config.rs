//! The charm's config as a type, and the options that belong to the framework.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::error::{Error, Result};
use crate::pebble::{GoDuration, RetryPolicy};

/// The config of a charm that has no options of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct NoConfig {}

/// Reads the options as the charm's config type.
///
/// # Errors
///
/// A config error that names the option at fault. It says what was expected, and not what was
/// there: a value may hold a password.
pub(crate) fn parse<T: DeserializeOwned>(options: &Map<String, Value>) -> Result<T> {
    serde_path_to_error::deserialize(options).map_err(|error| {
        let option = error.path().iter().find_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        let message = error.inner().to_string();
        let option = option.or_else(|| named_field(&message));
        let values: Vec<&Value> = match &option {
            Some(option) => options.get(option).into_iter().collect(),
            None => options.values().collect(),
        };
        let message = without_values(&message, &values);
        match option {
            Some(option) => Error::config(option, message),
            None => Error::whole_config(message),
        }
    })
}

/// The message without the values that it is about, also where a charm's own type has repeated one.
fn without_values(message: &str, values: &[&Value]) -> String {
    values
        .iter()
        .flat_map(|value| shown(value))
        .fold(without_what_was_found(message), |message, shown| message.replace(&shown, "…"))
}

/// serde says `invalid type: string "…", expected u16`: the kind of what was found stays, and the
/// value goes.
fn without_what_was_found(message: &str) -> String {
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

/// The forms in which a message may repeat a value. A short value stands in a message by chance as
/// well (`http`, `80`), so that counts only in quotes, unless it is no word and no number, as
/// passwords are; the messages of serde, which repeat a value of any length, are known by their
/// form.
fn shown(value: &Value) -> Vec<String> {
    const LONG_TEXT: usize = 8;
    const LONG_NUMBER: usize = 5;
    const LONG_MIXTURE: usize = 4;
    let is_telling = |text: &str| {
        // The beginning of a form, such as `exec:`, stands in the words for that form.
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
            let bare = bare.into_iter().filter(|text| is_telling(text));
            quoted.into_iter().chain(bare).collect()
        }
        value => {
            let text = value.to_string();
            [text].into_iter().filter(|text| text.len() >= LONG_NUMBER).collect()
        }
    }
}

/// An option that is missing has no place in the config, so serde names it only in its text:
/// ``missing field `port` ``.
fn named_field(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("missing field `")
        .or_else(|| message.strip_prefix("unknown field `"))?;
    rest.split_once('`').map(|(name, _)| name.to_owned())
}

/// What the operator set of the retry, by config options that a charm may declare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OperatorRetry {
    attempts: Option<NonZeroU32>,
    step: Option<Duration>,
}

impl OperatorRetry {
    /// The option for the number of attempts: an integer, 1 to 1000.
    pub(crate) const ATTEMPTS: &'static str = "pebble-retry-attempts";
    /// The option for the step by which the waits grow: a duration in Go's form, 1 ms to 1 h.
    pub(crate) const STEP: &'static str = "pebble-retry-step";

    /// The time that the schedule of an operator gets beside its waits.
    const SLACK: Duration = Duration::from_secs(15);
    const MOST_ATTEMPTS: u32 = 1000;
    const SHORTEST_STEP: Duration = Duration::from_millis(1);
    const LONGEST_STEP: Duration = Duration::from_secs(60 * 60);

    /// Reads the two options. An invalid one counts as not set, and comes back as an error that
    /// names it: the hook goes on with the defaults, and the unit is Blocked.
    pub(crate) fn read(options: &Map<String, Value>) -> (Self, Vec<Error>) {
        let mut errors = Vec::new();
        let mut keep = |error: Error| errors.push(error);
        let attempts = options
            .get(Self::ATTEMPTS)
            .and_then(|value| Self::attempts(value).map_err(&mut keep).ok())
            .flatten();
        let step = options
            .get(Self::STEP)
            .and_then(|value| Self::step(value).map_err(&mut keep).ok())
            .flatten();
        (Self { attempts, step }, errors)
    }

    /// Sets these values in a policy. Its deadline stretches to their schedule and 15 s more, so
    /// that it does not cut them short.
    pub(crate) fn apply(self, mut policy: RetryPolicy) -> RetryPolicy {
        if self == Self::default() {
            return policy;
        }
        if let Some(attempts) = self.attempts {
            policy = policy.attempts(attempts);
        }
        if let Some(step) = self.step {
            policy = policy.step(step);
        }
        policy.stretch_deadline(Self::SLACK)
    }

    fn attempts(value: &Value) -> Result<Option<NonZeroU32>> {
        if is_unset(value) {
            return Ok(None);
        }
        // Juju holds an integer as a float: the JSON of 20 may be 20.0.
        let number = value.as_u64().or_else(|| {
            value.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as u64)
        });
        number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| *number <= Self::MOST_ATTEMPTS)
            .and_then(NonZeroU32::new)
            .map(Some)
            .ok_or_else(|| {
                Error::config(
                    Self::ATTEMPTS,
                    format_args!("must be a whole number from 1 to {}", Self::MOST_ATTEMPTS),
                )
            })
    }

    fn step(value: &Value) -> Result<Option<Duration>> {
        if is_unset(value) {
            return Ok(None);
        }
        value
            .as_str()
            .and_then(|text| text.parse::<GoDuration>().ok()?.to_std())
            .filter(|step| (Self::SHORTEST_STEP..=Self::LONGEST_STEP).contains(step))
            .map(Some)
            .ok_or_else(|| {
                Error::config(
                    Self::STEP,
                    "must be a duration from 1ms to 1h, such as \"500ms\" or \"2s\"",
                )
            })
    }
}

fn is_unset(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::dispatch::ErrorKind;

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

        fn try_from(_: Map<String, Value>) -> std::result::Result<Self, Self::Error> {
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

        fn try_from(text: String) -> std::result::Result<Self, String> {
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
            error.config_fault().unwrap()
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

    #[test]
    fn the_operators_retry_is_read_within_its_bounds() {
        let read = |value| OperatorRetry::read(&options(value));
        let (set, errors) =
            read(json!({"pebble-retry-attempts": 20.0, "pebble-retry-step": "1m30s"}));
        assert!(errors.is_empty());
        assert_eq!(
            set,
            OperatorRetry { attempts: NonZeroU32::new(20), step: Some(Duration::from_secs(90)) }
        );
        for unset in [json!({}), json!({"pebble-retry-attempts": null, "pebble-retry-step": ""})] {
            let (set, errors) = read(unset);
            assert!(set == OperatorRetry::default() && errors.is_empty());
        }
        for (option, value) in [
            ("pebble-retry-attempts", json!(0)),
            ("pebble-retry-attempts", json!(1001)),
            ("pebble-retry-attempts", json!(-3)),
            ("pebble-retry-attempts", json!(1.5)),
            ("pebble-retry-attempts", json!("many")),
            ("pebble-retry-step", json!("0")),
            ("pebble-retry-step", json!("-1s")),
            ("pebble-retry-step", json!("2h")),
            ("pebble-retry-step", json!("5")),
            ("pebble-retry-step", json!(5)),
        ] {
            let (set, errors) = read(json!({option: value.clone()}));
            assert_eq!(set, OperatorRetry::default(), "{value}");
            assert_eq!(errors.len(), 1, "{value}");
            assert_eq!(errors[0].kind(), &ErrorKind::Config { option: Some(option.to_owned()) });
        }
    }

    #[test]
    fn an_operators_values_stretch_the_deadline_and_never_shrink_it() {
        let applied = |attempts, step, policy| OperatorRetry { attempts, step }.apply(policy);
        let more = applied(NonZeroU32::new(30), None, RetryPolicy::new());
        assert_eq!(more.time_limit(), Duration::from_secs(105 + 15 * 15 + 15));
        let short = Some(Duration::from_millis(10));
        let fewer = applied(NonZeroU32::new(2), short, RetryPolicy::new());
        assert_eq!((fewer.max_attempts(), fewer.time_limit()), (2, Duration::from_secs(120)));
        assert_eq!(fewer.step_length(), Duration::from_millis(10));
        // Where none is set even a deadline below the schedule stays.
        let cut = RetryPolicy::new().deadline(Duration::from_secs(5));
        assert_eq!(applied(None, None, cut.clone()), cut);
    }

    proptest! {
        #[test]
        fn any_options_are_read_or_refused(
            attempts in prop_oneof![
                any::<f64>().prop_map(|n| json!(n)),
                any::<i64>().prop_map(|n| json!(n)),
                ".{0,9}".prop_map(|t| json!(t)),
            ],
            step in "[-+0-9.nuµms h]{0,9}",
        ) {
            let _ = OperatorRetry::read(&options(json!({
                "pebble-retry-attempts": attempts, "pebble-retry-step": step
            })));
        }
    }
}

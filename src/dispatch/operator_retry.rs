//! Reads the operator's config options for the retries of calls to Pebble, which a charm may
//! declare.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::pebble::{GoDuration, RetryPolicy};

/// The operator's values for a retry policy, as far as they are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OperatorRetry {
    attempts: Option<NonZeroU32>,
    step: Option<Duration>,
}

impl OperatorRetry {
    /// The name of the option for the number of attempts: an integer from 1 to 1000.
    pub(crate) const ATTEMPTS: &'static str = "pebble-retry-attempts";
    /// The name of the option for the step by which the waits grow: a duration in Go's form from 1
    /// ms to 1 h.
    pub(crate) const STEP: &'static str = "pebble-retry-step";

    /// The time by which the deadline exceeds the sum of the waits, for the attempts themselves.
    const SLACK: Duration = Duration::from_secs(15);
    const MOST_ATTEMPTS: u32 = 1000;
    const SHORTEST_STEP: Duration = Duration::from_millis(1);
    const LONGEST_STEP: Duration = Duration::from_secs(60 * 60);

    /// Reads the two options. An invalid option counts as not set and is returned as an error that
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

    /// Returns a policy with these values. Its deadline is extended to the sum of the waits and 15
    /// s more, so that it does not end the attempts early.
    pub(crate) fn apply(self, mut policy: RetryPolicy) -> RetryPolicy {
        // Without a value of the operator the charm's deadline stays, even below the sum of the
        // waits.
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

    fn attempts(value: &Value) -> Result<Option<NonZeroU32>, Error> {
        if is_unset(value) {
            return Ok(None);
        }
        // Juju stores an integer as a float, so 20 may arrive as the JSON 20.0.
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

    fn step(value: &Value) -> Result<Option<Duration>, Error> {
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
    use crate::error::ErrorKind;

    fn read(options: Value) -> (OperatorRetry, Vec<Error>) {
        OperatorRetry::read(options.as_object().unwrap())
    }

    #[test]
    fn the_operators_retry_is_read_within_its_bounds() {
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
            let _ = read(json!({"pebble-retry-attempts": attempts, "pebble-retry-step": step}));
        }
    }
}

//! [`check_assumes`] checks `assumes`: the features that a charm needs of its Juju and its cloud.
//! Only the syntax is checked, not whether the features are there.

use serde_json::Value;

use super::document::Node;
use crate::error::Error;

/// Checks the expressions under `assumes`.
///
/// # Errors
/// Returns an error if Juju cannot parse an expression.
pub(super) fn check_assumes(root: &Node<'_>) -> Result<(), Error> {
    let Some(assumes) = root.get("assumes") else {
        return Ok(());
    };
    assumes.items()?.iter().try_for_each(check_expression)
}

fn check_expression(expression: &Node<'_>) -> Result<(), Error> {
    match expression.value() {
        Value::String(feature) if is_feature(feature.trim()) => Ok(()),
        Value::String(_) => {
            Err(expression.refuse("expected a feature such as `k8s-api` or `juju >= 3.6`"))
        }
        Value::Object(_) => {
            let wrong =
                || expression.refuse("expected one key, any-of or all-of, and a list under it");
            match expression.entries()?.as_slice() {
                [("any-of" | "all-of", several)] if several.value().is_array() => {
                    several.items()?.iter().try_for_each(check_expression)
                }
                _ => Err(wrong()),
            }
        }
        _ => Err(expression.refuse("expected a feature, or any-of or all-of with a list")),
    }
}

/// Returns `true` for a feature such as `k8s-api`, `juju >= 3.6` or `juju < 4`.
fn is_feature(text: &str) -> bool {
    let Some(at) = text.find(">=").or_else(|| text.find('<')) else {
        return is_feature_name(text);
    };
    let (name, constraint) = text.split_at(at);
    let version = constraint.trim_start_matches(">=").trim_start_matches('<').trim_start();
    is_feature_name(name.trim_end()) && is_version(version)
}

/// Returns `true` for two or more lower-case letters, digits and hyphens that begin with a letter
/// and do not end with a hyphen.
fn is_feature_name(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Returns `true` for a version such as `3`, `3.6`, `3.6.1` or `4.0-beta1`.
fn is_version(text: &str) -> bool {
    text.parse::<charmwright_juju::JujuVersion>().is_ok()
        || text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty()
}

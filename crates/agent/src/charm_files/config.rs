//! [`read_config`] reads `config.yaml`: the config options.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::Node;
use super::sources::Declaration;
use crate::config::{ConfigOption, OptionType};
use crate::error::Error;

/// Reads the config options of a charm. An option without `type` is a string.
///
/// # Errors
/// [`ErrorKind::Metadata`](crate::ErrorKind::Metadata) if Juju would refuse the file. The text
/// names the key and the rule.
pub(crate) fn read_config(declared: &Declaration) -> Result<BTreeMap<String, ConfigOption>, Error> {
    let file = declared.file;
    let empty = || {
        file.refuse(
            "it is empty: a charm without options has no config.yaml, or one that says `options: \
             {}`",
        )
    };
    let Some(document) = &declared.document else {
        return Err(empty());
    };
    let Some(options) = file.root(document)?.get("options") else {
        return Err(empty());
    };
    if options.value().is_null() {
        return Ok(BTreeMap::new());
    }
    let options = options.entries()?.into_iter();
    options.map(|(name, declared)| Ok((name.to_owned(), option(&declared)?))).collect()
}

fn option(declared: &Node<'_>) -> Result<ConfigOption, Error> {
    // Juju takes an option without a value for one without any keys, which is a string.
    if declared.value().is_null() {
        return Ok(ConfigOption::new(OptionType::String, None, String::new()));
    }
    let declared_type = match declared.map()?.get("type") {
        None | Some(Value::Null) => "",
        Some(_) => declared.require("type")?.text()?,
    };
    let kind = match declared_type {
        "" => OptionType::String,
        name => OptionType::parse(name).ok_or_else(|| {
            let why =
                format!("{name:?} is not a type; it is one of string, int, float, boolean, secret");
            declared.get("type").map_or_else(|| declared.refuse(&why), |node| node.refuse(&why))
        })?,
    };
    let default = match declared.get("default") {
        None => None,
        Some(node) if node.value().is_null() => None,
        Some(node) => Some(default(kind, &node)?),
    };
    let description = match declared.get("description") {
        None => String::new(),
        Some(node) => match node.value() {
            Value::Null => String::new(),
            Value::String(text) => text.trim().to_owned(),
            Value::Bool(_) | Value::Number(_) => node.value().to_string(),
            Value::Array(_) | Value::Object(_) => return Err(node.refuse("expected a string")),
        },
    };
    Ok(ConfigOption::new(kind, default, description))
}

fn default(kind: OptionType, node: &Node<'_>) -> Result<Value, Error> {
    let why = || format!("it does not fit the option's type, {}", kind.name());
    kind.parse_default(node.value()).ok_or_else(|| node.refuse(&why()))
}

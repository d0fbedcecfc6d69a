//! `state-get`, `state-set` and `state-delete`, which read and write the charm's stored state. The
//! writes are pending until the hook exits with 0.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::args::{Opt, parse_key_values};
use super::super::go_text::go_quote;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool};

/// The most bytes of a key.
const KEY_LIMIT: usize = 256;
/// The most bytes of a value.
const VALUE_LIMIT: usize = 65_536;

pub(super) const TOOLS: &[Tool] = &[
    Tool::new("state-get", "[<key>]", "Print the stored state of the charm.", state_get)
        .options(&[Opt::flag(&["strict"], "fail if the key has no value")])
        .formats(Formats::SmartYamlJson),
    Tool::new("state-set", "[<key>=<value> [...]]", "Store state of the charm.", state_set)
        .options(&[Opt::value(
            &["file"],
            "file",
            "a YAML map of keys and values; - for standard input",
        )]),
    Tool::new("state-delete", "[<key>]", "Delete a key of the charm's state.", state_delete),
];

fn state_get(context: &mut ToolContext<'_>) -> ToolResult {
    let key = context.args.positional(0).unwrap_or("-").to_owned();
    context.refuse_more_than(1)?;
    let (stored, pending) = (&context.unit()?.state, &context.writes.state);
    if key == "-" || key.is_empty() {
        let mut all: Map<String, Value> = stored
            .iter()
            .filter(|(key, _)| !pending.contains_key(*key))
            .map(|(key, value)| (key.clone(), Value::from(value.as_str())))
            .collect();
        all.extend(
            pending
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), Value::from(value.as_deref()?)))),
        );
        return Ok(if all.is_empty() { Output::NilMap } else { Output::Value(Value::Object(all)) });
    }
    let value = match pending.get(&key) {
        Some(pending) => pending.as_ref(),
        None => stored.get(&key),
    };
    match value {
        Some(value) => Ok(Output::Value(Value::from(value.as_str()))),
        None if context.args.flag("strict") => {
            Err(Failure::Run(format!("{} not found", go_quote(&key))))
        }
        None => Ok(Output::Value(Value::from(""))),
    }
}

fn state_set(context: &mut ToolContext<'_>) -> ToolResult {
    let given = parse_key_values(&context.args.positionals).map_err(Failure::Usage)?;
    let file = context.args.value("file").unwrap_or_default();
    let mut pairs = match file {
        "" => BTreeMap::new(),
        path => read_pairs(context.input(path)?)?,
    };
    // An argument replaces the same key of the file.
    for (key, _) in &given {
        pairs.remove(key);
    }
    for (key, value) in pairs.into_iter().chain(given) {
        // Juju keeps the pairs before a refused one. Its order is that of a Go map, so it is
        // random; this is the order of the arguments.
        check_length(context, "key", key.len(), KEY_LIMIT)?;
        check_length(context, "value", value.len(), VALUE_LIMIT)?;
        context.writes.state.insert(key, Some(value));
    }
    Ok(Output::Nothing)
}

fn check_length(
    context: &ToolContext<'_>,
    what: &str,
    length: usize,
    limit: usize,
) -> Result<(), Failure> {
    if length <= limit {
        return Ok(());
    }
    let over =
        if context.model.is_juju_at_least(4, 0) { ": quota limit exceeded" } else { " exceeded" };
    Err(Failure::Run(format!("max allowed {what} length ({limit}){over}")))
}

/// Parses a YAML map of strings. As in Go, another scalar becomes the text of its source, and null
/// the empty string.
pub(super) fn read_pairs(bytes: &[u8]) -> Result<BTreeMap<String, String>, Failure> {
    charmwright_yaml::juju::strings(bytes).map_err(|why| Failure::Run(why.to_string()))
}

fn state_delete(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(1)?;
    if let Some(key) = context.args.positional(0).filter(|key| !key.is_empty()) {
        context.writes.state.insert(key.to_owned(), None);
    }
    Ok(Output::Nothing)
}

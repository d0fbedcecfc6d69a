//! `action-get`, `action-set`, `action-fail` and `action-log`, which need a running action.

use charmwright_juju::LogLevel;
use serde_json::{Map, Value};

use super::super::action_record::set_path;
use super::super::go_text::go_quote;
use super::super::output::Output;
use super::super::running::ActionOutput;
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool};

pub(super) const TOOLS: &[Tool] = &[
    Tool::new("action-get", "[<key>[.<key>...]]", "Print the action's parameters.", action_get)
        .formats(Formats::SmartYamlJson),
    Tool::new(
        "action-set",
        "<key>[.<key>...]=<value> [...]",
        "Set results of the action.",
        action_set,
    ),
    Tool::new(
        "action-fail",
        "[<message>]",
        "Set the action's status to failed, with a message.",
        action_fail,
    ),
    Tool::new("action-log", "<message>", "Record a progress message of the action.", action_log),
];

/// Returns the running action.
///
/// # Errors
/// Returns Juju's text if a hook runs instead.
fn require_action<'a>(
    action: &'a mut Option<&mut ActionOutput>,
) -> Result<&'a mut ActionOutput, Failure> {
    action.as_deref_mut().ok_or_else(|| Failure::Run("not running an action".to_owned()))
}

fn action_get(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(1)?;
    let params = &require_action(&mut context.action)?.params;
    let Some(key) = context.args.positional(0) else {
        return Ok(Output::Value(Value::Object(params.clone())));
    };
    Ok(Output::Value(at_path(params, key).cloned().unwrap_or(Value::Null)))
}

/// Returns the value at a path of keys joined by dots. The empty path is a missing key, not the
/// whole map (measured).
fn at_path<'a>(params: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let mut value = params.get(parts.next()?)?;
    for part in parts {
        value = value.as_object()?.get(part)?;
    }
    Some(value)
}

fn action_set(context: &mut ToolContext<'_>) -> ToolResult {
    let mut pairs = Vec::new();
    for item in &context.args.positionals {
        let Some((keys, value)) = item.split_once('=') else {
            return Err(Failure::Usage(format!(
                "argument {} must be of the form key...=value",
                go_quote(item)
            )));
        };
        for key in keys.split('.') {
            check_key(key)?;
        }
        pairs.push((keys, value));
    }
    for (keys, value) in pairs {
        // Juju looks for the action at each result, so `action-set` without arguments succeeds in a
        // hook too (measured).
        let action = require_action(&mut context.action)?;
        let path: Vec<&str> = keys.split('.').collect();
        set_path(&mut action.results, &path, Value::from(value));
    }
    Ok(Output::Nothing)
}

fn check_key(key: &str) -> Result<(), Failure> {
    if matches!(key, "stdout" | "stdout-encoding" | "stderr" | "stderr-encoding") {
        return Err(Failure::Usage(format!("cannot set reserved action key {}", go_quote(key))));
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if key.starts_with(plain) && key.ends_with(plain) && key.chars().all(|c| plain(c) || c == '-') {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "key {} must start and end with lowercase alphanumeric, and contain only lowercase \
         alphanumeric and hyphens",
        go_quote(key)
    )))
}

fn action_fail(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(1)?;
    let action = require_action(&mut context.action)?;
    let message = context
        .args
        .positional(0)
        .unwrap_or("action failed without reason given, check action for errors");
    action.failed = Some(message.to_owned());
    Ok(Output::Nothing)
}

fn action_log(context: &mut ToolContext<'_>) -> ToolResult {
    if context.args.positionals.is_empty() {
        return Err(Failure::Usage("no message specified".to_owned()));
    }
    let id = &require_action(&mut context.action)?.id;
    let message = context.args.positionals.join(" ");
    let logger = format!("unit.{}.action-log", context.unit);
    let record = context.model.record_mut(context.unit)?;
    if let Some(action) = record.actions.get_mut(id) {
        action.add_log(message.clone());
    }
    record.log.push(LogLevel::Info, logger, message);
    Ok(Output::Nothing)
}

//! `action-get`, `action-set`, `action-fail`, `action-log`: only while an action runs.

use charmwright_juju::LogLevel;
use serde_json::{Map, Value};

use super::super::actions::set_path;
use super::super::go_text::go_quote;
use super::super::hook::HookKind;
use super::super::output::Output;
use super::{Failure, Formats, Tool, ToolContext, ToolResult};

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

fn needs_action(context: &ToolContext<'_>) -> Result<(), Failure> {
    if context.running.run.kind.is_action() {
        Ok(())
    } else {
        Err(Failure::Run("not running an action".to_owned()))
    }
}

fn action_get(context: &mut ToolContext<'_>) -> ToolResult {
    context.at_most(1)?;
    needs_action(context)?;
    let params = &context.running.action_params;
    let Some(key) = context.args.positional(0) else {
        return Ok(Output::Value(Value::Object(params.clone())));
    };
    Ok(Output::Value(at_path(params, key).cloned().unwrap_or(Value::Null)))
}

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
    // Asked for each result, so that none is no mistake in a hook.
    if !pairs.is_empty() {
        needs_action(context)?;
    }
    for (keys, value) in pairs {
        let path: Vec<&str> = keys.split('.').collect();
        set_path(&mut context.running.action_results, &path, Value::from(value));
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
    context.at_most(1)?;
    needs_action(context)?;
    let message = context
        .args
        .positional(0)
        .unwrap_or("action failed without reason given, check action for errors");
    context.running.action_failed = Some(message.to_owned());
    Ok(Output::Nothing)
}

fn action_log(context: &mut ToolContext<'_>) -> ToolResult {
    if context.args.positionals.is_empty() {
        return Err(Failure::Usage("no message specified".to_owned()));
    }
    needs_action(context)?;
    let message = context.args.positionals.join(" ");
    if let HookKind::Action { id, .. } = &context.running.run.kind
        && let Some(record) = context.unit.actions.get_mut(id)
    {
        record.add_log(message.clone());
    }
    let logger = format!("unit.{}.action-log", context.unit.settings.unit);
    context.unit.log.push(LogLevel::Info, logger, message);
    Ok(Output::Nothing)
}

//! `is-leader`, and `leader-get` and `leader-set`, which Juju 4 does not have.

use serde_json::{Map, Value};

use super::super::args::parse_key_values;
use super::super::go_text::go_quote;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool, Versions};

pub(super) const TOOLS: &[Tool] = &[
    Tool::new("is-leader", "", "Print whether the unit is its application's leader.", is_leader)
        .formats(Formats::SmartYamlJson),
    Tool::new("leader-get", "[<key>]", "Print the leader's settings.", leader_get)
        .formats(Formats::SmartYamlJson)
        .versions(Versions::RemovedIn(4, 0)),
    Tool::new("leader-set", "<key>=<value> [...]", "Write the leader's settings.", leader_set)
        .versions(Versions::RemovedIn(4, 0)),
];

fn is_leader(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    Ok(Output::Value(Value::Bool(context.is_leader())))
}

fn leader_get(context: &mut ToolContext<'_>) -> ToolResult {
    let key = context.args.positional(0).unwrap_or("-");
    if key.contains('=') {
        return Err(Failure::Usage(format!("invalid key {}", go_quote(key))));
    }
    context.refuse_more_than(1)?;
    let current = context.application()?.leader_settings.clone();
    let settings = context.snapshot.leader_settings.get_or_insert(current);
    Ok(Output::Value(if key == "-" || key.is_empty() {
        Value::Object(
            settings
                .iter()
                .map(|(key, value)| (key.clone(), Value::from(value.clone())))
                .collect::<Map<_, _>>(),
        )
    } else {
        settings.get(key).map_or(Value::Null, |value| Value::from(value.clone()))
    }))
}

fn leader_set(context: &mut ToolContext<'_>) -> ToolResult {
    let pairs = parse_key_values(&context.args.positionals).map_err(Failure::Usage)?;
    context.require_leader(
        "cannot write leadership settings: cannot write settings: not the leader",
    )?;
    context.snapshot.leader_settings = None;
    let application = context.application_mut()?;
    let mut settings = application.leader_settings.clone();
    for (key, value) in pairs {
        if value.is_empty() {
            settings.remove(&key);
        } else {
            settings.insert(key, value);
        }
    }
    // The other units are told at once, and only of a change (Juju 3.6).
    if application.leader_settings != settings {
        application.leader_settings = settings;
        application.leader_settings_version = application.leader_settings_version.saturating_add(1);
    }
    Ok(Output::Nothing)
}

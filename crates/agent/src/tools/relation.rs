//! `relation-ids`, `relation-list` and `relation-model-get`, which tell of the unit's relations.
//!
//! Source: reference `juju-agent-measured.md` 3.1.

use super::super::args::Opt;
use super::super::data::Data;
use super::super::go_text::atoi;
use super::super::output::Output;
use super::super::relations::{RelationHook, RelationRecord, UnitRelations};
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool, Versions};
use serde_json::Value;

pub(super) const RELATION: Opt =
    Opt::value(&["r", "relation"], "relation", "specify a relation by id");
pub(super) const APP: Opt = Opt::flag(&["app"], "the application's, not the unit's");

pub(super) const TOOLS: &[Tool] = &[
    Tool::new(
        "relation-ids",
        "[<name>]",
        "Print the ids of the relations with this endpoint.",
        relation_ids,
    )
    .formats(Formats::SmartYamlJson),
    Tool::new("relation-list", "", "Print the units of a relation.", relation_list)
        .options(&[RELATION, APP])
        .formats(Formats::SmartYamlJson),
    Tool::new("relation-model-get", "", "Print the model of a relation.", relation_model_get)
        .options(&[RELATION])
        .formats(Formats::SmartYamlJson)
        .versions(Versions::From(3, 6)),
];

fn relation_ids(context: &mut ToolContext<'_>) -> ToolResult {
    let default = context.relation_hook().map(RelationHook::endpoint);
    let Some(endpoint) = context.args.positional(0).or(default) else {
        return Err(Failure::Usage("no endpoint name specified".to_owned()));
    };
    context.refuse_more_than(1)?;
    let mut ids: Vec<String> = context
        .unit()?
        .relations
        .iter()
        .filter(|(_, record)| record.endpoint == endpoint && !record.is_known_as_broken())
        .map(|(id, record)| format!("{}:{id}", record.endpoint))
        .collect();
    // Juju sorts the ids as texts, so `db:10` stands before `db:2`.
    ids.sort();
    Ok(Output::Strings(ids))
}

fn relation_list(context: &mut ToolContext<'_>) -> ToolResult {
    let id = relation_id(context)?;
    context.refuse_more_than(0)?;
    let record = record(context, id)?;
    Ok(if context.args.flag("app") {
        Output::Value(Value::from(record.remote_app.as_str()))
    } else {
        Output::Strings(record.cache.member_names())
    })
}

/// Prints the model of the other application. The model has only one model of Juju, so it is the
/// unit's own.
fn relation_model_get(context: &mut ToolContext<'_>) -> ToolResult {
    relation_id(context)?;
    context.refuse_more_than(0)?;
    let uuid = context.model.settings.model_uuid.as_str();
    Ok(Output::Struct(Data::record([("uuid", uuid.into())])))
}

/// Returns the number of the relation of `-r`, or else that of the running hook.
///
/// # Errors
/// Fails if there is neither.
pub(super) fn relation_id(context: &ToolContext<'_>) -> Result<u32, Failure> {
    let given = context.args.value("r").and_then(relation_number);
    given
        .or_else(|| context.relation_hook().map(|hook| hook.id))
        .ok_or_else(|| Failure::Usage("no relation id specified".to_owned()))
}

/// Returns what the unit's agent knows of a relation.
pub(super) fn record<'a>(
    context: &'a ToolContext<'_>,
    id: u32,
) -> Result<&'a RelationRecord, Failure> {
    let record = context.unit()?.relations.get(id);
    record.ok_or_else(|| Failure::Run("relation not found".to_owned()))
}

/// Refuses the value of `-r` if the unit has no relation with this id. Text that is no integer of
/// 64 bits has another error.
pub(crate) fn check_relation(value: &str, known: Option<&UnitRelations>) -> Result<(), String> {
    atoi(number_part(value)).map_err(|_| "invalid relation id".to_owned())?;
    let record = relation_number(value).and_then(|id| known?.get(id));
    record.map(|_| ()).ok_or_else(|| "relation not found".to_owned())
}

/// Returns the number in `db:7` or `7`, or `None` if no relation can have it.
fn relation_number(value: &str) -> Option<u32> {
    atoi(number_part(value)).ok().and_then(|number| u32::try_from(number).ok())
}

/// Returns the part after the last colon. Juju ignores the endpoint in `db:7`.
fn number_part(value: &str) -> &str {
    value.rsplit(':').next().unwrap_or_default()
}

//! `goal-state`, `resource-get` and `credential-get`, which ask the controller for data of the
//! model.

use super::super::data::Data;
use super::super::go_text::go_quote;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult, not_modelled};
use super::tool::{Formats, Tool};

pub(super) const TOOLS: &[Tool] = &[
    Tool::new("goal-state", "", "Print the units and relations that there are to be.", goal_state)
        .formats(Formats::YamlJson),
    Tool::new(
        "resource-get",
        "<resource name>",
        "Print the path of a resource's file.",
        resource_get,
    ),
    Tool::new("credential-get", "", "Print the cloud's credential.", credential_get)
        .formats(Formats::SmartYamlJson),
];

fn goal_state(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    let units = context.model.records_of(context.unit.application().as_str()).map(|unit| {
        let status = if unit.is_dying { "dying" } else { unit.status.status.as_str() };
        let since = context.model.time_text(unit.status_since);
        let goal = Data::record([("status", status.into()), ("since", since.into())]);
        (unit.name.to_string(), goal)
    });
    Ok(Output::Struct(Data::record([("units", Data::map(units)), ("relations", Data::map([]))])))
}

fn resource_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(name) = context.args.positional(0) else {
        return Err(Failure::Usage("missing required resource name".to_owned()));
    };
    context.refuse_more_than(1)?;
    let application = context.application()?;
    match application.resources.get(name) {
        Some(path) => Ok(Output::Raw(path.clone())),
        None if application.meta.has_resource(name) => Err(Failure::Run(format!(
            "could not download resource: resource {} has no file",
            go_quote(name)
        ))),
        None => Err(Failure::Run(format!(
            "could not download resource: resource {} not found",
            go_quote(name)
        ))),
    }
}

/// Refuses every call, as Juju does for an application without `juju trust`. For one with it the
/// model has no credential, since it has no cloud.
fn credential_get(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    if context.application()?.is_trusted() {
        return not_modelled(context);
    }
    let asked = if context.is_kubernetes()? { "getting model credentials: " } else { "" };
    Err(Failure::Run(format!("cannot access cloud credentials: {asked}permission denied")))
}

//! `goal-state`, `resource-get` and `credential-get`, which ask the controller for data of the
//! model.

use super::super::data::Data;
use super::super::go_text::go_quote;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult};
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
    let unit = context.controller.settings.unit.as_str();
    let status = if context.controller.is_dying {
        "dying"
    } else {
        context.controller.status.status.as_str()
    };
    let own = Data::record([
        ("status", status.into()),
        ("since", context.controller.status_since().as_str().into()),
    ]);
    Ok(Output::Struct(Data::record([
        ("units", Data::map([(unit.to_owned(), own)])),
        ("relations", Data::map([])),
    ])))
}

fn resource_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(name) = context.args.positional(0) else {
        return Err(Failure::Usage("missing required resource name".to_owned()));
    };
    context.refuse_more_than(1)?;
    match context.controller.settings.resources.get(name) {
        Some(path) => Ok(Output::Raw(path.clone())),
        None if context.controller.meta.has_resource(name) => Err(Failure::Run(format!(
            "could not download resource: resource {} has no file",
            go_quote(name)
        ))),
        None => Err(Failure::Run(format!(
            "could not download resource: resource {} not found",
            go_quote(name)
        ))),
    }
}

/// Refuses every call, as Juju does for an application without `juju trust`: the model has no
/// cloud.
fn credential_get(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    let asked = if context.controller.is_kubernetes() { "getting model credentials: " } else { "" };
    Err(Failure::Run(format!("cannot access cloud credentials: {asked}permission denied")))
}

//! The relation tools of a unit that has no relations.

use super::super::args::Opt;
use super::super::go_text::atoi;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool, Versions};

const RELATION: Opt = Opt::value(&["r", "relation"], "relation", "specify a relation by id");
const APP: Opt = Opt::flag(&["app"], "the application's, not the unit's");

pub(super) const TOOLS: &[Tool] = &[
    Tool::new(
        "relation-ids",
        "[<name>]",
        "Print the ids of the relations with this endpoint.",
        relation_ids,
    )
    .formats(Formats::SmartYamlJson),
    Tool::new("relation-list", "", "Print the units of a relation.", no_relation)
        .options(&[RELATION, APP])
        .formats(Formats::SmartYamlJson),
    Tool::new("relation-get", "<key> <unit id>", "Print the settings of a relation.", no_relation)
        .options(&[RELATION, APP])
        .formats(Formats::SmartYamlJson),
    Tool::new(
        "relation-set",
        "<key>=<value> [...]",
        "Write the settings of a relation.",
        no_relation,
    )
    .options(&[
        RELATION,
        APP,
        Opt::value(&["file"], "file", "a YAML map of keys and values; - for standard input"),
    ])
    .formats(Formats::Ignored),
    Tool::new("relation-model-get", "", "Print the model of a relation.", no_relation)
        .options(&[RELATION])
        .formats(Formats::SmartYamlJson)
        .versions(Versions::From(3, 6)),
];

fn relation_ids(context: &mut ToolContext<'_>) -> ToolResult {
    if context.args.positionals.is_empty() {
        return Err(Failure::Usage("no endpoint name specified".to_owned()));
    }
    context.refuse_more_than(1)?;
    Ok(Output::strings([]))
}

/// Refuses a call without `-r`: only a relation hook has a default relation, and no such hook runs
/// here. A call with `-r` is refused earlier, by [`no_such_relation`].
fn no_relation(_: &mut ToolContext<'_>) -> ToolResult {
    Err(Failure::Usage("no relation id specified".to_owned()))
}

/// Refuses the value of `-r`: the unit has no relation of any id. Text that is no integer of 64
/// bits has another error.
pub(crate) fn no_such_relation(value: &str) -> Result<(), String> {
    // Juju ignores the endpoint in `db:7`.
    let id = value.rsplit(':').next().unwrap_or_default();
    Err(match atoi(id) {
        Ok(_) => "relation not found",
        Err(_) => "invalid relation id",
    }
    .to_owned())
}

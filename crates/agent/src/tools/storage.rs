//! The storage tools of a unit that has no storage.

use super::super::args::Opt;
use super::super::go_text::go_quote;
use super::super::names;
use super::super::output::Output;
use super::super::storage_directive::parse_counts;
use super::context::{Failure, ToolContext, ToolResult, not_modelled};
use super::tool::{Formats, Tool};

pub(super) const TOOLS: &[Tool] = &[
    Tool::new(
        "storage-list",
        "[<storage-name>]",
        "Print the storage attached to the unit.",
        storage_list,
    )
    .formats(Formats::SmartYamlJson),
    Tool::new("storage-get", "[<key>]", "Print the details of a storage instance.", storage_get)
        .options(&[Opt::value(&["s"], "id", "specify a storage instance by id")])
        .formats(Formats::SmartYamlJson),
    Tool::new(
        "storage-add",
        "<storage-name>[=<count>] [...]",
        "Add storage instances.",
        storage_add,
    ),
];

fn storage_list(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(1)?;
    Ok(Output::strings([]))
}

/// Refuses a call without `-s`: only a storage hook has a default storage, and no such hook runs
/// here. A call with `-s` is refused earlier, by [`no_such_storage`].
fn storage_get(_: &mut ToolContext<'_>) -> ToolResult {
    Err(Failure::Usage("no storage instance specified".to_owned()))
}

fn storage_add(context: &mut ToolContext<'_>) -> ToolResult {
    if context.args.positionals.is_empty() {
        return Err(Failure::Usage("storage add requires a storage directive".to_owned()));
    }
    // Juju 4 renamed the storage constraints.
    let word = if context.model.is_juju_at_least(4, 0) { "directive" } else { "constraint" };
    parse_counts(&context.args.positionals, word).map_err(Failure::Usage)?;
    not_modelled(context)
}

/// Refuses the value of `-s`: the unit has no storage of any id. Text that is no id of a storage
/// has another error.
pub(crate) fn no_such_storage(value: &str, unit: &str) -> Result<(), String> {
    Err(if names::is_storage(value) {
        format!("storage attachment {} on {} not found", go_quote(value), go_quote(unit))
    } else {
        format!("invalid storage ID {}", go_quote(value))
    })
}

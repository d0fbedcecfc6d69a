//! Storage tools for a unit that has no storage.

use super::super::args::Opt;
use super::super::output::Output;
use super::super::settings::juju_has;
use super::super::storage_directive::parse_counts;
use super::{Failure, Formats, Tool, ToolContext, ToolResult, not_modelled};

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
    context.at_most(1)?;
    Ok(Output::strings([]))
}

/// A storage that was named is refused with its option; without one there is no default, since no
/// hook is a storage's.
fn storage_get(_: &mut ToolContext<'_>) -> ToolResult {
    Err(Failure::Usage("no storage instance specified".to_owned()))
}

fn storage_add(context: &mut ToolContext<'_>) -> ToolResult {
    if context.args.positionals.is_empty() {
        return Err(Failure::Usage("storage add requires a storage directive".to_owned()));
    }
    let word = if juju_has(&context.unit.settings.juju_version, 4, 0) {
        "directive"
    } else {
        "constraint"
    };
    parse_counts(&context.args.positionals, word).map_err(Failure::Usage)?;
    not_modelled(context)
}

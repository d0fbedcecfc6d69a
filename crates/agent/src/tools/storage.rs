//! `storage-list`, `storage-get` and `storage-add`. What storage-add adds is made when the hook
//! exits with 0.
//!
//! Source: reference `juju-agent-measured.md` 3.8; Juju 3.6, the hook's context.

use charmwright_juju::{StorageId, StorageKind, UnitName};

use super::super::args::Opt;
use super::super::data::Data;
use super::super::go_text::go_quote;
use super::super::model::Model;
use super::super::names;
use super::super::output::Output;
use super::super::running::Snapshot;
use super::super::storage_directive::parse_counts;
use super::context::{Failure, ToolContext, ToolResult};
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

/// Prints the ids of the unit's instances, also of those that are not provisioned. Juju asks for
/// them once in a hook.
fn storage_list(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(1)?;
    let name = context.args.positional(0).unwrap_or_default().to_owned();
    if context.snapshot.storage_ids.is_none() {
        let ids = context.model.storages.of(context.unit).map(|instance| instance.id().clone());
        context.snapshot.storage_ids = Some(ids.collect());
    }
    let ids = context.snapshot.storage_ids.iter().flatten();
    let wanted = ids.filter(|id| name.is_empty() || id.name().as_str() == name);
    Ok(Output::strings(wanted.map(ToString::to_string)))
}

/// Prints an instance: that of `-s`, which [`check_storage`] has found, or else that of the running
/// storage hook.
fn storage_get(context: &mut ToolContext<'_>) -> ToolResult {
    let id: Option<StorageId> = match context.args.value("s") {
        Some(id) => id.parse().ok(),
        None => context.snapshot.hook_storage.clone(),
    };
    let Some(id) = id else {
        return Err(Failure::Usage("no storage instance specified".to_owned()));
    };
    context.refuse_more_than(1)?;
    let key = context.args.positional(0).unwrap_or_default().to_owned();
    let found = find(context.model, context.unit, context.snapshot, &id).map_err(Failure::Run)?;
    let (kind, location) = context.snapshot.storage.entry(id).or_insert(found);
    match key.as_str() {
        "" => Ok(Output::Struct(Data::map([
            ("kind".to_owned(), kind.as_str().into()),
            ("location".to_owned(), location.as_str().into()),
        ]))),
        "kind" => Ok(Output::Value(kind.as_str().into())),
        "location" => Ok(Output::Value(location.as_str().into())),
        key => Err(Failure::Run(format!("invalid storage attribute {}", go_quote(key)))),
    }
}

fn storage_add(context: &mut ToolContext<'_>) -> ToolResult {
    if context.args.positionals.is_empty() {
        return Err(Failure::Usage("storage add requires a storage directive".to_owned()));
    }
    // Juju 4 renamed the storage constraints.
    let word = if context.model.is_juju_at_least(4, 0) { "directive" } else { "constraint" };
    let counts = parse_counts(&context.args.positionals, word).map_err(Failure::Usage)?;
    // Whether the charm declares the storage is asked at the commit (measured).
    context.writes.storage.extend(counts);
    Ok(Output::Nothing)
}

/// Refuses the value of `-s` if it is no storage of the unit that is provisioned. Text that is no
/// id of a storage has another error.
pub(crate) fn check_storage(
    value: &str,
    model: &Model,
    unit: &UnitName,
    snapshot: &Snapshot,
) -> Result<(), String> {
    if !names::is_storage(value) {
        return Err(format!("invalid storage ID {}", go_quote(value)));
    }
    match value.parse() {
        Ok(id) => find(model, unit, snapshot, &id).map(|_| ()),
        // The number is larger than that of any instance.
        Err(_) => Err(not_found(value, unit)),
    }
}

/// Returns the kind and the location of an instance, as the hook has seen it before.
fn find(
    model: &Model,
    unit: &UnitName,
    snapshot: &Snapshot,
    id: &StorageId,
) -> Result<(StorageKind, String), String> {
    if let Some(known) = snapshot.storage.get(id) {
        return Ok(known.clone());
    }
    let instance = model.storages.get(id).filter(|instance| instance.belongs_to(unit));
    let instance = instance.ok_or_else(|| not_found(&id.to_string(), unit))?;
    match instance.location() {
        Some(location) => Ok((instance.kind().clone(), location.to_owned())),
        None => Err(not_provisioned(model, unit, id, instance.kind())),
    }
}

fn not_found(id: &str, unit: &UnitName) -> String {
    format!("storage attachment {} on {} not found", go_quote(id), go_quote(&unit.to_string()))
}

/// Returns the controller's text for an instance that is not provisioned (source: Juju 3.6,
/// `state/filesystem.go` and `state/volume.go`).
fn not_provisioned(model: &Model, unit: &UnitName, id: &StorageId, kind: &StorageKind) -> String {
    let what = if *kind == StorageKind::Block { "volume" } else { "filesystem" };
    let machine = model.record(unit).map(|record| record.machine_id.as_str()).unwrap_or_default();
    let host = match machine {
        "" => format!("unit {unit}"),
        machine => format!("machine {machine}"),
    };
    let number = go_quote(&id.number().to_string());
    format!("{what} attachment {number} on {} not provisioned", go_quote(&host))
}

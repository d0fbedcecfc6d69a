//! `relation-get` and `relation-set`, which read and write the databags of a relation.
//!
//! A remote databag is read once a hook; the unit's own shows the hook's pending writes. Source:
//! reference `juju-agent-measured.md` 3.2 and 3.3.

use charmwright_juju::UnitName;
use serde_json::{Map, Value};

use super::super::args::{Opt, parse_key_values};
use super::super::go_text::go_quote;
use super::super::names::{application_of, is_application, is_unit};
use super::super::output::Output;
use super::super::relations::{Databag, OwnBag, Relation};
use super::context::{Failure, ToolContext, ToolResult};
use super::relation::{APP, RELATION, record, relation_id};
use super::state::read_pairs;
use super::tool::{Formats, Tool};

pub(super) const TOOLS: &[Tool] = &[
    Tool::new("relation-get", "<key> <unit id>", "Print the settings of a relation.", relation_get)
        .options(&[RELATION, APP])
        .formats(Formats::SmartYamlJson),
    Tool::new(
        "relation-set",
        "<key>=<value> [...]",
        "Write the settings of a relation.",
        relation_set,
    )
    .options(&[
        RELATION,
        APP,
        Opt::value(&["file"], "file", "a YAML map of keys and values; - for standard input"),
    ])
    .formats(Formats::Ignored),
];

/// Juju's text for a databag that the unit must not read, and for a relation that is gone.
const PERMISSION_DENIED: &str = "permission denied";

/// The owner of the databag that `relation-get` reads.
#[derive(Debug)]
enum Target {
    Unit(String),
    Application(String),
}

fn relation_get(context: &mut ToolContext<'_>) -> ToolResult {
    let id = relation_id(context)?;
    let target = target(context)?;
    context.refuse_more_than(2)?;
    let values = match target {
        Target::Unit(name) => unit_values(context, id, &name)?,
        Target::Application(name) => application_values(context, id, &name)?,
    };
    Ok(Output::Value(match context.args.positional(0) {
        None | Some("" | "-") => Value::Object(values),
        Some(key) => values.get(key).cloned().unwrap_or(Value::Null),
    }))
}

/// Returns whose databag `relation-get` reads: by the second positional argument, or else by the
/// running hook.
fn target(context: &ToolContext<'_>) -> Result<Target, Failure> {
    let usage = |text: String| Failure::Usage(text);
    let wants_application = context.args.flag("app");
    match context.args.positional(1) {
        Some(name) if wants_application => Ok(Target::Application(if is_application(name) {
            name.to_owned()
        } else {
            // Juju makes the empty name of anything else, which the read then refuses (measured).
            application_of(name).unwrap_or_default().to_owned()
        })),
        Some(name) if is_unit(name) => Ok(Target::Unit(name.to_owned())),
        Some(name) if is_application(name) => {
            Err(usage(format!("expected unit name, got application name {}", go_quote(name))))
        }
        Some(name) => Err(usage(format!("invalid unit name {}", go_quote(name)))),
        None => match context.relation_hook() {
            Some(hook) => Ok(match hook.remote_unit().filter(|_| !wants_application) {
                Some(unit) => Target::Unit(unit.to_string()),
                None => Target::Application(hook.remote_app().to_owned()),
            }),
            None => Err(usage("no unit or application specified".to_owned())),
        },
    }
}

fn unit_values(
    context: &mut ToolContext<'_>,
    id: u32,
    name: &str,
) -> Result<Map<String, Value>, Failure> {
    let denied = || Failure::Run(PERMISSION_DENIED.to_owned());
    // Only a number beyond 32 bits makes Juju's name of a unit none of ours: no such unit exists.
    let name: UnitName = name.parse().map_err(|_| denied())?;
    if name == *context.unit {
        return Ok(own_values(own_unit_bag(context, id)?));
    }
    if let Some(bag) = record(context, id)?.cache.unit(&name) {
        return Ok(values(bag));
    }
    let relation = context.model.relations.get(id).ok_or_else(denied)?;
    // Juju's controller lets a unit read any unit of the two applications, also one that has left,
    // and even those of its own application (Juju 3.6, `checkRemoteUnit`).
    relation.side(name.application().as_str()).ok_or_else(denied)?;
    let bag = relation.bag_beside(context.unit, &name).ok_or_else(|| {
        Failure::Run(never_entered(relation, &name, context.model.is_juju_at_least(4, 0)))
    })?;
    let (bag, read) = (bag.clone(), values(bag));
    if let Some(record) = context.unit_mut()?.relations.get_mut(id) {
        record.cache.keep_unit(&name, bag);
    }
    Ok(read)
}

/// Returns the controller's text for a unit that has never entered the scope of the relation.
fn never_entered(relation: &Relation, unit: &UnitName, is_juju_4: bool) -> String {
    if is_juju_4 {
        return "relation unit not found".to_owned();
    }
    let (unit, key) = (go_quote(&unit.to_string()), go_quote(&relation.key()));
    format!(
        "cannot read settings for unit {unit} in relation {key}: unit {unit}: settings not found"
    )
}

fn application_values(
    context: &mut ToolContext<'_>,
    id: u32,
    name: &str,
) -> Result<Map<String, Value>, Failure> {
    let denied = || Failure::Run(PERMISSION_DENIED.to_owned());
    if name.is_empty() {
        return Err(Failure::Run("\"\" is not a valid unit or application".to_owned()));
    }
    // A leader reads its own databag with the pending writes. Any other unit asks the controller,
    // which refuses, except on a peer relation.
    if name == context.unit.application().as_str() && context.is_leader() {
        return Ok(own_values(own_application_bag(context, id)?));
    }
    if let Some(bag) = record(context, id)?.cache.application(name) {
        return Ok(values(bag));
    }
    let relation = context.model.relations.get(id).ok_or_else(denied)?;
    let other = relation.other_side(context.unit.application().as_str());
    other.filter(|side| side.application() == name).ok_or_else(denied)?;
    let bag = relation.application_bag(name).ok_or_else(denied)?;
    let (bag, read) = (bag.clone(), values(bag));
    if let Some(record) = context.unit_mut()?.relations.get_mut(id) {
        record.cache.keep_application(name, bag);
    }
    Ok(read)
}

fn values(bag: &Databag) -> Map<String, Value> {
    own_map(bag.values().iter())
}

fn own_values(bag: &OwnBag) -> Map<String, Value> {
    own_map(bag.values())
}

fn own_map<'a>(values: impl Iterator<Item = (&'a String, &'a String)>) -> Map<String, Value> {
    values.map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect()
}

/// Returns the unit's own databag with the pending writes. The hook's first access reads it.
fn own_unit_bag<'a>(context: &'a mut ToolContext<'_>, id: u32) -> Result<&'a mut OwnBag, Failure> {
    let relation = context.model.relations.get(id);
    let stored = relation.and_then(|relation| relation.unit_bag(context.unit));
    let stored = stored.ok_or_else(|| Failure::Run(PERMISSION_DENIED.to_owned()))?;
    let own = &mut context.writes.relations.bags(id).unit;
    Ok(own.get_or_insert_with(|| OwnBag::read(stored)))
}

/// Returns the own application's databag with the pending writes. The hook's first access reads it.
fn own_application_bag<'a>(
    context: &'a mut ToolContext<'_>,
    id: u32,
) -> Result<&'a mut OwnBag, Failure> {
    let relation = context.model.relations.get(id);
    let application = context.unit.application().as_str();
    let stored = relation.and_then(|relation| relation.application_bag(application));
    let stored = stored.ok_or_else(|| Failure::Run(PERMISSION_DENIED.to_owned()))?;
    let own = &mut context.writes.relations.bags(id).application;
    Ok(own.get_or_insert_with(|| OwnBag::read(stored)))
}

fn relation_set(context: &mut ToolContext<'_>) -> ToolResult {
    let id = relation_id(context)?;
    let given = parse_key_values(&context.args.positionals).map_err(Failure::Usage)?;
    let file = context.args.value("file").unwrap_or_default();
    let mut pairs = match file {
        "" => std::collections::BTreeMap::new(),
        path => read_pairs(context.input(path)?)?,
    };
    // An argument replaces the same key of the file.
    pairs.extend(given);
    let bag = if context.args.flag("app") {
        context.require_leader("cannot write relation settings")?;
        own_application_bag(context, id)?
    } else {
        own_unit_bag(context, id)?
    };
    for (key, value) in pairs {
        bag.set(key, value);
    }
    Ok(Output::Nothing)
}

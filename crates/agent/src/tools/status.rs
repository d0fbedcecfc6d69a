//! `status-get`, `status-set` and `application-version-set`. The writes take effect at once.

use serde_json::{Map, Value, json};

use super::super::args::Opt;
use super::super::go_text::go_quote;
use super::super::output::{Format, Output};
use super::super::shown_status::shown_status;
use super::super::status::StatusValue;
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool};

pub(super) const TOOLS: &[Tool] = &[
    Tool::new("status-get", "", "Print the status of the unit or the application.", status_get)
        .options(&[
            Opt::flag(&["include-data"], "print all status data"),
            Opt::flag(
                &["application"],
                "print the status of all units of this application if this unit is the leader",
            ),
        ])
        .formats(Formats::SmartYamlJson),
    Tool::new(
        "status-set",
        "<maintenance | blocked | waiting | active> [message]",
        "Set a status.",
        status_set,
    )
    .options(&[Opt::flag(
        &["application"],
        "set this status for the application, if the unit is the leader",
    )]),
    Tool::new(
        "application-version-set",
        "<new-version>",
        "Set the version of the workload.",
        application_version_set,
    ),
];

fn status_get(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    let data = context.args.flag("include-data");
    let describe = |status: &StatusValue| {
        if data {
            json!({ "status": status.status, "message": status.message, "status-data": {} })
        } else {
            json!({ "status": status.status })
        }
    };
    if !context.args.flag("application") {
        let unit_now = &context.model.record(context.unit)?.status;
        // Juju reads the unit's status once in a hook, so the hook does not see a later
        // `status-set`.
        let unit_status = context.snapshot.status.get_or_insert_with(|| unit_now.clone());
        if context.format == Format::Smart && !data {
            return Ok(Output::Value(Value::from(unit_status.status.as_str())));
        }
        return Ok(Output::Value(describe(unit_status)));
    }
    context.require_leader("finding application status: this unit is not the leader")?;
    // With `--application` Juju asks the controller at every call, for the units' statuses too
    // (measured).
    let application = context.application()?;
    let units: Map<String, Value> = context
        .model
        .records_of(application.name())
        .map(|unit| (unit.name.to_string(), describe(&shown_status(unit))))
        .collect();
    let application = context.model.application_status(application);
    if context.format == Format::Smart && !data {
        return Ok(Output::Value(Value::from(application.status.as_str())));
    }
    let mut described = describe(&application);
    if let Value::Object(map) = &mut described {
        map.insert("units".to_owned(), Value::Object(units));
    }
    Ok(Output::Value(json!({ "application-status": described })))
}

fn status_set(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(status) = context.args.positional(0) else {
        return Err(Failure::Usage("invalid args, require <status> [message]".to_owned()));
    };
    if !matches!(status, "maintenance" | "blocked" | "waiting" | "active") {
        return Err(Failure::Usage(format!(
            "invalid status {}, expected one of [maintenance blocked waiting active]",
            go_quote(status)
        )));
    }
    context.refuse_more_than(2)?;
    let value = StatusValue::new(status, context.args.positional(1).unwrap_or_default());
    if context.args.flag("application") {
        context.require_leader("this unit is not the leader")?;
        context.application_mut()?.status = Some(value);
    } else {
        // From now on the agent itself does not set the status at install and start.
        let unit = context.unit_mut()?;
        unit.set_status(value);
        unit.has_charm_set_status = true;
    }
    Ok(Output::Nothing)
}

fn application_version_set(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(version) = context.args.positional(0) else {
        return Err(Failure::Usage("no version specified".to_owned()));
    };
    let version = version.to_owned();
    context.refuse_more_than(1)?;
    context.application_mut()?.version = version;
    Ok(Output::Nothing)
}

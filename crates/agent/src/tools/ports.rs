//! `open-port`, `close-port` and `opened-ports`. The changes are pending until the hook exits with
//! 0.

use super::super::args::Opt;
use super::super::output::Output;
use super::super::ports::{Conflict, PortChanges, PortRange, PortSet};
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool};

const ENDPOINTS: &[Opt] =
    &[Opt::value(&["endpoints"], "names", "only for these endpoints, separated by commas")];

pub(super) const TOOLS: &[Tool] = &[
    Tool::new(
        "open-port",
        "<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp",
        "Open a port or a range.",
        open_port,
    )
    .options(ENDPOINTS)
    .formats(Formats::Ignored),
    Tool::new(
        "close-port",
        "<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp",
        "Close a port or a range.",
        close_port,
    )
    .options(ENDPOINTS)
    .formats(Formats::Ignored),
    Tool::new("opened-ports", "", "Print the ports that the unit has open.", opened_ports)
        .options(&[Opt::flag(&["endpoints"], "print each range with its endpoints")])
        .formats(Formats::SmartYamlJson),
];

/// The method that opens or closes a range: both tools take the same arguments.
type Change = fn(&mut PortChanges, &PortSet, &PortRange, &str) -> Result<(), Conflict>;

fn change(context: &mut ToolContext<'_>, verb: &str, change: Change) -> ToolResult {
    let Some(text) = context.args.positional(0) else {
        return Err(Failure::Usage("no port or range specified".to_owned()));
    };
    let range = PortRange::parse(text).map_err(Failure::Usage)?;
    context.refuse_more_than(1)?;
    if range.is_range() && context.is_kubernetes()? {
        return Err(Failure::Run(
            "port ranges are not supported for k8s applications, please specify a single port"
                .to_owned(),
        ));
    }
    let unit = context.unit.to_string();
    let stored = &context.model.record(context.unit)?.ports;
    // Juju takes `*` for the name of an endpoint here. The empty name stands for all endpoints
    // (measured).
    let endpoints = context.args.value("endpoints").unwrap_or_default();
    for endpoint in endpoints.split(',').map(str::trim) {
        // Juju keeps the changes for the endpoints before a refused one.
        change(&mut context.writes.ports, stored, &range, endpoint).map_err(|conflict| {
            Failure::Run(format!(
                "cannot {verb} {range} (unit \"{unit}\"): {}",
                conflict.message(&unit)
            ))
        })?;
    }
    Ok(Output::Nothing)
}

fn open_port(context: &mut ToolContext<'_>) -> ToolResult {
    change(context, "open", PortChanges::open)
}

fn close_port(context: &mut ToolContext<'_>) -> ToolResult {
    change(context, "close", PortChanges::close)
}

fn opened_ports(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    let stored = &context.unit()?.ports;
    // Juju 2.9 does not show the pending changes of the hook.
    let ports = if context.model.is_juju_at_least(3, 0) {
        context.writes.ports.applied_to(stored)
    } else {
        stored.clone()
    };
    Ok(Output::strings(if context.args.flag("endpoints") {
        ports.ranges_with_endpoints()
    } else {
        ports.ranges()
    }))
}

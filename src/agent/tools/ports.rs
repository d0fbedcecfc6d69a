//! `open-port`, `close-port`, `opened-ports`: kept until the hook ends with 0.

use super::super::args::Opt;
use super::super::output::Output;
use super::super::ports::{PortRange, PortSet};
use super::super::settings::juju_has;
use super::{Failure, Formats, Tool, ToolContext, ToolResult};

const ENDPOINTS: &[Opt] = &[Opt::value(
    &["endpoints"],
    "names",
    "only for these endpoints, separated by commas",
)];

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
    Tool::new(
        "opened-ports",
        "",
        "Print the ports that the unit has open.",
        opened_ports,
    )
    .options(&[Opt::flag(&["endpoints"], "print each range with its endpoints")])
    .formats(Formats::SmartYamlJson),
];

fn range(context: &ToolContext<'_>) -> Result<(PortRange, Vec<String>), Failure> {
    let Some(text) = context.args.positional(0) else {
        return Err(Failure::Usage("no port or range specified".to_owned()));
    };
    let range = PortRange::parse(text).map_err(Failure::Usage)?;
    context.at_most(1)?;
    let named = context.args.value("endpoints").unwrap_or_default();
    let mut endpoints: Vec<String> = named
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty() && *name != "*")
        .map(str::to_owned)
        .collect();
    if endpoints.is_empty() {
        endpoints.push(String::new());
    }
    if range.is_range() && context.unit.is_kubernetes() {
        return Err(Failure::Run(
            "port ranges are not supported for k8s applications, please specify a single port".to_owned(),
        ));
    }
    Ok((range, endpoints))
}

fn open_port(context: &mut ToolContext<'_>) -> ToolResult {
    let (range, endpoints) = range(context)?;
    let mut ports = current(context, true);
    for endpoint in endpoints {
        ports.open(&range, &endpoint).map_err(|other| {
            let unit = &context.unit.settings.unit;
            Failure::Run(format!(
                "cannot open {range} (unit \"{unit}\"): port range conflicts with {other} (unit \"{unit}\")"
            ))
        })?;
    }
    context.running.ports = Some(ports);
    Ok(Output::Nothing)
}

fn close_port(context: &mut ToolContext<'_>) -> ToolResult {
    let (range, endpoints) = range(context)?;
    let mut ports = current(context, true);
    for endpoint in endpoints {
        ports.close(&range, &endpoint);
    }
    context.running.ports = Some(ports);
    Ok(Output::Nothing)
}

fn opened_ports(context: &mut ToolContext<'_>) -> ToolResult {
    context.at_most(0)?;
    // Juju 2.9 leaves out what this hook has opened and closed.
    let ports = current(context, juju_has(&context.unit.settings.juju_version, 3, 0));
    Ok(Output::strings(if context.args.flag("endpoints") {
        ports.ranges_with_endpoints()
    } else {
        ports.ranges()
    }))
}

fn current(context: &ToolContext<'_>, with_pending: bool) -> PortSet {
    let pending = context.running.ports.as_ref().filter(|_| with_pending);
    pending.unwrap_or(&context.unit.ports).clone()
}

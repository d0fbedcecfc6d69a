//! What lies around the unit: its network, its application's other units, resources, the machine.

use serde_json::{Map, Value, json};

use super::super::args::Opt;
use super::super::data::Data;
use super::super::go_text::go_quote;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult};
use super::tool::{Formats, Tool};

pub(super) const TOOLS: &[Tool] = &[
    Tool::new(
        "network-get",
        "<binding-name>",
        "Print the network configuration of a binding.",
        network_get,
    )
    .options(&[
        Opt::value(&["r", "relation"], "relation", "specify a relation by id"),
        Opt::flag(&["bind-address"], "the address to listen on"),
        Opt::flag(&["ingress-address"], "the address for others to connect to"),
        Opt::flag(&["egress-subnets"], "where connections come from"),
        Opt::flag(&["primary-address"], "deprecated; the address to listen on"),
    ])
    .formats(Formats::SmartYamlJson),
    Tool::new("goal-state", "", "Print the units and relations that there are to be.", goal_state)
        .formats(Formats::YamlJson),
    Tool::new(
        "resource-get",
        "<resource name>",
        "Print the path of a resource's file.",
        resource_get,
    ),
    Tool::new(
        "unit-get",
        "<setting>",
        "Print the unit's private-address or public-address.",
        unit_get,
    )
    .formats(Formats::SmartYamlJson),
    Tool::new("credential-get", "", "Print the cloud's credential.", credential_get)
        .formats(Formats::SmartYamlJson),
    Tool::new("juju-reboot", "", "Reboot the machine.", juju_reboot)
        .options(&[Opt::flag(&["now"], "at once, killing the hook, which runs again")]),
];

fn network_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(binding) = context.args.positional(0) else {
        return Err(Failure::Usage("no arguments specified".to_owned()));
    };
    if binding.is_empty() {
        return Err(Failure::Usage("no binding name specified".to_owned()));
    }
    context.at_most(1)?;
    if !context.controller.meta.has_binding(binding) {
        // Juju 4 shows the controller's own text, older ones drop it.
        return Err(Failure::Run(if context.controller.juju_has(4, 0) {
            format!("undefined for unit charm: endpoint {} not valid", go_quote(binding))
        } else {
            format!("no network config found for binding {}", go_quote(binding))
        }));
    }
    let address = context.controller.settings.address.clone();
    let bits = if address.contains(':') { 128 } else { 32 };
    let egress = json!([format!("{address}/{bits}")]);
    let wanted: Vec<(&str, Value)> = [
        ("bind-address", json!(address)),
        ("egress-subnets", egress.clone()),
        ("ingress-address", json!(address)),
        ("primary-address", json!(address)),
    ]
    .into_iter()
    .filter(|(name, _)| context.args.flag(name))
    .collect();
    match wanted.as_slice() {
        [] => {}
        [(name, value)] => {
            return Ok(match *name {
                "egress-subnets" => Output::strings([format!("{address}/{bits}")]),
                _ => Output::Value(value.clone()),
            });
        }
        several => {
            if several.iter().any(|(name, _)| *name == "primary-address") {
                return Err(Failure::Run(
                    "--primary-address must be the only flag specified".to_owned(),
                ));
            }
            let map: Map<String, Value> =
                several.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            return Ok(Output::Value(Value::Object(map)));
        }
    }
    let document = |old_spellings: bool| {
        network_document(&address, &format!("{address}/{bits}"), old_spellings)
    };
    Ok(Output::Twofold { yaml: document(true), json: document(false) })
}

/// All that is known of a binding, in the order of Juju's own struct. YAML has the spellings of old
/// beside the new ones.
fn network_document(address: &str, cidr: &str, old_spellings: bool) -> Data {
    let mut bound = vec![("hostname", "".into()), ("value", address.into()), ("cidr", cidr.into())];
    if old_spellings {
        bound.push(("address", address.into()));
    }
    let mut interface = vec![
        ("mac-address", "".into()),
        ("interface-name", "lo".into()),
        ("addresses", Data::Array(vec![Data::record(bound)])),
    ];
    if old_spellings {
        interface.extend([("macaddress", "".into()), ("interfacename", "lo".into())]);
    }
    Data::record([
        ("bind-addresses", Data::Array(vec![Data::record(interface)])),
        ("egress-subnets", vec![cidr].into()),
        ("ingress-addresses", vec![address].into()),
    ])
}

fn goal_state(context: &mut ToolContext<'_>) -> ToolResult {
    context.at_most(0)?;
    let unit = context.controller.settings.unit.as_str();
    let status =
        if context.controller.dying { "dying" } else { context.controller.status.status.as_str() };
    let own = Data::record([
        ("status", status.into()),
        ("since", context.controller.status_since().as_str().into()),
    ]);
    Ok(Output::Record(Data::record([
        ("units", Data::map([(unit.to_owned(), own)])),
        ("relations", Data::map([])),
    ])))
}

fn resource_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(name) = context.args.positional(0) else {
        return Err(Failure::Usage("missing required resource name".to_owned()));
    };
    context.at_most(1)?;
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

fn unit_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(setting) = context.args.positional(0) else {
        return Err(Failure::Usage("no setting specified".to_owned()));
    };
    if !matches!(setting, "private-address" | "public-address") {
        return Err(Failure::Usage(format!("unknown setting {}", go_quote(setting))));
    }
    context.at_most(1)?;
    Ok(Output::Value(Value::from(context.controller.settings.address.as_str())))
}

/// No charm here is trusted with a cloud's credential: there is no cloud.
fn credential_get(context: &mut ToolContext<'_>) -> ToolResult {
    context.at_most(0)?;
    let asked = if context.controller.is_kubernetes() { "getting model credentials: " } else { "" };
    Err(Failure::Run(format!("cannot access cloud credentials: {asked}permission denied")))
}

fn juju_reboot(context: &mut ToolContext<'_>) -> ToolResult {
    context.at_most(0)?;
    if context.action.is_some() {
        return Err(Failure::Run(
            "juju-reboot is not supported when running an action.".to_owned(),
        ));
    }
    if context.args.flag("now") {
        context.kill_hook = true;
    } else {
        context.writes.reboot = true;
    }
    Ok(Output::Nothing)
}

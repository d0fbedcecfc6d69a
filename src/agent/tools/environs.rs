//! What lies around the unit: its network, its application's other units, resources, the machine.

use serde_json::{Map, Value, json};

use super::super::args::{Opt, go_quote};
use super::super::output::Output;
use super::super::settings::juju_has;
use super::{Failure, Formats, Tool, ToolContext, ToolResult, Versions, not_modelled};

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
    Tool::new(
        "goal-state",
        "",
        "Print the units and relations that there are to be.",
        goal_state,
    )
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
    Tool::new("credential-get", "", "Print the cloud's credential.", credential_get).formats(Formats::SmartYamlJson),
    Tool::new("juju-reboot", "", "Reboot the machine.", juju_reboot)
        .options(&[Opt::flag(&["now"], "at once, killing the hook, which runs again")]),
    Tool::new(
        "payload-register",
        "<type> <class> <id> [tags...]",
        "Register a payload.",
        not_modelled,
    )
    .versions(Versions::Before(4, 0)),
    Tool::new("payload-unregister", "<class> <id>", "Forget a payload.", not_modelled).versions(Versions::Before(4, 0)),
    Tool::new(
        "payload-status-set",
        "<class> <id> <status>",
        "Set a payload's status.",
        not_modelled,
    )
    .versions(Versions::Before(4, 0)),
    Tool::new("k8s-spec-get", "", "Print the pod spec.", not_modelled).versions(Versions::Before(4, 0)),
    Tool::new("k8s-spec-set", "--file <file>", "Set the pod spec.", not_modelled)
        .options(&[FILE, Opt::value(&["k8s-resources"], "file", "further resources")])
        .versions(Versions::Before(4, 0)),
    Tool::new("pod-spec-get", "", "Print the pod spec.", not_modelled).versions(Versions::Before(4, 0)),
    Tool::new("pod-spec-set", "--file <file>", "Set the pod spec.", not_modelled)
        .options(&[FILE, Opt::value(&["k8s-resources"], "file", "further resources")])
        .versions(Versions::Before(4, 0)),
    Tool::new("k8s-raw-get", "", "Print the raw spec.", not_modelled).versions(Versions::Before(4, 0)),
    Tool::new("k8s-raw-set", "--file <file>", "Set the raw spec.", not_modelled)
        .options(&[FILE])
        .versions(Versions::Before(4, 0)),
    Tool::new("add-metric", "<key>=<value> [...]", "Add metrics.", not_modelled)
        .options(&[Opt::value(&["l", "labels"], "labels", "labels of the metrics")])
        .versions(Versions::Before(3, 0)),
];

const FILE: Opt = Opt::value(&["file"], "file", "the file to read; - for standard input");

fn network_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(binding) = context.args.positional(0) else {
        return Err(Failure::Usage("no arguments specified".to_owned()));
    };
    if binding.is_empty() {
        return Err(Failure::Usage("no binding name specified".to_owned()));
    }
    context.at_most(1)?;
    if !context.unit.meta.has_binding(binding) {
        return Err(Failure::Run(if juju_has(&context.unit.settings.juju_version, 4, 0) {
            format!("no network config found for binding {}", go_quote(binding))
        } else {
            format!("undefined for unit charm: endpoint {} not valid", go_quote(binding))
        }));
    }
    let address = context.unit.settings.address.clone();
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
                return Err(Failure::Usage(
                    "--primary-address must be the only flag specified".to_owned(),
                ));
            }
            let map: Map<String, Value> = several
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect();
            return Ok(Output::Value(Value::Object(map)));
        }
    }
    let document = |legacy: bool| {
        let cidr = format!("{address}/{bits}");
        let interface = if legacy {
            let addresses = json!([{ "hostname": "", "value": address, "cidr": cidr, "address": address }]);
            json!({ "mac-address": "", "interface-name": "lo", "macaddress": "", "interfacename": "lo", "addresses": addresses })
        } else {
            let addresses = json!([{ "hostname": "", "value": address, "cidr": cidr }]);
            json!({ "mac-address": "", "interface-name": "lo", "addresses": addresses })
        };
        json!({ "bind-addresses": [interface], "egress-subnets": egress, "ingress-addresses": [address] })
    };
    Ok(Output::Twofold {
        yaml: document(true),
        json: document(false),
    })
}

fn goal_state(context: &mut ToolContext<'_>) -> ToolResult {
    context.at_most(0)?;
    let unit = context.unit.settings.unit.as_str();
    let status = if context.unit.life.dying {
        "dying"
    } else {
        context.unit.status.status.as_str()
    };
    Ok(Output::Value(
        json!({ "units": { unit: { "status": status, "since": context.unit.settings.since } }, "relations": {} }),
    ))
}

fn resource_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(name) = context.args.positional(0).filter(|name| !name.is_empty()) else {
        return Err(Failure::Usage("missing required resource name".to_owned()));
    };
    context.at_most(1)?;
    match context.unit.settings.resources.get(name) {
        Some(path) => Ok(Output::Raw(path.clone())),
        None if context.unit.meta.has_resource(name) => Err(Failure::Run(format!(
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
    Ok(Output::Value(Value::from(context.unit.settings.address.as_str())))
}

/// No charm here is trusted with a cloud's credential: there is no cloud.
fn credential_get(context: &mut ToolContext<'_>) -> ToolResult {
    context.at_most(0)?;
    Err(Failure::Run(
        "cannot access cloud credentials: permission denied".to_owned(),
    ))
}

fn juju_reboot(context: &mut ToolContext<'_>) -> ToolResult {
    context.at_most(0)?;
    if context.running.run.kind.is_action() {
        return Err(Failure::Run(
            "juju-reboot is not supported when running an action.".to_owned(),
        ));
    }
    if context.args.flag("now") {
        context.kill_hook = true;
    } else {
        context.running.reboot = true;
    }
    Ok(Output::Nothing)
}

//! `network-get` and `unit-get`, which print the addresses of the unit.

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
    Tool::new(
        "unit-get",
        "<setting>",
        "Print the unit's private-address or public-address.",
        unit_get,
    )
    .formats(Formats::SmartYamlJson),
];

fn network_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(binding) = context.args.positional(0) else {
        return Err(Failure::Usage("no arguments specified".to_owned()));
    };
    if binding.is_empty() {
        return Err(Failure::Usage("no binding name specified".to_owned()));
    }
    context.refuse_more_than(1)?;
    if !context.application()?.meta.has_binding(binding) {
        // Juju 4 prints the text of the controller, and Juju 3 replaces it (measured).
        return Err(Failure::Run(if context.model.is_juju_at_least(4, 0) {
            format!("undefined for unit charm: endpoint {} not valid", go_quote(binding))
        } else {
            format!("no network config found for binding {}", go_quote(binding))
        }));
    }
    let address = context.unit()?.address.clone();
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
    Ok(Output::PerFormat { yaml: document(true), json: document(false) })
}

/// Returns the whole network configuration of a binding, in the order of the fields of Juju's
/// struct. YAML has the legacy names of some fields beside the new ones (measured).
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

fn unit_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(setting) = context.args.positional(0) else {
        return Err(Failure::Usage("no setting specified".to_owned()));
    };
    if !matches!(setting, "private-address" | "public-address") {
        return Err(Failure::Usage(format!("unknown setting {}", go_quote(setting))));
    }
    context.refuse_more_than(1)?;
    Ok(Output::Value(Value::from(context.unit()?.address.as_str())))
}

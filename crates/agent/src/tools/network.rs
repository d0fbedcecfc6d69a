//! `network-get` and `unit-get`, which print the addresses of the unit.

use serde_json::{Map, Value, json};

use super::super::args::Opt;
use super::super::data::Data;
use super::super::go_text::go_quote;
use super::super::network::{BindAddress, Interface, Network};
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
    let Some(binding) = context.args.positional(0).map(str::to_owned) else {
        return Err(Failure::Usage("no arguments specified".to_owned()));
    };
    if binding.is_empty() {
        return Err(Failure::Usage("no binding name specified".to_owned()));
    }
    context.refuse_more_than(1)?;
    let binding = binding.as_str();
    if !context.application()?.meta.has_binding(binding) {
        // Juju 4 prints the text of the controller, and Juju 3 replaces it (measured).
        return Err(Failure::Run(if context.model.is_juju_at_least(4, 0) {
            format!("undefined for unit charm: endpoint {} not valid", go_quote(binding))
        } else {
            format!("no network config found for binding {}", go_quote(binding))
        }));
    }
    let is_juju_4 = context.model.is_juju_at_least(4, 0);
    let shown = go_quote(binding);
    let network = context.application()?.networks.get(binding).cloned();
    let network = match network {
        Some(network) => network,
        None => Network::of_address(&context.unit()?.address),
    };
    let has_others = !network.ingress.is_empty() || !network.egress.is_empty();
    // Without an interface Juju 3 takes the rest for nothing too (measured).
    if network.interfaces.is_empty() && !(is_juju_4 && has_others) {
        return Err(Failure::Run(format!("no network config found for binding {shown}")));
    }
    let names = ["bind-address", "egress-subnets", "ingress-address", "primary-address"];
    let wanted: Vec<&str> = names.into_iter().filter(|name| context.args.flag(name)).collect();
    if wanted.len() > 1 && wanted.contains(&"primary-address") {
        let why = "--primary-address must be the only flag specified";
        return Err(Failure::Run(why.to_owned()));
    }
    let value = |name: &str| {
        let address = match name {
            "egress-subnets" => return Ok(json!(network.egress)),
            "ingress-address" => network.ingress_address(),
            _ => network.bind_address(),
        };
        address.map(|address| json!(address)).ok_or_else(|| {
            // Juju 3.6 crashes its agent here if it is asked for --bind-address (measured).
            Failure::Run(match (is_juju_4, name.strip_suffix("-address")) {
                (true, Some(kind)) => {
                    format!("no {kind} address attached to space for binding {shown}")
                }
                _ => format!("no addresses attached to space for binding {shown}"),
            })
        })
    };
    match wanted.as_slice() {
        [] => Ok(Output::PerFormat {
            yaml: network_document(&network, true),
            json: network_document(&network, false),
        }),
        ["egress-subnets"] => Ok(Output::strings(network.egress)),
        [name] => Ok(Output::Value(value(name)?)),
        several => {
            let entries = several.iter().map(|name| Ok(((*name).to_owned(), value(name)?)));
            Ok(Output::Value(Value::Object(entries.collect::<Result<Map<_, _>, Failure>>()?)))
        }
    }
}

/// Returns the whole network configuration of a binding, in the order of the fields of Juju's
/// struct, without the lists that are empty. YAML has the legacy names of some fields beside the
/// new ones (measured).
fn network_document(network: &Network, old_spellings: bool) -> Data {
    let address = |address: &BindAddress| {
        let value = || Data::from(address.value.as_str());
        let mut fields = vec![
            ("hostname", address.hostname.as_str().into()),
            ("value", value()),
            ("cidr", address.cidr.as_str().into()),
        ];
        if old_spellings {
            fields.push(("address", value()));
        }
        Data::record(fields)
    };
    let interface = |interface: &Interface| {
        let mac = || Data::from(interface.mac.as_str());
        let name = || Data::from(interface.name.as_str());
        let addresses = interface.addresses.iter().map(address).collect();
        let mut fields = vec![
            ("mac-address", mac()),
            ("interface-name", name()),
            ("addresses", Data::Array(addresses)),
        ];
        if old_spellings {
            fields.extend([("macaddress", mac()), ("interfacename", name())]);
        }
        Data::record(fields)
    };
    let interfaces: Vec<Data> = network.interfaces.iter().map(interface).collect();
    let lists = [
        ("bind-addresses", interfaces),
        ("egress-subnets", network.egress.iter().map(|it| it.as_str().into()).collect()),
        ("ingress-addresses", network.ingress.iter().map(|it| it.as_str().into()).collect()),
    ];
    let lists = lists.into_iter().filter(|(_, list)| !list.is_empty());
    Data::record(lists.map(|(name, list)| (name, Data::Array(list))))
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

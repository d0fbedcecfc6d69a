//! `goal-state`, `resource-get` and `credential-get`, which ask the controller for data of the
//! model.

use std::collections::BTreeMap;
use std::time::Instant;

use charmwright_juju::UnitName;

use super::super::cloud::{Cloud, Credential};
use super::super::data::Data;
use super::super::go_text::go_quote;
use super::super::model::Model;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult, not_modelled};
use super::tool::{Formats, Tool};

pub(super) const TOOLS: &[Tool] = &[
    Tool::new("goal-state", "", "Print the units and relations that there are to be.", goal_state)
        .formats(Formats::YamlJson),
    Tool::new(
        "resource-get",
        "<resource name>",
        "Print the path of a resource's file.",
        resource_get,
    ),
    Tool::new("credential-get", "", "Print the cloud's credential.", credential_get)
        .formats(Formats::SmartYamlJson),
];

fn goal_state(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    let (model, unit) = (&*context.model, context.unit);
    let application = unit.application().as_str();
    // Juju leaves out peer relations, and groups the others by the own endpoint.
    // One application may be related twice.
    let mut relations: BTreeMap<String, BTreeMap<String, Data>> = BTreeMap::new();
    for relation in model.relations.of(application).filter(|relation| !relation.is_peer()) {
        let sides = (relation.side(application), relation.other_side(application));
        if let (Some(own), Some(other)) = sides {
            let (status, since) = relation.status();
            let goals = relations.entry(own.endpoint().name().to_owned()).or_default();
            goals.insert(other.application().to_owned(), goal(model, status, since));
            goals.extend(unit_goals(model, other.application(), unit));
        }
    }
    let relations = relations.into_iter().map(|(endpoint, goals)| (endpoint, Data::map(goals)));
    Ok(Output::Struct(Data::record([
        ("units", Data::map(unit_goals(model, application, unit))),
        ("relations", Data::map(relations)),
    ])))
}

/// Returns the goals of an application's units, without subordinates that run beside another unit.
fn unit_goals(model: &Model, application: &str, own: &UnitName) -> Vec<(String, Data)> {
    model
        .records_of(application)
        .filter(|unit| unit.principal.as_ref().is_none_or(|principal| principal == own))
        .map(|unit| {
            let status = if unit.is_dying { "dying" } else { unit.status.status.as_str() };
            (unit.name.to_string(), goal(model, status, unit.status_since))
        })
        .collect()
}

fn goal(model: &Model, status: &str, since: Option<Instant>) -> Data {
    Data::record([("status", status.into()), ("since", model.time_text(since).into())])
}

fn resource_get(context: &mut ToolContext<'_>) -> ToolResult {
    let Some(name) = context.args.positional(0) else {
        return Err(Failure::Usage("missing required resource name".to_owned()));
    };
    context.refuse_more_than(1)?;
    let application = context.application()?;
    match application.resources.get(name) {
        Some(path) => Ok(Output::Raw(path.clone())),
        None if application.meta.has_resource(name) => Err(Failure::Run(format!(
            // The controller does not find the file of the resource (Juju's source, 3.6).
            "could not download resource: HTTP request failed: resource {} not found",
            go_quote(name)
        ))),
        None => Err(Failure::Run(format!(
            "could not download resource: resource {} not found",
            go_quote(name)
        ))),
    }
}

/// Prints the cloud and the credential of the model to an application that is trusted.
fn credential_get(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    if !context.application()?.is_trusted() {
        let asked = if context.is_kubernetes()? { "getting model credentials: " } else { "" };
        let why = format!("cannot access cloud credentials: {asked}permission denied");
        return Err(Failure::Run(why));
    }
    match &context.model.settings.cloud {
        Some(cloud) => Ok(Output::PerFormat { yaml: cloud_yaml(cloud), json: cloud_json(cloud) }),
        None => not_modelled(context),
    }
}

/// Returns the cloud as YAML has it: with other names than JSON, and with the empty fields
/// (measured).
fn cloud_yaml(cloud: &Cloud) -> Data {
    let credential = cloud.credential.as_ref().map_or(Data::Null, |credential| {
        Data::record([
            ("authtype", credential.auth_type.as_str().into()),
            ("attributes", attributes(credential)),
            ("redacted", Data::Array(Vec::new())),
        ])
    });
    Data::record([
        ("type", cloud.kind.as_str().into()),
        ("name", cloud.name.as_str().into()),
        ("region", cloud.region.as_str().into()),
        ("endpoint", cloud.endpoint.as_str().into()),
        ("identityendpoint", "".into()),
        ("storageendpoint", "".into()),
        ("credential", credential),
        ("cacertificates", cloud.ca_certificates.clone().into()),
        ("skiptlsverify", Data::Bool(false)),
        ("iscontrollercloud", Data::Bool(cloud.is_controller_cloud)),
    ])
}

/// Returns the cloud as JSON has it, without the empty fields (measured).
fn cloud_json(cloud: &Cloud) -> Data {
    let text = |text: &String| (!text.is_empty()).then(|| Data::from(text.as_str()));
    let credential = cloud.credential.as_ref().map(|credential| {
        let mut fields = vec![("auth-type", credential.auth_type.as_str().into())];
        if !credential.attributes.is_empty() {
            fields.push(("attrs", attributes(credential)));
        }
        Data::record(fields)
    });
    let certificates = &cloud.ca_certificates;
    let fields = [
        ("type", Some(cloud.kind.as_str().into())),
        ("name", Some(cloud.name.as_str().into())),
        ("region", text(&cloud.region)),
        ("endpoint", text(&cloud.endpoint)),
        ("credential", credential),
        ("cacertificates", (!certificates.is_empty()).then(|| certificates.clone().into())),
        ("is-controller-cloud", cloud.is_controller_cloud.then_some(Data::Bool(true))),
    ];
    Data::record(fields.into_iter().filter_map(|(name, value)| Some((name, value?))))
}

fn attributes(credential: &Credential) -> Data {
    let entries = credential.attributes.iter();
    Data::map(entries.map(|(key, value)| (key.clone(), value.as_str().into())))
}

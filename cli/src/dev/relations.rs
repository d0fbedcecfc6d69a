//! The commands on the relations of the unit: they change the applications and units around it.

use std::collections::BTreeMap;

use charmwright_agent::{
    Application, Deployment, EndpointMeta, EndpointRole, EndpointScope, Model, RelationReport,
    UnitName,
};

use super::commands::{RelationCommand, Writer};
use super::secret_names::SecretNames;
use super::spelling::nearest;
use crate::error::{Error, Result};

/// The state of a relation that is being removed, in a [`RelationReport`].
const DYING: &str = "dying";

/// The keys that Juju itself writes to the databag of each unit.
const JUJUS_KEYS: [&str; 3] = ["egress-subnets", "ingress-address", "private-address"];

/// Runs a command on the relations of `unit`, and returns the lines to print.
///
/// # Errors
/// Says what was attempted and why the model, or Juju, refuses it.
pub fn run(
    model: &mut Model,
    unit: &UnitName,
    secrets: &SecretNames,
    command: RelationCommand,
) -> Result<String> {
    match command {
        RelationCommand::Relate { endpoint, application } => {
            relate(model, unit, &endpoint, application.as_deref())
        }
        RelationCommand::Write { writer, endpoint, values } => {
            let resolve = |(key, value): (String, String)| {
                let value = secrets.resolve(&key, value)?;
                Ok((key, value))
            };
            let values: Vec<(String, String)> =
                values.into_iter().map(resolve).collect::<Result<_>>()?;
            write(model, unit, &writer, &endpoint, &values)
        }
        RelationCommand::Show { writer, endpoint } => show(model, unit, &writer, &endpoint),
        RelationCommand::Depart(leaver) => depart(model, unit, &leaver),
        RelationCommand::Break { endpoint, application } => {
            break_relation(model, unit, &endpoint, application.as_deref())
        }
        RelationCommand::AddPeer => add_peer(model, unit),
    }
}

/// Relates the charm to an application, which is made if there is none of that name: without a
/// charm, with one unit and the counterpart of the endpoint.
///
/// # Errors
/// Fails if the charm has no such endpoint, it is one of peers, or Juju refuses the relation.
pub fn relate(
    model: &mut Model,
    unit: &UnitName,
    endpoint: &str,
    application: Option<&str>,
) -> Result<String> {
    let own = model.application(unit.application().as_str()).map_err(to_error)?;
    let own_name = own.name().to_owned();
    let declared = declared_endpoint(own, endpoint)?;
    let role = match declared.role() {
        EndpointRole::Provider => EndpointRole::Requirer,
        EndpointRole::Requirer => EndpointRole::Provider,
        EndpointRole::Peer => {
            return Err(Error::new(format!("cannot relate {endpoint}"))
                .because("it is an endpoint of peers, whose relation is there from the start")
                .advice("`add-peer` adds a unit to it"));
        }
    };
    let counterpart =
        EndpointMeta::new(endpoint, role, declared.interface()).with_scope(declared.scope());
    // In the scope `container` one of the two is a subordinate.
    let is_subordinate =
        declared.scope() == EndpointScope::Container && !own.meta().is_subordinate();
    let name = match application {
        Some(name) => name.to_owned(),
        None => default_name(&own_name, endpoint),
    };
    if name == own_name {
        return Err(Error::new(format!("cannot relate {endpoint} to {name}"))
            .because("it is the charm's own application")
            .advice("name another one: it is made if it is new"));
    }
    let is_new = model.application(&name).is_err();
    if is_new {
        let remote = Deployment::remote([counterpart]);
        let remote = if is_subordinate { remote.subordinate() } else { remote };
        model.deploy(&name, remote).map_err(to_error)?;
    } else {
        model.add_endpoint(&name, counterpart).map_err(to_error)?;
    }
    let related = model.integrate(&format!("{own_name}:{endpoint}"), &format!("{name}:{endpoint}"));
    let id = match related {
        Ok(id) => id,
        Err(error) => {
            if is_new {
                // An application that nothing relates to would stay in the table.
                let _ = model.remove_application(&name);
            }
            return Err(to_error(error));
        }
    };
    Ok(format!("{endpoint} is related to {name} (relation {id})"))
}

/// Returns the name of the application that an endpoint is related to if the line names none: that
/// of the endpoint.
fn default_name(own: &str, endpoint: &str) -> String {
    let name = endpoint.replace('_', "-");
    if name == own { format!("remote-{name}") } else { name }
}

/// Returns the declaration of an endpoint of the charm.
fn declared_endpoint<'m>(own: &'m Application, name: &str) -> Result<&'m EndpointMeta> {
    let endpoints = own.meta().endpoints();
    endpoints.get(name).ok_or_else(|| {
        let known: Vec<&str> = endpoints.keys().map(String::as_str).collect();
        let error = Error::new(format!("cannot find endpoint {name:?}"))
            .because("the charm declares no such endpoint");
        match (nearest(name, known.iter().copied()), known.as_slice()) {
            (Some(meant), _) => error.advice(format!("did you mean `{meant}`?")),
            (None, []) => error.advice("it declares none at all"),
            (None, known) => error.advice(format!("it has: {}", known.join(", "))),
        }
    })
}

/// Writes a databag of a remote application, of one of its units, or of a peer. A unit with the
/// next number joins first.
fn write(
    model: &mut Model,
    unit: &UnitName,
    writer: &Writer,
    endpoint: &str,
    values: &[(String, String)],
) -> Result<String> {
    let application = application_of(writer);
    let relation = relation_of(model, unit, endpoint, Some(application))?;
    let pairs = values.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    match writer {
        Writer::Application(application) => {
            model.set_remote_app_data(relation.id, application, pairs).map_err(|error| {
                match application == unit.application().as_str() {
                    true => to_error(error)
                        .advice("it can be written for a peer that leads: `add-peer`, `leader no`"),
                    false => to_error(error),
                }
            })?;
            Ok(format!("written to {application} in relation {}", relation.id))
        }
        Writer::Unit(writer) if writer == unit => {
            Err(Error::new(format!("cannot write the databag of {writer}"))
                .because("its charm runs here, and writes it itself"))
        }
        Writer::Unit(writer) => {
            let joins = make_unit(model, unit, writer)?;
            model.set_remote_unit_data(relation.id, writer, pairs).map_err(to_error)?;
            let joins = if joins { "joins and is " } else { "is " };
            Ok(format!("{writer} {joins}written in relation {}", relation.id))
        }
    }
}

/// Adds a unit if it has the next number of its application. Returns `true` if it was added.
fn make_unit(model: &mut Model, own: &UnitName, wanted: &UnitName) -> Result<bool> {
    if model.units().contains(wanted) {
        return Ok(false);
    }
    let name = wanted.application().as_str();
    let next = model.application(name).map_err(to_error)?.next_unit_number();
    if wanted.number() != next {
        return Err(Error::new(format!("cannot use {wanted}"))
            .because("there is no such unit, and the numbers of removed ones are not used again")
            .advice(format!("the next one is {name}/{next}")));
    }
    let added = match own.application() == wanted.application() {
        true => model.add_played_unit(name),
        false => model.add_unit(name),
    };
    added.map_err(to_error)?;
    Ok(true)
}

/// Prints the databags of a relation. What the charm has written is shown with its values, as `juju
/// show-unit` shows it to every operator; of the others only the keys, since the user has written
/// those, perhaps with a secret.
fn show(model: &Model, unit: &UnitName, writer: &Writer, endpoint: &str) -> Result<String> {
    let relation = relation_of(model, unit, endpoint, Some(application_of(writer)))?;
    if let Writer::Unit(writer) = writer {
        require_unit(model, unit, writer, "show")?;
    }
    let remote = &relation.remote_app;
    let own = unit.application().as_str();
    let mut lines = vec![format!("relation {}, {endpoint} with {remote}", relation.id)];
    let keys = |bag: &BTreeMap<String, String>| {
        let keys: Vec<&str> = bag.keys().map(String::as_str).collect();
        if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") }
    };
    if remote != own
        && let Ok(bag) = model.app_data(relation.id, remote)
    {
        lines.push(format!("{remote} has {}", keys(bag)));
    }
    for other in model.units().iter().filter(|other| *other != unit) {
        if other.application().as_str() == remote
            && let Ok(bag) = model.unit_data(relation.id, other)
        {
            lines.push(format!("{other} has {}", keys(bag)));
        }
    }
    let own_bags = [
        (own.to_owned(), model.app_data(relation.id, own)),
        (unit.to_string(), model.unit_data(relation.id, unit)),
    ];
    for (name, bag) in own_bags {
        let bag = bag.into_iter().flatten();
        let written = bag.filter(|(key, _)| !JUJUS_KEYS.contains(&key.as_str()));
        lines.extend(written.map(|(key, value)| format!("{name} wrote {key}={value}")));
    }
    Ok(lines.join("\n"))
}

/// Removes a unit of a remote application, or a peer. In Juju too a unit leaves a relation only
/// when it is removed or the relation ends.
fn depart(model: &mut Model, unit: &UnitName, leaver: &UnitName) -> Result<String> {
    if leaver == unit {
        return Err(Error::new(format!("cannot remove {leaver}"))
            .because("its charm runs here")
            .advice("`quit` removes it, and ends the run"));
    }
    require_unit(model, unit, leaver, "remove")?;
    model.remove_unit(leaver).map_err(to_error)?;
    Ok(format!("{leaver} departs"))
}

/// Refuses a unit that is not there, and names those that are.
fn require_unit(model: &Model, own: &UnitName, wanted: &UnitName, attempt: &str) -> Result<()> {
    let units = model.units();
    if units.contains(wanted) {
        return Ok(());
    }
    let others: Vec<String> =
        units.iter().filter(|other| *other != own).map(ToString::to_string).collect();
    let error = Error::new(format!("cannot {attempt} {wanted}")).because("there is no such unit");
    Err(match others.as_slice() {
        [] => error.advice("there is none around this one"),
        others => error.advice(format!("there are: {}", others.join(", "))),
    })
}

/// Ends a relation of the charm.
fn break_relation(
    model: &mut Model,
    unit: &UnitName,
    endpoint: &str,
    application: Option<&str>,
) -> Result<String> {
    let own = model.application(unit.application().as_str()).map_err(to_error)?;
    if declared_endpoint(own, endpoint)?.role() == EndpointRole::Peer {
        return Err(Error::new(format!("cannot break {endpoint}"))
            .because("the relation of peers lasts as long as the application")
            .advice("`depart APP/N` removes a peer"));
    }
    let relation = relation_of(model, unit, endpoint, application)?;
    model.remove_relation_number(relation.id).map_err(to_error)?;
    Ok(format!("relation {} of {endpoint} with {} ends", relation.id, relation.remote_app))
}

fn add_peer(model: &mut Model, unit: &UnitName) -> Result<String> {
    let own = model.application(unit.application().as_str()).map_err(to_error)?;
    let mut endpoints = own.meta().endpoints().values();
    let has_peers = endpoints.any(|endpoint| endpoint.role() == EndpointRole::Peer);
    let peer = model.add_played_unit(unit.application().as_str()).map_err(to_error)?;
    Ok(match has_peers {
        true => format!("{peer} joins its peers"),
        false => format!("{peer} is there; the charm has no endpoint of peers"),
    })
}

/// Finds the relation of an endpoint with an application, or the only one of the endpoint.
fn relation_of(
    model: &Model,
    unit: &UnitName,
    endpoint: &str,
    application: Option<&str>,
) -> Result<RelationReport> {
    declared_endpoint(model.application(unit.application().as_str()).map_err(to_error)?, endpoint)?;
    let mut found = model.report(unit).map_err(to_error)?.relations;
    let is_named = |relation: &RelationReport| {
        relation.endpoint == endpoint && application.is_none_or(|name| relation.remote_app == name)
    };
    let dying = found.iter().find(|it| it.state == DYING && is_named(it)).map(|it| it.id);
    found.retain(|relation| relation.endpoint == endpoint && relation.state != DYING);
    let related: Vec<String> = found.iter().map(|it| it.remote_app.clone()).collect();
    found.retain(|relation| application.is_none_or(|name| relation.remote_app == name));
    match (found.len(), application) {
        (1, _) => found.pop().ok_or_else(|| Error::new("cannot find the relation")),
        (0, name) => {
            let with = name.map_or_else(String::new, |name| format!(" with {name}"));
            let error = Error::new(format!("cannot find a relation of {endpoint}{with}"));
            let relate = name.map_or_else(String::new, |name| format!(" {name}"));
            if let Some(id) = dying {
                return Err(error
                    .because(format!("relation {id} is about to end"))
                    .advice("`wait-for idle` waits for its end"));
            }
            Err(match name.and_then(|name| nearest(name, related.iter().map(String::as_str))) {
                Some(meant) => error.advice(format!("did you mean `{meant}`?")),
                None => error.advice(format!("`relate {endpoint}{relate}` makes one")),
            })
        }
        _ => Err(Error::new(format!("cannot choose a relation of {endpoint}"))
            .because(format!("it is related to {}", related.join(", ")))
            .advice("name one of them")),
    }
}

fn application_of(writer: &Writer) -> &str {
    match writer {
        Writer::Application(name) => name,
        Writer::Unit(unit) => unit.application().as_str(),
    }
}

fn to_error(error: charmwright_agent::Error) -> Error {
    Error::new(error.to_string())
}

//! A busier charm: a relation with data, a secret, two containers and a port.

use charmwright_agent::{
    CharmMeta, Deployment, EndpointMeta, EndpointRole, Model, RelationNumber, UnitName,
};

use super::triggers::{leader_elected, update_status};
use crate::case::{Case, MeasuredEvent};
use crate::common::Failure;
use crate::common::setup::source_folder;

const APPLICATION: &str = "busy";
const DATABASE: &str = "database";

/// In the first event the charm writes its databags, and in the others it finds them written.
const EVENTS: [MeasuredEvent; 5] = [
    MeasuredEvent { name: "database-relation-created", trigger: None, tools: 13, ops_factor: 5.0 },
    MeasuredEvent {
        name: "config-changed",
        trigger: Some(config_changed),
        tools: 13,
        ops_factor: 5.0,
    },
    MeasuredEvent {
        name: "database-relation-changed",
        trigger: Some(relation_changed),
        tools: 13,
        ops_factor: 5.0,
    },
    MeasuredEvent {
        name: "update-status",
        trigger: Some(update_status),
        tools: 13,
        ops_factor: 5.0,
    },
    MeasuredEvent {
        name: "leader-elected",
        trigger: Some(leader_elected),
        tools: 13,
        ops_factor: 5.0,
    },
];

pub(super) fn case() -> Case {
    let folder = source_folder("dispatch").join("busy_charm");
    Case {
        package: "busy-charm",
        application: APPLICATION,
        ops_script: folder.join("ops_charm/charm.py"),
        charm_folder: folder,
        containers: &["web", "worker"],
        deploy: Box::new(deploy),
        events: &EVENTS,
        peak_mib: 10,
    }
}

/// Deploys the charm and a database of two units, relates them, and answers as a database does.
fn deploy(model: &mut Model, meta: CharmMeta) -> Result<(), Failure> {
    model.deploy(APPLICATION, Deployment::charm(meta))?;
    let endpoint = EndpointMeta::new("clients", EndpointRole::Provider, "example_database");
    model.deploy(DATABASE, Deployment::remote([endpoint]).units(2))?;
    let relation = model.integrate(APPLICATION, DATABASE)?;
    let login = [("username", "busy"), ("password", "not-a-real-password")];
    let secret = model.set_remote_secret(DATABASE, "login", &login)?;
    model.grant_remote_secret(DATABASE, &secret, relation)?;
    let answer = [("endpoints", "10.1.0.1:5432,10.1.0.2:5432"), ("secret-user", secret.as_str())];
    model.set_remote_app_data(relation, DATABASE, answer)?;
    for (number, address) in ["10.1.0.1", "10.1.0.2"].into_iter().enumerate() {
        let server = format!("{DATABASE}/{number}").parse()?;
        model.set_remote_unit_data(relation, &server, [("address", address)])?;
    }
    Ok(())
}

// What makes a hook due must not change the layers: each event would then restart the services of
// the event before it, and the time of the restart would be measured.

/// Gives the unit another address, which is no part of its layers.
fn config_changed(model: &mut Model, unit: &UnitName) -> Result<(), Failure> {
    Ok(model.set_address(unit, "10.1.0.77")?)
}

/// Writes a key that the charm does not read.
fn relation_changed(model: &mut Model, unit: &UnitName) -> Result<(), Failure> {
    let relation = relation(model, unit)?;
    Ok(model.set_remote_app_data(relation, DATABASE, [("version", "16.4")])?)
}

fn relation(model: &Model, unit: &UnitName) -> Result<RelationNumber, Failure> {
    let relations = model.report(unit)?.relations;
    Ok(relations.first().ok_or("the charm has lost its relation")?.id)
}

//! The charm any-workload-k8s, which is released: one container, and no relation.

use std::net::TcpListener;
use std::path::Path;

use charmwright_agent::{Deployment, Model, UnitName};

use super::triggers::{leader_elected, update_status};
use crate::case::{Case, MeasuredEvent};
use crate::common::Failure;
use crate::common::setup::source_folder;

const APPLICATION: &str = "any-workload-k8s";

/// Neither charm handles the last event.
const EVENTS: [MeasuredEvent; 4] = [
    MeasuredEvent { name: "start", trigger: None, tools: 4, ops_factor: 10.0 },
    MeasuredEvent {
        name: "config-changed",
        trigger: Some(config_changed),
        tools: 4,
        ops_factor: 10.0,
    },
    MeasuredEvent {
        name: "update-status",
        trigger: Some(update_status),
        tools: 3,
        ops_factor: 30.0,
    },
    MeasuredEvent {
        name: "leader-elected",
        trigger: Some(leader_elected),
        tools: 3,
        ops_factor: 30.0,
    },
];

pub(super) fn case() -> Result<Case, Failure> {
    // The workload's health check connects to this listener instead of a workload, so that the
    // speed of a workload is no part of the figures.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || for _client in listener.incoming() {});

    Ok(Case {
        package: "any-workload-k8s",
        application: APPLICATION,
        charm_folder: Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf(),
        ops_script: source_folder("dispatch").join("ops_charm/src/charm.py"),
        containers: &["workload"],
        deploy: Box::new(move |model, meta| {
            let deployment = Deployment::charm(meta)
                .config("command", "sleep 1000000")
                .config("environment", "{LOG_LEVEL: info}")
                .config("port", port.to_string())
                .config("health-check", "tcp");
            model.deploy(APPLICATION, deployment)?;
            Ok(())
        }),
        events: &EVENTS,
        peak_mib: 8,
    })
}

fn config_changed(model: &mut Model, _unit: &UnitName) -> Result<(), Failure> {
    Ok(model.set_config(APPLICATION, "environment", "{LOG_LEVEL: debug}")?)
}

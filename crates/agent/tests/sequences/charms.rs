//! The applications of the sequences.

use std::sync::LazyLock;

use charmwright_agent::{CharmMeta, Deployment, EndpointMeta, EndpointRole};

/// The names of the applications that can be deployed.
pub const APPLICATIONS: [&str; 4] = ["web", "pg", "cron", "lb"];

/// The storages that a sequence may add or try to.
pub const STORAGES: [&str; 2] = ["cache", "data"];

/// The pairs of endpoints that a sequence may relate or try to.
pub const PAIRS: [(&str, &str); 5] = [
    ("web:db", "pg:db"),
    ("cron:db", "pg:db"),
    ("web:site", "lb:site"),
    ("web:site", "cron:site"),
    // The interfaces differ, so that Juju refuses this one.
    ("web:db", "lb:site"),
];

const WEB: &str = "name: web\nsummary: s\ndescription: d\ncontainers: {web: {}}\n\
                   storage: {cache: {type: filesystem, multiple: {range: 0-3}}}\n\
                   peers: {ring: {interface: ring}}\nprovides: {site: {interface: http}}\n\
                   requires: {db: {interface: sql, limit: 1}}\n";
const PG: &str = "name: pg\nsummary: s\ndescription: d\npeers: {cluster: {interface: pg}}\n\
                  storage: {data: {type: filesystem, location: /srv/data}}\n\
                  provides: {db: {interface: sql}}\n";
const CRON: &str = "name: cron\nsummary: s\ndescription: d\n\
                    storage: {cache: {type: filesystem, multiple: {range: 1-}}}\n\
                    requires: {db: {interface: sql}, site: {interface: http}}\n";
const CONFIG: &str = "options: {port: {type: int, default: 80}}\n";
const ACTIONS: &str = "act: {}\n";

/// Returns `true` for an application that has a charm.
pub fn has_charm(application: &str) -> bool {
    application != "lb"
}

/// Returns the charm of an application, or `None` for the one that has no charm.
pub fn charm(application: &str) -> Option<CharmMeta> {
    // Every sequence deploys them again.
    static CHARMS: LazyLock<[(&str, CharmMeta); 3]> = LazyLock::new(|| {
        [("web", WEB), ("pg", PG), ("cron", CRON)].map(|(name, metadata)| {
            (name, CharmMeta::parse(metadata, Some(CONFIG), Some(ACTIONS)).unwrap())
        })
    });
    CHARMS.iter().find(|(name, _)| *name == application).map(|(_, charm)| charm.clone())
}

/// Returns what is deployed as an application.
pub fn deployment(application: &str, units: u32) -> Deployment {
    let deployment = charm(application).map_or_else(
        || Deployment::remote([EndpointMeta::new("site", EndpointRole::Requirer, "http")]),
        Deployment::charm,
    );
    deployment.units(units)
}

//! The applications of the sequences.

use charmwright_agent::{CharmMeta, Deployment, EndpointMeta, EndpointRole};

/// The names of the applications that can be deployed.
pub const APPLICATIONS: [&str; 4] = ["web", "pg", "cron", "lb"];

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
                   peers: {ring: {interface: ring}}\nprovides: {site: {interface: http}}\n\
                   requires: {db: {interface: sql, limit: 1}}\n";
const PG: &str = "name: pg\nsummary: s\ndescription: d\npeers: {cluster: {interface: pg}}\n\
                  provides: {db: {interface: sql}}\n";
const CRON: &str = "name: cron\nsummary: s\ndescription: d\n\
                    requires: {db: {interface: sql}, site: {interface: http}}\n";
const CONFIG: &str = "options: {port: {type: int, default: 80}}\n";
const ACTIONS: &str = "act: {}\n";

/// Returns the charm of an application, or `None` for the one that has no charm.
pub fn charm(application: &str) -> Option<CharmMeta> {
    let metadata = match application {
        "web" => WEB,
        "pg" => PG,
        "cron" => CRON,
        _ => return None,
    };
    Some(CharmMeta::parse(metadata, Some(CONFIG), Some(ACTIONS)).unwrap())
}

/// Returns what is deployed as an application.
pub fn deployment(application: &str, units: u32) -> Deployment {
    let deployment = charm(application).map_or_else(
        || Deployment::remote([EndpointMeta::new("site", EndpointRole::Requirer, "http")]),
        Deployment::charm,
    );
    deployment.units(units)
}

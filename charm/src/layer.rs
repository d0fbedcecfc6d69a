//! This module builds the charm's only layer, which holds the workload's service and its check.

use charmwright::pebble::{Check, CheckQuery, Layer, LayerMode, Override, Service, Startup};
use charmwright::{Container, LayerField, LayerKey, Result};

use crate::config::Config;
use crate::declared::WORKLOAD;

/// Adds the layer that the config asks for to Pebble's plan.
pub async fn put(workload: &Container, config: &Config) -> Result {
    // A layer cannot remove what an earlier one has added, so a check that the config no longer
    // asks for is replaced by a disabled one. A check that runs goes on when it is disabled
    // (Pebble 1.32, `internals/overlord/checkstate`), so it is stopped, too.
    let unwanted_check = config.health_check.is_none()
        && !workload.checks(&CheckQuery::all().names([WORKLOAD])).await?.is_empty();
    let mut layer = layer(config);
    if unwanted_check {
        layer = layer.check(WORKLOAD, disabled_check());
    }
    // From the second hook on the label is there already, and only combining is then allowed.
    workload.add_layer(WORKLOAD, &layer, LayerMode::Combine).await?;
    if unwanted_check {
        workload.stop_checks([WORKLOAD]).await?;
    }
    Ok(())
}

/// Builds the layer without asking Pebble anything.
fn layer(config: &Config) -> Layer {
    let layer = Layer::new().summary("any-workload-k8s").service(WORKLOAD, service(config));
    match &config.health_check {
        Some(check) => layer.check(WORKLOAD, check.to_pebble(config.port)),
        None => layer,
    }
}

/// Builds the service that runs the command of the config.
fn service(config: &Config) -> Service {
    let mut service = Service::new()
        // A merge would keep a key that an earlier config has set and this one has not.
        .override_mode(Override::Replace)
        .summary("The workload of any-workload-k8s")
        .command(config.command.as_str())
        .startup(Startup::Enabled);
    // Many images read PORT. What the operator sets in the option environment wins.
    if let Some(port) = config.port.filter(|_| !config.environment.has("PORT")) {
        service = service.env("PORT", port.to_string());
    }
    service = service.envs(config.environment.iter());
    if let Some(directory) = &config.working_dir {
        service = service.working_dir(directory);
    }
    if let Some(user) = &config.user {
        service = service.user(user);
    }
    if let Some(group) = &config.group {
        service = service.group(group);
    }
    service
}

/// Returns the config option from which a field of the layer takes its value, so that a value that
/// Pebble cannot use blocks the unit with the name of its option.
pub fn option_of(field: &LayerField) -> Option<&'static str> {
    if field.check().is_some() {
        return Some("health-check");
    }
    match field.key() {
        LayerKey::Command => Some("command"),
        LayerKey::User => Some("user"),
        LayerKey::Group => Some("group"),
        LayerKey::WorkingDir => Some("working-dir"),
        _ => None,
    }
}

/// Returns a check that Pebble does not run.
fn disabled_check() -> Check {
    // Pebble refuses a check without a kind (http, tcp or exec), so it has one that does nothing.
    Check::exec("true").override_mode(Override::Replace).startup(Startup::Disabled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn layer_of(options: serde_json::Value) -> Layer {
        layer(&serde_json::from_value(options).unwrap())
    }

    #[test]
    fn holds_what_the_config_says() {
        let layer = layer_of(json!({
            "command": "web --port 80", "environment": "{LEVEL: debug}", "port": 80,
            "health-check": "http:/live",
            "working-dir": "/srv", "user": "web", "group": "www",
        }));
        let service = &layer.get_services()[WORKLOAD];
        assert_eq!(service.get_command(), Some("web --port 80"));
        assert_eq!(service.get_startup(), Some(&Startup::Enabled));
        assert_eq!(service.get_environment()["LEVEL"], "debug");
        assert_eq!(service.get_environment()["PORT"], "80");
        assert_eq!(
            (service.get_working_dir(), service.get_user(), service.get_group()),
            (Some("/srv"), Some("web"), Some("www"))
        );
        let check = &layer.get_checks()[WORKLOAD];
        assert_eq!(
            check.get_http().and_then(|http| http.get_url()),
            Some("http://localhost:80/live")
        );
        layer.validate().unwrap();
        assert!(layer.combine_is_idempotent());
    }

    #[test]
    fn a_given_port_variable_wins_and_no_port_sets_none() {
        let layer = layer_of(json!({"command": "x", "environment": "{PORT: '1'}", "port": 80}));
        assert_eq!(layer.get_services()[WORKLOAD].get_environment()["PORT"], "1");
        let layer = layer_of(json!({"command": "x"}));
        assert!(layer.get_services()[WORKLOAD].get_environment().is_empty());
        assert!(layer.get_checks().is_empty());
    }

    #[test]
    fn the_check_that_never_runs_is_valid() {
        Layer::new().check(WORKLOAD, disabled_check()).validate().unwrap();
    }
}

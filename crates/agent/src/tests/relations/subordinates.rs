//! Tests of subordinates, whose units run beside those of another application.

use super::{Deployment, EndpointMeta, EndpointRole, World, meta, unit, variable};

const LOGGER: &str = "name: logger\nsummary: s\ndescription: d\nsubordinate: true\n\
    requires: {host: {interface: juju-info, scope: container}}\n";

fn with_logger(units: u32) -> World {
    let mut world = World::new(units);
    world.model.deploy("logger", Deployment::charm(meta(LOGGER))).unwrap();
    world.model.integrate("logger", "web").unwrap();
    world.settle();
    world
}

#[test]
fn each_principal_gets_a_unit_that_sees_only_it() {
    let mut world = with_logger(2);
    for (name, principal) in [("logger/0", "web/0"), ("logger/1", "web/1")] {
        let report = world.model.report(&unit(name)).unwrap();
        assert_eq!(report.relations[0].units, [principal]);
        world.model.update_status(&unit(name)).unwrap();
        let run = world.begin(name).unwrap();
        assert_eq!(variable(&run, "JUJU_PRINCIPAL_UNIT").as_deref(), Some(principal));
        let machine = world.model.record(&unit(principal)).unwrap().machine_id.clone();
        assert_eq!(machine, principal[4..], "each principal has a machine of its own");
        assert_eq!(variable(&run, "JUJU_MACHINE_ID"), Some(machine), "{name}");
        let other = if principal == "web/0" { "web/1" } else { "web/0" };
        assert_eq!(world.out(name, &["relation-list", "-r", "1"]), format!("{principal}\n"));
        world.out(name, &["relation-get", "-r", "1", "-", principal]);
        let (code, error) = world.error(name, &["relation-get", "-r", "1", "-", other]);
        assert_eq!(code, 1);
        assert!(error.starts_with("cannot read settings for unit"), "{error}");
    }
}

#[test]
fn a_principal_that_is_added_gets_its_own_and_one_that_goes_takes_it_along() {
    let mut world = with_logger(1);
    world.model.add_unit("web").unwrap();
    world.settle();
    assert_eq!(world.model.report(&unit("logger/1")).unwrap().relations[0].units, ["web/1"]);
    world.model.remove_unit(&unit("web/0")).unwrap();
    assert_eq!(
        world.run("logger/0")[..2],
        ["host-relation-departed web/0", "host-relation-broken"]
    );
    world.settle();
    let left: Vec<String> = world.model.units().iter().map(ToString::to_string).collect();
    assert_eq!(left, ["logger/1", "web/1"]);
}

#[test]
fn without_its_relation_a_subordinate_is_removed() {
    let mut world = with_logger(1);
    world.model.remove_relation("logger", "web").unwrap();
    assert_eq!(
        world.run("logger/0"),
        ["host-relation-departed web/0", "host-relation-broken", "stop", "remove"]
    );
}

#[test]
fn a_subordinate_has_the_units_of_its_principals_only() {
    let mut world = World::new(1);
    let units = world.model.deploy("logger", Deployment::charm(meta(LOGGER))).unwrap();
    assert!(units.is_empty(), "it is not related");
    let error = world.model.add_unit("logger").unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::State);
    assert_eq!(
        error.to_string(),
        "cannot add unit to application \"logger\": application is a subordinate"
    );
    world.model.integrate("logger", "web").unwrap();
    world.settle();
    let error = world.model.remove_unit(&unit("logger/0")).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::State);
    assert_eq!(
        error.to_string(),
        "cannot remove logger/0: unit \"logger/0\" is a subordinate, to remove use \
         remove-relation. Note: this will remove all units of \"logger\""
    );
    world.model.remove_application("logger").unwrap();
    world.settle();
    assert!(world.model.application("logger").is_err());
}

#[test]
fn a_unit_without_a_principal_waits_for_one() {
    let mut world = World::new(0);
    world.model.deploy("logger", Deployment::charm(meta(LOGGER)).units(1)).unwrap();
    world.settle();
    world.model.integrate("logger", "web").unwrap();
    assert!(world.run("logger/0").is_empty());
    world.model.add_unit("web").unwrap();
    world.run("web/0");
    assert_eq!(
        world.run("logger/0"),
        ["host-relation-created", "host-relation-joined web/0", "host-relation-changed web/0"]
    );
    assert_eq!(world.model.units().len(), 2, "the unit that was there is taken");
}

#[test]
fn the_scope_container_needs_a_subordinate() {
    let mut world = World::new(1);
    let inside = "name: x\nsummary: s\ndescription: d\n\
                  requires: {site: {interface: http, scope: container}}";
    world.model.deploy("x", Deployment::charm(meta(inside))).unwrap();
    let error = world.model.integrate("x", "web").unwrap_err().to_string();
    assert_eq!(error, "cannot add relation \"x web\": no relations found");
}

#[test]
fn a_subordinate_without_a_charm_is_played_beside_each_principal() {
    let mut world = World::new(0);
    let principal = "name: app\nsummary: s\ndescription: d\n\
                     provides: {nrpe: {interface: nrpe, scope: container}}";
    world.model.deploy("app", Deployment::charm(meta(principal)).units(2)).unwrap();
    let monitors = EndpointMeta::new("host", EndpointRole::Requirer, "nrpe");
    world.model.deploy("nrpe", Deployment::remote([monitors]).subordinate()).unwrap();
    world.model.integrate("app", "nrpe").unwrap();
    world.settle();
    for (name, beside) in [("app/0", "nrpe/0"), ("app/1", "nrpe/1")] {
        assert_eq!(world.model.report(&unit(name)).unwrap().relations[0].units, [beside]);
    }
    world.model.set_remote_unit_data(1, &unit("nrpe/1"), [("k", "v")]).unwrap();
    assert!(world.run("app/0").is_empty());
    assert_eq!(world.run("app/1"), ["nrpe-relation-changed nrpe/1"]);
    world.model.remove_unit(&unit("app/1")).unwrap();
    world.settle();
    let left: Vec<String> = world.model.units().iter().map(ToString::to_string).collect();
    assert_eq!(left, ["app/0", "nrpe/0"]);
}

#[test]
fn a_principal_without_a_charm_gets_the_charm_that_is_a_subordinate() {
    let mut world = World::new(0);
    world.model.deploy("logger", Deployment::charm(meta(LOGGER))).unwrap();
    world.model.deploy("app", Deployment::remote([]).units(2)).unwrap();
    world.model.integrate("logger", "app").unwrap();
    let ran = world.run("logger/0");
    assert!(ran.contains(&"host-relation-joined app/0".to_owned()), "{ran:?}");
    let ran = world.run("logger/1");
    assert!(ran.contains(&"host-relation-joined app/1".to_owned()), "{ran:?}");
}

//! Peers that elect a primary.

use charmwright_agent::RelationNumber;

use super::charms::peers::Peers;
use super::juju::{Juju, assert_all_done, hooks_of, name};

/// A model with three peers, and the number of their relation.
fn three() -> (Juju, RelationNumber) {
    let mut juju = Juju::new();
    juju.deploy("ring", "peers", 3, || Peers);
    assert_all_done(&juju.settle());
    let relation = juju.report("ring/0").relations[0].id;
    (juju, relation)
}

fn statuses(juju: &Juju) -> Vec<String> {
    juju.with(|model| model.units()).iter().map(|unit| juju.status(&unit.to_string())).collect()
}

#[test]
fn every_unit_reads_what_the_leader_chose() {
    let (juju, relation) = three();
    assert_eq!(
        statuses(&juju),
        ["active: primary, 3 members", "active: ring/0, 3 members", "active: ring/0, 3 members"]
    );
    assert_eq!(juju.app_data(relation, "ring")["primary"], "\"ring/0\"");
    for unit in ["ring/0", "ring/1", "ring/2"] {
        assert_eq!(juju.unit_data(relation, unit)["port"], "7000");
    }
}

#[test]
fn a_single_unit_has_peers_right_after_install() {
    let mut juju = Juju::new();
    juju.deploy("ring", "peers", 1, || Peers);
    let unit = name("ring/0");
    let install = juju.run_next(&unit).unwrap();
    assert_eq!(install.hook, "install");
    assert_eq!(juju.status("ring/0"), "waiting: ring: the peer relation does not exist yet");
    let created = juju.run_next(&unit).unwrap();
    assert_eq!(created.hook, "ring-relation-created");
    assert_eq!(juju.status("ring/0"), "active: primary, 1 members");
    assert_all_done(&juju.settle());
}

#[test]
fn the_primary_stays_with_another_leader_and_is_replaced_when_it_departs() {
    let (mut juju, relation) = three();
    juju.with(|model| model.set_leader(&name("ring/2"))).unwrap();
    assert_all_done(&juju.settle());
    assert_eq!(statuses(&juju)[2], "active: ring/0, 3 members");

    juju.with(|model| model.remove_unit(&name("ring/0"))).unwrap();
    let ran = juju.settle();
    assert_all_done(&ran);
    assert_eq!(hooks_of(&ran, "ring/2")[0], "ring-relation-departed");
    assert_eq!(statuses(&juju), ["active: primary, 2 members", "active: ring/1, 2 members"]);
    assert_eq!(juju.app_data(relation, "ring")["primary"], "\"ring/1\"");
}

#[test]
fn the_leader_that_departs_hands_over_and_a_new_unit_joins() {
    let (mut juju, _) = three();
    juju.with(|model| model.remove_unit(&name("ring/0"))).unwrap();
    assert_all_done(&juju.settle());
    assert_eq!(statuses(&juju), ["active: primary, 2 members", "active: ring/1, 2 members"]);

    juju.with(|model| model.add_unit("ring")).unwrap();
    assert_all_done(&juju.settle());
    assert_eq!(
        statuses(&juju),
        ["active: primary, 3 members", "active: ring/1, 3 members", "active: ring/1, 3 members"]
    );
}

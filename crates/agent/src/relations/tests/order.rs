//! Tests of the order of a relation's hooks, one for each rule of reference `juju-agent.md` 6.

use super::{RelationEvent, Sides};

#[test]
fn created_comes_first_then_joined_and_at_once_changed_for_each_unit() {
    let mut sides = Sides::new(&["web/0", "pg/10", "pg/2"]);
    for name in ["web/0", "pg/10", "pg/2"] {
        sides.enter(name);
    }
    assert_eq!(
        sides.run("web/0"),
        ["created pg", "joined pg/10", "changed pg/10", "joined pg/2", "changed pg/2"],
        "units come in the order of their names as texts"
    );
}

#[test]
fn an_application_databag_that_was_never_written_makes_no_hook() {
    let mut sides = Sides::new(&["web/0", "pg/0"]);
    sides.enter("web/0");
    assert_eq!(sides.run("web/0"), ["created pg"]);
    sides.write_application("pg", "1");
    sides.enter("pg/0");
    assert_eq!(
        sides.run("web/0"),
        ["changed pg", "joined pg/0", "changed pg/0"],
        "that of the application precedes the joins"
    );
    sides.write_application("web", "1");
    assert!(sides.run("web/0").is_empty(), "the own databag makes no hook");
}

#[test]
fn any_number_of_writes_makes_one_changed() {
    let mut sides = Sides::new(&["web/0", "pg/0"]);
    sides.enter("web/0");
    sides.enter("pg/0");
    sides.run("web/0");
    for value in ["1", "2", "3"] {
        sides.write_unit("pg/0", value);
        sides.write_application("pg", value);
    }
    assert_eq!(sides.run("web/0"), ["changed pg", "changed pg/0"]);
    sides.write_unit("pg/0", "3");
    assert!(sides.run("web/0").is_empty(), "the same value again");
}

#[test]
fn a_write_during_changed_makes_another_changed() {
    let mut sides = Sides::new(&["web/0", "pg/0"]);
    sides.enter("web/0");
    sides.enter("pg/0");
    sides.run("web/0");
    sides.write_unit("pg/0", "1");
    let hook = sides.next("web/0").unwrap();
    sides.write_unit("pg/0", "2");
    sides.complete("web/0", &hook);
    assert_eq!(sides.run("web/0"), ["changed pg/0"]);
}

#[test]
fn a_write_between_joined_and_changed_is_told_by_that_changed() {
    let mut sides = Sides::new(&["web/0", "pg/0"]);
    sides.enter("web/0");
    sides.enter("pg/0");
    for _ in ["created", "joined"] {
        let hook = sides.next("web/0").unwrap();
        sides.complete("web/0", &hook);
    }
    sides.write_unit("pg/0", "1");
    sides.write_application("pg", "1");
    assert_eq!(
        sides.run("web/0"),
        ["changed pg/0", "changed pg"],
        "nothing of the relation comes between joined and changed"
    );
}

#[test]
fn a_unit_that_went_before_its_changed_is_told_first_and_then_departs() {
    let mut sides = Sides::new(&["web/0", "pg/0"]);
    sides.enter("web/0");
    sides.enter("pg/0");
    for _ in ["created", "joined"] {
        let hook = sides.next("web/0").unwrap();
        sides.complete("web/0", &hook);
    }
    sides.remove_unit("pg/0");
    assert_eq!(sides.run("web/0"), ["changed pg/0", "departed pg/0"]);
}

#[test]
fn every_unit_departs_before_broken() {
    let mut sides = Sides::new(&["web/0", "pg/0", "pg/1"]);
    for name in ["web/0", "pg/0", "pg/1"] {
        sides.enter(name);
        sides.run(name);
    }
    sides.run("web/0");
    sides.relations.destroy(0);
    assert_eq!(sides.run("web/0"), ["departed pg/0", "departed pg/1", "broken pg"]);
    assert_eq!(sides.run("pg/0"), ["departed web/0", "broken web"]);
    assert!(sides.relations.get(0).is_some(), "pg/1 is still in it");
    sides.run("pg/1");
    assert!(sides.relations.get(0).is_none());
}

#[test]
fn a_removed_unit_departs_for_the_others_and_leaves_by_itself() {
    let mut sides = Sides::new(&["web/0", "pg/0", "pg/1"]);
    for name in ["web/0", "pg/0", "pg/1"] {
        sides.enter(name);
    }
    for name in ["web/0", "pg/0", "pg/1"] {
        sides.run(name);
    }
    sides.remove_unit("pg/0");
    assert_eq!(sides.run("web/0"), ["departed pg/0"]);
    assert_eq!(sides.run("pg/0"), ["departed web/0 (pg/0 leaves)", "broken web"]);
    assert!(sides.run("pg/1").is_empty(), "it never saw the other unit of its application");
}

#[test]
fn a_failed_hook_comes_again_as_it_was() {
    let mut sides = Sides::new(&["web/0", "pg/0"]);
    sides.enter("web/0");
    sides.enter("pg/0");
    let first = sides.next("web/0");
    assert_eq!(first, sides.next("web/0"), "a hook that is not completed stays due");
    assert_eq!(first.unwrap().event, RelationEvent::Created);
}

#[test]
fn a_relation_that_ends_before_the_unit_looked_makes_no_hook() {
    let mut sides = Sides::new(&["web/0", "pg/0"]);
    sides.enter("pg/0");
    sides.relations.destroy(0);
    sides.enter("web/0");
    assert!(sides.run("web/0").is_empty());
    assert_eq!(sides.run("pg/0"), ["broken web"], "no relation-created of a dying relation");
}

#[test]
fn a_restarted_agent_takes_an_entered_relation_for_created() {
    let mut sides = Sides::new(&["web/0", "pg/0"]);
    sides.enter("web/0");
    sides.enter("pg/0");
    let Sides { relations, agents } = &mut sides;
    agents.iter_mut().for_each(|agent| agent.relations.agent_restarted(relations));
    assert_eq!(sides.run("web/0"), ["joined pg/0", "changed pg/0"]);
}

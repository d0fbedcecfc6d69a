//! Any sequence of the secret tools, of several units with relations and changes of leadership,
//! keeps what a unit may not read from it, and comes to its end.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::super::{HookExit, Resolve};
use super::*;

const UNITS: [&str; 3] = ["web/0", "web/1", "pg/0"];

/// Each value of a secret starts with this and the application that has set it.
const MARK: &str = "of-";

#[derive(Debug, Clone)]
enum Step {
    /// Calls a tool on one of the secrets, in the hook that runs or in a new one.
    Call(usize, Vec<&'static str>, usize),
    Finish(usize, i32),
    Lead(usize),
    Relate(bool),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let calls = prop::sample::select(vec![
        vec!["secret-add", "--label=l1", "CONTENT"],
        vec!["secret-add", "--owner=unit", "--label=l2", "CONTENT"],
        vec!["secret-add", "--rotate=hourly", "--expire=2h", "CONTENT"],
        vec!["secret-set", "ID", "CONTENT"],
        vec!["secret-set", "ID", "--label=l1"],
        vec!["secret-set", "ID", "CONTENT", "--expire=1h", "--rotate=never"],
        vec!["secret-get", "ID"],
        vec!["secret-get", "ID", "--label=l1", "--format=json"],
        vec!["secret-get", "ID", "--refresh"],
        vec!["secret-get", "ID", "--peek", "key"],
        vec!["secret-get", "--label=l1"],
        vec!["secret-get", "--label=l2", "--refresh"],
        vec!["secret-grant", "ID", "-r", "RELATION"],
        vec!["secret-grant", "ID", "-r", "RELATION", "--unit=pg/0"],
        vec!["secret-revoke", "ID", "--app=pg"],
        vec!["secret-revoke", "ID", "--unit=pg/0"],
        vec!["secret-remove", "ID"],
        vec!["secret-remove", "ID", "--revision=1"],
        vec!["secret-ids"],
        vec!["secret-info-get", "ID"],
        vec!["secret-info-get", "--label=l1"],
    ]);
    let unit = || 0..UNITS.len();
    prop_oneof![
        12 => (unit(), calls, 0..6_usize).prop_map(|(unit, call, id)| Step::Call(unit, call, id)),
        6 => (unit(), prop::sample::select(vec![0, 0, 0, 1]))
            .prop_map(|(unit, code)| Step::Finish(unit, code)),
        1 => unit().prop_map(Step::Lead),
        1 => any::<bool>().prop_map(Step::Relate),
        1 => (0..5000_u64).prop_map(Step::Wait),
    ]
}

/// What a test of a sequence remembers.
#[derive(Default)]
struct Seen {
    ids: Vec<String>,
    values: u32,
    /// The secrets of `web` that were ever granted to `pg`, and those of `pg` never to `web`.
    granted: BTreeSet<String>,
}

fn do_step(world: &mut World, seen: &mut Seen, step: &Step) {
    match step {
        Step::Call(unit, call, id) => call_tool(world, seen, UNITS[*unit], call, *id),
        Step::Finish(unit, code) => {
            let exit = HookExit::Code(*code);
            let _ = world.model.finish(&name(UNITS[*unit]), &exit, world.now, b"", b"");
        }
        Step::Lead(unit) => world.model.set_leader(&name(UNITS[*unit])).unwrap(),
        Step::Relate(true) => {
            let _ = world.model.integrate("web:db", "pg:server");
        }
        Step::Relate(false) => {
            let _ = world.model.remove_relation("web:db", "pg:server");
        }
        Step::Wait(seconds) => world.advance(*seconds),
    }
}

fn call_tool(world: &mut World, seen: &mut Seen, unit: &str, call: &[&str], id: usize) {
    if world.model.record(&name(unit)).unwrap().running.is_none() {
        world.model.update_status(&name(unit)).unwrap();
        let _ = world.next(unit);
    }
    if world.model.record(&name(unit)).unwrap().running.is_none() {
        return;
    }
    let id = seen.ids.get(id).cloned().unwrap_or_else(|| "9m4e2mr0ui3e8a215n4g".to_owned());
    let application = unit.split('/').next().unwrap();
    seen.values += 1;
    let content = format!("key={MARK}{application}-{}", seen.values);
    let relations = world.model.relations.of(application);
    let relation = relations.filter(|relation| !relation.is_peer()).last();
    let relation = relation.map_or("none".to_owned(), |relation| relation.id().to_string());
    let call: Vec<&str> = call
        .iter()
        .map(|part| match *part {
            "ID" => id.as_str(),
            "CONTENT" => content.as_str(),
            "RELATION" => relation.as_str(),
            part => part,
        })
        .collect();
    let answer = world.call(unit, &call);
    let printed = text(&answer.stdout);
    assert!(answer.code <= 2 && (answer.code == 0 || printed.is_empty()), "{call:?}");
    match call[0] {
        "secret-add" if answer.code == 0 => seen.ids.push(printed.trim().to_owned()),
        "secret-grant" if answer.code == 0 && application == "web" => {
            seen.granted.insert(id);
        }
        "secret-get" => {
            // `pg` never grants anything, so `web` never reads what is of `pg`.
            assert!(!(application == "web" && printed.contains("of-pg")), "{unit} {call:?}");
            let is_foreign = application == "pg" && printed.contains("of-web");
            assert!(!is_foreign || !seen.granted.is_empty(), "{unit} {call:?}");
        }
        _ => assert!(!printed.contains(MARK), "{call:?} has printed a content"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_sequence_comes_to_its_end(steps in prop::collection::vec(step(), 1..80)) {
        let mut world = World::new();
        let mut seen = Seen::default();
        for step in &steps {
            do_step(&mut world, &mut seen, step);
            prop_assert!(!format!("{:?}", world.model).contains(MARK), "Debug shows a content");
        }
        // If every further hook succeeds, nothing is due before some time has passed.
        for unit in UNITS {
            let _ = world.model.finish(&name(unit), &HookExit::Code(0), world.now, b"", b"");
            let _ = world.model.resolved(&name(unit), Resolve::NoRetry);
        }
        world.settle();
        for unit in UNITS {
            prop_assert!(world.model.unit(&name(unit)).unwrap().is_settled(world.now), "{unit}");
        }
    }
}

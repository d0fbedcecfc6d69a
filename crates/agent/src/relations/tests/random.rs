//! A test with random writes, joins and departures: the hooks come in a permitted order, and in the
//! end each side was told what the other has written.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{RelationEvent, RelationHook, Sides};

const UNITS: [&str; 5] = ["web/0", "web/1", "pg/0", "pg/2", "pg/10"];

#[derive(Debug, Clone)]
enum Step {
    /// The unit's agent looks for relations to enter.
    Enter(usize),
    /// The unit's next hook succeeds.
    Run(usize),
    /// The unit's next hook fails, so it stays due.
    Fail(usize),
    WriteUnit(usize, u8),
    WriteApplication(bool, u8),
    RemoveUnit(usize),
    RemoveRelation,
}

fn step() -> impl Strategy<Value = Step> {
    let unit = || 0..UNITS.len();
    prop_oneof![
        4 => unit().prop_map(Step::Enter),
        12 => unit().prop_map(Step::Run),
        2 => unit().prop_map(Step::Fail),
        5 => (unit(), 0..3_u8).prop_map(|(unit, value)| Step::WriteUnit(unit, value)),
        3 => (any::<bool>(), 0..3_u8).prop_map(|(web, value)| Step::WriteApplication(web, value)),
        1 => unit().prop_map(Step::RemoveUnit),
        1 => Just(Step::RemoveRelation),
    ]
}

/// What a charm was told so far, as it would note it itself.
#[derive(Debug, Default)]
struct Told {
    is_created: bool,
    is_broken: bool,
    /// The joined units, each with the version that it was told last.
    members: BTreeMap<String, u64>,
    application: u64,
    /// The unit whose changed must come next.
    owed: Option<String>,
}

impl Told {
    fn check(&mut self, hook: &RelationHook, is_dying: bool) -> Result<(), TestCaseError> {
        let unit = hook.remote_unit.as_ref().map(ToString::to_string);
        prop_assert!(!self.is_broken, "{hook:?} came after broken");
        if let Some(owed) = self.owed.take() {
            prop_assert_eq!(hook.event, RelationEvent::Changed);
            prop_assert_eq!(unit.as_ref(), Some(&owed));
        }
        match (hook.event, unit) {
            (RelationEvent::Created, None) => {
                prop_assert!(!self.is_created && self.members.is_empty());
                self.is_created = true;
            }
            (RelationEvent::Joined, Some(unit)) => {
                prop_assert!(self.is_created && !is_dying);
                prop_assert!(self.members.insert(unit.clone(), hook.version).is_none());
                self.owed = Some(unit);
            }
            (RelationEvent::Changed, Some(unit)) => {
                prop_assert!(self.members.insert(unit, hook.version).is_some());
            }
            (RelationEvent::Changed, None) => {
                prop_assert!(hook.version != self.application && hook.version > 0);
                self.application = hook.version;
            }
            (RelationEvent::Departed, Some(unit)) => {
                prop_assert!(self.members.remove(&unit).is_some());
            }
            (RelationEvent::Broken, None) => {
                prop_assert!(self.members.is_empty());
                self.is_broken = true;
            }
            (event, unit) => prop_assert!(false, "{event} with the unit {unit:?}"),
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn hooks_come_in_jujus_order_and_tell_everything(
        steps in prop::collection::vec(step(), 0..150)
    ) {
        let mut sides = Sides::new(&UNITS);
        let mut told: BTreeMap<&str, Told> = BTreeMap::new();
        let run = |sides: &mut Sides, told: &mut BTreeMap<&str, Told>, name: &'static str| {
            let Some(hook) = sides.next(name) else { return Ok(false) };
            let is_dying = sides.agent(name).is_dying;
            told.entry(name).or_default().check(&hook, is_dying)?;
            sides.complete(name, &hook);
            Ok::<bool, TestCaseError>(true)
        };
        let name = |unit: usize| UNITS.get(unit).copied().unwrap_or("web/0");
        for step in steps {
            match step {
                Step::Enter(unit) => sides.enter(name(unit)),
                Step::Run(unit) => {
                    run(&mut sides, &mut told, name(unit))?;
                }
                Step::Fail(unit) => {
                    let hook = sides.next(name(unit));
                    prop_assert_eq!(hook, sides.next(name(unit)));
                }
                Step::WriteUnit(unit, value) => sides.write_unit(name(unit), &value.to_string()),
                Step::WriteApplication(web, value) => {
                    sides.write_application(if web { "web" } else { "pg" }, &value.to_string());
                }
                Step::RemoveUnit(unit) => sides.remove_unit(name(unit)),
                Step::RemoveRelation => {
                    sides.relations.destroy(0);
                }
            }
        }
        // Every agent runs on until nothing is due.
        let mut rounds = 0;
        loop {
            let mut has_run = false;
            for unit in UNITS {
                sides.enter(unit);
                has_run |= run(&mut sides, &mut told, unit)?;
            }
            rounds += 1;
            prop_assert!(rounds < 500, "no end");
            if !has_run {
                break;
            }
        }
        for unit in UNITS {
            let note = told.entry(unit).or_default();
            prop_assert!(note.owed.is_none());
            let is_dying = sides.agent(unit).is_dying;
            match sides.relations.get(0).filter(|relation| !relation.is_dying()) {
                Some(relation) if !is_dying => {
                    let view = relation.view(&unit.parse().unwrap());
                    let seen: BTreeMap<String, u64> =
                        view.units.iter().map(|(name, now)| (name.to_string(), *now)).collect();
                    prop_assert_eq!(&note.members, &seen);
                    prop_assert_eq!(note.application, view.application.unwrap().1);
                }
                _ => {
                    prop_assert!(note.members.is_empty());
                    prop_assert!(note.is_broken || !note.is_created);
                }
            }
        }
    }
}

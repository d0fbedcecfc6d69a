//! A test of random commands and hooks in a model of two charms: the hooks come in a permitted
//! order, no hook that fails writes anything, and in the end each charm has read what the other one
//! has written.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::{
    Deployment, Finished, HookExit, HookRun, ModelSettings, PG, RelationEvent, World, advance,
    meta, unit,
};
use crate::Resolve;

type Data = BTreeMap<String, String>;

#[derive(Debug, Clone)]
enum Step {
    /// A unit begins the hook that is due, or ends the one that runs.
    Go(usize),
    /// A unit's running hook fails or is killed.
    Fail(usize, bool),
    /// A unit's running hook writes a databag: of the unit or of the application.
    Write(usize, bool, u8),
    Wait,
    Resolved(usize),
    Config(u8),
    Lead(usize),
    Integrate,
    RemoveRelation,
    AddUnit(bool),
    /// A unit on which no charm runs is added, or writes its databags.
    AddPlayed(bool),
    WritePlayed(usize, u8),
    /// An application is removed, or deployed again once it has gone.
    RemoveApplication(bool),
    Deploy(bool),
    RemoveUnit(usize),
    AgentRestarted(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let unit = || 0..6_usize;
    prop_oneof![
        30 => unit().prop_map(Step::Go),
        3 => (unit(), any::<bool>()).prop_map(|(unit, kill)| Step::Fail(unit, kill)),
        12 => (unit(), any::<bool>(), 0..4_u8).prop_map(|(unit, app, n)| Step::Write(unit, app, n)),
        2 => Just(Step::Wait),
        1 => unit().prop_map(Step::Resolved),
        2 => (0..9_u8).prop_map(Step::Config),
        1 => unit().prop_map(Step::Lead),
        2 => Just(Step::Integrate),
        1 => Just(Step::RemoveRelation),
        1 => any::<bool>().prop_map(Step::AddUnit),
        1 => any::<bool>().prop_map(Step::AddPlayed),
        3 => (unit(), 0..4_u8).prop_map(|(unit, value)| Step::WritePlayed(unit, value)),
        1 => any::<bool>().prop_map(Step::RemoveApplication),
        2 => any::<bool>().prop_map(Step::Deploy),
        1 => unit().prop_map(Step::RemoveUnit),
        1 => unit().prop_map(Step::AgentRestarted),
    ]
}

/// What the charm of one unit has read of one relation.
#[derive(Debug, Default)]
struct Read {
    is_broken: bool,
    units: BTreeMap<String, Data>,
    app: Data,
    /// The unit whose relation-changed comes next.
    owed: Option<String>,
}

#[derive(Default)]
struct Charms {
    reads: BTreeMap<(String, u32), Read>,
    running: BTreeMap<String, HookRun>,
}

impl Charms {
    /// Does what a charm does in a hook that succeeds: it reads the side that the hook tells of.
    fn read(&mut self, world: &mut World, name: &str, run: &HookRun) -> Result<(), TestCaseError> {
        let Some(hook) = run.kind().relation() else { return Ok(()) };
        let read = self.reads.entry((name.to_owned(), hook.relation().get())).or_default();
        prop_assert!(!read.is_broken, "{hook:?} came after broken");
        let remote = hook.remote_unit().map(ToString::to_string);
        if let Some(owed) = read.owed.take() {
            prop_assert_eq!(hook.event(), RelationEvent::Changed);
            prop_assert_eq!(remote.as_ref(), Some(&owed));
        }
        let mut get = |line: &[&str]| {
            let text = world.out(name, &[line, &["--format=json"]].concat());
            serde_json::from_str::<Value>(&text).unwrap()
        };
        let data = |value: Value| serde_json::from_value::<Data>(value).unwrap();
        let listed: Vec<String> = serde_json::from_value(get(&["relation-list"])).unwrap();
        match (hook.event(), remote) {
            (RelationEvent::Created, None) => prop_assert!(read.units.is_empty()),
            (RelationEvent::Joined, Some(unit)) => {
                prop_assert!(listed.contains(&unit) && !read.units.contains_key(&unit));
                read.units.insert(unit.clone(), data(get(&["relation-get"])));
                read.owed = Some(unit);
            }
            (RelationEvent::Changed, Some(unit)) => {
                prop_assert!(read.units.contains_key(&unit));
                read.units.insert(unit, data(get(&["relation-get"])));
            }
            (RelationEvent::Changed, None) => read.app = data(get(&["relation-get", "--app"])),
            (RelationEvent::Departed, Some(unit)) => {
                prop_assert!(!listed.contains(&unit));
                prop_assert!(read.units.remove(&unit).is_some());
            }
            (RelationEvent::Broken, None) => {
                prop_assert!(read.units.is_empty() && listed.is_empty());
                read.is_broken = true;
            }
            (event, unit) => prop_assert!(false, "{event} with the unit {unit:?}"),
        }
        let known: Vec<String> = read.units.keys().cloned().collect();
        prop_assert_eq!(known, listed);
        Ok(())
    }

    fn go(&mut self, world: &mut World, name: &str) -> Result<bool, TestCaseError> {
        if let Some(run) = self.running.remove(name) {
            self.read(world, name, &run)?;
            let finished = world.finish(name, HookExit::Code(0));
            if finished.committed() {
                return Ok(true);
            }
            // The commit was refused, so the charm is told the same again.
            self.forget(name, &run);
            return Ok(true);
        }
        let run = world.begin(name);
        let has_begun = run.is_some();
        self.running.extend(run.map(|run| (name.to_owned(), run)));
        Ok(has_begun)
    }

    /// Takes back what the charm has read in a hook that comes again.
    fn forget(&mut self, name: &str, run: &HookRun) {
        let Some(hook) = run.kind().relation() else { return };
        let read = self.reads.entry((name.to_owned(), hook.relation().get())).or_default();
        let remote = hook.remote_unit().map(ToString::to_string);
        match (hook.event(), remote) {
            (RelationEvent::Joined, Some(unit)) => {
                read.units.remove(&unit);
                read.owed = None;
            }
            (RelationEvent::Changed, Some(unit)) => read.owed = Some(unit),
            (RelationEvent::Departed, Some(unit)) => {
                read.units.insert(unit, Data::new());
            }
            (RelationEvent::Broken, None) => read.is_broken = false,
            _ => {}
        }
    }

    fn fail(&mut self, world: &mut World, name: &str, is_kill: bool) -> Option<Finished> {
        self.running.remove(name)?;
        let exit = if is_kill { HookExit::Signal(9) } else { HookExit::Code(1) };
        let before = all_data(world);
        let finished = world.finish(name, exit);
        assert_eq!(all_data(world), before, "{name} has written something");
        Some(finished)
    }
}

/// Returns every databag of the relations 0 to 19.
fn all_data(world: &World) -> Vec<Data> {
    let applications = ["web", "pg"];
    let units = world.model.units();
    (0..20)
        .flat_map(|id| {
            let apps =
                applications.iter().filter_map(move |name| world.model.app_data(id, name).ok());
            let units: Vec<Data> = units
                .iter()
                .filter_map(|name| world.model.unit_data(id, name).ok().cloned())
                .collect();
            apps.cloned().chain(units)
        })
        .collect()
}

fn application(web: bool) -> &'static str {
    if web { "web" } else { "pg" }
}

fn apply(world: &mut World, charms: &mut Charms, step: &Step) -> Result<(), TestCaseError> {
    let units = world.model.units();
    let name = |index: &usize| {
        let found = units.get(index % units.len().max(1));
        found.map(ToString::to_string).unwrap_or_default()
    };
    if units.is_empty() && !matches!(step, Step::Deploy(_)) {
        return Ok(());
    }
    match step {
        Step::Go(index) => {
            charms.go(world, &name(index))?;
        }
        Step::Fail(index, is_kill) => {
            charms.fail(world, &name(index), *is_kill);
        }
        Step::Write(index, app, value) => {
            let name = name(index);
            let reports = world.model.report(&unit(&name)).unwrap();
            if charms.running.contains_key(&name) {
                for relation in reports.relations {
                    let (id, pair) = (relation.id.to_string(), format!("k={value}"));
                    let line = ["relation-set", "-r", &id, &pair, "--app"];
                    let line = if *app { &line[..] } else { &line[..4] };
                    // A follower is refused, and so is a relation that the unit has not entered.
                    let _ = world.answer(&name, line);
                }
            }
        }
        Step::Wait => advance(world, 300),
        Step::Resolved(index) => {
            // A charm is not told of a hook that is skipped, so it is only retried here.
            let _ = world.model.resolved(&unit(&name(index)), Resolve::Retry);
        }
        Step::Config(port) => {
            let _ = world.model.set_config("web", "port", &port.to_string());
        }
        Step::Lead(index) => world.model.set_leader(&unit(&name(index))).unwrap(),
        Step::Integrate => {
            let _ = world.model.integrate("web", "pg");
        }
        Step::RemoveRelation => {
            let _ = world.model.remove_relation("web", "pg");
        }
        Step::AddUnit(web) if units.len() < 6 => {
            // An application that is being removed refuses it.
            let _ = world.model.add_unit(application(*web));
        }
        Step::AddPlayed(web) if units.len() < 6 => {
            let _ = world.model.add_played_unit(application(*web));
        }
        Step::AddUnit(_) | Step::AddPlayed(_) => {}
        Step::WritePlayed(index, value) => {
            let name = unit(&name(index));
            for relation in world.model.report(&name).unwrap().relations {
                let value = value.to_string();
                let data = [("k", value.as_str())];
                // A charm refuses it, and so does a relation that the unit is not in.
                let _ = world.model.set_remote_unit_data(relation.id, &name, data);
            }
        }
        Step::RemoveApplication(web) => {
            let _ = world.model.remove_application(application(*web));
        }
        Step::Deploy(web) => {
            let metadata = if *web { super::WEB } else { PG };
            let _ = world.model.deploy(application(*web), Deployment::charm(meta(metadata)));
        }
        Step::RemoveUnit(index) => world.model.remove_unit(&unit(&name(index))).unwrap(),
        Step::AgentRestarted(index) => {
            let name = name(index);
            // The hook that runs is killed with its agent.
            charms.fail(world, &name, true);
            world.model.agent_restarted(&unit(&name)).unwrap();
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn both_sides_agree_in_the_end(
        steps in prop::collection::vec(step(), 0..200),
        version in prop::sample::select(vec!["3.6.28", "4.0.15"]),
    ) {
        let settings = ModelSettings::new().juju_version(version.parse().unwrap());
        let mut world = World::with_settings(settings, 2);
        world.model.deploy("pg", Deployment::charm(meta(PG)).units(2)).unwrap();
        let mut charms = Charms::default();
        for step in &steps {
            apply(&mut world, &mut charms, step)?;
        }
        let mut is_busy = true;
        for _ in 0..3000 {
            if !is_busy {
                break;
            }
            is_busy = false;
            advance(&mut world, 300);
            for name in world.model.units() {
                is_busy |= charms.go(&mut world, &name.to_string())?;
            }
        }
        prop_assert!(!is_busy, "no end");
        let dying = world.model.applications.values().find(|application| application.is_dying);
        prop_assert!(dying.is_none(), "{dying:?} has not gone");
        let dying = world.model.relations.iter().find(|relation| relation.is_dying());
        prop_assert!(dying.is_none(), "{dying:?} has not gone");
        let with_charm = world.model.units().into_iter();
        let with_charm: Vec<_> =
            with_charm.filter(|name| world.model.unit(name).unwrap().has_agent()).collect();
        for name in with_charm {
            prop_assert!(world.model.unit(&name).unwrap().is_settled(world.now));
            for relation in world.model.report(&name).unwrap().relations {
                prop_assert_eq!(&relation.state, "joined");
                let read = charms.reads.entry((name.to_string(), relation.id.get())).or_default();
                prop_assert!(!read.is_broken && read.owed.is_none());
                let present: BTreeMap<String, Data> = world
                    .model
                    .units()
                    .iter()
                    .filter(|other| other.application().as_str() == relation.remote_app)
                    .filter(|other| **other != name)
                    .map(|other| {
                        let data = world.model.unit_data(relation.id, other).unwrap();
                        (other.to_string(), data.clone())
                    })
                    .collect();
                prop_assert_eq!(&read.units, &present, "{} in {}", name, relation.id);
                let data = world.model.app_data(relation.id, &relation.remote_app).unwrap();
                prop_assert_eq!(&read.app, data);
            }
        }
    }
}

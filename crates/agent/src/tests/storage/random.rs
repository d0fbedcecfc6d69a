//! A test of storage in any order of commands and hooks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::super::{
    Deployment, HookExit, HookKind, Model, Next, Resolve, StorageId, StorageState, Substrate,
    UnitName,
};
use super::{charm, optional, settings, tool};

#[derive(Debug, Clone)]
enum Step {
    /// Runs one hook of a unit, with storage-add if the flag says so, and ends it with this exit.
    Hook(usize, bool, u8),
    Add(usize, bool),
    Attach(usize, usize),
    Detach(usize),
    Remove(usize),
    Provision(usize),
    AddUnit(bool),
    RemoveUnit(usize),
    EndPod(usize),
    Resolve(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0_usize..6;
    prop_oneof![
        12 => (n.clone(), any::<bool>(), 0_u8..8).prop_map(|(u, add, e)| Step::Hook(u, add, e)),
        2 => (n.clone(), any::<bool>()).prop_map(|(u, o)| Step::Add(u, o)),
        2 => (n.clone(), n.clone()).prop_map(|(u, i)| Step::Attach(u, i)),
        3 => n.clone().prop_map(Step::Detach),
        1 => n.clone().prop_map(Step::Remove),
        2 => n.clone().prop_map(Step::Provision),
        1 => any::<bool>().prop_map(Step::AddUnit),
        1 => n.clone().prop_map(Step::RemoveUnit),
        1 => n.clone().prop_map(Step::EndPod),
        1 => (n, any::<bool>()).prop_map(|(u, r)| Step::Resolve(u, r)),
    ]
}

/// The instances of which each unit was told by a storage-attached that has succeeded, and for
/// which no storage-detaching has.
#[derive(Default)]
struct Told(BTreeMap<UnitName, Vec<StorageId>>);

impl Told {
    /// Takes a hook that has succeeded or was skipped, and checks that it was allowed to come.
    fn take(&mut self, unit: &UnitName, kind: &HookKind) {
        let told = self.0.entry(unit.clone()).or_default();
        match kind {
            HookKind::StorageAttached(hook) => {
                assert!(!told.contains(hook.id()), "{unit} is told twice of {}", hook.id());
                assert!(hook.location().is_some(), "{} is not provisioned", hook.id());
                told.push(hook.id().clone());
            }
            HookKind::StorageDetaching(hook) => {
                assert!(told.contains(hook.id()), "{unit} was not told of {}", hook.id());
                told.retain(|id| id != hook.id());
            }
            HookKind::Remove => assert!(told.is_empty(), "{unit} leaves with {told:?}"),
            _ => {}
        }
    }
}

fn run_one(model: &mut Model, told: &mut Told, unit: &UnitName, add: bool, exit: u8, now: Instant) {
    let kind = match model.next(unit, now).unwrap() {
        Next::Run(run) => run.kind().clone(),
        Next::PodEnded => {
            model.pod_started(unit).unwrap();
            return;
        }
        _ => return,
    };
    if add {
        let _ = tool(model, &unit.to_string(), &["storage-add", "logs"]);
    }
    let exit = match exit {
        0 => HookExit::Code(1),
        1 => HookExit::Signal(9),
        _ => HookExit::Code(0),
    };
    let finished = model.finish(unit, &exit, now, b"", b"").unwrap();
    if finished.committed() {
        told.take(unit, &kind);
    }
}

fn nth<T: Clone>(items: &[T], at: usize) -> Option<T> {
    items.get(at.checked_rem(items.len())?).cloned()
}

fn take(model: &mut Model, told: &mut Told, step: &Step, now: Instant) {
    let units = model.units();
    let ids: Vec<StorageId> = model.storages().map(|instance| instance.id().clone()).collect();
    let (unit, id) = (|at| nth(&units, at), |at| nth(&ids, at));
    // A command may be refused in the present state; then it changes nothing that is checked here.
    match *step {
        Step::Hook(at, add, exit) => {
            if let Some(unit) = unit(at) {
                run_one(model, told, &unit, add, exit, now);
            }
        }
        Step::Add(at, many) => {
            let name = if many { "many" } else { "logs" };
            let _ = unit(at).map(|unit| model.add_storage(&unit, name, 1));
        }
        Step::Attach(at, which) => {
            let _ = unit(at).zip(id(which)).map(|(unit, id)| model.attach_storage(&unit, &id));
        }
        Step::Detach(which) => drop(id(which).map(|id| model.detach_storage(&id))),
        Step::Remove(which) => drop(id(which).map(|id| model.remove_storage(&id))),
        Step::Provision(which) => drop(id(which).map(|id| model.provision_storage(&id))),
        Step::AddUnit(optional) => drop(model.add_unit(if optional { "opt" } else { "web" })),
        Step::RemoveUnit(at) => drop(unit(at).map(|unit| model.remove_unit(&unit))),
        Step::EndPod(at) => drop(unit(at).map(|unit| model.end_pod(&unit))),
        Step::Resolve(at, retry) => {
            let Some(unit) = unit(at) else { return };
            let failed = model.unit(&unit).unwrap().record.lifecycle.error.as_ref();
            let failed = failed.map(|error| error.kind.clone());
            let how = if retry { Resolve::Retry } else { Resolve::NoRetry };
            if model.resolved(&unit, how).is_ok() && !retry {
                told.take(&unit, &failed.unwrap());
            }
        }
    }
    for instance in model.storages() {
        match instance.unit() {
            None => assert_eq!(instance.state(), StorageState::Detached),
            Some(unit) => assert!(!model.unit(unit).unwrap().is_gone(), "{unit} left storage"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_sequence_tells_each_unit_of_its_storage_once(
        is_kubernetes in any::<bool>(),
        is_automatic in any::<bool>(),
        steps in prop::collection::vec(step(), 0..120),
    ) {
        let substrate =
            if is_kubernetes { Substrate::Kubernetes } else { Substrate::Machine };
        let mut model = Model::new(settings(substrate).provision_storage(is_automatic));
        model.deploy("web", Deployment::charm(charm()).units(2)).unwrap();
        model.deploy("opt", Deployment::charm(optional()).storage("logs", 1)).unwrap();
        let (mut told, start) = (Told::default(), Instant::now());
        for (second, step) in (0..).zip(&steps) {
            take(&mut model, &mut told, step, start + Duration::from_secs(second * 400));
        }
        // At the end each instance is provisioned, each error is resolved, and each hook runs.
        let ids: Vec<StorageId> = model.storages().map(|instance| instance.id().clone()).collect();
        for id in &ids {
            let _ = model.provision_storage(id);
        }
        let mut now = start + Duration::from_secs(1_000_000);
        for unit in model.units() {
            for _ in 0..200 {
                now += Duration::from_secs(301);
                let settled = model.unit(&unit).is_ok_and(|unit| unit.is_settled(now));
                if settled { break }
                run_one(&mut model, &mut told, &unit, false, 9, now);
            }
            let own = model.storages().filter(|instance| instance.unit() == Some(&unit));
            let mut own: Vec<StorageId> = own.map(|instance| instance.id().clone()).collect();
            let mut told = told.0.get(&unit).cloned().unwrap_or_default();
            own.sort();
            told.sort();
            prop_assert_eq!(own, told, "{} was not told of its storage", unit);
        }
    }
}

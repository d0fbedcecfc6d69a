//! Property tests of several applications and units: whatever the operator does and however hooks
//! end, the leader is one of the living, numbers are used once, and everything comes to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::{
    CharmMeta, Deployment, ErrorKind, HookExit, Model, ModelSettings, Next, Resolve, UnitName,
};

/// Two applications that can be related, and a subordinate of both.
const NAMES: [&str; 3] = ["web", "db", "log"];

/// Makes the charm of an application, with a peer relation or without.
fn charm(application: &str, has_peers: bool) -> CharmMeta {
    let endpoints = match application {
        "web" => "requires: {db: {interface: sql}}\n",
        "db" => "provides: {server: {interface: sql}}\n",
        _ => "subordinate: true\nrequires: {host: {interface: juju-info, scope: container}}\n",
    };
    let peers = if has_peers { "peers: {ring: {interface: ring}}\n" } else { "" };
    let metadata = format!("name: x\nsummary: s\ndescription: d\n{endpoints}{peers}");
    let config = "options: {port: {type: int, default: 80}}";
    CharmMeta::parse(&metadata, Some(config), Some("act: {}")).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Deploy(u32),
    AddUnit,
    RemoveUnit(usize),
    RemoveApplication,
    Next(usize),
    Finish(usize, i32),
    Lead(usize),
    NoLeader,
    Config(i64),
    Trust(bool),
    Refresh(bool),
    Integrate(usize),
    RemoveRelation(usize),
    AgentRestarted(usize),
    PodLost(usize),
    Resolved(usize),
    Action(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let unit = || 0..5_usize;
    prop_oneof![
        2 => (0..3_u32).prop_map(Step::Deploy),
        2 => Just(Step::AddUnit),
        2 => unit().prop_map(Step::RemoveUnit),
        1 => Just(Step::RemoveApplication),
        12 => unit().prop_map(Step::Next),
        12 => (unit(), prop::sample::select(vec![0, 0, 0, 1])).prop_map(|(unit, code)| {
            Step::Finish(unit, code)
        }),
        1 => unit().prop_map(Step::Lead),
        1 => Just(Step::NoLeader),
        1 => (0..3_i64).prop_map(Step::Config),
        1 => any::<bool>().prop_map(Step::Trust),
        1 => any::<bool>().prop_map(Step::Refresh),
        3 => (0..NAMES.len()).prop_map(Step::Integrate),
        1 => (0..NAMES.len()).prop_map(Step::RemoveRelation),
        1 => unit().prop_map(Step::AgentRestarted),
        1 => unit().prop_map(Step::PodLost),
        1 => unit().prop_map(Step::Resolved),
        1 => unit().prop_map(Step::Action),
    ]
}

/// Does a step on one of the applications. A refusal of a unit or an application that is not there,
/// or that is being removed, is as good as a success.
fn do_step(model: &mut Model, application: &str, step: &Step, now: Instant) {
    let units = model.units_of(application).unwrap_or_default();
    let unit = |number: usize| match units.get(number % units.len().max(1)) {
        Some(unit) => unit.clone(),
        None => format!("{application}/{number}").parse::<UnitName>().unwrap(),
    };
    let outcome = match step {
        Step::Deploy(units) => {
            let deployment = Deployment::charm(charm(application, true)).units(*units);
            model.deploy(application, deployment).map(drop)
        }
        Step::AddUnit => model.add_unit(application).map(drop),
        Step::RemoveUnit(number) => model.remove_unit(&unit(*number)),
        Step::RemoveApplication => model.remove_application(application),
        Step::Next(number) => model.next(&unit(*number), now).map(drop),
        Step::Finish(number, code) => {
            model.finish(&unit(*number), &HookExit::Code(*code), now, b"", b"").map(drop)
        }
        Step::Lead(number) => model.set_leader(&unit(*number)),
        Step::NoLeader => model.unset_leader(application),
        Step::Config(port) => model.set_config(application, "port", &port.to_string()),
        Step::Trust(trust) => model.trust(application, *trust),
        Step::Refresh(has_peers) => model.refresh(application, charm(application, *has_peers)),
        Step::Integrate(other) => model.integrate(application, NAMES[*other]).map(drop),
        Step::RemoveRelation(other) => model.remove_relation(application, NAMES[*other]),
        Step::AgentRestarted(number) => model.agent_restarted(&unit(*number)),
        Step::PodLost(number) => model.pod_lost(&unit(*number)),
        Step::Resolved(number) => model.resolved(&unit(*number), Resolve::NoRetry),
        Step::Action(number) => model.run_action(&unit(*number), "act", &[]).map(drop),
    };
    if let Err(error) = outcome {
        let refusals = [ErrorKind::NotFound, ErrorKind::State, ErrorKind::Relation];
        assert!(refusals.contains(&error.kind()), "{error}");
    }
}

/// Begins a hook on the first unit that has one due.
fn begin_any(model: &mut Model, now: Instant) -> Option<UnitName> {
    // A unit without a hook may enter a relation of juju-info, which makes hooks due on others.
    (0..2).find_map(|_| {
        let mut units = model.units().into_iter();
        units.find(|unit| matches!(model.next(unit, now), Ok(Next::Run(_))))
    })
}

/// Checks what holds after every step.
fn check(model: &Model, used: &mut BTreeMap<&str, BTreeSet<u32>>) -> Result<(), TestCaseError> {
    for name in NAMES {
        let Ok(application) = model.application(name) else {
            // A new application of this name may use the numbers again.
            used.remove(name);
            prop_assert!(model.units().iter().all(|unit| unit.application().as_str() != name));
            continue;
        };
        let units = model.units_of(name).unwrap();
        let leads = |unit: &&UnitName| model.unit(unit).unwrap().is_leader();
        let leaders: Vec<&UnitName> = units.iter().filter(leads).collect();
        prop_assert!(leaders.len() <= 1);
        prop_assert_eq!(application.leader(), leaders.first().copied(), "a leader is alive");
        let is_dying = |unit: &UnitName| model.unit(unit).unwrap().is_dying();
        if application.elects_leader && !units.iter().all(is_dying) {
            prop_assert!(application.leader().is_some(), "{application:?}");
        }
        let used = used.entry(name).or_default();
        for unit in units {
            let newest = used.last().copied();
            let is_new = used.insert(unit.number());
            prop_assert!(!is_new || newest.is_none_or(|newest| newest < unit.number()));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_model_stays_whole(
        steps in prop::collection::vec((prop::sample::select(&NAMES[..]), step()), 0..150),
    ) {
        let mut model = Model::new(ModelSettings::new().update_status_interval(None));
        let (mut now, mut used) = (Instant::now(), BTreeMap::new());
        for (application, step) in &steps {
            now += Duration::from_secs(1);
            do_step(&mut model, application, step, now);
            check(&model, &mut used)?;
        }
        // If every further hook succeeds, each unit ends with nothing due, or is gone.
        for unit in model.units() {
            let _ = model.finish(&unit, &HookExit::Code(0), now, b"", b"");
        }
        now += Duration::from_secs(300);
        // The end of one unit may make a hook due on another: the next leader.
        let mut ran = 0;
        while let Some(unit) = begin_any(&mut model, now) {
            model.finish(&unit, &HookExit::Code(0), now, b"", b"").unwrap();
            ran += 1;
            prop_assert!(ran < 500);
        }
        check(&model, &mut used)?;
        for unit in model.units() {
            let unit = model.unit(&unit).unwrap();
            prop_assert!(unit.is_settled(now) && !unit.is_dying(), "{unit:?}");
        }
        prop_assert!(model.applications().all(|application| !application.is_dying));
    }
}

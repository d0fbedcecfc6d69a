//! Tests the handles that a charm's code gets: the hook, the views and the containers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::fake_pebble::accepting;
use super::fakes::Unit;
use super::probe::{Act, Declared, Web};
use crate::juju::Port;
use crate::{
    ActionResult, Charm, ContainerView, ErrorKind, Event, Hook, Outcome, Phase, Result,
    RetryPolicy, Statuses, UnitView,
};

/// Returns the retry policy that a function which only reads has.
fn policy_of(web: &ContainerView) -> RetryPolicy {
    web.policy().clone()
}

fn once(seconds: u64) -> RetryPolicy {
    RetryPolicy::once(Duration::from_secs(seconds))
}

/// A charm that records the retry policies of its handles.
struct PolicyProbe<'a>(&'a Mutex<Vec<RetryPolicy>>);

impl Charm for PolicyProbe<'_> {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, _: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        let web = hook.container(Web);
        let seen = [
            web.policy().clone(),
            policy_of(web.view()),
            policy_of(&hook.view().container(Web)),
            hook.container_named("web")?.policy().clone(),
            hook.containers().next().unwrap().policy().clone(),
            web.clone().with_retry(once(7)).policy().clone(),
        ];
        self.0.lock().unwrap().extend(seen);
        Ok(Outcome::done())
    }

    async fn action(&mut self, _: Act, _: &Hook<Declared>) -> Result<ActionResult> {
        Ok(ActionResult::new())
    }

    async fn collect_status(&self, unit: &UnitView<Declared>, _: &mut Statuses) -> Result {
        let web = unit.container(Web);
        let named = unit.container_named("web")?;
        let seen = [policy_of(&web), policy_of(&named), policy_of(&web.with_retry(once(7)))];
        self.0.lock().unwrap().extend(seen);
        self.0.lock().unwrap().extend(unit.containers().map(|web| policy_of(&web)));
        Ok(())
    }
}

#[test]
fn the_retry_policy_is_the_handles_own() {
    for (unit, hook, handlers) in [
        (Unit::in_operation(), "hooks/config-changed", Phase::Operation.policy()),
        (Unit::new(), "hooks/config-changed", Phase::Setup.policy()),
        (Unit::in_operation(), "hooks/stop", once(10)),
    ] {
        let seen = Mutex::default();
        assert_eq!(unit.run_charm(PolicyProbe(&seen), hook).code, 0);
        let expected: Vec<RetryPolicy> = [&handlers; 5]
            .into_iter()
            .cloned()
            .chain([once(7)])
            // collect-status makes one attempt, whatever policy it sets.
            .chain([once(2), once(2), once(2), once(2)])
            .collect();
        assert_eq!(seen.into_inner().unwrap(), expected, "{hook}");
    }
}

/// A charm that runs a function as its handler.
struct RunsFunction<F>(F);

impl<F: FnMut(&Hook<Declared>) -> Result> Charm for RunsFunction<F> {
    type Declared = Declared;

    async fn reconcile(&mut self, hook: &Hook<Declared>) -> Result {
        (self.0)(hook)
    }

    async fn action(&mut self, _: Act, hook: &Hook<Declared>) -> Result<ActionResult> {
        (self.0)(hook)?;
        Ok(ActionResult::new())
    }
}

const CONFIG_CHANGED: &str = "hooks/config-changed";

#[test]
fn a_container_that_is_not_declared_is_an_error_by_name_alone() {
    let unit = Unit::in_operation();
    let ran = unit.run_charm(
        RunsFunction(|hook: &Hook<Declared>| {
            assert!(hook.view().container_named("other").is_err());
            hook.container_named("other")?;
            Ok(())
        }),
        CONFIG_CHANGED,
    );
    let error = ran.report.failure().unwrap();
    assert_eq!(error.kind(), &ErrorKind::Undeclared);
    assert_eq!(
        error.to_string(),
        "cannot use container \"other\": the charm \"probe\" declares [\"web\"] in \
         Declaration::METADATA"
    );
}

#[test]
fn options_that_cannot_be_read_fail_no_container() {
    let unit = Unit::in_operation().with_pebble(accepting);
    unit.break_tool("config-get");
    let seen = Mutex::default();
    let ran = unit.run_charm(PolicyProbe(&seen), CONFIG_CHANGED);
    // The handler got its container, with the framework's own values.
    assert_eq!(seen.into_inner().unwrap()[0], Phase::Operation.policy());
    assert!(
        ran.err.contains("the operator's retry options do not count: cannot read"),
        "{}",
        ran.err
    );
    // collect-status, which needs the config too, says what is wrong.
    let failure = ran.report.failure().unwrap().to_string();
    assert!(failure.starts_with("cannot read the application's config"), "{failure}");
}

#[test]
fn reconcile_runs_for_every_event_that_changes_the_world() {
    let unit = Unit::in_operation();
    for (hook, runs) in [
        ("install", 1),
        ("config-changed", 1),
        ("update-status", 1),
        ("leader-elected", 1),
        ("web-pebble-ready", 1),
        ("db-relation-changed", 1),
        ("stop", 0),
        ("remove", 0),
    ] {
        let mut count = 0;
        let count_runs = |_: &Hook<Declared>| {
            count += 1;
            Ok(())
        };
        assert_eq!(unit.run_charm(RunsFunction(count_runs), &format!("hooks/{hook}")).code, 0);
        assert_eq!(count, runs, "{hook}");
    }
}

#[test]
fn the_state_is_one_value_that_a_failed_change_leaves_alone() {
    let unit = Unit::in_operation();
    let ran = unit.run_charm(
        RunsFunction(|hook: &Hook<Declared>| {
            assert_eq!(*hook.state()?, "");
            hook.update_state(|state| state.push_str("one"))?;
            let held = hook.state()?;
            hook.update_state(|state| state.push_str(" two"))?;
            assert_eq!((held.as_str(), hook.state()?.as_str()), ("one", "one two"));
            let large = hook.update_state(|state| *state = "x".repeat(61_440)).unwrap_err();
            assert_eq!(large.kind(), &ErrorKind::State);
            let change = || hook.update_state(|_| panic!("in the middle"));
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(change)).unwrap_err();
            assert_eq!(*hook.state()?, "one two");
            Ok(())
        }),
        CONFIG_CHANGED,
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = unit.run_charm(
        RunsFunction(|hook: &Hook<Declared>| {
            assert_eq!(*hook.view().state()?, "one two");
            Ok(())
        }),
        CONFIG_CHANGED,
    );
    assert_eq!((ran.code, ran.tools.contains(&"state-set")), (0, false), "{ran:?}");
}

#[test]
fn a_hook_opens_the_missing_ports_and_closes_the_stale_ones() {
    let unit = Unit::in_operation();
    let set = |ports: &[Port]| {
        let set = |hook: &Hook<Declared>| {
            hook.set_ports(ports.iter().copied())?;
            assert_eq!(hook.opened_ports()?, ports.iter().copied().collect::<BTreeSet<_>>());
            Ok(())
        };
        let ran = unit.run_charm(RunsFunction(set), CONFIG_CHANGED);
        assert_eq!(ran.code, 0, "{ran:?}");
        let about_ports = |tool: &&'static str| tool.ends_with("-port");
        ran.tools.into_iter().filter(about_ports).collect::<Vec<_>>()
    };
    let (http, dns) = (Port::tcp(80), Port::udp(53));
    assert_eq!(set(&[http, dns, http]), ["open-port", "open-port"]);
    assert_eq!(set(&[dns, http]), [""; 0]);
    assert_eq!(set(&[dns]), ["close-port"]);
    assert_eq!(set(&[]), ["close-port"]);
}

#[test]
fn a_hook_knows_its_unit() {
    let unit = Unit::in_operation();
    let seen = Arc::new(Mutex::new(None));
    let ran = unit.run_charm(
        RunsFunction(|hook: &Hook<Declared>| {
            hook.set_workload_version("7.2")?;
            let resource = hook.tools().resource("image").unwrap_err();
            *seen.lock().unwrap() = Some((
                hook.name().to_string(),
                hook.application().to_string(),
                hook.is_leader()?,
                resource.kind().clone(),
            ));
            Ok(())
        }),
        CONFIG_CHANGED,
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let failed = crate::juju::ErrorKind::NotFound;
    assert_eq!(
        seen.lock().unwrap().take(),
        Some(("probe/0".to_owned(), "probe".to_owned(), false, failed))
    );
    assert_eq!(unit.tools.report().unwrap().version, "7.2");
}

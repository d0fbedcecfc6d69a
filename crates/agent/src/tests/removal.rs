//! Tests of the removal of units and applications, of the leadership that moves, and of an agent
//! or a pod that is lost in a hook.

use std::time::{Duration, Instant};

use super::super::{
    ActionStatus, Deployment, ErrorKind, HookExit, InProcessTools, Model, ModelSettings, Next,
    Resolve, ToolRequest, ToolStep,
};
use super::applications::{charm, model_of, name, run_all, settle, started};

fn leader(model: &Model) -> Option<String> {
    model.application("web").unwrap().leader().map(ToString::to_string)
}

#[test]
fn the_number_of_a_removed_unit_is_not_used_again() {
    let mut model = started(2);
    model.remove_unit(&name("web/1")).unwrap();
    assert_eq!(run_all(&mut model, "web/1"), ["stop", "remove"]);
    assert_eq!(model.add_unit("web").unwrap(), name("web/2"));
    assert_eq!(model.units(), [name("web/0"), name("web/2")]);
    assert_eq!(
        run_all(&mut model, "web/2"),
        ["install", "leader-settings-changed", "config-changed", "start"]
    );
    let mut model = Model::new(ModelSettings::new());
    model.deploy("web", Deployment::charm(charm()).first_unit_number(3)).unwrap();
    assert_eq!(model.add_unit("web").unwrap(), name("web/4"));
}

#[test]
fn a_unit_that_is_gone_is_read_and_not_commanded() {
    let mut model = started(2);
    let unit = name("web/1");
    model.set_config("web", "port", "81").unwrap();
    let tools = InProcessTools::new(model, unit.clone());
    let now = Instant::now();
    tools.begin(now).unwrap();
    tools.juju().open_port("80".parse().unwrap()).unwrap();
    tools.juju().set_state(&[("a".to_owned(), "1".to_owned())].into()).unwrap();
    tools.finish(0, now).unwrap();
    tools.with_model(|model, unit| {
        model.remove_unit(unit).unwrap();
        model.remove_unit(unit).unwrap();
        assert!(model.unit(unit).unwrap().is_dying());
        assert_eq!(run_all(model, "web/1"), ["stop", "remove"]);
        let gone = model.unit(unit).unwrap();
        assert!(gone.is_gone() && !gone.is_dying() && gone.is_settled(now));
        assert_eq!(
            (gone.state()["a"].as_str(), gone.report().status.as_str()),
            ("1", "terminated")
        );
        assert!(gone.report().ports.is_empty());
        assert!(matches!(model.next(unit, now), Ok(Next::Gone)));
        for error in [
            model.remove_unit(unit).unwrap_err(),
            model.set_leader(unit).unwrap_err(),
            model.update_status(unit).unwrap_err(),
            model.resolved(unit, Resolve::Retry).unwrap_err(),
            model.end_pod(unit).unwrap_err(),
            model.agent_restarted(unit).unwrap_err(),
            model.run_action(unit, "act", &[]).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
    });
}

#[test]
fn a_unit_is_stopped_only_after_it_has_started_and_accepts_no_leadership() {
    // It has run no hook: its agent is not waited for.
    let mut model = model_of(2);
    model.remove_unit(&name("web/1")).unwrap();
    assert_eq!(model.units(), [name("web/0")]);
    // It has installed only.
    let now = Instant::now();
    assert!(matches!(model.next(&name("web/0"), now), Ok(Next::Run(_))));
    model.remove_unit(&name("web/0")).unwrap();
    model.finish(&name("web/0"), &HookExit::Code(0), now, b"", b"").unwrap();
    assert_eq!(run_all(&mut model, "web/0"), ["remove"]);
    assert!(model.units().is_empty());
}

#[test]
fn leadership_moves_when_the_leader_is_gone() {
    let mut model = started(4);
    assert_eq!(leader(&model).as_deref(), Some("web/0"));
    model.remove_unit(&name("web/0")).unwrap();
    model.remove_unit(&name("web/1")).unwrap();
    assert_eq!(leader(&model).as_deref(), Some("web/0"), "it leads while it lives");
    assert_eq!(run_all(&mut model, "web/0"), ["stop", "remove"]);
    assert_eq!(leader(&model).as_deref(), Some("web/2"), "a dying unit does not take it");
    assert_eq!(run_all(&mut model, "web/2"), ["leader-elected"]);
    assert_eq!(run_all(&mut model, "web/3"), [""; 0]);
    model.set_leader(&name("web/3")).unwrap();
    assert_eq!(run_all(&mut model, "web/2"), [""; 0]);
    assert_eq!(run_all(&mut model, "web/3"), ["leader-elected"]);
    for unit in ["web/1", "web/2", "web/3"] {
        model.remove_unit(&name(unit)).unwrap();
        run_all(&mut model, unit);
    }
    assert_eq!(leader(&model), None);
    model.add_unit("web").unwrap();
    assert_eq!(leader(&model).as_deref(), Some("web/4"), "the first unit of an empty application");
}

#[test]
fn leadership_that_was_taken_away_does_not_come_back_by_itself() {
    let mut model = started(2);
    model.unset_leader("web").unwrap();
    model.add_unit("web").unwrap();
    assert_eq!(leader(&model), None);
    model.set_leader(&name("web/1")).unwrap();
    model.set_leader(&name("web/0")).unwrap();
    assert_eq!(run_all(&mut model, "web/1"), [""; 0], "lost while leader-elected was queued");
    assert_eq!(run_all(&mut model, "web/0"), ["leader-elected"]);
    let mut model = Model::new(ModelSettings::new());
    model.deploy("web", Deployment::charm(charm()).units(2).leader(false)).unwrap();
    assert_eq!(leader(&model), None);
}

#[test]
fn an_application_is_gone_with_its_last_unit() {
    let mut model = started(2);
    model.deploy("other", Deployment::charm(charm())).unwrap();
    model.remove_application("web").unwrap();
    model.remove_application("web").unwrap();
    let refused = model.add_unit("web").unwrap_err();
    assert_eq!(
        (refused.kind(), refused.to_string().as_str()),
        (
            ErrorKind::State,
            "cannot add unit to application \"web\": application is not found or not alive"
        )
    );
    assert_eq!(model.refresh("web", charm()).unwrap_err().kind(), ErrorKind::State);
    assert_eq!(
        model.deploy("web", Deployment::charm(charm())).unwrap_err().kind(),
        ErrorKind::State
    );
    assert_eq!(run_all(&mut model, "web/1"), ["stop", "remove"]);
    assert!(model.unit(&name("web/1")).is_ok(), "its log can be read");
    let mut ran = Vec::new();
    while let Ok(Next::Run(run)) = model.next(&name("web/0"), Instant::now()) {
        ran.push(run.name());
        model.finish(&name("web/0"), &HookExit::Code(0), Instant::now(), b"", b"").unwrap();
    }
    assert_eq!(ran, ["stop", "remove"]);
    for unit in ["web/0", "web/1"] {
        assert_eq!(model.unit(&name(unit)).unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(model.units(), [name("other/0")]);
    // The name is free again, and the numbers begin anew, as for any new application.
    assert_eq!(model.deploy("web", Deployment::charm(charm())).unwrap(), [name("web/0")]);
    model.remove_application("web").unwrap();
    assert!(model.application("web").is_err(), "no unit of it has run a hook");
}

#[test]
fn a_skipped_remove_is_the_end_too() {
    let mut model = started(2);
    let unit = name("web/0");
    model.remove_unit(&unit).unwrap();
    let now = Instant::now();
    for (hook, code) in [("stop", 0), ("remove", 1)] {
        assert!(matches!(model.next(&unit, now), Ok(Next::Run(run)) if run.name() == hook));
        model.finish(&unit, &HookExit::Code(code), now, b"", b"").unwrap();
    }
    model.resolved(&unit, Resolve::NoRetry).unwrap();
    assert!(model.unit(&unit).unwrap().is_gone());
    assert_eq!(leader(&model).as_deref(), Some("web/1"));
}

#[test]
fn a_unit_that_goes_takes_its_pending_actions_along() {
    let mut model = model_of(1);
    let id = model.run_action(&name("web/0"), "act", &[]).unwrap();
    model.remove_unit(&name("web/0")).unwrap();
    let unit = model.unit(&name("web/0")).unwrap();
    let action = unit.action(&id).unwrap();
    assert_eq!((action.status(), action.message()), (ActionStatus::Cancelled, "unit removed"));
}

#[test]
fn a_hook_fails_when_its_agent_or_its_pod_is_lost() {
    for lose in [Model::agent_restarted, Model::pod_lost] {
        let mut model = started(1);
        let (unit, now) = (name("web/0"), Instant::now());
        model.set_config("web", "port", "81").unwrap();
        let Ok(Next::Run(run)) = model.next(&unit, now) else { panic!("no hook") };
        let request = ToolRequest {
            context_id: run.id().to_owned(),
            dir: "/".into(),
            name: "state-set".to_owned(),
            args: vec!["a=1".to_owned()],
            ..ToolRequest::default()
        };
        assert!(matches!(model.tool(&unit, &request), ToolStep::Done(answer) if answer.code == 0));
        lose(&mut model, &unit).unwrap();
        assert!(matches!(model.tool(&unit, &request), ToolStep::Done(answer) if answer.code == 1));
        assert_eq!(model.report(&unit).unwrap().message, "hook failed: \"config-changed\"");
        assert!(model.unit(&unit).unwrap().state().is_empty(), "nothing is committed");
        let wait = Duration::from_secs(5);
        assert!(matches!(model.next(&unit, now), Ok(Next::At(when)) if when == now + wait));
        assert!(matches!(model.next(&unit, now + wait), Ok(Next::Run(run)) if run.attempt() == 2));

        // An action does not run again.
        let mut model = started(1);
        let id = model.run_action(&unit, "act", &[]).unwrap();
        assert!(matches!(model.next(&unit, now), Ok(Next::Run(_))));
        lose(&mut model, &unit).unwrap();
        let action = model.unit(&unit).unwrap().action(&id).cloned().unwrap();
        assert_eq!(
            (action.status(), action.message()),
            (ActionStatus::Failed, "action terminated")
        );
        assert!(!run_all(&mut model, "web/0").contains(&"act".to_owned()));
        settle(&mut model);
    }
}

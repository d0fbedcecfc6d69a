//! Property tests: whatever happens to a unit, the order of hooks holds, and nothing panics.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::super::{CharmMeta, Ending, NoticeInfo, Resolve, Substrate};
use super::{Fixture, HookExit, Next};

#[derive(Debug, Clone)]
enum Step {
    Next,
    Finish(HookExit),
    Wait(u64),
    Config(i64),
    Leader(bool),
    Refresh,
    UpdateStatus,
    Stop,
    Resolved(Resolve),
    Seen(u8),
    Down,
    CheckFailed,
    Notice(u8),
    Action,
    AgentRestarted,
    EndPod,
    PodStarted,
    Tool(&'static [&'static str]),
}

fn step() -> impl Strategy<Value = Step> {
    let exit = prop_oneof![
        4 => Just(HookExit::Code(0)),
        2 => (1..3_i32).prop_map(HookExit::Code),
        1 => prop::sample::select(vec![9, 11, 15]).prop_map(HookExit::Signal),
        1 => Just(HookExit::Missing),
    ];
    let tool = prop::sample::select(vec![
        &["state-set", "k=v"][..],
        &["state-delete", "k"],
        &["open-port", "80"],
        &["close-port", "80"],
        &["status-set", "active"],
        &["juju-reboot"],
    ]);
    prop_oneof![
        8 => Just(Step::Next),
        8 => exit.prop_map(Step::Finish),
        3 => (0..400_u64).prop_map(Step::Wait),
        1 => (0..3_i64).prop_map(Step::Config),
        1 => any::<bool>().prop_map(Step::Leader),
        1 => Just(Step::Refresh),
        1 => Just(Step::UpdateStatus),
        1 => Just(Step::Stop),
        1 => prop::sample::select(vec![Resolve::Retry, Resolve::NoRetry]).prop_map(Step::Resolved),
        2 => (0..3_u8).prop_map(Step::Seen),
        1 => Just(Step::Down),
        1 => Just(Step::CheckFailed),
        1 => (0..3_u8).prop_map(Step::Notice),
        1 => Just(Step::Action),
        1 => Just(Step::AgentRestarted),
        1 => Just(Step::EndPod),
        1 => Just(Step::PodStarted),
        3 => tool.prop_map(Step::Tool),
    ]
}

/// Does a step, and returns the name of the hook that it has begun.
fn do_step(fixture: &mut Fixture, step: &Step) -> Option<String> {
    // For the commands of the operator and for Pebble a unit that is gone is not there.
    let is_for_all = matches!(step, Step::Next | Step::Finish(_) | Step::Wait(_) | Step::Tool(_));
    if fixture.unit.record().lifecycle.is_gone && !is_for_all {
        return None;
    }
    match step {
        Step::Next => {
            if let Next::Run(run) = fixture.unit.next(fixture.now) {
                return Some(run.name());
            }
        }
        Step::Finish(exit) => {
            let before = (fixture.unit.state().clone(), fixture.unit.report().ports);
            if let Ok(finished) = fixture.unit.finish(exit, fixture.now, b"", b"") {
                let kept = matches!(finished.ending(), Ending::Committed | Ending::Skipped)
                    || finished.committed();
                let after = (fixture.unit.state().clone(), fixture.unit.report().ports);
                assert!(kept || before == after, "{finished:?} wrote something");
            }
        }
        Step::Wait(seconds) => fixture.now += Duration::from_secs(*seconds),
        Step::Config(port) => fixture.unit.set_config("port", &port.to_string()).unwrap(),
        Step::Leader(leader) => fixture.unit.set_leader(*leader),
        Step::Refresh => fixture.unit.refresh_to_same(),
        Step::UpdateStatus => fixture.unit.update_status(),
        Step::Stop => fixture.unit.remove_unit(),
        Step::Resolved(how) => {
            let _ = fixture.unit.resolved(*how);
        }
        Step::Seen(boot) => fixture.unit.pebble_seen("web", &boot.to_string()).unwrap(),
        Step::Down => fixture.unit.pebble_down("web").unwrap(),
        Step::CheckFailed => fixture.unit.check_failed("web", "up").unwrap(),
        Step::Notice(key) => {
            let notice = NoticeInfo { id: "1".into(), kind: "custom".into(), key: key.to_string() };
            fixture.unit.custom_notice("web", notice).unwrap();
        }
        Step::Action => {
            fixture.unit.run_action("restart", &[]).unwrap();
        }
        Step::AgentRestarted => fixture.unit.agent_restarted(),
        Step::EndPod => fixture.unit.end_pod(),
        // The running hook is killed together with its pod.
        Step::PodStarted => {
            let _ = fixture.unit.finish(&HookExit::Signal(9), fixture.now, b"", b"");
            fixture.unit.pod_started();
        }
        Step::Tool(line) => {
            let request = fixture.request(line);
            let _ = fixture.unit.tool(&request);
        }
    }
    None
}

proptest! {
    // One case has up to 120 steps, so a hundred cases are enough.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn jujus_order_holds(steps in prop::collection::vec(step(), 0..120), in_pod: bool) {
        let substrate = if in_pod { Substrate::Kubernetes } else { Substrate::Machine };
        let mut fixture = Fixture::with_settings(|settings| settings.substrate(substrate));
        let mut begun: Vec<String> = Vec::new();
        let mut gone = false;
        for step in &steps {
            let failed = fixture.unit.report().failed_hook.map(|failed| failed.hook);
            let was_installed = fixture.unit.record().lifecycle.is_installed;
            let was_busy = fixture.unit.record().running.is_some();
            if let Some(name) = do_step(&mut fixture, step) {
                prop_assert!(!was_busy, "{name} began beside another");
                prop_assert!(!gone, "{name} began on a unit that is gone");
                let install_begun = begun.iter().any(|hook| hook == "install");
                prop_assert!(
                    was_installed || name == "install" || (install_begun && name == "restart"),
                    "{name} began before install was done"
                );
                if let Some(failed) = failed {
                    let lost_lead = failed == "leader-elected" && !fixture.unit.is_leader();
                    let leaving = name == "stop" && fixture.unit.record().lifecycle.is_pod_ending;
                    prop_assert!(
                        name == failed || name == "restart" || lost_lead || leaving,
                        "{name} began while {failed} was in error"
                    );
                }
                begun.push(name);
            }
            gone |= fixture.unit.record().lifecycle.is_gone;
            let report = fixture.unit.report();
            prop_assert_eq!(
                report.status == "error",
                report.failed_hook.is_some() && fixture.unit.record().running.is_none()
            );
            if fixture.unit.is_settled(fixture.now) {
                prop_assert!(report.failed_hook.is_none());
                prop_assert!(fixture.unit.record().running.is_none());
            }
        }
        // If every further hook succeeds, the unit ends with nothing due.
        if fixture.unit.record().running.is_some() {
            fixture.finish(HookExit::Code(0));
        }
        fixture.advance(300);
        fixture.run_all();
        let lifecycle = &fixture.unit.record().lifecycle;
        if lifecycle.is_pod_ending && !lifecycle.is_gone {
            prop_assert!(matches!(fixture.unit.next(fixture.now), Next::PodEnded));
            fixture.unit.pod_started();
            fixture.advance(300);
            fixture.run_all();
        }
        let is_gone = fixture.unit.record().lifecycle.is_gone;
        prop_assert_eq!(is_gone, steps.iter().any(|step| matches!(step, Step::Stop)));
        if is_gone {
            return Ok(());
        }
        fixture.unit.pebble_seen("web", "last").unwrap();
        fixture.unit.pebble_down("side").unwrap();
        fixture.run_all();
        prop_assert!(fixture.unit.is_settled(fixture.now), "{begun:?} left {:?}", fixture.unit);
    }

    #[test]
    fn no_charm_file_panics(
        metadata in "(name: (web|W)\nsummary: s\ndescription: d\n)?\
                     (containers|requires|peers|resources): (\\{a: \\{\\}\\}|\\[a\\]|1)\n\
                     |\\PC{0,40}",
        config in "options:\n  [a-z]{1,3}: \\{type: (int|string|float|boolean|secret|x), \
                   default: (1|x|true|1.5|null|\\[\\])\\}\n|\\PC{0,40}",
        actions in "[a-zA-Z]{1,3}:\n  (params|required|additionalProperties): \
                    (1|\\[a\\]|\\{a: \\{type: integer\\}\\}|true)\n|\\PC{0,40}",
    ) {
        if let Err(error) = CharmMeta::parse(&metadata, Some(&config), Some(&actions)) {
            prop_assert!(error.to_string().starts_with("cannot "), "{}", error);
        }
    }

    #[test]
    fn no_parameters_panic(
        schema in prop::sample::select(vec![
            json!({"type": "integer", "minimum": "x"}),
            json!({"type": ["string", 7], "maxLength": -1}),
            json!({
                "type": "array",
                "items": {"type": "object", "properties": {"a": {"enum": []}}, "required": [1, "a"]}
            }),
            json!({"type": 5, "default": [null]}),
            json!({"type": "unheard-of", "properties": []}),
            json!({
                "type": "array",
                "items": {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"]}
            }),
            json!({
                "anyOf": [{"pattern": "^[0-9]+$"}, {"multipleOf": 0.1}], "not": {"minLength": 3}
            }),
            json!({
                "properties": {"a": {"default": 1}}, "patternProperties": {".": {"maximum": 5}}
            }),
        ]),
        key in "[a.]{0,4}|\\PC{0,4}",
        value in "\\PC{0,12}|\\[\\{a: 1\\}\\]|[0-9]{1,25}",
    ) {
        let actions = json!({ "act": { "params": { "a": schema } } }).to_string();
        let mut fixture = Fixture::new();
        let metadata = "name: web\nsummary: s\ndescription: d";
        let meta = match CharmMeta::parse(metadata, None, Some(&actions)) {
            Ok(meta) => meta,
            Err(error) => {
                prop_assert!(
                    error.to_string().starts_with("cannot use actions.yaml: act: "),
                    "{}",
                    error
                );
                return Ok(());
            }
        };
        fixture.unit.application_mut().meta = meta;
        if let Err(error) = fixture.unit.run_action("act", &[(key, value)]) {
            prop_assert!(error.to_string().starts_with("cannot run action \"act\": "), "{}", error);
        }
    }
}

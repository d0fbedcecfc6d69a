//! Tests of the secret hooks: when they come, in which order, and with which variables.

use super::*;

const HOUR: u64 = 3600;

/// Returns the variables of a secret hook.
fn variables(run: &HookRun) -> Vec<(String, String)> {
    let paths = AgentPaths::new("/charm", "/tools", "/run/agent.socket");
    let all = run.environment(&paths).into_iter();
    all.map(|(name, value)| (name.into_string().unwrap(), value.into_string().unwrap()))
        .filter(|(name, _)| name.starts_with("JUJU_SECRET"))
        .collect()
}

fn variable(name: &str, value: &str) -> (String, String) {
    (format!("JUJU_SECRET_{name}"), value.to_owned())
}

#[test]
fn the_variables_are_those_of_the_event() {
    let mut world = World::new();
    let expiry = "--expire=1h";
    let uri = world.add("web/0", &["abc=1", "--label=admin", expiry, "--rotate=hourly"]);
    world.get("web/1", &[&uri]);
    world.hook("web/0", &[&["secret-set", &uri, "abc=2", expiry]]);
    let revision = |number: &str| variable("REVISION", number);
    let (id, label) = (variable("ID", &uri), variable("LABEL", "admin"));
    let run = world.begin("web/1");
    assert_eq!(run.name(), "secret-changed");
    assert_eq!(variables(&run), [id.clone(), label.clone()]);
    world.print("web/1", &["secret-get", &uri, "--refresh"]);
    let message = world.model.report(&name("web/1")).unwrap().agent_message;
    assert_eq!(message, format!("running secret-changed hook for {uri}"));
    world.finish("web/1", 0);

    world.advance(HOUR);
    for (hook, of_revision) in
        [("secret-expired", Some("1")), ("secret-expired", Some("2")), ("secret-rotate", None)]
    {
        let run = world.begin("web/0");
        assert_eq!(run.name(), hook);
        let expected: Vec<(String, String)> =
            [id.clone(), label.clone()].into_iter().chain(of_revision.map(revision)).collect();
        assert_eq!(variables(&run), expected, "{hook}");
        assert_eq!(run.dispatch_path(), format!("hooks/{hook}"));
        world.finish("web/0", 0);
    }
    let run = world.begin("web/0");
    assert_eq!(run.name(), "secret-remove");
    assert_eq!(variables(&run), [id, label, revision("1")]);
    let message = world.model.report(&name("web/0")).unwrap().agent_message;
    assert_eq!(message, format!("running secret-remove hook for {uri}/1"));
    world.finish("web/0", 0);
}

#[test]
fn next_gives_the_time_of_the_next_secret_hook() {
    let mut world = World::new();
    world.add("web/0", &["abc=1", "--expire=90s"]);
    let at = world.now + Duration::from_secs(90);
    assert!(matches!(world.next("web/0"), Next::At(when) if when == at));
    assert!(matches!(world.next("web/1"), Next::Idle), "this unit does not lead");
    assert!(world.model.unit(&name("web/0")).unwrap().is_settled(world.now));
    world.now = at - Duration::from_millis(1);
    assert!(matches!(world.next("web/0"), Next::At(when) if when == at));
    world.now = at;
    assert_eq!(world.settled(), ["web/0 secret-expired 1"]);
    let again = at + Duration::from_secs(300);
    assert!(matches!(world.next("web/0"), Next::At(when) if when == again));
}

#[test]
fn rotation_follows_the_policy_when_the_charm_acts() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=0", "--rotate=hourly"]);
    for turn in 1..4_u32 {
        world.advance(HOUR);
        assert_eq!(world.begin("web/0").name(), "secret-rotate");
        world.print("web/0", &["secret-set", &uri, &format!("abc={turn}")]);
        world.finish("web/0", 0);
        // Nobody has read the old revision.
        assert_eq!(world.settled(), [format!("web/0 secret-remove {turn}")]);
        world.hook("web/0", &[&["secret-remove", &uri, "--revision", &turn.to_string()]]);
    }
    world.advance(HOUR);
    // The charm does nothing: again after five minutes, and again.
    for _ in 0..3 {
        assert_eq!(world.settled(), ["web/0 secret-rotate 4"]);
        assert_eq!(world.settled(), Vec::<String>::new());
        world.advance(300);
    }
}

#[test]
fn a_failed_secret_hook_is_retried_with_the_same_data() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    world.get("web/1", &[&uri]);
    world.hook("web/0", &[&["secret-set", &uri, "abc=2"]]);
    let first = world.begin("web/1").kind().clone();
    assert_eq!(world.finish("web/1", 1).error(), Some("exit status 1"));
    let report = world.model.report(&name("web/1")).unwrap();
    assert_eq!(report.message, "hook failed: \"secret-changed\"");
    // A newer revision comes in a hook of its own, after the failed one.
    world.get("web/0", &[&uri]);
    world.hook("web/0", &[&["secret-set", &uri, "abc=3"]]);
    world.advance(5);
    assert_eq!(*world.begin("web/1").kind(), first);
    world.finish("web/1", 0);
    assert_eq!(world.settled(), ["web/0 secret-changed 3", "web/1 secret-changed 3",]);
}

#[test]
fn the_leaders_hooks_go_with_the_leadership() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1", "--rotate=hourly"]);
    world.advance(HOUR);
    assert_eq!(world.begin("web/0").name(), "secret-rotate");
    world.finish("web/0", 1);
    world.model.set_leader(&name("web/1")).unwrap();
    world.advance(5);
    // The failed hook is skipped, and the new leader has it.
    assert_eq!(world.begin("web/0").name(), "leader-settings-changed");
    world.finish("web/0", 0);
    assert!(matches!(world.next("web/0"), Next::Idle), "{:?}", world.next("web/0"));
    assert_eq!(world.begin("web/1").name(), "leader-elected");
    world.finish("web/1", 0);
    assert_eq!(world.begin("web/1").name(), "secret-rotate");
    world.print("web/1", &["secret-set", &uri, "abc=2"]);
    world.finish("web/1", 0);
    assert_eq!(world.settled(), ["web/1 secret-remove 1"]);
    // A unit's own secret stays with the unit.
    world.add("web/0", &["abc=1", "--owner=unit", "--rotate=hourly"]);
    world.advance(HOUR);
    assert!(world.settled().contains(&"web/0 secret-rotate 1".to_owned()));
}

#[test]
fn a_new_leader_hears_of_the_revisions_that_nobody_tracks() {
    let mut world = World::new();
    let uri = world.add("web/0", &["abc=1"]);
    world.hook("web/0", &[&["secret-set", &uri, "abc=2"]]);
    assert_eq!(world.settled(), ["web/0 secret-remove 1"]);
    world.model.set_leader(&name("web/1")).unwrap();
    assert_eq!(world.settled(), ["web/1 secret-remove 1"], "this agent has not told its charm");
}

#[test]
fn a_dying_unit_runs_no_secret_hook_and_takes_its_secrets_along() {
    let mut world = World::new();
    let own = world.add("web/1", &["abc=1", "--owner=unit"]);
    let shared = world.add("web/0", &["abc=1"]);
    world.get("web/1", &[&shared]);
    world.hook("web/0", &[&["secret-set", &shared, "abc=2"]]);
    world.model.remove_unit(&name("web/1")).unwrap();
    let mut hooks = Vec::new();
    while let Next::Run(run) = world.next("web/1") {
        hooks.push(run.name());
        world.finish("web/1", 0);
    }
    assert!(hooks.ends_with(&["stop".to_owned(), "remove".to_owned()]), "{hooks:?}");
    assert!(hooks.iter().all(|hook| !hook.starts_with("secret-")), "{hooks:?}");
    world.settle();
    world.begin_hook("web/0");
    assert_eq!(
        world.error("web/0", &["secret-get", &own]),
        (1, format!("secret \"{own}\" not found"))
    );
}

#[test]
fn without_a_clock_time_begins_in_1970() {
    let meta = CharmMeta::parse("name: web\nsummary: s\ndescription: d\n", None, None).unwrap();
    let settings = ModelSettings::new().update_status_interval(None);
    let mut model = Model::new(settings);
    model.deploy("web", Deployment::charm(meta)).unwrap();
    let mut world = World { model, now: Instant::now() };
    while let Next::Run(_) = world.next("web/0") {
        world.finish("web/0", 0);
    }
    let uri = world.add("web/0", &["abc=1", "--expire=1h"]);
    let info = world.hook("web/0", &[&["secret-info-get", &uri]]).remove(0);
    assert!(info.ends_with("expiry: 1970-01-01T01:00:00Z"), "{info}");
    world.advance(HOUR);
    assert_eq!(world.begin("web/0").name(), "secret-expired");
}

//! Tests of a model of several applications and units: what they share and what they do not.

use std::time::Instant;

use charmwright_juju::{ToolCall, ToolError, ToolRunner, UnitName};

use super::super::{
    Application, CharmMeta, Deployment, EndpointMeta, EndpointRole, EndpointScope, ErrorKind,
    HookExit, InProcessTools, Model, ModelSettings, Next, Resolve, Substrate,
};
use super::text;

pub(super) fn charm() -> CharmMeta {
    CharmMeta::parse(
        "name: web\nsummary: s\ndescription: d\nprovides: {site: http}\n",
        Some("options: {port: {type: int, default: 80}}"),
        Some("act: {}"),
    )
    .unwrap()
}

pub(super) fn name(unit: &str) -> UnitName {
    unit.parse().unwrap()
}

/// Makes a model with an application `web` of this many units, none of which has run a hook.
pub(super) fn model_of(units: u32) -> Model {
    let mut model = Model::new(ModelSettings::new());
    model.deploy("web", Deployment::charm(charm()).units(units)).unwrap();
    model
}

/// Makes a model with an application `web` of this many units that have started.
pub(super) fn started(units: u32) -> Model {
    let mut model = model_of(units);
    settle(&mut model);
    model
}

/// Runs every hook that is due on this unit, each with exit code 0, and returns their names.
pub(super) fn run_all(model: &mut Model, unit: &str) -> Vec<String> {
    let (unit, now) = (name(unit), Instant::now());
    let mut ran = Vec::new();
    while let Ok(Next::Run(run)) = model.next(&unit, now) {
        ran.push(run.name());
        model.finish(&unit, &HookExit::Code(0), now, b"", b"").unwrap();
        assert!(ran.len() < 50, "no end: {ran:?}");
    }
    ran
}

/// Runs every hook that is due on any unit, each with exit code 0.
pub(super) fn settle(model: &mut Model) {
    for unit in model.units() {
        run_all(model, &unit.to_string());
    }
}

/// Begins the next hook of a unit, which must be this one.
fn begin(model: &mut Model, unit: &str, hook: &str) {
    match model.next(&name(unit), Instant::now()).unwrap() {
        Next::Run(run) => assert_eq!(run.name(), hook),
        other => panic!("{other:?}"),
    }
}

/// Returns the output of a hook tool, which must succeed.
fn tool(tools: &InProcessTools, line: &[&'static str]) -> String {
    let call = line[1..].iter().fold(ToolCall::new(line[0]), |call, arg| call.arg(*arg));
    text(&tools.run(&call).unwrap())
}

#[test]
fn each_unit_of_an_application_runs_its_own_hooks() {
    let mut model = model_of(3);
    let units: Vec<String> = model.units().iter().map(ToString::to_string).collect();
    assert_eq!(units, ["web/0", "web/1", "web/2"]);
    assert_eq!(
        run_all(&mut model, "web/1"),
        ["install", "leader-settings-changed", "config-changed", "start"]
    );
    assert_eq!(
        run_all(&mut model, "web/0"),
        ["install", "leader-elected", "config-changed", "start"],
        "the first unit leads"
    );
    assert_eq!(model.report(&name("web/2")).unwrap().agent_status, "allocating");
    // Two units run hooks side by side.
    model.update_status(&name("web/0")).unwrap();
    begin(&mut model, "web/0", "update-status");
    begin(&mut model, "web/2", "install");
    assert!(matches!(model.next(&name("web/0"), Instant::now()), Ok(Next::Busy)));
}

#[test]
fn config_is_the_applications_and_each_unit_sees_each_change() {
    let mut model = started(2);
    model.deploy("other", Deployment::charm(charm())).unwrap();
    settle(&mut model);
    model.set_config("web", "port", "81").unwrap();
    assert_eq!(run_all(&mut model, "web/0"), ["config-changed"]);
    assert_eq!(run_all(&mut model, "web/1"), ["config-changed"]);
    assert_eq!(run_all(&mut model, "other/0"), [""; 0]);
    model.reset_config("web", "port").unwrap();
    assert_eq!(run_all(&mut model, "web/1"), ["config-changed"]);
    assert_eq!(model.application("other").unwrap().config()["port"], 80);
}

#[test]
fn trust_and_an_address_make_config_changed_due() {
    let mut model = started(2);
    model.trust("web", true).unwrap();
    assert!(model.application("web").unwrap().is_trusted());
    for unit in ["web/0", "web/1"] {
        assert_eq!(run_all(&mut model, unit), ["config-changed"]);
    }
    model.trust("web", true).unwrap();
    assert_eq!(run_all(&mut model, "web/0"), [""; 0], "it is trusted already");
    model.trust("web", false).unwrap();
    assert_eq!(run_all(&mut model, "web/0"), ["config-changed"]);
    run_all(&mut model, "web/1");
    model.set_address(&name("web/1"), "10.0.0.2").unwrap();
    assert_eq!(run_all(&mut model, "web/0"), [""; 0]);
    assert_eq!(run_all(&mut model, "web/1"), ["config-changed"]);
    assert_eq!(model.report(&name("web/1")).unwrap().address, "10.0.0.2");
}

#[test]
fn a_deployment_is_trusted_and_configured_from_the_start() {
    let mut model = Model::new(ModelSettings::new());
    let deployment = Deployment::charm(charm()).trust(true).config("port", "7");
    model.deploy("web", deployment).unwrap();
    let web = model.application("web").unwrap();
    assert!(web.is_trusted() && web.has_charm());
    assert_eq!((web.name(), &web.config()["port"]), ("web", &7.into()));
    assert_eq!(web.leader(), Some(&name("web/0")));
    settle(&mut model);
    assert_eq!(run_all(&mut model, "web/0"), [""; 0]);
}

#[test]
fn a_refused_deployment_leaves_nothing() {
    let mut model = model_of(1);
    let deploy = |model: &mut Model, name: &str, deployment: Deployment| {
        let error = model.deploy(name, deployment).unwrap_err();
        (error.kind(), error.to_string())
    };
    assert_eq!(
        deploy(&mut model, "web", Deployment::charm(charm())),
        (ErrorKind::State, "cannot add application \"web\": application already exists".to_owned())
    );
    for bad in ["", "Web", "web-1", "web/0", "a b"] {
        let (kind, text) = deploy(&mut model, bad, Deployment::charm(charm()));
        assert_eq!(kind, ErrorKind::Setting, "{bad}");
        assert!(text.starts_with("cannot use "), "{text}");
    }
    let (kind, _) = deploy(&mut model, "db", Deployment::charm(charm()).config("port", "x"));
    assert_eq!(kind, ErrorKind::Config);
    let many = Deployment::charm(charm()).first_unit_number(u32::MAX).units(2);
    assert_eq!(deploy(&mut model, "db", many).0, ErrorKind::Setting);
    assert_eq!(model.applications().map(Application::name).collect::<Vec<_>>(), ["web"]);
    assert_eq!(model.units(), [name("web/0")]);
}

#[test]
fn an_unknown_unit_or_application_is_named_in_jujus_words() {
    let mut model = model_of(1);
    let seven = name("web/7");
    let no_unit = "unit \"web/7\" not found";
    let no_application = "application \"x\" not found";
    let now = Instant::now();
    let errors = [
        (model.next(&seven, now).unwrap_err(), no_unit),
        (model.finish(&seven, &HookExit::Code(0), now, b"", b"").unwrap_err(), no_unit),
        (model.report(&seven).unwrap_err(), no_unit),
        (model.set_leader(&seven).unwrap_err(), no_unit),
        (model.remove_unit(&seven).unwrap_err(), no_unit),
        (model.run_action(&seven, "act", &[]).unwrap_err(), no_unit),
        (model.pod_lost(&seven).unwrap_err(), no_unit),
        (model.pebble_seen(&seven, "web", "1").unwrap_err(), no_unit),
        (model.add_unit("x").unwrap_err(), no_application),
        (model.units_of("x").unwrap_err(), no_application),
        (model.set_config("x", "port", "1").unwrap_err(), no_application),
        (model.refresh("x", charm()).unwrap_err(), no_application),
        (model.trust("x", true).unwrap_err(), no_application),
        (model.remove_application("x").unwrap_err(), no_application),
    ];
    for (error, words) in errors {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let text = error.to_string();
        assert!(text.starts_with("cannot ") && text.ends_with(words), "{text}");
    }
    let tools = InProcessTools::new(model, seven);
    assert!(tools.begin(now).is_none());
    let Err(ToolError::Exited { code: 1, stderr }) = tools.run(&ToolCall::new("is-leader")) else {
        panic!("a tool of an unknown unit has an answer");
    };
    assert_eq!(stderr, "ERROR bad request: wrong context ID; got \"\"");
}

#[test]
fn the_units_of_a_model_share_what_the_application_has() {
    let model = started(2);
    let leader = InProcessTools::new(model, name("web/0"));
    let follower = leader.of_unit(name("web/1"));
    let now = Instant::now();
    leader.with_model(|model, _| model.set_config("web", "port", "81")).unwrap();
    leader.begin(now).unwrap();
    follower.begin(now).unwrap();
    assert_eq!((leader.unit(), follower.unit()), (&name("web/0"), &name("web/1")));
    assert_eq!(
        (tool(&leader, &["is-leader"]), tool(&follower, &["is-leader"])),
        ("True\n".to_owned(), "False\n".to_owned())
    );
    tool(&leader, &["leader-set", "key=value"]);
    assert_eq!(tool(&follower, &["leader-get", "key"]), "value\n");
    tool(&follower, &["status-set", "blocked", "no"]);
    tool(&leader, &["status-set", "active"]);
    let all = tool(&leader, &["status-get", "--application", "--format=json"]);
    assert_eq!(
        all,
        "{\"application-status\":{\"status\":\"blocked\",\"units\":{\
         \"web/0\":{\"status\":\"active\"},\"web/1\":{\"status\":\"blocked\"}}}}\n",
        "the worst of the units"
    );
    assert_eq!(follower.report().unwrap().application_message, "no");
    tool(&leader, &["status-set", "--application", "active", "all"]);
    assert_eq!(follower.report().unwrap().application_status, "active");
    // The state and the ports are each unit's own, and each hook is committed for itself.
    tool(&leader, &["state-set", "mine=1"]);
    tool(&follower, &["open-port", "80"]);
    leader.finish(1, now).unwrap();
    follower.finish(0, now).unwrap();
    assert_eq!(leader.report().unwrap().ports, [""; 0]);
    assert_eq!(follower.report().unwrap().ports, ["80/tcp"]);
    assert!(leader.with_model(|model, unit| model.unit(unit).unwrap().state().is_empty()));
    assert_eq!((leader.calls().len(), follower.calls().len()), (6, 4), "each has its own record");
}

#[test]
fn the_goal_is_all_units_of_the_application() {
    let mut model = started(3);
    model.deploy("other", Deployment::charm(charm())).unwrap();
    model.remove_unit(&name("web/1")).unwrap();
    model.remove_unit(&name("web/2")).unwrap();
    assert_eq!(run_all(&mut model, "web/2"), ["stop", "remove"]);
    let tools = InProcessTools::new(model, name("web/0"));
    tools.with_model(Model::update_status).unwrap();
    tools.begin(Instant::now()).unwrap();
    let goal: serde_json::Value =
        serde_json::from_str(&tool(&tools, &["goal-state", "--format=json"])).unwrap();
    let units: Vec<(&str, &str)> = goal["units"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(unit, goal)| (unit.as_str(), goal["status"].as_str().unwrap()))
        .collect();
    assert_eq!(units, [("web/0", "unknown"), ("web/1", "dying")]);
}

#[test]
fn actions_of_all_units_are_numbered_in_one_sequence() {
    let mut model = started(2);
    let ids: Vec<String> = ["web/0", "web/1", "web/0"]
        .iter()
        .map(|unit| model.run_action(&name(unit), "act", &[]).unwrap().to_string())
        .collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(run_all(&mut model, "web/1"), ["act"]);
    let unit = model.unit(&name("web/0")).unwrap();
    assert_eq!(unit.actions().count(), 2);
    assert!(unit.actions().all(|action| !action.has_ended()));
}

#[test]
fn a_refresh_reaches_every_unit() {
    let renamed = CharmMeta::parse("name: next\nsummary: s\ndescription: d", None, None).unwrap();
    let mut model = started(2);
    model.refresh("web", renamed.clone()).unwrap();
    assert_eq!(model.application("web").unwrap().meta().name(), "next");
    for unit in ["web/0", "web/1"] {
        assert_eq!(run_all(&mut model, unit), ["upgrade-charm", "config-changed"]);
    }

    // On Kubernetes each pod is replaced for itself.
    let mut model = Model::new(ModelSettings::new().substrate(Substrate::Kubernetes));
    model.deploy("web", Deployment::charm(charm()).units(2)).unwrap();
    settle(&mut model);
    model.refresh("web", renamed).unwrap();
    for unit in ["web/1", "web/0"] {
        assert_eq!(run_all(&mut model, unit), ["stop"]);
        assert!(matches!(model.next(&name(unit), Instant::now()), Ok(Next::PodEnded)));
        model.pod_started(&name(unit)).unwrap();
        let mut expected = vec!["upgrade-charm", "config-changed", "start"];
        // A new agent does not know what the one before has told the charm.
        expected.extend((unit == "web/1").then_some("leader-settings-changed"));
        assert_eq!(run_all(&mut model, unit), expected);
    }
}

#[test]
fn the_other_units_are_told_when_the_leader_changes_its_settings() {
    let model = started(2);
    let leader = InProcessTools::new(model, name("web/0"));
    let follower = leader.of_unit(name("web/1"));
    let set = |pairs: &[&'static str]| {
        leader.with_model(Model::update_status).unwrap();
        leader.begin(Instant::now()).unwrap();
        tool(&leader, &[&["leader-set"], pairs].concat());
        // The settings change at once, also if the hook fails.
        leader.finish(1, Instant::now()).unwrap();
        leader.with_model(|model, unit| model.resolved(unit, Resolve::NoRetry)).unwrap();
    };
    let told = || follower.with_model(|model, _| run_all(model, "web/1"));
    set(&["a=1", "b=2"]);
    assert_eq!(told(), ["leader-settings-changed"]);
    set(&["a=1"]);
    assert_eq!(told(), [""; 0], "nothing has changed");
    set(&["b="]);
    assert_eq!(told(), ["leader-settings-changed"]);
    // A hook reads them once.
    follower.with_model(Model::update_status).unwrap();
    follower.begin(Instant::now()).unwrap();
    assert_eq!(tool(&follower, &["leader-get", "a"]), "1\n");
    set(&["a=2"]);
    assert_eq!(tool(&follower, &["leader-get", "a"]), "1\n");
    follower.finish(0, Instant::now()).unwrap();
    assert_eq!(told(), ["leader-settings-changed"]);
    leader.with_model(|model, _| {
        assert_eq!(run_all(model, "web/0"), [""; 0], "the leader itself is not told");
        model.agent_restarted(&name("web/1")).unwrap();
        assert_eq!(run_all(model, "web/1"), ["start", "leader-settings-changed"]);
    });

    let mut model = Model::new(ModelSettings::new().juju_version("4.0.15".parse().unwrap()));
    model.deploy("web", Deployment::charm(charm()).units(2)).unwrap();
    settle(&mut model);
    model.set_leader(&name("web/1")).unwrap();
    assert_eq!(run_all(&mut model, "web/0"), [""; 0], "Juju 4 has no such settings");
}

#[test]
fn an_application_without_a_charm_has_endpoints_and_idle_units() {
    let mut model = started(1);
    let endpoint = EndpointMeta::new("database", EndpointRole::Provider, "postgresql_client");
    model.deploy("pg", Deployment::remote([endpoint.clone()]).units(2)).unwrap();
    let pg = model.application("pg").unwrap();
    assert!(!pg.has_charm() && pg.config().is_empty());
    assert_eq!(pg.meta().endpoints().values().collect::<Vec<_>>(), [&endpoint]);
    assert_eq!(model.units_of("pg").unwrap(), [name("pg/0"), name("pg/1")]);
    let now = Instant::now();
    assert!(matches!(model.next(&name("pg/0"), now), Ok(Next::Idle)));
    assert!(model.unit(&name("pg/0")).unwrap().is_settled(now));
    assert_eq!(model.refresh("pg", charm()).unwrap_err().kind(), ErrorKind::State);
    model.remove_unit(&name("pg/0")).unwrap();
    assert!(matches!(model.next(&name("pg/0"), now), Ok(Next::Gone)));
    assert_eq!(model.units_of("pg").unwrap(), [name("pg/1")]);
    assert_eq!(model.application("pg").unwrap().leader(), Some(&name("pg/1")));
    model.remove_application("pg").unwrap();
    assert!(model.application("pg").is_err(), "nothing has to run on it");
}

#[test]
fn a_played_unit_counts_and_runs_nothing() {
    let mut model = started(1);
    assert_eq!(model.report(&name("web/0")).unwrap().application_status, "unknown");
    let played = model.add_played_unit("web").unwrap();
    assert_eq!(played, name("web/1"));
    assert_eq!(model.units_of("web").unwrap(), [name("web/0"), name("web/1")]);
    let (now, unit) = (Instant::now(), model.unit(&played).unwrap());
    assert!(!unit.has_agent() && unit.is_settled(now) && !unit.is_leader());
    let report = unit.report();
    assert_eq!((report.status.as_str(), report.agent_status.as_str()), ("active", "idle"));
    assert_eq!(report.application_status, "active", "the one of the two that counts");
    assert_eq!(model.run_action(&played, "act", &[]).unwrap_err().kind(), ErrorKind::State);
    model.refresh("web", charm()).unwrap();
    assert!(matches!(model.next(&played, now), Ok(Next::Idle)));
    model.set_leader(&played).unwrap();
    model.remove_unit(&name("web/0")).unwrap();
    run_all(&mut model, "web/0");
    model.remove_unit(&played).unwrap();
    assert!(model.unit(&played).unwrap().is_gone());
    // The application has no unit that could lead it, however long it lasts.
    model.add_played_unit("web").unwrap();
    assert_eq!(model.application("web").unwrap().leader(), None);
}

#[test]
fn a_charms_endpoints_are_read_with_all_their_fields() {
    let meta = CharmMeta::parse(
        "name: web\nsummary: s\ndescription: d\nsubordinate: true\n\
         provides: {site: http, sites: {interface: http, limit: 0}}\n\
         requires: {db: {interface: sql, limit: 1, optional: true}, \
         info: {interface: juju-info, scope: container}}\npeers: {ring: {interface: ring}}\n",
        None,
        None,
    )
    .unwrap();
    assert!(meta.is_subordinate());
    let endpoint = |name, role, interface| EndpointMeta::new(name, role, interface);
    let expected = [
        endpoint("db", EndpointRole::Requirer, "sql").with_limit(1).with_optional(true),
        endpoint("info", EndpointRole::Requirer, "juju-info").with_scope(EndpointScope::Container),
        endpoint("ring", EndpointRole::Peer, "ring"),
        endpoint("site", EndpointRole::Provider, "http"),
        endpoint("sites", EndpointRole::Provider, "http"),
    ];
    assert_eq!(meta.endpoints().values().cloned().collect::<Vec<_>>(), expected);
    let db = &meta.endpoints()["db"];
    assert_eq!((db.name(), db.interface(), db.limit()), ("db", "sql", Some(1)));
    assert_eq!((db.role().as_str(), db.is_optional()), ("requirer", true));
    assert_eq!(meta.endpoints()["sites"].limit(), None, "0 is no limit");
}

#[test]
fn the_machine_of_a_unit_is_not_used_again() {
    let machine = |model: &Model, unit: &str| model.record(&name(unit)).unwrap().machine_id.clone();
    let mut model = model_of(1);
    model.deploy("two", Deployment::charm(charm())).unwrap();
    assert_eq!((machine(&model, "web/0"), machine(&model, "two/0")), ("0".into(), "1".into()));
    model.remove_application("web").unwrap();
    assert!(model.application("web").is_err());
    model.deploy("web", Deployment::charm(charm())).unwrap();
    assert_eq!(machine(&model, "web/0"), "2");
}

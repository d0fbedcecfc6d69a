//! Tests of the storage hooks: when they come, and with what.

use std::time::{Duration, Instant};

use super::super::super::{
    AgentPaths, Deployment, HookExit, Model, Next, Resolve, StorageState, Substrate,
};
use super::{
    begin, charm, failure, finish, id, instances, model_on, optional, run_all, settings, stdout,
    succeed, unit,
};

#[test]
fn on_a_machine_storage_is_attached_before_install() {
    let mut model = model_on(Substrate::Machine, charm());
    assert_eq!(
        run_all(&mut model, "web/0"),
        [
            "blk-storage-attached blk/0",
            "data-storage-attached data/1",
            "many-storage-attached many/2",
            "many-storage-attached many/3",
            "install",
            "ring-relation-created",
            "leader-elected",
            "config-changed",
            "start",
        ]
    );
    // The numbers are one sequence for all units and storages.
    model.add_unit("web").unwrap();
    assert_eq!(succeed(&mut model, "web/1"), "blk-storage-attached blk/4");
}

#[test]
fn on_kubernetes_storage_is_attached_after_start() {
    let mut model = model_on(Substrate::Kubernetes, charm());
    let hooks = run_all(&mut model, "web/0");
    assert_eq!(
        hooks,
        [
            "install",
            "ring-relation-created",
            "leader-elected",
            "config-changed",
            "start",
            "blk-storage-attached blk/0",
            "data-storage-attached data/1",
            "many-storage-attached many/2",
            "many-storage-attached many/3",
        ]
    );
    // It is not told again in a new pod, nor by a new agent.
    model.end_pod(&unit("web/0")).unwrap();
    assert_eq!(run_all(&mut model, "web/0"), ["stop"]);
    model.pod_started(&unit("web/0")).unwrap();
    assert_eq!(run_all(&mut model, "web/0"), ["upgrade-charm", "config-changed", "start"]);
    model.agent_restarted(&unit("web/0")).unwrap();
    assert_eq!(run_all(&mut model, "web/0"), ["start"]);
}

#[test]
fn install_waits_for_storage_that_is_not_provisioned() {
    let mut model = Model::new(settings(Substrate::Machine).provision_storage(false));
    model.deploy("web", Deployment::charm(charm())).unwrap();
    let web = unit("web/0");
    assert!(matches!(model.next(&web, Instant::now()), Ok(Next::Idle)));
    assert_eq!(model.storage(&id("data/1")).unwrap().state(), StorageState::Pending);
    assert_eq!(model.storage(&id("data/1")).unwrap().location(), None);
    for storage in ["data/1", "blk/0", "many/3"] {
        model.provision_storage(&id(storage)).unwrap();
        let name = storage.split_once('/').unwrap().0;
        assert_eq!(run_all(&mut model, "web/0"), [format!("{name}-storage-attached {storage}")]);
    }
    model.provision_storage(&id("many/2")).unwrap();
    assert_eq!(run_all(&mut model, "web/0")[..2], ["many-storage-attached many/2", "install"]);
    // Storage that comes later holds nothing up.
    let added = model.add_storage(&web, "logs", 1).unwrap();
    assert!(run_all(&mut model, "web/0").is_empty());
    model.provision_storage(&added[0]).unwrap();
    assert_eq!(run_all(&mut model, "web/0"), ["logs-storage-attached logs/4"]);
}

#[test]
fn a_storage_hook_has_its_variables() {
    let mut model = model_on(Substrate::Machine, charm());
    let paths = AgentPaths::new("/charm", "/tools", "/socket");
    let mut seen = Vec::new();
    while let Ok(Next::Run(run)) = model.next(&unit("web/0"), Instant::now()) {
        let environment = run.environment(&paths);
        let variable = |name: &str| {
            let found = environment.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.to_string_lossy().into_owned())
        };
        let names = ["JUJU_STORAGE_ID", "JUJU_STORAGE_LOCATION", "JUJU_STORAGE_KIND"];
        seen.push(names.map(|name| variable(name).unwrap_or_default()).join(" "));
        let status = model.report(&unit("web/0")).unwrap();
        assert_eq!(status.agent_message, format!("running {} hook", run.name()));
        finish(&mut model, "web/0", 0);
    }
    assert_eq!(
        seen[..5],
        [
            "blk/0 /dev/loop0 block",
            "data/1 /srv/data filesystem",
            "many/2 /srv/many/many/2 filesystem",
            "many/3 /srv/many/many/3 filesystem",
            "  ",
        ]
    );
}

#[test]
fn a_failed_storage_hook_shows_its_bare_name_and_runs_again() {
    let mut model = model_on(Substrate::Machine, charm());
    let (web, now) = (unit("web/0"), Instant::now());
    begin(&mut model, "web/0");
    model.finish(&web, &HookExit::Code(1), now, b"", b"").unwrap();
    assert_eq!(model.report(&web).unwrap().message, "hook failed: \"storage-attached\"");
    let wait = Duration::from_secs(5);
    assert!(matches!(model.next(&web, now), Ok(Next::At(when)) if when == now + wait));
    let Ok(Next::Run(run)) = model.next(&web, now + wait) else { panic!("no retry") };
    assert_eq!((run.name().as_str(), run.attempt()), ("blk-storage-attached", 2));
    // A killed one runs again at once, and one that is skipped counts as done.
    model.finish(&web, &HookExit::Signal(15), now, b"", b"").unwrap();
    assert_eq!(begin(&mut model, "web/0"), "blk-storage-attached blk/0");
    finish(&mut model, "web/0", 1);
    model.resolved(&web, Resolve::NoRetry).unwrap();
    assert_eq!(begin(&mut model, "web/0"), "data-storage-attached data/1");
}

#[test]
fn detaching_comes_before_the_relations_end_and_the_unit_stops() {
    for substrate in [Substrate::Machine, Substrate::Kubernetes] {
        let mut model = model_on(substrate, charm());
        let sql = super::super::super::EndpointMeta::new(
            "sql",
            super::super::super::EndpointRole::Provider,
            "sql",
        );
        model.deploy("pg", Deployment::remote([sql])).unwrap();
        model.integrate("web", "pg").unwrap();
        run_all(&mut model, "web/0");
        model.remove_unit(&unit("web/0")).unwrap();
        assert_eq!(
            run_all(&mut model, "web/0"),
            [
                "blk-storage-detaching blk/0",
                "data-storage-detaching data/1",
                "many-storage-detaching many/2",
                "many-storage-detaching many/3",
                "db-relation-departed",
                "db-relation-broken",
                "stop",
                "remove",
            ]
        );
        assert_eq!(
            instances(&model),
            ["blk/0 - detached", "data/1 - detached", "many/2 - detached", "many/3 - detached"]
        );
        assert_eq!(model.storage(&id("data/1")).unwrap().location(), None);
    }
}

#[test]
fn a_unit_that_goes_early_detaches_only_what_it_was_told_of() {
    let mut model = model_on(Substrate::Machine, charm());
    assert_eq!(succeed(&mut model, "web/0"), "blk-storage-attached blk/0");
    assert_eq!(begin(&mut model, "web/0"), "data-storage-attached data/1");
    model.remove_unit(&unit("web/0")).unwrap();
    // The hook that runs is not forgotten: what it has told of is detached by a hook.
    assert_eq!(instances(&model)[1..3], ["data/1 web/0 detaching", "many/2 - detached"]);
    finish(&mut model, "web/0", 0);
    assert_eq!(
        run_all(&mut model, "web/0"),
        ["blk-storage-detaching blk/0", "data-storage-detaching data/1"]
    );
    assert!(model.unit(&unit("web/0")).unwrap().is_gone(), "nothing was installed");

    // A unit whose agent has not begun goes without any hook.
    let mut model = model_on(Substrate::Machine, charm());
    model.remove_unit(&unit("web/0")).unwrap();
    assert!(model.unit(&unit("web/0")).unwrap().is_gone());
    assert!(model.storages().all(|instance| instance.unit().is_none()));
}

#[test]
fn a_killed_install_waits_for_storage_that_was_added_meanwhile() {
    let mut model = model_on(Substrate::Machine, optional());
    assert_eq!(begin(&mut model, "opt/0"), "install");
    model.add_storage(&unit("opt/0"), "logs", 1).unwrap();
    let signal = HookExit::Signal(9);
    model.finish(&unit("opt/0"), &signal, Instant::now(), b"", b"").unwrap();
    assert_eq!(run_all(&mut model, "opt/0")[..2], ["logs-storage-attached logs/0", "install"]);
    // A unit in error runs no storage hook.
    model.update_status(&unit("opt/0")).unwrap();
    assert_eq!(begin(&mut model, "opt/0"), "update-status");
    model.add_storage(&unit("opt/0"), "logs", 1).unwrap();
    finish(&mut model, "opt/0", 1);
    assert!(matches!(model.next(&unit("opt/0"), Instant::now()), Ok(Next::At(_))));
    model.resolved(&unit("opt/0"), Resolve::Retry).unwrap();
    assert_eq!(run_all(&mut model, "opt/0"), ["update-status", "logs-storage-attached logs/1"]);
}

#[test]
fn an_instance_that_is_detached_in_its_attached_hook_is_detached_by_a_hook() {
    for code in [0, 1] {
        let mut model = model_on(Substrate::Machine, optional());
        run_all(&mut model, "opt/0");
        model.add_storage(&unit("opt/0"), "logs", 1).unwrap();
        assert_eq!(begin(&mut model, "opt/0"), "logs-storage-attached logs/0");
        model.detach_storage(&id("logs/0")).unwrap();
        let place = "kind: filesystem\nlocation: /var/lib/juju/storage/logs/0\n";
        assert_eq!(stdout(&mut model, "opt/0", &["storage-get"]), place);
        finish(&mut model, "opt/0", code);
        if code != 0 {
            model.resolved(&unit("opt/0"), Resolve::Retry).unwrap();
            assert_eq!(succeed(&mut model, "opt/0"), "logs-storage-attached logs/0");
        }
        assert_eq!(begin(&mut model, "opt/0"), "logs-storage-detaching logs/0");
        assert_eq!(stdout(&mut model, "opt/0", &["storage-get"]), place);
        assert_eq!(stdout(&mut model, "opt/0", &["storage-list"]), "logs/0\n");
        finish(&mut model, "opt/0", 0);
        assert_eq!(instances(&model), ["logs/0 - detached"]);
        model.update_status(&unit("opt/0")).unwrap();
        begin(&mut model, "opt/0");
        assert_eq!(
            failure(&mut model, "opt/0", &["storage-get", "-s", "logs/0"]).0,
            2,
            "it is not the unit's any more"
        );
    }
}

//! Tests of the operator's commands on storage. The expected texts are those of the source of Juju
//! 3.6.

use super::super::super::{
    CharmMeta, Deployment, EndpointMeta, EndpointRole, ErrorKind, Model, Substrate,
};
use super::{begin, charm, id, instances, model_on, optional, run_all, settings, unit};

fn refused<T: std::fmt::Debug>(result: Result<T, super::super::super::Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    error.to_string()
}

#[test]
fn a_detached_instance_is_attached_to_another_unit() {
    let mut model = model_on(Substrate::Machine, optional());
    model.add_unit("opt").unwrap();
    run_all(&mut model, "opt/0");
    run_all(&mut model, "opt/1");
    assert_eq!(model.add_storage(&unit("opt/0"), "logs", 2).unwrap(), [id("logs/0"), id("logs/1")]);
    assert_eq!(
        run_all(&mut model, "opt/0"),
        ["logs-storage-attached logs/0", "logs-storage-attached logs/1"]
    );
    assert_eq!(
        refused(model.attach_storage(&unit("opt/1"), &id("logs/0"))),
        "cannot attach storage logs/0 to unit opt/1: cannot attach storage owned by unit opt/0 to \
         unit opt/1"
    );
    model.attach_storage(&unit("opt/0"), &id("logs/0")).unwrap();
    model.detach_storage(&id("logs/0")).unwrap();
    model.detach_storage(&id("logs/0")).unwrap();
    assert_eq!(instances(&model), ["logs/0 opt/0 detaching", "logs/1 opt/0 attached"]);
    assert_eq!(
        refused(model.remove_storage(&id("logs/0"))),
        "cannot destroy storage \"logs/0\": storage is attached"
    );
    assert_eq!(run_all(&mut model, "opt/0"), ["logs-storage-detaching logs/0"]);
    model.detach_storage(&id("logs/0")).unwrap();
    model.attach_storage(&unit("opt/1"), &id("logs/0")).unwrap();
    assert_eq!(run_all(&mut model, "opt/1"), ["logs-storage-attached logs/0"]);
    assert_eq!(instances(&model), ["logs/0 opt/1 attached", "logs/1 opt/0 attached"]);
    // An instance that the charm was not told of goes without a hook.
    let added = model.add_storage(&unit("opt/0"), "logs", 1).unwrap();
    model.detach_storage(&added[0]).unwrap();
    assert!(run_all(&mut model, "opt/0").is_empty());
    model.remove_storage(&added[0]).unwrap();
    assert_eq!(instances(&model).len(), 2);
    let error = model.remove_storage(&added[0]).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::NotFound,
            "cannot destroy storage \"logs/2\": storage instance \"logs/2\" not found"
        )
    );
}

#[test]
fn the_operator_is_refused_in_jujus_words() {
    let mut model = model_on(Substrate::Machine, charm());
    model.deploy("opt", Deployment::charm(optional())).unwrap();
    let sql = EndpointMeta::new("sql", EndpointRole::Provider, "sql");
    model.deploy("pg", Deployment::remote([sql])).unwrap();
    run_all(&mut model, "web/0");
    let web = unit("web/0");
    for (name, count, error) in [
        ("nope", 1, "cannot add storage \"nope\" to web/0: charm storage \"nope\" not found"),
        ("data", 1, "cannot add storage \"data\" to web/0: cannot attach, storage is singular"),
        (
            "logs",
            0,
            "cannot add storage \"logs\" to web/0: adding storage where instance count is 0 not \
             valid",
        ),
        (
            "logs",
            4,
            "cannot add storage \"logs\" to web/0: attaching 4 storage instances brings the total \
             to 4, exceeding the maximum of 3",
        ),
        (
            "many",
            u32::MAX,
            "cannot add storage \"many\" to web/0: the model has no room for so many \
             storage instances",
        ),
    ] {
        assert_eq!(refused(model.add_storage(&web, name, count)), error);
    }
    for (storage, error) in [
        (
            "data/1",
            "cannot destroy storage attachment data/1:web/0: cannot detach, storage is singular",
        ),
        (
            "many/2",
            "cannot destroy storage attachment many/2:web/0: detaching 1 storage instance brings \
             the total to 1, which is less than the minimum of 2",
        ),
    ] {
        assert_eq!(refused(model.detach_storage(&id(storage))), error);
    }
    assert_eq!(
        refused(model.add_storage(&unit("pg/0"), "data", 1)),
        "cannot add storage \"data\" to pg/0: no charm runs on the unit"
    );
    for (result, error) in [
        (
            model.attach_storage(&web, &id("data/9")),
            "cannot attach storage data/9 to unit web/0: storage instance \"data/9\" not found",
        ),
        (
            model.attach_storage(&unit("web/7"), &id("data/1")),
            "cannot use web/7: unit \"web/7\" not found",
        ),
        (
            // The number is that of another storage.
            model.detach_storage(&id("many/1")),
            "cannot detach storage many/1: storage instance \"many/1\" not found",
        ),
        (
            model.provision_storage(&id("data/9")),
            "cannot use storage data/9: storage instance \"data/9\" not found",
        ),
    ] {
        let found = result.unwrap_err();
        assert_eq!((found.kind(), found.to_string().as_str()), (ErrorKind::NotFound, error));
    }
    // What a removed unit leaves may be attached where the charm declares it.
    model.remove_unit(&web).unwrap();
    assert_eq!(
        refused(model.add_storage(&web, "logs", 1)),
        "cannot add storage \"logs\" to web/0: unit is not found or not alive"
    );
    run_all(&mut model, "web/0");
    assert_eq!(
        refused(model.attach_storage(&unit("opt/0"), &id("data/1"))),
        "cannot attach storage data/1 to unit opt/0: charm opt has no storage called data"
    );
    model.add_unit("web").unwrap();
    assert_eq!(
        refused(model.attach_storage(&unit("web/1"), &id("data/1"))),
        "cannot attach storage data/1 to unit web/1: cannot attach, storage is singular"
    );
    model.remove_unit(&unit("web/1")).unwrap();
    begin(&mut model, "opt/0");
    model.remove_unit(&unit("opt/0")).unwrap();
    assert_eq!(
        refused(model.attach_storage(&unit("opt/0"), &id("data/1"))),
        "cannot attach storage data/1 to unit opt/0: unit not alive"
    );
    assert_eq!(
        refused(model.provision_storage(&id("data/1"))),
        "cannot provision storage data/1: it belongs to no unit"
    );
}

#[test]
fn a_deployment_asks_for_storage_in_the_charms_range() {
    let mut model = Model::new(settings(Substrate::Machine));
    let charm = Deployment::charm(charm());
    for (deployment, error) in [
        (charm.clone().storage("nope", 1), "charm \"web\" has no store called \"nope\""),
        (
            charm.clone().storage("data", 2),
            "charm \"web\" store \"data\": storage is singular, 2 specified",
        ),
        (
            charm.clone().storage("many", 1),
            "charm \"web\" store \"many\": 2 instances required, 1 specified",
        ),
        (
            charm.clone().storage("logs", 4),
            "charm \"web\" store \"logs\": at most 3 instances supported, 4 specified",
        ),
        (
            charm.clone().storage("many", u32::MAX),
            "the model has no room for so many storage instances",
        ),
    ] {
        let text = format!("cannot add application \"web\": {error}");
        assert_eq!(refused(model.deploy("web", deployment)), text);
        assert!(model.application("web").is_err() && model.storages().next().is_none());
    }
    let shared = "name: s\nsummary: s\ndescription: d\n\
        storage: {data: {type: filesystem, shared: true}}\n";
    let shared = CharmMeta::parse(shared, None, None).unwrap();
    assert_eq!(
        refused(model.deploy("s", Deployment::charm(shared))),
        "cannot add application \"s\": no constraints specified for shared charm storage \"data\""
    );
    // The number counts for the units that are added later too.
    model.deploy("web", charm.storage("logs", 2)).unwrap();
    model.add_unit("web").unwrap();
    let logs = model.storages().filter(|instance| instance.id().name().as_str() == "logs");
    assert_eq!(logs.count(), 4);
}

#[test]
fn storage_stays_in_the_model_when_its_application_is_removed() {
    let mut model = model_on(Substrate::Machine, charm());
    run_all(&mut model, "web/0");
    model.remove_application("web").unwrap();
    run_all(&mut model, "web/0");
    assert!(model.application("web").is_err());
    assert_eq!(instances(&model).len(), 4);
    assert!(model.storages().all(|instance| instance.unit().is_none()));
    for instance in ["blk/0", "data/1", "many/2", "many/3"] {
        model.remove_storage(&id(instance)).unwrap();
    }
    // No number is used again.
    model.deploy("web", Deployment::charm(charm())).unwrap();
    assert_eq!(instances(&model)[0], "blk/4 web/0 attached");
}

#[test]
fn a_refresh_keeps_storage_and_adds_what_is_missing() {
    let meta = |storages: &str| {
        let text = format!("name: web\nsummary: s\ndescription: d\nstorage: {{{storages}}}\n");
        CharmMeta::parse(&text, None, None).unwrap()
    };
    let few = "logs: {type: filesystem, location: /l, multiple: {range: 1-3}}";
    let mut model = model_on(
        Substrate::Machine,
        meta(&format!("{few}, opt: {{type: block, multiple: {{range: 0+}}}}")),
    );
    run_all(&mut model, "web/0");
    let opt = "opt: {type: block, multiple: {range: 0+}}";
    for (storages, error) in [
        (opt, "required storage \"logs\" removed"),
        (
            "logs: {type: block, multiple: {range: 1-3}}",
            "existing storage \"logs\" type changed from \"filesystem\" to \"block\"",
        ),
        (
            "logs: {type: filesystem, location: /l, read-only: true, multiple: {range: 1-3}}",
            "existing storage \"logs\" read-only changed from false to true",
        ),
        (
            "logs: {type: filesystem, location: /m, multiple: {range: 1-3}}",
            "existing storage \"logs\" location changed from \"/l\" to \"/m\"",
        ),
        (
            "logs: {type: filesystem, location: /l, multiple: {range: 1-2}}",
            "existing storage \"logs\" range contracted: max decreased from 3 to 2",
        ),
        (
            &format!("{few}, opt: {{type: block, multiple: {{range: 0-5}}}}"),
            "existing storage \"opt\" range contracted: max decreased from <unbounded> to 5",
        ),
    ] {
        let asked = model.check_refresh("web", &meta(storages)).unwrap_err();
        let refused = model.refresh("web", meta(storages)).unwrap_err();
        assert_eq!(asked.to_string(), refused.to_string());
        assert_eq!(refused.kind(), ErrorKind::State);
        assert_eq!(refused.to_string(), format!("cannot refresh application \"web\": {error}"));
    }
    // A storage that no unit has may go, and the others get what is missing before upgrade-charm.
    let more = "logs: {type: filesystem, location: /l, multiple: {range: 3-}}, new: {type: block}";
    model.check_refresh("web", &meta(more)).unwrap();
    assert_eq!(run_all(&mut model, "web/0"), [""; 0], "a check changes nothing");
    model.refresh("web", meta(more)).unwrap();
    assert_eq!(
        run_all(&mut model, "web/0"),
        [
            "logs-storage-attached logs/1",
            "logs-storage-attached logs/2",
            "new-storage-attached new/3",
            "upgrade-charm",
            "config-changed",
        ]
    );
    model.add_storage(&unit("web/0"), "logs", 1).unwrap();
    let refused = model.refresh("web", meta("new: {type: block}")).unwrap_err().to_string();
    assert!(refused.ends_with("required storage \"logs\" removed"), "{refused}");
}

#[test]
fn a_charm_may_not_drop_optional_storage_that_is_in_use() {
    let mut model = model_on(Substrate::Machine, optional());
    run_all(&mut model, "opt/0");
    model.add_storage(&unit("opt/0"), "logs", 1).unwrap();
    let bare = CharmMeta::parse("name: opt\nsummary: s\ndescription: d\n", None, None).unwrap();
    let refused = model.refresh("opt", bare.clone()).unwrap_err().to_string();
    assert_eq!(refused, "cannot refresh application \"opt\": in-use storage \"logs\" removed");
    run_all(&mut model, "opt/0");
    model.detach_storage(&id("logs/0")).unwrap();
    run_all(&mut model, "opt/0");
    model.refresh("opt", bare).unwrap();
}

#[test]
fn neither_a_refresh_nor_a_unit_makes_more_instances_than_the_model_keeps() {
    let meta = |range: &str| {
        let storage = format!("logs: {{type: filesystem, multiple: {{range: {range}}}}}");
        let text = format!("name: web\nsummary: s\ndescription: d\nstorage: {{{storage}}}\n");
        CharmMeta::parse(&text, None, None).unwrap()
    };
    let no_room = "the model has no room for so many storage instances";
    let mut model = model_on(Substrate::Machine, meta("1-"));
    let refused = model.refresh("web", meta("4000000000-")).unwrap_err();
    assert_eq!(refused.to_string(), format!("cannot refresh application \"web\": {no_room}"));
    assert_eq!(instances(&model), ["logs/0 web/0 attached"]);
    model.refresh("web", meta("6000-")).unwrap();
    let refused = model.add_unit("web").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Storage);
    let text = format!("cannot add unit to application \"web\": {no_room}");
    assert_eq!(refused.to_string(), text);
    assert_eq!(model.units(), [unit("web/0")]);
}

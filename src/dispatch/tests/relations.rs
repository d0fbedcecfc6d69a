//! Tests of relations in whole hook runs: what is read, and what waits or fails.

use std::cell::RefCell;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::related_unit::{
    Answer as ToolAnswer, Database, Declared, Does, RelatedUnit, Ring, Shows, Site,
};
use crate::juju::{self, RelationId, Status, ToolError};
use crate::{
    Bag, ErrorKind, Event, Hook, JsonPerKey, Outcome, Plain, RelationLookup, Result, Statuses,
    UnitView,
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Answer {
    username: String,
    port: u16,
}

impl Bag for Answer {
    type Codec = Plain;
    const VERSION: Option<u32> = Some(2);
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Shared {
    generation: u32,
    primary: Option<String>,
}

impl Bag for Shared {
    type Codec = JsonPerKey;
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Member {
    port: u16,
}

impl Bag for Member {
    type Codec = JsonPerKey;
}

const CHANGED: &str = "hooks/config-changed";
const READS: [&str; 4] = ["relation-ids", "relation-list", "relation-get", "relation-model-get"];

/// Reads the answer of the database.
fn answer(hook: &UnitView<Declared>) -> Result<Option<Answer>> {
    let Some(database) = hook.related(Database)? else { return Ok(None) };
    database.remote_app().read().map(Some)
}

#[test]
fn the_remote_application_is_read_once() {
    let juju = RelatedUnit::new();
    juju.relate("database", "pg", 1);
    juju.write(1, "pg", &[("username", "u"), ("port", "5432"), ("other", "x")]);
    let read = |hook: &UnitView<Declared>| -> Result {
        assert_eq!(answer(hook)?, Some(Answer { username: "u".into(), port: 5432 }));
        let database = hook.related(Database)?.unwrap();
        assert_eq!(format!("{database:?}"), "Relation(database:1)");
        assert_eq!(database.remote_app_name().unwrap().as_str(), "pg");
        assert_eq!(database.endpoint_name().as_str(), "database");
        assert_eq!(database.remote_app().get("other")?.as_deref(), Some("x"));
        assert_eq!(database.remote_app().entries()?.len(), 3);
        assert!(!database.is_breaking());
        Ok(())
    };
    let report = juju.run(
        Shows(
            |_: &Event, hook: &Hook<Declared>| {
                read(hook)?;
                Ok(Outcome::done())
            },
            |unit: &UnitView<Declared>, _: &mut Statuses| read(unit),
        ),
        CHANGED,
        &[],
    );
    assert_eq!(report.exit_code(), 0, "{report:?}");
    assert_eq!(
        juju.calls(&READS),
        [
            "relation-ids --format=json database",
            "relation-list -r database:1 --app --format=json",
            "relation-get -r database:1 --app --format=json - pg",
        ]
    );
}

#[test]
fn a_hook_of_the_relation_says_the_remote_application_itself() {
    let juju = RelatedUnit::new();
    juju.relate("database", "pg", 1);
    juju.relate("site", "one", 0);
    juju.write(1, "pg", &[("username", "u"), ("port", "5432")]);
    let read = |hook: &Hook<Declared>| -> Result {
        assert!(answer(hook)?.is_some());
        assert_eq!(hook.related(Site)?.len(), 1);
        Ok(())
    };
    let variables = [
        ("JUJU_RELATION", "database"),
        ("JUJU_RELATION_ID", "database:1"),
        ("JUJU_REMOTE_APP", "pg"),
    ];
    let report = juju.run(Does(read), "hooks/database-relation-changed", &variables);
    assert_eq!(report.exit_code(), 0, "{report:?}");
    let lists = juju.calls(&["relation-list"]);
    assert_eq!(lists, ["relation-list -r site:2 --app --format=json"]);
}

#[test]
fn what_is_not_written_yet_is_not_ready() {
    type Pairs = &'static [(&'static str, &'static str)];
    let cases: [(Pairs, Status); 4] = [
        (&[], Status::waiting("database: pg has written nothing yet")),
        (&[("other", "x")], Status::waiting("database: pg has written nothing yet")),
        (&[("port", "1")], Status::waiting("database: pg has not written \"username\" yet")),
        (
            &[("port", "1"), ("version", "1")],
            Status::blocked(
                "database: pg writes version 1 of its data, without \"username\"; upgrade it to \
                 version 2",
            ),
        ),
    ];
    for (pairs, status) in cases {
        let juju = RelatedUnit::new();
        juju.relate("database", "pg", 0);
        juju.write(1, "pg", pairs);
        let report = juju.run(Does(|hook: &Hook<Declared>| answer(hook).map(drop)), CHANGED, &[]);
        assert_eq!((report.exit_code(), report.status()), (0, Some(&status)));
    }
}

#[test]
fn a_wrong_value_fails_the_hook_and_is_not_quoted() {
    for (port, version, said) in [
        (
            "hunter2-hunter2",
            "2",
            "cannot read the databag of pg in database:1: the value of \"port\" cannot be used: \
             expected u16",
        ),
        (
            "hunter2-hunter2",
            "3",
            "cannot read the databag of pg in database:1: it was written for version 3; this charm \
             knows 2 (the value of \"port\" cannot be used: expected u16); upgrade this charm",
        ),
    ] {
        let juju = RelatedUnit::new();
        juju.relate("database", "pg", 0);
        let pairs = [("username", "u"), ("port", port), ("version", version)];
        juju.write(1, "pg", &pairs);
        let report = juju.run(Does(|hook: &Hook<Declared>| answer(hook).map(drop)), CHANGED, &[]);
        assert_eq!(report.exit_code(), 1);
        let error = report.failure().unwrap();
        assert_eq!((error.kind(), error.to_string().as_str()), (&ErrorKind::Databag, said));
        for text in [format!("{report:?}"), format!("{:?}", juju.calls(&[""]))] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}

#[test]
fn a_relation_that_vanishes_between_two_calls_is_left_out_or_not_ready() {
    let juju = RelatedUnit::new();
    juju.relate("site", "one", 0);
    juju.relate("site", "two", 0);
    let gone = |id: u32| format!("invalid value \"site:{id}\" for option -r: relation not found");
    juju.fail_once("relation-list", 2, &gone(1));
    let handler = |hook: &Hook<Declared>| {
        let sites = hook.related(Site)?;
        let ids: Vec<String> = sites.iter().map(|site| site.id().to_string()).collect();
        assert_eq!(ids, ["site:2"]);
        juju.fail_once("relation-list", 2, &gone(2));
        // Juju hides a relation of another model that is gone.
        for _ in 0..2 {
            juju.fail_once("relation-get", 1, "permission denied");
        }
        juju.fail_once("relation-get", 2, &gone(2));
        assert!(sites[0].remote_units().unwrap_err().juju().is_some());
        let left = sites[0].remote_unit(&"two/7".parse().unwrap()).read::<Answer>().unwrap_err();
        assert_eq!(left.to_string(), "waiting: site: two/7 is not in site:2 any more");
        let stop = sites[0].remote_app().read::<Answer>().unwrap_err();
        assert!(stop.not_ready().is_some());
        let error = sites[0].remote_app().get("x").unwrap_err();
        assert_eq!(error.juju().unwrap().kind(), &juju::ErrorKind::Gone);
        Err(stop)
    };
    let report = juju.run(Does(handler), CHANGED, &[]);
    let status = Status::waiting("site: the relation site:2 is gone");
    assert_eq!((report.exit_code(), report.status()), (0, Some(&status)));
}

/// A tool that fails in any way fails the hook with an error that names the attempt, and nothing is
/// sent.
#[test]
fn a_tool_that_fails_fails_the_hook_in_every_way_alike() {
    const SECRET: &str = "hunter2-hunter2";
    let failures: [fn() -> ToolAnswer; 9] = [
        || Err(ToolError::NotFound),
        || Err(ToolError::Exited { code: 1, stderr: "ERROR connection is shut down".into() }),
        || Err(ToolError::Exited { code: 3, stderr: String::new() }),
        || Err(ToolError::Killed { signal: 9, stderr: String::new() }),
        || Err(ToolError::Deadline { limit: Duration::from_secs(300), stderr: String::new() }),
        || Err(ToolError::TooMuchOutput { limit: 16 << 20 }),
        || Err(ToolError::Broken(std::io::Error::other("the pipe burst"))),
        || Ok(format!("{SECRET} {SECRET}").into_bytes()),
        || Ok(vec![b'"', 0xff, 0xfe, b'"']),
    ];
    for tool in ["relation-ids", "relation-list", "relation-get", "relation-set", "is-leader"] {
        for (index, failure) in failures.iter().enumerate() {
            if tool == "relation-set" && index >= 7 {
                // Its output is not read.
                continue;
            }
            let juju = RelatedUnit::new();
            juju.relate("site", "one", 1);
            juju.lead(true);
            juju.answer_once(tool, failure());
            let handler = |hook: &Hook<Declared>| {
                let leader = hook.leader()?.unwrap();
                let ring = hook.peers::<Shared>(Ring)?;
                ring.update(&leader, |shared| shared.generation += 1)?;
                hook.related(Site)?[0].remote_units().map(drop)?;
                Ok(())
            };
            let report = juju.run(Does(handler), CHANGED, &[]);
            let error = report.failure().unwrap();
            let said = error.to_string();
            assert_eq!((report.exit_code(), error.kind()), (1, &ErrorKind::Juju), "{tool} {index}");
            assert!(said.starts_with("cannot ") && said.contains(tool), "{tool} {index}: {said}");
            assert!(!format!("{report:?}").contains(SECRET), "{said}");
            assert!(juju.app_bag(0, "web").is_empty());
        }
    }
}

#[test]
fn relations_are_in_the_order_of_their_ids_and_one_may_be_looked_for() {
    let juju = RelatedUnit::new();
    for (number, endpoint) in (1..=10).zip(["site", "database", "database"].into_iter().cycle()) {
        assert_eq!(juju.relate(endpoint, &format!("other{number}"), 0), number);
    }
    let handler = |hook: &Hook<Declared>| {
        let ids: Vec<u32> = hook.related(Site)?.iter().map(|site| site.id().number()).collect();
        assert_eq!(ids, [1, 4, 7, 10]);
        assert_eq!(hook.related(Database)?.unwrap().id().number(), 2);
        let named = hook.related_named(&"site".parse().unwrap())?;
        assert_eq!(named.len(), 4);
        assert!(hook.related_named(&"nothing".parse().unwrap())?.is_empty());
        let look = |id: &str| hook.relation(Site, &id.parse::<RelationId>().unwrap());
        assert!(
            matches!(look("site:10")?, RelationLookup::Active(site) if site.id().number() == 10)
        );
        assert!(matches!(look("10")?, RelationLookup::Active(_)));
        assert!(matches!(look("site:11")?, RelationLookup::Gone));
        look("database:2").map(drop)?;
        Ok(())
    };
    let report = juju.run(Does(handler), CHANGED, &[]);
    let error = report.failure().unwrap();
    assert_eq!(error.kind(), &ErrorKind::Undeclared);
    assert_eq!(
        error.to_string(),
        "cannot use the relation database:2 as one of the endpoint \"site\": it is one of \
         \"database\""
    );
}

#[test]
fn the_relation_that_breaks_is_left_out_and_marked() {
    let juju = RelatedUnit::new();
    juju.relate("site", "one", 1);
    juju.relate("site", "two", 0);
    juju.write(1, "one", &[("port", "80")]);
    let handler = |name: Option<&'static str>| {
        move |hook: &Hook<Declared>| {
            assert_eq!(hook.related(Site)?.len(), 1);
            let id = "site:1".parse().unwrap();
            let RelationLookup::Breaking(site) = hook.relation(Site, &id)? else { panic!() };
            assert!(site.is_breaking());
            let other = hook.relation(Database, &"1".parse::<RelationId>().unwrap())?;
            assert!(matches!(other, RelationLookup::Gone));
            assert_eq!(site.remote_app_name().map(juju::ApplicationName::as_str), name);
            match name {
                Some(_) => assert_eq!(site.remote_app().read::<Member>()?, Member { port: 80 }),
                None => {
                    let stop = site.remote_app().read::<Member>().unwrap_err();
                    let reason = stop.not_ready().unwrap().status().message().to_owned();
                    assert_eq!(reason, "site: the remote application has written nothing yet");
                }
            }
            Ok(())
        }
    };
    // An older Juju may list the relation in its last hook, and Juju may leave the application out.
    let broken = "hooks/site-relation-broken";
    let own =
        [("JUJU_RELATION", "site"), ("JUJU_RELATION_ID", "site:1"), ("JUJU_REMOTE_APP", "one")];
    let report = juju.run(Does(handler(Some("one"))), broken, &own);
    assert_eq!(report.exit_code(), 0, "{report:?}");
    juju.answer_once("relation-list", Ok(b"\"two\"".to_vec()));
    juju.answer_once("relation-list", Ok(b"\"\"".to_vec()));
    let report = juju.run(Does(handler(None)), broken, &own[..2]);
    assert_eq!(report.exit_code(), 0, "{report:?}");

    juju.with(|model| model.remove_relation_number(1)).unwrap();
    let (departed, _) = juju.run_next(Does(|_: &Hook<Declared>| Ok(())));
    assert_eq!(departed, "site-relation-departed");
    let (name, report) = juju.run_next(Does(handler(Some("one"))));
    assert_eq!((name.as_str(), report.exit_code()), ("site-relation-broken", 0), "{report:?}");
}

/// A deferred event runs in the hook of another one, and that hook's environment does not reach it.
#[test]
fn who_departs_comes_from_the_event_that_runs() {
    let juju = RelatedUnit::new();
    juju.relate("site", "one", 2);
    let departed = "hooks/site-relation-departed";
    let seen = RefCell::new(Vec::new());
    let handler = |event: &Event, hook: &Hook<Declared>| {
        let site = &hook.related(Site)?[0];
        let departing = site.departing_unit().map(|unit| unit.name().to_string());
        let units = site.remote_units()?;
        let units: Vec<String> = units.iter().map(|unit| unit.name().to_string()).collect();
        seen.borrow_mut().push(format!("{event}: {departing:?} of {units:?}"));
        if *event == Event::ConfigChanged {
            return Ok(Outcome::defer("later"));
        }
        Ok(Outcome::done())
    };
    let nothing = |_: &UnitView<Declared>, _: &mut Statuses| Ok(());
    let variables = |leaving| {
        [
            ("JUJU_RELATION", "site"),
            ("JUJU_RELATION_ID", "site:1"),
            ("JUJU_REMOTE_APP", "one"),
            ("JUJU_REMOTE_UNIT", "one/1"),
            ("JUJU_DEPARTING_UNIT", leaving),
        ]
    };
    let _ = juju.run(Shows(handler, nothing), CHANGED, &[]);
    let _ = juju.run(Shows(handler, nothing), departed, &variables("one/1"));
    // This unit itself leaves.
    let _ = juju.run(Shows(handler, nothing), departed, &variables("web/0"));
    assert_eq!(
        seen.into_inner(),
        [
            "config-changed: None of [\"one/0\", \"one/1\"]",
            "config-changed: None of [\"one/0\", \"one/1\"]",
            "site-relation-departed: Some(\"one/1\") of [\"one/0\"]",
            "config-changed: None of [\"one/0\", \"one/1\"]",
            "site-relation-departed: None of [\"one/0\", \"one/1\"]",
        ]
    );
}

#[test]
fn a_deferred_end_of_a_relation_meets_it_gone() {
    let juju = RelatedUnit::new();
    juju.relate("site", "one", 0);
    juju.with(|model| model.remove_relation_number(1)).unwrap();
    let seen = RefCell::new(Vec::new());
    let handler = |event: &Event, hook: &Hook<Declared>| {
        let found = match hook.relation(Site, &"site:1".parse().unwrap())? {
            RelationLookup::Active(_) => "active",
            RelationLookup::Breaking(_) => "breaking",
            RelationLookup::Gone => "gone",
        };
        seen.borrow_mut().push(format!("{event}: {found}"));
        if found == "breaking" {
            return Ok(Outcome::defer("later"));
        }
        Ok(Outcome::done())
    };
    let nothing = |_: &UnitView<Declared>, _: &mut Statuses| Ok(());
    let (broken, _) = juju.run_next(Shows(handler, nothing));
    assert_eq!(broken, "site-relation-broken");
    let report = juju.run(Shows(handler, nothing), CHANGED, &[]);
    assert_eq!(report.exit_code(), 0, "{report:?}");
    assert_eq!(
        seen.into_inner(),
        ["site-relation-broken: breaking", "site-relation-broken: gone", "config-changed: gone"]
    );
}

#[test]
fn remote_units_have_databags_and_addresses() {
    let juju = RelatedUnit::new();
    juju.relate("site", "one", 2);
    juju.write(1, "one/0", &[("port", "80"), ("ingress-address", "10.0.0.5")]);
    juju.tools.remove_tool("relation-model-get");
    let handler = |hook: &Hook<Declared>| {
        let site = &hook.related(Site)?[0];
        let units = site.remote_units()?;
        assert_eq!(units[0].name().to_string(), "one/0");
        assert_eq!(units[0].juju_keys()?.ingress_address(), Some("10.0.0.5"));
        assert_eq!(units[0].bag().entries()?.into_keys().collect::<Vec<_>>(), ["port"]);
        assert_eq!(units[0].bag().get("ingress-address")?, None);
        assert_eq!(site.remote_unit(units[0].name()).read::<Member>()?, Member { port: 80 });
        assert_eq!(site.remote_model()?, None);
        let written = site.units_written::<Member>()?;
        assert_eq!(written, [(units[0].name().clone(), Member { port: 80 })]);
        units[1].read::<Member>().map(drop)
    };
    let report = juju.run(Does(handler), CHANGED, &[]);
    let status = Status::waiting("site: one/1 has written nothing yet");
    assert_eq!((report.exit_code(), report.status()), (0, Some(&status)));
}

#[test]
fn the_peer_relation_does_not_exist_in_install_and_then_does_without_another_unit() {
    let juju = RelatedUnit::not_installed();
    let join = |hook: &Hook<Declared>| {
        let ring = hook.peers::<Shared>(Ring)?;
        ring.unit_bag().write(hook, &Member { port: 80 })?;
        assert_eq!(ring.units_written::<Member>()?.len(), 1);
        if let Some(leader) = hook.leader()? {
            ring.update(&leader, |shared| shared.generation += 1)?;
            ring.set(&leader, "raw", "x")?;
            assert_eq!(ring.get("raw")?.as_deref(), Some("x"));
            const KEYS: [&str; 3] = ["generation", "other", "raw"];
            let by_name = &hook.related_named(&"ring".parse().unwrap())?[0];
            assert_eq!(by_name.remote_app().get("raw")?.as_deref(), Some("x"));
            ring.set(&leader, "other", "y")?;
            assert_eq!(ring.entries()?.into_keys().collect::<Vec<_>>(), KEYS);
            assert_eq!(by_name.app_bag().entries(&leader)?, ring.entries()?);
            ring.remove(&leader, "other")?;
            assert_eq!(ring.entries()?.len(), 2);
            assert_eq!(ring.unit_bag().entries()?.into_keys().collect::<Vec<_>>(), ["port"]);
        }
        assert_eq!(ring.shared()?.generation, 1);
        Ok(())
    };
    let (install, report) = juju.run_next(Does(join));
    let status = Status::waiting("ring: the peer relation does not exist yet");
    assert_eq!((install.as_str(), report.exit_code()), ("install", 0));
    assert_eq!(report.status(), Some(&status));

    juju.with(|model| model.set_leader(&"web/0".parse().unwrap())).unwrap();
    let (created, report) = juju.run_next(Does(join));
    assert_eq!((created.as_str(), report.exit_code()), ("ring-relation-created", 0), "{report:?}");
    assert_eq!(
        juju.sets(),
        ["-r ring:0 {\"port\":\"80\"}", "-r ring:0 --app {\"generation\":\"1\",\"raw\":\"x\"}"]
    );
    // A unit that does not lead reads what the leader wrote, and writes its own databag alone.
    juju.lead(false);
    let report = juju.run(Does(join), CHANGED, &[]);
    assert_eq!((report.exit_code(), juju.sets().len()), (0, 0), "{report:?}");
}

#[test]
fn every_units_databag_is_read_and_a_new_unit_is_left_out() {
    #[derive(Serialize, Deserialize)]
    struct Wider {
        port: u16,
        host: String,
    }
    impl Bag for Wider {
        type Codec = JsonPerKey;
    }
    let juju = RelatedUnit::new();
    juju.add_peer();
    juju.add_peer();
    juju.write(0, "web/0", &[("port", "80")]);
    juju.write(0, "web/2", &[("port", "82")]);
    let handler = |hook: &Hook<Declared>| {
        let ring = hook.peers::<Shared>(Ring)?;
        let members = ring.units_written::<Member>()?;
        let members: Vec<String> =
            members.iter().map(|(unit, member)| format!("{unit}:{}", member.port)).collect();
        assert_eq!(members, ["web/0:80", "web/2:82"]);
        // An older revision of the charm wrote less, in this unit as in the other.
        assert!(ring.units_written::<Wider>()?.is_empty());
        assert_eq!(ring.units()?.len(), 2);
        assert_eq!(ring.shared()?, Shared::default());
        Ok(())
    };
    let report = juju.run(Does(handler), CHANGED, &[]);
    assert_eq!(report.exit_code(), 0, "{report:?}");
}

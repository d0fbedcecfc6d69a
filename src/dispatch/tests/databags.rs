//! Tests of the writes to databags: when they are sent, how often, and when they are not.

use serde::{Deserialize, Serialize};

use super::fakes::begin;
use super::related_unit::{Database, Declared, Does, RelatedUnit, Shows, Site};
use super::report::{Ending, HookReport};
use crate::juju::{self, Status};
use crate::relation::databags::{Databags, OwnBag, WhenGone};
use crate::{Bag, ErrorKind, Event, Hook, Outcome, Plain, Result, Statuses, Stop, UnitView};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Offer {
    url: String,
    note: Option<String>,
}

impl Bag for Offer {
    type Codec = Plain;
}

const CHANGED: &str = "hooks/config-changed";
const GONE: &str = "invalid value \"site:1\" for option -r: relation not found";

fn offer(url: &str) -> Offer {
    Offer { url: url.to_owned(), note: None }
}

/// Juju with one relation, in which this unit leads.
fn related() -> RelatedUnit {
    let juju = RelatedUnit::new();
    juju.relate("site", "one", 0);
    juju.lead(true);
    juju
}

/// Writes both databags of this side.
fn write_both(hook: &Hook<Declared>) -> Result {
    let leader = hook.leader()?.unwrap();
    for site in hook.related(Site)? {
        site.app_bag().write(&leader, &offer("http://web"))?;
        site.unit_bag().write(hook, &offer("http://web-0"))?;
    }
    Ok(())
}

const BOTH: [&str; 2] =
    ["-r site:1 {\"url\":\"http://web-0\"}", "-r site:1 --app {\"url\":\"http://web\"}"];

#[test]
fn changes_are_sent_once_at_the_end_and_read_in_the_same_hook() {
    let juju = related();
    juju.write(1, "web", &[("url", "old"), ("note", "old"), ("kept", "x")]);
    let handler = |_: &Event, hook: &Hook<Declared>| {
        let leader = hook.leader()?.unwrap();
        let site = &hook.related(Site)?[0];
        let (app, unit) = (site.app_bag(), site.unit_bag());
        assert_eq!(app.get(&leader, "note")?.as_deref(), Some("old"));
        for url in ["first", "second"] {
            app.write(&leader, &offer(url))?;
            unit.write(hook, &offer(url))?;
        }
        assert_eq!(app.read::<Offer>(&leader)?, Some(offer("second")));
        assert_eq!(app.get(&leader, "note")?, None);
        app.set(&leader, "more", "1")?;
        unit.set(hook, "gone", "1")?;
        unit.remove(hook, "gone")?;
        assert_eq!(unit.juju_keys()?.private_address(), Some("127.0.0.1"));
        hook.update_state(|state| state.push('x'))?;
        Ok(Outcome::done())
    };
    let show = |unit: &UnitView<Declared>, statuses: &mut Statuses| {
        let site = &unit.related(Site)?[0];
        let offer = site.unit_bag().read::<Offer>()?.unwrap();
        statuses.add(Status::blocked(offer.url));
        Ok(())
    };
    let report = juju.run(Shows(handler, show), CHANGED, &[]);
    assert_eq!(report.status(), Some(&Status::blocked("second")), "{report:?}");
    let writes = juju.calls(&["status-set", "relation-set", "state-set"]);
    assert_eq!(
        writes,
        [
            "status-set blocked -- second",
            "relation-set -r site:1 --file -",
            "relation-set -r site:1 --app --file -",
            "state-set --file -"
        ]
    );
    assert_eq!(
        juju.sets(),
        [
            "-r site:1 {\"url\":\"second\"}",
            "-r site:1 --app {\"more\":\"1\",\"note\":\"\",\"url\":\"second\"}"
        ]
    );
    assert_eq!(juju.app_bag(1, "web").into_keys().collect::<Vec<_>>(), ["kept", "more", "url"]);
    // Each databag was read once, and the leader was asked once: the answer holds for 30 s.
    assert_eq!(juju.calls(&["relation-get", "is-leader"]).len(), 3);
}

#[test]
fn what_does_not_change_is_not_sent() {
    let juju = related();
    assert_eq!(juju.run(Does(write_both), CHANGED, &[]).exit_code(), 0);
    assert_eq!(juju.sets(), BOTH);
    assert_eq!(juju.run(Does(write_both), CHANGED, &[]).exit_code(), 0);
    assert!(juju.sets().is_empty());
    // A change that is taken back is none.
    let back_and_forth = |hook: &Hook<Declared>| {
        let unit = hook.related(Site)?[0].unit_bag();
        unit.write(hook, &offer("other"))?;
        unit.write(hook, &offer("http://web-0"))?;
        Ok(())
    };
    assert_eq!(juju.run(Does(back_and_forth), CHANGED, &[]).exit_code(), 0);
    assert!(juju.sets().is_empty());
}

#[test]
fn an_own_databag_that_nobody_asks_for_is_not_read() {
    let juju = related();
    let handler = |hook: &Hook<Declared>| {
        let site = &hook.related(Site)?[0];
        let _ = (site.app_bag(), site.unit_bag());
        let _ = site.remote_app().entries()?;
        Ok(())
    };
    assert_eq!(juju.run(Does(handler), CHANGED, &[]).exit_code(), 0);
    assert_eq!(juju.calls(&["relation-get"]), ["relation-get -r site:1 --app --format=json - one"]);
}

#[test]
fn a_hook_or_an_action_that_fails_sends_nothing() {
    let fails = |hook: &Hook<Declared>| {
        write_both(hook)?;
        Err(Stop::failed("cannot go on"))
    };
    for (path, code) in [(CHANGED, 1), ("actions/act", 0)] {
        let juju = related();
        let report = juju.run(Does(fails), path, &[]);
        assert_eq!((report.exit_code(), juju.sets().len()), (code, 0), "{path}");
        assert!(report.failure().is_some());
        let juju = related();
        let report = juju.run(Does(write_both), path, &[]);
        assert_eq!((report.exit_code(), juju.sets()), (0, BOTH.map(str::to_owned).to_vec()));
    }
    // What is not ready is no failure, and neither is an event that is stored.
    let waits = |hook: &Hook<Declared>| {
        write_both(hook)?;
        Err(Stop::waiting("for the moon"))
    };
    let juju = related();
    assert_eq!(juju.run(Does(waits), CHANGED, &[]).exit_code(), 0);
    assert_eq!(juju.sets(), BOTH);
}

/// Deferred events and the hook's own share one buffer, and one of them that fails the hook keeps
/// all of it back, the queue included.
#[test]
fn a_handler_that_fails_or_panics_keeps_back_what_the_others_wrote() {
    let nothing = |_: &UnitView<Declared>, _: &mut Statuses| Ok(());
    for panics in [false, true] {
        let juju = related();
        let runs = std::cell::RefCell::new(Vec::new());
        let handler = |event: &Event, hook: &Hook<Declared>| {
            runs.borrow_mut().push(event.to_string());
            let count = runs.borrow().len();
            let unit = hook.related(Site)?[0].unit_bag();
            unit.set(hook, event.to_string(), count.to_string())?;
            match (count, event) {
                (1, _) => Ok(Outcome::defer("later")),
                (3, _) if panics => panic!("hunter2"),
                (3, _) => Err(Stop::failed("cannot go on")),
                _ => Ok(Outcome::done()),
            }
        };
        // It is deferred, and what it wrote is sent.
        assert_eq!(juju.run(Shows(handler, nothing), CHANGED, &[]).exit_code(), 0);
        assert_eq!(juju.sets(), ["-r site:1 {\"config-changed\":\"1\"}"]);
        // The deferred event is done, and then the other one fails.
        let update = "hooks/update-status";
        assert_eq!(juju.run(Shows(handler, nothing), update, &[]).exit_code(), 1);
        assert!(juju.sets().is_empty() && juju.calls(&["state-set"]).is_empty());
        // Juju runs the hook again, and both write.
        assert_eq!(juju.run(Shows(handler, nothing), update, &[]).exit_code(), 0);
        assert_eq!(juju.sets(), ["-r site:1 {\"config-changed\":\"4\",\"update-status\":\"5\"}"]);
        let runs = runs.into_inner();
        assert_eq!(
            runs,
            [
                "config-changed",
                "config-changed",
                "update-status",
                "config-changed",
                "update-status"
            ]
        );
    }
}

#[test]
fn jujus_own_keys_are_refused_in_a_units_databag() {
    let handler = |hook: &Hook<Declared>| {
        let leader = hook.leader()?.unwrap();
        let site = &hook.related(Site)?[0];
        site.app_bag().set(&leader, "ingress-address", "10.0.0.1")?;
        site.unit_bag().set(hook, "ingress-address", "10.0.0.1")?;
        Ok(())
    };
    let report = related().run(Does(handler), CHANGED, &[]);
    let error = report.failure().unwrap();
    assert_eq!(error.kind(), &ErrorKind::Databag);
    assert_eq!(
        error.to_string(),
        "cannot write the databag of the unit web/0 in site:1: the key \"ingress-address\" is \
         Juju's own; use another"
    );
}

#[test]
fn a_bag_type_with_jujus_own_keys_is_refused_for_units() {
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Address {
        private_address: Option<String>,
    }
    impl Bag for Address {
        type Codec = Plain;
    }
    let juju = RelatedUnit::new();
    juju.relate("site", "one", 1);
    juju.write(1, "one/0", &[("private-address", "10.0.0.1")]);
    let handler = |hook: &Hook<Declared>| {
        let site = &hook.related(Site)?[0];
        let own = site.unit_bag();
        let address = || Address { private_address: None };
        let errors = [
            own.write(hook, &address()).unwrap_err(),
            own.read::<Address>().map(drop).unwrap_err(),
        ];
        for error in &errors {
            assert_eq!(
                error.to_string(),
                "cannot use the bag type for the databag of the unit web/0 in site:1: its key \
                 \"private-address\" is Juju's own; read that by juju_keys"
            );
        }
        site.remote_app().read::<Address>()?;
        site.remote_units()?[0].read::<Address>().map(drop)
    };
    let report = juju.run(Does(handler), CHANGED, &[]);
    assert_eq!(report.failure().unwrap().kind(), &ErrorKind::Databag);
}

#[test]
fn what_juju_cannot_store_fails_the_call_that_writes_it() {
    for (key, value, kind) in [
        ("", "x".to_owned(), juju::ErrorKind::Invalid),
        ("key", "a\0b".to_owned(), juju::ErrorKind::Invalid),
        (
            "key",
            "x".repeat(16 << 20),
            juju::ErrorKind::TooLarge { size: (16 << 20) + 3, limit: 16 << 20 },
        ),
    ] {
        let juju = related();
        let handler = |hook: &Hook<Declared>| {
            let unit = hook.related(Site)?[0].unit_bag();
            let error = unit.set(hook, key, value.as_str()).unwrap_err();
            assert_eq!(error.juju().unwrap().kind(), &kind);
            // Nothing of it is kept.
            unit.set(hook, "other", "1")?;
            Ok(())
        };
        assert_eq!(juju.run(Does(handler), CHANGED, &[]).exit_code(), 0);
        assert_eq!(juju.sets(), ["-r site:1 {\"other\":\"1\"}"]);
    }
    // The databag as a whole has the limit.
    let juju = related();
    let handler = |hook: &Hook<Declared>| {
        let unit = hook.related(Site)?[0].unit_bag();
        unit.set(hook, "a", "x".repeat(9 << 20))?;
        let error = unit.set(hook, "b", "x".repeat(9 << 20)).unwrap_err();
        assert!(matches!(error.juju().unwrap().kind(), juju::ErrorKind::TooLarge { .. }));
        unit.remove(hook, "a")?;
        unit.set(hook, "b", "x".repeat(9 << 20))?;
        Ok(())
    };
    assert_eq!(juju.run(Does(handler), CHANGED, &[]).exit_code(), 0);
    assert_eq!(juju.sets().len(), 1);
}

#[test]
fn what_an_older_charm_wrote_does_not_keep_a_write_back() {
    let juju = related();
    // Neither the model nor this library writes these any more.
    let old = r#"{"":"empty","nul":"a\u0000b","url":"old"}"#;
    juju.answer_once("relation-get", Ok(old.into()));
    let handler = |hook: &Hook<Declared>| {
        let leader = hook.leader()?.unwrap();
        let app = hook.related(Site)?[0].app_bag();
        app.write(&leader, &offer("new"))?;
        app.remove(&leader, "nul")?;
        Ok(())
    };
    let report = juju.run(Does(handler), CHANGED, &[]);
    assert_eq!(report.exit_code(), 0, "{report:?}");
    // Nothing but the changes is sent.
    let sent = ["-r site:1 --app {\"nul\":\"\",\"url\":\"new\"}"];
    assert_eq!(juju.sets(), sent);
}

#[test]
fn a_write_to_a_relation_that_is_gone_fails_and_names_it() {
    let juju = related();
    juju.fail_once("relation-set", 2, GONE);
    let report = juju.run(Does(write_both), CHANGED, &[]);
    assert_eq!(report.exit_code(), 1);
    let error = report.failure().unwrap();
    assert_eq!(error.juju().unwrap().kind(), &juju::ErrorKind::Gone);
    assert!(
        error.to_string().starts_with("cannot write this unit's databag in the relation site:1: "),
        "{error}"
    );
    // Nothing of the state is written by a hook that fails.
    assert!(juju.calls(&["state-set"]).is_empty());

    // Already when the databag is read for the write.
    let juju = related();
    juju.fail_once("relation-get", 2, GONE);
    let report = juju.run(Does(write_both), CHANGED, &[]);
    assert_eq!(report.failure().unwrap().juju().unwrap().kind(), &juju::ErrorKind::Gone);
}

#[test]
fn a_hook_that_must_not_fail_drops_the_changes_of_a_relation_that_is_gone() {
    for path in ["hooks/stop", "hooks/remove", "hooks/web-pebble-ready"] {
        let juju = related();
        juju.fail_once("relation-set", 2, GONE);
        let report = juju.run(Does(write_both), path, &[]);
        assert_eq!(report.exit_code(), 0, "{report:?}");
        assert!(report.handled().iter().all(|handled| handled.ending() == &Ending::Done));
        // The other databag was sent all the same.
        assert_eq!(juju.app_bag(1, "web").len(), 1);
        assert!(report.log().any(|(_, line)| line.contains("site:1")));
    }
    // Any other failure counts.
    let juju = related();
    juju.fail_once("relation-set", 1, "connection is shut down");
    let changes = |hook: &Hook<Declared>| {
        hook.related(Site)?[0].unit_bag().set(hook, "more", "1")?;
        Ok(())
    };
    assert_eq!(juju.run(Does(changes), "hooks/stop", &[]).exit_code(), 1);
}

#[test]
fn a_workload_hook_tries_again_and_then_stores_its_events() {
    let ready = "hooks/web-pebble-ready";
    let broken = "connection is shut down";
    let juju = related();
    juju.fail_once("relation-set", 1, broken);
    let report = juju.run(Does(write_both), ready, &[]);
    assert_eq!((report.exit_code(), report.failure().is_none()), (0, true));
    assert_eq!(juju.unit_keys(1), ["url"]);

    let juju = related();
    juju.fail_once("relation-set", 1, broken);
    juju.fail_once("relation-set", 1, broken);
    let stored = |report: &HookReport| match report.handled()[0].ending() {
        Ending::Stored(status) => status.message().to_owned(),
        ending => panic!("{ending:?}"),
    };
    let report = juju.run(Does(write_both), ready, &[]);
    assert_eq!(report.exit_code(), 0, "{report:?}");
    let message = stored(&report);
    assert!(
        message.starts_with("cannot write this unit's databag in the relation site:1: "),
        "{message}"
    );
    assert_eq!(report.status(), Some(&Status::blocked(message)));
    // It runs again in the next workload hook, whose event is stored as well.
    juju.fail_once("relation-set", 1, broken);
    juju.fail_once("relation-set", 1, broken);
    let check = ("JUJU_PEBBLE_CHECK_NAME", "up");
    let report = juju.run(Does(write_both), "hooks/web-pebble-check-failed", &[check]);
    assert_eq!((report.exit_code(), report.handled().len()), (0, 2));
    // They run again with the next hook, whose writes succeed.
    let report = juju.run(Does(write_both), CHANGED, &[]);
    assert_eq!((report.exit_code(), report.handled().len()), (0, 3));
    assert!(report.handled()[..2].iter().all(crate::dispatch::Handled::is_deferred));
    assert_eq!(juju.sets(), BOTH);
}

#[test]
fn the_leader_is_asked_before_the_applications_databag_is_written() {
    // As a follower, 30 s after the proof of leadership.
    let juju = related();
    juju.relate("database", "pg", 0);
    begin(&juju.tools, CHANGED);
    juju.tools.forget_calls();
    let tools = juju.tools.juju();
    let own = "web/0".parse().unwrap();
    let databags = Databags::default();
    let one = std::collections::BTreeMap::from([("key".to_owned(), Some("1".to_owned()))]);
    for (id, bag) in
        [("site:1", OwnBag::Application), ("site:1", OwnBag::Unit), ("database:2", OwnBag::Unit)]
    {
        databags.change(&tools, &own, &id.parse().unwrap(), bag, &one).unwrap();
    }
    juju.with(|model| model.unset_leader("web")).unwrap();
    let error = databags.send(&tools, WhenGone::Fail).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::LostLeadership);
    assert_eq!(
        error.to_string(),
        "cannot write the application's databag of site:1: this unit lost the leadership during \
         the hook; the new leader writes it"
    );
    // The unit's databags are not kept back, and are not sent twice.
    assert_eq!(juju.sets(), ["-r site:1 {\"key\":\"1\"}", "-r database:2 {\"key\":\"1\"}"]);
    databags.send(&tools, WhenGone::Fail).unwrap_err();
    assert_eq!(juju.sets().len(), 2);

    // Juju itself may refuse within the 30 s.
    let juju = related();
    juju.fail_once("relation-set", 1, "cannot write relation settings");
    let handler = |hook: &Hook<Declared>| {
        let leader = hook.leader()?.unwrap();
        hook.related(Site)?[0].app_bag().write(&leader, &offer("x"))?;
        Ok(())
    };
    let report = juju.run(Does(handler), CHANGED, &[]);
    assert_eq!(report.exit_code(), 1);
    let kind = report.failure().unwrap().juju().unwrap().kind().clone();
    assert_eq!(kind, juju::ErrorKind::NotLeader);
}

#[test]
fn a_requirer_without_a_relation_writes_nothing() {
    let juju = RelatedUnit::new();
    let handler = |hook: &Hook<Declared>| {
        assert!(hook.related(Database)?.is_none());
        Ok(())
    };
    assert_eq!(juju.run(Does(handler), CHANGED, &[]).exit_code(), 0);
    assert!(juju.calls(&["is-leader", "relation-set", "relation-list"]).is_empty());
}

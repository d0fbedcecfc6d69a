//! Deferred events of relations: what they know when they run in another hook, and what becomes of
//! them when their relation is gone.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use charmwright::juju::LogLevel;
use charmwright::{
    Charm, Declaration, Endpoint, Event, Hook, Metadata, NoActions, NoConfig, NoLimit, NoState,
    Outcome, RelationLookup, Requires, Result,
};
use charmwright_agent::{CharmMeta, Deployment, EndpointMeta, EndpointRole, RelationNumber};

use super::juju::{Juju, Ran, assert_all_done, name};

struct Declared;

impl Declaration for Declared {
    type Config = NoConfig;
    type State = NoState;
    type Action = NoActions;
    const METADATA: Metadata = Metadata::new("web");
}

#[derive(Clone, Copy)]
struct Site;

impl Endpoint for Site {
    const NAME: &'static str = "site";
    const INTERFACE: &'static str = "http";
    type Role = Requires;
    type Limit = NoLimit;
}

/// What the charm does, and what it has seen. A clone is the same.
#[derive(Clone, Default)]
struct Play {
    /// `true` while the charm defers the events of relations.
    defers: Rc<Cell<bool>>,
    seen: Rc<RefCell<Vec<String>>>,
}

impl Play {
    /// Returns what the charm has seen since the last call.
    fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.borrow_mut())
    }
}

/// A charm that tells what it sees of the relation of each event, and may defer the event.
struct Web(Play);

impl Charm for Web {
    type Declared = Declared;

    async fn reconcile(&mut self, _: &Hook<Declared>) -> Result {
        Ok(())
    }

    async fn handle(&mut self, event: &Event, hook: &Hook<Declared>) -> Result<Outcome> {
        let Some(id) = event.relation() else { return Ok(Outcome::done()) };
        let unit = match event {
            Event::RelationChanged(changed) => changed.unit(),
            Event::RelationDeparted(departed) => Some(departed.unit()),
            _ => None,
        };
        let unit = unit.map_or_else(|| "-".to_owned(), ToString::to_string);
        let found = match hook.relation(Site, id)? {
            RelationLookup::Active(site) => {
                let app = site.remote_app_name().map_or("?", |app| app.as_str());
                let departing = site.departing_unit().map(|unit| unit.name().to_string());
                let url = site.remote_app().get("url")?;
                format!(
                    "{app} {} {}",
                    url.as_deref().unwrap_or("-"),
                    departing.as_deref().unwrap_or("-")
                )
            }
            RelationLookup::Breaking(_) => "breaking".to_owned(),
            RelationLookup::Gone => "gone".to_owned(),
        };
        let related = hook.related(Site)?.len();
        self.0.seen.borrow_mut().push(format!("{event} {id} {unit}: {found}, {related} in all"));
        Ok(if self.0.defers.get() { Outcome::defer("later") } else { Outcome::done() })
    }
}

/// A model with one unit of the charm, related to the applications `one` and `two`, which no charm
/// runs. Returns the numbers of the relations.
fn related() -> (Juju, Play, RelationNumber, RelationNumber) {
    let mut juju = Juju::new();
    let play = Play::default();
    let yaml = "name: web\nsummary: s\ndescription: d\nrequires: {site: {interface: http}}\n";
    let charm = play.clone();
    let meta = CharmMeta::parse(yaml, None, None).unwrap();
    juju.deploy_charm("web", meta, 1, move || Web(charm.clone()));
    for remote in ["one", "two"] {
        let server = EndpointMeta::new("server", EndpointRole::Provider, "http");
        juju.with(|model| model.deploy(remote, Deployment::remote([server]).units(2))).unwrap();
    }
    let (one, two) = (juju.integrate("web", "one"), juju.integrate("web", "two"));
    assert_all_done(&juju.settle());
    play.take_seen();
    (juju, play, one, two)
}

fn write_url(juju: &Juju, relation: RelationNumber, application: &str, url: &str) {
    juju.with(|model| model.set_remote_app_data(relation, application, [("url", url)])).unwrap();
}

/// Returns the warnings of one hook that a stored event was dropped.
fn dropped(ran: &Ran) -> Vec<&str> {
    let warnings = ran.report.log().filter(|(level, _)| *level == LogLevel::Warning);
    warnings.map(|(_, text)| text).filter(|text| text.starts_with("dropped")).collect()
}

#[test]
fn a_deferred_event_has_its_own_data_in_the_hook_of_another_relation() {
    let (mut juju, play, one, two) = related();
    play.defers.set(true);
    write_url(&juju, one, "one", "http://one");
    assert_all_done(&juju.settle());
    assert_eq!(
        play.take_seen(),
        [format!("site-relation-changed site:{one} -: one http://one -, 2 in all")]
    );
    assert_eq!(juju.status("web/0"), "waiting: later");

    play.defers.set(false);
    write_url(&juju, two, "two", "http://two");
    assert_all_done(&juju.settle());
    assert_eq!(
        play.take_seen(),
        [
            format!("site-relation-changed site:{one} -: one http://one -, 2 in all"),
            format!("site-relation-changed site:{two} -: two http://two -, 2 in all"),
        ]
    );
    assert_eq!(juju.status("web/0"), "active: ");
}

#[test]
fn a_deferred_departure_says_who_left_in_a_later_hook_alone() {
    let (mut juju, play, one, two) = related();
    play.defers.set(true);
    juju.with(|model| model.remove_unit(&name("one/1"))).unwrap();
    assert_all_done(&juju.settle());
    let departed = format!("site-relation-departed site:{one} one/1: one - one/1, 2 in all");
    assert_eq!(play.take_seen(), std::slice::from_ref(&departed));

    play.defers.set(false);
    write_url(&juju, two, "two", "http://two");
    assert_all_done(&juju.settle());
    assert_eq!(
        play.take_seen(),
        [departed, format!("site-relation-changed site:{two} -: two http://two -, 2 in all")]
    );
}

#[test]
fn a_deferred_change_is_dropped_with_a_warning_in_the_hook_that_ends_its_relation() {
    let (mut juju, play, one, _) = related();
    play.defers.set(true);
    write_url(&juju, one, "one", "http://one");
    assert_all_done(&juju.settle());
    juju.with(|model| model.remove_relation("web", "one")).unwrap();
    let ran = juju.settle();
    assert_all_done(&ran);
    let (last, before) = ran.split_last().unwrap();
    assert_eq!(last.hook, "site-relation-broken");
    assert!(before.iter().all(|ran| dropped(ran).is_empty()), "{before:#?}");
    assert_eq!(
        dropped(last),
        [format!("dropped the stored \"site-relation-changed\": the relation site:{one} is gone")]
    );
    let broken = format!("site-relation-broken site:{one} -: breaking, 1 in all");
    assert_eq!(play.take_seen().last(), Some(&broken));
}

#[test]
fn deferred_events_about_the_end_of_a_relation_run_after_it_is_gone() {
    let (mut juju, play, one, _) = related();
    play.defers.set(true);
    juju.with(|model| model.remove_relation("web", "one")).unwrap();
    let ran = juju.settle();
    assert_all_done(&ran);
    assert_eq!(ran.last().unwrap().hook, "site-relation-broken");
    play.take_seen();

    play.defers.set(false);
    let ran = juju.update_status();
    assert_all_done(&ran);
    assert_eq!(
        play.take_seen(),
        [
            format!("site-relation-departed site:{one} one/0: gone, 1 in all"),
            format!("site-relation-departed site:{one} one/1: gone, 1 in all"),
            format!("site-relation-broken site:{one} -: gone, 1 in all"),
        ]
    );
    assert_eq!(dropped(&ran[0]), [""; 0]);
    assert_eq!(juju.status("web/0"), "active: ");
}

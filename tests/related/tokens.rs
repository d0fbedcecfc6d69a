//! The owner and the observers of a secret with rotation.

use std::time::Duration;

use super::charms::{token_observer::TokenObserver as Observer, token_owner::TokenOwner as Owner};
use super::juju::{Juju, Ran, assert_all_done, hooks_of, name};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A model with an owner of two units, and an observer of two.
fn related() -> Juju {
    let mut juju = Juju::new();
    juju.deploy("owner", "token_owner", 2, || Owner);
    juju.deploy("app", "token_observer", 2, || Observer);
    juju.integrate("owner", "app");
    assert_all_done(&juju.settle());
    juju
}

/// Returns the newest revision of the token, and the one that a unit tracks.
fn revisions(juju: &Juju, unit: &str) -> (u32, Option<u32>) {
    let report = juju.report(unit);
    (report.secrets[0].revision, report.secrets[0].tracked)
}

/// Returns the removals of revisions that a run has asked for.
fn removals(ran: &[Ran]) -> Vec<(&str, &str)> {
    let calls = ran.iter().flat_map(|hook| hook.calls.iter().map(move |call| (hook, call)));
    let removals = calls.filter(|(_, call)| call.tool() == "secret-remove" && call.succeeded());
    removals
        .map(|(hook, call)| (hook.unit.as_str(), call.args().last().unwrap().as_str()))
        .collect()
}

#[test]
fn the_owner_makes_it_and_every_unit_reads_it() {
    let juju = related();
    for unit in ["app/0", "app/1"] {
        assert_eq!(juju.status(unit), "active: uses token 1");
        assert_eq!(revisions(&juju, unit), (1, Some(1)));
    }
    let owned = &juju.report("owner/0").secrets[0];
    assert_eq!((owned.label.as_str(), owned.owner.as_str()), ("token", "owner"));
    assert_eq!(owned.rotation.as_deref(), Some("daily"));
}

#[test]
fn a_rotation_reaches_the_observers_and_the_old_revision_goes() {
    let mut juju = related();
    juju.advance(DAY - Duration::from_secs(1));
    assert!(juju.settle().is_empty());
    for day in 2..=3 {
        juju.advance(DAY);
        let mut ran = juju.settle();
        // An owner that has read its secret counts as an observer, and reads the new revision in
        // its next hook.
        ran.extend(juju.update_status());
        assert_all_done(&ran);
        assert_eq!(hooks_of(&ran, "owner/0")[0], "secret-rotate");
        assert_eq!(hooks_of(&ran, "app/1")[0], "secret-changed");
        for unit in ["app/0", "app/1"] {
            assert_eq!(juju.status(unit), format!("active: uses token {day}"));
            assert_eq!(revisions(&juju, unit), (day, Some(day)));
        }
        assert_eq!(removals(&ran), [("owner/0", format!("--revision={}", day - 1).as_str())]);
    }
}

#[test]
fn an_observer_that_has_not_run_yet_keeps_the_old_revision() {
    let mut juju = related();
    juju.advance(DAY);
    assert_all_done(&juju.settle_unit("owner/0"));
    assert_eq!(revisions(&juju, "app/0"), (2, Some(1)));
    let changed = juju.run_next(&name("app/0")).unwrap();
    assert_eq!(changed.hook, "secret-changed");
    assert_eq!(revisions(&juju, "app/0"), (2, Some(2)));
    assert_eq!(revisions(&juju, "app/1"), (2, Some(1)));
    let ran = juju.update_status();
    assert_all_done(&ran);
    assert_eq!(removals(&ran), [("owner/0", "--revision=1")]);
}

#[test]
fn a_relation_that_ends_takes_the_right_to_read_with_it() {
    let mut juju = related();
    juju.with(|model| model.remove_relation("owner", "app")).unwrap();
    assert_all_done(&juju.settle());
    assert_eq!(juju.status("app/0"), "blocked: relate this application to a token's owner");
    juju.integrate("owner", "app");
    assert_all_done(&juju.settle());
    assert_eq!(juju.status("app/0"), "active: uses token 1");
}

#[test]
fn an_observer_uses_the_token_of_another_owner() {
    let mut juju = related();
    juju.with(|model| model.remove_relation("owner", "app")).unwrap();
    assert_all_done(&juju.settle());
    juju.deploy("other", "token_owner", 1, || Owner);
    juju.integrate("other", "app");
    assert_all_done(&juju.settle());
    for day in 2..=3 {
        assert_eq!(juju.status("app/0"), format!("active: uses token {day}"));
        juju.advance(DAY);
        assert_all_done(&juju.settle());
    }
}

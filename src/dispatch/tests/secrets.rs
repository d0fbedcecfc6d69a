//! Tests of an application's own secret in whole hook runs, against the model of Juju.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use super::related_unit::{Database, Declared, Does, RelatedUnit, Ring, Site};
use crate::juju::{ErrorKind, Status};
use crate::{AppSecret, Bag, Hook, Plain, RemoteSecret, Result, SecretFields, SecretText};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Answer {
    secret_user: RemoteSecret<SecretFields>,
}

impl Bag for Answer {
    type Codec = Plain;
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Shared {}

impl Bag for Shared {
    type Codec = Plain;
}

const CHANGED: &str = "hooks/config-changed";
const CHANGES: [&str; 6] =
    ["secret-add", "secret-set", "secret-grant", "secret-revoke", "secret-remove", "relation-set"];

fn fields(password: &str) -> SecretFields {
    SecretFields::new().with("password", &SecretText::from(password))
}

fn user(hook: &Hook<Declared>) -> AppSecret<SecretFields> {
    hook.app_secret("user")
}

/// Gives each client the one secret, as a charm does that shares its reconcile between all events.
fn reconcile(hook: &Hook<Declared>) -> Result {
    let secret = user(hook);
    secret.or_create(|| fields("one"))?;
    let Some(leader) = hook.leader()? else { return Ok(()) };
    let id = secret.id(&leader)?;
    for site in hook.related(Site)? {
        secret.grant(&leader, site.id())?;
        site.app_bag().write(&leader, &Answer { secret_user: RemoteSecret::new(id.clone()) })?;
    }
    Ok(())
}

/// Runs a hook that has to succeed, and returns the names of the tools that changed something.
fn changed(juju: &RelatedUnit, handler: impl FnMut(&Hook<Declared>) -> Result) -> Vec<String> {
    let report = juju.run(Does(handler), CHANGED, &[]);
    assert_eq!(report.exit_code(), 0, "{report:?}");
    let calls = juju.calls(&CHANGES).into_iter();
    calls.map(|call| call.split(' ').next().unwrap().to_owned()).collect()
}

fn leading() -> RelatedUnit {
    let juju = RelatedUnit::new();
    juju.relate("site", "one", 1);
    juju.lead(true);
    juju
}

/// Every hook is committed by the model: [`RelatedUnit::run`] checks that.
#[test]
fn a_reconcile_shares_a_secret_and_changes_nothing_when_it_runs_again() {
    let juju = leading();
    assert_eq!(changed(&juju, reconcile), ["secret-add", "secret-grant", "relation-set"]);
    assert_eq!(changed(&juju, reconcile), [""; 0]);
    let rotate = |hook: &Hook<Declared>| {
        let leader = hook.leader()?.unwrap();
        user(hook).set(&leader, &fields("two"))?;
        reconcile(hook)
    };
    assert_eq!(changed(&juju, rotate), ["secret-set"]);
    // The revision may go before or after the rest, and more than once.
    for _ in 0..2 {
        let remove = |hook: &Hook<Declared>| {
            let leader = hook.leader()?.unwrap();
            user(hook).remove_revision(&leader, 1)?;
            reconcile(hook)?;
            user(hook).remove_revision(&leader, 1).map(drop)?;
            Ok(())
        };
        assert_eq!(changed(&juju, remove), ["secret-remove", "secret-remove"]);
    }
    juju.relate("site", "two", 1);
    assert_eq!(changed(&juju, reconcile), ["secret-grant", "relation-set"]);
    // A unit that does not lead reads it and changes nothing.
    juju.lead(false);
    assert_eq!(changed(&juju, reconcile), [""; 0]);
}

#[test]
fn a_grant_to_the_own_application_is_refused_before_it_fails_the_hook() {
    let juju = leading();
    let refused = Cell::new(0);
    let grant = |hook: &Hook<Declared>| {
        reconcile(hook)?;
        let leader = hook.leader()?.unwrap();
        let ring = hook.peers::<Shared>(Ring)?;
        let error = user(hook).grant(&leader, ring.id()).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid, "{error}");
        refused.set(refused.get() + 1);
        Ok(())
    };
    // Of a secret that the hook has just added, and of a stored one.
    assert_eq!(changed(&juju, grant), ["secret-add", "secret-grant", "relation-set"]);
    assert_eq!(changed(&juju, grant), [""; 0]);
    assert_eq!(refused.get(), 2);
}

#[test]
fn a_secret_that_the_hook_has_removed_is_gone_for_the_rest_of_it() {
    let juju = leading();
    changed(&juju, reconcile);
    let remove = |hook: &Hook<Declared>| {
        let leader = hook.leader()?.unwrap();
        assert!(user(hook).remove(&leader)?);
        assert!(!user(hook).remove(&leader)?);
        assert!(user(hook).find()?.is_none());
        // Juju frees the label only when it has committed the hook.
        let stop = user(hook).or_create(|| fields("new")).unwrap_err();
        let error = stop.error().unwrap().to_string();
        assert!(error.contains("whose removal frees the label only after this hook"), "{error}");
        Ok(())
    };
    assert_eq!(changed(&juju, remove), ["secret-remove"]);
    assert_eq!(changed(&juju, reconcile), ["secret-add", "secret-grant", "relation-set"]);
}

#[test]
fn a_secret_that_is_not_there_is_named_by_the_databag_that_named_it() {
    const GONE: &str = "secret:9m4e2mr0ui3e8a215n4g";
    let juju = RelatedUnit::new();
    juju.relate("database", "pg", 1);
    juju.write(1, "pg", &[("secret-user", GONE)]);
    juju.write(1, "pg/0", &[("secret-user", GONE)]);
    for (of_unit, owner) in [(false, "pg"), (true, "pg/0")] {
        let read = |hook: &Hook<Declared>| -> Result {
            let database = hook.related(Database)?.unwrap();
            let answer: Answer = match of_unit {
                true => database.remote_units()?[0].read()?,
                false => database.remote_app().read()?,
            };
            answer.secret_user.get(hook).map(drop)
        };
        let report = juju.run(Does(read), CHANGED, &[]);
        let reason = format!("database: {owner}: the secret {GONE} does not exist any more");
        assert_eq!(report.status(), Some(&Status::waiting(reason)), "{report:?}");
    }
}

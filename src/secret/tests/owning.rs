//! Tests of the secrets that a charm owns.

use super::play::{Credentials, FOREIGN, ID, Played, Unit, credentials};
use crate::juju::{ErrorKind, NewSecret, RelationId, SecretExpiry, SecretOwner};
use crate::{OrStop as _, SecretContent as _, SecretRotation, SecretUpdate};

fn relation() -> RelationId {
    "db:7".parse().unwrap()
}

#[test]
fn the_leader_creates_a_secret_and_the_others_wait_for_it() {
    let follower = Unit::new(false);
    let ran = follower.run(|hook| {
        hook.app_secret::<Credentials>("admin").or_create(|| panic!("a follower makes none"))?;
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 0);
    assert_eq!(
        ran.status,
        "status-set waiting -- waiting for the leader to create the secret \"admin\""
    );
    assert_eq!(ran.secret_calls, ["secret-get --label=admin --refresh --format=json"]);

    let leader = Unit::new(true);
    let create = |hook: &crate::Hook<super::play::Declared>| {
        let secret = hook
            .app_secret::<Credentials>("admin")
            .description("of the admin")
            .rotation(SecretRotation::Daily)
            .expiry(SecretExpiry::after(std::time::Duration::from_secs(60)));
        let made = secret.or_create(|| credentials("hunter2"))?;
        assert_eq!(made, credentials("hunter2"));
        // It can be read in the hook that creates it.
        assert_eq!(secret.get()?, made);
        Ok(())
    };
    let ran = leader.run(create);
    assert_eq!(ran.report.exit_code(), 0, "{}", ran.output);
    assert_eq!(
        ran.secret_calls,
        [
            "secret-get --label=admin --refresh --format=json",
            "secret-info-get --format=json --label=admin",
            "secret-add --owner=application --label=admin --description=of the admin \
             --expire=60.000000000s --rotate=daily --file=PATH",
            "secret-get --label=admin --refresh --format=json",
        ]
    );
    // The next hook finds it.
    let ran = leader.run(create);
    assert_eq!(ran.secret_calls, ["secret-get --label=admin --refresh --format=json"]);
    assert!(ran.status.starts_with("status-set active"), "{}", ran.status);
}

#[test]
fn what_an_owner_does_is_one_call_each() {
    let unit = Unit::new(true);
    let ran = unit.run(|hook| {
        let leader = hook.leader()?.or_wait("leader")?;
        let own = hook.app_secret::<Credentials>("admin");
        assert_eq!(own.find()?, None);
        let id = own.add(&leader, &credentials("one"))?;
        assert_eq!(id.as_str(), format!("secret://0f3c0f3c-0f3c-4f3c-8f3c-0f3c0f3c0f3c/{ID}"));
        assert_eq!(own.id(&leader)?, id);
        own.set(&leader, &credentials("two"))?;
        own.update(&leader, &SecretUpdate::new().rotation(SecretRotation::Weekly))?;
        own.grant(&leader, &relation())?;
        assert!(own.revoke(&leader, &relation())?);
        assert_eq!(own.info(&leader)?.revision(), 2);
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 0, "{}", ran.output);
    assert_eq!(
        ran.secret_calls,
        [
            "secret-get --label=admin --refresh --format=json".to_owned(),
            "secret-info-get --format=json --label=admin".to_owned(),
            "secret-add --owner=application --label=admin --file=PATH".to_owned(),
            format!("secret-set secret:{ID} --file=PATH"),
            format!("secret-set secret:{ID} --rotate=weekly"),
            format!("secret-grant secret:{ID} --relation=db:7"),
            format!("secret-revoke secret:{ID} --relation=db:7"),
            "secret-info-get --format=json --label=admin".to_owned(),
        ]
    );

    let ran = unit.run(|hook| {
        let leader = hook.leader()?.or_wait("leader")?;
        let own = hook.app_secret::<Credentials>("admin");
        assert!(own.remove_revision(&leader, 1)?);
        assert!(own.remove(&leader)?);
        // A removal may be repeated, and there is nothing to do for a secret that never was.
        assert!(!own.remove(&leader)?);
        assert!(!own.remove_revision(&leader, 1)?);
        let none = hook.app_secret::<Credentials>("none");
        assert!(!none.remove(&leader)? && !none.revoke(&leader, &relation())?);
        let error = none.set(&leader, &credentials("x")).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Gone);
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 0, "{}", ran.output);
}

#[test]
fn a_unit_needs_no_leadership_for_its_own_secret() {
    let unit = Unit::new(false);
    let ran = unit.run(|hook| {
        let own = hook.unit_secret::<Credentials>("token");
        own.or_create(|| credentials("one"))?;
        own.set(&credentials("two"))?;
        assert_eq!(own.find()?, Some(credentials("two")));
        own.grant_unit(&relation(), &"pg/0".parse().unwrap())?;
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 0, "{}", ran.output);
    assert_eq!(
        ran.secret_calls,
        [
            "secret-get --label=token --refresh --format=json".to_owned(),
            "secret-info-get --format=json --label=token".to_owned(),
            "secret-add --owner=unit --label=token --file=PATH".to_owned(),
            format!("secret-set secret:{ID} --file=PATH"),
            "secret-get --label=token --refresh --format=json".to_owned(),
            format!("secret-grant secret:{ID} --relation=db:7 --unit=pg/0"),
        ]
    );
}

#[test]
fn leadership_that_is_lost_fails_the_hook_in_clear_words() {
    let unit = Unit::new(false);
    let ran = unit.run(|hook| {
        // The tool accepts it, as Juju's does within 30 seconds of the last yes.
        let request = NewSecret::new(SecretOwner::Application, credentials("x").to_fields());
        hook.tools().add_secret(&request)?;
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 1);
    let report = format!("{:?}", ran.report);
    assert!(report.contains("lost leadership during the hook"), "{report}");
    let ran = Unit::new(true).run(|hook| {
        hook.app_secret("admin").or_create(|| credentials("x"))?;
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 0, "{}", ran.output);
}

#[test]
fn a_content_that_lacks_a_key_is_an_error_that_names_secret_and_key() {
    let secret = Played {
        label: "admin".into(),
        is_own: true,
        content: [("username".to_owned(), "hunter2-planted".to_owned())].into(),
        ..Played::default()
    };
    let unit = Unit::new(true).with_secret(FOREIGN, secret);
    let ran = unit.run(|hook| {
        hook.app_secret::<Credentials>("admin").get()?;
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 1);
    let error = format!("{:?}", ran.report);
    assert!(error.contains("cannot use the secret labelled"), "{error}");
    assert!(error.contains("password") && error.contains("expected a text"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

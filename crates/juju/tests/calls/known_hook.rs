//! Tests of what the calls know if they know their hook: the remote application of its relation,
//! and the grants for which Juju would fail the hook.

use charmwright_juju::{
    ErrorKind, HookEnv, NewSecret, RelationId, SecretFields, SecretId, SecretOwner, SecretText,
};

use super::scripted::{Answer, Scripted, prints};

const ID: &str = "9m4e2mr0ui3e8a215n4g";

fn env(version: &str, relation: &[(&str, &str)]) -> HookEnv {
    let own = [("JUJU_UNIT_NAME", "web/0"), ("JUJU_VERSION", version)];
    let all = own.iter().chain(relation);
    HookEnv::from_vars(all.map(|(name, value)| (name.into(), value.into()))).unwrap()
}

fn info(owner: SecretOwner) -> Answer {
    let owner = owner.as_str();
    prints(format!("{{\"{ID}\":{{\"revision\":1,\"owner\":\"{owner}\"}}}}"))
}

#[test]
fn a_grant_that_juju_does_not_take_in_the_peer_relation_is_not_sent() {
    let id: SecretId = ID.parse().unwrap();
    let ring: RelationId = "ring:1".parse().unwrap();
    for (version, owner, is_taken) in [
        ("3.6.28", SecretOwner::Unit, true),
        ("3.6.28", SecretOwner::Application, false),
        ("4.0.15", SecretOwner::Unit, false),
        ("4.0-beta1", SecretOwner::Unit, false),
        ("4.0.15", SecretOwner::Application, false),
    ] {
        let mut answers = vec![info(owner)];
        if is_taken {
            answers.push(prints(""));
        } else {
            answers.push(prints("\"web\""));
        }
        let hook = Scripted::new(answers).in_hook(&env(version, &[]));
        let granted = hook.tools.grant_secret(&id, &ring, None);
        hook.check_is_done();
        if is_taken {
            granted.unwrap();
            continue;
        }
        let error = granted.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid, "{version}");
        assert_eq!(
            error.to_string(),
            format!(
                "cannot grant the secret {ID} in the relation ring:1: Juju takes no such grant in \
                 a peer relation; every unit reads a secret that its application owns without one"
            )
        );
    }
    // A secret that the hook has just added, and a hook of the relation itself.
    let relation =
        [("JUJU_RELATION", "ring"), ("JUJU_RELATION_ID", "ring:1"), ("JUJU_REMOTE_APP", "web")];
    let hook = Scripted::new([prints(format!("secret:{ID}\n"))]);
    let hook = hook.in_hook(&env("3.6.28", &relation));
    let content = SecretFields::new().with("password", &SecretText::from("hunter2"));
    hook.tools.add_secret(&NewSecret::new(SecretOwner::Application, content)).unwrap();
    assert_eq!(hook.tools.grant_secret(&id, &ring, None).unwrap_err().kind(), &ErrorKind::Invalid);
    hook.check_is_done();
}

#[test]
fn a_grant_in_the_relation_that_breaks_is_not_sent() {
    let id: SecretId = ID.parse().unwrap();
    for (variable, value, is_sent) in [
        ("JUJU_DISPATCH_PATH", "hooks/db-relation-broken", false),
        ("JUJU_HOOK_NAME", "db-relation-broken", false),
        ("JUJU_DISPATCH_PATH", "hooks/db-relation-departed", true),
        ("JUJU_DISPATCH_PATH", "actions/db-relation-broken", true),
    ] {
        let relation = [(variable, value), ("JUJU_RELATION_ID", "db:7"), ("JUJU_REMOTE_APP", "pg")];
        let mut answers = vec![info(SecretOwner::Unit)];
        answers.extend(is_sent.then(|| prints("")));
        let hook = Scripted::new(answers).in_hook(&env("3.6.28", &relation));
        let granted = hook.tools.grant_secret(&id, &"db:7".parse().unwrap(), None);
        let kind = granted.map_err(|error| error.kind().clone());
        assert_eq!(kind, if is_sent { Ok(()) } else { Err(ErrorKind::Gone) }, "{value}");
        hook.check_is_done();
    }
}

#[test]
fn the_hooks_own_relation_needs_no_tool() {
    let relation = [("JUJU_RELATION_ID", "db:7"), ("JUJU_REMOTE_APP", "pg")];
    let hook = Scripted::new([prints("\"my\"")]).in_hook(&env("3.6.28", &relation));
    let app = |id: &str| hook.tools.relation_app(&id.parse().unwrap()).unwrap().unwrap();
    assert_eq!((app("db:7").as_str(), app("7").as_str()), ("pg", "pg"));
    assert_eq!(app("db:8").as_str(), "my");
    // What Juju leaves out is asked for.
    for broken in [&[("JUJU_RELATION_ID", "db:7")][..], &[("JUJU_REMOTE_APP", "P G")][..]] {
        let hook = Scripted::new([prints("null")]).in_hook(&env("3.6.28", broken));
        assert_eq!(hook.tools.relation_app(&"db:7".parse().unwrap()).unwrap(), None);
        hook.check_is_done();
    }
}

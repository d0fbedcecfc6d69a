//! Tests of user secrets: the operator's commands, and config options of type `secret`.

use super::super::super::{ErrorKind, SecretUpdate};
use super::*;

#[test]
fn a_config_option_carries_a_user_secret_to_the_charm() {
    let mut world = World::new();
    let id = world.model.add_secret("db", &[("password", "s3cret")]).unwrap();
    world.model.set_config("web", "key", id.as_str()).unwrap();
    let run = world.begin("web/0");
    assert_eq!(run.name(), "config-changed");
    let uri = world.print("web/0", &["config-get", "key"]);
    assert_eq!(uri, id.as_str());
    // Juju does not check that the charm may read it.
    let denied = (1, "permission denied".to_owned());
    assert_eq!(world.error("web/0", &["secret-get", &uri]), denied);
    world.finish("web/0", 0);
    world.model.grant_secret("db", "web").unwrap();
    world.settle();
    assert_eq!(world.get("web/0", &[&uri, "password"]), "\"s3cret\"");
    world.begin_hook("pg/0");
    assert_eq!(world.error("pg/0", &["secret-get", &uri]), denied);
    world.model.revoke_secret("db", "web").unwrap();
    world.begin_hook("web/0");
    assert_eq!(world.error("web/0", &["secret-get", &uri]), denied);
}

#[test]
fn a_config_option_of_type_secret_takes_a_uri_only() {
    let mut world = World::new();
    let id = world.model.add_secret("db", &[("password", "s3cret")]).unwrap();
    let bare = id.id().to_owned();
    for good in [
        "",
        &format!("secret:{bare}"),
        &format!("secret://4f5f2d5a-7c1e-4d6b-8a53-1c0d7b1e9a10/{bare}"),
    ] {
        world.model.set_config("web", "key", good).unwrap();
    }
    for bad in [bare.as_str(), "db", "secret:db", "secret:", "http:x", &format!("secret:{bare}x")] {
        let error = world.model.set_config("web", "key", bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{bad}");
        assert!(!error.to_string().contains(&bare), "{error}");
    }
}

#[test]
fn secret_changed_comes_to_the_units_that_have_read_a_user_secret() {
    let mut world = World::new();
    let id = world.model.add_secret("db", &[("password", "one")]).unwrap();
    world.model.grant_secret(id.as_str(), "web").unwrap();
    world.get("web/0", &[id.as_str(), "--label=db"]);
    let update = |value: &str| SecretUpdate::new().value("password", value);
    world.model.update_secret("db", update("one")).unwrap();
    assert_eq!(world.settled(), Vec::<String>::new(), "an equal content is no revision");
    world.model.update_secret("db", update("two")).unwrap();
    let run = world.begin("web/0");
    assert_eq!(
        (run.name().as_str(), run.kind().secret().unwrap().label.as_str()),
        ("secret-changed", "db")
    );
    world.print("web/0", &["secret-get", "--label=db", "--refresh"]);
    world.finish("web/0", 0);
    assert_eq!(world.settled(), Vec::<String>::new(), "no unit owns it: no secret-remove");
    assert_eq!(world.get("web/0", &["--label=db"]), "{\"password\":\"two\"}");
    let report = world.model.report(&name("web/0")).unwrap();
    let [secret] = report.secrets.as_slice() else { panic!("{report:?}") };
    assert_eq!((secret.owner.as_str(), secret.label.as_str()), ("model", "db"));
    assert_eq!((secret.revision, secret.tracked), (2, Some(2)));
    let report = serde_json::to_value(&report).unwrap();
    assert_eq!(report["secrets"][0]["tracked"], 2);
}

#[test]
fn the_operator_is_refused_in_jujus_words() {
    let mut world = World::new();
    let charms = world.add("web/0", &["abc=1"]);
    world.model.add_secret("db", &[("password", "s3cret")]).unwrap();
    let content = [("password", "s3cret")];
    for (error, why) in [
        (
            world.model.add_secret("db", &content).unwrap_err(),
            "cannot add secret \"db\": secret with name \"db\" already exists",
        ),
        (
            world.model.add_secret("x", &[]).unwrap_err(),
            "cannot add secret \"x\": missing secret value or filename",
        ),
        (
            world.model.add_secret("x", &[("ab", "s3cret")]).unwrap_err(),
            "cannot add secret \"x\": key \"ab\" not valid",
        ),
        (
            world.model.add_secret("x", &[("abc", "1"), ("def", "")]).unwrap_err(),
            "cannot add secret \"x\": key value \"def=\" not valid",
        ),
        (
            world
                .model
                .update_secret("db", SecretUpdate::new().value("def", "").name("x"))
                .unwrap_err(),
            "cannot update secret \"db\": key value \"def=\" not valid",
        ),
        (
            world.model.grant_secret("nope", "web").unwrap_err(),
            "cannot grant secret \"nope\": secret \"nope\" not found",
        ),
        (
            world.model.grant_secret("db", "nope").unwrap_err(),
            "cannot grant secret \"db\" to \"nope\": application \"nope\" not found",
        ),
        (
            world.model.update_secret("db", SecretUpdate::new()).unwrap_err(),
            "cannot update secret \"db\": must specify a new value or metadata to update a secret",
        ),
        (
            world.model.remove_secret(&charms, None).unwrap_err(),
            &format!("cannot remove secret \"{charms}\": permission denied"),
        ),
    ] {
        assert_eq!(error.to_string(), why);
        assert!(matches!(error.kind(), ErrorKind::Secret | ErrorKind::NotFound));
    }
    world.model.remove_secret("db", Some(7)).unwrap();
    world.model.remove_secret("db", None).unwrap();
    assert!(world.model.remove_secret("db", None).is_err());
    let update = SecretUpdate::new().value("password", "s3cret");
    assert!(!format!("{update:?}").contains("s3cret"));
}

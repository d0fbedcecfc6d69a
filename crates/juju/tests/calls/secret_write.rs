//! Tests of the calls that change secrets.

use std::time::Duration;

use charmwright_juju::{
    ErrorKind, NewSecret, RelationId, SecretBytes, SecretExpiry, SecretFields, SecretId,
    SecretOwner, SecretRotation, SecretText, SecretUpdate, ToolError, UnitName,
};

use serde_json::json;

use super::scripted::{Answer, Scripted, fails, prints};

const ID: &str = "9m4e2mr0ui3e8a215n4g";
const OTHER: &str = "9m4e2mr0ui3e8a215n50";

fn id() -> SecretId {
    ID.parse().unwrap()
}

fn relation() -> RelationId {
    "db:7".parse().unwrap()
}

fn unit(name: &str) -> UnitName {
    name.parse().unwrap()
}

fn content(password: &str) -> SecretFields {
    SecretFields::new().with("password", &SecretText::from(password))
}

fn new_secret() -> NewSecret {
    NewSecret::new(SecretOwner::Unit, content("hunter2"))
}

fn update() -> SecretUpdate {
    SecretUpdate::new().content(content("new"))
}

/// The answer of `secret-info-get` for a secret at its third revision.
fn info(id: &str, label: &str) -> Answer {
    prints(format!("{{\"{id}\":{{\"revision\":3,\"label\":\"{label}\",\"owner\":\"unit\"}}}}"))
}

/// The answer of `secret-info-get` for a secret that the unit does not own.
fn not_found(what: &str) -> Answer {
    fails(&format!("secret \"{what}\" not found"))
}

fn added() -> Answer {
    prints(format!("secret:{ID}\n"))
}

#[test]
fn a_content_goes_by_a_private_file_and_the_options_as_arguments() {
    let hook = Scripted::new([not_found("admin"), added()]);
    let request = NewSecret::new(
        SecretOwner::Application,
        content("hunter2").with("keystore", &SecretBytes::from(vec![0xff, 0])),
    )
    .label("admin")
    .description("-d")
    .rotation(SecretRotation::Monthly)
    .expiry(SecretExpiry::after(Duration::from_secs(60)));
    let made = hook.tools.add_secret(&request).unwrap();
    assert_eq!(made.as_str(), format!("secret:{ID}"));
    assert_eq!(
        hook.take_calls(),
        [
            "secret-info-get --format=json --label=admin",
            "secret-add --owner=application --label=admin --description=-d \
             --expire=60.000000000s --rotate=monthly --file=PATH",
        ]
    );
    assert_eq!(hook.files(), [r#"{"keystore#base64":"/wA=","password":"hunter2"}"#]);
    hook.check_is_done();
}

#[test]
fn an_update_asks_first_whether_the_secret_is_its_own() {
    let hook = Scripted::new([info(ID, ""), prints(""), prints(""), not_found(OTHER)]);
    hook.tools.set_secret(&id(), &SecretUpdate::new()).unwrap();
    hook.tools.set_secret(&id(), &update()).unwrap();
    // Asked once; an update without content writes no file.
    hook.tools.set_secret(&id(), &SecretUpdate::new().rotation(SecretRotation::Never)).unwrap();
    let error = hook.tools.set_secret(&OTHER.parse().unwrap(), &update()).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Gone);
    assert_eq!(
        hook.take_calls(),
        [
            format!("secret-info-get --format=json {ID}"),
            format!("secret-set {ID} --file=PATH"),
            format!("secret-set {ID} --rotate=never"),
            format!("secret-info-get --format=json {OTHER}"),
        ]
    );
    assert_eq!(hook.files().len(), 1);
    hook.check_is_done();
}

#[test]
fn what_juju_would_refuse_starts_no_tool() {
    let hook = Scripted::new([]);
    let secret = |content| NewSecret::new(SecretOwner::Unit, content);
    let long = "x".repeat(131_071);
    for request in [
        secret(SecretFields::new()),
        secret(SecretFields::new().with("Password", &SecretText::from("x"))),
        secret(content("")),
        new_secret().label(""),
        new_secret().description(""),
        new_secret().expiry(SecretExpiry::after(Duration::ZERO)),
    ] {
        let error = hook.tools.add_secret(&request).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid, "{error}");
        assert!(error.to_string().starts_with("cannot add a secret: "), "{error}");
    }
    for (request, limit) in [
        (secret(content(&"x".repeat(750_001))), 1_000_000),
        (new_secret().label(long.clone()), 131_071 - "--label=".len()),
        (new_secret().description(long), 131_071 - "--description=".len()),
    ] {
        let error = hook.tools.add_secret(&request).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::TooLarge { limit: told, .. } if *told == limit),
            "{error}"
        );
        assert!(error.to_string().len() < 200, "{error}");
    }
    let bad = SecretUpdate::new().content(SecretFields::new());
    assert_eq!(hook.tools.set_secret(&id(), &bad).unwrap_err().kind(), &ErrorKind::Invalid);
    hook.check_is_done();
}

#[test]
fn a_label_is_used_once() {
    let hook = Scripted::new([
        not_found("admin"),
        added(),
        info(OTHER, "other"),
        not_found("new"),
        prints(""),
        prints(""),
    ]);
    hook.tools.add_secret(&new_secret().label("admin")).unwrap();
    // Added in this hook, stored, and given by an update in this hook.
    for label in ["admin", "other"] {
        let error = hook.tools.add_secret(&new_secret().label(label)).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains(&format!("{label:?} is taken")), "{error}");
    }
    hook.tools.set_secret(&id(), &SecretUpdate::new().label("new")).unwrap();
    assert!(hook.tools.add_secret(&new_secret().label("new")).is_err());
    // A secret keeps its own label.
    hook.tools.set_secret(&id(), &SecretUpdate::new().label("new")).unwrap();
    hook.check_is_done();
}

#[test]
fn a_label_is_free_only_after_the_hook_that_removes_its_secret() {
    let hook = Scripted::new([info(ID, "admin"), prints("")]);
    hook.tools.secret_info("admin").unwrap();
    assert!(hook.tools.remove_secret(&id()).unwrap());
    let error = hook.tools.add_secret(&new_secret().label("admin")).unwrap_err();
    assert!(error.to_string().ends_with("frees the label only after this hook"), "{error}");
    hook.check_is_done();
}

#[test]
fn the_label_of_a_secret_that_was_only_granted_is_learnt_before_it_is_given_up() {
    // Juju does not show the old label once the hook has changed it or removed the secret.
    let hook = Scripted::new([info(ID, "admin"), prints(""), prints("")]);
    hook.tools.grant_secret(&id(), &relation(), None).unwrap();
    hook.tools.remove_secret(&id()).unwrap();
    assert!(hook.tools.add_secret(&new_secret().label("admin")).is_err());
    hook.check_is_done();

    let answers = [info(ID, "admin"), prints(""), not_found("new"), prints("")];
    let hook = Scripted::new(answers);
    hook.tools.grant_secret(&id(), &relation(), None).unwrap();
    hook.tools.set_secret(&id(), &SecretUpdate::new().label("new")).unwrap();
    assert!(hook.tools.add_secret(&new_secret().label("admin")).is_err());
    hook.check_is_done();
}

#[test]
fn a_removal_may_be_repeated() {
    let hook = Scripted::new([not_found(ID)]);
    for _ in 0..2 {
        assert!(!hook.tools.remove_secret(&id()).unwrap());
        assert!(!hook.tools.remove_secret_revision(&id(), 1).unwrap());
        assert!(!hook.tools.revoke_secret(&id(), &relation(), None).unwrap());
    }
    hook.check_is_done();

    let hook = Scripted::new([info(ID, ""), prints(""), prints(""), prints("")]);
    assert!(hook.tools.remove_secret_revision(&id(), 1).unwrap());
    assert!(hook.tools.remove_secret_revision(&id(), 2).unwrap());
    assert!(hook.tools.remove_secret(&id()).unwrap());
    assert!(!hook.tools.remove_secret(&id()).unwrap());
    assert!(!hook.tools.remove_secret_revision(&id(), 3).unwrap());
    assert_eq!(
        hook.take_calls(),
        [
            format!("secret-info-get --format=json {ID}"),
            format!("secret-remove {ID} --revision=1"),
            format!("secret-remove {ID} --revision=2"),
            format!("secret-remove {ID}"),
        ]
    );
    hook.check_is_done();

    // Juju takes 0 for every revision, and a later revision does not exist yet.
    let hook = Scripted::new([info(ID, "")]);
    let error = hook.tools.remove_secret_revision(&id(), 0).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid);
    assert!(!hook.tools.remove_secret_revision(&id(), 4).unwrap());
    hook.check_is_done();
}

#[test]
fn a_change_that_juju_would_drop_is_refused() {
    let lost = |error: charmwright_juju::Error| {
        assert_eq!(error.kind(), &ErrorKind::WrongContext, "{error}");
    };
    // The removal of a revision drops the new content.
    let hook = Scripted::new([info(ID, ""), prints("")]);
    hook.tools.set_secret(&id(), &update()).unwrap();
    lost(hook.tools.remove_secret_revision(&id(), 1).unwrap_err());
    hook.check_is_done();

    // A new content drops the removal, and a grant does not find the secret.
    let hook = Scripted::new([info(ID, ""), prints("")]);
    hook.tools.remove_secret_revision(&id(), 1).unwrap();
    lost(hook.tools.set_secret(&id(), &update()).unwrap_err());
    lost(hook.tools.grant_secret(&id(), &relation(), None).unwrap_err());
    lost(hook.tools.revoke_secret(&id(), &relation(), None).unwrap_err());
    hook.check_is_done();

    // The removal of what Juju does not have yet fails the hook.
    let hook = Scripted::new([added()]);
    hook.tools.add_secret(&new_secret()).unwrap();
    lost(hook.tools.remove_secret(&id()).unwrap_err());
    lost(hook.tools.remove_secret_revision(&id(), 1).unwrap_err());
    hook.check_is_done();

    let hook = Scripted::new([info(ID, ""), prints(""), prints("")]);
    hook.tools.grant_secret(&id(), &relation(), None).unwrap();
    hook.tools.remove_secret(&id()).unwrap();
    assert_eq!(hook.tools.set_secret(&id(), &update()).unwrap_err().kind(), &ErrorKind::Gone);
    let error = hook.tools.grant_secret(&id(), &relation(), None).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Gone);
    hook.check_is_done();
}

#[test]
fn a_grant_is_sent_once_and_never_replaces_another() {
    let app = |name: &str| prints(format!("\"{name}\""));
    let answers = [info(ID, ""), prints(""), app("my"), app("pg"), prints(""), prints("")];
    let hook = Scripted::new(answers);
    let other: RelationId = "db:8".parse().unwrap();
    for _ in 0..2 {
        hook.tools.grant_secret(&id(), &relation(), None).unwrap();
        hook.tools.grant_secret(&id(), &relation(), Some(&unit("pg/0"))).unwrap();
        hook.tools.grant_secret(&id(), &other, Some(&unit("my/1"))).unwrap();
    }
    for second in [None, Some(&unit("my/2"))] {
        let error = hook.tools.grant_secret(&id(), &other, second).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::WrongContext, "{error}");
    }
    assert!(hook.tools.revoke_secret(&id(), &other, Some(&unit("my/1"))).unwrap());
    let error = hook.tools.grant_secret(&id(), &other, None).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::WrongContext, "{error}");
    assert_eq!(
        hook.take_calls(),
        [
            format!("secret-info-get --format=json {ID}"),
            format!("secret-grant {ID} --relation=db:7"),
            "relation-list --app --relation=db:8 --format=json".to_owned(),
            "relation-list --app --relation=db:7 --format=json".to_owned(),
            format!("secret-grant {ID} --relation=db:8 --unit=my/1"),
            format!("secret-revoke {ID} --relation=db:8 --unit=my/1"),
        ]
    );
    hook.check_is_done();
}

/// The answer of `secret-info-get` for a secret with these grants: grantee and relation.
fn granted(grants: &[(&str, &str)]) -> Answer {
    let access: Vec<_> = grants
        .iter()
        .map(|(target, scope)| json!({"target": target, "scope": scope, "role": "view"}))
        .collect();
    prints(json!({ID: {"revision": 3, "owner": "unit", "access": access}}).to_string())
}

#[test]
fn a_stored_grant_is_not_sent_again_not_even_after_the_removal_of_a_revision() {
    let stored = || {
        granted(&[
            ("application-pg", "relation-pg.server#web.db"),
            ("unit-my-0", "relation-web.db#my.server"),
        ])
    };
    let app = |name: &str| prints(format!("\"{name}\"\n"));
    for removes in [false, true] {
        let removal = removes.then(|| prints(""));
        let answers = [stored()].into_iter().chain(removal).chain([app("pg"), app("my")]);
        let hook = Scripted::new(answers);
        let grant = |relation: &str, unit: Option<&UnitName>| {
            hook.tools.grant_secret(&id(), &relation.parse().unwrap(), unit).unwrap();
        };
        if removes {
            hook.tools.remove_secret_revision(&id(), 1).unwrap();
        }
        grant("db:7", None);
        grant("db:7", Some(&unit("pg/0")));
        grant("db:8", Some(&unit("my/0")));
        let asked = if removes { 2 } else { 1 };
        assert_eq!(
            hook.take_calls()[asked..],
            [
                "relation-list --app --relation=db:7 --format=json",
                "relation-list --app --relation=db:8 --format=json",
            ]
        );
        hook.check_is_done();
    }
    // A new grant is lost, be it to the whole application or to another one.
    let hook = Scripted::new([stored(), prints(""), app("my"), app("x")]);
    hook.tools.remove_secret_revision(&id(), 1).unwrap();
    for relation in ["db:8", "db:10"] {
        let relation = relation.parse().unwrap();
        let error = hook.tools.grant_secret(&id(), &relation, None).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::WrongContext, "{error}");
    }
    hook.check_is_done();
}

#[test]
fn a_grantee_has_a_secret_in_one_relation_only() {
    let app = || prints("\"pg\"");
    let admin: RelationId = "admin:9".parse().unwrap();
    let stored = granted(&[("application-pg", "relation-pg.server#web.db")]);
    let hook = Scripted::new([stored, app(), app(), prints("")]);
    let error = hook.tools.grant_secret(&id(), &admin, None).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Invalid, "{error}");
    // Juju would revoke the grant of the other relation.
    assert!(!hook.tools.revoke_secret(&id(), &admin, None).unwrap());
    assert!(hook.tools.revoke_secret(&id(), &relation(), None).unwrap());
    // The revocation is of the application, whatever the relation.
    let error = hook.tools.grant_secret(&id(), &admin, None).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::WrongContext, "{error}");
    hook.check_is_done();
    // The same by a grant of this hook, to the application and to a unit.
    for grantee in [None, Some(&unit("pg/0"))] {
        let apps = if grantee.is_none() { vec![app(), app()] } else { vec![app()] };
        let hook = Scripted::new([info(ID, ""), prints("")].into_iter().chain(apps));
        hook.tools.grant_secret(&id(), &relation(), grantee).unwrap();
        let error = hook.tools.grant_secret(&id(), &admin, grantee).unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Invalid, "{error}");
        hook.check_is_done();
    }
}

#[test]
fn a_grant_ends_with_its_relation() {
    let gone = || {
        let stderr = "ERROR invalid value \"db:7\" for option --relation: relation not found";
        Err(ToolError::Exited { code: 2, stderr: stderr.to_owned() })
    };
    let hook = Scripted::new([info(ID, ""), gone(), gone()]);
    let error = hook.tools.grant_secret(&id(), &relation(), None).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Gone);
    assert!(!hook.tools.revoke_secret(&id(), &relation(), None).unwrap());
    hook.check_is_done();
}

#[test]
fn a_failed_change_is_not_recorded() {
    let hook = Scripted::new([
        not_found("admin"),
        fails("this unit is not the leader"),
        not_found("admin"),
        prints("no id"),
        not_found("admin"),
        added(),
    ]);
    let request = new_secret().label("admin");
    assert_eq!(hook.tools.add_secret(&request).unwrap_err().kind(), &ErrorKind::NotLeader);
    assert_eq!(hook.tools.add_secret(&request).unwrap_err().kind(), &ErrorKind::Output);
    hook.tools.add_secret(&request).unwrap();
    hook.check_is_done();
}

#[test]
fn a_change_drops_what_was_read() {
    let hook = Scripted::new([
        prints("{\"password\":\"old\"}"),
        prints("{\"password\":\"old\"}"),
        prints(format!("[\"{OTHER}\"]")),
        info(ID, "admin"),
        prints(""),
        prints("{\"password\":\"new\"}"),
        prints("{\"password\":\"new\"}"),
        info(ID, "admin"),
        added(),
    ]);
    let tools = &hook.tools;
    tools.peek_secret(&id()).unwrap();
    tools.peek_secret("admin").unwrap();
    assert_eq!(tools.secret_ids().unwrap().len(), 1);
    tools.set_secret(&id(), &update()).unwrap();
    for read in [tools.peek_secret(&id()).unwrap(), tools.peek_secret("admin").unwrap()] {
        assert_eq!(read.get::<SecretText>("password").unwrap().expose(), "new");
    }
    tools.secret_info(&id()).unwrap();
    tools.add_secret(&new_secret()).unwrap();
    assert_eq!(tools.secret_ids().unwrap().len(), 2);
    hook.check_is_done();
}

#[test]
fn a_change_of_an_application_s_secret_is_known() {
    let owned = |owner: &str| {
        prints(format!("{{\"{ID}\":{{\"revision\":3,\"label\":\"\",\"owner\":\"{owner}\"}}}}"))
    };
    for (owner, is_application) in [("application", true), ("unit", false)] {
        let hook = Scripted::new([owned(owner), prints("")]);
        assert!(!hook.tools.changes_application_secrets());
        hook.tools.set_secret(&id(), &update()).unwrap();
        assert_eq!(hook.tools.changes_application_secrets(), is_application);
        let hook = Scripted::new([owned(owner), prints("")]);
        hook.tools.remove_secret(&id()).unwrap();
        assert_eq!(hook.tools.changes_application_secrets(), is_application);
        let hook = Scripted::new([owned(owner), prints("")]);
        hook.tools.secret_info(&id()).unwrap();
        hook.tools.grant_secret(&id(), &relation(), None).unwrap();
        assert_eq!(hook.tools.changes_application_secrets(), is_application);
    }
    let hook = Scripted::new([added()]);
    hook.tools.add_secret(&NewSecret::new(SecretOwner::Application, content("x"))).unwrap();
    assert!(hook.tools.changes_application_secrets());
}

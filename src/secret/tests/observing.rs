//! Tests of the secrets of others: by id, in a config option, and in a databag.

use super::play::{Credentials, FOREIGN, Played, Unit, credentials};
use crate::juju::{ErrorKind, SecretId};
use crate::{Hook, RemoteSecret, Result, SecretFields, UserSecret};

fn foreign() -> Played {
    let content = [("username", "admin"), ("password", "hunter2")];
    let content = content.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Played { content, ..Played::default() }
}

fn id() -> SecretId {
    format!("secret:{FOREIGN}").parse().unwrap()
}

/// Reads the secret of the option.
fn use_option(hook: &Hook<super::play::Declared>) -> Result {
    if let Some(secret) = &hook.config()?.tls_key {
        assert_eq!(secret.get(hook)?, credentials("hunter2"));
    }
    Ok(())
}

#[test]
fn an_observer_reads_in_three_ways_and_gives_a_label() {
    let unit = Unit::new(false).with_secret(FOREIGN, foreign());
    let ran = unit.run(|hook| {
        let secret = hook.secret::<Credentials>(&id());
        assert_eq!(secret.get()?, credentials("hunter2"));
        assert_eq!(secret.peek()?, credentials("hunter2"));
        assert_eq!(secret.refresh()?, credentials("hunter2"));
        assert_eq!(secret.label("db")?, credentials("hunter2"));
        // A view reads too, and has no refresh.
        let view: &crate::Unit = hook;
        assert_eq!(view.secret::<SecretFields>(&id()).get()?.len(), 2);
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 0, "{}", ran.output);
    assert_eq!(
        ran.secret_calls,
        [
            format!("secret-get secret:{FOREIGN} --format=json"),
            format!("secret-get secret:{FOREIGN} --peek --format=json"),
            format!("secret-get secret:{FOREIGN} --refresh --format=json"),
            format!("secret-get secret:{FOREIGN} --label=db --format=json"),
        ]
    );

    let unit = Unit::new(false).with_secret(FOREIGN, Played { is_denied: true, ..foreign() });
    let ran = unit.run(|hook| hook.secret::<Credentials>(&id()).get().map(drop));
    assert_eq!(
        ran.status,
        format!("status-set waiting -- waiting for access to the secret secret:{FOREIGN}")
    );
    let ran = Unit::new(false).run(|hook| {
        let stop = hook.secret::<Credentials>(&id()).get().unwrap_err();
        let error = stop.error().and_then(crate::Error::juju).unwrap();
        assert_eq!(error.kind(), &ErrorKind::Gone);
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 0, "{}", ran.output);
}

#[test]
fn a_secret_in_an_option_is_resolved_by_the_type_of_the_field() {
    let with_option = |secret: Played| {
        Unit::new(false)
            .with_option("other", "x")
            .with_option("tls-key", &format!("secret:{FOREIGN}"))
            .with_secret(FOREIGN, secret)
    };
    let ran = with_option(foreign()).run(use_option);
    assert!(ran.status.starts_with("status-set active"), "{}", ran.status);
    // No option is no secret, and neither is one that the operator has cleared.
    for unit in [Unit::new(false), Unit::new(false).with_option("tls-key", "")] {
        let ran = unit.run(use_option);
        assert!(ran.secret_calls.is_empty());
        assert!(ran.status.starts_with("status-set active"), "{}", ran.status);
    }
    #[derive(Debug, serde::Deserialize)]
    struct Needs {
        #[expect(dead_code, reason = "only the reading is of interest")]
        key: UserSecret<Credentials>,
    }
    let cleared = serde_json::Map::from_iter([("key".to_owned(), "".into())]);
    let error = crate::config::parse::<Needs>(&cleared).unwrap_err().to_string();
    assert_eq!(error, "cannot use the config option \"key\": missing field `key`");

    for (unit, status) in [
        (
            with_option(Played { is_denied: true, ..foreign() }),
            format!(
                "status-set blocked -- grant the secret of \"tls-key\": juju grant-secret \
                 secret:{FOREIGN} web"
            ),
        ),
        (
            Unit::new(false).with_option("tls-key", FOREIGN),
            format!(
                "status-set blocked -- set \"tls-key\" to another secret: {FOREIGN} does not exist"
            ),
        ),
        (
            with_option(Played::default()),
            format!(
                "status-set blocked -- invalid config \"tls-key\": the secret secret:{FOREIGN} \
                 lacks the key \"username\"; expected a text"
            ),
        ),
        (
            Unit::new(false).with_option("tls-key", "hunter2 planted"),
            "status-set blocked -- invalid config \"tls-key\": expected the id of a secret, such \
             as secret:9m4e2mr0ui3e8a215n4g"
                .to_owned(),
        ),
        // One word is no id either: it would be an argument of secret-get.
        (
            Unit::new(false).with_option("tls-key", "hunter2"),
            "status-set blocked -- invalid config \"tls-key\": expected the id of a secret, such \
             as secret:9m4e2mr0ui3e8a215n4g"
                .to_owned(),
        ),
        // Juju refuses this one, in an option of type `string`, only when it is read.
        (
            Unit::new(false).with_option("tls-key", "secret:hunter2"),
            "status-set blocked -- invalid config \"tls-key\": expected the id of a secret, such \
             as secret:9m4e2mr0ui3e8a215n4g"
                .to_owned(),
        ),
    ] {
        let ran = unit.run(use_option);
        assert_eq!((ran.status, ran.report.exit_code()), (status, 0));
    }
}

#[test]
fn a_secret_in_a_databag_is_its_id_there() {
    #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Answer {
        secret_user: RemoteSecret<Credentials>,
    }
    let text = format!("{{\"secret-user\":\"secret:{FOREIGN}\"}}");
    let answer: Answer = serde_json::from_str(&text).unwrap();
    assert_eq!(answer.secret_user.id(), &id());
    assert_eq!(serde_json::to_string(&answer).unwrap(), text);
    assert_eq!(answer, Answer { secret_user: RemoteSecret::new(id()) });
    // However its id is written.
    let with_model = format!("secret://0f3c0f3c-0f3c-4f3c-8f3c-0f3c0f3c0f3c/{FOREIGN}");
    assert_eq!(answer.secret_user, RemoteSecret::new(with_model.parse().unwrap()));
    for wrong in ["hunter2 planted", "hunter2"] {
        let wrong = format!("{{\"secret-user\":\"{wrong}\"}}");
        let error = serde_json::from_str::<Answer>(&wrong).unwrap_err().to_string();
        assert!(error.contains("expected the id of a secret"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    let in_relation =
        || answer.secret_user.named_by(&"database".parse().unwrap(), Some(&"pg".parse().unwrap()));
    let unit = Unit::new(false).with_secret(FOREIGN, foreign());
    let ran = unit.run(|hook| {
        assert_eq!(in_relation().get(hook)?, credentials("hunter2"));
        assert_eq!(answer.secret_user.refresh(hook)?, credentials("hunter2"));
        Ok(())
    });
    assert_eq!(ran.report.exit_code(), 0, "{}", ran.output);

    let denied = Unit::new(false).with_secret(FOREIGN, Played { is_denied: true, ..foreign() });
    for (unit, reason) in
        [(denied, "is not granted to this unit yet"), (Unit::new(false), "does not exist any more")]
    {
        let ran = unit.run(|hook| in_relation().get(hook).map(drop));
        let status =
            format!("status-set waiting -- database: pg: the secret secret:{FOREIGN} {reason}");
        assert_eq!((ran.status, ran.report.exit_code()), (status, 0));
    }

    // What is there and wrong is an error.
    let unit = Unit::new(false).with_secret(FOREIGN, Played::default());
    let ran = unit.run(|hook| in_relation().get(hook).map(drop));
    assert_eq!(ran.report.exit_code(), 1);
    let report = format!("{:?}", ran.report);
    for part in ["database: pg", FOREIGN, "username", "expected a text"] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn the_handles_print_no_content() {
    let secret = UserSecret::<Credentials>::new(id());
    assert_eq!(format!("{secret:?}"), format!("UserSecret(secret:{FOREIGN})"));
    assert_eq!(secret.clone(), secret);
    let secret = RemoteSecret::<Credentials>::new(id());
    assert_eq!(format!("{secret:?}"), format!("RemoteSecret(secret:{FOREIGN})"));
}

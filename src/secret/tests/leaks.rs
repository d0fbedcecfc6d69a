//! A test that plants contents, lets a charm misuse them, and looks for them in everything that
//! leaves the hook: arguments, inputs, the log, the streams, statuses, the report and the state.

use super::play::{Credentials, Declared, FOREIGN, Played, Unit, credentials};
use crate::{Context as _, Hook, Result, SecretFields, SecretText, Stop};

const PLANTED: &str = "hunter2-planted-here";
const PLANTED_BASE64: &str = "aHVudGVyMi1wbGFudGVkLWhlcmU=";

/// Writes secrets, reads them, and logs whatever can be logged of them.
fn misuse(hook: &Hook<Declared>) -> Result {
    let own = hook.unit_secret::<Credentials>("token");
    let content = own.or_create(|| credentials(PLANTED))?;
    tracing::error!("{content:?} {own:?} {:?}", hook.tools());
    let foreign = hook.secret::<SecretFields>(&FOREIGN.parse().unwrap()).get()?;
    tracing::error!("{foreign:?}");
    let refused = own.set(&Credentials { username: "".into(), ..credentials(PLANTED) });
    tracing::error!("{refused:?}");
    let refused: Result<SecretText> = foreign.get("binary").context("read the foreign secret");
    tracing::error!("{refused:?}");
    Ok(())
}

#[test]
fn a_content_is_found_nowhere() {
    type Step = fn(&Hook<Declared>) -> Result;
    let steps: [Step; 5] = [
        misuse,
        |hook| {
            misuse(hook)?;
            Err(Stop::failed(format!("cannot use {:?}", credentials(PLANTED))))
        },
        |hook| {
            let content = hook.secret::<SecretFields>(&FOREIGN.parse().unwrap()).get()?;
            panic!("{content:?}");
        },
        |hook| {
            hook.secret::<Credentials>(&FOREIGN.parse().unwrap()).get()?;
            Ok(())
        },
        |hook| {
            hook.config()?.tls_key.as_ref().map(|secret| secret.get(hook)).transpose()?;
            Ok(())
        },
    ];
    for (index, step) in steps.into_iter().enumerate() {
        for broken in [None, Some("secret-add"), Some("state-set"), Some("status-set")] {
            let content = [("foreign", PLANTED), ("binary", PLANTED)];
            let content = content.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
            let unit = Unit::new(false)
                .with_option("tls-key", &format!("secret:{FOREIGN}"))
                .with_secret(FOREIGN, Played { content, ..Played::default() });
            unit.juju.lock().unwrap().broken.extend(broken);
            let ran = unit.run(step);
            let juju = unit.juju.lock().unwrap();
            let stdin = String::from_utf8_lossy(&juju.stdin);
            let everything =
                format!("{:?} {stdin} {:?} {} {}", juju.calls, ran.report, ran.output, ran.status);
            for planted in [PLANTED, PLANTED_BASE64, "hunter2", "aHVudGVy"] {
                assert!(!everything.contains(planted), "step {index}, {broken:?}: {everything}");
            }
            // The contents were read, and the log is a part of what was searched.
            assert!(everything.contains("secret-get"), "step {index}: {everything}");
            let is_logged = everything.contains("SecretText(..)");
            assert!(index > 1 || broken == Some("secret-add") || is_logged, "{everything}");
        }
    }
}

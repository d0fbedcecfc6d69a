//! The client refuses some names, arguments and environment variables before anything is sent.
//! Pebble accepts most of them, and then does something else, or fails later and less clearly.
//!
//! The text of a failed check says what is at fault, and never holds a value.

use std::collections::BTreeMap;

/// Copies the texts of a list that a caller gives in any form.
pub(super) fn owned(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<String> {
    texts.into_iter().map(|text| text.as_ref().to_owned()).collect()
}

/// Checks the name of a `what`, such as a service.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("the name of a {what} has at least one character"));
    }
    if name.contains('\0') {
        return Err(format!("the name {name:?} of a {what} has a NUL in it"));
    }
    Ok(())
}

/// Checks a name of a `what` that is listed in a query.
///
/// Pebble splits a list at its commas, trims the parts and drops the empty ones, so some names
/// would ask for something else, or for everything (Pebble 1.32.1, `internals/strutil`).
pub(super) fn check_listed(what: &str, name: &str) -> Result<(), String> {
    check_name(what, name)?;
    if name.contains(',') {
        return Err(format!(
            "the {what} {name:?} cannot be asked for: to Pebble a comma ends a name"
        ));
    }
    if name.trim() != name {
        return Err(format!(
            "the {what} {name:?} cannot be asked for: Pebble takes the blanks at its ends away"
        ));
    }
    Ok(())
}

/// Checks a text that Pebble hands to the operating system, where a NUL ends it.
pub(super) fn check_text(what: &str, text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err(format!("{what} has a NUL in it"));
    }
    Ok(())
}

/// Checks environment variables: a name has no `=`, and a NUL ends a variable (POSIX.1-2024, 8.1).
pub(super) fn check_environment(variables: &BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in variables {
        if name.is_empty() {
            return Err("an environment variable has no name".to_owned());
        }
        // The text after the `=` may be a secret value.
        if let Some((before, _)) = name.split_once('=') {
            return Err(format!(
                "the name of an environment variable, {before:?} and more, has a \"=\" in it"
            ));
        }
        if name.contains('\0') {
            return Err(format!("the name {name:?} of an environment variable has a NUL in it"));
        }
        check_text(&format!("the environment variable {name:?}"), value)?;
    }
    Ok(())
}

/// Names services as messages do: `service "web"`, `services "a", "b"`.
pub(super) fn name_services(names: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{:?}", name.as_ref())).collect();
    match quoted.as_slice() {
        [one] => format!("service {one}"),
        several => format!("services {}", several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookups::NO_NAMES;
    use crate::{ChangeFilter, CheckQuery, Client, ErrorKind, Exec, HealthQuery, LogQuery};
    use crate::{Error, NoticeQuery, Service, Signal};
    use crate::{Layer, LayerMode, NoticeType};

    #[test]
    fn names_that_mean_something_else_are_refused() {
        for good in ["a", "a b", "-", "ä", "a=b"] {
            assert_eq!(check_name("service", good), Ok(()));
            assert_eq!(check_listed("service", good), Ok(()));
        }
        for bad in ["", "a\0"] {
            assert!(check_name("service", bad).unwrap_err().contains("of a service"), "{bad:?}");
        }
        for bad in ["", "a\0", "a,b", ",", " a", "a\n"] {
            assert!(check_listed("service", bad).unwrap_err().contains("service"), "{bad:?}");
        }
        assert_eq!(check_name("service", "a,b"), Ok(()));
    }

    #[test]
    fn variables_are_named_and_never_quoted() {
        let check = |name: &str, value: &str| {
            let variables = [(name.to_owned(), value.to_owned())];
            check_environment(&variables.into())
        };
        assert_eq!(check("A", "b=c\n"), Ok(()));
        for (name, value, told) in [
            ("", "hunter2", "no name"),
            ("A=hunter2", "", "\"A\" and more"),
            ("A\0", "hunter2", "NUL"),
            ("A", "hunter2\0", "\"A\" has a NUL"),
        ] {
            let why = check(name, value).unwrap_err();
            assert!(why.contains(told) && !why.contains("hunter2"), "{why}");
        }
    }

    #[tokio::test]
    async fn every_call_refuses_them_before_it_looks_for_pebble() {
        use std::time::Duration;

        let client = Client::new("/nowhere/s");
        let minute = Duration::from_secs(60);
        let mut results = Vec::new();
        let mut note = |what: String, result: Result<(), Error>| results.push((what, result));
        for bad in ["", "a\0", "a,b", "a "] {
            let names = [bad];
            let call = |call: &str| format!("{call} {bad:?}");
            note(call("services"), client.services(names).await.map(drop));
            note(call("checks"), client.checks(&CheckQuery::all().names(names)).await.map(drop));
            note(call("health"), client.health(&HealthQuery::all().names(names)).await.map(drop));
            note(call("logs"), client.logs(&LogQuery::new().services(names)).await.map(drop));
            let query = NoticeQuery::new().keys(names);
            note(call("notices"), client.notices(&query).await.map(drop));
            note(call("wait_notices"), client.wait_notices(&query, minute).await.map(drop));
            let types = NoticeQuery::new().types([NoticeType::from(bad)]);
            note(call("notice types"), client.notices(&types).await.map(drop));
            note(
                call("wait_service"),
                client.wait_service_active(bad, minute, minute).await.map(drop),
            );
            note(call("wait_check"), client.wait_check_up(bad, minute).await.map(drop));
            let next = client.watch_services(names).next().await;
            note(call("watch_services"), next.unwrap().map(drop));
            let next = client.watch_checks(&CheckQuery::all().names(names)).next().await;
            note(call("watch_checks"), next.unwrap().map(drop));
            let next = client.watch_notices(query).next().await;
            note(call("watch_notices"), next.unwrap().map(drop));
            let next = client.follow_logs(&LogQuery::new().services(names)).next().await;
            note(call("follow_logs"), next.unwrap().map(drop));
        }
        for bad in ["", "a\0"] {
            let names = ["good", bad];
            let call = |call: &str| format!("{call} {bad:?}");
            note(call("start"), client.start(names).await.map(drop));
            note(call("stop"), client.stop(names).await.map(drop));
            note(call("restart"), client.restart(names).await.map(drop));
            note(call("signal"), client.signal(&Signal::HUP, names).await);
            note(call("start_checks"), client.start_checks(names).await.map(drop));
            note(call("stop_checks"), client.stop_checks(names).await.map(drop));
            note(call("refresh_check"), client.refresh_check(bad).await.map(drop));
            note(call("remove_identities"), client.remove_identities(names).await);
            let filter = ChangeFilter::all().service(bad);
            note(call("changes"), client.changes(&filter).await.map(drop));
            let layer = Layer::new().service(bad, Service::new().command("a"));
            note(call("add_layer"), client.add_layer("a", &layer, LayerMode::New).await);
            note(call("a label"), client.add_layer(bad, &Layer::new(), LayerMode::New).await);
        }
        let exec = Exec::new(["a"]).env("A=", "");
        note("exec".to_owned(), client.exec_output(&exec).await.map(drop));
        for (what, result) in results {
            let error = result.expect_err(&what);
            assert_eq!(
                (error.kind(), error.attempts(), error.may_have_acted()),
                (&ErrorKind::InvalidRequest, 0, false),
                "{what}: {error}"
            );
            assert!(!error.to_string().contains('\0'), "{what}: {error}");
        }
        // Without a name each call says so.
        for error in [
            client.start(NO_NAMES).await.unwrap_err(),
            client.stop(NO_NAMES).await.unwrap_err(),
            client.restart(NO_NAMES).await.unwrap_err(),
            client.signal(&Signal::HUP, NO_NAMES).await.unwrap_err(),
            client.start_checks(NO_NAMES).await.unwrap_err(),
            client.stop_checks(NO_NAMES).await.unwrap_err(),
        ] {
            let shown = error.to_string();
            assert_eq!(*error.kind(), ErrorKind::InvalidRequest, "{shown}");
            assert!(shown.contains(": name at least one ") && !shown.contains(" :"), "{shown}");
        }
    }
}

//! The rules for the names of applications, units and storages on the command line of a hook tool.
//!
//! They are stricter than the public types of [`charmwright_juju`], which read what Juju prints and
//! must not refuse a name of a newer Juju. Source: Juju, `names`.

/// Returns `true` for the name of an application, such as `web` or `any-workload-k8s`. Each word
/// between two hyphens has a letter, so that a trailing `-1` is never taken for a unit's number.
pub(super) fn is_application(text: &str) -> bool {
    let word = |part: &str| {
        part.bytes().any(|byte| byte.is_ascii_lowercase())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split('-').all(word)
}

/// Returns `true` for the name of a unit, such as `web/0`.
pub(super) fn is_unit(text: &str) -> bool {
    application_of(text).is_some()
}

/// Returns the application of a unit's name, or `None` if the text is not the name of a unit.
pub(super) fn application_of(unit: &str) -> Option<&str> {
    let (application, number) = unit.split_once('/')?;
    (is_application(application) && is_number(number)).then_some(application)
}

/// Returns `true` for the id of a storage, such as `data/0`. Its rule is that of a unit's name.
pub(super) fn is_storage(text: &str) -> bool {
    is_unit(text)
}

/// Returns `true` for digits without a leading zero, of any length.
fn is_number(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_jujus_rules() {
        for good in ["a", "web", "web2", "any-workload-k8s", "a-1b"] {
            assert!(is_application(good), "{good}");
        }
        for bad in ["", "1a", "a-1", "a-", "-a", "a--b", "A", "a_b", "é", "a b"] {
            assert!(!is_application(bad), "{bad}");
        }
        assert_eq!(application_of("any-workload-k8s/12"), Some("any-workload-k8s"));
        for bad in
            ["", "web", "web/", "/0", "web/00", "web/01", "web/-1", "web/0/1", "Web/0", "web/٣"]
        {
            assert!(!is_unit(bad) && !is_storage(bad), "{bad}");
        }
    }
}

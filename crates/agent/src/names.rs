//! The names that Juju takes on a hook tool's command line. The public types of
//! [`charmwright_juju`] are for what Juju says, and take more.
//!
//! Source: Juju, `names`.

/// `web`, `any-workload-k8s`: between two hyphens stands at least one letter.
pub(super) fn is_application(text: &str) -> bool {
    let word = |part: &str| {
        part.bytes().any(|byte| byte.is_ascii_lowercase())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split('-').all(word)
}

/// `web/0`.
pub(super) fn is_unit(text: &str) -> bool {
    application_of(text).is_some()
}

/// The application that a unit's name says, if it is one.
pub(super) fn application_of(unit: &str) -> Option<&str> {
    let (application, number) = unit.split_once('/')?;
    (is_application(application) && is_number(number)).then_some(application)
}

/// `data/0`: the name of a storage follows the rule of an application's.
pub(super) fn is_storage(text: &str) -> bool {
    is_unit(text)
}

/// Digits without a leading zero, of any length.
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

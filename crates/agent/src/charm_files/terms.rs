//! [`check_terms`] checks `terms`: the agreements that a charm needs, such as `cs:owner/name/27`.

use super::document::Node;
use crate::error::Error;

/// Checks the terms.
///
/// # Errors
/// Returns an error if Juju would refuse a term.
pub(super) fn check_terms(root: &Node<'_>) -> Result<(), Error> {
    let Some(terms) = root.get("terms") else {
        return Ok(());
    };
    for term in terms.items()? {
        if !is_term(term.text()?) {
            return Err(
                term.refuse("expected NAME, OWNER/NAME, NAME/REVISION or OWNER/NAME/REVISION")
            );
        }
    }
    Ok(())
}

fn is_term(text: &str) -> bool {
    let (tenant, term) = text.split_once(':').unwrap_or(("", text));
    let revision = |text: &str| text.parse::<i64>().ok();
    let parts: Vec<&str> = term.split('/').collect();
    let (owner, name, revision) = match parts.as_slice() {
        [name] => ("", *name, Some(0)),
        [first, second] => match revision(second) {
            Some(number) => ("", *first, Some(number)),
            None => (*first, *second, Some(0)),
        },
        [owner, name, number] => (*owner, *name, revision(number)),
        _ => return false,
    };
    (tenant.is_empty() || tenant == "cs" || is_term_name(tenant))
        && (owner.is_empty() || is_user(owner))
        && is_term_name(name)
        && revision.is_some_and(|number| number >= 0)
}

/// Returns `true` for a lower-case letter and one or more letters and digits, in words that are
/// joined by single hyphens.
fn is_term_name(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(|word| !word.is_empty())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Returns `true` for the name of a Juju user, with a domain or without.
fn is_user(name: &str) -> bool {
    let edges = |c: char| c.is_ascii_alphanumeric();
    let part = |part: &str| {
        part.starts_with(edges)
            && part.ends_with(edges)
            && part.chars().all(|c| edges(c) || ".+-".contains(c))
    };
    match name.split_once('@') {
        Some((user, domain)) => part(user) && part(domain),
        None => part(name),
    }
}

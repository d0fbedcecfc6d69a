//! [`match_endpoints`] finds the two endpoints that `juju integrate` relates.
//!
//! The texts are Juju's. Source: Juju 3.6, `state/state.go` and `state/endpoint.go`.

use super::relation::JUJU_INFO;
use crate::endpoint::{EndpointMeta, EndpointRole, EndpointScope};
use crate::go_text::go_quote;

/// An application whose endpoints may be related.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) application: String,
    pub(crate) is_subordinate: bool,
    /// The endpoints of the application, or the named one.
    pub(crate) endpoints: Vec<EndpointMeta>,
}

/// Splits `APPLICATION` or `APPLICATION:ENDPOINT`.
///
/// # Errors
/// Returns Juju's text if one of the two parts is empty.
pub(crate) fn split_name(name: &str) -> Result<(&str, Option<&str>), String> {
    match name.split_once(':') {
        None => Ok((name, None)),
        Some((application, endpoint)) if !application.is_empty() && !endpoint.is_empty() => {
            Ok((application, Some(endpoint)))
        }
        Some(_) => Err(format!("invalid endpoint {}", go_quote(name))),
    }
}

/// Makes the candidate of an application with the endpoints that its charm declares.
///
/// # Errors
/// Returns Juju's text if the application does not have the endpoint that was named.
pub(crate) fn candidate<'a>(
    application: &str,
    is_subordinate: bool,
    declared: impl IntoIterator<Item = &'a EndpointMeta>,
    named: Option<&str>,
) -> Result<Candidate, String> {
    let implicit = EndpointMeta::new(JUJU_INFO, EndpointRole::Provider, JUJU_INFO);
    let all = declared.into_iter().cloned().chain([implicit]);
    let endpoints: Vec<EndpointMeta> = match named {
        None => all.collect(),
        Some(named) => all.filter(|endpoint| endpoint.name() == named).take(1).collect(),
    };
    match named {
        Some(named) if endpoints.is_empty() => Err(format!(
            "application {} has no {} relation",
            go_quote(application),
            go_quote(named)
        )),
        _ => Ok(Candidate { application: application.to_owned(), is_subordinate, endpoints }),
    }
}

/// Returns the one pair of endpoints that can be related: the same interface, a provider and a
/// requirer, of different applications. A pair with the scope `container` needs a subordinate.
///
/// # Errors
/// Returns Juju's text if no pair fits, or more than one. `named` is what the operator has typed.
pub(crate) fn match_endpoints(
    first: &Candidate,
    second: &Candidate,
    named: [&str; 2],
) -> Result<(EndpointMeta, EndpointMeta), String> {
    let mut pairs = Vec::new();
    for one in &first.endpoints {
        for other in &second.endpoints {
            if can_relate(first, one, second, other) {
                pairs.push((one, other));
            }
        }
    }
    if pairs.len() > 1 {
        // Juju prefers what the charms declare to what it provides itself.
        let declared: Vec<_> = pairs
            .iter()
            .filter(|(one, other)| !is_implicit(one) && !is_implicit(other))
            .copied()
            .collect();
        if declared.len() == 1 {
            pairs = declared;
        }
    }
    match pairs.as_slice() {
        [] => Err("no relations found".to_owned()),
        [(one, other)] => Ok(((*one).clone(), (*other).clone())),
        several => {
            let mut keys: Vec<String> = several
                .iter()
                .map(|(one, other)| go_quote(&relation_key((first, one), (second, other))))
                .collect();
            keys.sort();
            Err(format!(
                "ambiguous relation: {} could refer to {}",
                go_quote(&named.join(" ")),
                keys.join("; ")
            ))
        }
    }
}

/// Returns the key that a relation of these endpoints would have. The requirer stands first.
pub(crate) fn relation_key(
    first: (&Candidate, &EndpointMeta),
    second: (&Candidate, &EndpointMeta),
) -> String {
    let (requirer, provider) = match first.1.role() {
        EndpointRole::Requirer => (first, second),
        _ => (second, first),
    };
    let name = |(side, endpoint): (&Candidate, &EndpointMeta)| {
        format!("{}:{}", side.application, endpoint.name())
    };
    format!("{} {}", name(requirer), name(provider))
}

fn can_relate(
    first: &Candidate,
    one: &EndpointMeta,
    second: &Candidate,
    other: &EndpointMeta,
) -> bool {
    let roles_fit = matches!(
        (one.role(), other.role()),
        (EndpointRole::Provider, EndpointRole::Requirer)
            | (EndpointRole::Requirer, EndpointRole::Provider)
    );
    let is_container =
        [one, other].iter().any(|endpoint| endpoint.scope() == EndpointScope::Container);
    roles_fit
        && one.interface() == other.interface()
        && first.application != second.application
        && (!is_container || first.is_subordinate || second.is_subordinate)
}

fn is_implicit(endpoint: &EndpointMeta) -> bool {
    endpoint.name() == JUJU_INFO && endpoint.interface() == JUJU_INFO
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str, role: EndpointRole, interface: &str) -> EndpointMeta {
        EndpointMeta::new(name, role, interface)
    }

    fn relate(
        first: (&str, bool, Vec<EndpointMeta>),
        second: (&str, bool, Vec<EndpointMeta>),
        named: [&str; 2],
    ) -> Result<String, String> {
        let of = |(application, is_subordinate, declared): &(&str, bool, Vec<EndpointMeta>),
                  name: &str| {
            let (_, endpoint) = split_name(name)?;
            candidate(application, *is_subordinate, declared, endpoint)
        };
        let (one, other) = (of(&first, named[0])?, of(&second, named[1])?);
        match_endpoints(&one, &other, named)
            .map(|(one, other)| format!("{} {}", one.name(), other.name()))
    }

    fn web() -> (&'static str, bool, Vec<EndpointMeta>) {
        let declared = vec![
            endpoint("db", EndpointRole::Requirer, "sql"),
            endpoint("cache", EndpointRole::Requirer, "redis"),
            endpoint("site", EndpointRole::Provider, "http"),
            endpoint("ring", EndpointRole::Peer, "sql"),
        ];
        ("web", false, declared)
    }

    fn pg(names: &[&str]) -> (&'static str, bool, Vec<EndpointMeta>) {
        let declared =
            names.iter().map(|name| endpoint(name, EndpointRole::Provider, "sql")).collect();
        ("pg", false, declared)
    }

    #[test]
    fn endpoints_match_by_interface_and_role() {
        assert_eq!(relate(web(), pg(&["server"]), ["web", "pg"]).unwrap(), "db server");
        assert_eq!(relate(pg(&["server"]), web(), ["pg", "web"]).unwrap(), "server db");
        assert_eq!(relate(web(), pg(&["a", "b"]), ["web", "pg:b"]).unwrap(), "db b");
        let no = Err("no relations found".to_owned());
        assert_eq!(relate(web(), pg(&["server"]), ["web:cache", "pg"]), no, "another interface");
        assert_eq!(relate(web(), pg(&["server"]), ["web:ring", "pg"]), no, "a peer endpoint");
        assert_eq!(relate(web(), web(), ["web", "web"]), no, "the same application");
        let providers = ("x", false, vec![endpoint("db", EndpointRole::Provider, "sql")]);
        assert_eq!(relate(providers, pg(&["server"]), ["x", "pg"]), no, "two providers");
    }

    #[test]
    fn an_ambiguous_pair_is_refused_with_the_keys() {
        assert_eq!(
            relate(pg(&["b", "a"]), web(), ["pg", "web"]),
            Err("ambiguous relation: \"pg web\" could refer to \"web:db pg:a\"; \"web:db pg:b\""
                .to_owned())
        );
    }

    #[test]
    fn unknown_and_malformed_endpoints_are_refused() {
        assert_eq!(
            relate(web(), pg(&["server"]), ["web:nope", "pg"]),
            Err("application \"web\" has no \"nope\" relation".to_owned())
        );
        for name in [":db", "web:", ":"] {
            assert_eq!(split_name(name), Err(format!("invalid endpoint {name:?}")));
        }
        assert_eq!(split_name("web:a:b"), Ok(("web", Some("a:b"))));
    }

    #[test]
    fn the_endpoint_juju_info_needs_no_declaration_and_comes_last() {
        let info = endpoint("host", EndpointRole::Requirer, JUJU_INFO);
        let logger = ("logger", true, vec![info.clone()]);
        assert_eq!(relate(logger, pg(&[]), ["logger", "pg"]).unwrap(), "host juju-info");
        let both = ("x", false, vec![info.clone(), endpoint("db", EndpointRole::Requirer, "sql")]);
        assert_eq!(relate(both, pg(&["server"]), ["x", "pg"]).unwrap(), "db server");
    }

    #[test]
    fn the_scope_container_needs_a_subordinate() {
        let inside =
            endpoint("db", EndpointRole::Requirer, "sql").with_scope(EndpointScope::Container);
        let of = |is_subordinate| ("x", is_subordinate, vec![inside.clone()]);
        assert_eq!(relate(of(true), pg(&["server"]), ["x", "pg"]).unwrap(), "db server");
        assert_eq!(
            relate(of(false), pg(&["server"]), ["x", "pg"]),
            Err("no relations found".to_owned())
        );
    }
}

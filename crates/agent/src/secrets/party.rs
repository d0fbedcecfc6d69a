//! [`Party`] owns a secret or may read it; [`Scope`] says how long a grant lasts.

use std::fmt;

use crate::names::application_of;

/// The owner of a secret, or the subject of a grant. `Display` prints Juju's tag of it, such as
/// `application-web` or `unit-web-0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Party {
    /// The model, by its UUID. It owns the user secrets.
    Model(String),
    Application(String),
    Unit(String),
}

impl Party {
    /// Returns the application of a unit.
    pub(super) fn application_of(unit: &str) -> Self {
        Self::Application(application_of(unit).unwrap_or_default().to_owned())
    }

    /// Returns the kind of the owner as `secret-info-get` prints it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Model(_) => "model",
            Self::Application(_) => "application",
            Self::Unit(_) => "unit",
        }
    }

    /// Returns `true` for the unit itself and for its application.
    pub(super) fn includes(&self, unit: &str) -> bool {
        match self {
            Self::Model(_) => false,
            Self::Application(name) => application_of(unit) == Some(name),
            Self::Unit(name) => name == unit,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(uuid) => write!(f, "model-{uuid}"),
            Self::Application(name) => write!(f, "application-{name}"),
            Self::Unit(name) => write!(f, "unit-{}", name.replace('/', "-")),
        }
    }
}

/// The relation to which a grant belongs. The grant ends with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RelationScope {
    pub(crate) id: u32,
    /// The endpoints as Juju names them: `web:db pg:server`, or `web:ring` of a peer relation.
    pub(crate) key: String,
}

/// The scope of a grant. `Display` prints Juju's tag of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The grant lasts as long as the secret: that of the owner, and each of a user secret.
    Owner(Party),
    Relation(RelationScope),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(party) => party.fmt(f),
            Self::Relation(relation) => {
                write!(f, "relation-{}", relation.key.replace(':', ".").replace(' ', "#"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_jujus() {
        let relation = |key: &str| Scope::Relation(RelationScope { id: 7, key: key.to_owned() });
        assert_eq!(relation("u:db pg:server").to_string(), "relation-u.db#pg.server");
        assert_eq!(relation("u:ring").to_string(), "relation-u.ring");
        assert_eq!(Party::Unit("pg-k8s/0".into()).to_string(), "unit-pg-k8s-0");
        assert_eq!(Scope::Owner(Party::Application("pg".into())).to_string(), "application-pg");
        assert_eq!(Party::Model("4f5f".into()).to_string(), "model-4f5f");
    }

    #[test]
    fn an_application_includes_its_units() {
        let web = Party::application_of("web/0");
        assert!(web.includes("web/7") && !web.includes("web2/0") && !web.includes("web"));
        assert!(Party::Unit("web/0".into()).includes("web/0"));
        assert!(!Party::Unit("web/0".into()).includes("web/1"));
        assert!(!Party::Model("web/0".into()).includes("web/0"));
    }
}

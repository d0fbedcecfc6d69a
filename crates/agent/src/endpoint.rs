//! [`EndpointMeta`] is the declaration of one endpoint: the name under which an application can be
//! related, its role and its interface.

use std::fmt;

/// The role of an endpoint in a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointRole {
    /// `provides`: the endpoint offers the interface.
    Provider,
    /// `requires`: the endpoint uses the interface.
    Requirer,
    /// `peers`: the endpoint relates the units of one application to each other.
    Peer,
}

impl EndpointRole {
    /// Returns Juju's word for the role: `provider`, `requirer` or `peer`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Requirer => "requirer",
            Self::Peer => "peer",
        }
    }
}

impl fmt::Display for EndpointRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The scope of an endpoint: the units that see each other in its relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum EndpointScope {
    /// Every unit of one side sees every unit of the other side.
    #[default]
    Global,
    /// A unit of a subordinate sees only the unit beside which it runs.
    Container,
}

/// The declaration of one endpoint in `provides`, `requires` or `peers`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct EndpointMeta {
    name: String,
    role: EndpointRole,
    interface: String,
    limit: Option<u32>,
    is_optional: bool,
    scope: EndpointScope,
}

impl EndpointMeta {
    /// Makes an endpoint without a limit and with the global scope.
    ///
    /// It is for an application without a charm; the endpoints of a charm come from its files.
    pub fn new(name: impl Into<String>, role: EndpointRole, interface: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            role,
            interface: interface.into(),
            limit: None,
            is_optional: false,
            scope: EndpointScope::Global,
        }
    }

    /// Sets the most relations that the endpoint may have; 0 stands for no limit.
    pub fn with_limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit).filter(|limit| *limit > 0);
        self
    }

    /// Sets whether the charm works without a relation of this endpoint. Juju only stores it.
    pub fn with_optional(mut self, is_optional: bool) -> Self {
        self.is_optional = is_optional;
        self
    }

    /// Sets the scope.
    pub fn with_scope(mut self, scope: EndpointScope) -> Self {
        self.scope = scope;
        self
    }

    /// Returns the name of the endpoint, such as `database`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the role.
    #[must_use]
    pub fn role(&self) -> EndpointRole {
        self.role
    }

    /// Returns the name of the interface, such as `postgresql_client`.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// Returns the most relations that the endpoint may have, or `None` if there is no limit.
    #[must_use]
    pub fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// Returns `true` if the charm declares that it works without a relation of this endpoint.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.is_optional
    }

    /// Returns the scope.
    #[must_use]
    pub fn scope(&self) -> EndpointScope {
        self.scope
    }
}

//! [`Cloud`] is the cloud of a model with its credential, which `credential-get` prints.

use std::collections::BTreeMap;
use std::fmt;

/// The cloud of a model, with the credential that a trusted application may read.
#[derive(Clone, Default)]
#[must_use]
pub struct Cloud {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) region: String,
    pub(super) endpoint: String,
    pub(super) credential: Option<Credential>,
    pub(super) ca_certificates: Vec<String>,
    pub(super) is_controller_cloud: bool,
}

#[derive(Clone)]
pub(super) struct Credential {
    pub(super) auth_type: String,
    pub(super) attributes: BTreeMap<String, String>,
}

impl Cloud {
    /// Makes a cloud of a type, such as `lxd` or `kubernetes`, with its name. It has no credential.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: name.into(), ..Self::default() }
    }

    /// Sets the region; empty by default.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Sets the URL of the cloud's API; empty by default.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into();
        self
    }

    /// Sets the credential: its type, such as `certificate`, and its attributes, whose values are
    /// secret.
    pub fn credential<K: Into<String>, V: Into<String>>(
        mut self,
        auth_type: impl Into<String>,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let attributes =
            attributes.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        self.credential = Some(Credential { auth_type: auth_type.into(), attributes });
        self
    }

    /// Adds a certificate of an authority that signs for the cloud's API, in PEM.
    pub fn ca_certificate(mut self, pem: impl Into<String>) -> Self {
        self.ca_certificates.push(pem.into());
        self
    }

    /// Sets whether the controller is on this cloud too; it is not by default.
    pub fn controller_cloud(mut self, is_controller_cloud: bool) -> Self {
        self.is_controller_cloud = is_controller_cloud;
        self
    }
}

impl fmt::Debug for Cloud {
    /// Prints no attribute of the credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("has_credential", &self.credential.is_some())
            .finish_non_exhaustive()
    }
}

//! The options with which a charm creates a secret.

use crate::juju::{NewSecret, SecretExpiry, SecretFields, SecretOwner, SecretRotation};

/// The options of a secret that may have to be created.
#[derive(Debug, Clone, Default)]
pub(super) struct CreateOptions {
    pub(super) description: Option<String>,
    pub(super) expiry: Option<SecretExpiry>,
    pub(super) rotation: Option<SecretRotation>,
}

impl CreateOptions {
    /// Makes the request that adds a secret with these options.
    pub(super) fn request(
        &self,
        owner: SecretOwner,
        label: &str,
        content: SecretFields,
    ) -> NewSecret {
        let mut request = NewSecret::new(owner, content).label(label);
        if let Some(description) = &self.description {
            request = request.description(description);
        }
        if let Some(expiry) = self.expiry {
            request = request.expiry(expiry);
        }
        if let Some(rotation) = self.rotation {
            request = request.rotation(rotation);
        }
        request
    }
}

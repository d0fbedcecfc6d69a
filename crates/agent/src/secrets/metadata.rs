//! [`SecretMetadata`] is what the owner of a secret sees of it during a hook.

use charmwright_juju::SecretRotation;
use jiff::Timestamp;

use super::content::SecretContent;
use super::party::{Party, Scope};
use super::secret::Changes;
use crate::data::Data;

/// A grant of a secret, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) target: Party,
    pub(crate) scope: Scope,
}

/// The data of a secret that Juju tells to its owner, without the content.
#[derive(Debug, Clone)]
pub(crate) struct SecretMetadata {
    pub(crate) owner: Party,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) rotate: Option<SecretRotation>,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) next_rotation: Option<Timestamp>,
    pub(crate) latest: u32,
    /// The content of the latest revision, in place of its checksum.
    pub(super) latest_content: SecretContent,
    pub(crate) access: Vec<Access>,
}

impl SecretMetadata {
    /// Makes the metadata of a secret that the running hook has added.
    pub(super) fn of_new(owner: Party, changes: &Changes) -> Self {
        let mut metadata = Self {
            owner,
            label: String::new(),
            description: String::new(),
            rotate: None,
            expires: None,
            next_rotation: None,
            latest: 1,
            latest_content: changes.content.clone().unwrap_or_default(),
            access: Vec::new(),
        };
        metadata.apply(changes);
        metadata
    }

    /// Shows the pending changes of the running hook. The number of the revision does not grow
    /// before the commit (measured).
    pub(super) fn apply(&mut self, changes: &Changes) {
        if let Some(label) = &changes.label {
            self.label.clone_from(label);
        }
        if let Some(description) = &changes.description {
            self.description.clone_from(description);
        }
        self.rotate = changes.rotate.or(self.rotate);
        self.expires = changes.expires.or(self.expires);
    }

    /// Returns the output of `secret-info-get`, whose fields have a fixed order (measured).
    pub(crate) fn data(&self) -> Data {
        let time = |time: Timestamp| Data::Time(time.to_string());
        let mut fields = vec![
            ("revision", Data::Number(self.latest.into())),
            ("label", Data::from(self.label.as_str())),
            ("owner", Data::from(self.owner.kind())),
        ];
        if !self.description.is_empty() {
            fields.push(("description", Data::from(self.description.as_str())));
        }
        fields.extend(self.rotate.map(|policy| ("rotation", Data::from(policy.as_str()))));
        fields.extend(self.expires.map(|expires| ("expiry", time(expires))));
        fields.extend(self.next_rotation.map(|next| ("rotates", time(next))));
        if !self.access.is_empty() {
            let access = self.access.iter().map(|access| {
                Data::record([
                    ("target", Data::from(access.target.to_string())),
                    ("scope", Data::from(access.scope.to_string())),
                    ("role", Data::from("view")),
                ])
            });
            fields.push(("access", Data::Array(access.collect())));
        }
        Data::record(fields)
    }
}

//! [`SecretReport`] is the line of one secret in the status of a unit.

use charmwright_juju::SecretRotation;
use serde::Serialize;

use super::party::Party;
use super::secret::Secret;
use super::store::Secrets;

/// A secret that a unit owns or has read. It never holds the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SecretReport {
    /// The URI, such as `secret:9m4e2mr0ui3e8a215n4g`.
    pub id: String,
    /// The label by which the unit knows the secret; empty if it has none.
    pub label: String,
    /// The name of the application or of the unit that owns the secret; `model` for a user secret.
    pub owner: String,
    /// The number of the latest revision, from 1.
    pub revision: u32,
    /// The number of the revision that the unit tracks, if it has read the secret.
    pub tracked: Option<u32>,
    /// The policy of rotation, such as `daily`, if the secret is rotated.
    pub rotation: Option<String>,
    /// The time of the next rotation, in the form of RFC 3339.
    pub rotates: Option<String>,
    /// The time at which the latest revision expires, in the form of RFC 3339.
    pub expires: Option<String>,
}

impl Secrets {
    /// Returns the secrets that a unit or its application owns, and those that the unit has read.
    pub(crate) fn report(&self, unit: &str) -> Vec<SecretReport> {
        let known = self.by_id.iter().filter(|(_, secret)| {
            secret.owner.includes(unit) || secret.consumers.contains_key(unit)
        });
        known.map(|(id, secret)| report(id, secret, unit)).collect()
    }

    /// Returns one secret, whether the unit may read it or not.
    pub(crate) fn report_of(&self, unit: &str, id: &str) -> Option<SecretReport> {
        self.get(id).map(|secret| report(id, secret, unit))
    }
}

fn report(id: &str, secret: &Secret, unit: &str) -> SecretReport {
    let rotate = secret.rotate.filter(|policy| *policy != SecretRotation::Never);
    SecretReport {
        id: format!("secret:{id}"),
        label: secret.label_for(unit).to_owned(),
        owner: match &secret.owner {
            Party::Model(_) => "model".to_owned(),
            Party::Application(name) | Party::Unit(name) => name.clone(),
        },
        revision: secret.latest,
        tracked: secret.consumers.get(unit).map(|consumer| consumer.tracked),
        rotation: rotate.map(|policy| policy.to_string()),
        rotates: secret.next_rotation.map(|time| time.to_string()),
        expires: secret.expires.map(|time| time.to_string()),
    }
}

//! What Juju tells the owner about a secret, without its content.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::Value;

use super::options::{SecretOwner, SecretRotation};
use crate::names::SecretId;
use crate::time::parse_time;
use crate::tool_output::type_name;

/// The properties of a secret that this unit or its application owns. The content is not among
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretInfo {
    id: SecretId,
    revision: u64,
    label: Option<String>,
    owner: SecretOwner,
    description: Option<String>,
    rotation: Option<SecretRotation>,
    expires: Option<SystemTime>,
    rotates: Option<SystemTime>,
    access: Vec<SecretAccess>,
}

/// A grant of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SecretAccess {
    target: String,
    scope: String,
    role: String,
}

impl SecretInfo {
    /// Returns the id, in the form `secret:ID`.
    #[must_use]
    pub fn id(&self) -> &SecretId {
        &self.id
    }

    /// Returns the number of the newest revision, from 1. A content that this hook set does not
    /// count yet (measured 3.5).
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns the label that the owner gave the secret.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Returns the owner.
    #[must_use]
    pub fn owner(&self) -> SecretOwner {
        self.owner
    }

    /// Returns the description.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns how often Juju asks the owner to rotate the secret; `None` if Juju has a word for it
    /// that this crate does not know.
    #[must_use]
    pub fn rotation(&self) -> Option<SecretRotation> {
        self.rotation
    }

    /// Returns the time at which the newest revision expires.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// Returns the time of the next rotation.
    #[must_use]
    pub fn rotates(&self) -> Option<SystemTime> {
        self.rotates
    }

    /// Returns the grants as they were when the hook began (measured 3.5).
    #[must_use]
    pub fn access(&self) -> &[SecretAccess] {
        &self.access
    }
}

impl SecretAccess {
    /// Returns Juju's tag of the application or unit that may read the secret, such as
    /// `application-pg`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns Juju's tag of the relation that the grant ends with, such as
    /// `relation-u.db#pg.server`.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// Returns the right, which is `view`.
    #[must_use]
    pub fn role(&self) -> &str {
        &self.role
    }
}

/// The properties as `secret-info-get` prints them.
#[derive(Deserialize)]
struct Printed {
    revision: u64,
    #[serde(default)]
    label: String,
    owner: String,
    #[serde(default)]
    description: String,
    rotation: Option<String>,
    expiry: Option<String>,
    rotates: Option<String>,
    access: Option<Vec<SecretAccess>>,
}

/// Reads the answer of `secret-info-get`: a map with one id.
pub(crate) fn parse_info(answer: &Value) -> Result<SecretInfo, String> {
    let Value::Object(secrets) = answer else {
        return Err(format!("printed {} where a map of one secret was due", type_name(answer)));
    };
    let mut secrets = secrets.iter();
    let (Some((id, printed)), None) = (secrets.next(), secrets.next()) else {
        return Err("printed a map that does not have exactly one secret in it".to_owned());
    };
    let id = full_id(id)?;
    // The message of serde may quote a description, which is no secret but anybody's text.
    let printed = Printed::deserialize(printed)
        .map_err(|_| "printed a secret whose properties cannot be read".to_owned())?;
    let owner = match printed.owner.as_str() {
        "application" => SecretOwner::Application,
        "unit" => SecretOwner::Unit,
        _ => return Err("printed an owner that is neither application nor unit".to_owned()),
    };
    let time = |text: Option<String>| match text {
        None => Ok(None),
        Some(text) => {
            parse_time(&text).map(Some).ok_or("printed a time that is not of RFC 3339".to_owned())
        }
    };
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(SecretInfo {
        id,
        revision: printed.revision,
        label: text(printed.label),
        owner,
        description: text(printed.description),
        rotation: printed.rotation.map_or(Some(SecretRotation::Never), |word| word.parse().ok()),
        expires: time(printed.expiry)?,
        rotates: time(printed.rotates)?,
        access: printed.access.unwrap_or_default(),
    })
}

/// Reads the answer of `secret-ids`.
pub(crate) fn parse_ids(answer: &Value) -> Result<BTreeSet<SecretId>, String> {
    let list = match answer {
        // Juju prints a list without items as `null` (measured 3.5).
        Value::Null => return Ok(BTreeSet::new()),
        Value::Array(list) => list,
        other => return Err(format!("printed {} where a list of ids was due", type_name(other))),
    };
    list.iter()
        .map(|id| {
            full_id(
                id.as_str().ok_or_else(|| {
                    format!("printed {} where a secret's id was due", type_name(id))
                })?,
            )
        })
        .collect()
}

/// Returns an id in the form `secret:ID`, which every reader takes. Juju prints bare ids here.
fn full_id(id: &str) -> Result<SecretId, String> {
    let bare: SecretId = id.parse().map_err(|_| "printed what is not a secret's id".to_owned())?;
    format!("secret:{}", bare.id()).parse().map_err(|_| "printed an empty id".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::tool_output::parse_json;

    const ID: &str = "9m4e2mr0ui3e8a215n4g";

    #[test]
    fn the_properties_are_read_as_juju_prints_them() {
        let info = parse_info(&json!({ID: {
            "revision": 3, "label": "admin", "owner": "application", "description": "d",
            "rotation": "monthly", "expiry": "2031-01-02T03:04:05.123Z",
            "rotates": "2030-01-02T03:04:05Z",
            "access": [{
                "target": "application-pg", "scope": "relation-u.db#pg.server", "role": "view"
            }],
        }}))
        .unwrap();
        assert_eq!(info.id().as_str(), format!("secret:{ID}"));
        assert_eq!((info.revision(), info.label()), (3, Some("admin")));
        assert_eq!(info.owner(), SecretOwner::Application);
        assert_eq!(info.description(), Some("d"));
        assert_eq!(info.rotation(), Some(SecretRotation::Monthly));
        assert!(info.expires().unwrap() > info.rotates().unwrap());
        let [access] = info.access() else { panic!("{info:?}") };
        assert_eq!((access.target(), access.role()), ("application-pg", "view"));
        assert_eq!(access.scope(), "relation-u.db#pg.server");

        let info = parse_info(&json!({ID: {"revision": 1, "label": "", "owner": "unit"}})).unwrap();
        assert_eq!((info.label(), info.description()), (None, None));
        assert_eq!(info.rotation(), Some(SecretRotation::Never));
        let newer = json!({ID: {"revision": 1, "owner": "unit", "rotation": "lunar", "new": 1}});
        assert_eq!(parse_info(&newer).unwrap().rotation(), None);
    }

    #[test]
    fn garbage_is_an_error_that_quotes_nothing() {
        for answer in [
            json!(null),
            json!([]),
            json!({}),
            json!({ID: {}}),
            json!({ID: {"revision": -1, "owner": "unit"}}),
            json!({ID: {"revision": 1, "owner": "planted-owner"}}),
            json!({ID: {"revision": 1, "owner": "unit", "expiry": "planted-time"}}),
            json!({ID: {"revision": 1, "owner": "unit", "access": "planted-access"}}),
            json!({"planted/../id": {"revision": 1, "owner": "unit"}}),
            json!({ID: {"revision": 1, "owner": "unit"}, "b": {}}),
        ] {
            let error = parse_info(&answer).unwrap_err();
            assert!(!error.contains("planted"), "{error}");
        }
        for answer in [json!({}), json!([7]), json!(["planted id"]), json!("x")] {
            let error = parse_ids(&answer).unwrap_err();
            assert!(!error.contains("planted"), "{error}");
        }
        assert!(parse_ids(&json!(null)).unwrap().is_empty());
        assert_eq!(parse_ids(&json!([ID])).unwrap().first().unwrap().id(), ID);
    }

    proptest! {
        #[test]
        fn no_output_makes_the_parsers_panic(output: Vec<u8>, text in ".{0,40}") {
            for output in [output.as_slice(), text.as_bytes()] {
                if let Ok(answer) = parse_json(output) {
                    let _ = parse_info(&answer);
                    let _ = parse_ids(&answer);
                }
            }
        }
    }
}

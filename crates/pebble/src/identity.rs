//! An identity says who may use Pebble's API, and with which rights.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::wire::wire_words;

/// The rights of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentityAccess {
    /// It may do everything.
    Admin,
    /// It may read everything but files and the plan.
    Read,
    /// It may read the metrics alone (Pebble 1.19).
    Metrics,
    /// It may do only what is open to everybody, whatever its user could do otherwise.
    Untrusted,
    /// A word that this version of the client does not know.
    Other(String),
}

wire_words!(IdentityAccess {
    Admin = "admin", Read = "read", Metrics = "metrics", Untrusted = "untrusted",
});

/// An identity has rights, and one or more means by which a caller is recognised.
///
/// Pebble masks password and certificate when it lists an identity (`*****`). `Debug` shows
/// neither.
///
/// ```
/// use charmwright_pebble::{Identity, IdentityAccess};
/// let monitor = Identity::new(IdentityAccess::Metrics).basic("$6$salt$hash");
/// let local = Identity::new(IdentityAccess::Admin).local(1000);
/// assert_eq!(local.local_user_id(), Some(1000));
/// assert!(!format!("{monitor:?}").contains("hash"));
/// ```
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Identity {
    access: IdentityAccess,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    local: Option<Local>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    basic: Option<Basic>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cert: Option<Cert>,
}

#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Local {
    user_id: u32,
}

#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
struct Basic {
    #[serde(default)]
    password: String,
}

#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
struct Cert {
    #[serde(default)]
    pem: String,
}

/// The text that Pebble shows in place of a secret.
const MASK: &str = "*****";

impl Identity {
    /// Makes an identity with these rights. It recognises no caller yet.
    #[must_use]
    pub fn new(access: IdentityAccess) -> Self {
        Self { access, local: None, basic: None, cert: None }
    }

    /// Recognises a caller by the user id of the process at the other end of the socket. No two
    /// identities may share one.
    #[must_use]
    pub fn local(mut self, user_id: u32) -> Self {
        self.local = Some(Local { user_id });
        self
    }

    /// Recognises a caller by HTTP basic authentication with this identity's name (Pebble 1.19).
    /// `password_hash` is a hash in the form `sha512-crypt` (`$6$…`, as `openssl passwd -6` prints
    /// it), never the password itself.
    #[must_use]
    pub fn basic(mut self, password_hash: impl Into<String>) -> Self {
        self.basic = Some(Basic { password: password_hash.into() });
        self
    }

    /// Recognises a caller over HTTPS by this client certificate in PEM, which is one certificate
    /// with nothing after it (Pebble 1.25).
    #[must_use]
    pub fn cert(mut self, pem: impl Into<String>) -> Self {
        self.cert = Some(Cert { pem: pem.into() });
        self
    }

    /// Returns the rights.
    #[must_use]
    pub fn access(&self) -> &IdentityAccess {
        &self.access
    }

    /// Returns the user id by which a caller is recognised on the socket.
    #[must_use]
    pub fn local_user_id(&self) -> Option<u32> {
        self.local.as_ref().map(|local| local.user_id)
    }

    /// Returns `true` if a caller is recognised by a password.
    #[must_use]
    pub fn has_basic(&self) -> bool {
        self.basic.is_some()
    }

    /// Returns `true` if a caller is recognised by a certificate.
    #[must_use]
    pub fn has_cert(&self) -> bool {
        self.cert.is_some()
    }

    /// Returns `true` if the secrets have the form of secrets. Pebble (1.32.1) stores a password
    /// that is no hash as it is, and no caller can match it then.
    pub(super) fn is_complete(&self) -> bool {
        self.basic.as_ref().is_none_or(|basic| basic.password.starts_with("$6$"))
            && self.cert.as_ref().is_none_or(|cert| cert.pem != MASK)
    }

    /// Returns `true` if the two are the same, as far as Pebble shows them.
    fn looks_like(&self, shown: &Self) -> bool {
        self.access == shown.access
            && self.local == shown.local
            && self.has_basic() == shown.has_basic()
            && self.has_cert() == shown.has_cert()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("access", &self.access)
            .field("local_user_id", &self.local_user_id())
            .field("has_basic", &self.has_basic())
            .field("has_cert", &self.has_cert())
            .finish()
    }
}

/// The identities of a lost request as they were to become, by name; `None` was to be removed.
#[derive(Debug, Clone)]
pub(crate) struct LostIdentities(pub(super) BTreeMap<String, Option<Identity>>);

impl LostIdentities {
    /// Returns `true` if the identities that Pebble has are as they were to become.
    pub(super) fn are_in(&self, found: &BTreeMap<String, Identity>) -> bool {
        self.0.iter().all(|(name, wanted)| match (wanted, found.get(name)) {
            (Some(wanted), Some(found)) => wanted.looks_like(found),
            (wanted, found) => wanted.is_none() && found.is_none(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_pebble_shows_and_hides_what_it_must() {
        let shown: BTreeMap<String, Identity> = serde_json::from_value(json!({
            "bob": {"access": "admin", "local": {"user-id": 42}, "newer": 1},
            "mon": {"access": "metrics", "basic": {"password": "*****"}},
            "web": {"access": "new-word", "cert": {"pem": "*****"}}
        }))
        .unwrap();
        assert_eq!(shown["bob"], Identity::new(IdentityAccess::Admin).local(42));
        assert_eq!(
            (shown["mon"].has_basic(), shown["web"].has_cert(), shown["web"].has_basic()),
            (true, true, false)
        );
        assert_eq!(*shown["web"].access(), IdentityAccess::Other("new-word".into()));
        let secret = Identity::new(IdentityAccess::Read).basic("$6$pass").cert("PEM");
        let text = format!("{secret:?}");
        assert!(!text.contains("pass") && !text.contains("PEM"), "{text}");
        assert!(
            secret.looks_like(&Identity::new(IdentityAccess::Read).basic("*****").cert("*****"))
        );
        assert!(!secret.looks_like(&Identity::new(IdentityAccess::Read).basic("*****")));
    }

    proptest! {
        #[test]
        fn any_input_has_an_answer(bytes: Vec<u8>, word in ".{0,8}", id: i64) {
            let _ = serde_json::from_slice::<BTreeMap<String, Identity>>(&bytes);
            let _ = serde_json::from_value::<Identity>(json!({
                "access": word, "local": {"user-id": id}, "basic": {}
            }));
        }
    }
}

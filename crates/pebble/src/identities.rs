//! Identities: who may use this Pebble's API, and how far.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::{Call, Halt};
use super::client::Client;
use super::connection::Connection;
#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::reader::Reader;
use super::request::Request;
use super::resend::Resend;
use super::wire::wire_words;

/// How far an identity's rights go.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentityAccess {
    /// Everything.
    Admin,
    /// What only reads, except files and the plan.
    Read,
    /// The metrics alone (Pebble 1.19).
    Metrics,
    /// What is open to everybody, and nothing else, whatever its user could do otherwise.
    Untrusted,
    /// A word that this version does not know.
    Other(String),
}

wire_words!(IdentityAccess {
    Admin = "admin", Read = "read", Metrics = "metrics", Untrusted = "untrusted",
});

/// One identity: its rights, and by what a caller is recognised, of which there has to be at least
/// one.
///
/// What Pebble tells of an identity has its password and certificate masked (`*****`). `Debug`
/// never shows either.
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

/// What Pebble shows in place of a secret.
const MASK: &str = "*****";

impl Identity {
    /// An identity with these rights, by which nobody is recognised yet.
    #[must_use]
    pub fn new(access: IdentityAccess) -> Self {
        Self { access, local: None, basic: None, cert: None }
    }

    /// Recognised by the user id of the process at the other end of the socket. No two identities
    /// may share one.
    #[must_use]
    pub fn local(mut self, user_id: u32) -> Self {
        self.local = Some(Local { user_id });
        self
    }

    /// Recognised by HTTP basic authentication with this identity's name (Pebble 1.19).
    /// `password_hash` is a hash in the form `sha512-crypt` (`$6$…`, as `openssl passwd -6` prints
    /// it), never the password itself.
    #[must_use]
    pub fn basic(mut self, password_hash: impl Into<String>) -> Self {
        self.basic = Some(Basic { password: password_hash.into() });
        self
    }

    /// Recognised over HTTPS by this client certificate in PEM, one certificate and nothing after
    /// it (Pebble 1.25).
    #[must_use]
    pub fn cert(mut self, pem: impl Into<String>) -> Self {
        self.cert = Some(Cert { pem: pem.into() });
        self
    }

    /// Its rights.
    #[must_use]
    pub fn access(&self) -> &IdentityAccess {
        &self.access
    }

    /// The user id by which it is recognised on the socket.
    #[must_use]
    pub fn local_user_id(&self) -> Option<u32> {
        self.local.as_ref().map(|local| local.user_id)
    }

    /// Whether it is recognised by a password.
    #[must_use]
    pub fn has_basic(&self) -> bool {
        self.basic.is_some()
    }

    /// Whether it is recognised by a certificate.
    #[must_use]
    pub fn has_cert(&self) -> bool {
        self.cert.is_some()
    }

    /// Whether its secrets can be what they are to be. Pebble (1.32.1) stores a password that is no
    /// hash as it is, and it then fits nobody.
    fn is_complete(&self) -> bool {
        self.basic.as_ref().is_none_or(|basic| basic.password.starts_with("$6$"))
            && self.cert.as_ref().is_none_or(|cert| cert.pem != MASK)
    }

    /// The same as far as Pebble shows it.
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

/// What the identities of a lost request were to become, by name; `None` is to be gone.
#[derive(Debug, Clone)]
pub(crate) struct LostIdentities(BTreeMap<String, Option<Identity>>);

impl Reader {
    /// All identities by name: `GET /v1/identities` (Pebble 1.15). Passwords and certificates are
    /// masked. Safe to drop.
    ///
    /// # Errors
    /// [`Unsupported`](super::ErrorKind::Unsupported) from a Pebble before 1.15;
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn identities(&self) -> Result<BTreeMap<String, Identity>, Error> {
        self.send(list_request()).await?.decode::<Option<_>>().map(Option::unwrap_or_default)
    }
}

impl Client {
    /// Adds identities, all or none: `POST /v1/identities` (Pebble 1.15). Pebble keeps them over
    /// restarts.
    ///
    /// If the answer is lost the request is sent again, and that they exist already is then success
    /// if they look as they were to. Dropping the future does not take back what was sent.
    ///
    /// # Errors
    /// `Api` with status 400 when one exists already, has a bad name or nothing by which it is
    /// recognised, or shares a local user id; [`InvalidRequest`](super::ErrorKind::InvalidRequest)
    /// for a password that is no hash, or a secret as Pebble masks it;
    /// [`Unsupported`](super::ErrorKind::Unsupported) from a Pebble before 1.15;
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn add_identities(
        &self,
        identities: &BTreeMap<String, Identity>,
    ) -> Result<(), Error> {
        self.change_identities("add", some(identities)).await
    }

    /// Changes identities that exist, all or none: `POST /v1/identities` (Pebble 1.15). Sent again
    /// if the answer is lost.
    ///
    /// # Errors
    /// As [`Self::add_identities`]; `Api` with status 400 when one does not exist.
    pub async fn update_identities(
        &self,
        identities: &BTreeMap<String, Identity>,
    ) -> Result<(), Error> {
        self.change_identities("update", some(identities)).await
    }

    /// Makes identities what they are to be, whether they exist or not; `None` removes one: `POST
    /// /v1/identities` (Pebble 1.15). Others stay as they are. Sent again if the answer is lost.
    ///
    /// # Errors
    /// As [`Self::add_identities`], but for those that exist.
    pub async fn replace_identities(
        &self,
        identities: &BTreeMap<String, Option<Identity>>,
    ) -> Result<(), Error> {
        self.change_identities("replace", identities.clone()).await
    }

    /// Removes identities, all or none: `POST /v1/identities` (Pebble 1.15).
    ///
    /// If the answer is lost the request is sent again, and that they do not exist is then success
    /// if none is left.
    ///
    /// # Errors
    /// `Api` with status 400 when one does not exist; else as [`Self::add_identities`].
    pub async fn remove_identities(
        &self,
        names: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), Error> {
        let gone = names.into_iter().map(|name| (name.as_ref().to_owned(), None)).collect();
        self.change_identities("remove", gone).await
    }

    async fn change_identities(
        &self,
        action: &'static str,
        identities: BTreeMap<String, Option<Identity>>,
    ) -> Result<(), Error> {
        let masked = identities.iter().find(|(_, identity)| {
            identity.as_ref().is_some_and(|identity| !identity.is_complete())
        });
        let name = masked.map(|(name, _)| name.clone());
        let request = change_request(action, identities);
        if let Some(name) = name {
            let reason = format!(
                "the password of {name:?} is no sha512-crypt hash ($6$...), \
                 or its certificate is masked, and Pebble would take it all the same"
            );
            return Err(self.refuse(request.operation(), reason));
        }
        self.send(request).await.map(drop)
    }
}

impl Call<'_> {
    /// Whether the identities are as a lost request was to make them.
    pub(super) async fn identities_are(
        &self,
        lane: &mut Connection,
        attempt: u32,
        wanted: &LostIdentities,
    ) -> Result<bool, Halt> {
        let request = list_request();
        let envelope = self.client().read(lane, attempt, &request).await?;
        let found: Option<BTreeMap<String, Identity>> =
            self.client().decode_as(&request, envelope)?;
        let found = found.unwrap_or_default();
        Ok(wanted.0.iter().all(|(name, wanted)| match (wanted, found.get(name)) {
            (Some(wanted), Some(found)) => wanted.looks_like(found),
            (wanted, found) => wanted.is_none() && found.is_none(),
        }))
    }
}

fn some(identities: &BTreeMap<String, Identity>) -> BTreeMap<String, Option<Identity>> {
    identities.iter().map(|(name, identity)| (name.clone(), Some(identity.clone()))).collect()
}

fn list_request() -> Request {
    Request::get("/v1/identities", "list identities").since("1.15")
}

fn change_request(action: &'static str, identities: BTreeMap<String, Option<Identity>>) -> Request {
    let names: Vec<String> = identities.keys().map(|name| format!("{name:?}")).collect();
    let operation = match names.as_slice() {
        [] => format!("{action} identities"),
        [one] => format!("{action} identity {one}"),
        several => format!("{action} identities {}", several.join(", ")),
    };
    let keys: Vec<String> = identities.keys().cloned().collect();
    let values: serde_json::Map<String, Value> =
        identities.iter().map(|(name, identity)| (name.clone(), json!(identity))).collect();
    let body = json!({ "action": action, "identities": values });
    let resend = match action {
        "add" | "remove" => Resend::Identities(LostIdentities(identities)),
        // The same end, however often it comes.
        _ => Resend::Safe,
    };
    Request::post("/v1/identities", operation, &body, resend)
        .since("1.15")
        .naming("identity", &keys)
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let post =
        |call, action| Sample::new(call, "/v1/identities", change_request(action, BTreeMap::new()));
    vec![
        Sample::new("Reader::identities", "/v1/identities", list_request()),
        post("Client::add_identities, Client::remove_identities", "add"),
        post("Client::update_identities, Client::replace_identities", "replace"),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn what_a_lost_request_did_outlives_the_daemon() {
        let lost = |action| change_request(action, BTreeMap::new());
        for action in ["add", "remove"] {
            assert!(lost(action).resend().outlives_the_daemon(), "{action}");
        }
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

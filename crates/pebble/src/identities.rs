//! The client lists and changes the identities that may use Pebble's API.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::client::Client;
#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::identity::{Identity, LostIdentities};
use super::lookups::read_identities;
use super::reader::Reader;
use super::request::Request;
use super::resend::Resend;

impl Reader {
    /// Lists all identities by name: `GET /v1/identities` (Pebble 1.15). Passwords and certificates
    /// are masked. Safe to drop.
    ///
    /// # Errors
    /// It fails with [`Unsupported`](super::ErrorKind::Unsupported) from a Pebble before 1.15, and
    /// with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn identities(&self) -> Result<BTreeMap<String, Identity>, Error> {
        self.send(read_identities()).await?.decode::<Option<_>>().map(Option::unwrap_or_default)
    }
}

impl Client {
    /// Adds identities, all or none: `POST /v1/identities` (Pebble 1.15). Pebble keeps them across
    /// restarts.
    ///
    /// If the answer is lost, the request is sent again. A refusal because they exist is then
    /// success if they are as they were to become. Dropping the future does not take back what was
    /// sent.
    ///
    /// # Errors
    /// It fails with `Api` and status 400 when an identity exists already, has a bad name or
    /// nothing by which a caller is recognised, or shares a local user id with another; with
    /// [`InvalidRequest`](super::ErrorKind::InvalidRequest) for a password that is no hash, or a
    /// secret that Pebble has masked; with [`Unsupported`](super::ErrorKind::Unsupported) from a
    /// Pebble before 1.15; and with [`Unreachable`](super::ErrorKind::Unreachable) when no answer
    /// comes within the policy.
    pub async fn add_identities(
        &self,
        identities: &BTreeMap<String, Identity>,
    ) -> Result<(), Error> {
        self.change_identities("add", some(identities)).await
    }

    /// Changes existing identities, all or none: `POST /v1/identities` (Pebble 1.15). If the answer
    /// is lost, the request is sent again.
    ///
    /// # Errors
    /// It fails as [`Self::add_identities`] does, and with `Api` and status 400 when an identity
    /// does not exist.
    pub async fn update_identities(
        &self,
        identities: &BTreeMap<String, Identity>,
    ) -> Result<(), Error> {
        self.change_identities("update", some(identities)).await
    }

    /// Sets identities, whether they exist or not, and removes those with `None`: `POST
    /// /v1/identities` (Pebble 1.15). Others stay as they are. If the answer is lost, the request
    /// is sent again.
    ///
    /// # Errors
    /// It fails as [`Self::add_identities`] does, but not for identities that exist.
    pub async fn replace_identities(
        &self,
        identities: &BTreeMap<String, Option<Identity>>,
    ) -> Result<(), Error> {
        self.change_identities("replace", identities.clone()).await
    }

    /// Removes identities, all or none: `POST /v1/identities` (Pebble 1.15).
    ///
    /// If the answer is lost, the request is sent again. A refusal because they do not exist is
    /// then success if none is left.
    ///
    /// # Errors
    /// It fails with `Api` and status 400 when an identity does not exist, and else as
    /// [`Self::add_identities`] does.
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

fn some(identities: &BTreeMap<String, Identity>) -> BTreeMap<String, Option<Identity>> {
    identities.iter().map(|(name, identity)| (name.clone(), Some(identity.clone()))).collect()
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
        // Sending it twice has the same end as sending it once.
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
        Sample::new("Reader::identities", "/v1/identities", read_identities()),
        post("Client::add_identities, Client::remove_identities", "add"),
        post("Client::update_identities, Client::replace_identities", "replace"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lost_request_did_outlives_the_daemon() {
        let lost = |action| change_request(action, BTreeMap::new());
        for action in ["add", "remove"] {
            assert!(lost(action).resend().outlives_the_daemon(), "{action}");
        }
    }
}

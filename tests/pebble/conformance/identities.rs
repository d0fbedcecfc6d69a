//! These cases add, change and remove identities.

use std::collections::BTreeMap;

use charmwright_pebble::{ErrorKind, Identity, IdentityAccess};

use super::pebble::{Pebble, assert_refused, since};
use super::raw::post;

/// The hash of the password `password`, by `openssl passwd -6 -salt salt password`.
pub(crate) const HASH: &str = concat!(
    "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iw",
    "MuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g."
);

fn named(
    identities: impl IntoIterator<Item = (&'static str, Identity)>,
) -> BTreeMap<String, Identity> {
    identities.into_iter().map(|(name, identity)| (name.to_owned(), identity)).collect()
}

pub(crate) async fn are_added_changed_and_removed(pebble: &impl Pebble) {
    let client = pebble.client();
    let Some(none) = since(pebble, "1.15", client.identities().await) else {
        return;
    };
    assert!(none.unwrap().is_empty());
    let bob = Identity::new(IdentityAccess::Read).local(4242);
    let with_password = pebble.has("1.19");
    let monitor = if with_password {
        Identity::new(IdentityAccess::Metrics).basic(HASH)
    } else {
        Identity::new(IdentityAccess::Read).local(4241)
    };
    client.add_identities(&named([("bob", bob.clone()), ("mon", monitor.clone())])).await.unwrap();
    let found = client.identities().await.unwrap();
    assert_eq!(found["bob"], bob);
    assert_eq!(found["mon"].has_basic(), with_password);
    assert_eq!(found["mon"] != monitor, with_password, "its password is masked");
    assert_refused(
        client.add_identities(&named([("bob", bob.clone())])).await,
        400,
        "identities already exist: bob",
    );
    let admin = Identity::new(IdentityAccess::Admin).local(4242);
    client.update_identities(&named([("bob", admin.clone())])).await.unwrap();
    assert_refused(
        client.update_identities(&named([("eve", bob.clone())])).await,
        400,
        "identities do not exist: eve",
    );
    let replaced = BTreeMap::from([
        ("eve".to_owned(), Some(Identity::new(IdentityAccess::Untrusted).local(4243))),
        ("mon".to_owned(), None),
        ("nobody".to_owned(), None),
    ]);
    client.replace_identities(&replaced).await.unwrap();
    let found = client.identities().await.unwrap();
    assert_eq!((found.len(), &found["bob"]), (2, &admin));
    // A restarted Pebble still has its identities, unlike the layers of the API.
    pebble.restart();
    assert_eq!(client.identities().await.unwrap(), found);
    client.remove_identities(["bob", "eve"]).await.unwrap();
    assert_refused(client.remove_identities(["bob"]).await, 400, "identities do not exist: bob");
    assert!(client.identities().await.unwrap().is_empty());
}

pub(crate) async fn that_are_wrong_are_refused(pebble: &impl Pebble) {
    if !pebble.has("1.15") {
        return;
    }
    let client = pebble.client();
    let read = || Identity::new(IdentityAccess::Read);
    if pebble.has("1.19") {
        assert_refused(
            client.add_identities(&named([("4you", read().local(1))])).await,
            400,
            "name",
        );
    }
    for (name, identity) in [
        ("nobody", read()),
        ("bad", read().cert("no certificate")),
        ("bad", Identity::new(IdentityAccess::Other("owner".to_owned())).local(1)),
    ] {
        let error = client.add_identities(&named([(name, identity)])).await;
        assert_refused(error, 400, "");
    }
    assert_refused(
        client.add_identities(&named([("a", read().local(7)), ("b", read().local(7))])).await,
        400,
        "",
    );
    assert!(client.identities().await.unwrap().is_empty(), "all or nothing");
    // Trap: Pebble accepts any text as the hash of a password, so the client checks it.
    for masked in [read().basic("plain"), read().basic("*****"), read().cert("*****")] {
        let error = client.add_identities(&named([("bad", masked)])).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(!error.to_string().contains("plain"), "{error}");
    }
    let plain = concat!(
        r#"{"action":"add","identities":{"bad":"#,
        r#"{"access":"metrics","basic":{"password":"plain"}}}}"#
    );
    let taken = post(pebble, "/v1/identities", plain).status == 200;
    assert_eq!(taken, pebble.has("1.19"));
}

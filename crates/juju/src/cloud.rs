//! The cloud of a model, and the credential with which the model uses the cloud.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::secret::SecretText;

/// The cloud that a model is on, with its credential. Juju tells it only to an application that the
/// operator trusts (`juju trust`).
///
/// `Debug` does not print the values of the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudSpec {
    kind: String,
    name: String,
    region: Option<String>,
    endpoint: Option<String>,
    identity_endpoint: Option<String>,
    storage_endpoint: Option<String>,
    credential: Option<CloudCredential>,
    ca_certificates: Vec<String>,
    skips_tls_verification: bool,
    is_controller_cloud: bool,
}

/// The credential of a cloud: the way in which it authenticates, and its values by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudCredential {
    auth_type: String,
    attributes: BTreeMap<String, SecretText>,
}

impl CloudSpec {
    /// Returns Juju's word for the kind of the cloud, such as `ec2`, `lxd` or `kubernetes`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the name of the cloud in the controller.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the region.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Returns the URL of the cloud's API.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Returns the URL of the cloud's identity API.
    #[must_use]
    pub fn identity_endpoint(&self) -> Option<&str> {
        self.identity_endpoint.as_deref()
    }

    /// Returns the URL of the cloud's storage API.
    #[must_use]
    pub fn storage_endpoint(&self) -> Option<&str> {
        self.storage_endpoint.as_deref()
    }

    /// Returns the credential; `None` for a cloud that needs none.
    #[must_use]
    pub fn credential(&self) -> Option<&CloudCredential> {
        self.credential.as_ref()
    }

    /// Returns the certificates of the authorities that the cloud's certificate is checked against,
    /// in PEM. They are no secrets.
    #[must_use]
    pub fn ca_certificates(&self) -> &[String] {
        &self.ca_certificates
    }

    /// Returns `true` if the operator has told Juju not to check the cloud's certificate.
    #[must_use]
    pub fn skips_tls_verification(&self) -> bool {
        self.skips_tls_verification
    }

    /// Returns `true` if the controller itself runs on this cloud.
    #[must_use]
    pub fn is_controller_cloud(&self) -> bool {
        self.is_controller_cloud
    }
}

impl CloudCredential {
    /// Returns Juju's word for the way in which the credential authenticates, such as `userpass`.
    #[must_use]
    pub fn auth_type(&self) -> &str {
        &self.auth_type
    }

    /// Returns a value of the credential, such as the one of `secret-key`.
    #[must_use]
    pub fn get(&self, attribute: &str) -> Option<&SecretText> {
        self.attributes.get(attribute)
    }

    /// Returns the values of the credential by name. Not each of them is a secret, but nothing says
    /// which.
    #[must_use]
    pub fn attributes(&self) -> &BTreeMap<String, SecretText> {
        &self.attributes
    }
}

/// The cloud as `credential-get` prints it in JSON. In YAML it has other keys (measured 3.8).
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Printed {
    r#type: String,
    #[serde(default)]
    name: String,
    region: Option<String>,
    endpoint: Option<String>,
    identity_endpoint: Option<String>,
    storage_endpoint: Option<String>,
    credential: Option<PrintedCredential>,
    cacertificates: Option<Vec<String>>,
    #[serde(default)]
    skip_tls_verify: bool,
    #[serde(default)]
    is_controller_cloud: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PrintedCredential {
    #[serde(default)]
    auth_type: String,
    attrs: Option<BTreeMap<String, String>>,
}

/// Reads the output of `credential-get`.
pub(super) fn parse_cloud(answer: Value) -> Result<CloudSpec, String> {
    // The text of serde's error may quote the output, which holds secrets.
    let printed = Printed::deserialize(answer)
        .map_err(|_| "printed what is not a cloud with its credential".to_owned())?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(CloudSpec {
        kind: printed.r#type,
        name: printed.name,
        region: given(printed.region),
        endpoint: given(printed.endpoint),
        identity_endpoint: given(printed.identity_endpoint),
        storage_endpoint: given(printed.storage_endpoint),
        credential: printed.credential.map(CloudCredential::from),
        ca_certificates: printed.cacertificates.unwrap_or_default(),
        skips_tls_verification: printed.skip_tls_verify,
        is_controller_cloud: printed.is_controller_cloud,
    })
}

impl From<PrintedCredential> for CloudCredential {
    fn from(printed: PrintedCredential) -> Self {
        let attributes = printed.attrs.into_iter().flatten();
        Self {
            auth_type: printed.auth_type,
            attributes: attributes.map(|(name, value)| (name, value.into())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool_output::parse_json;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_juju_prints_is_read_and_no_value_is_shown() {
        let cloud = parse_cloud(json!({
            "type": "openstack",
            "name": "stack",
            "region": "r1",
            "endpoint": "https://keystone",
            "identity-endpoint": "https://identity",
            "storage-endpoint": "https://swift",
            "credential": {"auth-type": "userpass", "attrs": {"password": "hunter2"}},
            "cacertificates": ["-----BEGIN"],
            "skip-tls-verify": true,
            "is-controller-cloud": true,
        }))
        .unwrap();
        assert_eq!(
            (cloud.kind(), cloud.name(), cloud.region()),
            ("openstack", "stack", Some("r1"))
        );
        assert_eq!(cloud.endpoint(), Some("https://keystone"));
        assert_eq!(cloud.identity_endpoint(), Some("https://identity"));
        assert_eq!(cloud.storage_endpoint(), Some("https://swift"));
        assert_eq!(cloud.ca_certificates(), ["-----BEGIN"]);
        assert!(cloud.skips_tls_verification() && cloud.is_controller_cloud());
        let credential = cloud.credential().unwrap();
        assert_eq!(credential.auth_type(), "userpass");
        assert_eq!(credential.get("password").unwrap().expose(), "hunter2");
        assert_eq!(credential.get("user"), None);
        let shown = format!("{cloud:?}");
        assert!(shown.contains("password") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn juju_leaves_out_what_is_empty() {
        let cloud = parse_cloud(json!({"type": "lxd", "name": "localhost", "newer": 1})).unwrap();
        assert_eq!((cloud.kind(), cloud.region(), cloud.credential()), ("lxd", None, None));
        let empty = json!({"type": "k8s", "credential": {"attrs": null}, "cacertificates": null});
        let cloud = parse_cloud(empty).unwrap();
        assert_eq!(cloud.credential().unwrap().attributes().len(), 0);
        assert_eq!(cloud.ca_certificates().len(), 0);
    }

    #[test]
    fn what_is_no_cloud_is_an_error_that_quotes_nothing() {
        for wrong in [
            json!(null),
            json!({}),
            json!("hunter2"),
            json!({"type": ["hunter2"]}),
            json!({"type": "lxd", "credential": "hunter2"}),
            json!({"type": "lxd", "credential": {"attrs": {"key": ["hunter2"]}}}),
        ] {
            let cause = parse_cloud(wrong).unwrap_err();
            assert_eq!(cause, "printed what is not a cloud with its credential");
        }
    }

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>) {
            let _ = parse_json(&output).and_then(parse_cloud);
        }
    }
}

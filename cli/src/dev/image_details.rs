//! [`ImageDetails`] is what `juju` accepts as a resource of the kind oci-image, and what the unit
//! gets of it.
//!
//! Source: Juju 3.6 and 4.0, `cmd/juju` and `internal/docker`: a file in JSON or else in YAML, or
//! the image's reference.

use charmwright_agent::JujuVersion;
use charmwright_yaml::juju;
use serde_json::{Value, json};

/// What the operator says of an image.
#[derive(Debug, PartialEq, Eq)]
pub struct ImageDetails {
    /// The reference, such as `ubuntu:24.04`.
    reference: String,
    username: String,
    password: String,
}

impl ImageDetails {
    /// Takes the reference of a public image, or returns `None` if the text is no reference.
    pub fn of_reference(text: &str) -> Option<Self> {
        let (username, password) = (String::new(), String::new());
        is_reference(text).then(|| Self { reference: text.to_owned(), username, password })
    }

    /// Reads the file that describes an image.
    ///
    /// # Errors
    /// Says what is wrong with the file. It quotes nothing of it: there may be a password in it.
    pub fn of_file(content: &[u8]) -> Result<Self, &'static str> {
        // Juju reads the file as JSON first, and takes what is JSON for nothing else.
        let (details, key, is_json) = match serde_json::from_slice::<Value>(content) {
            Ok(Value::Object(details)) => (details, "ImageName", true),
            _ => match juju::value(content) {
                Ok(Value::Object(details)) => (details, "registrypath", false),
                _ => return Err("it describes no image: it is no map in YAML or JSON"),
            },
        };
        let text = |name: &str| {
            // Go takes a key of JSON in upper or lower case.
            let is_it = |key: &str| key == name || (is_json && key.eq_ignore_ascii_case(name));
            let value = details.iter().find(|(key, _)| is_it(key)).map(|(_, value)| value);
            value.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let reference = text(key);
        if reference.is_empty() {
            return Err(match is_json {
                true => "it describes no image: its JSON has no ImageName",
                false => "it describes no image: its YAML has no registrypath",
            });
        }
        if !is_reference(&reference) {
            return Err("its image is no reference such as ubuntu:24.04");
        }
        Ok(Self { reference, username: text("username"), password: text("password") })
    }

    /// Returns the content of the file that the unit gets: YAML of Juju 3.6, JSON of Juju 4.
    pub fn content(&self, version: &JujuVersion) -> String {
        let Self { reference, username, password } = self;
        if version.at_least(4, 0, 0) {
            let details = json!({
                "ImageName": reference, "username": username, "password": password,
            });
            return details.to_string();
        }
        // Quoted, any text stays a text. A reference needs no quotes.
        let quoted = |text: &str| charmwright_yaml::to_yaml(text).unwrap_or_default();
        format!(
            "registrypath: {reference}\nusername: {}\npassword: {}\n",
            quoted(username).trim_end(),
            quoted(password).trim_end()
        )
    }
}

/// Returns `true` for the reference of an image, `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, by the
/// grammar of the distribution project, which Juju uses.
fn is_reference(text: &str) -> bool {
    let (name, digest) = match text.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (text, None),
    };
    let is_host = |first: &str| {
        first == "localhost"
            || first.contains(['.', ':'])
            || first.contains(|c: char| c.is_ascii_uppercase())
    };
    let (host, path) = match name.split_once('/') {
        Some((first, path)) if is_host(first) => (Some(first), path),
        _ => (None, name),
    };
    let (path, tag) = match path.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (path, None),
    };
    host.is_none_or(is_host_and_port)
        && path.split('/').all(is_path_component)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(is_digest)
}

fn is_host_and_port(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "0"));
    let is_label = |label: &str| {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty()
            && label.chars().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(is_label) && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

/// Returns `true` for lower-case letters and digits in words joined by a dot, one or two
/// underscores, or hyphens.
fn is_path_component(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_separator = |joint: &str| {
        matches!(joint, "." | "_" | "__") || joint.chars().all(|separator| separator == '-')
    };
    text.starts_with(is_word)
        && text.ends_with(is_word)
        && text.split(is_word).filter(|joint| !joint.is_empty()).all(is_separator)
}

fn is_tag(text: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(is_word)
        && text.len() <= 128
        && text.chars().all(|c| is_word(c) || c == '.' || c == '-')
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, hex)| {
        algorithm.starts_with(|c: char| c.is_ascii_alphabetic())
            && algorithm.chars().all(|c| c.is_ascii_alphanumeric() || "+._-".contains(c))
            && hex.len() >= 32
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_what_jujus_grammar_takes() {
        let digest = format!("ubuntu@sha256:{}", "0a".repeat(32));
        for good in [
            "ubuntu",
            "ubuntu:24.04",
            "ubuntu/postgresql:14-22.04_edge",
            "ghcr.io/canonical/charmed-postgresql",
            "localhost:5000/a__b/c--d:latest",
            "localhost/x",
            "Host/x",
            digest.as_str(),
        ] {
            assert!(is_reference(good), "{good}");
        }
        for bad in [
            "",
            "./image.yaml",
            "/tmp/image.yaml",
            "Ubuntu",
            "https://ghcr.io/x",
            "a b",
            "ubuntu:",
            "ubuntu:-x",
            "ubuntu@sha256:12",
            "a//b",
            "a___b",
            "host:port/x",
            "ubuntu\nx: y",
        ] {
            assert!(!is_reference(bad), "{bad}");
        }
    }

    #[test]
    fn a_file_is_json_or_yaml_with_a_reference() {
        let yaml = "registrypath: ghcr.io/x/y:1\nusername: me\npassword: 'a\"b'\nauth: x\n";
        let json = r#"{"imagename": "ghcr.io/x/y:1", "Username": "me", "Password": "a\"b"}"#;
        let read = [yaml, json].map(|text| ImageDetails::of_file(text.as_bytes()).unwrap());
        assert_eq!(read[0], read[1]);
        let (old, new) = (JujuVersion::release(3, 6, 28), JujuVersion::release(4, 0, 15));
        assert_eq!(
            read[0].content(&old),
            "registrypath: ghcr.io/x/y:1\nusername: \"me\"\npassword: \"a\\\"b\"\n"
        );
        assert_eq!(
            read[0].content(&new),
            r#"{"ImageName":"ghcr.io/x/y:1","password":"a\"b","username":"me"}"#
        );
        let public = ImageDetails::of_reference("ubuntu").unwrap();
        assert_eq!(public.content(&old), "registrypath: ubuntu\nusername: \"\"\npassword: \"\"\n");
        for (bad, why) in [
            (&b""[..], "no map"),
            (b"\x89PNG", "no map"),
            (b"[1, 2]", "no map"),
            (b"password: SECRET", "no registrypath"),
            (b"registrypath: [SECRET]", "no registrypath"),
            (br#"{"registrypath": "ubuntu"}"#, "no ImageName"),
            (b"registrypath: ./SECRET", "no reference"),
        ] {
            let error = ImageDetails::of_file(bad).unwrap_err();
            assert!(error.contains(why) && !error.contains("SECRET"), "{error}");
        }
    }
}

//! [`SecretUri`] parses the URI of a secret in the arguments of a hook tool.
//!
//! Some tools print the error of Go's `net/url`, so its parser is modelled too. Source: Juju,
//! `core/secrets.ParseURI`; Go's `net/url`; reference `juju-agent-measured.md` 2.1, row 30, and
//! 3.5.

use std::fmt;

use super::go_text::{go_quote, go_quote_bytes};

/// The URI of a secret, parsed from `secret:ID`, `secret://MODEL/ID`, `MODEL/ID` or the bare id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SecretUri {
    /// The UUID of the secret's model, if the URI has one.
    source: Option<String>,
    /// The id: 20 characters of base 32 in lower case.
    id: String,
}

impl SecretUri {
    /// Parses a URI.
    ///
    /// # Errors
    /// Returns the text that `secret-set`, `secret-remove`, `secret-grant` and `secret-revoke`
    /// print.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text)?;
        if !matches!(url.scheme.as_str(), "" | "secret") {
            return Err(format!("secret URI scheme {} not valid", go_quote(&url.scheme)));
        }
        if !url.host.is_empty() && !has_uuid(&url.host) {
            return Err(format!("host controller UUID {} not valid", go_quote_bytes(&url.host)));
        }
        let invalid = || format!("secret URI {} not valid", go_quote(text));
        // A path that is not UTF-8 is refused below, since an id has letters and digits only.
        let path = String::from_utf8_lossy(&url.path);
        let path = path.trim_start_matches('/');
        let path = if path.is_empty() { url.opaque } else { path };
        let (source, id) = match path.rsplit_once('/') {
            None => (None, path),
            Some((source, id)) if is_uuid(source.as_bytes()) => (Some(source.to_owned()), id),
            Some(_) => return Err(invalid()),
        };
        if !is_id(id) {
            return Err(invalid());
        }
        let host = (!url.host.is_empty()).then(|| String::from_utf8_lossy(&url.host).into_owned());
        Ok(Self { source: source.or(host), id: id.to_owned() })
    }

    /// Makes the URI of a secret of this model.
    pub(super) fn of_id(id: String) -> Self {
        Self { source: None, id }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Returns `true` for a URI without a model, and for one of this model.
    pub(super) fn is_of_model(&self, uuid: &str) -> bool {
        self.source.as_ref().is_none_or(|source| source == uuid)
    }
}

impl fmt::Display for SecretUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            None => write!(f, "secret:{}", self.id),
            Some(source) => write!(f, "secret://{source}/{}", self.id),
        }
    }
}

/// Returns `true` for the id of a secret. It has 96 bits in 20 digits of 5 bits each, so only the
/// first bit of the last digit is used: the digit is `0` or `g` (measured).
fn is_id(text: &str) -> bool {
    text.len() == 20
        && text.ends_with(['0', 'g'])
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'v').contains(&byte))
}

fn is_uuid(bytes: &[u8]) -> bool {
    let hyphen = |place| matches!(place, 8 | 13 | 18 | 23);
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(place, byte)| match byte {
            b'-' => hyphen(place),
            b'0'..=b'9' | b'a'..=b'f' => !hyphen(place),
            _ => false,
        })
}

/// Returns `true` if a host contains a UUID anywhere. Juju does not ask for more.
fn has_uuid(host: &[u8]) -> bool {
    host.windows(36).any(is_uuid)
}

/// The parts of a URL that Go's `url.Parse` returns and the URI of a secret needs.
struct Url<'a> {
    scheme: String,
    host: Vec<u8>,
    path: Vec<u8>,
    /// The text after the scheme, if it does not begin with a slash.
    opaque: &'a str,
}

impl<'a> Url<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let (before, fragment) = text.split_once('#').unwrap_or((text, ""));
        // Go's error shows the text without its fragment here, and with it for the fragment itself.
        let url = Self::without_fragment(before)
            .map_err(|why| format!("parse {}: {why}", go_quote(before)))?;
        unescape(fragment, false).map_err(|why| format!("parse {}: {why}", go_quote(text)))?;
        Ok(url)
    }

    fn without_fragment(text: &'a str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let (scheme, rest) = split_scheme(text)?;
        // Juju ignores the query.
        let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
        let mut url = Url {
            scheme: scheme.to_ascii_lowercase(),
            host: Vec::new(),
            path: Vec::new(),
            opaque: "",
        };
        if !rest.starts_with('/') {
            if !scheme.is_empty() {
                url.opaque = rest;
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let mut path = rest;
        if let Some(authority) =
            rest.strip_prefix("//").filter(|after| !scheme.is_empty() || !after.starts_with('/'))
        {
            let (authority, after) =
                authority.split_at(authority.find('/').unwrap_or(authority.len()));
            url.host = host_of(authority)?;
            path = after;
        }
        url.path = unescape(path, false)?;
        Ok(url)
    }
}

fn split_scheme(text: &str) -> Result<(&str, &str), String> {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    match text.split_once(':') {
        Some(("", _)) => Err("missing protocol scheme".to_owned()),
        Some((scheme, rest))
            if scheme.chars().all(letters)
                && scheme.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            Ok((scheme, rest))
        }
        _ => Ok(("", text)),
    }
}

fn host_of(authority: &str) -> Result<Vec<u8>, String> {
    let (user, host) = match authority.rsplit_once('@') {
        None => (None, authority),
        Some((user, host)) => (Some(user), host),
    };
    // An address in brackets needs no check of its own, since it is not a UUID.
    let port = match host.rfind('[') {
        None => host.rfind(':').and_then(|colon| host.get(colon..)),
        Some(0) => {
            let (_, port) = host.rsplit_once(']').ok_or("missing ']' in host")?;
            Some(port)
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
    };
    let port = port.unwrap_or_default();
    let digits = port.strip_prefix(':').unwrap_or(port);
    if !(port.is_empty() || port.starts_with(':'))
        || !digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(format!("invalid port {} after host", go_quote(port)));
    }
    let host = unescape(host, true)?;
    if let Some(user) = user {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
        if !user.chars().all(allowed) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        // Go unescapes the name and the password apart, so an escape cannot reach over the colon.
        for part in user.splitn(2, ':') {
            unescape(part, false)?;
        }
    }
    Ok(host)
}

/// Decodes the percent escapes of a path or a host. In a host fewer characters are allowed, and
/// only bytes beyond ASCII and the percent sign may be escaped.
///
/// # Errors
/// Returns Go's text for a wrong escape or character.
fn unescape(text: &str, host: bool) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (*first, after) {
            (b'%', escaped) => {
                let digits = escaped.get(..2).unwrap_or(escaped);
                let refuse = || {
                    let escape = [b"%", digits].concat();
                    Err(format!("invalid URL escape {}", go_quote_bytes(&escape)))
                };
                let Some(byte) = hex_byte(digits) else {
                    return refuse();
                };
                if host && byte < 0x80 && byte != b'%' {
                    return refuse();
                }
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            (byte, _) if host && is_refused_in_host(byte) => {
                let shown = go_quote(&char::from(byte).to_string());
                return Err(format!("invalid character {shown} in host name"));
            }
            (byte, _) => bytes.push(byte),
        }
    }
    Ok(bytes)
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

fn is_refused_in_host(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && !b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "9m4e2mr0ui3e8a215n4g";
    const MODEL: &str = "4f5f2d5a-7c1e-4d6b-8a53-1c0d7b1e9a10";

    #[test]
    fn every_form_is_read() {
        let local = format!("secret:{ID}");
        let remote = format!("secret://{MODEL}/{ID}");
        for (text, shown) in [
            (ID.to_owned(), &local),
            (local.clone(), &local),
            (format!("SECRET:{ID}"), &local),
            (format!("secret:/{ID}"), &local),
            (format!("secret:///{ID}"), &local),
            (format!("/{ID}"), &local),
            (format!("///{ID}"), &local),
            (format!("secret:{ID}?x=y"), &local),
            (format!("{ID}#part"), &local),
            (format!("secret:{MODEL}/{ID}"), &remote),
            (format!("{MODEL}/{ID}"), &remote),
            (remote.clone(), &remote),
            (format!("//{MODEL}/{ID}"), &remote),
            (format!("secret:/%39{}", &ID[1..]), &local),
        ] {
            let uri = SecretUri::parse(&text).unwrap();
            assert_eq!((&uri.to_string(), uri.id()), (shown, ID), "{text}");
        }
    }

    #[test]
    fn a_malformed_uri_is_refused_with_gos_text() {
        let plain = |text: &str| format!("secret URI {text:?} not valid");
        for text in [
            "",
            "x",
            "*",
            "9M4E2MR0UI3E8A215N4G",
            "9m4e2mr0ui3e8a215n4h",
            "9m4e2mr0ui3e8a215n4",
            "9m4e2mr0ui3e8a215n4gg",
            "9m4e2mr0ui3e8a215w4g",
            "secret:",
            "secret:x/9m4e2mr0ui3e8a215n4g",
            "secret:%39m4e2mr0ui3e8a215n4g",
            "?9m4e2mr0ui3e8a215n4g",
        ] {
            assert_eq!(SecretUri::parse(text), Err(plain(text)), "{text}");
        }
        for (text, error) in [
            ("http:9m4e2mr0ui3e8a215n4g", "secret URI scheme \"http\" not valid"),
            ("secret://host/9m4e2mr0ui3e8a215n4g", "host controller UUID \"host\" not valid"),
            (":x", "parse \":x\": missing protocol scheme"),
            ("1:x", "parse \"1:x\": first path segment in URL cannot contain colon"),
            ("a\u{1}", "parse \"a\\x01\": net/url: invalid control character in URL"),
            ("%zz", "parse \"%zz\": invalid URL escape \"%zz\""),
            ("x%", "parse \"x%\": invalid URL escape \"%\""),
            ("//%ff/y", "host controller UUID \"\\xff\" not valid"),
            ("%aé", "parse \"%aé\": invalid URL escape \"%a\\xc3\""),
            ("//x[0/y", "parse \"//x[0/y\": invalid IP-literal"),
            ("//[0/y", "parse \"//[0/y\": missing ']' in host"),
            ("//[::1]/y", "host controller UUID \"[::1]\" not valid"),
            ("//a]b/y", "host controller UUID \"a]b\" not valid"),
            ("x#%4", "parse \"x#%4\": invalid URL escape \"%4\""),
            ("secret://a b/x", "parse \"secret://a b/x\": invalid character \" \" in host name"),
            ("secret://a:b/x", "parse \"secret://a:b/x\": invalid port \":b\" after host"),
            ("secret://%41/x", "parse \"secret://%41/x\": invalid URL escape \"%41\""),
        ] {
            assert_eq!(SecretUri::parse(text), Err(error.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(secret:)?[/%@:a-g0-9\\[\\]#?]{0,30}|\\PC{0,30}") {
            let _ = SecretUri::parse(&text);
        }
    }
}

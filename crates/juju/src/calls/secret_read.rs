//! The calls that read secrets: their contents, their properties and the list of ids.
//!
//! Juju prints a content as JSON, in which each byte that is not UTF-8 is U+FFFD (measured 3.5). A
//! value that has this character in it is therefore read a second time, exactly: as base64 if the
//! secret's id is known, and otherwise as YAML, since `secret-get` takes no key beside a label.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

use crate::error::Error;
use crate::error_kind::ErrorKind;
use crate::hook_cache::lock;
use crate::hook_tools::HookTools;
use crate::names::SecretId;
use crate::secret::{
    HookRecord, ReadMode, SecretBytes, SecretFields, SecretInfo, SecretRef, decode_base64,
    parse_ids, parse_info,
};
use crate::tool_runner::ToolCall;

const GET: &str = "secret-get";
const INFO_GET: &str = "secret-info-get";
const IDS: &str = "secret-ids";
const IDS_ATTEMPT: &str = "list this unit's secrets";

/// The number of times that a content is read if it changes between its two reads.
const ATTEMPTS: usize = 3;

/// The values of a content as JSON shows them.
type Printed = BTreeMap<String, String>;

impl HookTools {
    /// Returns the content of a secret, in the revision that this unit tracks: the one that it read
    /// first, until [`refresh_secret`](Self::refresh_secret). The secret is named by its id or by
    /// its label.
    ///
    /// The first read of a secret makes the unit track the newest revision. That takes effect at
    /// once and stays if the hook fails (Juju 3.6 and 4.0). A content that this hook set is not the
    /// tracked one; of a secret that this hook added, every read returns the newest content
    /// (measured 3.5).
    ///
    /// The answer is cached for the hook. A change of a secret by this hook drops it from the
    /// cache.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Denied`] if the secret is not granted to this unit, or no longer.
    /// - [`ErrorKind::Gone`] if no secret has the id, or the unit knows no secret by the label, or
    ///   this hook removed the secret.
    /// - [`ErrorKind::Unavailable`] if this Juju has no secrets.
    /// - The tool failed in another way, or its output is not a map of texts.
    pub fn secret<'a>(&self, secret: impl Into<SecretRef<'a>>) -> Result<Arc<SecretFields>, Error> {
        self.read_secret(secret.into(), ReadMode::Tracked)
    }

    /// Returns the newest content of a secret, this once. A unit that tracks a revision goes on to
    /// track it.
    ///
    /// The answer is cached as that of [`secret`](Self::secret) is.
    ///
    /// # Errors
    ///
    /// The call fails as [`secret`](Self::secret) does.
    pub fn peek_secret<'a>(
        &self,
        secret: impl Into<SecretRef<'a>>,
    ) -> Result<Arc<SecretFields>, Error> {
        self.read_secret(secret.into(), ReadMode::Peek)
    }

    /// Returns the newest content of a secret, which this unit tracks from now on. That takes
    /// effect at once and stays if the hook fails (Juju 3.6 and 4.0).
    ///
    /// A revision that no unit tracks any longer can be removed; its owner gets the hook
    /// `secret-remove`. The owner counts too once it has read the secret.
    ///
    /// The answer is cached as that of [`secret`](Self::secret) is.
    ///
    /// # Errors
    ///
    /// The call fails as [`secret`](Self::secret) does.
    pub fn refresh_secret<'a>(
        &self,
        secret: impl Into<SecretRef<'a>>,
    ) -> Result<Arc<SecretFields>, Error> {
        self.read_secret(secret.into(), ReadMode::Refresh)
    }

    /// Gives a label to a secret of another application, by which this unit finds it from now on,
    /// and returns the content that the unit tracks.
    ///
    /// The label takes effect at once and stays if the hook fails (Juju 3.6 and 4.0). It must not
    /// be the label of another secret that this unit owns or observes.
    ///
    /// # Errors
    ///
    /// The call fails as [`secret`](Self::secret) does, and if the label is empty or taken.
    pub fn label_secret(&self, id: &SecretId, label: &str) -> Result<Arc<SecretFields>, Error> {
        let attempt = format!("label the secret {id}");
        check_label(&attempt, GET, label)?;
        let mut record = lock(&self.secrets);
        if let Some(other) = record.owner_of_label(label).filter(|other| other.id() != id.id()) {
            let cause = format!("the label {label:?} is taken by the secret {other}");
            return Err(Error::refused(attempt, GET, cause));
        }
        let secret = SecretRef::Id(id);
        let call = get_call(secret, ReadMode::Tracked).arg(format!("--label={label}"));
        let content = Arc::new(self.content_of(secret, ReadMode::Tracked, call)?);
        record.label_is_taken(label, id);
        record.read(secret, ReadMode::Tracked, &content);
        Ok(content)
    }

    /// Returns the properties of a secret that this unit owns, or that its application owns if the
    /// unit is the leader. The secret is named by its id or by its label.
    ///
    /// The answer is cached for the hook, until the hook changes the secret.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Gone`] if the unit owns no such secret: it was removed, or it belongs to
    ///   somebody else, or to the application and the unit is not the leader.
    /// - [`ErrorKind::Unavailable`] if this Juju has no secrets.
    /// - The tool failed in another way, or its output cannot be read.
    pub fn secret_info<'a>(
        &self,
        secret: impl Into<SecretRef<'a>>,
    ) -> Result<Arc<SecretInfo>, Error> {
        let secret = secret.into();
        let info = self.own_secret(&mut lock(&self.secrets), secret)?;
        info.ok_or_else(|| {
            Error::not_sent(
                ErrorKind::Gone,
                format!("read the properties of {secret}"),
                INFO_GET,
                "this unit owns no such secret: it is removed, or is another's, or it is the \
                 application's and this unit is not the leader",
            )
        })
    }

    /// Returns the id of the secret with this label that this unit owns, or that its application
    /// owns if the unit is the leader.
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// The call fails as [`secret_info`](Self::secret_info) does.
    pub fn secret_id(&self, label: &str) -> Result<SecretId, Error> {
        // A change of this hook drops the properties from the cache, and not the label.
        let known = lock(&self.secrets).owner_of_label(label).cloned();
        match known {
            Some(id) => Ok(id),
            None => Ok(self.secret_info(label)?.id().clone()),
        }
    }

    /// Returns the ids of the secrets that this unit owns, and of those of its application if the
    /// unit is the leader, with the changes that this hook made so far.
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// The tool failed, with [`ErrorKind::Unavailable`] if this Juju has no secrets, or its output
    /// is not a list of ids.
    pub fn secret_ids(&self) -> Result<BTreeSet<SecretId>, Error> {
        let mut record = lock(&self.secrets);
        if let Some(ids) = record.ids() {
            return Ok(ids.clone());
        }
        let answer = self.query_json(IDS_ATTEMPT, ToolCall::new(IDS).arg("--format=json"))?;
        let ids = parse_ids(&answer).map_err(|cause| Error::output(IDS_ATTEMPT, IDS, &cause))?;
        record.record_ids(ids.clone());
        Ok(ids)
    }

    /// Returns the properties of a secret, or `None` if the unit does not own it. `record` is the
    /// hook's record, which the caller has locked.
    pub(crate) fn own_secret(
        &self,
        record: &mut HookRecord,
        secret: SecretRef<'_>,
    ) -> Result<Option<Arc<SecretInfo>>, Error> {
        let attempt = format!("read the properties of {secret}");
        let call = ToolCall::new(INFO_GET).arg("--format=json");
        let call = match secret {
            SecretRef::Id(id) => {
                if let Some(known) = record.info(id) {
                    return Ok(known);
                }
                call.arg(id.as_str())
            }
            SecretRef::Label(label) => {
                check_label(&attempt, INFO_GET, label)?;
                if let Some(Some(known)) =
                    record.owner_of_label(label).and_then(|id| record.info(id))
                {
                    return Ok(Some(known));
                }
                call.arg(format!("--label={label}"))
            }
        };
        let answer = match self.query_json(attempt.clone(), call) {
            Ok(answer) => answer,
            Err(error) if error.kind() == &ErrorKind::Gone => {
                if let SecretRef::Id(id) = secret {
                    record.record_foreign(id);
                }
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let info = parse_info(&answer).map_err(|cause| Error::output(attempt, INFO_GET, &cause))?;
        let info = Arc::new(info);
        record.record_info(&info);
        Ok(Some(info))
    }

    fn read_secret(
        &self,
        secret: SecretRef<'_>,
        mode: ReadMode,
    ) -> Result<Arc<SecretFields>, Error> {
        if let SecretRef::Label(label) = secret {
            check_label(&format!("read {secret}"), GET, label)?;
        }
        // Held while the tools run, so that a second thread waits for the content instead of
        // starting the tools again.
        let mut record = lock(&self.secrets);
        if record.is_removed(secret) {
            // Juju shows the content until the hook is committed, and nobody must build on it.
            let attempt = format!("read {secret}");
            return Err(Error::not_sent(ErrorKind::Gone, attempt, GET, "this hook removed it"));
        }
        if let Some(content) = record.content(secret, mode) {
            return Ok(content);
        }
        let content = Arc::new(self.content_of(secret, mode, get_call(secret, mode))?);
        record.read(secret, mode, &content);
        Ok(content)
    }

    /// Reads a content by `call`, and the values that JSON does not show exactly by further calls.
    fn content_of(
        &self,
        secret: SecretRef<'_>,
        mode: ReadMode,
        call: ToolCall<'_>,
    ) -> Result<SecretFields, Error> {
        let attempt = format!("read {secret}");
        let call = call.arg("--format=json");
        for _ in 0..ATTEMPTS {
            let output = Zeroizing::new(self.query_text(attempt.clone(), &call)?);
            let mut printed = parse_content(&output)
                .map_err(|cause| Error::output(attempt.clone(), GET, &cause))?;
            let inexact: Vec<String> = printed
                .iter()
                .filter(|(_, value)| value.contains(char::REPLACEMENT_CHARACTER))
                .map(|(key, _)| key.clone())
                .collect();
            let exact = if inexact.is_empty() {
                Ok(BTreeMap::new())
            } else {
                self.exact_values(secret, mode, &inexact)
            };
            let exact = match exact {
                Ok(exact) => exact,
                Err(error) => {
                    wipe(printed);
                    return Err(error);
                }
            };
            // Another revision may have become the newest one between the calls. The values of two
            // revisions must not be mixed.
            let is_same = exact
                .iter()
                .all(|(key, bytes)| printed.get(key).is_some_and(|text| *text == lossy(bytes)));
            if !is_same {
                wipe(printed);
                continue;
            }
            let mut content = SecretFields::new();
            for (key, bytes) in exact {
                if let Some(mut text) = printed.remove(&key) {
                    text.zeroize();
                }
                content.insert(key, &SecretBytes::from_wiped(bytes));
            }
            for (key, text) in printed {
                // The bytes are moved and not copied.
                content.insert(key, &SecretBytes::from(text.into_bytes()));
            }
            return Ok(content);
        }
        Err(Error::output(
            attempt,
            GET,
            "printed another content each time; the secret is being changed, so try again later",
        ))
    }

    /// Reads the values of these keys exactly. A value that has U+FFFD as a character of its text
    /// may be left out.
    fn exact_values(
        &self,
        secret: SecretRef<'_>,
        mode: ReadMode,
        keys: &[String],
    ) -> Result<BTreeMap<String, Zeroizing<Vec<u8>>>, Error> {
        let attempt = format!("read {secret}");
        let fail = |cause: &str| Error::output(attempt.clone(), GET, cause);
        let mut values = BTreeMap::new();
        if let SecretRef::Id(_) = secret {
            for key in keys {
                let call = get_call(secret, mode).arg(format!("{key}#base64")).arg("--format=json");
                let output = Zeroizing::new(self.query_text(attempt.clone(), &call)?);
                let text: Zeroizing<String> =
                    serde_json::from_slice(&output)
                        .map(Zeroizing::new)
                        .map_err(|_| fail("printed a value that is not a text"))?;
                let bytes = decode_base64(text.as_bytes())
                    .ok_or_else(|| fail("printed a value that is not base64"))?;
                values.insert(key.clone(), bytes);
            }
            return Ok(values);
        }
        // By its label, a secret can only be read whole. In YAML a value that is not UTF-8 is
        // tagged as binary, and one that is a text is not.
        let call = get_call(secret, mode).arg("--format=yaml");
        let output = Zeroizing::new(self.query_text(attempt.clone(), &call)?);
        let binaries = charmwright_yaml::juju::binaries(&output)
            // The text of the error may quote a value.
            .map_err(|_| fail("printed YAML that cannot be read"))?;
        for (key, bytes) in binaries {
            let bytes = Zeroizing::new(bytes);
            if keys.contains(&key) {
                values.insert(key, bytes);
            }
        }
        Ok(values)
    }
}

/// Checks a label before it becomes an argument.
pub(crate) fn check_label(attempt: &str, tool: &'static str, label: &str) -> Result<(), Error> {
    // Juju takes an empty label for none.
    if label.is_empty() {
        return Err(Error::refused(attempt.to_owned(), tool, "the label is empty"));
    }
    Ok(())
}

/// Makes the call that reads a content.
fn get_call<'a>(secret: SecretRef<'_>, mode: ReadMode) -> ToolCall<'a> {
    let call = ToolCall::new(GET);
    let call = match secret {
        SecretRef::Id(id) => call.arg(id.as_str()),
        SecretRef::Label(label) => call.arg(format!("--label={label}")),
    };
    match mode {
        ReadMode::Tracked => call,
        ReadMode::Peek => call.arg("--peek"),
        ReadMode::Refresh => call.arg("--refresh"),
    }
}

/// Reads a content as `secret-get --format=json` prints it. The error never quotes the output.
fn parse_content(output: &[u8]) -> Result<Printed, String> {
    serde_json::from_slice(output).map_err(|error| {
        format!(
            "printed {} bytes that are not a map of texts (wrong at line {}, column {})",
            output.len(),
            error.line(),
            error.column()
        )
    })
}

/// Overwrites the values with zeros.
fn wipe(printed: Printed) {
    for (_, mut value) in printed {
        value.zeroize();
    }
}

/// Returns the text that Go's JSON shows for these bytes: U+FFFD for each byte that is not UTF-8.
/// The standard library's conversion has one for each broken character, which may have several
/// bytes.
fn lossy(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_byte_that_is_not_utf8_is_one_replacement_character() {
        for (bytes, text) in [
            (&b"\xff\xfe"[..], "\u{fffd}\u{fffd}"),
            (b"a\xe2\x82b", "a\u{fffd}\u{fffd}b"),
            (b"\xe2\x82\xac", "€"),
            (b"\xf0\x9f\x98", "\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(lossy(bytes), text);
        }
    }

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>, text in ".{0,40}") {
            let _ = parse_content(&output);
            if let Err(error) = parse_content(text.as_bytes()) {
                prop_assert!(text.len() < 9 || !error.contains(&text));
            }
        }
    }
}

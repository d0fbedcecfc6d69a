//! The calls about relations: which there are, who takes part, and the databags.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::Value;

use crate::error::Error;
use crate::error_kind::ErrorKind;
use crate::hook_tools::HookTools;
use crate::names::{ApplicationName, EndpointName, RelationId, UnitName};
use crate::refusals::{DeniedRead, kind_of_denied};
use crate::relation_cache::{BagOwner, Databag};
use crate::tool_output::{key_excerpt, parse_json, string_map, type_name};
use crate::tool_runner::ToolCall;

/// The largest databag that Juju stores, in bytes of all its keys and values together.
///
/// Juju 4.0 counts exactly so when it commits the hook (its source). Juju 3.6 has no rule of its
/// own, but it keeps a databag in one document of MongoDB, which holds 16 MiB with its overhead.
pub(crate) const MAX_DATABAG: usize = 16 * 1024 * 1024;

/// The longest key that the tool reads, in characters of its written form. It reads a key as YAML
/// only if it ends within 1,024 characters (libyaml, of which Juju's reader is a port).
const MAX_KEY: usize = 1_000;

const SET_TOOL: &str = "relation-set";
const GET_TOOL: &str = "relation-get";

const APPLICATION: &str = "the name of an application";

impl HookTools {
    /// Returns the relations of an endpoint, in the order of their numbers. A relation that breaks
    /// in this hook is not among them (Juju 3.6 and 4.0), and neither is any in `install`.
    ///
    /// The answer is cached for the hook. Juju returns an empty list for an endpoint that the charm
    /// does not declare.
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not a list of relation ids.
    pub fn relation_ids(&self, endpoint: &EndpointName) -> Result<Vec<RelationId>, Error> {
        self.relations.ids.get_or_try_init(endpoint, || {
            let attempt = format!("list the relations of {endpoint}");
            let call = ToolCall::new("relation-ids").arg("--format=json").arg(endpoint.as_str());
            let mut ids = self.query_list(&attempt, &call, "the id of a relation")?;
            // Juju sorts them as texts, so that db:10 comes before db:7.
            ids.sort();
            Ok(ids)
        })
    }

    /// Returns the remote units of a relation, or the other units of a peer relation. The unit that
    /// departs in this hook is not among them (measured on Juju 3.6 and 4.0).
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// The tool failed, with [`ErrorKind::Gone`] if the relation does not exist, or its output is
    /// not a list of unit names.
    pub fn relation_units(&self, relation: &RelationId) -> Result<Vec<UnitName>, Error> {
        self.relations.units.get_or_try_init(&relation.number(), || {
            let attempt = format!("list the units of the relation {relation}");
            let call = relation_call("relation-list", relation).arg("--format=json");
            let mut units: Vec<UnitName> =
                self.query_list(&attempt, &call, "the name of a unit").map_err(shared)?;
            units.sort();
            Ok(units)
        })
    }

    /// Returns the remote application of a relation, or the own application on a peer relation.
    /// `None` if the agent does not know it, which happens in `relation-broken`.
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// The tool failed, with [`ErrorKind::Gone`] if the relation does not exist, or its output is
    /// not the name of an application.
    pub fn relation_app(&self, relation: &RelationId) -> Result<Option<ApplicationName>, Error> {
        self.relations.apps.get_or_try_init(&relation.number(), || {
            let attempt = format!("learn the remote application of the relation {relation}");
            let call = relation_call("relation-list", relation).arg("--app").arg("--format=json");
            let answer = self.query(&attempt, &call).map_err(shared)?;
            match answer {
                Value::Null => Ok(None),
                Value::String(name) if name.is_empty() => Ok(None),
                Value::String(name) => {
                    name.parse().map(Some).map_err(|_| misnamed(&attempt, &call, APPLICATION))
                }
                other => Err(unexpected(&attempt, &call, &other, APPLICATION)),
            }
        })
    }

    /// Returns the databag of a unit, which is a remote unit, another unit of a peer relation, or
    /// this unit. It includes Juju's own keys, such as `ingress-address`.
    ///
    /// The answer is cached for the hook. Juju shows the changes of this hook in the unit's own
    /// databag, and commits an own databag that was only read, too (measured on Juju 3.6 and 4.0).
    ///
    /// # Errors
    ///
    /// The tool failed, with [`ErrorKind::Gone`] if the relation does not exist or the unit does
    /// not take part in it, or its output is not a map of strings.
    pub fn unit_databag(
        &self,
        relation: &RelationId,
        unit: &UnitName,
    ) -> Result<Arc<Databag>, Error> {
        let owner = BagOwner::Unit(unit.clone());
        self.relations.bags.get_or_try_init(&(relation.number(), owner), || {
            let attempt = format!("read the databag of {unit} in the relation {relation}");
            // In a relation's hook the default is the hook's remote unit, on other relations too
            // (measured on Juju 3.6 and 4.0), so both are always given.
            let call = relation_call(GET_TOOL, relation)
                .arg("--format=json")
                .arg("-")
                .arg(unit.to_string());
            self.query_databag(&attempt, &call).map_err(shared)
        })
    }

    /// Returns the databag of an application: the remote one, or the own application.
    ///
    /// The answer is cached for the hook. Juju shows the changes of this hook in the own
    /// application's databag.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotLeader`] for the databag of the own application, if this unit is not the
    ///   leader and the relation is not a peer relation.
    /// - [`ErrorKind::Gone`] if the relation does not exist.
    /// - The tool failed, or its output is not a map of strings.
    pub fn app_databag(
        &self,
        relation: &RelationId,
        application: &ApplicationName,
    ) -> Result<Arc<Databag>, Error> {
        let owner = BagOwner::Application(application.clone());
        self.relations.bags.get_or_try_init(&(relation.number(), owner), || {
            let attempt = format!(
                "read the databag of the application {application} in the relation {relation}"
            );
            let call = relation_call(GET_TOOL, relation)
                .arg("--app")
                .arg("--format=json")
                .arg("-")
                .arg(application.as_str());
            self.query_databag(&attempt, &call)
                .map_err(|error| self.explain_denied_app(error, relation, application))
        })
    }

    /// Changes this unit's databag in a relation: a value replaces the key's, and `None` or an
    /// empty text deletes the key. The other keys stay. Juju commits the changes if the hook exits
    /// with code 0 and drops them otherwise.
    ///
    /// The changes go by standard input: an argument could be too long, and a list of processes
    /// would show it. An empty map starts no tool.
    ///
    /// # Errors
    ///
    /// - The errors of [`check_databag_changes`]. Nothing was sent.
    /// - The tool failed, with [`ErrorKind::Gone`] if the relation does not exist.
    pub fn set_unit_databag(
        &self,
        relation: &RelationId,
        changes: &BTreeMap<String, Option<String>>,
    ) -> Result<(), Error> {
        let attempt = format!("write this unit's databag in the relation {relation}");
        let call = relation_call(SET_TOOL, relation);
        self.write_databag(attempt, relation, changes, call, |owner| {
            matches!(owner, BagOwner::Unit(_))
        })
    }

    /// Changes the databag of this unit's application in a relation, as
    /// [`set_unit_databag`](Self::set_unit_databag) changes the unit's.
    ///
    /// # Errors
    ///
    /// Fails as [`set_unit_databag`](Self::set_unit_databag) does, and with
    /// [`ErrorKind::NotLeader`] on a unit that is not the leader.
    pub fn set_app_databag(
        &self,
        relation: &RelationId,
        changes: &BTreeMap<String, Option<String>>,
    ) -> Result<(), Error> {
        let attempt = format!("write the application's databag in the relation {relation}");
        let call = relation_call(SET_TOOL, relation).arg("--app");
        self.write_databag(attempt, relation, changes, call, |owner| {
            matches!(owner, BagOwner::Application(_))
        })
    }

    /// Returns the UUID of the model that the remote application is in, which is another one if the
    /// relation crosses models.
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] on a Juju before 3.6.2, which does not have the tool. Else the
    /// tool failed, with [`ErrorKind::Gone`] if the relation does not exist, or its output has no
    /// UUID.
    pub fn relation_model(&self, relation: &RelationId) -> Result<String, Error> {
        self.relations.models.get_or_try_init(&relation.number(), || {
            let attempt = format!("learn the remote model of the relation {relation}");
            let call = relation_call("relation-model-get", relation).arg("--format=json");
            let answer = self.query(&attempt, &call).map_err(shared)?;
            match answer.get("uuid") {
                Some(Value::String(uuid)) if !uuid.is_empty() => Ok(uuid.clone()),
                _ => Err(unexpected(&attempt, &call, &answer, "a map with the model's uuid")),
            }
        })
    }

    /// Writes changes of a databag, and drops the databags of these owners from the cache.
    fn write_databag(
        &self,
        attempt: String,
        relation: &RelationId,
        changes: &BTreeMap<String, Option<String>>,
        call: ToolCall<'_>,
        is_changed: impl Fn(&BagOwner) -> bool,
    ) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        check_databag_changes(relation, changes)?;
        let texts: BTreeMap<&str, &str> = changes
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_deref().unwrap_or_default()))
            .collect();
        let document = charmwright_yaml::to_yaml(&texts).map_err(|error| {
            let cause = format!("the values are not writable as a document: {error}");
            Error::refused(attempt.clone(), SET_TOOL, cause)
        })?;
        let call = call.arg("--file").arg("-").stdin(document.as_bytes());
        self.execute(attempt, call).map_err(shared)?;
        // These calls do not know the unit's own name, so every databag that may be its own is
        // dropped, and the next read gets the change from Juju.
        self.relations
            .bags
            .forget(|(number, owner)| *number == relation.number() && is_changed(owner));
        Ok(())
    }

    /// Explains the refusal to read the databag of an application. Only the failed call asks Juju
    /// which application is the remote one.
    fn explain_denied_app(
        &self,
        error: Error,
        relation: &RelationId,
        application: &ApplicationName,
    ) -> Error {
        if error.kind() != &ErrorKind::Denied {
            return error;
        }
        match self.relation_app(relation) {
            // The remote application, or the own one on a peer relation: every unit may read it.
            Ok(Some(remote)) if remote == *application => shared(error),
            Ok(Some(_)) => error.reclassified(
                kind_of_denied(DeniedRead::OwnApplication),
                "only the leader may, so ask is_leader first",
            ),
            Err(gone) if gone.kind() == &ErrorKind::Gone => shared(error),
            Ok(None) | Err(_) => error,
        }
    }

    fn query(&self, attempt: &str, call: &ToolCall<'_>) -> Result<Value, Error> {
        let output = self.query_text(attempt.to_owned(), call)?;
        parse_json(&output).map_err(|cause| unreadable(attempt, call, &cause))
    }

    /// Runs a tool that prints a list, each item of which is `due`.
    fn query_list<T: FromStr>(
        &self,
        attempt: &str,
        call: &ToolCall<'_>,
        due: &str,
    ) -> Result<Vec<T>, Error> {
        let list = match self.query(attempt, call)? {
            Value::Null => Vec::new(),
            Value::Array(list) => list,
            other => return Err(unexpected(attempt, call, &other, "a list")),
        };
        let name = |value: &Value| match value {
            Value::String(name) => name.parse().map_err(|_| misnamed(attempt, call, due)),
            other => Err(unexpected(attempt, call, other, due)),
        };
        list.iter().map(name).collect()
    }

    fn query_databag(&self, attempt: &str, call: &ToolCall<'_>) -> Result<Arc<Databag>, Error> {
        let answer = self.query(attempt, call)?;
        parse_databag(answer).map(Arc::new).map_err(|cause| unreadable(attempt, call, &cause))
    }
}

/// Checks changes of a databag by the rules that hold whatever the databag is. Both
/// [`HookTools::set_unit_databag`] and [`HookTools::set_app_databag`] check them too.
///
/// # Errors
///
/// - [`ErrorKind::Invalid`] if a key is empty, or a key or a value holds a NUL character. The tool
///   would accept both: Juju 4.0 then fails the commit for the empty key, and cuts a text at its
///   NUL when it reads the text from its database (its source).
/// - [`ErrorKind::TooLarge`] if the keys and values together are larger than 16 MiB. Juju counts
///   the whole databag at the commit, so that smaller changes may still be too large together. Also
///   if a key is longer than 1,000 characters, of which a control character takes six.
pub fn check_databag_changes(
    relation: &RelationId,
    changes: &BTreeMap<String, Option<String>>,
) -> Result<(), Error> {
    let refused = |cause: String| Err(Error::refused(write_attempt(relation), SET_TOOL, cause));
    for (key, value) in changes {
        if key.is_empty() {
            return refused("a key is empty".to_owned());
        }
        if key.contains('\0') {
            return refused(format!("the key {:?} holds a NUL character", key_excerpt(key)));
        }
        let size = written_length(key);
        if size > MAX_KEY {
            let what = format!("the key {:?}", key_excerpt(key));
            return Err(Error::too_large(write_attempt(relation), SET_TOOL, &what, size, MAX_KEY));
        }
        if value.as_deref().is_some_and(|value| value.contains('\0')) {
            return refused(format!("the value of {:?} holds a NUL character", key_excerpt(key)));
        }
    }
    let texts = changes.iter().map(|(key, value)| (key, value.as_deref().unwrap_or_default()));
    check_databag_size(relation, texts)
}

/// Checks that a databag as a whole, with the changes that will be made to it, is not larger than
/// Juju stores.
///
/// # Errors
///
/// [`ErrorKind::TooLarge`] if the keys and values together are larger than 16 MiB.
pub fn check_databag_size(
    relation: &RelationId,
    databag: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<str>)>,
) -> Result<(), Error> {
    let sizes = databag.into_iter().map(|(key, value)| key.as_ref().len() + value.as_ref().len());
    let size = sizes.sum();
    if size > MAX_DATABAG {
        let what = "the databag with all its keys and values";
        return Err(Error::too_large(write_attempt(relation), SET_TOOL, what, size, MAX_DATABAG));
    }
    Ok(())
}

fn write_attempt(relation: &RelationId) -> String {
    format!("write a databag in the relation {relation}")
}

/// Makes a call about one relation. The id is always given, because the default of the tool is the
/// hook's own relation.
fn relation_call(tool: &'static str, relation: &RelationId) -> ToolCall<'static> {
    ToolCall::new(tool).arg("-r").arg(relation.to_string())
}

/// Explains the refusal of something that every unit of the relation may read.
pub(super) fn shared(error: Error) -> Error {
    if error.kind() == &ErrorKind::Denied {
        let meaning = "Juju says so of a relation that is gone";
        error.reclassified(kind_of_denied(DeniedRead::Shared), meaning)
    } else {
        error
    }
}

fn unreadable(attempt: &str, call: &ToolCall<'_>, cause: &str) -> Error {
    Error::output(attempt.to_owned(), call.tool, cause)
}

fn unexpected(attempt: &str, call: &ToolCall<'_>, found: &Value, due: &str) -> Error {
    unreadable(attempt, call, &format!("printed {} where {due} was due", type_name(found)))
}

/// Makes the error for a text that is not `due`. The text is not quoted: a tool that prints garbage
/// may print a secret.
fn misnamed(attempt: &str, call: &ToolCall<'_>, due: &str) -> Error {
    unreadable(attempt, call, &format!("printed a text that is not {due}"))
}

/// Returns the length of a key in the document that the tool reads, in characters.
fn written_length(key: &str) -> usize {
    // No character has an escape of more than six, and most keys are short.
    if key.len() <= MAX_KEY / 6 {
        return key.len();
    }
    // The quotes do not count.
    charmwright_yaml::to_yaml(key).map_or(0, |text| text.chars().count().saturating_sub(2))
}

fn parse_databag(answer: Value) -> Result<Databag, String> {
    let mut databag = string_map(answer)?;
    // Juju keeps no empty value: an empty text deletes the key (Juju 2.9 to 4.1).
    databag.retain(|_, value| !value.is_empty());
    Ok(databag)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changes(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
    }

    #[test]
    fn what_juju_would_drop_or_refuse_at_the_commit_is_refused_before() {
        let relation = "db:7".parse().unwrap();
        let kind = |pairs: &[(&str, Option<&str>)]| {
            check_databag_changes(&relation, &changes(pairs)).map_err(|error| error.kind().clone())
        };
        assert_eq!(kind(&[]), Ok(()));
        assert_eq!(kind(&[("a=b", Some("x")), (" ", None), ("$a.b", Some("\u{1}"))]), Ok(()));
        for pairs in [[("", Some("x"))], [("a\0", None)], [("a", Some("\0"))]] {
            assert_eq!(kind(&pairs), Err(ErrorKind::Invalid), "{pairs:?}");
        }
        let value = "x".repeat(MAX_DATABAG - 3);
        assert_eq!(kind(&[("key", Some(&value))]), Ok(()));
        let size = MAX_DATABAG + 1;
        assert_eq!(
            kind(&[("key4", Some(&value))]),
            Err(ErrorKind::TooLarge { size, limit: MAX_DATABAG })
        );
        // A tool would fail at the end of the hook with a text that names no key.
        for (key, size) in [("k".repeat(1_001), 1_001), ("\u{1}".repeat(167), 1_002)] {
            assert_eq!(
                kind(&[(&key, Some("x"))]),
                Err(ErrorKind::TooLarge { size, limit: MAX_KEY })
            );
        }
        for key in ["k".repeat(1_000), "é".repeat(1_000), "\u{7f}".repeat(166)] {
            assert_eq!(kind(&[(&key, Some("x"))]), Ok(()));
            charmwright_yaml::to_yaml(&changes(&[(&key, Some("x"))])).unwrap();
        }
        let error =
            check_databag_changes(&relation, &changes(&[("a", Some("hunter2\0"))])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot write a databag in the relation db:7: the value of \"a\" holds a NUL character"
        );
    }

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>, text in ".*") {
            let _ = parse_json(&output).and_then(parse_databag);
            let _ = parse_json(text.as_bytes()).and_then(parse_databag);
        }

        #[test]
        fn what_is_written_is_what_juju_reads(
            bag in proptest::collection::btree_map(
                "(?s:[^\\x00]{1,20})",
                "(?s:[^\\x00]{1,60})|[\\n\\t :#-]{1,20}|[\u{7f}-\u{a0}\u{2028}\u{1f600}]{1,9}",
                0..6,
            )
        ) {
            let document = charmwright_yaml::to_yaml(&bag).unwrap();
            prop_assert_eq!(
                charmwright_yaml::juju::strings(document.as_bytes()),
                Ok(bag.clone())
            );
            prop_assert_eq!(parse_databag(parse_json(document.as_bytes()).unwrap()), Ok(bag));
        }
    }
}

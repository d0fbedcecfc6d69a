//! The calls of an action: its parameters, its results, its progress and its failure.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::log::chunks;
use crate::error::Error;
use crate::hook_cache::Params;
use crate::hook_tools::{HookTools, replace_nul};
use crate::tool_output::type_name;
use crate::tool_runner::{MAX_ARGUMENT, ToolCall};

/// The keys that Juju itself adds to the results. No part of a charm's key may be one of them.
const RESERVED: [&str; 4] = ["stdout", "stdout-encoding", "stderr", "stderr-encoding"];

/// The size of the results that one call passes, in bytes. Each result is a small argument, but
/// Linux bounds all arguments of a process together (`ARG_MAX`, 2 MiB with the usual stack limit).
const MAX_BATCH: usize = 128 * 1024;

const READ_ATTEMPT: &str = "read the action's parameters";
const SET_ATTEMPT: &str = "set the action's results";

/// The error for a key that Juju does not accept in an action's results.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {key:?} as the key of a result: {rule}")]
pub struct InvalidActionKey {
    key: String,
    rule: &'static str,
}

impl HookTools {
    /// Returns the action's parameters by name. Juju has validated them against the charm's
    /// `actions.yaml` and filled in the defaults.
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// The tool failed, for instance because no action is running
    /// ([`ErrorKind::WrongContext`](crate::ErrorKind::WrongContext)), or its output is not a map.
    pub fn action_params(&self) -> Result<Arc<Map<String, Value>>, Error> {
        self.params.get_or_try_init(|| {
            let answer =
                self.query_json(READ_ATTEMPT, ToolCall::new("action-get").arg("--format=json"))?;
            parse_params(answer)
                .map(Arc::new)
                .map_err(|cause| Error::output(READ_ATTEMPT, "action-get", &cause))
        })
    }

    /// Sets results of the action. Juju shows them when the action ends, also when it fails. A dot
    /// in a key makes a nested map.
    ///
    /// All results are checked before the first one is set. Results over 128 KiB together take
    /// several calls of the tool; no results take none. Of two values of one key the later one
    /// counts.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if [`check_action_key`] refuses a key, a
    ///   value holds a NUL, or a key is a value here and a map there (`a` and `a.b`): Juju would
    ///   drop one of the two. No result was set.
    /// - [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) if a key, `=` and its value together
    ///   are longer than an argument may be (131,071 bytes). No result was set.
    /// - The tool failed. Results of an earlier call are set.
    pub fn action_set<K: AsRef<str>, V: AsRef<str>>(
        &self,
        results: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error> {
        // All are checked first, because Juju keeps the results of a call that came before a bad
        // one.
        let results: Vec<(K, V)> = results.into_iter().collect();
        check_results(&results)?;
        // A result that is larger than a batch goes alone.
        let mut batch = ToolCall::new("action-set");
        let mut size = 0;
        for (key, value) in results {
            let pair = format!("{}={}", key.as_ref(), value.as_ref());
            if !batch.args.is_empty() && size + pair.len() > MAX_BATCH {
                self.execute(
                    SET_ATTEMPT,
                    std::mem::replace(&mut batch, ToolCall::new("action-set")),
                )?;
                size = 0;
            }
            size += pair.len();
            batch = batch.arg(pair);
        }
        if batch.args.is_empty() { Ok(()) } else { self.execute(SET_ATTEMPT, batch) }
    }

    /// Marks the action as failed, with a message for whoever ran it.
    ///
    /// The call does not end the program. If the program exits with code 0, Juju still commits its
    /// other writes. For an empty message Juju shows a text of its own.
    ///
    /// # Errors
    ///
    /// The tool failed, or the message is longer than an argument may be (131,071 bytes,
    /// [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge)).
    pub fn action_fail(&self, message: &str) -> Result<(), Error> {
        let call = ToolCall::new("action-fail");
        let call = if message.is_empty() { call } else { call.free_text(replace_nul(message)) };
        self.execute("mark the action as failed", call)
    }

    /// Reports the action's progress to whoever ran it. Juju shows the message at once. A long
    /// message is split as in [`HookTools::log`].
    ///
    /// # Errors
    ///
    /// The tool failed. The rest of a long message was not sent.
    pub fn action_log(&self, message: &str) -> Result<(), Error> {
        for chunk in chunks(message) {
            self.execute(
                "report the action's progress",
                ToolCall::new("action-log").free_text(replace_nul(chunk)),
            )?;
        }
        Ok(())
    }
}

/// Checks results before any of them is set.
fn check_results(results: &[(impl AsRef<str>, impl AsRef<str>)]) -> Result<(), Error> {
    let refused = |cause: String| Err(Error::refused(SET_ATTEMPT, "action-set", cause));
    let mut keys = BTreeSet::new();
    for (key, value) in results {
        let (key, value) = (key.as_ref(), value.as_ref());
        if let Err(invalid) = check_action_key(key) {
            return refused(format!("the key {:?} is not allowed: {}", invalid.key, invalid.rule));
        }
        let what = || format!("the result {:?}", key.chars().take(60).collect::<String>());
        if value.contains('\0') {
            return refused(format!("{} holds a NUL", what()));
        }
        let size = key.len() + 1 + value.len();
        if size > MAX_ARGUMENT {
            return Err(Error::too_large(SET_ATTEMPT, "action-set", &what(), size, MAX_ARGUMENT));
        }
        keys.insert(key);
    }
    for key in &keys {
        for (place, _) in key.match_indices('.') {
            // Juju replaces the value by a map, or the map by the value (3.6 and 4.0,
            // `uniter/runner/context/action.go`).
            if let Some(outer) = key.get(..place).filter(|outer| keys.contains(outer)) {
                let (outer, inner): (String, String) =
                    (outer.chars().take(60).collect(), key.chars().take(60).collect());
                return refused(format!("{outer:?} is a value, and {inner:?} makes a map of it"));
            }
        }
    }
    Ok(())
}

/// Checks that Juju accepts `key` in an action's results.
///
/// A key has parts joined by dots. Each part has lower-case letters, digits and hyphens, and no
/// hyphen at either end. No part is one of Juju's own keys (`stdout`, `stderr`, `stdout-encoding`
/// and `stderr-encoding`), and the first is not `return-code`, which Juju overwrites.
///
/// # Errors
///
/// [`InvalidActionKey`] names the rule that the key breaks.
pub fn check_action_key(key: &str) -> Result<(), InvalidActionKey> {
    let refused = |rule| Err(InvalidActionKey { key: key.chars().take(60).collect(), rule });
    for part in key.split('.') {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if part.is_empty()
            || part.starts_with('-')
            || part.ends_with('-')
            || !part.bytes().all(fits)
        {
            return refused(
                "between its dots there must be lower-case letters, digits and hyphens, no hyphen \
                 first or last",
            );
        }
        if RESERVED.contains(&part) {
            return refused("stdout, stderr and their -encoding are Juju's own");
        }
    }
    if key.split('.').next() == Some("return-code") {
        return refused("return-code is Juju's own, which overwrites it");
    }
    Ok(())
}

fn parse_params(answer: Value) -> Result<Params, String> {
    match answer {
        // An action may have no parameters, so a null answer is not an error.
        Value::Null => Ok(Params::new()),
        Value::Object(params) => Ok(params),
        other => Err(format!("printed {} where a map of parameters was due", type_name(&other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool_output::parse_json;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>, key in ".*") {
            let _ = parse_json(&output).and_then(parse_params);
            let _ = check_action_key(&key);
        }
    }
}

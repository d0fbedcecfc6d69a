//! Actions: their parameters, their results and their end.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::log::chunks;
use crate::error::Error;
use crate::hook_cache::Params;
use crate::hook_tools::{HookTools, replace_nul};
use crate::tool_output::type_name;
use crate::tool_runner::ToolCall;

/// What the results have of their own, and a charm may set nowhere in a key.
const RESERVED: [&str; 4] = ["stdout", "stdout-encoding", "stderr", "stderr-encoding"];

/// How many bytes of results go into one call, so that many small ones do not add up to more than a
/// process may be given.
const MAX_BATCH: usize = 128 * 1024;

const READ_ATTEMPT: &str = "read the action's parameters";
const SET_ATTEMPT: &str = "set the action's results";

/// A key that an action's result cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {key:?} as the key of a result: {rule}")]
pub struct InvalidActionKey {
    key: String,
    rule: &'static str,
}

impl HookTools {
    /// The action's parameters. Juju has checked them against the charm's `actions.yaml` and filled
    /// in the defaults.
    ///
    /// Asked once a hook.
    ///
    /// # Errors
    ///
    /// The tool failed, for instance because this is no action, or did not print a map.
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
    /// All keys are checked before anything is set; nothing to set starts no tool.
    ///
    /// # Errors
    ///
    /// A key that [`check_action_key`] refuses, a value that holds a NUL or is too long for an
    /// argument, or the tool failed.
    pub fn action_set<K: AsRef<str>, V: AsRef<str>>(
        &self,
        results: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(), Error> {
        let results: Vec<(K, V)> = results.into_iter().collect();
        for (key, _) in &results {
            check_action_key(key.as_ref()).map_err(|invalid| {
                Error::refused(
                    SET_ATTEMPT,
                    "action-set",
                    format!("the key {:?} is not allowed: {}", invalid.key, invalid.rule),
                )
            })?;
        }
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

    /// Marks the action as failed. It does not end the program, and what the hook wrote is still
    /// kept if it exits with code 0.
    ///
    /// With no message Juju says that no reason was given.
    ///
    /// # Errors
    ///
    /// The tool failed, or the message is longer than an argument may be (131,071 bytes).
    pub fn action_fail(&self, message: &str) -> Result<(), Error> {
        let call = ToolCall::new("action-fail");
        let call = if message.is_empty() { call } else { call.free_text(replace_nul(message)) };
        self.execute("mark the action as failed", call)
    }

    /// Tells whoever runs the action how it goes, at once. Long messages are cut as
    /// [`HookTools::log`] cuts them.
    ///
    /// # Errors
    ///
    /// The tool failed.
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

/// Checks the key of a result by Juju's rule: parts joined by dots, each of lower-case letters,
/// digits and hyphens with no hyphen at either end, and none of them one of Juju's own (`stdout`,
/// `stderr` and their `-encoding`).
///
/// # Errors
///
/// [`InvalidActionKey`] says which rule the key breaks.
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
    Ok(())
}

fn parse_params(answer: Value) -> Result<Params, String> {
    match answer {
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
        fn no_output_makes_it_panic(output: Vec<u8>, key in ".*") {
            let _ = parse_json(&output).and_then(parse_params);
            let _ = check_action_key(&key);
        }
    }
}

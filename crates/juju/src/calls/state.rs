//! The calls about the unit's state, which the controller stores from one hook to the next.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::hook_tools::HookTools;
use crate::tool_output::{key_excerpt, string_map};
use crate::tool_runner::{ToolCall, ToolError};

/// The longest key that Juju accepts, in bytes (Juju 2.9 to 4.1).
const MAX_KEY: usize = 256;

/// The longest value that Juju accepts, in bytes (Juju 2.9 to 4.1).
const MAX_VALUE: usize = 65_536;

const READ_ATTEMPT: &str = "read the unit's stored state";
const WRITE_ATTEMPT: &str = "store the unit's state";
const DELETE_ATTEMPT: &str = "delete from the unit's stored state";

/// The tools for the unit's state. Juju 2.8 brought all three.
const STATE_TOOLS: [&str; 3] = ["state-get", "state-set", "state-delete"];

impl HookTools {
    /// Returns `true` if this Juju has none of the three tools for the unit's state.
    ///
    /// That holds for a version that does not store one
    /// ([`JujuVersion::keeps_state`](crate::JujuVersion::keeps_state)). A tool that exists but
    /// cannot be started counts as present: the controller then holds a state that this hook cannot
    /// reach, and a charm must not take the unit for a new one.
    #[must_use]
    pub fn lacks_state_tools(&self) -> bool {
        STATE_TOOLS.iter().all(|tool| matches!(self.find_tool(tool), Err(ToolError::NotFound)))
    }

    /// Returns the values that are stored for this unit, by key, with the changes that this hook
    /// made so far. The map is empty if nothing is stored.
    ///
    /// The answer is cached for the hook, and [`set_state`](Self::set_state) and
    /// [`delete_state`](Self::delete_state) keep it up to date.
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not a map of strings.
    pub fn state(&self) -> Result<BTreeMap<String, String>, Error> {
        self.state.get_or_try_init(|| {
            let answer =
                self.query_json(READ_ATTEMPT, ToolCall::new("state-get").arg("--format=json"))?;
            string_map(answer).map_err(|cause| Error::output(READ_ATTEMPT, "state-get", &cause))
        })
    }

    /// Stores these values and keeps the other keys. Juju commits them if the hook exits with code
    /// 0 and drops them otherwise.
    ///
    /// The values go by standard input: an argument could be too long, and a list of processes
    /// would show it. An empty map starts no tool.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) if a key is longer than 256 bytes or a
    ///   value is longer than 65,536 bytes, and [`ErrorKind::Invalid`](crate::ErrorKind::Invalid)
    ///   if a key is empty. Nothing was sent.
    /// - The tool failed.
    pub fn set_state(&self, values: &BTreeMap<String, String>) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        // The tool refuses these sizes too, but its text does not say which key it means (Juju 3.6
        // and 4.0).
        for (key, value) in values {
            if key.is_empty() {
                return Err(Error::refused(WRITE_ATTEMPT, "state-set", "a key is empty"));
            }
            if key.len() > MAX_KEY {
                let what = format!("the key {:?}", key_excerpt(key));
                return Err(Error::too_large(
                    WRITE_ATTEMPT,
                    "state-set",
                    &what,
                    key.len(),
                    MAX_KEY,
                ));
            }
            if value.len() > MAX_VALUE {
                let what = format!("the value of {key:?}");
                return Err(Error::too_large(
                    WRITE_ATTEMPT,
                    "state-set",
                    &what,
                    value.len(),
                    MAX_VALUE,
                ));
            }
        }
        let document = charmwright_yaml::to_yaml(values).map_err(|error| {
            Error::refused(
                WRITE_ATTEMPT,
                "state-set",
                format!("the values are not writable as a document: {error}"),
            )
        })?;
        let call = ToolCall::new("state-set").arg("--file").arg("-").stdin(document.as_bytes());
        self.execute(WRITE_ATTEMPT, call)?;
        self.state.update(|stored| stored.extend(values.clone()));
        Ok(())
    }

    /// Deletes one key. Juju deletes it if the hook exits with code 0. A key that is not stored is
    /// not an error.
    ///
    /// # Errors
    ///
    /// The tool failed, or the key is empty.
    pub fn delete_state(&self, key: &str) -> Result<(), Error> {
        // The tool takes an empty key for no key, exits with code 0 and deletes nothing (Juju 3.6
        // and 4.0).
        if key.is_empty() {
            return Err(Error::refused(DELETE_ATTEMPT, "state-delete", "the key is empty"));
        }
        self.execute(DELETE_ATTEMPT, ToolCall::new("state-delete").free_text(key))?;
        self.state.update(|stored| {
            stored.remove(key);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool_output::parse_json;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>) {
            let _ = parse_json(&output).and_then(string_map);
        }

        #[test]
        fn what_is_written_reads_back(
            values in proptest::collection::btree_map(
                "(?s:.{1,20})",
                "(?s:.{0,60})|[\\n\\t :#-]{0,20}",
                0..6,
            )
        ) {
            let document = charmwright_yaml::to_yaml(&values).unwrap();
            prop_assert_eq!(
                string_map(parse_json(document.as_bytes()).unwrap()).unwrap(),
                values.clone()
            );
            // Juju reads the document as YAML, and must find the same values in it.
            prop_assert_eq!(charmwright_yaml::juju::strings(document.as_bytes()), Ok(values));
        }
    }
}

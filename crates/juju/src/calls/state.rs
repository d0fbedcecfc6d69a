//! What a charm keeps from one hook to the next, in the controller's hands.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::Error;
use crate::hook_cache::StoredState;
use crate::hook_tools::HookTools;
use crate::tool_output::type_name;
use crate::tool_runner::{ToolCall, ToolError};

/// How long a key may be, in bytes; the controller refuses a longer one.
const MAX_KEY: usize = 256;

/// How long a value may be, in bytes; the controller refuses a longer one.
const MAX_VALUE: usize = 65_536;

const READ_ATTEMPT: &str = "read the unit's stored state";
const WRITE_ATTEMPT: &str = "store the unit's state";
const DELETE_ATTEMPT: &str = "delete from the unit's stored state";

/// The tools of the unit's state, which came together.
const STATE_TOOLS: [&str; 3] = ["state-get", "state-set", "state-delete"];

impl HookTools {
    /// Juju has not one of the three tools for the unit's state, as one that does not keep it
    /// ([`JujuVersion::keeps_state`](crate::JujuVersion::keeps_state)). A tool that is there and
    /// cannot be started counts as there: then there is a state, only out of reach.
    #[must_use]
    pub fn lacks_state_tools(&self) -> bool {
        STATE_TOOLS.iter().all(|tool| matches!(self.find_tool(tool), Err(ToolError::NotFound)))
    }

    /// Everything stored for this unit, with this hook's own writes.
    ///
    /// Asked once a hook. Nothing stored is an empty map, which Juju prints as `null`.
    ///
    /// # Errors
    ///
    /// The tool failed, or what it printed is not a map of strings.
    pub fn state(&self) -> Result<BTreeMap<String, String>, Error> {
        self.state.get_or_try_init(|| {
            let answer =
                self.query_json(READ_ATTEMPT, ToolCall::new("state-get").arg("--format=json"))?;
            parse_state(answer).map_err(|cause| Error::output(READ_ATTEMPT, "state-get", &cause))
        })
    }

    /// Stores these values beside what is there. Juju keeps them when the hook exits with code 0
    /// and drops them otherwise.
    ///
    /// The values go by standard input, so that neither their size nor their content shows in a
    /// list of processes. An empty map starts no tool.
    ///
    /// # Errors
    ///
    /// A key over 256 bytes or a value over 65,536 bytes (nothing is sent then), or the tool
    /// failed.
    pub fn set_state(&self, values: &BTreeMap<String, String>) -> Result<(), Error> {
        if values.is_empty() {
            return Ok(());
        }
        for (key, value) in values {
            if key.is_empty() || key.len() > MAX_KEY {
                let cause = format!(
                    "the key {:?} is {} bytes long (1 to {MAX_KEY} are allowed)",
                    key_excerpt(key),
                    key.len()
                );
                return Err(Error::refused(WRITE_ATTEMPT, "state-set", cause));
            }
            if value.len() > MAX_VALUE {
                let cause = format!(
                    "the value of {key:?} is {} bytes long (at most {MAX_VALUE})",
                    value.len()
                );
                return Err(Error::refused(WRITE_ATTEMPT, "state-set", cause));
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

    /// Deletes one key. A key that is not stored is no error. Juju deletes it when the hook exits
    /// with code 0.
    ///
    /// # Errors
    ///
    /// The tool failed, or the key is empty.
    pub fn delete_state(&self, key: &str) -> Result<(), Error> {
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

fn key_excerpt(key: &str) -> String {
    key.chars().take(40).collect()
}

fn parse_state(answer: Value) -> Result<StoredState, String> {
    let map = match answer {
        Value::Null => return Ok(StoredState::new()),
        Value::Object(map) => map,
        other => {
            return Err(format!("printed {} where a map of strings was due", type_name(&other)));
        }
    };
    map.into_iter()
        .map(|(key, value)| match value {
            Value::String(value) => Ok((key, value)),
            other => Err(format!(
                "printed {} as the value of {:?} where a string was due",
                type_name(&other),
                key_excerpt(&key)
            )),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool_output::parse_json;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_output_makes_it_panic(output: Vec<u8>) {
            let _ = parse_json(&output).and_then(parse_state);
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
                parse_state(parse_json(document.as_bytes()).unwrap()).unwrap(),
                values.clone()
            );
            // And Juju reads it back alike, as the YAML that it takes it for.
            prop_assert_eq!(charmwright_yaml::juju::strings(document.as_bytes()), Ok(values));
        }
    }
}

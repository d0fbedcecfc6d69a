//! The call that reads the application's config.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::hook_cache::Options;
use crate::hook_tools::HookTools;
use crate::tool_output::type_name;
use crate::tool_runner::ToolCall;

const ATTEMPT: &str = "read the application's config";

impl HookTools {
    /// Returns the application's options that have a value or a default, by name. Juju has checked
    /// their types against the charm's `config.yaml`.
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not a map.
    pub fn config(&self) -> Result<Arc<Map<String, Value>>, Error> {
        // The cache holds an `Arc`, because a charm may have many options and read them often.
        self.config.get_or_try_init(|| {
            let answer =
                self.query_json(ATTEMPT, ToolCall::new("config-get").arg("--format=json"))?;
            parse_options(answer)
                .map(Arc::new)
                .map_err(|cause| Error::output(ATTEMPT, "config-get", &cause))
        })
    }
}

/// Reads the options from the tool's answer.
///
/// A null answer is an error here, unlike in the other calls: a charm that took it for "no options"
/// would undo the workload's configuration.
fn parse_options(answer: Value) -> Result<Options, String> {
    match answer {
        Value::Object(options) => Ok(options),
        other => Err(format!("printed {} where a map of options was due", type_name(&other))),
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
            let _ = parse_json(&output).and_then(parse_options);
        }

        #[test]
        fn options_read_back(text in ".*", number: i64, flag: bool) {
            let options = serde_json::json!({ "text": text, "number": number, "flag": flag });
            let output = serde_json::to_vec(&options).unwrap();
            let read_back = parse_options(parse_json(&output).unwrap()).unwrap();
            prop_assert_eq!(Value::Object(read_back), options);
        }
    }
}

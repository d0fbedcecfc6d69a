//! The application's configuration.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::answer::shape;
use crate::error::Error;
use crate::hook_tools::HookTools;
use crate::memory::Options;
use crate::tool_runner::ToolCall;

const ATTEMPT: &str = "read the application's config";

impl HookTools {
    /// The application's options that are set or have a default. Juju has checked their types
    /// against the charm's `config.yaml`.
    ///
    /// Asked once a hook.
    ///
    /// # Errors
    ///
    /// The tool failed or did not print a map.
    pub fn config(&self) -> Result<Arc<Map<String, Value>>, Error> {
        self.config.get_or_ask(|| {
            let answer = self.ask(ATTEMPT, ToolCall::new("config-get").arg("--format=json"))?;
            options_in(answer)
                .map(Arc::new)
                .map_err(|cause| Error::output(ATTEMPT, "config-get", &cause))
        })
    }
}

/// Nothing at all is refused: taken for "no options", it would make a charm undo its configuration.
fn options_in(answer: Value) -> Result<Options, String> {
    match answer {
        Value::Object(options) => Ok(options),
        other => Err(format!("printed {} where a map of options was due", shape(&other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::decode;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_output_makes_it_panic(output: Vec<u8>) {
            let _ = decode(&output).and_then(options_in);
        }

        #[test]
        fn options_read_back(text in ".*", number: i64, flag: bool) {
            let options = serde_json::json!({ "text": text, "number": number, "flag": flag });
            let output = serde_json::to_vec(&options).unwrap();
            prop_assert_eq!(Value::Object(options_in(decode(&output).unwrap()).unwrap()), options);
        }
    }
}

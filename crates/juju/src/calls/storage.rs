//! The calls about the storage of the unit.

use std::sync::Arc;

use serde_json::Value;

use crate::error::Error;
use crate::error_kind::ErrorKind;
use crate::hook_cache::lock;
use crate::hook_tools::HookTools;
use crate::names::{StorageId, StorageName};
use crate::storage_info::{StorageInfo, parse_storage};
use crate::tool_output::{parse_json, type_name};
use crate::tool_runner::ToolCall;

const LIST_TOOL: &str = "storage-list";
const GET_TOOL: &str = "storage-get";
const ADD_TOOL: &str = "storage-add";

impl HookTools {
    /// Returns the ids of the storage instances of this name that are attached to the unit, in the
    /// order of their numbers. Those that are not provisioned yet are among them (measured on Juju
    /// 3.6 and 4.0).
    ///
    /// The answer is cached for the hook. Juju returns an empty list for a storage that the charm
    /// does not declare.
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not a list of storage ids.
    pub fn storage_ids(&self, name: &StorageName) -> Result<Vec<StorageId>, Error> {
        // Held while the tool runs, so that a second thread waits for the answer instead of
        // starting a second process.
        let mut cached = lock(&self.storages);
        if let Some(ids) = cached.get(name) {
            return Ok(ids.clone());
        }
        let attempt = format!("list the instances of the storage \"{name}\"");
        let call = ToolCall::new(LIST_TOOL).arg("--format=json").arg(name.as_str());
        let output = self.query_text(attempt.clone(), &call)?;
        let ids = parse_json(&output)
            .and_then(parse_ids)
            .map_err(|cause| Error::output(attempt, LIST_TOOL, &cause))?;
        cached.insert(name.clone(), ids.clone());
        Ok(ids)
    }

    /// Returns the kind and the location of a storage instance that is attached to the unit.
    ///
    /// The answer is cached for the hook.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotFound`] if the instance is not provisioned yet. Juju sends
    ///   `storage-attached` when it is.
    /// - [`ErrorKind::Gone`] if the instance is not attached to the unit.
    /// - The tool failed, or its output is not the kind and location of a storage.
    pub fn storage(&self, id: &StorageId) -> Result<Arc<StorageInfo>, Error> {
        self.storage_infos.get_or_try_init(id, || {
            let attempt = format!("read the location of the storage {id}");
            let call = ToolCall::new(GET_TOOL).arg("--format=json").arg("-s").arg(id.to_string());
            let answer = self.query_json(attempt.clone(), call)?;
            let info = parse_storage(answer)
                .map_err(|cause| Error::output(attempt.clone(), GET_TOOL, &cause))?;
            info.map(Arc::new).ok_or_else(|| {
                Error::output(attempt, GET_TOOL, "printed no location")
                    .reclassified(ErrorKind::NotFound, "the storage is not provisioned yet")
            })
        })
    }

    /// Asks for `count` more instances of a storage that the charm declares. Juju adds them when
    /// the hook exits with code 0, and each sends `storage-attached` when it is provisioned.
    ///
    /// Juju checks the name and the largest number of instances only when it commits the hook, and
    /// then fails the hook (measured on Juju 3.6 and 4.0).
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Invalid`] if `count` is 0. Nothing was sent.
    /// - The tool failed.
    pub fn add_storage(&self, name: &StorageName, count: u32) -> Result<(), Error> {
        let attempt = format!("add {count} of the storage \"{name}\"");
        if count == 0 {
            return Err(Error::refused(attempt, ADD_TOOL, "the count must be at least 1"));
        }
        self.execute(attempt, ToolCall::new(ADD_TOOL).arg(format!("{name}={count}")))
    }
}

fn parse_ids(answer: Value) -> Result<Vec<StorageId>, String> {
    let list = match answer {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        other => return Err(format!("printed {} where a list was due", type_name(&other))),
    };
    let ids = list.into_iter().map(|id| match id {
        Value::String(id) => id
            .parse::<StorageId>()
            .map_err(|_| "printed a text that is not the id of a storage instance".to_owned()),
        other => {
            Err(format!("printed {} where a storage instance's id was due", type_name(&other)))
        }
    });
    let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
    ids.sort_by_key(StorageId::number);
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_are_in_the_order_of_their_numbers() {
        let ids = parse_ids(serde_json::json!(["data/10", "data/9"])).unwrap();
        assert_eq!(ids.iter().map(StorageId::number).collect::<Vec<_>>(), [9, 10]);
        assert_eq!(parse_ids(Value::Null), Ok(Vec::new()));
        for wrong in [serde_json::json!({}), serde_json::json!([1]), serde_json::json!(["data"])] {
            assert!(parse_ids(wrong).unwrap_err().starts_with("printed "));
        }
    }

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>) {
            let _ = parse_json(&output).and_then(parse_ids);
        }
    }
}

//! What Juju tells about one storage instance.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::storage_kind::StorageKind;

/// The kind and the location of a storage instance that is attached to the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageInfo {
    kind: StorageKind,
    location: PathBuf,
}

impl StorageInfo {
    pub(super) fn new(kind: StorageKind, location: PathBuf) -> Self {
        Self { kind, location }
    }

    /// Returns the kind of the storage.
    #[must_use]
    pub fn kind(&self) -> &StorageKind {
        &self.kind
    }

    /// Returns the mount point of a filesystem, or the path of a block device. On Kubernetes it is
    /// the path in the charm's own container.
    #[must_use]
    pub fn location(&self) -> &Path {
        &self.location
    }
}

#[derive(Deserialize)]
struct Printed {
    kind: String,
    location: String,
}

/// Reads the output of `storage-get`. It is `None` if there is no location.
pub(super) fn parse_storage(answer: Value) -> Result<Option<StorageInfo>, String> {
    // The text of serde's error may quote the output.
    let Printed { kind, location } = Printed::deserialize(answer)
        .map_err(|_| "printed what is not the kind and location of a storage".to_owned())?;
    let Ok(kind) = kind.parse();
    Ok((!location.is_empty()).then(|| StorageInfo { kind, location: location.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool_output::parse_json;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_storage_has_a_kind_and_a_location() {
        let printed = json!({"kind": "filesystem", "location": "/srv/data", "newer": 1});
        let info = parse_storage(printed).unwrap().unwrap();
        assert_eq!(info.kind(), &StorageKind::Filesystem);
        assert_eq!(info.location(), Path::new("/srv/data"));
        assert_eq!(parse_storage(json!({"kind": "block", "location": ""})), Ok(None));
        for wrong in [json!(null), json!({}), json!(["hunter2"]), json!({"kind": ["hunter2"]})] {
            let cause = parse_storage(wrong).unwrap_err();
            assert!(cause.starts_with("printed ") && !cause.contains("hunter2"), "{cause}");
        }
    }

    proptest! {
        #[test]
        fn no_output_makes_the_parser_panic(output: Vec<u8>) {
            let _ = parse_json(&output).and_then(parse_storage);
        }
    }
}

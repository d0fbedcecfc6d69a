//! [`Charmcraft`] reads `charmcraft.yaml`: the parts from which charmcraft writes the files that
//! Juju reads.
//!
//! Source: charmcraft 4, its preprocessing and the metadata that it writes when it packs.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::document::File;
use crate::error::Error;

pub(super) const CHARMCRAFT: File = File::named("charmcraft.yaml");
pub(super) const CONFIG_SECTION: File = File { name: "charmcraft.yaml", section_key: "config" };
pub(super) const ACTIONS_SECTION: File = File { name: "charmcraft.yaml", section_key: "actions" };

/// The keys that charmcraft copies to `metadata.yaml`.
const METADATA_KEYS: [&str; 15] = [
    "assumes",
    "charm-user",
    "containers",
    "description",
    "devices",
    "extra-bindings",
    "name",
    "peers",
    "provides",
    "requires",
    "resources",
    "storage",
    "subordinate",
    "summary",
    "terms",
];

/// The keys that charmcraft copies to `metadata.yaml` under another name.
const RENAMED: [(&str, &str); 1] = [("title", "display-name")];
/// The keys of `links` that charmcraft copies to `metadata.yaml` under another name.
const RENAMED_LINKS: [(&str, &str); 5] = [
    ("contact", "maintainers"),
    ("documentation", "docs"),
    ("issues", "issues"),
    ("source", "source"),
    ("website", "website"),
];

/// The program that charmcraft makes the charm's `dispatch`, declared by the `organize` of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DispatchProgram {
    /// The name of the program's file.
    pub program: String,
    /// The `source` of the part, relative to the charm's directory; empty for the directory itself.
    pub source: PathBuf,
}

/// The declarations of charmcraft.yaml.
#[derive(Debug, Default)]
pub(super) struct Charmcraft {
    /// The keys for metadata.yaml; empty if charmcraft.yaml has none of them.
    pub(super) metadata: Map<String, Value>,
    pub(super) config: Option<Value>,
    pub(super) actions: Option<Value>,
    pub(super) dispatch: Option<DispatchProgram>,
}

impl Charmcraft {
    /// Reads the declarations from the text of charmcraft.yaml.
    ///
    /// # Errors
    /// Returns an error if the text is not a map in YAML, or if it declares a bundle.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let Some(document) = CHARMCRAFT.read(text)? else {
            return Ok(Self::default());
        };
        let root = CHARMCRAFT.root(&document)?;
        if let Some(kind) = root.get("type").filter(|kind| kind.value() == "bundle") {
            return Err(kind.refuse("a bundle is no charm"));
        }
        let map = root.map()?;
        let mut metadata: Map<String, Value> = METADATA_KEYS
            .iter()
            // charmcraft leaves out a key without a value when it packs.
            .filter_map(|key| {
                Some(((*key).to_owned(), map.get(*key).filter(|value| !value.is_null())?.clone()))
            })
            .collect();
        // Without a `name` the metadata is in metadata.yaml, and charmcraft does not copy these
        // keys, which only describe the charm.
        if metadata.contains_key("name") {
            let links = map.get("links").and_then(Value::as_object);
            let links =
                RENAMED_LINKS.iter().filter_map(|(from, to)| Some((*to, links?.get(*from)?)));
            let own = RENAMED.iter().filter_map(|(from, to)| Some((*to, map.get(*from)?)));
            for (key, value) in own.chain(links).filter(|(_, value)| !value.is_null()) {
                let value = match value {
                    Value::String(_) if key == "maintainers" => Value::Array(vec![value.clone()]),
                    value => value.clone(),
                };
                metadata.insert(key.to_owned(), value);
            }
        }
        // charmcraft writes no file for an empty section.
        let section = |key: &str| {
            let value = map.get(key).filter(|value| match value {
                Value::Null => false,
                Value::Object(map) => !map.is_empty(),
                _ => true,
            });
            value.cloned()
        };
        Ok(Self {
            metadata,
            config: section("config"),
            actions: section("actions"),
            dispatch: map.get("parts").and_then(dispatch_program),
        })
    }
}

fn dispatch_program(parts: &Value) -> Option<DispatchProgram> {
    parts.as_object()?.values().find_map(|part| {
        let organize = part.get("organize")?.as_object()?;
        let (built, _) = organize.iter().find(|(_, becomes)| *becomes == "dispatch")?;
        let source = part.get("source").and_then(Value::as_str).unwrap_or_default();
        Some(DispatchProgram {
            program: built.rsplit('/').next()?.to_owned(),
            source: PathBuf::from(if source == "." { "" } else { source }),
        })
    })
}

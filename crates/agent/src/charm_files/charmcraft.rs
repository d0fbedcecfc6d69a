//! `charmcraft.yaml`: the parts of it from which charmcraft writes the files that Juju reads.
//!
//! Source: charmcraft 4, its preprocessing and the metadata that it writes when it packs.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::document::File;
use crate::error::Error;

pub(super) const CHARMCRAFT: File = File::named("charmcraft.yaml");
pub(super) const CONFIG_SECTION: File = File { name: "charmcraft.yaml", section_key: "config" };
pub(super) const ACTIONS_SECTION: File = File { name: "charmcraft.yaml", section_key: "actions" };

/// The keys that go to `metadata.yaml` as they are.
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

/// The keys that go there under another name: of the file itself, and of its `links`.
const RENAMED: [(&str, &str); 1] = [("title", "display-name")];
const RENAMED_LINKS: [(&str, &str); 5] = [
    ("contact", "maintainers"),
    ("documentation", "docs"),
    ("issues", "issues"),
    ("source", "source"),
    ("website", "website"),
];

/// The program that becomes the charm's `dispatch`, by the `organize` of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DispatchProgram {
    /// Its file's name.
    pub program: String,
    /// The part's `source`, relative to the charm's folder; empty for the folder itself.
    pub source: PathBuf,
}

/// The declarations of charmcraft.yaml.
#[derive(Debug, Default)]
pub(super) struct Charmcraft {
    /// Empty where metadata.yaml holds it all.
    pub(super) metadata: Map<String, Value>,
    pub(super) config: Option<Value>,
    pub(super) actions: Option<Value>,
    pub(super) dispatch: Option<DispatchProgram>,
}

impl Charmcraft {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is no map, or it is that of a bundle.
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
            // One without a value is left out when charmcraft packs.
            .filter_map(|key| {
                Some(((*key).to_owned(), map.get(*key).filter(|value| !value.is_null())?.clone()))
            })
            .collect();
        // What describes only: nothing of it without a name, which then stands in metadata.yaml
        // with the rest.
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
        // What is there and empty makes no file.
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

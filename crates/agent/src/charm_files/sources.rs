//! [`CharmSources`] holds the parsed files of a charm, before Juju's rules are checked.

use std::path::Path;

use serde_json::{Map, Value};

use super::charmcraft::{ACTIONS_SECTION, CHARMCRAFT, CONFIG_SECTION, Charmcraft, DispatchProgram};
use super::document::File;
use crate::error::{Error, ErrorKind};

const METADATA: File = File::named("metadata.yaml");
const CONFIG: File = File::named("config.yaml");
const ACTIONS: File = File::named("actions.yaml");

/// The parsed `metadata.yaml`, `config.yaml` and `actions.yaml` of a charm, or the sections of
/// `charmcraft.yaml` from which charmcraft writes these files when it packs.
#[derive(Debug, Clone)]
pub struct CharmSources {
    pub(crate) metadata: Declaration,
    pub(crate) config: Option<Declaration>,
    pub(crate) actions: Option<Declaration>,
    dispatch: Option<DispatchProgram>,
}

/// A parsed file: metadata, config or actions.
#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    /// The file that errors name.
    pub(super) file: File,
    /// The content; `None` if the file is empty.
    pub(super) document: Option<Value>,
    /// `true` if the author has not written this file, or not all of it, so that charmcraft writes
    /// it.
    is_written_by_charmcraft: bool,
}

impl CharmSources {
    /// Reads the files in the directory of a charm's sources, or of a packed charm. A packed charm
    /// has a `manifest.yaml`, and its `charmcraft.yaml` is ignored.
    ///
    /// # Errors
    /// - [`ErrorKind::Unreadable`] if neither metadata.yaml nor charmcraft.yaml exists, or a file
    ///   cannot be read.
    /// - [`ErrorKind::Metadata`] if a file is not YAML, or two files declare the same key.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let charmcraft = if dir.join("manifest.yaml").exists() {
            None
        } else {
            read_if_present(dir, CHARMCRAFT)?
        };
        Self::read_with_charmcraft(dir, charmcraft.as_deref())
    }

    /// Reads the files of a packed charm. It ignores `charmcraft.yaml`, as Juju does.
    ///
    /// # Errors
    /// The same as those of [`CharmSources::read`].
    pub fn read_packed(dir: &Path) -> Result<Self, Error> {
        Self::read_with_charmcraft(dir, None)
    }

    fn read_with_charmcraft(dir: &Path, charmcraft: Option<&str>) -> Result<Self, Error> {
        let metadata = read_if_present(dir, METADATA)?;
        if metadata.is_none() && charmcraft.is_none() {
            let why = format!(
                "cannot find metadata.yaml or charmcraft.yaml in {}: a charm's directory holds \
                 one of them",
                dir.display()
            );
            return Err(Error::new(ErrorKind::Unreadable, why));
        }
        let config = read_if_present(dir, CONFIG)?;
        let actions = read_if_present(dir, ACTIONS)?;
        Self::parse(metadata.as_deref(), config.as_deref(), actions.as_deref(), charmcraft)
    }

    /// Parses the texts of the files.
    ///
    /// # Errors
    /// [`ErrorKind::Metadata`] if a text is not YAML, or two files declare the same key.
    pub(crate) fn parse(
        metadata: Option<&str>,
        config: Option<&str>,
        actions: Option<&str>,
        charmcraft: Option<&str>,
    ) -> Result<Self, Error> {
        let charmcraft = charmcraft.map(Charmcraft::read).transpose()?.unwrap_or_default();
        let config = config.map(|text| CONFIG.read(text)).transpose()?;
        // Juju reads the names of the actions and their keys into Go types, and what is below them
        // into generic maps.
        let actions = actions.map(|text| ACTIONS.read_typed(text, 2)).transpose()?;
        Ok(Self {
            metadata: metadata_of(metadata, charmcraft.metadata)?,
            config: section_of((CONFIG, config), (CONFIG_SECTION, charmcraft.config))?,
            actions: section_of((ACTIONS, actions), (ACTIONS_SECTION, charmcraft.actions))?,
            dispatch: charmcraft.dispatch,
        })
    }

    /// Returns the program that charmcraft makes the charm's `dispatch`, or `None` if no part of
    /// charmcraft.yaml declares one.
    #[must_use]
    pub fn dispatch_program(&self) -> Option<&DispatchProgram> {
        self.dispatch.as_ref()
    }

    /// Returns the names and the texts of the files that charmcraft writes into the charm. Each
    /// text is JSON, which is YAML too.
    pub fn written_by_charmcraft(&self) -> impl Iterator<Item = (&'static str, String)> {
        let files = [
            (METADATA, Some(&self.metadata)),
            (CONFIG, self.config.as_ref()),
            (ACTIONS, self.actions.as_ref()),
        ];
        files.into_iter().filter_map(|(file, declared)| {
            let document =
                declared.filter(|declared| declared.is_written_by_charmcraft)?.document.as_ref()?;
            Some((file.name, charmwright_yaml::to_yaml(document).ok()?))
        })
    }
}

/// Merges metadata.yaml with the keys of charmcraft.yaml. A key in both is refused, as charmcraft
/// does.
fn metadata_of(text: Option<&str>, charmcraft: Map<String, Value>) -> Result<Declaration, Error> {
    let Some(text) = text else {
        return Ok(Declaration {
            file: CHARMCRAFT,
            document: Some(Value::Object(charmcraft)),
            is_written_by_charmcraft: true,
        });
    };
    let mut document = METADATA.read(text)?;
    let is_written_by_charmcraft = !charmcraft.is_empty();
    if let Some(Value::Object(metadata)) = &mut document {
        let duplicates: Vec<&str> = charmcraft
            .keys()
            .map(String::as_str)
            .filter(|key| metadata.contains_key(*key))
            .collect();
        if !duplicates.is_empty() {
            return Err(CHARMCRAFT.refuse(&format!(
                "metadata.yaml has the same keys ({}), and charmcraft takes each from one file \
                 only",
                duplicates.join(", ")
            )));
        }
        metadata.extend(charmcraft);
    } else if document.is_none() && is_written_by_charmcraft {
        document = Some(Value::Object(charmcraft));
    }
    Ok(Declaration { file: METADATA, document, is_written_by_charmcraft })
}

/// Returns the file or the section of charmcraft.yaml. It refuses both together, as charmcraft
/// does.
fn section_of(
    (file, written): (File, Option<Option<Value>>),
    (section, given): (File, Option<Value>),
) -> Result<Option<Declaration>, Error> {
    match (written, given) {
        (None, None) => Ok(None),
        (Some(document), None) => {
            Ok(Some(Declaration { file, document, is_written_by_charmcraft: false }))
        }
        (None, Some(document)) => Ok(Some(Declaration {
            file: section,
            document: Some(document),
            is_written_by_charmcraft: true,
        })),
        (Some(_), Some(_)) => Err(CHARMCRAFT.refuse(&format!(
            "{}: {} is there too, and charmcraft takes one of them only",
            section.section_key, file.name
        ))),
    }
}

/// Reads a file, or returns `None` if it does not exist.
fn read_if_present(dir: &Path, file: File) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(dir.join(file.name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::unreadable(
            format!("cannot read {} of the charm at {}", file.name, dir.display()),
            error,
        )),
    }
}

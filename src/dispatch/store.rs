//! The store of a unit's state: Juju, or a local file.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::juju::HookTools;

/// A store keeps the unit's documents in Juju's own state, or in a local file if the version of
/// Juju keeps none ([`JujuVersion::keeps_state`](crate::juju::JujuVersion::keeps_state)).
///
/// Juju commits or drops its state with the hook, and the state survives a new pod. Neither holds
/// for the file, so it is used only if there is nothing better.
#[derive(Debug)]
pub(crate) enum Store {
    Juju,
    File(PathBuf),
}

/// The size limit of the file in bytes, so that a damaged or foreign file does not fill the memory.
const LARGEST_FILE: u64 = 1024 * 1024;

impl Store {
    pub(crate) const FILE_NAME: &'static str = ".charmwright-state.json";

    /// Loads all documents of the unit's state, by key.
    ///
    /// # Errors
    ///
    /// Returns an error if the state cannot be read. The stored state must then be left as it is.
    pub(crate) fn load(&self, juju: &HookTools) -> Result<BTreeMap<String, String>, Error> {
        match self {
            Self::Juju => Ok(juju.state()?),
            Self::File(path) => read_file(path),
        }
    }

    /// Writes the documents that have changed. `all` is the whole state, including them.
    ///
    /// # Errors
    ///
    /// Returns an error if the state cannot be written. What was stored before is still there.
    pub(crate) fn save(
        &self,
        juju: &HookTools,
        changed: &BTreeMap<String, String>,
        all: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        match self {
            Self::Juju => Ok(juju.set_state(changed)?),
            Self::File(path) => write_file(path, all).map_err(|error| {
                Error::state_because(
                    format!("cannot write the unit's state to {}", path.display()),
                    error,
                )
            }),
        }
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::state_because(
            format!("cannot read the unit's state from {} (it is left as it is)", path.display()),
            error,
        )
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed(error.into())),
    };
    let mut text = String::new();
    let read = file
        // One byte more than the limit, so that a larger file is noticed.
        .take(LARGEST_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|error| failed(error.into()))?;
    if read as u64 > LARGEST_FILE {
        return Err(failed(
            format!("it has more than {LARGEST_FILE} bytes, which no state of a unit has").into(),
        ));
    }
    serde_json::from_str(&text).map_err(|error| failed(error.into()))
}

/// Writes the file so that a reader, also after a hook was killed at any moment, finds the old file
/// or the new one and never a part. The new file is complete on disk before it gets the name.
fn write_file(path: &Path, all: &BTreeMap<String, String>) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = write_durably(&temporary, serde_json::to_string(all)?.as_bytes())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // An error of the removal is ignored, since the first error says what went wrong.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Without this the rename itself may be lost in a crash of the machine.
    File::open(folder)?.sync_all()?;
    remove_leftovers(path, folder);
    Ok(())
}

/// Removes the temporary files of hooks that were killed before they renamed them. Juju runs one
/// hook of a unit at a time, so no other process is writing one now. A hook that somebody runs by
/// hand at the same time fails, but loses nothing.
fn remove_leftovers(path: &Path, folder: &Path) {
    let Some(stem) = path.file_stem().and_then(OsStr::to_str) else {
        return;
    };
    let is_leftover = |name: &str| {
        name.strip_prefix(stem)
            .and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".tmp"))
            .is_some_and(|process| process.parse::<u32>().is_ok())
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_leftover) {
            // An error is ignored, since a leftover does no harm and the next hook tries again.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_back_and_leaves_no_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Store::FILE_NAME);
        assert!(read_file(&path).unwrap().is_empty());
        let mut state = BTreeMap::from([("charm".to_owned(), "{}\u{7f}".to_owned())]);
        write_file(&path, &state).unwrap();
        state.insert("charmwright".to_owned(), "x".to_owned());
        write_file(&path, &state).unwrap();
        assert_eq!(read_file(&path).unwrap(), state);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_hook_left_goes_with_the_next_write_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Store::FILE_NAME);
        for name in
            [".charmwright-state.4711.tmp", ".charmwright-state.notes.tmp", "other.4711.tmp"]
        {
            fs::write(folder.path().join(name), "{\"half").unwrap();
        }
        write_file(&path, &BTreeMap::new()).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [Store::FILE_NAME, ".charmwright-state.notes.tmp", "other.4711.tmp"]);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Store::FILE_NAME);
        for damage in ["", "{\"charm\":", "[1]", "{\"charm\":1}"] {
            fs::write(&path, damage).unwrap();
            let error = read_file(&path).unwrap_err();
            assert!(error.to_string().starts_with("cannot read the unit's state from"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damage);
        }
        fs::write(&path, " ".repeat(2 << 20)).unwrap();
        let error = read_file(&path).unwrap_err();
        assert!(error.chain().contains("more than 1048576 bytes"), "{error:?}");
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone").join(Store::FILE_NAME);
        write_file(&path, &BTreeMap::new()).unwrap_err();
    }
}

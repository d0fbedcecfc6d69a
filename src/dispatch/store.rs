//! Where the two documents are kept.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::juju::HookTools;

/// Juju's own state, or a local file where this Juju keeps none
/// ([`JujuVersion::keeps_state`](crate::juju::JujuVersion::keeps_state)).
///
/// Juju commits its state with the hook or drops it with the hook, and it survives a new pod; the
/// file does neither, which is why it is only used where there is nothing better.
#[derive(Debug)]
pub(crate) enum Store {
    Juju,
    File(PathBuf),
}

/// A damaged or foreign file must not fill the memory.
const LARGEST_FILE: u64 = 1024 * 1024;

impl Store {
    pub(crate) const FILE_NAME: &'static str = ".charmwright-state.json";

    /// # Errors
    ///
    /// If the state cannot be read. It must then be left as it is.
    pub(crate) fn load(&self, juju: &HookTools) -> Result<BTreeMap<String, String>, Error> {
        match self {
            Self::Juju => Ok(juju.state()?),
            Self::File(path) => read_file(path),
        }
    }

    /// Writes the changed documents; `all` is the whole state with them in it.
    ///
    /// # Errors
    ///
    /// If it cannot be written; what was stored is still there.
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

/// A reader, or a hook killed at any moment, finds the old file or the new one, never a part: the
/// new one is complete on disk before it takes the name.
fn write_file(path: &Path, all: &BTreeMap<String, String>) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = write_durably(&temporary, serde_json::to_string(all)?.as_bytes())
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort: what matters is the first error.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    remove_leftovers(path, folder);
    Ok(())
}

/// Takes away the new files that never took the name, since their hooks were killed. Juju runs one
/// hook of a unit at a time, so nobody is writing one now; and whoever is after all, by hand, fails
/// and loses nothing.
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
            // Best effort: a leftover harms nobody, and the next hook tries again.
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

//! The folder that the charm runs from. It is a copy of the author's folder, so that a unit does
//! not find files that an earlier unit left behind.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};

/// The largest number of files of a charm, and the largest number of bytes of all of them.
const FILES_LIMIT: usize = 100_000;
const BYTES_LIMIT: u64 = 4 << 30;
/// The number of links that are followed before they count as a loop, as in Linux
/// (`path_resolution(7)`).
const LINKS_LIMIT: usize = 40;

/// The names that are no part of a charm in any folder: Juju leaves them out when it packs a
/// folder, and charmcraft does not prime them.
const EXCLUDED_NAMES: [&str; 5] = [".git", ".svn", ".hg", ".bzr", ".tox"];
/// The file in which ops keeps a unit's state, beside the charm. In the author's folder it belongs
/// to a unit that is gone.
const OPS_STATE_FILE: &str = ".unit-state.db";

/// A budget counts the files and bytes that are written into a charm's folder, and refuses what no
/// charm needs.
#[derive(Debug)]
pub struct Budget {
    files: usize,
    bytes: u64,
}

impl Budget {
    /// Returns the budget of one charm.
    pub fn for_charm() -> Self {
        Self::with_limits(FILES_LIMIT, BYTES_LIMIT)
    }

    fn with_limits(files: usize, bytes: u64) -> Self {
        Self { files, bytes }
    }

    /// Counts one more file.
    ///
    /// # Errors
    /// Fails if there are too many files.
    pub fn count(&mut self) -> io::Result<()> {
        self.files = self.files.checked_sub(1).ok_or_else(|| {
            io::Error::other("it holds more files than any charm needs (100,000)")
        })?;
        Ok(())
    }

    /// Returns a reader of as much of `content` as the budget still allows. [`Budget::check`] then
    /// says whether the budget is used up.
    pub fn limit<'a, R: Read + 'a>(&'a mut self, content: R) -> impl Read + 'a {
        LimitedReader { content, budget: self }
    }

    /// Checks that the budget is not used up.
    ///
    /// # Errors
    /// Fails if no byte is left.
    pub fn check(&self) -> io::Result<()> {
        if self.bytes == 0 {
            return Err(io::Error::other("it is larger than any charm need be (4 GiB)"));
        }
        Ok(())
    }

    fn spend(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// A reader that ends where the budget does.
struct LimitedReader<'a, R> {
    content: R,
    budget: &'a mut Budget,
}

impl<R: Read> Read for LimitedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowed = usize::try_from(self.budget.bytes).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.content.read(buffer.get_mut(..allowed).unwrap_or_default())?;
        self.budget.spend(read as u64);
        Ok(read)
    }
}

/// Copies the folder `from` into the new folder `into`, and returns the paths of the files in it.
/// Modes and links are kept. A link that leads out of the folder gets an absolute target, so that
/// the copy leads to the same file.
///
/// # Errors
/// Fails if an entry cannot be read or written, or if it is neither a file, a folder nor a link.
pub fn copy(from: &Path, into: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut names = BTreeSet::new();
    let mut budget = Budget::for_charm();
    let mut folders = VecDeque::from([PathBuf::new()]);
    while let Some(folder) = folders.pop_front() {
        let failed = |path: &Path| {
            Error::new(format!("cannot copy the charm's {}", from.join(path).display()))
        };
        make_dir(&into.join(&folder)).map_err(|error| failed(&folder).because(error))?;
        let mode = fs::metadata(from.join(&folder)).map(|found| found.permissions().mode());
        mode.and_then(|mode| set_dir_mode(&into.join(&folder), mode))
            .map_err(|error| failed(&folder).because(error))?;
        let entries =
            fs::read_dir(from.join(&folder)).map_err(|error| failed(&folder).because(error))?;
        for entry in entries {
            let entry = entry.map_err(|error| failed(&folder).because(error))?;
            let name = entry.file_name();
            let path = folder.join(&name);
            let because = |error: io::Error| failed(&path).because(error);
            let kind = entry.file_type().map_err(because)?;
            if is_excluded(&entry.path(), &name) {
                continue;
            }
            budget.count().map_err(because)?;
            if kind.is_dir() {
                folders.push_back(path);
                continue;
            }
            if kind.is_symlink() {
                let target = fs::read_link(entry.path()).map_err(because)?;
                symlink(target_in_copy(from, &path, target), into.join(&path)).map_err(because)?;
            } else if kind.is_file() {
                copy_file(&entry.path(), &into.join(&path), &mut budget).map_err(because)?;
            } else {
                let what = if kind.is_fifo() {
                    "a named pipe"
                } else if kind.is_socket() {
                    "a socket"
                } else {
                    "a device"
                };
                return Err(failed(&path).because(format!("it is {what}, which no charm can hold")));
            }
            names.insert(path);
        }
    }
    Ok(names)
}

/// Returns `true` for an entry that is no part of the charm.
fn is_excluded(path: &Path, name: &OsStr) -> bool {
    EXCLUDED_NAMES.iter().any(|other| name == *other)
        || name.as_encoded_bytes().starts_with(OPS_STATE_FILE.as_bytes())
        // Cargo's target folder, which can hold gigabytes.
        || (name == "target" && path.join("CACHEDIR.TAG").exists())
}

/// Copies a file. Its size is taken from the budget first, so that a file that is too large is not
/// copied.
fn copy_file(from: &Path, to: &Path, budget: &mut Budget) -> io::Result<()> {
    budget.spend(fs::metadata(from)?.len());
    budget.check()?;
    fs::copy(from, to).map(|_| ())
}

/// Makes a folder and the folders above it.
pub fn make_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
}

/// Sets the mode of a folder. The owner can always write to it, because its content has to be
/// removed later.
pub fn set_dir_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o777 | 0o700))
}

/// Returns the target of a link for the copy: unchanged if it stays inside the folder, else
/// absolute.
fn target_in_copy(from: &Path, link: &Path, target: PathBuf) -> PathBuf {
    if target.is_absolute() || !points_outside(link, &target, &BTreeMap::new()) {
        return target;
    }
    match (from.join(link)).parent() {
        Some(folder) => folder.join(target),
        None => target,
    }
}

/// Returns `true` if the link at `link` leads out of the folder that it is in, when it is followed
/// through the other `links` of that folder.
pub fn points_outside(link: &Path, target: &Path, links: &BTreeMap<PathBuf, PathBuf>) -> bool {
    let mut at: PathBuf = link.parent().map(Path::to_owned).unwrap_or_default();
    let mut remaining: VecDeque<OsString> = VecDeque::new();
    let mut followed = 0;
    let push_front = |remaining: &mut VecDeque<OsString>, path: &Path| {
        for part in path.components().rev() {
            remaining.push_front(part.as_os_str().to_owned());
        }
    };
    push_front(&mut remaining, target);
    while let Some(part) = remaining.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::RootDir | Component::Prefix(_)) => return true,
            Some(Component::ParentDir) => {
                if !at.pop() {
                    return true;
                }
            }
            Some(Component::Normal(name)) => {
                let next = at.join(name);
                match links.get(&next) {
                    Some(target) => {
                        followed += 1;
                        // The kernel refuses to follow such a loop too (ELOOP), so it leads
                        // nowhere.
                        if followed > LINKS_LIMIT {
                            return false;
                        }
                        push_front(&mut remaining, target);
                    }
                    None => at = next,
                }
            }
            Some(Component::CurDir) | None => {}
        }
    }
    false
}

/// Replaces the folder `charm` with the folder `next` of a refreshed charm.
///
/// On a machine the files stay that are neither in `kept` (the files of the charm that is replaced)
/// nor in `next`: they belong to the unit. In a new pod (`kept` is `None`) no file stays.
///
/// # Errors
/// Fails if a file cannot be moved or removed.
pub fn replace(charm: &Path, next: &Path, kept: Option<&BTreeSet<PathBuf>>) -> Result<()> {
    let failed = |error: io::Error| {
        Error::new(format!("cannot put the refreshed charm in the place of {}", charm.display()))
            .because(error)
    };
    if let Some(old_files) = kept {
        carry_over(charm, next, Path::new(""), old_files).map_err(failed)?;
    }
    match fs::remove_dir_all(charm) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    fs::rename(next, charm).map_err(failed)
}

/// Moves the unit's own files in `folder` from `charm` to `next`.
fn carry_over(
    charm: &Path,
    next: &Path,
    folder: &Path,
    old_files: &BTreeSet<PathBuf>,
) -> io::Result<()> {
    for entry in fs::read_dir(charm.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let in_next = fs::symlink_metadata(next.join(&path));
        match in_next {
            Ok(found) if found.is_dir() && entry.file_type()?.is_dir() => {
                carry_over(charm, next, &path, old_files)?;
            }
            Ok(_) => {}
            // A folder that only the unit made is moved as a whole. A folder of the old charm that
            // is not in the new one is kept for the files that the unit put there.
            Err(_) if old_files.contains(&path) => {}
            Err(_)
                if entry.file_type()?.is_dir()
                    && old_files.iter().any(|other| other.starts_with(&path)) =>
            {
                make_dir(&next.join(&path))?;
                carry_over(charm, next, &path, old_files)?;
            }
            Err(_) => fs::rename(entry.path(), next.join(&path))?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_written_than_a_charm_may_have() {
        let mut budget = Budget::with_limits(2, 10);
        assert!(budget.count().is_ok() && budget.count().is_ok());
        assert!(budget.count().is_err());
        let mut written = Vec::new();
        io::copy(&mut budget.limit(&b"123456"[..]), &mut written).unwrap();
        assert!(budget.check().is_ok());
        io::copy(&mut budget.limit(io::repeat(b'x')), &mut written).unwrap();
        assert_eq!(written, b"123456xxxx");
        assert!(budget.check().is_err());
    }

    #[test]
    fn a_link_that_leads_out_leads_to_the_same_place_from_the_copy() {
        let dir = tempfile::tempdir().unwrap();
        let (from, into) = (dir.path().join("charm"), dir.path().join("else/where"));
        fs::create_dir_all(from.join("lib")).unwrap();
        fs::write(dir.path().join("shared"), "shared").unwrap();
        fs::write(from.join("own"), "own").unwrap();
        for (link, target) in
            [("lib/out", "../../shared"), ("lib/in", "../own"), ("lib/none", "nothing")]
        {
            symlink(target, from.join(link)).unwrap();
        }
        fs::create_dir_all(from.join("target/debug")).unwrap();
        fs::write(from.join("target/CACHEDIR.TAG"), "").unwrap();
        let names = copy(&from, &into).unwrap();
        assert_eq!(names.len(), 4, "{names:?}");
        assert_eq!(fs::read_to_string(into.join("lib/out")).unwrap(), "shared");
        assert_eq!(fs::read_link(into.join("lib/in")).unwrap(), Path::new("../own"));
        assert_eq!(fs::read_link(into.join("lib/none")).unwrap(), Path::new("nothing"));
        let _socket = std::os::unix::net::UnixListener::bind(from.join("socket")).unwrap();
        let message = copy(&from, &dir.path().join("again")).unwrap_err().chain();
        assert!(message.contains("socket") && message.contains("it is a socket"), "{message}");
    }
}

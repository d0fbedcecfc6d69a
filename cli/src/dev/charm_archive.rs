//! Unpacks a `.charm`, the zip file that charmcraft packs.
//!
//! Nothing is written outside the charm's folder. A name that is absolute or has `..` in it is
//! refused, and so is a link that leads outside. Links are made last, so that no file is written
//! through one. The source for what Juju does is the reference `juju-agent.md`, 5.1.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::charm_folder::{Budget, make_dir, points_outside, set_dir_mode};
use crate::error::{Error, Result};

/// The bits of a mode for the kind of the file, and the value that they have for a link
/// (`inode(7)`).
const KIND_MASK: u32 = 0o170_000;
const LINK_KIND: u32 = 0o120_000;
/// The longest target of a link, in bytes.
const LINK_TARGET_LIMIT: u64 = 4096;

/// Unpacks `archive` into the new folder `into`, and returns the paths of the files that it held.
///
/// # Errors
/// Fails if the file is no zip file, or holds an entry that may not be unpacked. The text names the
/// entry.
pub fn unpack(archive: &Path, into: &Path) -> Result<BTreeSet<PathBuf>> {
    let failed = || Error::new(format!("cannot unpack {}", archive.display()));
    let file = File::open(archive).map_err(|error| failed().because(error))?;
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(|error| {
        failed().because(error).advice("a charm is a zip file, as `charmcraft pack` makes it")
    })?;
    let mut budget = Budget::for_charm();
    let mut links = BTreeMap::new();
    let mut names = BTreeSet::new();
    let mut folders = Vec::new();
    make_dir(into).map_err(|error| failed().because(error))?;
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(|error| failed().because(error))?;
        let refused = |name: &str, why: &str| failed().because(format!("its entry {name:?} {why}"));
        let shown = entry.name().map_err(|error| failed().because(error))?.into_owned();
        let name =
            inner_path(&shown).ok_or_else(|| refused(&shown, "does not stay within the charm"))?;
        budget.count().map_err(|why| failed().because(why))?;
        let outcome = if entry.is_dir() {
            folders.push((into.join(&name), entry.unix_mode().unwrap_or(0o755)));
            make_dir(&into.join(&name))
        } else if entry.unix_mode().is_some_and(|mode| mode & KIND_MASK == LINK_KIND) {
            let target = read_target(&mut entry).map_err(|error| failed().because(error))?;
            links.insert(name.clone(), target);
            names.insert(name);
            continue;
        } else {
            let written = write_file(&mut entry, &into.join(&name), &name, &mut budget);
            names.insert(name);
            written
        };
        outcome.map_err(|error| refused(&shown, &format!("cannot be written: {error}")))?;
    }
    for (link, target) in &links {
        let refused = |why: String| {
            failed().because(format!("its link {:?} {why}", link.display().to_string()))
        };
        if points_outside(link, target, &links) {
            return Err(refused("leads out of the charm".to_owned()));
        }
        let place = into.join(link);
        let made = place.parent().map_or(Ok(()), make_dir).and_then(|()| symlink(target, &place));
        made.map_err(|error| refused(format!("cannot be made: {error}")))?;
    }
    for (folder, mode) in folders {
        set_dir_mode(&folder, mode).map_err(|error| failed().because(error))?;
    }
    Ok(names)
}

/// Returns an entry's name as a path below the charm's folder, or `None` if it is not one.
fn inner_path(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let mut inner = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => inner.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!inner.as_os_str().is_empty() && !name.contains(['\0', '\\'])).then_some(inner)
}

/// Reads the target of a link, which the archive stores as the content of the entry.
fn read_target<R: Read>(entry: &mut ZipFile<'_, R>) -> io::Result<PathBuf> {
    let mut target = Vec::new();
    entry.by_ref().take(LINK_TARGET_LIMIT + 1).read_to_end(&mut target)?;
    if target.len() as u64 > LINK_TARGET_LIMIT {
        return Err(io::Error::other("a link's target is too long"));
    }
    Ok(PathBuf::from(OsStr::from_bytes(&target)))
}

/// Writes a file of the archive with the mode that it has there.
fn write_file<R: Read>(
    entry: &mut ZipFile<'_, R>,
    to: &Path,
    name: &Path,
    budget: &mut Budget,
) -> io::Result<()> {
    to.parent().map_or(Ok(()), make_dir)?;
    let mut mode = entry.unix_mode().map_or(0o644, |mode| mode & 0o777);
    // Juju makes known hooks executable, and no other file (reference `juju-agent.md`, 5.1).
    if is_hook(name) {
        mode |= 0o100;
    }
    // `create_new`: no entry is written over another one. The mode of the archive is set when the
    // content is complete.
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(&mut budget.limit(entry), &mut file)?;
    budget.check()?;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Returns `true` for `hooks/NAME` if Juju knows a hook of that name.
fn is_hook(path: &Path) -> bool {
    const UNIT: [&str; 12] = [
        "install",
        "start",
        "config-changed",
        "upgrade-charm",
        "stop",
        "remove",
        "leader-elected",
        "leader-settings-changed",
        "update-status",
        "collect-metrics",
        "pre-series-upgrade",
        "post-series-upgrade",
    ];
    const SECRET: [&str; 4] =
        ["secret-changed", "secret-expired", "secret-rotate", "secret-remove"];
    const ENDINGS: [&str; 11] = [
        "-relation-created",
        "-relation-joined",
        "-relation-changed",
        "-relation-departed",
        "-relation-broken",
        "-storage-attached",
        "-storage-detaching",
        "-pebble-ready",
        "-pebble-custom-notice",
        "-pebble-check-failed",
        "-pebble-check-recovered",
    ];
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return false;
    };
    path.parent() == Some(Path::new("hooks"))
        && (UNIT.contains(&name)
            || SECRET.contains(&name)
            || ENDINGS.iter().any(|ending| name.ends_with(ending)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// An entry of an archive: its name, its mode with its kind, and its content or target.
    type Entry<'a> = (&'a str, u32, &'a str);

    fn unpacked(
        entries: &[Entry<'_>],
    ) -> (tempfile::TempDir, std::result::Result<BTreeSet<PathBuf>, String>) {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("web.charm");
        let mut zip = ZipWriter::new(File::create(&archive).unwrap());
        for (name, mode, content) in entries {
            let options = SimpleFileOptions::default().unix_permissions(mode & 0o7777);
            match mode & KIND_MASK {
                LINK_KIND => zip.add_symlink(*name, *content, options).unwrap(),
                0o040_000 => zip.add_directory(*name, options).unwrap(),
                _ => {
                    zip.start_file(*name, options).unwrap();
                    zip.write_all(content.as_bytes()).unwrap();
                }
            }
        }
        zip.finish().unwrap();
        let outcome = unpack(&archive, &dir.path().join("out")).map_err(|error| error.chain());
        (dir, outcome)
    }

    #[test]
    fn files_modes_and_links_are_kept() {
        let (dir, outcome) = unpacked(&[
            ("metadata.yaml", 0o100_644, "name: web"),
            ("dispatch", 0o100_755, "#!/bin/sh"),
            ("hooks/install", 0o100_644, "#!/bin/sh"),
            ("hooks/web-pebble-ready", 0o100_600, "#!/bin/sh"),
            ("hooks/README", 0o100_640, "x"),
            ("lib/", 0o040_555, ""),
            ("lib/a/b.py", 0o104_640, "b"),
            ("lib/link", LINK_KIND | 0o777, "../dispatch"),
            ("top", LINK_KIND | 0o777, "."),
        ]);
        let names = outcome.unwrap();
        assert!(
            names.contains(Path::new("lib/a/b.py")) && names.contains(Path::new("lib/link")),
            "{names:?}"
        );
        let out = dir.path().join("out");
        let mode = |name: &str| fs::metadata(out.join(name)).unwrap().permissions().mode() & 0o7777;
        for (name, wanted) in [
            ("dispatch", 0o755),
            ("metadata.yaml", 0o644),
            ("hooks/install", 0o744),
            ("hooks/web-pebble-ready", 0o700),
            ("hooks/README", 0o640),
            ("lib", 0o755),
            ("lib/a/b.py", 0o640),
        ] {
            assert_eq!(mode(name), wanted, "{name}");
        }
        assert_eq!(fs::read_to_string(out.join("lib/link")).unwrap(), "#!/bin/sh");
    }

    #[test]
    fn what_leads_out_is_refused() {
        for entry in [
            ("../up", 0o100_644, "x"),
            ("a/../../up", 0o100_644, "x"),
            ("/etc/charm", 0o100_644, "x"),
            ("a\\..\\b", 0o100_644, "x"),
            ("link", LINK_KIND | 0o777, "/etc/passwd"),
            ("link", LINK_KIND | 0o777, ".."),
            ("a/link", LINK_KIND | 0o777, "../../up"),
            ("link", LINK_KIND | 0o777, "a/../../up"),
        ] {
            let (dir, outcome) = unpacked(&[("metadata.yaml", 0o100_644, "name: web"), entry]);
            let message = outcome.unwrap_err();
            assert!(message.contains("the charm"), "{entry:?}: {message}");
            assert!(!dir.path().join("up").exists());
        }
        // Each link alone stays inside, the two together do not. And no file is written through a
        // link.
        let (_dir, outcome) = unpacked(&[
            ("d/top", LINK_KIND | 0o777, ".."),
            ("out", LINK_KIND | 0o777, "d/top/../up"),
        ]);
        assert!(outcome.unwrap_err().contains("\"out\" leads out of the charm"));
        let (dir, outcome) = unpacked(&[("a", LINK_KIND | 0o777, "b"), ("a/x", 0o100_644, "x")]);
        assert!(outcome.unwrap_err().contains("cannot be made"));
        assert!(!dir.path().join("out/b").exists());
    }

    #[test]
    fn something_that_is_no_zip_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("web.charm");
        fs::write(&archive, "not a zip file").unwrap();
        let message = unpack(&archive, &dir.path().join("out")).unwrap_err().chain();
        assert!(
            message.starts_with("cannot unpack ") && message.contains("charmcraft pack"),
            "{message}"
        );
    }
}

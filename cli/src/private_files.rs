//! Files and folders that other users of this machine cannot read, write or replace.
//!
//! A folder has mode 0700 and a file 0600, whatever the umask, and both belong to the user of this
//! process. No link is followed, neither a symbolic link nor a hard link to another user's file. So
//! only this user can have put there what lies in such a folder.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Sets the umask so that neither this process nor any process that it starts makes files that
/// other users may write, and so that it can use the files that it makes itself. The other bits of
/// the user's umask stay.
pub fn set_safe_umask() {
    // The umask can only be read by setting it.
    let users = rustix::process::umask(Mode::from_raw_mode(0o077));
    let safe = (users.as_raw_mode() | 0o022) & 0o077;
    rustix::process::umask(Mode::from_raw_mode(safe));
}

/// Makes a folder, or takes over an existing one that belongs to this user. Either way its mode is
/// 0700 afterwards.
///
/// # Errors
/// Fails if the folder cannot be made, or if the path is a link, is no folder, or belongs to
/// another user.
pub fn make_folder(path: &Path) -> io::Result<()> {
    // An existing folder is no error here: `open_folder` and the owner are checked below.
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let folder = open_folder(path)?;
    if folder.metadata()?.uid() != current_user() {
        return Err(io::Error::other("it belongs to another user"));
    }
    folder.set_permissions(Permissions::from_mode(FOLDER_MODE))
}

/// Checks that a folder belongs to this user and that its mode is 0700.
///
/// # Errors
/// Says in which way other users can reach the folder.
pub fn check_folder(path: &Path) -> io::Result<()> {
    let found = open_folder(path)?.metadata()?;
    let mode = found.mode() & 0o7777;
    if found.uid() != current_user() {
        return Err(io::Error::other(format!(
            "it belongs to user {}, and this runs as user {}",
            found.uid(),
            current_user()
        )));
    }
    if mode & 0o777 != FOLDER_MODE {
        return Err(io::Error::other(format!(
            "its mode is {:04o}, and has to be 0700: other users must not reach what is in it",
            mode & 0o777
        )));
    }
    Ok(())
}

/// Checks that no other user can replace the folder at `path`, which is absolute. The check fails
/// if a folder above it belongs to another user, or can be written by any user and is not sticky,
/// or if a part of the path is another user's link.
///
/// # Errors
/// Names the folder or the link that failed the check.
pub fn check_parents(path: &Path) -> io::Result<()> {
    for parent in path.ancestors().skip(1) {
        let refuse = |why: &str| {
            Err(io::Error::other(format!(
                "{} {why}, who may put another folder in its place",
                parent.display()
            )))
        };
        if !is_trusted(fs::symlink_metadata(parent)?.uid()) {
            return refuse("belongs to another user");
        }
        let found = fs::metadata(parent)?;
        if !is_trusted(found.uid()) {
            return refuse("leads to a folder of another user");
        }
        // In a sticky folder, such as /tmp, an entry can only be renamed or removed by its own
        // owner, the folder's owner and root (`inode(7)`).
        if found.mode() & 0o1002 == 0o002 {
            return refuse("can be written by any user");
        }
    }
    Ok(())
}

/// Returns `true` for this user and for root, from whom no mode of a folder could protect.
fn is_trusted(user: u32) -> bool {
    /// The user id that stands for every user that a container does not map, the host's root among
    /// them.
    const UNMAPPED: u32 = 65_534;
    let maps_all_users = || {
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        map.split_whitespace().eq(["0", "0", "4294967295"])
    };
    user == 0 || user == current_user() || (user == UNMAPPED && !maps_all_users())
}

/// Opens a file to write at its end. The file is created if it does not exist, and its mode is 0600
/// either way.
///
/// # Errors
/// Fails if the file cannot be opened, is a link, has a second name, is no regular file, or belongs
/// to another user.
pub fn append(path: &Path) -> io::Result<File> {
    open_own_file(OpenOptions::new().append(true).create(true), path)
}

/// Opens a file to read, by the same rules.
///
/// # Errors
/// Fails like [`append`], and if the file does not exist.
pub fn read(path: &Path) -> io::Result<File> {
    open_own_file(OpenOptions::new().read(true), path)
}

/// Checks that [`append`] and [`read`] would accept what is at `path`. A path where nothing is
/// passes the check.
///
/// # Errors
/// Says why the file would be refused.
pub fn check_file(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) => check_metadata(&found),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn open_own_file(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // The path is checked before it is opened, so that the error calls a link a link, and the open
    // file is checked again, since it may have been replaced meanwhile. NONBLOCK: a pipe in its
    // place must not block the open.
    check_file(path)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = options.mode(FILE_MODE).custom_flags(flags.bits().cast_signed()).open(path)?;
    check_metadata(&file.metadata()?)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

fn check_metadata(found: &Metadata) -> io::Result<()> {
    let refuse = |why: &str| Err(io::Error::other(why));
    if found.is_symlink() {
        return refuse("it is a link");
    }
    if !found.is_file() {
        return refuse("it is no regular file");
    }
    if found.uid() != current_user() {
        return refuse("it belongs to another user");
    }
    // A hard link passes every other check, though its target may be a file that this user wants to
    // keep.
    if found.nlink() > 1 {
        return refuse("it is a link: the same file has another name too");
    }
    Ok(())
}

fn open_folder(path: &Path) -> io::Result<File> {
    let found = fs::symlink_metadata(path)?;
    if found.is_symlink() {
        return Err(io::Error::other("it is a link"));
    }
    if !found.is_dir() {
        return Err(io::Error::other("it is no folder"));
    }
    let flags = OFlags::NOFOLLOW | OFlags::DIRECTORY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn modes_are_exact_also_of_what_was_there() {
        let outer = tempfile::tempdir().unwrap();
        let (folder, file) = (outer.path().join("folder"), outer.path().join("file"));
        make_folder(&folder).unwrap();
        append(&file).unwrap().write_all(b"x").unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        set_mode(&folder, 0o777);
        set_mode(&file, 0o666);
        make_folder(&folder).unwrap();
        append(&file).unwrap();
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        assert_eq!(fs::read(&file).unwrap(), b"x");
    }

    #[test]
    fn no_link_is_followed() {
        let outer = tempfile::tempdir().unwrap();
        let at = |name: &str| outer.path().join(name);
        fs::write(at("precious"), "years of work").unwrap();
        fs::create_dir(at("elsewhere")).unwrap();
        symlink(at("precious"), at("soft")).unwrap();
        fs::hard_link(at("precious"), at("hard")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        symlink(at("elsewhere"), at("folder")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), Mode::RWXU).unwrap();
        for name in ["soft", "hard", "dangling", "pipe", "elsewhere"] {
            assert!(append(&at(name)).is_err(), "{name}");
            assert!(read(&at(name)).is_err(), "{name}");
            assert!(check_file(&at(name)).is_err(), "{name}");
        }
        assert!(!at("nowhere").exists());
        for name in ["folder", "precious", "soft"] {
            assert!(make_folder(&at(name)).is_err(), "{name}");
            assert!(check_folder(&at(name)).is_err(), "{name}");
        }
        assert_eq!(fs::read(at("precious")).unwrap(), b"years of work");
    }

    #[test]
    fn a_folder_that_others_reach_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("folder");
        make_folder(&folder).unwrap();
        check_folder(&folder).unwrap();
        for open in [0o755, 0o770, 0o701, 0o777] {
            set_mode(&folder, open);
            let message = check_folder(&folder).unwrap_err().to_string();
            assert!(message.contains("0700"), "{message}");
        }
        check_parents(&folder).unwrap();
        set_mode(outer.path(), 0o777);
        let message = check_parents(&folder).unwrap_err().to_string();
        assert!(message.contains(&outer.path().display().to_string()), "{message}");
        set_mode(outer.path(), 0o1777);
        check_parents(&folder).unwrap();
        // Only root can give a folder to another user.
        if rustix::process::geteuid().is_root() {
            let nobody = Some(rustix::fs::Uid::from_raw(65_534));
            set_mode(outer.path(), 0o700);
            let link = outer.path().join("link");
            symlink(outer.path(), &link).unwrap();
            let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(rustix::fs::CWD, &link, nobody, None, flags).unwrap();
            check_parents(&folder).unwrap();
            let message = check_parents(&link.join("folder")).unwrap_err().to_string();
            assert!(message.contains("link belongs to another user"), "{message}");
            rustix::fs::chown(outer.path(), nobody, None).unwrap();
            let message = check_parents(&folder).unwrap_err().to_string();
            assert!(message.contains("belongs to another user"), "{message}");
        }
    }
}

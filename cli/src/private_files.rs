//! Files and folders that no other user of this machine may read, write, or put something else in
//! place of.
//!
//! A folder has mode 0700 and a file 0600, whatever the umask, and both belong to the user that
//! this process runs as. No link is followed: neither a symbolic one nor a second name of somebody
//! else's file. So what stands in such a folder can only have been put there by this user.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Takes from this process, and from all that it starts, the right to make something that other
/// users may write; and gives it back the right to use what it makes itself. Everything else of the
/// user's umask stays.
pub fn set_safe_umask() {
    let users = rustix::process::umask(Mode::from_raw_mode(0o077));
    let safe = (users.as_raw_mode() | 0o022) & 0o077;
    rustix::process::umask(Mode::from_raw_mode(safe));
}

/// Makes a folder, or takes one that is there when it is this user's own; either way it is 0700
/// then.
///
/// # Errors
/// When it cannot be made, or is a link, no folder, or another user's.
pub fn make_folder(path: &Path) -> io::Result<()> {
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

/// Refuses a folder that another user can write, or that is not this user's.
///
/// # Errors
/// Says in which way it is open to others.
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

/// Refuses a place where another user can put another folder in the place of the one at `path`,
/// which is absolute: where a folder above it is that user's, or one that all may write and that is
/// not sticky; and where the way there is a link of that user's.
///
/// # Errors
/// Names the folder or the link.
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
        if found.mode() & 0o1002 == 0o002 {
            return refuse("can be written by any user");
        }
    }
    Ok(())
}

/// Whether a user can do nothing that this one could not do anyway: this one, and root.
fn is_trusted(user: u32) -> bool {
    /// Stands for every user that a container does not know, the host's root among them.
    const UNMAPPED: u32 = 65_534;
    let maps_all_users = || {
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        map.split_whitespace().eq(["0", "0", "4294967295"])
    };
    user == 0 || user == current_user() || (user == UNMAPPED && !maps_all_users())
}

/// Opens a file to write at its end; it is made if it is not there, and 0600 either way.
///
/// # Errors
/// When it cannot be opened, or is a link, has a second name, is no regular file, or is another
/// user's.
pub fn append(path: &Path) -> io::Result<File> {
    open_own_file(OpenOptions::new().append(true).create(true), path)
}

/// Opens a file to read, by the same rules.
///
/// # Errors
/// As [`append`], and when there is none.
pub fn read(path: &Path) -> io::Result<File> {
    open_own_file(OpenOptions::new().read(true), path)
}

/// Whether something stands at `path` that [`append`] and [`read`] would refuse.
///
/// # Errors
/// Says why it would be refused.
pub fn check_file(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) => check_metadata(&found),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn open_own_file(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    // Looked at first, so that a link is called one; what is opened is looked at again. Without
    // waiting: a pipe may have been put there.
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
        // Only root can give a folder away.
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

//! The folder of one run, with its sockets, hook tools, Pebble's own files and logs.
//!
//! ```text
//! ROOT/.charmwright                   marks the folder as made by this program
//! ROOT/agent.socket                   while a hook runs
//! ROOT/tools/status-set -> charmwright
//! ROOT/containers/NAME/pebble.socket  the folder that CHARMWRIGHT_CONTAINERS names
//! ROOT/pebble/NAME/                   PEBBLE of that container's daemon
//! ROOT/charm/                         the charm, as it would be unpacked: a copy
//! ROOT/charm.next/                    the same, while `upgrade` makes it anew
//! ROOT/service-account -> DIR         what --service-account names
//! ROOT/storage/NAME/N/                an instance of the charm's storage
//! ROOT/resources/NAME/FILENAME        the file of a resource
//! ROOT/mounts/N -> PATH               each path that is a link to storage while the run lasts
//! ROOT/pebble-NAME.log                what the daemon and its services print; what came before in
//!                                     pebble-NAME.log.1
//! ROOT/unit.log                       the unit's log; what came before in unit.log.1
//! ```
//!
//! Every folder has mode 0700 and every file 0600, whatever the umask, and no link is followed,
//! because this program may run as root what lies here. So a workload that runs as another user can
//! reach nothing in it, not even Pebble's socket.
//!
//! The path of a socket must fit in 107 bytes. So the name of the folder is short, and a long
//! `--dir` is refused before anything starts.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use charmwright_agent::StorageId;

use super::fixed_link::FixedLink;
use crate::error::{Error, Result};
use crate::private_files;

/// The longest path of a unix socket on Linux, in bytes, without the final zero byte (`unix(7)`).
const SOCKET_PATH_LIMIT: usize = 107;
const MARKER: &str = ".charmwright";
/// The folder in which a charm that does not know CHARMWRIGHT_CONTAINERS looks for its containers,
/// as in a pod of Juju.
const FIXED_CONTAINERS: &str = "/charm/containers";
/// The folder in which clients of Kubernetes look for the service account of their pod.
const FIXED_SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The files in that folder.
const SERVICE_ACCOUNT_FILES: [&str; 3] = ["namespace", "token", "ca.crt"];
/// The folder with the storage.
pub const STORAGE: &str = "storage";
/// The entries that a run makes in its folder and removes at its end. Logs are not among them: they
/// stay in a folder that the user chose.
const TRANSIENT: [&str; 10] = [
    "agent.socket",
    "tools",
    "containers",
    "pebble",
    "charm",
    "charm.next",
    "service-account",
    STORAGE,
    "resources",
    "mounts",
];

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The absolute path of the folder, without links in it.
    root: PathBuf,
    is_temporary: bool,
    /// The open and locked marker, in the process that made the folder. As long as it is open, no
    /// other run takes the folder.
    _lock: Option<Arc<File>>,
}

impl Workspace {
    /// Makes the folder: `dir`, or a new temporary one.
    ///
    /// # Errors
    /// Fails if the folder cannot be made, if `dir` holds files that are not of an earlier run, or
    /// if other users can reach what is in it.
    pub fn create(dir: Option<&Path>) -> Result<Self> {
        let root = match dir {
            None => temporary_root()?,
            Some(dir) => chosen_root(dir)?,
        };
        let workspace =
            Self { _lock: Some(Arc::new(lock(&root)?)), root, is_temporary: dir.is_none() };
        // Left by an earlier run that could not clean up.
        workspace.remove_mounts();
        workspace.remove_transient();
        for name in ["tools", "containers", "pebble"] {
            workspace.make_dir(&workspace.root.join(name))?;
        }
        Ok(workspace)
    }

    /// Takes the folder that a guard has made already.
    pub fn adopt(root: &Path, is_temporary: bool) -> Self {
        Self { root: root.to_owned(), is_temporary, _lock: None }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn tools(&self) -> PathBuf {
        self.root.join("tools")
    }

    pub fn containers(&self) -> PathBuf {
        self.root.join("containers")
    }

    /// Returns the folder that the charm runs from.
    pub fn charm(&self) -> PathBuf {
        self.root.join("charm")
    }

    /// Returns the folder of a refreshed charm, until it replaces the other one.
    pub fn next_charm(&self) -> PathBuf {
        self.root.join("charm.next")
    }

    pub fn unit_log(&self) -> PathBuf {
        self.root.join("unit.log")
    }

    pub fn pebble_log(&self, container: &str) -> PathBuf {
        self.root.join(format!("pebble-{container}.log"))
    }

    pub fn pebble_dir(&self, container: &str) -> PathBuf {
        self.root.join("pebble").join(container)
    }

    /// Returns the path of the agent's socket.
    ///
    /// # Errors
    /// Fails if the path is too long for a socket.
    pub fn agent_socket(&self) -> Result<PathBuf> {
        check_socket_path(self.root.join("agent.socket"))
    }

    /// Makes the folder of the socket of a container's Pebble, and returns the path of the socket.
    ///
    /// # Errors
    /// Fails if the path is too long for a socket, or if the folder cannot be made.
    pub fn pebble_socket(&self, container: &str) -> Result<PathBuf> {
        let folder = self.containers().join(container);
        let socket = check_socket_path(folder.join("pebble.socket"))?;
        self.make_dir(&folder)?;
        Ok(socket)
    }

    /// Makes a link to this program for each of `names` in the tools folder.
    ///
    /// # Errors
    /// Fails if a link cannot be made.
    pub fn link_tools<'a>(
        &self,
        program: &Path,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        for name in names {
            let link = self.tools().join(name);
            symlink(program, &link).map_err(|e| {
                Error::new(format!("cannot make the hook tool {}", link.display())).because(e)
            })?;
        }
        Ok(())
    }

    /// Returns the folder with the storage.
    pub fn storage(&self) -> PathBuf {
        self.root.join(STORAGE)
    }

    /// Returns the folder of one storage instance.
    pub fn storage_of(&self, id: &StorageId) -> PathBuf {
        self.storage().join(id.name().as_str()).join(id.number().to_string())
    }

    /// Returns the folder with the resources.
    pub fn resources(&self) -> PathBuf {
        self.root.join("resources")
    }

    /// Notes that `path` is to be a link to storage, so that `clean` removes it.
    ///
    /// # Errors
    /// Fails if the note cannot be written.
    pub fn note_mount(&self, path: &Path) -> Result<()> {
        let folder = self.mounts();
        self.make_dir(&folder)?;
        let noted = fs::read_dir(&folder).map(Iterator::count).unwrap_or_default();
        symlink(path, folder.join(noted.to_string()))
            .map_err(|e| Error::new(format!("cannot note the mount {}", path.display())).because(e))
    }

    fn mounts(&self) -> PathBuf {
        self.root.join("mounts")
    }

    /// Removes the links to storage that are noted. One that leads elsewhere is not this run's.
    fn remove_mounts(&self) {
        for note in fs::read_dir(self.mounts()).into_iter().flatten().flatten() {
            let Ok(path) = fs::read_link(note.path()) else { continue };
            match fs::read_link(&path) {
                Ok(target) if target.starts_with(self.storage()) => {
                    FixedLink::new(&path, target).remove();
                }
                _ => {}
            }
        }
    }

    /// Makes `/charm/containers` a link to this run's containers, for a charm in which that path is
    /// fixed.
    ///
    /// # Errors
    /// Fails if this user may not make the link, or if something else is there already.
    pub fn link_fixed_containers(&self) -> Result<()> {
        self.fixed_containers().make()
    }

    /// Takes the folder of a Kubernetes service account into the run.
    ///
    /// # Errors
    /// Fails if a file of the account is missing.
    pub fn add_service_account(&self, account: &Path) -> Result<()> {
        let failed = || Error::new(format!("cannot use --service-account {}", account.display()));
        let account = fs::canonicalize(account).map_err(|e| failed().because(e))?;
        for name in SERVICE_ACCOUNT_FILES {
            let found = fs::metadata(account.join(name));
            found.map_err(|e| failed().because(format!("it has no {name}: {e}")))?;
        }
        symlink(&account, self.service_account()).map_err(|e| failed().because(e))
    }

    /// Makes the folder in which clients look for the service account a link to that of this run.
    /// It goes by way of the run's folder, by which `clean` knows it as this run's.
    ///
    /// # Errors
    /// Fails if this user may not make the link, or if something else is there already.
    pub fn link_service_account(&self) -> Result<()> {
        self.fixed_service_account().make()
    }

    fn service_account(&self) -> PathBuf {
        self.root.join("service-account")
    }

    fn fixed_containers(&self) -> FixedLink<'static> {
        FixedLink::new(Path::new(FIXED_CONTAINERS), self.containers())
    }

    fn fixed_service_account(&self) -> FixedLink<'static> {
        FixedLink::new(Path::new(FIXED_SERVICE_ACCOUNT), self.service_account())
    }

    /// Removes what the run made: the whole of a temporary folder, and everything but the logs of a
    /// folder that the user chose.
    pub fn clean(&self) {
        self.fixed_containers().remove();
        self.fixed_service_account().remove();
        self.remove_mounts();
        if self.is_temporary {
            remove_path(&self.root);
        } else {
            self.remove_transient();
        }
    }

    fn remove_transient(&self) {
        for name in TRANSIENT {
            remove_path(&self.root.join(name));
        }
    }

    fn make_dir(&self, path: &Path) -> Result<()> {
        private_files::make_folder(path).map_err(|e| {
            Error::new(format!("cannot make the folder {}", path.display())).because(e)
        })
    }
}

/// Makes a new temporary folder.
fn temporary_root() -> Result<PathBuf> {
    let folder = std::env::temp_dir();
    let failed = || Error::new(format!("cannot make a temporary folder in {}", folder.display()));
    let advice = "give one with --dir DIR";
    let root = tempfile::Builder::new()
        .prefix("charmwright-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(&folder)
        .map_err(|e| failed().because(e).advice(advice))?;
    let path = fs::canonicalize(root.path()).map_err(|e| failed().because(e).advice(advice))?;
    private_files::check_folder(&path)
        .and_then(|()| private_files::check_parents(&path))
        .map_err(|e| failed().because(e).advice(advice))?;
    // From here on `clean` removes the folder, in whichever process it is called.
    let _ = root.keep();
    Ok(path)
}

/// Returns the folder that the user chose. It is made if it does not exist, and else it must be
/// empty or of an earlier run. Other users must not reach anything in it.
fn chosen_root(dir: &Path) -> Result<PathBuf> {
    let failed = || Error::new(format!("cannot use --dir {}", dir.display()));
    // Without the slash at the end of a path, by which a link would be followed.
    let dir = std::path::absolute(dir).map_err(|e| failed().because(e))?;
    let dir: &Path = &dir.components().collect::<PathBuf>();
    let is_new = fs::symlink_metadata(dir).is_err();
    if is_new {
        // The folders above are checked before anything is made in them.
        let found = dir.ancestors().skip(1).find(|above| fs::symlink_metadata(above).is_ok());
        found
            .map_or(Ok(()), |above| private_files::check_parents(&above.join("new")))
            .map_err(|e| failed().because(e).advice("give a folder elsewhere"))?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|e| failed().because(e))?;
        private_files::make_folder(dir).map_err(|e| failed().because(e))?;
    } else if fs::symlink_metadata(dir).is_ok_and(|found| !found.is_dir()) {
        private_files::check_folder(dir)
            .map_err(|e| failed().because(e).advice("name the folder itself"))?;
    }
    let root = fs::canonicalize(dir).map_err(|e| failed().because(e))?;
    let mut content = fs::read_dir(&root).map_err(|e| failed().because(e))?;
    let has_marker = fs::symlink_metadata(root.join(MARKER)).is_ok();
    if !has_marker && content.next().is_some() {
        return Err(failed()
            .because("it holds files that are not of an earlier run")
            .advice("give an empty or a new folder"));
    }
    private_files::check_folder(&root).map_err(|e| {
        failed().because(e).advice(format!("`chmod 700 {}`, or give a new folder", root.display()))
    })?;
    private_files::check_parents(dir)
        .and_then(|()| private_files::check_parents(&root))
        .map_err(|e| failed().because(e).advice("give a folder elsewhere"))?;
    for entry in fs::read_dir(&root).map_err(|e| failed().because(e))?.flatten() {
        let name = entry.file_name();
        if is_kept(&name.to_string_lossy()) {
            private_files::check_file(&entry.path()).map_err(|e| {
                failed()
                    .because(format!("{} in it cannot be written: {e}", name.display()))
                    .advice("remove it, or give a new folder")
            })?;
        }
    }
    Ok(root)
}

/// Returns `true` for a file that a run writes and leaves in the folder. Everything else that a run
/// makes is removed first.
fn is_kept(name: &str) -> bool {
    let log = name.strip_suffix(".1").unwrap_or(name);
    name == MARKER || log == "unit.log" || (log.starts_with("pebble-") && log.ends_with(".log"))
}

/// Marks the folder as made by this program, and locks the marker until the file is closed.
fn lock(root: &Path) -> Result<File> {
    let marker = root.join(MARKER);
    let failed = || Error::new(format!("cannot write {}", marker.display()));
    let mut file = private_files::append(&marker).map_err(|e| failed().because(e))?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Error::new(format!("cannot use the folder {}", root.display()))
            .because("another run uses it")
            .advice("give another one with --dir DIR, or end that run"),
        TryLockError::Error(error) => failed().because(error),
    })?;
    file.set_len(0)
        .and_then(|()| file.write_all(b"made by `charmwright dev`\n"))
        .map_err(|e| failed().because(e))?;
    Ok(file)
}

/// Returns `path` if it is short enough for a socket.
fn check_socket_path(path: PathBuf) -> Result<PathBuf> {
    let length = path.as_os_str().len();
    if length <= SOCKET_PATH_LIMIT {
        return Ok(path);
    }
    Err(Error::new(format!("cannot make a socket at {}", path.display()))
        .because(format!("the path has {length} bytes, a socket's may have {SOCKET_PATH_LIMIT}"))
        .advice("give a shorter folder with --dir DIR"))
}

/// Removes a file, a link or a folder, if it exists. Errors are ignored: the run is over, and
/// nobody could act on them.
fn remove_path(path: &Path) {
    let _ = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).or_else(|_| {
            open_folders(path);
            fs::remove_dir_all(path)
        }),
        Ok(_) => fs::remove_file(path),
        Err(_) => return,
    };
}

/// Gives this user every right on a folder and on those below it. A workload may have made some in
/// its storage in which their own owner may remove nothing.
fn open_folders(folder: &Path) {
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        // The kind is that of the entry itself, so that no link is followed.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_folders(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounded_log::BoundedLog;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn every_folder_and_file_is_this_users_alone() {
        let outer = tempfile::tempdir().unwrap();
        for dir in [None, Some(outer.path().join("a/run"))] {
            let workspace = Workspace::create(dir.as_deref()).unwrap();
            workspace.pebble_socket("web").unwrap();
            BoundedLog::open(&workspace.unit_log()).unwrap();
            let mut folders = vec![workspace.root().to_owned()];
            let mut seen = 0;
            while let Some(folder) = folders.pop() {
                assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700, "{folder:?}");
                for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap()) {
                    seen += 1;
                    match entry.file_type().unwrap().is_dir() {
                        true => folders.push(entry.path()),
                        false => {
                            assert_eq!(
                                entry.metadata().unwrap().mode() & 0o777,
                                0o600,
                                "{entry:?}"
                            );
                        }
                    }
                }
            }
            assert_eq!(seen, 6);
            workspace.clean();
        }
    }

    #[test]
    fn a_folder_that_others_reach_or_that_is_a_link_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let refused = |dir: &Path| Workspace::create(Some(dir)).unwrap_err().chain();
        let open = outer.path().join("open");
        fs::create_dir(&open).unwrap();
        for mode in [0o777, 0o755, 0o750] {
            fs::set_permissions(&open, Permissions::from_mode(mode)).unwrap();
            let message = refused(&open);
            assert!(
                message.contains("has to be 0700") && message.contains("chmod 700"),
                "{message}"
            );
        }
        let link = outer.path().join("link");
        symlink(outer.path(), &link).unwrap();
        assert!(refused(&link).contains("it is a link"));
        assert!(refused(&link.join("")).contains("it is a link"));
        assert!(refused(&link.join(".")).contains("it is a link"));
        symlink("nowhere", outer.path().join("dangling")).unwrap();
        assert!(refused(&outer.path().join("dangling")).contains("it is a link"));
        assert!(!outer.path().join("nowhere").exists());
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let message = refused(&open.join("a/run"));
        assert!(message.contains("can be written by any user"), "{message}");
        assert!(!open.join("a").exists());
    }

    #[test]
    fn what_was_planted_is_not_written_through() {
        let outer = tempfile::tempdir().unwrap();
        let precious = outer.path().join("precious");
        fs::write(&precious, "years of work").unwrap();
        for name in ["unit.log", "pebble-web.log", "pebble-web.log.1", MARKER] {
            for hard in [false, true] {
                let dir = outer.path().join("run");
                fs::DirBuilder::new().mode(0o700).create(&dir).unwrap();
                fs::write(dir.join(MARKER), "").unwrap();
                let _ = fs::remove_file(dir.join(name));
                match hard {
                    true => fs::hard_link(&precious, dir.join(name)).unwrap(),
                    false => symlink(&precious, dir.join(name)).unwrap(),
                }
                let message = Workspace::create(Some(&dir)).unwrap_err().chain();
                assert!(message.contains(name) && message.contains("it is a link"), "{message}");
                fs::remove_dir_all(&dir).unwrap();
            }
        }
        // What a run makes is removed first, and the target of a link is left alone.
        let dir = outer.path().join("run");
        fs::DirBuilder::new().mode(0o700).create(&dir).unwrap();
        fs::write(dir.join(MARKER), "").unwrap();
        for name in TRANSIENT {
            symlink(outer.path(), dir.join(name)).unwrap();
        }
        let workspace = Workspace::create(Some(&dir)).unwrap();
        assert!(!fs::symlink_metadata(workspace.tools()).unwrap().is_symlink());
        assert_eq!(fs::read(&precious).unwrap(), b"years of work");
    }

    #[test]
    fn a_temporary_folder_goes_and_a_chosen_one_keeps_its_logs() {
        let is_temporary = Workspace::create(None).unwrap();
        is_temporary.pebble_socket("web").unwrap();
        is_temporary.clean();
        assert!(!is_temporary.root().exists());

        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("run");
        let chosen = Workspace::create(Some(&dir)).unwrap();
        BoundedLog::open(&chosen.unit_log()).unwrap().write(b"a line\n").unwrap();
        chosen.clean();
        let mut left: Vec<_> =
            fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [MARKER, "unit.log"]);
        // The folder has the marker, so it may be used again.
        drop(chosen);
        Workspace::create(Some(&dir)).unwrap();
    }

    #[test]
    fn a_folder_in_use_is_not_taken_from_its_run() {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("run");
        let first = Workspace::create(Some(&dir)).unwrap();
        let socket = first.pebble_socket("web").unwrap();
        let error = Workspace::create(Some(&dir)).unwrap_err().chain();
        assert!(error.contains("another run uses it"), "{error}");
        assert!(socket.parent().unwrap().exists());
        drop(first);
        Workspace::create(Some(&dir)).unwrap();
    }

    #[test]
    fn a_folder_of_someone_else_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("thesis.txt"), "years of work").unwrap();
        let error = Workspace::create(Some(outer.path())).unwrap_err().chain();
        assert!(error.contains("not of an earlier run"), "{error}");
        assert!(outer.path().join("thesis.txt").exists());
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_told_at_once() {
        let outer = tempfile::tempdir().unwrap();
        let workspace = Workspace::create(Some(&outer.path().join("x".repeat(100)))).unwrap();
        let error = workspace.pebble_socket("web").unwrap_err().chain();
        assert!(error.contains("--dir") && error.contains("107"), "{error}");
    }
}

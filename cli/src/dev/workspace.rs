//! The folder of one run, and everything in it: sockets, hook tools, Pebble's own files, logs.
//!
//! ```text
//! ROOT/.charmwright                   says that this folder is ours
//! ROOT/agent.socket                   while a hook runs
//! ROOT/tools/status-set -> charmwright
//! ROOT/containers/NAME/pebble.socket  the folder that CHARMWRIGHT_CONTAINERS names
//! ROOT/pebble/NAME/                   PEBBLE of that container's daemon
//! ROOT/charm/                         the charm, as it would be unpacked: a copy
//! ROOT/charm.next/                    the same, while `upgrade` makes it anew
//! ROOT/pebble-NAME.log                what the daemon and its services print
//! ROOT/unit.log                       the unit's log
//! ```
//!
//! A socket's path must fit in 107 bytes, which is why the folder's name is short and why a long `--dir` is refused before anything starts.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};

/// Longest path of a unix socket on Linux, without its final zero byte.
const SOCKET_PATH_LIMIT: usize = 107;
const MARKER: &str = ".charmwright";
/// Where a charm that knows nothing of CHARMWRIGHT_CONTAINERS looks for its containers.
const FIXED_CONTAINERS: &str = "/charm/containers";
/// Says that we made the folder of those.
const MADE_PARENT: &str = "/charm/.charmwright";
/// What a run makes in its folder; logs are not in this list, and stay in a folder that was asked for.
const TRANSIENT: [&str; 6] = ["agent.socket", "tools", "containers", "pebble", "charm", "charm.next"];

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct Workspace {
    root: PathBuf,
    temporary: bool,
    /// The locked marker, in the process that made the folder: as long as it lives, no other run takes the folder for its own.
    _lock: Option<Arc<File>>,
}

impl Workspace {
    /// Makes the folder: `dir`, or a new temporary one.
    ///
    /// # Errors
    /// When it cannot be made, or `dir` holds something that is not of an earlier run.
    pub fn create(dir: Option<&Path>) -> Result<Self> {
        let root = match dir {
            None => temporary_root()?,
            Some(dir) => chosen_root(dir)?,
        };
        let workspace = Self {
            _lock: Some(Arc::new(lock(&root)?)),
            root,
            temporary: dir.is_none(),
        };
        workspace.remove_transient();
        for name in ["tools", "containers", "pebble"] {
            workspace.make_dir(&workspace.root.join(name))?;
        }
        Ok(workspace)
    }

    /// The folder that a guard has made already.
    pub fn adopt(root: &Path, temporary: bool) -> Self {
        Self {
            root: root.to_owned(),
            temporary,
            _lock: None,
        }
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

    /// The folder that the charm runs from.
    pub fn charm(&self) -> PathBuf {
        self.root.join("charm")
    }

    /// The folder of a refreshed charm, until it takes the place of the other.
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

    /// The agent's socket.
    ///
    /// # Errors
    /// When its path is too long for a socket.
    pub fn agent_socket(&self) -> Result<PathBuf> {
        short_enough(self.root.join("agent.socket"))
    }

    /// The socket of a container's Pebble; its folder is made.
    ///
    /// # Errors
    /// When its path is too long for a socket, or the folder cannot be made.
    pub fn pebble_socket(&self, container: &str) -> Result<PathBuf> {
        let folder = self.containers().join(container);
        let socket = short_enough(folder.join("pebble.socket"))?;
        self.make_dir(&folder)?;
        Ok(socket)
    }

    /// Makes each of `names` in the tools folder a link to this program.
    ///
    /// # Errors
    /// When this program's own path is not known, or a link cannot be made.
    pub fn link_tools<'a>(&self, program: &Path, names: impl IntoIterator<Item = &'a str>) -> Result<()> {
        for name in names {
            let link = self.tools().join(name);
            symlink(program, &link)
                .map_err(|e| Error::new(format!("cannot make the hook tool {}", link.display())).because(e))?;
        }
        Ok(())
    }

    /// Makes `/charm/containers` lead here, for a charm that has that path fixed in it.
    ///
    /// # Errors
    /// A line that says why it cannot: not root, or another program's folder is there.
    pub fn link_fixed_containers(&self) -> Result<()> {
        let fixed = Path::new(FIXED_CONTAINERS);
        let failed = |reason: String| {
            Error::new(format!("cannot make {FIXED_CONTAINERS} lead to this run's containers")).because(reason)
        };
        match fs::symlink_metadata(fixed) {
            // A link that leads nowhere is of a run that could not clean up.
            Ok(found) if found.is_symlink() && !fixed.exists() => {
                fs::remove_file(fixed).map_err(|e| failed(e.to_string()))?;
            }
            Ok(_) => return Err(failed("something else is there".to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        if let Some(parent) = fixed.parent().filter(|parent| !parent.exists()) {
            fs::create_dir(parent).map_err(|e| failed(e.to_string()))?;
            // Said in the folder itself, so that of several runs the last one removes it.
            let _ = fs::write(MADE_PARENT, "made by `charmwright dev`\n");
        }
        symlink(self.containers(), fixed).map_err(|e| failed(e.to_string()))
    }

    /// Removes what the run made: everything of a temporary folder, all but the logs of one that was asked for.
    pub fn clean(&self) {
        let fixed = Path::new(FIXED_CONTAINERS);
        if fs::read_link(fixed).is_ok_and(|target| target == self.containers()) {
            let _ = fs::remove_file(fixed);
            if Path::new(MADE_PARENT).exists() {
                let _ = fs::remove_file(MADE_PARENT);
                // Fails, rightly, when someone else has put something there since.
                let _ = fixed.parent().map(fs::remove_dir);
            }
        }
        if self.temporary {
            remove(&self.root);
        } else {
            self.remove_transient();
        }
    }

    fn remove_transient(&self) {
        for name in TRANSIENT {
            remove(&self.root.join(name));
        }
    }

    fn make_dir(&self, path: &Path) -> Result<()> {
        fs::create_dir_all(path)
            .map_err(|e| Error::new(format!("cannot make the folder {}", path.display())).because(e))
    }
}

/// Writes one line at the end of a log of the run; a full disk must not stop the unit.
pub fn append_line(path: &Path, line: &str) {
    if let Ok(mut file) = fs::OpenOptions::new().create(true).append(true).open(path) {
        let _ = writeln!(file, "{line}");
    }
}

/// The last line of a log of the run, to explain an end that nobody asked for.
pub fn last_line(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned()
}

fn temporary_root() -> Result<PathBuf> {
    let folder = std::env::temp_dir();
    let root = tempfile::Builder::new()
        .prefix("charmwright-")
        .tempdir_in(&folder)
        .map_err(|e| {
            Error::new(format!("cannot make a temporary folder in {}", folder.display()))
                .because(e)
                .advice("give one with --dir DIR")
        })?;
    Ok(root.keep())
}

fn chosen_root(dir: &Path) -> Result<PathBuf> {
    let failed = || Error::new(format!("cannot use --dir {}", dir.display()));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(dir)
        .map_err(|e| failed().because(e))?;
    let root = fs::canonicalize(dir).map_err(|e| failed().because(e))?;
    let mut content = fs::read_dir(&root).map_err(|e| failed().because(e))?;
    if !root.join(MARKER).exists() && content.next().is_some() {
        return Err(failed()
            .because("it holds files that are not of an earlier run")
            .advice("give an empty or a new folder"));
    }
    Ok(root)
}

/// Marks the folder as ours, and as in use until the file is closed.
fn lock(root: &Path) -> Result<File> {
    let marker = root.join(MARKER);
    let failed = || Error::new(format!("cannot write {}", marker.display()));
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&marker)
        .map_err(|e| failed().because(e))?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Error::new(format!("cannot use the folder {}", root.display()))
            .because("another run uses it")
            .advice("give another one with --dir DIR, or end that run"),
        TryLockError::Error(error) => failed().because(error),
    })?;
    file.write_all(b"made by `charmwright dev`\n")
        .map_err(|e| failed().because(e))?;
    Ok(file)
}

fn short_enough(path: PathBuf) -> Result<PathBuf> {
    let length = path.as_os_str().len();
    if length <= SOCKET_PATH_LIMIT {
        return Ok(path);
    }
    Err(Error::new(format!("cannot make a socket at {}", path.display()))
        .because(format!(
            "the path has {length} bytes, a socket's may have {SOCKET_PATH_LIMIT}"
        ))
        .advice("give a shorter folder with --dir DIR"))
}

fn remove(path: &Path) {
    let _ = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => return,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_goes_and_a_chosen_one_keeps_its_logs() {
        let temporary = Workspace::create(None).unwrap();
        temporary.pebble_socket("web").unwrap();
        temporary.clean();
        assert!(!temporary.root().exists());

        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("run");
        let chosen = Workspace::create(Some(&dir)).unwrap();
        append_line(&chosen.unit_log(), "a line");
        chosen.clean();
        let mut left: Vec<_> = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, [MARKER, "unit.log"]);
        // It is ours, so it may be used again.
        drop(chosen);
        Workspace::create(Some(&dir)).unwrap();
    }

    #[test]
    fn a_folder_in_use_is_not_taken_from_its_run() {
        let outer = tempfile::tempdir().unwrap();
        let first = Workspace::create(Some(outer.path())).unwrap();
        let socket = first.pebble_socket("web").unwrap();
        let error = Workspace::create(Some(outer.path())).unwrap_err().chain();
        assert!(error.contains("another run uses it"), "{error}");
        assert!(socket.parent().unwrap().exists());
        drop(first);
        Workspace::create(Some(outer.path())).unwrap();
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

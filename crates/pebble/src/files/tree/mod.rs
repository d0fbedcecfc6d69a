//! Pushes and pulls whole trees: a folder and all that is in it, with a report on what could not be
//! transferred.
//!
//! A path that fails does not stop the others. It is in the [`TreeReport`], with the error that a
//! call about it alone would have given. Only what stops everything is the error of the call, such
//! as a Pebble that cannot be reached for longer than the policy allows. What was transferred by
//! then stays, and the call may be made again. Small files are sent together, several in a request.

mod new_folders;
mod pull;
mod push;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::owner::Owner;
use crate::error::{Error, ErrorKind};

/// The default number of files in one request. Each file costs the daemon a wait for its disk, and
/// a lost answer sends all of them again.
const BATCH_FILES: usize = 32;

/// The largest number of files in one request. A pull holds each of them and its folder open until
/// all have come, and a process may usually have 1,024 files open.
const MAX_BATCH_FILES: usize = 256;

/// The default number of bytes in one request, which are held in memory.
const BATCH_BYTES: u64 = 1024 * 1024;

/// Says how symbolic links are treated. Pebble's API can neither make links nor read where they
/// lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Symlinks {
    /// A link is a failure of its path, so that nothing is left out unnoticed.
    #[default]
    Report,
    /// A link is left out, and listed in [`TreeReport::skipped`].
    Skip,
    /// A link is treated as what it leads to. A push also follows links to folders, and reports a
    /// link to a folder that contains it. A pull follows only links to files and reports the
    /// others, because it cannot see where a link to a folder leads.
    Follow,
}

/// The function that is called with the progress.
type Observer = dyn Fn(&TreeProgress<'_>) + Send + Sync;

/// Says how a tree is pushed or pulled.
#[derive(Clone)]
#[must_use]
pub struct TreeOptions {
    symlinks: Symlinks,
    keep_modes: bool,
    owner: Owner,
    batch_files: usize,
    batch_bytes: u64,
    progress: Option<Arc<Observer>>,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self {
            symlinks: Symlinks::default(),
            keep_modes: true,
            owner: Owner::new(),
            batch_files: BATCH_FILES,
            batch_bytes: BATCH_BYTES,
            progress: None,
        }
    }
}

impl TreeOptions {
    /// Keeps modes, reports links as failures, and leaves files to the account that writes them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how symbolic links are treated.
    pub fn symlinks(mut self, symlinks: Symlinks) -> Self {
        self.symlinks = symlinks;
        self
    }

    /// Gives files and folders the usual modes instead of those that they have: 644 and 755 in the
    /// container, and what the umask leaves in the local folder. A local file or folder that exists
    /// keeps its mode.
    pub fn usual_modes(mut self) -> Self {
        self.keep_modes = false;
        self
    }

    /// Sets the owner of what is pushed. A pull ignores it.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    /// Sets the largest number of files in one request. The default is 32. The range is 1 to 256,
    /// and a number outside is moved to the nearer end.
    pub fn batch_files(mut self, files: usize) -> Self {
        self.batch_files = files.clamp(1, MAX_BATCH_FILES);
        self
    }

    /// Sets the largest number of bytes of files in one request. The default is 1 MiB. A single
    /// larger file has a request of its own. A push holds this many bytes in memory.
    pub fn batch_bytes(mut self, bytes: u64) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// Sets a function that is called for each path when its result is known. It should be quick,
    /// because the transfer waits for it.
    pub fn on_progress(
        mut self,
        observer: impl Fn(&TreeProgress<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(observer));
        self
    }
}

impl fmt::Debug for TreeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeOptions")
            .field("symlinks", &self.symlinks)
            .field("keep_modes", &self.keep_modes)
            .field("owner", &self.owner)
            .field("batch_files", &self.batch_files)
            .field("batch_bytes", &self.batch_bytes)
            .finish_non_exhaustive()
    }
}

/// Progress says what a push or pull of a tree has done so far.
#[derive(Debug)]
pub struct TreeProgress<'r> {
    path: &'r Path,
    report: &'r TreeReport,
}

impl TreeProgress<'_> {
    /// Returns the path in the tree whose result was the last. It is empty for the folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.path
    }

    /// Returns the report so far, including this path.
    pub fn so_far(&self) -> &TreeReport {
        self.report
    }
}

/// A failure is a path of a tree that could not be transferred. What is in a folder that failed is
/// not listed.
#[derive(Debug)]
pub struct TreeFailure {
    path: PathBuf,
    error: Error,
}

impl TreeFailure {
    /// Returns the path in the tree.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns why the path failed. Its kind is [`File`](ErrorKind::File),
    /// [`Local`](ErrorKind::Local) or [`InvalidRequest`](ErrorKind::InvalidRequest).
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }
}

/// A report says how much of a tree was transferred, and what was not.
#[derive(Debug, Default)]
#[must_use = "it says what could not be brought over"]
pub struct TreeReport {
    files: u64,
    folders: u64,
    bytes: u64,
    skipped: Vec<PathBuf>,
    failures: Vec<TreeFailure>,
}

impl TreeReport {
    /// Returns how many files were transferred.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Returns how many folders there are now, including the tree's own.
    #[must_use]
    pub fn folders(&self) -> u64 {
        self.folders
    }

    /// Returns how many bytes the transferred files have together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the links that were left out because of [`Symlinks::Skip`].
    #[must_use]
    pub fn skipped(&self) -> &[PathBuf] {
        &self.skipped
    }

    /// Returns the paths that could not be transferred.
    #[must_use]
    pub fn failures(&self) -> &[TreeFailure] {
        &self.failures
    }

    /// Returns `true` if nothing failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }

    /// Turns a failed path into an error, for a caller that needs the whole tree:
    /// `client.push_tree(local, remote, &options).await?.complete()?`.
    ///
    /// # Errors
    /// Fails with the error of the first path that failed.
    pub fn complete(self) -> Result<(), Error> {
        match self.failures.into_iter().next() {
            None => Ok(()),
            Some(failure) => Err(failure.error),
        }
    }
}

impl fmt::Display for TreeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} files in {} folders, {} bytes; {} links left out, {} paths failed",
            self.files,
            self.folders,
            self.bytes,
            self.skipped.len(),
            self.failures.len()
        )
    }
}

/// A builder makes the report and calls the progress function.
struct ReportBuilder<'o> {
    options: &'o TreeOptions,
    report: TreeReport,
}

impl<'o> ReportBuilder<'o> {
    fn new(options: &'o TreeOptions) -> Self {
        Self { options, report: TreeReport::default() }
    }

    fn finish(self) -> TreeReport {
        self.report
    }

    fn notify(&self, path: &Path) {
        if let Some(progress) = &self.options.progress {
            progress(&TreeProgress { path, report: &self.report });
        }
    }

    fn add_file(&mut self, path: &Path, bytes: u64) {
        self.report.files = self.report.files.saturating_add(1);
        self.report.bytes = self.report.bytes.saturating_add(bytes);
        self.notify(path);
    }

    fn add_folder(&mut self, path: &Path) {
        self.report.folders = self.report.folders.saturating_add(1);
        self.notify(path);
    }

    fn add_skipped(&mut self, path: PathBuf) {
        self.report.skipped.push(path.clone());
        self.notify(&path);
    }

    fn add_failure(&mut self, path: PathBuf, error: Error) {
        self.report.failures.push(TreeFailure { path: path.clone(), error });
        self.notify(&path);
    }

    /// Reports an error that is about one path only, and returns any other.
    fn add_failure_or_stop(&mut self, path: PathBuf, error: Error) -> Result<(), Error> {
        match error.kind() {
            ErrorKind::File(_) | ErrorKind::Local(_) | ErrorKind::InvalidRequest => {
                self.add_failure(path, error);
                Ok(())
            }
            _ => Err(error),
        }
    }
}

/// Returns a path in the container, one name further down.
fn join(folder: &str, name: &str) -> String {
    if folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

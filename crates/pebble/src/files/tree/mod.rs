//! Whole trees, pushed and pulled: a folder, all that is in it, and an account of what could not be
//! brought over.
//!
//! A path that fails does not stop the others: it is in the [`TreeReport`], with the error that a
//! call about it alone would have given. Only what stops everything, such as a Pebble that is away
//! for longer than the policy bears, is the error of the call; what was brought over by then stays,
//! and the call may simply be made again. Small files travel together, several in a request.

mod new_folders;
mod pull;
mod push;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::owner::Owner;
use crate::error::{Error, ErrorKind};

/// How many files travel together at most: each costs the daemon a wait for its disk, and a lost
/// answer sends them all again.
const BATCH_FILES: usize = 32;

/// The most that may be asked for: a pull holds each open until all are there, and its folder too,
/// where a process may usually have 1,024 files open.
const MAX_BATCH_FILES: usize = 256;

/// How many bytes travel together at most; they are held in memory.
const BATCH_BYTES: u64 = 1024 * 1024;

/// What is done about symbolic links, which Pebble's API can neither make nor read as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Symlinks {
    /// A link is a failure of its path, so that nothing goes missing unnoticed.
    #[default]
    Report,
    /// A link is left out, and is in [`TreeReport::skipped`].
    Skip,
    /// A link is taken for what it leads to. Pushing follows links to folders as well, and reports
    /// one that leads to a folder it is in; pulling follows only links to files, since it cannot
    /// see where a link to a folder leads, and reports the others.
    Follow,
}

type Observer = dyn Fn(&TreeProgress<'_>) + Send + Sync;

/// How a tree is brought over.
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
    /// Modes are kept, links are failures, files belong to whoever writes them.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is done about symbolic links.
    pub fn symlinks(mut self, symlinks: Symlinks) -> Self {
        self.symlinks = symlinks;
        self
    }

    /// Files and folders get the usual modes (in the container 644 and 755, here what the umask
    /// leaves) instead of those that they have. Here one that is there already keeps its own.
    pub fn usual_modes(mut self) -> Self {
        self.keep_modes = false;
        self
    }

    /// Whom what is pushed is to belong to. A pull takes no heed of it.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    /// How many files travel in one request at most; 32 unless set, and from 1 to 256: what lies
    /// outside is taken for the nearer of the two.
    pub fn batch_files(mut self, files: usize) -> Self {
        self.batch_files = files.clamp(1, MAX_BATCH_FILES);
        self
    }

    /// How many bytes of files travel in one request at most, unless one file alone has more; 1 MiB
    /// unless set. A push holds as many in memory.
    pub fn batch_bytes(mut self, bytes: u64) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// Is called for each path when it is known what became of it. It should be quick: the transfer
    /// waits for it.
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

/// How far a tree has come.
#[derive(Debug)]
pub struct TreeProgress<'r> {
    path: &'r Path,
    report: &'r TreeReport,
}

impl TreeProgress<'_> {
    /// The path in the tree that was dealt with last; empty for the folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.path
    }

    /// All that was dealt with so far, this path included.
    pub fn so_far(&self) -> &TreeReport {
        self.report
    }
}

/// One path of a tree that could not be brought over. What is in a folder that failed is not
/// listed.
#[derive(Debug)]
pub struct TreeFailure {
    path: PathBuf,
    error: Error,
}

impl TreeFailure {
    /// The path in the tree.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why; its kind is [`File`](ErrorKind::File), [`Local`](ErrorKind::Local) or
    /// [`InvalidRequest`](ErrorKind::InvalidRequest).
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }
}

/// What became of a tree.
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
    /// How many files were brought over.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.files
    }

    /// How many folders are there now, the tree's own included.
    #[must_use]
    pub fn folders(&self) -> u64 {
        self.folders
    }

    /// How many bytes the files have together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The links that were left out, by [`Symlinks::Skip`].
    #[must_use]
    pub fn skipped(&self) -> &[PathBuf] {
        &self.skipped
    }

    /// What could not be brought over.
    #[must_use]
    pub fn failures(&self) -> &[TreeFailure] {
        &self.failures
    }

    /// Whether nothing failed.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty()
    }

    /// For whom a tree is all or nothing: `client.push_tree(local, remote,
    /// &options).await?.complete()?`.
    ///
    /// # Errors
    /// The error of the first path that failed.
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

/// A report in the making, and who is told of it.
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

    /// Reports an error that is about one path only, and gives back any other.
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

/// A path in the container, one name further down.
fn join(folder: &str, name: &str) -> String {
    if folder.ends_with('/') { format!("{folder}{name}") } else { format!("{folder}/{name}") }
}

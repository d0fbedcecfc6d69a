//! Pushes a local folder and all that is in it.

use std::fs::{DirEntry, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::manage::DirOptions;
use super::super::mode::Mode;
use super::super::push::{PushFile, PushOptions, open_file};
use super::super::results::FileResult;
use super::{ReportBuilder, Symlinks, TreeOptions, TreeReport, join};
use crate::client::Client;
use crate::error::Error;

/// The largest number of folders that one request makes, so that each is answered well within the
/// limit of an attempt.
const BATCH_FOLDERS: usize = 500;

impl Client {
    /// Pushes a local folder with all that is in it to `remote`, an absolute path. What is in
    /// `remote` and has no counterpart stays. Empty folders are made. A folder that exists keeps
    /// its mode and owner. A file or link that exists is replaced. If a file has several names
    /// (hard links), each becomes a file of its own. A folder is made with its mode, so a Pebble
    /// that is not root cannot write into a read-only one.
    ///
    /// Paths are pushed in the order of their names, a folder before what is in it. Memory is
    /// bounded by [`TreeOptions::batch_bytes`] and by the names in the folders along one path.
    /// Local files are read with blocking calls. If the future is dropped, what was pushed by then
    /// stays. Nobody who may not read this program's files should be able to change `local`
    /// meanwhile: an entry is examined just before it is read, but not in the same step.
    ///
    /// # Errors
    /// - [`Local`](crate::ErrorKind::Local) if `local` is not a readable folder.
    /// - [`File`](crate::ErrorKind::File) if `remote` cannot be made.
    /// - [`Unreachable`](crate::ErrorKind::Unreachable) if an answer does not come within the
    ///   policy.
    ///
    /// The failure of a path below is in the report.
    pub async fn push_tree(
        &self,
        local: impl AsRef<Path>,
        remote: &str,
        options: &TreeOptions,
    ) -> Result<TreeReport, Error> {
        let local = local.as_ref();
        let mut push = TreePush {
            client: self,
            operation: format!("push the folder {} to {remote:?}", local.display()),
            local,
            options,
            report: ReportBuilder::new(options),
            batch: Vec::new(),
            bytes: 0,
            has_root: false,
        };
        match push.run(remote).await {
            Ok(()) => Ok(push.report.finish()),
            Err(error) => {
                let acted = error.may_have_acted() || push.has_root;
                Err(error.with_acted(acted))
            }
        }
    }
}

/// A folder that exists in the container, and whose contents are still to be pushed.
struct Folder {
    path: PathBuf,
    remote: String,
    /// The folder itself and those that contain it.
    ancestors: Arc<Ancestors>,
}

/// A local folder, identified by device and inode, and those that contain it.
struct Ancestors {
    device: u64,
    inode: u64,
    parent: Option<Arc<Ancestors>>,
}

impl Ancestors {
    fn new(metadata: &Metadata, parent: Option<Arc<Self>>) -> Arc<Self> {
        Arc::new(Self { device: metadata.dev(), inode: metadata.ino(), parent })
    }

    /// Returns `true` if the first one is this folder.
    fn is_of(&self, metadata: &Metadata) -> bool {
        (self.device, self.inode) == (metadata.dev(), metadata.ino())
    }

    /// Returns `true` if this folder is one of them.
    fn contains(&self, metadata: &Metadata) -> bool {
        let mut link = Some(self);
        while let Some(folder) = link {
            if folder.is_of(metadata) {
                return true;
            }
            link = folder.parent.as_deref();
        }
        false
    }
}

/// The state of a push of a tree.
struct TreePush<'c> {
    client: &'c Client,
    operation: String,
    local: &'c Path,
    options: &'c TreeOptions,
    report: ReportBuilder<'c>,
    /// The small files that are sent together, with their paths in the tree.
    batch: Vec<(PathBuf, PushFile)>,
    bytes: u64,
    /// The folder `remote` was made, or existed.
    has_root: bool,
}

impl TreePush<'_> {
    async fn run(&mut self, remote: &str) -> Result<(), Error> {
        let metadata =
            std::fs::metadata(self.local).map_err(|error| self.failure("read it", error))?;
        if !metadata.is_dir() {
            return Err(self.failure("read it", io::ErrorKind::NotADirectory.into()));
        }
        self.make_root(remote, &metadata).await?;
        let mut folders = vec![Folder {
            path: PathBuf::new(),
            remote: remote.to_owned(),
            ancestors: Ancestors::new(&metadata, None),
        }];
        while let Some(folder) = folders.pop() {
            let mut subfolders = self.push_contents(&folder).await?;
            // The last folder of the list is taken next, so the first one must come last.
            subfolders.reverse();
            folders.append(&mut subfolders);
        }
        self.flush().await
    }

    /// Makes the folder `remote` and its parents.
    async fn make_root(&mut self, remote: &str, metadata: &Metadata) -> Result<(), Error> {
        let options = self.dir_options(metadata).make_parents();
        let parents = DirOptions::new().make_parents().owner(self.options.owner.clone());
        // The parents are made by an entry of their own, because they must not get the mode of the
        // folder.
        let parent = remote.trim_end_matches('/').rsplit_once('/').map(|(parent, _)| parent);
        let mut dirs = vec![(remote, &options)];
        if let Some(parent) = parent.filter(|parent| !parent.is_empty()) {
            dirs.insert(0, (parent, &parents));
        }
        let results = self.client.make_dirs_each(&self.operation, &dirs).await?;
        let failure = |result: &FileResult| result.to_error(&self.operation, self.client.daemon());
        if let Some(error) = results.iter().find_map(failure) {
            return Err(error);
        }
        self.has_root = true;
        self.report.add_folder(Path::new(""));
        Ok(())
    }

    fn failure(&self, what: &str, error: io::Error) -> Error {
        Error::local(&self.operation, self.client.daemon(), what, error)
    }

    fn add_local_failure(&mut self, path: PathBuf, what: &str, error: io::Error) {
        let operation = format!("push {}", self.local.join(&path).display());
        let error = Error::local(&operation, self.client.daemon(), what, error);
        self.report.add_failure(path, error);
    }

    fn refuse(&mut self, path: PathBuf, reason: &str) {
        let operation = format!("push {}", self.local.join(&path).display());
        let error = self.client.refuse(&operation, reason);
        self.report.add_failure(path, error);
    }

    fn mode(&self, metadata: &Metadata) -> Option<Mode> {
        self.options.keep_modes.then(|| Mode::of_local(metadata.permissions().mode()))
    }

    fn dir_options(&self, metadata: &Metadata) -> DirOptions {
        let options = DirOptions::new().owner(self.options.owner.clone());
        match self.mode(metadata) {
            Some(mode) => options.mode(mode),
            None => options,
        }
    }

    /// Pushes the files of a folder and makes the folders in it. Returns those folders, whose
    /// contents are still to be pushed.
    async fn push_contents(&mut self, folder: &Folder) -> Result<Vec<Folder>, Error> {
        let entries = match entries(&self.local.join(&folder.path), &folder.ancestors) {
            Ok(entries) => entries,
            Err(error) => {
                self.add_local_failure(folder.path.clone(), "read the folder", error);
                return Ok(Vec::new());
            }
        };
        let mut folders = Vec::new();
        for entry in entries {
            let path = folder.path.join(entry.file_name());
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                self.refuse(
                    path,
                    "its name is not UTF-8, which is all that Pebble takes; rename it",
                );
                continue;
            };
            let remote = join(&folder.remote, &name);
            let Some(metadata) = self.inspect(&entry, &path, &folder.ancestors) else {
                continue;
            };
            if metadata.is_dir() {
                folders.push((path, remote, metadata));
            } else if metadata.is_file() {
                self.push_entry(path, remote, &metadata).await?;
            } else {
                self.refuse(
                    path,
                    "it is neither a file nor a folder; Pebble can make nothing else",
                );
            }
        }
        self.make_folders(folders, &folder.ancestors).await
    }

    /// Returns what an entry is, or leads to. Returns `None` if the entry was reported already.
    fn inspect(
        &mut self,
        entry: &DirEntry,
        path: &Path,
        ancestors: &Ancestors,
    ) -> Option<Metadata> {
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => {
                self.add_local_failure(path.to_owned(), "look at it", error);
                return None;
            }
        };
        if !metadata.is_symlink() {
            return Some(metadata);
        }
        match self.options.symlinks {
            Symlinks::Skip => self.report.add_skipped(path.to_owned()),
            Symlinks::Report => {
                self.refuse(
                    path.to_owned(),
                    "it is a symbolic link, which Pebble cannot make; skip or follow links",
                );
            }
            Symlinks::Follow => match std::fs::metadata(entry.path()) {
                Ok(metadata) if metadata.is_dir() && ancestors.contains(&metadata) => {
                    self.refuse(path.to_owned(), "it is a symbolic link to a folder that it is in");
                }
                Ok(metadata) => return Some(metadata),
                Err(error) => self.add_local_failure(path.to_owned(), "follow the link", error),
            },
        }
        None
    }

    /// Makes folders in the container, and returns those that exist.
    async fn make_folders(
        &mut self,
        folders: Vec<(PathBuf, String, Metadata)>,
        parent: &Arc<Ancestors>,
    ) -> Result<Vec<Folder>, Error> {
        let mut made = Vec::new();
        let mut folders = folders.into_iter().peekable();
        while folders.peek().is_some() {
            let batch: Vec<_> = folders.by_ref().take(BATCH_FOLDERS).collect();
            let options: Vec<DirOptions> = batch
                .iter()
                .map(|(_, _, metadata)| self.dir_options(metadata).make_parents())
                .collect();
            let paths = batch.iter().map(|(_, remote, _)| remote.as_str());
            let dirs: Vec<(&str, &DirOptions)> = paths.zip(&options).collect();
            let results = self.client.make_dirs_each(&self.operation, &dirs).await?;
            for ((path, remote, metadata), result) in batch.into_iter().zip(results) {
                let operation = format!("make folder {remote:?}");
                if let Some(error) = result.to_error(&operation, self.client.daemon()) {
                    self.report.add_failure(path, error);
                    continue;
                }
                self.report.add_folder(&path);
                let ancestors = Ancestors::new(&metadata, Some(Arc::clone(parent)));
                made.push(Folder { path, remote, ancestors });
            }
        }
        Ok(made)
    }

    /// Pushes a file, together with others if it is small.
    async fn push_entry(
        &mut self,
        path: PathBuf,
        remote: String,
        metadata: &Metadata,
    ) -> Result<(), Error> {
        let mut options = PushOptions::new().owner(self.options.owner.clone());
        if let Some(mode) = self.mode(metadata) {
            options = options.mode(mode);
        }
        let local = self.local.join(&path);
        if metadata.len() <= self.options.batch_bytes {
            // The batch is sent before the file is read, so that the memory for both is hardly ever
            // needed.
            if self.bytes.saturating_add(metadata.len()) > self.options.batch_bytes {
                self.flush().await?;
            }
            match read_small(&local, self.options.batch_bytes) {
                Ok(Some(content)) => {
                    let size = content.len() as u64;
                    if self.bytes.saturating_add(size) > self.options.batch_bytes {
                        self.flush().await?;
                    }
                    self.bytes = self.bytes.saturating_add(size);
                    self.batch.push((path, PushFile::new(remote, content).options(options)));
                    if self.batch.len() >= self.options.batch_files {
                        self.flush().await?;
                    }
                    return Ok(());
                }
                // The file has grown since it was examined, so it is pushed by itself.
                Ok(None) => {}
                Err(error) => {
                    self.add_local_failure(path, "read it", error);
                    return Ok(());
                }
            }
        }
        match self.client.push_file(&local, &remote, &options).await {
            Ok(size) => {
                self.report.add_file(&path, size);
                Ok(())
            }
            Err(error) => self.report.add_failure_or_stop(path, error),
        }
    }

    /// Sends the files of the batch.
    async fn flush(&mut self) -> Result<(), Error> {
        let (paths, files): (Vec<PathBuf>, Vec<PushFile>) =
            std::mem::take(&mut self.batch).into_iter().unzip();
        self.bytes = 0;
        let results = self.client.push_all(&files).await?;
        for ((path, file), result) in paths.into_iter().zip(files).zip(results) {
            match result.to_error(&format!("push {:?}", file.path()), self.client.daemon()) {
                None => self.report.add_file(&path, file.size()),
                Some(error) => self.report.add_failure(path, error),
            }
        }
        Ok(())
    }
}

/// Returns the entries of a folder, sorted by name, if it still is the one that was examined. A
/// link that took its place may lead anywhere.
fn entries(folder: &Path, ancestors: &Ancestors) -> io::Result<Vec<DirEntry>> {
    if !ancestors.is_of(&std::fs::metadata(folder)?) {
        return Err(io::Error::other("another has taken its place meanwhile"));
    }
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

/// Reads a file of at most `limit` bytes. Returns `None` if it has more.
fn read_small(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut content = Vec::new();
    open_file(path)?.take(limit.saturating_add(1)).read_to_end(&mut content)?;
    Ok(Some(content).filter(|content| content.len() as u64 <= limit))
}

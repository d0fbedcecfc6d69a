//! Pulls a folder in the container and all that is in it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::super::list::{FileInfo, FileType, ListOptions};
use super::super::mode::Mode;
use super::super::read_stream::{Item, LONGEST_TARGET, request};
use super::super::results::FileResult;
use super::super::temporary::{LocalFolder, TemporaryFile};
use super::new_folders::NewFolders;
use super::{ReportBuilder, Symlinks, TreeOptions, TreeReport, join};
use crate::attempt::{AttemptError, CallAttempt};
use crate::call::{Call, Operation};
use crate::error::Error;
use crate::reader::Reader;

/// The greatest depth of a folder. A path on Linux has at most 4,096 bytes, so at most 2,048 names.
const DEEPEST: usize = 2048;

/// The longest file name on Linux, in bytes.
const LONGEST_NAME: usize = 255;

impl Reader {
    /// Pulls a folder with all that is in it to `local`. What is in `local` and has no counterpart
    /// stays. Empty folders are made. A folder that exists keeps its mode. A file or link that
    /// exists is replaced once the new file is complete.
    ///
    /// Nothing is written outside `local`, whatever names Pebble gives. No link below it is
    /// followed, even one that takes the place of a folder meanwhile. If modes are kept, nobody
    /// else can read what is not complete: until then a file has mode 600 and a new folder 700.
    /// Local files are written with blocking calls, as by [`Reader::pull_file`]. If the future is
    /// dropped, the files that were complete by then stay, and no partial file does.
    ///
    /// # Errors
    /// - [`File`](crate::ErrorKind::File) if `remote` cannot be listed.
    /// - [`InvalidRequest`](crate::ErrorKind::InvalidRequest) if `remote` is not a folder.
    /// - [`Local`](crate::ErrorKind::Local) if `local` cannot be made.
    /// - [`Unreachable`](crate::ErrorKind::Unreachable) if an answer does not come within the
    ///   policy.
    ///
    /// The failure of a path below is in the report.
    pub async fn pull_tree(
        &self,
        remote: &str,
        local: impl AsRef<Path>,
        options: &TreeOptions,
    ) -> Result<TreeReport, Error> {
        let local = local.as_ref();
        let operation = format!("pull the folder {remote:?} to {}", local.display());
        let infos = self.list_files(remote, &ListOptions::new().itself()).await?;
        let Some(info) = infos.iter().find(|info| *info.file_type() == FileType::Directory) else {
            return Err(self.refuse(&operation, "it is no folder; pull a file with pull_file"));
        };
        let new_folders = NewFolders::create(local, options.keep_modes.then(|| info.mode()))
            .map_err(|error| Error::local(&operation, self.daemon(), "make the folder", error))?;
        let mut pull = TreePull {
            client: self,
            local,
            options,
            report: ReportBuilder::new(options),
            new_folders,
            batch: Vec::new(),
            bytes: 0,
            encoded_length: 0,
        };
        pull.report.add_folder(Path::new(""));
        let result = pull.run(remote).await;
        pull.set_modes();
        result.map(|()| pull.report.finish())
    }
}

/// A folder that exists locally, and whose contents are still to be pulled.
struct Folder {
    path: PathBuf,
    remote: String,
    depth: usize,
}

/// A file that is still to be pulled.
struct QueuedFile {
    folder: LocalFolder,
    path: PathBuf,
    remote: String,
    mode: Option<Mode>,
}

impl QueuedFile {
    fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    fn temporary(&self) -> io::Result<TemporaryFile> {
        TemporaryFile::beside(&self.folder, self.name(), self.mode)
    }
}

/// The state of a pull of a tree.
struct TreePull<'c> {
    client: &'c Reader,
    local: &'c Path,
    options: &'c TreeOptions,
    report: ReportBuilder<'c>,
    new_folders: NewFolders,
    batch: Vec<QueuedFile>,
    /// The size of the files in the batch together.
    bytes: u64,
    /// An upper bound of the length of their paths in the request.
    encoded_length: usize,
}

impl TreePull<'_> {
    async fn run(&mut self, remote: &str) -> Result<(), Error> {
        let mut folders =
            vec![Folder { path: PathBuf::new(), remote: remote.to_owned(), depth: 0 }];
        while let Some(folder) = folders.pop() {
            let mut subfolders = self.pull_contents(&folder).await?;
            // The last folder of the list is taken next, so the first one must come last.
            subfolders.reverse();
            folders.append(&mut subfolders);
        }
        self.flush().await
    }

    fn refuse(&mut self, path: PathBuf, remote: &str, reason: &str) {
        let error = self.client.refuse(&format!("pull {remote:?}"), reason);
        self.report.add_failure(path, error);
    }

    fn add_local_failure(&mut self, path: PathBuf, remote: &str, what: &str, error: io::Error) {
        let operation = format!("pull {remote:?} to {}", self.local.join(&path).display());
        let error = Error::local(&operation, self.client.daemon(), what, error);
        self.report.add_failure(path, error);
    }

    /// Pulls the files of a folder and makes the folders in it. Returns those folders, whose
    /// contents are still to be pulled.
    async fn pull_contents(&mut self, folder: &Folder) -> Result<Vec<Folder>, Error> {
        let local = match self.new_folders.root().below(&folder.path) {
            Ok(local) => local,
            Err(error) => {
                self.add_local_failure(
                    folder.path.clone(),
                    &folder.remote,
                    "open the folder",
                    error,
                );
                return Ok(Vec::new());
            }
        };
        let infos = match self.client.list_files(&folder.remote, &ListOptions::new()).await {
            Ok(infos) => infos,
            Err(error) => {
                self.report.add_failure_or_stop(folder.path.clone(), error)?;
                return Ok(Vec::new());
            }
        };
        let mut counts: HashMap<String, usize> = HashMap::new();
        for info in &infos {
            *counts.entry(info.name().to_owned()).or_default() += 1;
        }
        let mut folders = Vec::new();
        for info in infos {
            let remote = join(&folder.remote, info.name());
            if !is_file_name(info.name()) {
                // The name must not become part of a local path, not even in the report.
                self.refuse(
                    folder.path.clone(),
                    &remote,
                    "Pebble calls something in it by what is no file name",
                );
                continue;
            }
            let path = folder.path.join(info.name());
            if counts.get(info.name()).is_some_and(|counts| *counts > 1) {
                // Pebble shows bytes that are not UTF-8 as U+FFFD, so several files may have one
                // name here. One of them must not be taken for another.
                let reason = "several things in its folder are listed by this name, of which all \
                              but one are not UTF-8; rename them";
                self.refuse(path, &remote, reason);
                continue;
            }
            match info.file_type() {
                FileType::File => self.queue(&local, path, remote, &info).await?,
                FileType::Directory if folder.depth >= DEEPEST => {
                    self.refuse(path, &remote, "it lies deeper than any path can be");
                }
                FileType::Directory => {
                    if self.make_folder(&local, &path, &remote, info.mode()) {
                        folders.push(Folder {
                            path,
                            remote,
                            depth: folder.depth.saturating_add(1),
                        });
                    }
                }
                FileType::Symlink => self.pull_link(&local, path, remote).await?,
                other => {
                    let reason = format!(
                        "it is neither a file nor a folder but a {other}, which cannot be read"
                    );
                    self.refuse(path, &remote, &reason);
                }
            }
        }
        Ok(folders)
    }

    /// Treats a symbolic link as the options say.
    async fn pull_link(
        &mut self,
        folder: &LocalFolder,
        path: PathBuf,
        remote: String,
    ) -> Result<(), Error> {
        match self.options.symlinks {
            Symlinks::Skip => self.report.add_skipped(path),
            Symlinks::Report => {
                self.refuse(path, &remote, "it is a symbolic link; skip or follow links");
            }
            // A request for the path itself follows the link.
            Symlinks::Follow => {
                match self.client.list_files(&remote, &ListOptions::new().itself()).await {
                    Err(error) => return self.report.add_failure_or_stop(path, error),
                    Ok(infos) => match infos.first() {
                        Some(info) if *info.file_type() == FileType::File => {
                            return self.queue(folder, path, remote, info).await;
                        }
                        _ => self.refuse(
                            path,
                            &remote,
                            "it is a symbolic link that leads to no file; pull what it leads to \
                             by itself",
                        ),
                    },
                }
            }
        }
        Ok(())
    }

    /// Makes a local folder. Returns `true` if it exists and can be filled.
    fn make_folder(&mut self, folder: &LocalFolder, path: &Path, remote: &str, mode: Mode) -> bool {
        let keep_modes = self.options.keep_modes;
        match folder.create(path.file_name().unwrap_or_default(), keep_modes) {
            Ok(new) => {
                if new && keep_modes {
                    self.new_folders.add(path, mode);
                }
                self.report.add_folder(path);
                true
            }
            Err(error) => {
                self.add_local_failure(path.to_owned(), remote, "make the folder", error);
                false
            }
        }
    }

    /// Adds a file to the batch. If the batch is full, its files are pulled first.
    async fn queue(
        &mut self,
        folder: &LocalFolder,
        path: PathBuf,
        remote: String,
        info: &FileInfo,
    ) -> Result<(), Error> {
        let size = info.size().unwrap_or_default();
        // Each byte of a path takes at most three when it is encoded, and `&path=` precedes it.
        let encoded_length = remote.len().saturating_mul(3).saturating_add(8);
        let is_full = self.batch.len() >= self.options.batch_files
            || self.bytes.saturating_add(size) > self.options.batch_bytes
            || self.encoded_length.saturating_add(encoded_length) > LONGEST_TARGET / 2;
        if is_full {
            self.flush().await?;
        }
        self.bytes = self.bytes.saturating_add(size);
        self.encoded_length = self.encoded_length.saturating_add(encoded_length);
        self.batch.push(QueuedFile {
            folder: folder.clone(),
            path,
            remote,
            mode: self.options.keep_modes.then(|| info.mode()),
        });
        Ok(())
    }

    /// Pulls the files of the batch.
    async fn flush(&mut self) -> Result<(), Error> {
        let queued = std::mem::take(&mut self.batch);
        (self.bytes, self.encoded_length) = (0, 0);
        if queued.is_empty() {
            return Ok(());
        }
        let paths: Vec<&str> = queued.iter().map(|queued| queued.remote.as_str()).collect();
        let operation = match paths.as_slice() {
            [path] => format!("pull {path:?}"),
            paths => format!("pull {} files", paths.len()),
        };
        let (files, results) = self.client.read_to_temporary(operation, &paths, &queued).await?;
        for ((queued, file), result) in queued.into_iter().zip(files).zip(results) {
            let operation = format!("pull {:?}", queued.remote);
            if let Some(error) = result.to_error(&operation, self.client.daemon()) {
                self.report.add_failure(queued.path, error);
                continue;
            }
            let persisted = match file {
                Some(Ok((file, size))) => file.persist(queued.name()).map(|()| size),
                Some(Err(error)) => Err(error),
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            };
            let QueuedFile { path, remote, .. } = queued;
            match persisted {
                Ok(size) => self.report.add_file(&path, size),
                Err(error) => self.add_local_failure(path, &remote, "write it", error),
            }
        }
        Ok(())
    }

    /// Sets the modes of the new folders, and reports those that could not be set.
    fn set_modes(&mut self) {
        for (path, mode, error) in self.new_folders.set_modes() {
            let operation = format!("give {} the mode {mode}", self.local.join(&path).display());
            let error = Error::local(&operation, self.client.daemon(), "change it", error);
            self.report.add_failure(path, error);
        }
    }
}

/// The result of reading a file: nothing if it did not come, the temporary file and its size, or
/// why it could not be written.
type ReadResult = Option<io::Result<(TemporaryFile, u64)>>;

impl Reader {
    /// Reads files, each to a temporary file in the folder of its target. When the connection is
    /// lost, all are read again.
    async fn read_to_temporary(
        &self,
        operation: String,
        paths: &[&str],
        queued: &[QueuedFile],
    ) -> Result<(Vec<ReadResult>, Vec<FileResult>), Error> {
        self.checked_call(request(operation, paths), paths)?
            .run(&mut ReadFiles { paths, queued })
            .await
    }
}

/// The operation that reads several files, each to a temporary file.
struct ReadFiles<'a> {
    paths: &'a [&'a str],
    queued: &'a [QueuedFile],
}

impl Operation for ReadFiles<'_> {
    type Output = (Vec<ReadResult>, Vec<FileResult>);

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Self::Output, AttemptError> {
        let (client, request) = (attempt.client(), call.request());
        let mut stream = attempt.open_files(request, self.paths.len()).await?;
        let mut files: Vec<ReadResult> = self.paths.iter().map(|_| None).collect();
        let mut current = 0;
        loop {
            match stream.next(client, request, self.paths).await? {
                Item::File(index) => {
                    current = index;
                    if let (Some(file), Some(queued)) =
                        (files.get_mut(index), self.queued.get(index))
                    {
                        *file = Some(queued.temporary().map(|file| (file, 0)));
                    }
                }
                Item::Data(chunk) => {
                    if let Some(Some(slot)) = files.get_mut(current)
                        && let Ok((file, size)) = slot
                    {
                        *size = size.saturating_add(chunk.len() as u64);
                        if let Err(error) = file.write(&chunk) {
                            // The other files of the answer are still read.
                            *slot = Err(error);
                        }
                    }
                }
                Item::Results(results) => return Ok((files, results)),
            }
        }
    }
}

/// Returns `true` if this can be the name of a file in a folder, and of nothing else.
fn is_file_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']) && name.len() <= LONGEST_NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_is_no_name() {
        for name in ["", ".", "..", "/", "a/b", "/etc", "../x", "a\0"] {
            assert!(!is_file_name(name), "{name:?}");
        }
        assert!(is_file_name(&"x".repeat(255)) && !is_file_name(&"x".repeat(256)));
        for name in ["a", "...", "..a", "a\\b", "\n", "ä"] {
            assert!(is_file_name(name), "{name:?}");
        }
    }
}

//! Reads files: `GET /v1/files?action=read`.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use hyper::body::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::read_stream::{Item, LONGEST_TARGET, ReadStream, request};
use super::results::FileResult;
use super::temporary::{LocalFolder, TemporaryFile};
use crate::attempt::{AttemptError, CallAttempt};
use crate::call::{Call, Operation};
#[cfg(test)]
use crate::docs_table::Sample;
use crate::duration::seconds;
use crate::error::Error;
use crate::names::owned;
use crate::reader::Reader;
use crate::request::Request;

/// The largest file that [`Reader::pull`] holds in memory: 128 MiB. A caller that wants more has to
/// set a limit of its own.
const DEFAULT_LIMIT: u64 = 128 * 1024 * 1024;

/// Returns the name of the call for messages.
fn operation(path: &str) -> String {
    format!("pull {path:?}")
}

impl Reader {
    /// Reads a file of at most 128 MiB into memory. It sends `GET /v1/files?action=read`. `path`
    /// must be absolute and lead to a regular file. If the connection is lost before the end, the
    /// file is read again. Dropping the future has no effect on the container.
    ///
    /// # Errors
    /// - [`File`](crate::ErrorKind::File) if Pebble cannot read the file.
    /// - [`TooLarge`](crate::ErrorKind::TooLarge) if the file is larger than the limit.
    /// - [`Unreachable`](crate::ErrorKind::Unreachable) if the file does not come within the
    ///   policy. The policy's limit counts only the time in which no byte is received.
    pub async fn pull(&self, path: &str) -> Result<Vec<u8>, Error> {
        self.pull_at_most(path, DEFAULT_LIMIT).await
    }

    /// Reads a text file as [`Reader::pull`] does.
    ///
    /// # Errors
    /// As [`Reader::pull`], and [`Local`](crate::ErrorKind::Local) of
    /// [`InvalidData`](io::ErrorKind::InvalidData) if the file is not UTF-8.
    pub async fn pull_text(&self, path: &str) -> Result<String, Error> {
        let content = self.pull(path).await?;
        String::from_utf8(content).map_err(|error| {
            let error = io::Error::new(io::ErrorKind::InvalidData, error.utf8_error());
            Error::local(&operation(path), self.daemon(), "read it as text", error)
        })
    }

    /// Reads a file as [`Reader::pull`] does, with another limit in bytes.
    ///
    /// # Errors
    /// As [`Reader::pull`].
    pub async fn pull_at_most(&self, path: &str, limit: u64) -> Result<Vec<u8>, Error> {
        self.file_call(path)?.run(&mut PullToMemory { path, limit }).await
    }

    /// Writes the content of a file to a writer, flushes it, and returns the number of bytes. It
    /// sends `GET /v1/files?action=read`. Memory is bounded whatever the size of the file.
    ///
    /// The writer has got the file only if this returns `Ok`. An attempt is repeated until the
    /// first byte was written, but not after that, because the writer would get bytes twice. If the
    /// future is dropped, the writer may have got a part.
    ///
    /// # Errors
    /// As [`Reader::pull`], except for the size, and:
    /// - [`Interrupted`](crate::ErrorKind::Interrupted), with the number of bytes that were
    ///   written, if the connection was lost after the first byte.
    /// - [`Local`](crate::ErrorKind::Local) if the writer fails.
    ///
    /// After any error the bytes that the writer got must not be used.
    pub async fn pull_to(&self, path: &str, writer: impl AsyncWrite + Unpin) -> Result<u64, Error> {
        let mut pull = PullToWriter { path, writer, bytes_given: 0 };
        self.file_call(path)?.run(&mut pull).await?;
        Ok(pull.bytes_given)
    }

    /// Writes the content of a file to a local file, and returns the number of bytes. It sends `GET
    /// /v1/files?action=read`. Memory is bounded whatever the size of the file.
    ///
    /// The content is written to a temporary file in the same folder, which is renamed once it is
    /// complete. It replaces a file or link of that name. It gets the mode of the file that it
    /// replaces, or of any new file: for a secret, make an empty file of mode 600 first. When the
    /// connection is lost, the file is read again from its start. After an error, or if the future
    /// is dropped, no temporary file is left. The file is written with blocking calls, which take
    /// less time than a switch to another thread, and without waiting for the disk (no `fsync`).
    ///
    /// # Errors
    /// As [`Reader::pull`], except for the size, and [`Local`](crate::ErrorKind::Local) if the
    /// local file cannot be written, or a folder or device is in its place.
    pub async fn pull_file(&self, path: &str, local: impl AsRef<Path>) -> Result<u64, Error> {
        let local = local.as_ref();
        let request = request(format!("pull {path:?} to {}", local.display()), &[path]);
        let mut call = self.checked_call(request, &[path])?;
        let operation = call.request().operation();
        let failed = |what: &str, error| Error::local(operation, self.daemon(), what, error);
        let name = local.file_name().ok_or_else(|| {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
            failed("make it", error)
        })?;
        // The folder is opened before the first attempt. A wrong path then fails without a request,
        // and all attempts write to the same folder.
        let folder = LocalFolder::open(local.parent().unwrap_or(local));
        let folder = &folder.map_err(|error| failed("open the folder it is to be in", error))?;
        call.run(&mut PullToFile { path, folder, name }).await
    }

    /// Reads several files in one request, one after the other: see [`PullStream`]. Only the
    /// request is repeated, until its answer begins. Without paths nothing is sent.
    ///
    /// # Errors
    /// - [`Unreachable`](crate::ErrorKind::Unreachable) if no answer begins within the policy.
    /// - [`InvalidRequest`](crate::ErrorKind::InvalidRequest) if the paths together are too long
    ///   for one request (about 60 KiB).
    pub async fn pull_all(
        &self,
        paths: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<PullStream, Error> {
        let paths = owned(paths);
        let borrowed: Vec<&str> = paths.iter().map(String::as_str).collect();
        let operation = match borrowed.as_slice() {
            [path] => operation(path),
            paths => format!("pull {} files", paths.len()),
        };
        let mut call = self.checked_call(request(operation, &borrowed), &borrowed)?;
        let stream = if paths.is_empty() {
            None
        } else {
            Some(Box::new(call.run(&mut OpenFiles { files: paths.len() }).await?))
        };
        Ok(PullStream {
            client: self.clone(),
            request: call.request().clone(),
            paths,
            results: stream.is_none().then(Vec::new),
            stream,
            next_index: None,
            bytes: 0,
        })
    }

    /// Makes the call that reads one file.
    fn file_call(&self, path: &str) -> Result<Call<'_>, Error> {
        self.checked_call(request(operation(path), &[path]), &[path])
    }

    /// Makes a call, after checking that these paths fit one request.
    pub(super) fn checked_call(&self, request: Request, paths: &[&str]) -> Result<Call<'_>, Error> {
        self.check_paths(request.operation(), paths.iter().copied())?;
        if request.target().len() > LONGEST_TARGET {
            let reason = format!(
                "the paths are longer than the {LONGEST_TARGET} bytes that fit one request; ask \
                 for fewer"
            );
            return Err(self.refuse(request.operation(), reason));
        }
        Ok(Call::new(self, request))
    }
}

/// The operation that reads one file into memory.
struct PullToMemory<'a> {
    path: &'a str,
    limit: u64,
}

impl Operation for PullToMemory<'_> {
    type Output = Vec<u8>;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Vec<u8>, AttemptError> {
        let mut content = Vec::new();
        let mut file = FileContent::open(call.request(), self.path, attempt).await?;
        while let Some(chunk) = file.next_chunk().await? {
            if content.len().saturating_add(chunk.len()) as u64 > self.limit {
                let (operation, daemon) = (call.request().operation(), attempt.client().daemon());
                return Err(Error::too_large(operation, daemon, self.limit).into());
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content)
    }
}

/// The operation that writes the content of one file to a writer.
struct PullToWriter<'a, W> {
    path: &'a str,
    writer: W,
    /// The number of bytes that were written, in all attempts.
    bytes_given: u64,
}

impl<W: AsyncWrite + Unpin> Operation for PullToWriter<'_, W> {
    type Output = ();

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<(), AttemptError> {
        let client = attempt.client();
        let (request, daemon) = (call.request(), client.daemon());
        let failed = |error| {
            AttemptError::Final(Error::local(
                request.operation(),
                daemon,
                "write to its writer",
                error,
            ))
        };
        let mut file = FileContent::open(request, self.path, attempt).await?;
        loop {
            match file.next_chunk().await {
                Ok(Some(chunk)) => {
                    // The bytes are counted before the write: a write that fails, or is dropped,
                    // may have taken some.
                    self.bytes_given = self.bytes_given.saturating_add(chunk.len() as u64);
                    self.writer.write_all(&chunk).await.map_err(failed)?;
                }
                Ok(None) => return self.writer.flush().await.map_err(failed),
                Err(error) => {
                    return Err(after_bytes_given(client, request, self.bytes_given, error));
                }
            }
        }
    }
}

/// The operation that writes the content of one file to a local file.
struct PullToFile<'a> {
    path: &'a str,
    folder: &'a LocalFolder,
    name: &'a OsStr,
}

impl Operation for PullToFile<'_> {
    type Output = u64;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<u64, AttemptError> {
        let (request, daemon) = (call.request(), attempt.client().daemon());
        let failed = |what: &str, error| {
            AttemptError::Final(Error::local(request.operation(), daemon, what, error))
        };
        // The file is made before the request: if that fails, nothing was transferred in vain.
        let mut file = TemporaryFile::beside(self.folder, self.name, None)
            .map_err(|error| failed("make a file beside it", error))?;
        let mut size = 0_u64;
        let mut source = FileContent::open(request, self.path, attempt).await?;
        while let Some(chunk) = source.next_chunk().await? {
            size = size.saturating_add(chunk.len() as u64);
            file.write(&chunk).map_err(|error| failed("write it", error))?;
        }
        file.persist(self.name).map_err(|error| failed("give it its name", error))?;
        Ok(size)
    }
}

/// The operation that requests several files.
struct OpenFiles {
    files: usize,
}

impl Operation for OpenFiles {
    type Output = ReadStream;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<ReadStream, AttemptError> {
        attempt.open_files(call.request(), self.files).await
    }
}

/// Returns the error of an attempt after a receiver was given `bytes` bytes. With any bytes, the
/// attempt must not be repeated.
fn after_bytes_given(
    client: &Reader,
    request: &Request,
    bytes: u64,
    error: AttemptError,
) -> AttemptError {
    if bytes == 0 {
        return error;
    }
    let cause = match error {
        AttemptError::Final(_) => return error,
        AttemptError::Temporary { cause, .. } => cause,
        AttemptError::TimedOut { unanswered, .. } => format!("silent for {}", seconds(unanswered)),
    };
    let reason = format!(
        "the connection broke after {bytes} bytes were given away ({cause}); they must not be \
         trusted, pull it again"
    );
    Error::interrupted(request.operation(), client.daemon(), bytes, reason).into()
}

/// The answer to a request for one file.
struct FileContent<'a> {
    client: &'a Reader,
    request: &'a Request,
    path: &'a str,
    stream: ReadStream,
}

impl<'a> FileContent<'a> {
    /// Sends the request for one file, once.
    async fn open<'c: 'a>(
        request: &'a Request,
        path: &'a str,
        attempt: &mut CallAttempt<'c>,
    ) -> Result<Self, AttemptError> {
        let stream = attempt.open_files(request, 1).await?;
        Ok(Self { client: attempt.client(), request, path, stream })
    }

    /// Returns the next chunk, or `None` if the file is complete and Pebble has confirmed it. If
    /// Pebble reports an error, it is final.
    async fn next_chunk(&mut self) -> Result<Option<Bytes>, AttemptError> {
        loop {
            match self.stream.next(self.client, self.request, &[self.path]).await? {
                Item::File(_) => {}
                Item::Data(chunk) => return Ok(Some(chunk)),
                Item::Results(results) => {
                    let result = self.client.only_result(self.request.operation(), &results);
                    return result.map(|()| None).map_err(AttemptError::Final);
                }
            }
        }
    }
}

/// A pull stream reads several files, one after the other, from one answer.
///
/// ```no_run
/// # use charmwright_pebble::{Client, Error};
/// # async fn read(client: Client) -> Result<(), Error> {
/// let mut files = client.pull_all(["/etc/hosts", "/etc/missing"]).await?;
/// while let Some(mut file) = files.next_file().await? {
///     let mut size = 0;
///     while let Some(piece) = file.chunk().await? {
///         size += piece.len();
///     }
///     println!("{}: {size} bytes so far as Pebble has said", file.path());
/// }
/// for result in files.finish().await? {
///     if let Some(error) = result.error() {
///         println!("{}: {error}", result.path());
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// A file that Pebble cannot open is left out, and one that fails in the middle comes in part.
/// **Only [`finish`](Self::finish) says which files were read**: until then no byte must be used.
/// If the stream is dropped before its end, its connection is closed.
pub struct PullStream {
    client: Reader,
    request: Request,
    paths: Vec<String>,
    stream: Option<Box<ReadStream>>,
    /// The index of a file that began while the one before was skipped.
    next_index: Option<usize>,
    bytes: u64,
    results: Option<Vec<FileResult>>,
}

impl PullStream {
    /// Returns the next file, or `None` after the last. What was not read of the file before is
    /// skipped. If the future is dropped, the method may be called again.
    ///
    /// # Errors
    /// - [`Interrupted`](crate::ErrorKind::Interrupted) if the connection was lost after a byte of
    ///   a file came.
    /// - [`Unreachable`](crate::ErrorKind::Unreachable) if it was lost before that.
    ///
    /// After an error the stream gives nothing more.
    pub async fn next_file(&mut self) -> Result<Option<PulledFile<'_>>, Error> {
        let index = loop {
            if let Some(index) = self.next_index.take() {
                break index;
            }
            match self.next_item().await? {
                Some(Item::File(index)) => break index,
                Some(Item::Data(_)) => {}
                Some(Item::Results(_)) | None => return Ok(None),
            }
        };
        Ok(Some(PulledFile { stream: self, index, chunk: Bytes::new(), has_ended: false }))
    }

    /// Returns the result of each path, in the order in which the paths were given. What was not
    /// read of the files is skipped.
    ///
    /// # Errors
    /// As [`PullStream::next_file`].
    pub async fn finish(mut self) -> Result<Vec<FileResult>, Error> {
        while self.next_item().await?.is_some() {}
        self.results.ok_or_else(|| {
            let reason = "its stream has broken before; pull it again".to_owned();
            Error::interrupted(self.request.operation(), self.client.daemon(), self.bytes, reason)
        })
    }

    /// Returns the next item of the answer, or `None` after the results or an error.
    async fn next_item(&mut self) -> Result<Option<Item>, Error> {
        let Some(stream) = &mut self.stream else {
            return Ok(None);
        };
        match stream.next(&self.client, &self.request, &self.paths).await {
            Ok(Item::Results(results)) => {
                self.stream = None;
                self.results = Some(results);
                Ok(None)
            }
            Ok(item) => {
                if let Item::Data(chunk) = &item {
                    self.bytes = self.bytes.saturating_add(chunk.len() as u64);
                }
                Ok(Some(item))
            }
            Err(error) => {
                self.stream = None;
                let cause = match after_bytes_given(&self.client, &self.request, self.bytes, error)
                {
                    AttemptError::Final(error) => return Err(error),
                    AttemptError::Temporary { cause, .. } => cause,
                    AttemptError::TimedOut { unanswered, .. } => {
                        format!("silent for {}", seconds(unanswered))
                    }
                };
                let reason = format!(
                    "the answer of Pebble at {} broke off before a byte of a file came ({cause}); \
                     pull it again",
                    self.client.socket().display()
                );
                Err(Error::unreachable(self.request.operation(), self.client.daemon(), reason)
                    .with_attempts(1))
            }
        }
    }
}

impl std::fmt::Debug for PullStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PullStream")
            .field("paths", &self.paths)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A pulled file is one of a [`PullStream`], while it is read.
#[derive(Debug)]
pub struct PulledFile<'s> {
    stream: &'s mut PullStream,
    index: usize,
    /// The chunk that was given last. It is kept, because the caller borrows it.
    chunk: Bytes,
    has_ended: bool,
}

impl PulledFile<'_> {
    /// Returns the path as it was given.
    #[must_use]
    pub fn path(&self) -> &str {
        self.stream.paths.get(self.index).map_or("", String::as_str)
    }

    /// Returns the index of the path among those that were given, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the next chunk of the content, which is never empty, or `None` at the end. The end
    /// is as far as Pebble could read the file. If the future is dropped, the method may be called
    /// again.
    ///
    /// # Errors
    /// As [`PullStream::next_file`].
    pub async fn chunk(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.has_ended {
            return Ok(None);
        }
        match self.stream.next_item().await? {
            Some(Item::Data(chunk)) => {
                self.chunk = chunk;
                return Ok(Some(&self.chunk));
            }
            Some(Item::File(index)) => self.stream.next_index = Some(index),
            Some(Item::Results(_)) | None => {}
        }
        self.has_ended = true;
        Ok(None)
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::new(
        "Reader::pull, Reader::pull_text, Reader::pull_at_most, Reader::pull_to, \
         Reader::pull_file, Reader::pull_all, Reader::pull_tree",
        "/v1/files",
        request(operation("/a"), &["/a"]),
    )]
}

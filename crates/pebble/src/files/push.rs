//! Writes files: `POST /v1/files` with a multipart body.
//!
//! Pebble writes each file to a temporary file in the same folder, waits for the disk (`fsync`) and
//! renames it, so the file is either complete or as it was before. That is why a push may be sent
//! again after a lost answer, if its content can be read again. Bytes and local files can be, and a
//! reader cannot.

use std::collections::HashSet;
use std::fs::File;
use std::future::ready;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use hyper::body::Bytes;
use rustix::fs::OFlags;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::encoder::Boundary;
use super::mode::Mode;
use super::owner::Owner;
use super::results::{FileResult, decode_results};
use super::upload::upload;
use crate::answer::Answer;
use crate::attempt::{AttemptError, CallAttempt};
use crate::body::{Pipe, RequestBody};
use crate::call::{Call, Operation};
use crate::client::Client;
#[cfg(test)]
use crate::docs_table::Sample;
use crate::duration::seconds;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::request::Request;
use crate::resend::Resend;

/// The bytes of a reader or a local file that are held at a time.
const CHUNK_SIZE: usize = 64 * 1024;

/// The time that waiting for the disk may take for each file, in addition to the time for its size.
const TIME_PER_FILE: Duration = Duration::from_millis(200);

/// Says how a file is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct PushOptions {
    make_dirs: bool,
    mode: Option<Mode>,
    owner: Owner,
    length: Option<u64>,
}

impl PushOptions {
    /// Writes a file of mode 644 into a folder that exists. It replaces a file or link of that
    /// name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the missing folders on the path, with mode 755 and the owner of the file.
    pub fn make_dirs(mut self) -> Self {
        self.make_dirs = true;
        self
    }

    /// Sets the mode, whatever the umask. The default is 644.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the owner. The default is the account that Pebble runs as.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    /// Sets the number of bytes that the reader of [`Client::push_from`] will give. If it gives
    /// another number, the push fails and nothing is written. Other pushes know the number
    /// themselves.
    pub fn length(mut self, bytes: u64) -> Self {
        self.length = Some(bytes);
        self
    }

    /// Returns the entry of the request for this file.
    fn item(&self, path: &str) -> Value {
        let mut item = json!(self.owner);
        if let Some(item) = item.as_object_mut() {
            item.insert("path".to_owned(), path.into());
            if self.make_dirs {
                item.insert("make-dirs".to_owned(), true.into());
            }
            if let Some(mode) = self.mode {
                item.insert("permissions".to_owned(), mode.to_string().into());
            }
        }
        item
    }
}

/// Describes a file for [`Client::push_all`]: its path, content and options. `Debug` does not show
/// the content.
#[derive(Clone)]
#[must_use]
pub struct PushFile {
    path: String,
    content: Bytes,
    options: PushOptions,
}

impl PushFile {
    /// Makes a file with this absolute path and this content.
    ///
    /// A `Vec` and a `String` are not copied, and anything borrowed is copied once. A clone shares
    /// the content.
    pub fn new(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: content.into().into(), options: PushOptions::new() }
    }

    /// Sets how the file is written.
    pub fn options(mut self, options: PushOptions) -> Self {
        self.options = options;
        self
    }

    /// Returns the path of the file in the container.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the number of bytes of the content.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.content.len() as u64
    }
}

impl std::fmt::Debug for PushFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushFile")
            .field("path", &self.path)
            .field("bytes", &self.content.len())
            .field("options", &self.options)
            .finish()
    }
}

/// Returns the name of the call for messages.
fn operation(path: &str) -> String {
    format!("push {path:?}")
}

/// Makes the request for this number of files.
fn request(operation: String, boundary: &Boundary, files: usize, resend: Resend) -> Request {
    let time = TIME_PER_FILE.saturating_mul(u32::try_from(files).unwrap_or(u32::MAX));
    Request::upload("/v1/files", operation, boundary.content_type(), resend).expected(time)
}

/// The bytes around the content in the body of a push of one file.
struct BodyFrame {
    before: Bytes,
    after: Bytes,
}

impl BodyFrame {
    fn new(boundary: &Boundary, path: &str, options: &PushOptions) -> Self {
        let metadata = json!({"action": "write", "files": [options.item(path)]});
        Self {
            before: [boundary.request_part(&metadata), boundary.file_head(path)].concat().into(),
            after: boundary.end().into(),
        }
    }

    /// Returns the body around a content that is complete.
    fn whole(&self, content: Bytes) -> RequestBody {
        let mut body = RequestBody::whole(self.before.clone());
        body.push(content);
        body.push(self.after.clone());
        body
    }

    /// Returns the body around a content of which only the beginning is known, and the pipe for the
    /// rest.
    fn piped(&self, first: Bytes, length: Option<u64>) -> (RequestBody, Pipe) {
        let mut body = RequestBody::whole(self.before.clone());
        body.push(first);
        let pipe = body.pipe(length);
        body.push(self.after.clone());
        (body, pipe)
    }
}

impl Client {
    /// Makes a new boundary.
    fn boundary(&self, operation: &str) -> Result<Boundary, Error> {
        Boundary::random()
            .map_err(|error| Error::local(operation, self.daemon(), "get random bytes", error))
    }

    /// Writes a file. It sends `POST /v1/files`. `path` must be absolute. While no answer comes,
    /// the whole request is sent again. If the future is dropped, the file may have been written,
    /// but never in part.
    ///
    /// A name may contain anything but `/` and NUL. Pebble 1.32 refuses a name with a `*`, which
    /// Pebble 1.1 accepted. A `Vec` and a `String` are not copied.
    ///
    /// ```no_run
    /// # use charmwright_pebble::{Client, Error, Mode, PushOptions};
    /// # async fn write(client: Client) -> Result<(), Error> {
    /// let options = PushOptions::new().make_dirs().mode(Mode::octal::<0o640>());
    /// client.push("/etc/web/web.conf", "port = 8080\n", &options).await?;
    /// assert_eq!(client.pull_text("/etc/web/web.conf").await?, "port = 8080\n");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// - [`File`](crate::ErrorKind::File) if Pebble could not write the file.
    /// - [`Unreachable`](crate::ErrorKind::Unreachable) if no answer comes within the policy. The
    ///   policy's limit counts only the time in which no byte is sent, plus 1 s for each 10 MiB,
    ///   for a slow disk.
    pub async fn push(
        &self,
        path: &str,
        content: impl Into<Vec<u8>>,
        options: &PushOptions,
    ) -> Result<(), Error> {
        let file = PushFile::new(path, content).options(options.clone());
        let results = self.push_named(operation(path), std::slice::from_ref(&file)).await?;
        self.only_result(&operation(path), &results)
    }

    /// Writes several files in one request, in this order, and returns the result of each. A file
    /// that cannot be written does not stop the others. Otherwise this works as [`Client::push`].
    /// Contents are shared, not copied. Without files nothing is sent.
    ///
    /// ```no_run
    /// # use charmwright_pebble::{Client, Error, PushFile};
    /// # async fn write(client: Client) -> Result<(), Error> {
    /// let files = [PushFile::new("/etc/web/a", "1"), PushFile::new("/etc/web/b", "2")];
    /// for result in client.push_all(&files).await? {
    ///     if let Some(error) = result.error() {
    ///         println!("{}: {error}", result.path());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Client::push`], except that a file which Pebble could not write is in the results.
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) if two files have the same path.
    pub async fn push_all(&self, files: &[PushFile]) -> Result<Vec<FileResult>, Error> {
        let operation = match files {
            [] => return Ok(Vec::new()),
            [file] => operation(&file.path),
            files => format!("push {} files", files.len()),
        };
        self.push_named(operation, files).await
    }

    /// Writes several files, with this name of the call for messages.
    async fn push_named(
        &self,
        operation: String,
        files: &[PushFile],
    ) -> Result<Vec<FileResult>, Error> {
        let mut paths = files.iter().map(PushFile::path);
        self.check_paths(&operation, paths.clone())?;
        self.check_owners(&operation, files.iter().map(|file| &file.options.owner))?;
        let mut seen = HashSet::new();
        if let Some(path) = paths.find(|path| !seen.insert(*path)) {
            return Err(self.refuse(&operation, format!("{path:?} is named twice; push it once")));
        }
        let boundary = self.boundary(&operation)?;
        let items: Vec<Value> = files.iter().map(|file| file.options.item(&file.path)).collect();
        let metadata = json!({"action": "write", "files": items});
        let mut call = Call::new(self, request(operation, &boundary, files.len(), Resend::Safe));
        let push = &mut PushFiles { boundary: &boundary, metadata: &metadata, files };
        let envelope = call.run(push).await?;
        let paths = files.iter().map(|file| (file.path(), file.options.make_dirs));
        decode_results(&Answer::to(self, &call, envelope), paths)
    }

    /// Writes a file with the content of a local file, and returns the number of bytes. It sends
    /// `POST /v1/files`. `local` is opened anew for each attempt and read in chunks of 64 KiB, with
    /// blocking calls, which take less time than a switch to another thread. If the local file
    /// changes meanwhile, the content may have the change or not. If the future is dropped, the
    /// file may have been written, but never in part.
    ///
    /// # Errors
    /// As [`Client::push`], and [`Local`](crate::ErrorKind::Local) if `local` is not a regular file
    /// or cannot be read.
    pub async fn push_file(
        &self,
        local: impl AsRef<Path>,
        path: &str,
        options: &PushOptions,
    ) -> Result<u64, Error> {
        let local = local.as_ref();
        let operation = format!("push {} to {path:?}", local.display());
        self.check_paths(&operation, [path])?;
        self.check_owners(&operation, [&options.owner])?;
        let boundary = self.boundary(&operation)?;
        let frame = &BodyFrame::new(&boundary, path, options);
        let mut call = Call::new(self, request(operation, &boundary, 1, Resend::Safe));
        let (envelope, progress) = call.run(&mut PushLocalFile { local, frame }).await?;
        self.check_written(&call, envelope, (path, options.make_dirs), progress)
    }

    /// Writes a file with the bytes of a reader. It sends `POST /v1/files`. Memory is bounded
    /// whatever the size: two chunks of at most 64 KiB. The reader may pause for as long as the
    /// policy's limit allows a request to send nothing.
    ///
    /// The bytes of a reader cannot be read twice, so an attempt is repeated only if it failed
    /// before the first byte was read. If the future is dropped, the file may have been written if
    /// the reader was at its end, but never in part.
    ///
    /// # Errors
    /// As [`Client::push`], and:
    /// - [`Interrupted`](crate::ErrorKind::Interrupted) if the answer was lost after bytes were
    ///   read. The file is then as it was before, or complete: see
    ///   [`may_have_acted`](Error::may_have_acted).
    /// - [`Local`](crate::ErrorKind::Local) if the reader fails, or gives another number of bytes
    ///   than [`PushOptions::length`].
    pub async fn push_from(
        &self,
        path: &str,
        reader: impl AsyncRead + Unpin,
        options: &PushOptions,
    ) -> Result<(), Error> {
        self.check_paths(&operation(path), [path])?;
        self.check_owners(&operation(path), [&options.owner])?;
        let boundary = self.boundary(&operation(path))?;
        let frame = &BodyFrame::new(&boundary, path, options);
        let mut call = Call::new(self, request(operation(path), &boundary, 1, Resend::Never));
        let length = options.length;
        let mut push = PushFromReader { reader, length, frame, progress: Progress::default() };
        let envelope = call.run(&mut push).await?;
        self.check_written(&call, envelope, (path, options.make_dirs), push.progress).map(|_| ())
    }

    /// Checks the answer to a push of one file, and returns the number of bytes. Pebble cannot have
    /// written the file before all of it was sent.
    fn check_written(
        &self,
        call: &Call<'_>,
        envelope: Envelope,
        file: (&str, bool),
        progress: Progress,
    ) -> Result<u64, Error> {
        let answer = Answer::to(self, call, envelope);
        let results = decode_results(&answer, [file])?;
        self.only_result(call.request().operation(), &results)?;
        if progress.is_complete {
            Ok(progress.bytes)
        } else {
            let reason = "Pebble answered that the file is written before it had all of it";
            Err(answer.malformed(reason))
        }
    }
}

/// The operation that writes files whose contents are in memory.
struct PushFiles<'a> {
    boundary: &'a Boundary,
    metadata: &'a Value,
    files: &'a [PushFile],
}

impl Operation for PushFiles<'_> {
    type Output = Envelope;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Envelope, AttemptError> {
        let make = || {
            let mut body = RequestBody::whole(self.boundary.request_part(self.metadata).into());
            for file in self.files {
                body.push(self.boundary.file_head(&file.path).into());
                body.push(file.content.clone());
            }
            body.push(self.boundary.end().into());
            (body, ready(Ok(())))
        };
        upload(call, attempt, make).await
    }
}

/// The operation that writes a file with the content of a local file.
struct PushLocalFile<'a> {
    local: &'a Path,
    frame: &'a BodyFrame,
}

impl Operation for PushLocalFile<'_> {
    type Output = (Envelope, Progress);

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<(Envelope, Progress), AttemptError> {
        let daemon = attempt.client().daemon();
        let operation = call.request().operation().to_owned();
        let failed = &|what: &str, error| Error::local(&operation, daemon, what, error);
        let file = &open_file(self.local).map_err(|error| failed("open it", error))?;
        let first = read_chunk(file).map_err(|error| failed("read it", error))?;
        let first = Bytes::from(first);
        let mut progress = Progress::default();
        progress.add(first.len());
        let make = || {
            // A small file is sent as a whole. The length of a larger one is not declared, because
            // a file such as a log may grow while it is read.
            let (body, pipe) = match first.len() {
                ..CHUNK_SIZE => {
                    progress.is_complete = true;
                    (self.frame.whole(first), None)
                }
                _ => {
                    let (body, pipe) = self.frame.piped(first, None);
                    (body, Some(pipe))
                }
            };
            (body, pump_file(file, pipe, &mut progress, failed))
        };
        let envelope = upload(call, attempt, make).await?;
        Ok((envelope, progress))
    }
}

/// The operation that writes a file with the bytes of a reader, which cannot be read twice.
struct PushFromReader<'a, R> {
    reader: R,
    length: Option<u64>,
    frame: &'a BodyFrame,
    progress: Progress,
}

impl<R: AsyncRead + Unpin> Operation for PushFromReader<'_, R> {
    type Output = Envelope;

    async fn attempt(
        &mut self,
        call: &mut Call<'_>,
        attempt: &mut CallAttempt<'_>,
    ) -> Result<Envelope, AttemptError> {
        let daemon = attempt.client().daemon();
        let operation = call.request().operation().to_owned();
        let failed = &|what: &str, error| Error::local(&operation, daemon, what, error);
        let Self { reader, length, frame, progress } = self;
        let sent = upload(call, attempt, || {
            let (body, pipe) = frame.piped(Bytes::new(), *length);
            (body, pump_reader(reader, pipe, *length, progress, failed))
        });
        let error = match sent.await {
            Ok(envelope) => return Ok(envelope),
            Err(error) => error,
        };
        // Nothing was read, so another attempt may begin with the same reader.
        if self.progress.bytes == 0 {
            return Err(error);
        }
        let cause = match error {
            AttemptError::Final(_) => return Err(error),
            AttemptError::Temporary { cause, .. } => cause,
            AttemptError::TimedOut { unanswered, .. } => {
                format!("silent for {}", seconds(unanswered))
            }
        };
        let bytes = self.progress.bytes;
        let reason = format!(
            "the connection broke after {bytes} bytes were taken from its reader ({cause}), which \
             cannot give them twice; the file is as it was before or whole; push it again with a \
             new reader"
        );
        Err(Error::interrupted(&operation, daemon, bytes, reason).with_acted(true).into())
    }
}

/// Says how far the content of a push was read.
#[derive(Default)]
struct Progress {
    bytes: u64,
    is_complete: bool,
}

impl Progress {
    /// Counts more bytes, and returns how many there are with them.
    fn add(&mut self, count: usize) -> u64 {
        self.bytes = self.bytes.saturating_add(count as u64);
        self.bytes
    }
}

/// Opens a regular file. The open does not block on a named pipe that has no writer.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    Ok(file)
}

/// Reads the next chunk of a file. Only the last chunk is shorter than the others.
fn read_chunk(file: &File) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK_SIZE);
    file.take(CHUNK_SIZE as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

/// Sends the rest of a file into the pipe. Without a pipe there is no rest.
async fn pump_file(
    file: &File,
    pipe: Option<Pipe>,
    progress: &mut Progress,
    failed: &(impl Fn(&str, io::Error) -> Error + Sync),
) -> Result<(), Error> {
    let Some(pipe) = pipe else { return Ok(()) };
    loop {
        let chunk = read_chunk(file).map_err(|error| failed("read it", error))?;
        if chunk.is_empty() {
            progress.is_complete = true;
            return Ok(());
        }
        progress.add(chunk.len());
        // If nobody takes the chunk, the request is over, and its answer or error says why.
        if !pipe.send(chunk.into()).await {
            return Ok(());
        }
    }
}

/// Sends what a reader gives into the pipe, and checks its length.
async fn pump_reader(
    reader: &mut (impl AsyncRead + Unpin),
    pipe: Pipe,
    length: Option<u64>,
    progress: &mut Progress,
    failed: &(impl Fn(&str, io::Error) -> Error + Sync),
) -> Result<(), Error> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_SIZE);
        let count = reader
            .read_buf(&mut chunk)
            .await
            .map_err(|error| failed("read from its reader", error))?;
        let so_far = progress.add(count);
        let is_wrong =
            length.is_some_and(|length| so_far > length || (count == 0 && so_far < length));
        if is_wrong {
            let cause = format!(
                "it gave {so_far} bytes, and {} were announced",
                length.unwrap_or_default()
            );
            let kind =
                if count == 0 { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::InvalidData };
            return Err(failed("read from its reader", io::Error::new(kind, cause)));
        }
        if count == 0 {
            progress.is_complete = true;
            return Ok(());
        }
        // As in `pump_file`.
        if !pipe.send(chunk.into()).await {
            return Ok(());
        }
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    let boundary = Boundary::random().unwrap();
    let sample = |call, resend| {
        Sample::new(call, "/v1/files", request(operation("/a"), &boundary, 1, resend))
    };
    vec![
        sample(
            "Client::push, Client::push_all, Client::push_file, Client::push_tree",
            Resend::Safe,
        ),
        sample("Client::push_from", Resend::Never),
    ]
}

//! Writing files: `POST /v1/files` with a multipart body.
//!
//! Pebble writes each file beside its place, waits for the disk and renames it, so a file is there
//! whole or as it was before. That is why a push may be sent again after a lost answer, if its
//! content can be had again: bytes and local files can, a reader cannot.

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
use crate::body::{Outgoing, Pipe};
use crate::call::{Call, Operation};
use crate::client::Client;
#[cfg(test)]
use crate::docs_table::Sample;
use crate::duration::seconds;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::request::Request;
use crate::resend::Resend;

/// How much of a reader or a local file is held at a time.
const CHUNK_SIZE: usize = 64 * 1024;

/// What waiting for the disk may take for each file, beside what its size takes.
const TIME_PER_FILE: Duration = Duration::from_millis(200);

/// How a file is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct PushOptions {
    make_dirs: bool,
    mode: Option<Mode>,
    owner: Owner,
    length: Option<u64>,
}

impl PushOptions {
    /// A file of mode 644 in a folder that is there. It takes the place of a file, or of a link,
    /// that is there already.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes what is missing of the folders on the path, with mode 755 and the file's owner.
    pub fn make_dirs(mut self) -> Self {
        self.make_dirs = true;
        self
    }

    /// Its mode, whatever the umask; 644 unless set.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Whom it is to belong to.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    /// How many bytes the reader of [`Client::push_from`] gives; another number is an error, and
    /// nothing is written. Other pushes know it themselves.
    pub fn length(mut self, bytes: u64) -> Self {
        self.length = Some(bytes);
        self
    }

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

/// One file of [`Client::push_all`]: where, what and how. `Debug` shows no content.
#[derive(Clone)]
#[must_use]
pub struct PushFile {
    path: String,
    content: Bytes,
    options: PushOptions,
}

impl PushFile {
    /// A file at this absolute path with this content.
    ///
    /// A `Vec` and a `String` are taken as they are, anything borrowed is copied once; a clone
    /// shares the content.
    pub fn new(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: content.into().into(), options: PushOptions::new() }
    }

    /// How it is written.
    pub fn options(mut self, options: PushOptions) -> Self {
        self.options = options;
        self
    }

    /// The path it is to have.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How many bytes it has.
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

fn operation(path: &str) -> String {
    format!("push {path:?}")
}

fn request(operation: String, boundary: &Boundary, files: usize, resend: Resend) -> Request {
    let time = TIME_PER_FILE.saturating_mul(u32::try_from(files).unwrap_or(u32::MAX));
    Request::upload("/v1/files", operation, boundary.content_type(), resend).expected(time)
}

/// What surrounds the content of the only file of a push.
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

    /// The body around a content.
    fn whole(&self, content: Bytes) -> Outgoing {
        let mut body = Outgoing::whole(self.before.clone());
        body.push(content);
        body.push(self.after.clone());
        body
    }

    /// The body around a content that is still to come, but for its beginning.
    fn piped(&self, first: Bytes, length: Option<u64>) -> (Outgoing, Pipe) {
        let mut body = Outgoing::whole(self.before.clone());
        body.push(first);
        let pipe = body.pipe(length);
        body.push(self.after.clone());
        (body, pipe)
    }
}

impl Client {
    fn boundary(&self, operation: &str) -> Result<Boundary, Error> {
        Boundary::random()
            .map_err(|error| Error::local(operation, self.daemon(), "get random bytes", error))
    }

    /// Writes a file: `POST /v1/files`. `path` is absolute. While no answer comes it is sent again
    /// as a whole. Dropped, the file may have been written; it is never half written.
    ///
    /// A name may hold anything but `/` and NUL; one with a `*` is refused by Pebble 1.32 and was
    /// taken by 1.1. A `Vec` and a `String` are not copied.
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
    /// [`File`](crate::ErrorKind::File) when Pebble could not write it;
    /// [`Unreachable`](crate::ErrorKind::Unreachable) when no answer comes within the
    /// policy, whose limit counts only the time in which no byte is sent, and leaves a slow disk 1
    /// s for each 10 MiB.
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

    /// Writes several files in one request, in this order, and says of each what became of it: a
    /// file that cannot be written does not keep Pebble from the others. As [`Client::push`] in
    /// everything else; contents are shared, not copied. Without files nothing is sent.
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
    /// As [`Client::push`], but a file that Pebble could not write is in the results.
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) when a path is named twice.
    pub async fn push_all(&self, files: &[PushFile]) -> Result<Vec<FileResult>, Error> {
        let operation = match files {
            [] => return Ok(Vec::new()),
            [file] => operation(&file.path),
            files => format!("push {} files", files.len()),
        };
        self.push_named(operation, files).await
    }

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

    /// Writes a file with the content of a local one, and says how many bytes there were: `POST
    /// /v1/files`. `local` is opened anew for each attempt and read in pieces of 64 KiB, with
    /// blocking calls, which for a file are shorter than a way to another thread. What changes in
    /// it meanwhile may be among what is sent, or not. Dropped, the file may have been written; it
    /// is never half written.
    ///
    /// # Errors
    /// As [`Client::push`], and [`Local`](crate::ErrorKind::Local) when `local` is no
    /// regular file or cannot be read.
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

    /// Writes a file with what a reader gives: `POST /v1/files`. Memory is bounded whatever the
    /// size: two pieces of at most 64 KiB. The reader may be as slow as the policy's limit allows
    /// without a byte sent.
    ///
    /// What a reader has given cannot be had again, so only an attempt that failed before is
    /// repeated. Dropped, the file may have been written if the reader had come to its end; it is
    /// never half written.
    ///
    /// # Errors
    /// As [`Client::push`]; [`Interrupted`](crate::ErrorKind::Interrupted) when the answer
    /// was lost after bytes were taken from the reader (the file is as it was before, or whole:
    /// [`may_have_acted`](Error::may_have_acted)); [`Local`](crate::ErrorKind::Local) when
    /// the reader fails or gives another number of bytes than [`PushOptions::length`].
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

    /// What an answer says of the only file of a push. It cannot have been written before all of it
    /// was sent.
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

/// The operation that writes files whose content is at hand.
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
            let mut body = Outgoing::whole(self.boundary.request_part(self.metadata).into());
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

/// The operation that writes a file with the content of a local one.
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
            // A small file goes out at once. The length of another is not declared: a log may well
            // grow while it is read.
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

/// The operation that writes a file with what a reader gives. What it has given cannot be had
/// again.
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

/// How far the content of a push has been read.
#[derive(Default)]
struct Progress {
    bytes: u64,
    is_complete: bool,
}

impl Progress {
    /// Counts so many bytes more, and gives how many there are with them.
    fn add(&mut self, count: usize) -> u64 {
        self.bytes = self.bytes.saturating_add(count as u64);
        self.bytes
    }
}

/// Opens a regular file. A named pipe at its place does not make this wait for a writer.
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

/// The next piece of a file, shorter than the others only at its end.
fn read_chunk(file: &File) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK_SIZE);
    file.take(CHUNK_SIZE as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

/// Passes on what is left of a file; without a pipe there is nothing left.
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
        if !pipe.send(chunk.into()).await {
            return Ok(());
        }
    }
}

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

//! The stream that Pebble reads files into: the contents one after the other, and what became of
//! each at the end.
//!
//! Wire: a part `files` for each readable path, in the order of the request, then a part `response`
//! with the results of all (Pebble 1.32.1, `internals/daemon/api_files.go`). A file that failed in
//! the middle shows it only there, so nothing counts until the results, the closing boundary and
//! the end of the answer have come.

use hyper::body::Bytes;
use std::time::Duration;

use super::decoder::{Decoder, Event, Fault, Head};
use super::results::{FileResult, match_paths};
use crate::attempt::{AttemptError, CallAttempt};
use crate::body_stream::BodyStream;
use crate::envelope::{Decoded, Form, decode_answer};
use crate::error::Error;
use crate::reader::Reader;
use crate::request::Request;

/// The results of so many paths as fit one request are far smaller.
const LARGEST_RESULTS: usize = 4 * 1024 * 1024;

/// The longest request line; the HTTP library takes none of 64 KiB.
pub(super) const LONGEST_TARGET: usize = 60 * 1024;

/// What came next.
pub(super) enum Item {
    /// The file at this place of the request begins.
    File(usize),
    /// A piece of its content.
    Data(Bytes),
    /// All is over, and this became of each path.
    Results(Vec<FileResult>),
}

enum Position {
    BetweenParts,
    InFile,
    InResults(Vec<u8>),
    AfterEnd,
}

/// An answer that is being read.
pub(super) struct ReadStream {
    body: BodyStream,
    decoder: Decoder,
    position: Position,
    /// The place in the request of the last file that began, and one more.
    next_index: usize,
    has_begun: Vec<bool>,
    results: Option<Vec<FileResult>>,
    limit: Duration,
}

pub(super) fn request(operation: impl Into<String>, paths: &[&str]) -> Request {
    paths.iter().fold(
        Request::get("/v1/files", operation).accept("multipart/form-data").query("action", "read"),
        |request, path| request.query("path", path),
    )
}

impl CallAttempt<'_> {
    /// Sends a request to read files, once, and gives its answer when that begins.
    pub(super) async fn open_files(
        &mut self,
        request: &Request,
        files: usize,
    ) -> Result<ReadStream, AttemptError> {
        let limit = self.limit();
        let body = self.open(request, Some(limit)).await?;
        let decoder = Decoder::new(body.content_type(), files.saturating_add(1))
            .map_err(|fault| self.client().malformed_files(request, &fault.to_string()))?;
        Ok(ReadStream {
            body,
            decoder,
            position: Position::BetweenParts,
            next_index: 0,
            has_begun: vec![false; files],
            results: None,
            limit,
        })
    }
}

impl Reader {
    fn malformed_files(&self, request: &Request, cause: &str) -> AttemptError {
        let reason = format!("the files in Pebble's answer are not as Pebble sends them: {cause}");
        AttemptError::Final(Error::protocol(request.operation(), self.daemon(), reason))
    }
}

impl ReadStream {
    /// What comes next. After [`Item::Results`] nothing does. `paths` are those of the request.
    pub(super) async fn next<P: AsRef<str>>(
        &mut self,
        client: &Reader,
        request: &Request,
        paths: &[P],
    ) -> Result<Item, AttemptError> {
        let malformed = |cause: &str| client.malformed_files(request, cause);
        loop {
            match self.decoder.next().map_err(|fault: Fault| malformed(&fault.to_string()))? {
                Some(Event::Part(head)) => {
                    if self.results.is_some() {
                        return Err(malformed("a part follows the results"));
                    }
                    if head.name.as_deref() == Some(b"response") {
                        self.position = Position::InResults(Vec::new());
                        continue;
                    }
                    let Some(index) = self.index_of(&head, paths) else {
                        return Err(malformed("it holds a file that was not asked for"));
                    };
                    self.next_index = index.saturating_add(1);
                    if let Some(has_begun) = self.has_begun.get_mut(index) {
                        *has_begun = true;
                    }
                    self.position = Position::InFile;
                    return Ok(Item::File(index));
                }
                Some(Event::Data(data)) => match &mut self.position {
                    Position::InResults(results)
                        if results.len().saturating_add(data.len()) > LARGEST_RESULTS =>
                    {
                        return Err(malformed("its results are too long"));
                    }
                    Position::InResults(results) => results.extend_from_slice(&data),
                    _ => return Ok(Item::Data(data)),
                },
                Some(Event::PartEnd) => {
                    if let Position::InResults(text) =
                        std::mem::replace(&mut self.position, Position::BetweenParts)
                    {
                        self.results = Some(self.read_results(&text, paths).ok_or_else(|| {
                            malformed("its results are not those of the files that were asked for")
                        })?);
                    }
                }
                Some(Event::End) => self.position = Position::AfterEnd,
                None => match self.body.chunk(self.limit).await {
                    Ok(Some(piece)) => self.decoder.push(piece),
                    Ok(None) => {
                        return match self.results.take() {
                            Some(results) if matches!(self.position, Position::AfterEnd) => {
                                Ok(Item::Results(results))
                            }
                            // The daemon ends the answer in order when it fails to write the
                            // results.
                            _ => {
                                Err(AttemptError::temporary("the answer ended before its results"))
                            }
                        };
                    }
                    Err(error) => {
                        let silent_for = self.body.quiet_for();
                        let error = client.classify(request, error, silent_for);
                        return Err(client.failed_read(request, error));
                    }
                },
            }
        }
    }

    /// Which of the paths that have not been passed a part is about. Newer Go writes a line end in
    /// a name as `%0D` or `%0A`, older Go as it is.
    fn index_of<P: AsRef<str>>(&self, head: &Head, paths: &[P]) -> Option<usize> {
        let filename =
            head.filename.as_deref().filter(|_| head.name.as_deref() == Some(b"files"))?;
        let written = |path: &str| path.replace('\r', "%0D").replace('\n', "%0A");
        (self.next_index..paths.len()).find(|index| {
            paths.get(*index).map(AsRef::as_ref).is_some_and(|path: &str| {
                filename == path.as_bytes() || filename == written(path).as_bytes()
            })
        })
    }

    fn read_results<P: AsRef<str>>(&self, text: &[u8], paths: &[P]) -> Option<Vec<FileResult>> {
        let Ok(Decoded::Answer(envelope)) = decode_answer(200, false, text, Form::Envelope) else {
            return None;
        };
        let results: Vec<FileResult> = envelope.result.decode().ok()?;
        let is_consistent = results
            .iter()
            .zip(&self.has_begun)
            .all(|(result, has_begun)| *has_begun || !result.is_ok());
        (match_paths(&results, paths.iter().map(AsRef::as_ref)) && is_consistent).then_some(results)
    }
}

//! Reads the answer of a pull while it comes: the contents of the files one after the other, and
//! then the result of each.
//!
//! The answer has a part `files` for each readable path, in the order of the request, and then a
//! part `response` with the results of all (Pebble 1.32.1, `internals/daemon/api_files.go`). A file
//! that Pebble fails to read in the middle is reported only there. So nothing is valid until the
//! results, the closing boundary and the end of the answer have come.

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

/// The largest results that are read, in bytes. Those of all paths that fit one request are far
/// smaller.
const LARGEST_RESULTS: usize = 4 * 1024 * 1024;

/// The longest target of a request, in bytes. The HTTP library refuses one of 64 KiB.
pub(super) const LONGEST_TARGET: usize = 60 * 1024;

/// An item of the answer.
pub(super) enum Item {
    /// The file with this index in the request begins.
    File(usize),
    /// A chunk of the file's content.
    Data(Bytes),
    /// The answer is complete, with the result of each path.
    Results(Vec<FileResult>),
}

/// The position in the answer.
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
    /// The index after that of the last file that began.
    next_index: usize,
    /// The entry of each path, which is `true` if its file has begun.
    has_begun: Vec<bool>,
    results: Option<Vec<FileResult>>,
    limit: Duration,
}

/// Makes the request that reads these files.
pub(super) fn request(operation: impl Into<String>, paths: &[&str]) -> Request {
    paths.iter().fold(
        Request::get("/v1/files", operation).accept("multipart/form-data").query("action", "read"),
        |request, path| request.query("path", path),
    )
}

impl CallAttempt<'_> {
    /// Sends a request to read files, once, and returns its answer when that begins.
    pub(super) async fn open_files(
        &mut self,
        request: &Request,
        files: usize,
    ) -> Result<ReadStream, AttemptError> {
        let limit = self.limit();
        let body = self.open(request, Some(limit)).await?;
        // The results are one more part.
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
    /// Makes the error of an answer that Pebble would not send.
    fn malformed_files(&self, request: &Request, cause: &str) -> AttemptError {
        let reason = format!("the files in Pebble's answer are not as Pebble sends them: {cause}");
        AttemptError::Final(Error::protocol(request.operation(), self.daemon(), reason))
    }
}

impl ReadStream {
    /// Returns the next item. After [`Item::Results`] there is none. `paths` are those of the
    /// request.
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
                    Ok(Some(chunk)) => self.decoder.push(chunk),
                    Ok(None) => {
                        return match self.results.take() {
                            Some(results) if matches!(self.position, Position::AfterEnd) => {
                                Ok(Item::Results(results))
                            }
                            // When the daemon fails to write the results, it ends the answer in the
                            // proper way all the same.
                            _ => {
                                Err(AttemptError::temporary("the answer ended before its results"))
                            }
                        };
                    }
                    Err(error) => {
                        let silent_for = self.body.quiet_for();
                        let error = client.classify(request, error, silent_for);
                        return Err(client.attempt_error(request, error));
                    }
                },
            }
        }
    }

    /// Returns the index of the path, among those that were not passed yet, that a part belongs to.
    /// Go 1.25 and later writes a line end in a name as `%0D` or `%0A`, and older versions as it
    /// is.
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

    /// Reads the results. Returns `None` if they are not those of the paths, or report success for
    /// a file that did not come.
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

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
use super::results::{FileResult, are_about};
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

enum Where {
    Between,
    InFile,
    InResults(Vec<u8>),
    Done,
}

/// An answer that is being read.
pub(super) struct Reading {
    incoming: BodyStream,
    decoder: Decoder,
    place: Where,
    /// The place in the request of the last file that began, and one more.
    next: usize,
    begun: Vec<bool>,
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
    pub(super) async fn begin_reading(
        &mut self,
        request: &Request,
        files: usize,
    ) -> Result<Reading, AttemptError> {
        let limit = self.limit();
        let incoming = self.open(request, Some(limit)).await?;
        let decoder = Decoder::new(incoming.content_type(), files.saturating_add(1))
            .map_err(|fault| self.client().garbled(request, &fault.to_string()))?;
        Ok(Reading {
            incoming,
            decoder,
            place: Where::Between,
            next: 0,
            begun: vec![false; files],
            results: None,
            limit,
        })
    }
}

impl Reader {
    fn garbled(&self, request: &Request, cause: &str) -> AttemptError {
        let reason = format!("the files in Pebble's answer are not as Pebble sends them: {cause}");
        AttemptError::Final(Error::protocol(request.operation(), self.daemon(), reason))
    }
}

impl Reading {
    /// What comes next. After [`Item::Results`] nothing does. `paths` are those of the request.
    pub(super) async fn next<P: AsRef<str>>(
        &mut self,
        client: &Reader,
        request: &Request,
        paths: &[P],
    ) -> Result<Item, AttemptError> {
        let garbled = |cause: &str| client.garbled(request, cause);
        loop {
            match self.decoder.next().map_err(|fault: Fault| garbled(&fault.to_string()))? {
                Some(Event::Part(head)) => {
                    if self.results.is_some() {
                        return Err(garbled("a part follows the results"));
                    }
                    if head.name.as_deref() == Some(b"response") {
                        self.place = Where::InResults(Vec::new());
                        continue;
                    }
                    let Some(index) = self.place_of(&head, paths) else {
                        return Err(garbled("it holds a file that was not asked for"));
                    };
                    self.next = index.saturating_add(1);
                    if let Some(begun) = self.begun.get_mut(index) {
                        *begun = true;
                    }
                    self.place = Where::InFile;
                    return Ok(Item::File(index));
                }
                Some(Event::Data(data)) => match &mut self.place {
                    Where::InResults(results)
                        if results.len().saturating_add(data.len()) > LARGEST_RESULTS =>
                    {
                        return Err(garbled("its results are too long"));
                    }
                    Where::InResults(results) => results.extend_from_slice(&data),
                    _ => return Ok(Item::Data(data)),
                },
                Some(Event::PartEnd) => {
                    if let Where::InResults(text) =
                        std::mem::replace(&mut self.place, Where::Between)
                    {
                        self.results = Some(self.read_results(&text, paths).ok_or_else(|| {
                            garbled("its results are not those of the files that were asked for")
                        })?);
                    }
                }
                Some(Event::End) => self.place = Where::Done,
                None => match self.incoming.chunk(self.limit).await {
                    Ok(Some(piece)) => self.decoder.push(piece),
                    Ok(None) => {
                        return match self.results.take() {
                            Some(results) if matches!(self.place, Where::Done) => {
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
                        let quiet = self.incoming.quiet_for();
                        let error = client.classify(request, error, quiet);
                        return Err(client.failed_read(request, error));
                    }
                },
            }
        }
    }

    /// Which of the paths that have not been passed a part is about. Newer Go writes a line end in
    /// a name as `%0D` or `%0A`, older Go as it is.
    fn place_of<P: AsRef<str>>(&self, head: &Head, paths: &[P]) -> Option<usize> {
        let filename =
            head.filename.as_deref().filter(|_| head.name.as_deref() == Some(b"files"))?;
        let written = |path: &str| path.replace('\r', "%0D").replace('\n', "%0A");
        (self.next..paths.len()).find(|index| {
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
        let came = results.iter().zip(&self.begun).all(|(result, begun)| *begun || !result.is_ok());
        (are_about(&results, paths.iter().map(AsRef::as_ref)) && came).then_some(results)
    }
}

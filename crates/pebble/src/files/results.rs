//! Decodes the results that Pebble gives for the paths of a request. Each path succeeds or fails by
//! itself.
//!
//! The results are `[{"path", "error"?: {"message", "kind"}}]`, in the order of the request, inside
//! an answer with status 200 even if all failed (Pebble 1.32.1, `internals/daemon/api_files.go`).

use std::fmt;

use serde::Deserialize;

use super::owner::Owner;
use crate::answer::Answer;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::reader::Reader;
use crate::wire::wire_words;
use charmwright_yaml::text;

/// The longest part of a message that an error shows, in bytes.
const LONGEST_MESSAGE: usize = 1024;

/// Says why Pebble could not do its work on a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileErrorKind {
    /// The file or folder does not exist, or its parent does not.
    NotFound,
    /// The operating system denies Pebble the access.
    PermissionDenied,
    /// Any other reason: the path exists already, is a folder that is not empty, is not a regular
    /// file, is not absolute, …
    Generic,
    /// A kind that this version does not know.
    Other(String),
}

wire_words!(FileErrorKind {
    NotFound = "not-found", PermissionDenied = "permission-denied", Generic = "generic-file-error",
});

impl FileErrorKind {
    /// Returns the kind of a refusal if it is about a file. Pebble uses these three words for
    /// nothing else.
    pub(crate) fn of_refusal(kind: &str) -> Option<Self> {
        match Self::from(kind) {
            Self::Other(_) => None,
            kind => Some(kind),
        }
    }
}

/// An error tells why Pebble could not read, write or change a path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{}", text::clean(.message, LONGEST_MESSAGE))]
pub struct FileError {
    kind: FileErrorKind,
    #[serde(default)]
    message: String,
}

impl FileError {
    pub(crate) fn new(kind: FileErrorKind, message: String) -> Self {
        Self { kind, message }
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> &FileErrorKind {
        &self.kind
    }

    /// Returns Pebble's own message, unchanged, such as `open /etc/x: no such file or directory`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns `true` if what was to be made exists already.
    pub(super) fn is_already_exists(&self) -> bool {
        self.kind == FileErrorKind::Generic && self.message.ends_with("file exists")
    }
}

/// A result says whether the request succeeded for one path.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct FileResult {
    path: String,
    #[serde(default)]
    error: Option<FileError>,
    /// The work may have been done all the same: an earlier attempt may have done it, or the work
    /// has several steps.
    #[serde(skip)]
    may_have_acted: bool,
}

impl FileResult {
    /// Returns the path as it was given.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns why the path failed, or `None` if it succeeded.
    #[must_use]
    pub fn error(&self) -> Option<&FileError> {
        self.error.as_ref()
    }

    /// Returns `true` if the path succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }

    /// Turns the result into a success.
    pub(super) fn mark_ok(&mut self) {
        self.error = None;
    }

    /// Returns the error of a call about this path, if it failed.
    pub(super) fn to_error(&self, operation: &str, daemon: &Daemon) -> Option<Error> {
        let error = Error::file(operation, daemon, self.error.as_ref()?);
        Some(error.with_acted(self.may_have_acted))
    }
}

impl fmt::Debug for FileResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            None => write!(f, "{:?}: ok", self.path),
            Some(error) => write!(f, "{:?}: {} ({})", self.path, error.message, error.kind),
        }
    }
}

/// Decodes the results of an answer. They must be those of the paths, so that none is lost or made
/// up. The `bool` beside each path says that the work on it has several steps: the first ones may
/// be done although a later one failed.
pub(super) fn decode_results<'a>(
    answer: &Answer,
    paths_with_steps: impl IntoIterator<Item = (&'a str, bool)>,
) -> Result<Vec<FileResult>, Error> {
    let mut results = answer.decode::<Option<Vec<FileResult>>>()?.unwrap_or_default();
    let (paths, has_steps): (Vec<&str>, Vec<bool>) = paths_with_steps.into_iter().unzip();
    if !match_paths(&results, paths) {
        let reason = "the results in Pebble's answer are not those of the paths that were sent";
        return Err(answer.malformed(reason));
    }
    for (result, has_steps) in results.iter_mut().zip(has_steps) {
        result.may_have_acted = has_steps || answer.may_have_acted_before();
    }
    Ok(results)
}

/// Returns `true` if there is one result for each path, in the order of the paths.
pub(super) fn match_paths<'a>(
    results: &[FileResult],
    paths: impl IntoIterator<Item = &'a str>,
) -> bool {
    results.iter().map(FileResult::path).eq(paths)
}

impl Reader {
    /// Returns the result of a call about one path.
    pub(super) fn only_result(&self, operation: &str, results: &[FileResult]) -> Result<(), Error> {
        let error = results.first().and_then(|result| result.to_error(operation, self.daemon()));
        error.map_or(Ok(()), Err)
    }

    /// Refuses owners that no file can have, before anything is sent.
    pub(super) fn check_owners<'a>(
        &self,
        operation: &str,
        owners: impl IntoIterator<Item = &'a Owner>,
    ) -> Result<(), Error> {
        let mut owners = owners.into_iter();
        let checked = owners.try_for_each(Owner::check);
        checked.map_err(|why| self.refuse(operation, why))
    }

    /// Refuses paths that cannot exist, before anything is sent.
    pub(super) fn check_paths<'a>(
        &self,
        operation: &str,
        paths: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        for path in paths {
            if path.contains('\0') {
                return Err(self.refuse(
                    operation,
                    format!("the path {path:?} has a NUL in it, which no path can have"),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_result_is_read_tolerantly() {
        let results: Vec<FileResult> = serde_json::from_value(json!([
            {"path": "/a"}, {"path": "/b", "error": null},
            {"path": "/c", "error": {
                "kind": "not-found", "message": "open /c: no such file or directory", "value": 1
            }},
            {"path": "/d", "error": {"kind": "new-kind"}}
        ]))
        .unwrap();
        assert!(match_paths(&results, ["/a", "/b", "/c", "/d"]));
        assert!(
            !match_paths(&results, ["/a", "/b", "/c"])
                && !match_paths(&results, ["/b", "/a", "/c", "/d"])
        );
        assert!(results[0].is_ok() && results[1].is_ok());
        assert_eq!(results[2].error().unwrap().kind(), &FileErrorKind::NotFound);
        assert_eq!(results[3].error().unwrap().kind(), &FileErrorKind::Other("new-kind".into()));
    }

    #[test]
    fn only_the_kinds_for_files_are_recognised() {
        assert_eq!(FileErrorKind::of_refusal("not-found"), Some(FileErrorKind::NotFound));
        assert_eq!(FileErrorKind::of_refusal("no-default-services"), None);
    }

    proptest! {
        #[test]
        fn any_result_has_an_answer(path in ".{0,8}", kind in ".{0,8}", message in ".{0,8}") {
            let result: FileResult = serde_json::from_value(
                json!({"path": path, "error": {"kind": kind, "message": message}})
            ).unwrap();
            prop_assert_eq!(result.error().unwrap().kind().as_str(), kind);
        }
    }
}

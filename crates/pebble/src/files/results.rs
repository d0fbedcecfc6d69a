//! What Pebble says of each path of a request: one request may be about many, and each succeeds or
//! fails by itself.
//!
//! Wire: `[{"path", "error"?: {"message", "kind"}}]`, in the order of the request, inside a 200
//! even if all failed. (Pebble 1.32.1, `internals/daemon/api_files.go`.)

use std::fmt;

use serde::Deserialize;

use super::owner::Owner;
use crate::answer::Answer;
use crate::daemon::Daemon;
use crate::error::Error;
use crate::reader::Reader;
use crate::wire::wire_words;
use charmwright_yaml::text;

/// The most of a message that an error shows, in bytes.
const LONGEST_MESSAGE: usize = 1024;

/// Why Pebble could not do its work on one path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileErrorKind {
    /// There is no such file or folder, or no folder that it could be in.
    NotFound,
    /// The operating system does not let Pebble do it.
    PermissionDenied,
    /// Everything else: it exists already, it is not empty, it is no regular file, the path is not
    /// absolute, …
    Generic,
    /// A word that this version does not know.
    Other(String),
}

wire_words!(FileErrorKind {
    NotFound = "not-found", PermissionDenied = "permission-denied", Generic = "generic-file-error",
});

impl FileErrorKind {
    /// The kind of a refusal, if it is one about a file: these three words are used for nothing
    /// else.
    pub(crate) fn of_refusal(kind: &str) -> Option<Self> {
        match Self::from(kind) {
            Self::Other(_) => None,
            kind => Some(kind),
        }
    }
}

/// What Pebble says of a path that it could not read, write or change.
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

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> &FileErrorKind {
        &self.kind
    }

    /// Pebble's own words as they came, such as `open /etc/x: no such file or directory`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether it says that what was to be made is there already.
    pub(super) fn is_already_exists(&self) -> bool {
        self.kind == FileErrorKind::Generic && self.message.ends_with("file exists")
    }
}

/// What became of one path.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct FileResult {
    path: String,
    #[serde(default)]
    error: Option<FileError>,
    /// An error does not prove that nothing was done: an earlier attempt may have acted, or the
    /// work on the path has several steps.
    #[serde(skip)]
    may_have_acted: bool,
}

impl FileResult {
    /// The path as it was given.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Why it failed; `None` when it succeeded.
    #[must_use]
    pub fn error(&self) -> Option<&FileError> {
        self.error.as_ref()
    }

    /// Whether it succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.error.is_none()
    }

    pub(super) fn mark_ok(&mut self) {
        self.error = None;
    }

    /// The error of a call about this path.
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

/// The results of an answer, which must be about these paths: a result is never lost, and never
/// made up. With each path comes whether the work on it has several steps, of which the first may
/// be done although a later one fails.
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

/// Whether there is one result for each path, in the order of the paths.
pub(super) fn match_paths<'a>(
    results: &[FileResult],
    paths: impl IntoIterator<Item = &'a str>,
) -> bool {
    results.iter().map(FileResult::path).eq(paths)
}

impl Reader {
    /// The one result of a call about one path.
    pub(super) fn only_result(&self, operation: &str, results: &[FileResult]) -> Result<(), Error> {
        let error = results.first().and_then(|result| result.to_error(operation, self.daemon()));
        error.map_or(Ok(()), Err)
    }

    /// Refuses owners that nothing can have, before anything is sent.
    pub(super) fn check_owners<'a>(
        &self,
        operation: &str,
        owners: impl IntoIterator<Item = &'a Owner>,
    ) -> Result<(), Error> {
        let mut owners = owners.into_iter();
        let checked = owners.try_for_each(Owner::check);
        checked.map_err(|why| self.refuse(operation, why))
    }

    /// Refuses what no path can hold, before anything is sent.
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
    fn only_the_words_for_files_are_of_files() {
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

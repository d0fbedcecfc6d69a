//! Makes folders and removes paths: `POST /v1/files` with JSON.
//!
//! Each path of a request succeeds or fails by itself. When the answer was lost, the request is
//! sent again. A folder that exists by then, and a path that is gone by then, then count as
//! success: the first request may have done it.

use serde_json::{Value, json};

use super::list::{FileType, ListOptions};
use super::mode::Mode;
use super::owner::Owner;
use super::results::{FileErrorKind, FileResult, decode_results};
use crate::client::Client;
#[cfg(test)]
use crate::docs_table::Sample;
use crate::error::{Error, ErrorKind};
use crate::names::owned;
use crate::request::Request;
use crate::resend::Resend;

/// Says how a folder is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct DirOptions {
    parents: bool,
    mode: Option<Mode>,
    owner: Owner,
}

impl DirOptions {
    /// Makes a folder with mode 755 in a folder that exists. It is an error if the folder exists
    /// already.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the missing parents as well, with the same mode and owner. If the folder exists
    /// already, it stays as it is, and this is no error.
    pub fn make_parents(mut self) -> Self {
        self.parents = true;
        self
    }

    /// Sets the mode, whatever the umask (a Pebble before 1.12 applies its own umask). The default
    /// is 755.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Sets the owner. The default is the account that Pebble runs as.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

    /// Returns the entry of the request for this folder.
    pub(super) fn item(&self, path: &str) -> Value {
        let mut item = json!(self.owner);
        if let Some(item) = item.as_object_mut() {
            item.insert("path".to_owned(), path.into());
            if self.parents {
                item.insert("make-parents".to_owned(), true.into());
            }
            if let Some(mode) = self.mode {
                item.insert("permissions".to_owned(), mode.to_string().into());
            }
        }
        item
    }
}

/// Says how a path is removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct RemoveOptions {
    recursive: bool,
}

impl RemoveOptions {
    /// Removes a file or an empty folder. It is an error if the path does not exist.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes a folder with all that is in it. If the path does not exist, this is no error.
    pub fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }

    /// Returns the entry of the request for this path.
    fn item(&self, path: &str) -> Value {
        json!({"path": path, "recursive": self.recursive})
    }
}

/// Returns the name of the call for messages: `make folder "/a"` or `make 3 folders`.
fn operation(verb: &str, noun: &str, paths: &[impl AsRef<str>]) -> String {
    match paths {
        [path] => format!("{verb} {:?}", path.as_ref()),
        paths => format!("{verb} {} {noun}", paths.len()),
    }
}

fn make_request(operation: String, items: Vec<Value>) -> Request {
    let body = json!({"action": "make-dirs", "dirs": items});
    Request::post("/v1/files", operation, &body, Resend::Paths)
}

fn remove_request(paths: &[impl AsRef<str>], options: &RemoveOptions) -> Request {
    let items: Vec<Value> = paths.iter().map(|path| options.item(path.as_ref())).collect();
    let body = json!({"action": "remove", "paths": items});
    Request::post("/v1/files", operation("remove", "paths", paths), &body, Resend::Paths)
}

impl Client {
    /// Makes a folder. It sends `POST /v1/files` with `make-dirs`. `path` must be absolute. If the
    /// future is dropped, the folder may have been made.
    ///
    /// # Errors
    /// - [`File`](ErrorKind::File) if Pebble could not make the folder.
    /// - [`Unreachable`](ErrorKind::Unreachable) if no answer comes within the policy.
    pub async fn make_dir(&self, path: &str, options: &DirOptions) -> Result<(), Error> {
        let results = self.make_dirs([path], options).await?;
        self.only_result(&operation("make folder", "", &[path]), &results)
    }

    /// Makes several folders in one request, in this order, and returns the result of each. If the
    /// future is dropped, some of them may have been made.
    ///
    /// # Errors
    /// As [`Client::make_dir`], except that a folder which Pebble could not make is in the results.
    pub async fn make_dirs(
        &self,
        paths: impl IntoIterator<Item = impl AsRef<str>>,
        options: &DirOptions,
    ) -> Result<Vec<FileResult>, Error> {
        let paths = owned(paths);
        let items: Vec<(&str, &DirOptions)> =
            paths.iter().map(|path| (path.as_str(), options)).collect();
        self.make_dirs_each(operation("make folder", "folders", &paths).as_str(), &items).await
    }

    /// Makes several folders, each with its own options.
    pub(super) async fn make_dirs_each(
        &self,
        operation: &str,
        dirs: &[(&str, &DirOptions)],
    ) -> Result<Vec<FileResult>, Error> {
        self.check_paths(operation, dirs.iter().map(|(path, _)| *path))?;
        self.check_owners(operation, dirs.iter().map(|(_, options)| &options.owner))?;
        let items = dirs.iter().map(|(path, options)| options.item(path)).collect();
        let answer = self.send(make_request(operation.to_owned(), items)).await?;
        let resent = answer.was_resent();
        let paths = dirs.iter().map(|(path, options)| (*path, options.parents));
        let mut results = decode_results(&answer, paths)?;
        // The first request may have made the folder. The error does not say what exists, so this
        // is checked: a file in its place must not count as success.
        if resent {
            for result in &mut results {
                let exists = result.error().is_some_and(super::FileError::is_already_exists);
                let is_folder = || async {
                    let looked = self.is_folder(result.path()).await;
                    looked.map_err(|error| error.with_acted(true))
                };
                if exists && is_folder().await? {
                    result.mark_ok();
                }
            }
        }
        Ok(results)
    }

    /// Removes a file or a folder. It sends `POST /v1/files` with `remove`. `path` must be
    /// absolute. If the future is dropped, the path may have been removed.
    ///
    /// # Errors
    /// - [`File`](ErrorKind::File) if Pebble could not remove the path.
    /// - [`Unreachable`](ErrorKind::Unreachable) if no answer comes within the policy.
    pub async fn remove(&self, path: &str, options: &RemoveOptions) -> Result<(), Error> {
        let results = self.remove_all([path], options).await?;
        self.only_result(&operation("remove", "", &[path]), &results)
    }

    /// Removes several paths in one request, in this order, and returns the result of each. If the
    /// future is dropped, some of them may have been removed.
    ///
    /// # Errors
    /// As [`Client::remove`], except that a path which Pebble could not remove is in the results.
    pub async fn remove_all(
        &self,
        paths: impl IntoIterator<Item = impl AsRef<str>>,
        options: &RemoveOptions,
    ) -> Result<Vec<FileResult>, Error> {
        let paths = owned(paths);
        let request = remove_request(&paths, options);
        self.check_paths(request.operation(), paths.iter().map(String::as_str))?;
        let answer = self.send(request).await?;
        let resent = answer.was_resent();
        let paths = paths.iter().map(|path| (path.as_str(), options.recursive));
        let mut results = decode_results(&answer, paths)?;
        // The first request may have removed the path.
        if resent {
            for result in &mut results {
                if result.error().is_some_and(|error| *error.kind() == FileErrorKind::NotFound) {
                    result.mark_ok();
                }
            }
        }
        Ok(results)
    }

    /// Returns `true` if the path leads to a folder.
    async fn is_folder(&self, path: &str) -> Result<bool, Error> {
        match self.list_files(path, &ListOptions::new().itself()).await {
            Ok(infos) => Ok(infos.iter().any(|info| *info.file_type() == FileType::Directory)),
            Err(error) if matches!(error.kind(), ErrorKind::File(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![
        Sample::new(
            "Client::make_dir, Client::make_dirs",
            "/v1/files",
            make_request("make folder".to_owned(), Vec::new()),
        ),
        Sample::new(
            "Client::remove, Client::remove_all",
            "/v1/files",
            remove_request(&["/a"], &RemoveOptions::new()),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_only_the_options_that_were_set() {
        assert_eq!(DirOptions::new().item("/a"), json!({"path": "/a"}));
        let options = DirOptions::new()
            .make_parents()
            .mode(Mode::new(0o700).unwrap())
            .owner(Owner::new().user("nobody").group_id(7));
        assert_eq!(
            options.item("/a"),
            json!({
                "path": "/a", "make-parents": true, "permissions": "700", "user": "nobody",
                "group-id": 7
            })
        );
    }

    #[test]
    fn the_operation_names_one_path_or_counts_many() {
        assert_eq!(remove_request(&["/a"], &RemoveOptions::new()).operation(), "remove \"/a\"");
        assert_eq!(
            remove_request(&["/a", "/b"], &RemoveOptions::new()).operation(),
            "remove 2 paths"
        );
    }
}

//! Making folders and removing paths: `POST /v1/files` with JSON.
//!
//! Each path of a request succeeds or fails by itself. When the answer was lost and the request is
//! sent again, a folder that is there by then, and a path that is gone by then, are what the first
//! request has done.

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

/// How a folder is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct DirOptions {
    parents: bool,
    mode: Option<Mode>,
    owner: Owner,
}

impl DirOptions {
    /// A folder of mode 755 in one that is there; one that exists already is an error.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes what is missing of the path to it as well, with the same mode and owner; a folder that
    /// exists already is then success, and stays as it is.
    pub fn make_parents(mut self) -> Self {
        self.parents = true;
        self
    }

    /// Its mode, whatever the umask (a Pebble before 1.12 takes its own away from it); 755 unless
    /// set.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Whom it is to belong to.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = owner;
        self
    }

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

/// How a path is removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct RemoveOptions {
    recursive: bool,
}

impl RemoveOptions {
    /// A file or an empty folder, which must be there.
    pub fn new() -> Self {
        Self::default()
    }

    /// A folder with all that is in it; a path that is not there is success.
    pub fn recursive(mut self) -> Self {
        self.recursive = true;
        self
    }

    fn item(&self, path: &str) -> Value {
        json!({"path": path, "recursive": self.recursive})
    }
}

/// `make folder "/a"` and `make 3 folders`.
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
    /// Makes a folder: `POST /v1/files` with `make-dirs`. `path` is absolute. Dropped, it may have
    /// been made.
    ///
    /// # Errors
    /// [`File`](ErrorKind::File) when Pebble could not make it;
    /// [`Unreachable`](ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn make_dir(&self, path: &str, options: &DirOptions) -> Result<(), Error> {
        let results = self.make_dirs([path], options).await?;
        self.only_result(&operation("make folder", "", &[path]), &results)
    }

    /// Makes several folders in one request, in this order, and says of each what became of it.
    /// Dropped, some may have been made.
    ///
    /// # Errors
    /// As [`Client::make_dir`], but a folder that Pebble could not make is in the results.
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

    /// The same with options of each folder's own.
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

    /// Removes a file or a folder: `POST /v1/files` with `remove`. `path` is absolute. Dropped, it
    /// may have been removed.
    ///
    /// # Errors
    /// [`File`](ErrorKind::File) when Pebble could not remove it;
    /// [`Unreachable`](ErrorKind::Unreachable) when no answer comes within the policy.
    pub async fn remove(&self, path: &str, options: &RemoveOptions) -> Result<(), Error> {
        let results = self.remove_all([path], options).await?;
        self.only_result(&operation("remove", "", &[path]), &results)
    }

    /// Removes several paths in one request, in this order, and says of each what became of it.
    /// Dropped, some may have been removed.
    ///
    /// # Errors
    /// As [`Client::remove`], but a path that Pebble could not remove is in the results.
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
        if resent {
            for result in &mut results {
                if result.error().is_some_and(|error| *error.kind() == FileErrorKind::NotFound) {
                    result.mark_ok();
                }
            }
        }
        Ok(results)
    }

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
    fn an_item_says_no_more_than_it_was_told() {
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

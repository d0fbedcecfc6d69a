//! Lists the files of a folder: `GET /v1/files?action=list`.

use serde::{Deserialize, Deserializer};

use super::mode::Mode;
#[cfg(test)]
use crate::docs_table::Sample;
use crate::error::Error;
use crate::reader::Reader;
use crate::request::Request;
use crate::timestamp::Timestamp;
use crate::wire::wire_words;

/// Says what a path leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileType {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link. Only entries of a folder are reported so: a link that is asked for itself
    /// is followed.
    Symlink,
    /// A unix socket.
    Socket,
    /// A named pipe.
    NamedPipe,
    /// A block or character device.
    Device,
    /// A file of a type that Pebble does not know.
    Unknown,
    /// A type that this version does not know.
    Other(String),
}

wire_words!(FileType {
    File = "file",
    Directory = "directory",
    Symlink = "symlink",
    Socket = "socket",
    NamedPipe = "named-pipe",
    Device = "device",
    Unknown = "unknown",
});

/// Describes a file or folder as Pebble sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileInfo {
    path: String,
    name: String,
    #[serde(rename = "type")]
    kind: FileType,
    #[serde(default)]
    size: Option<u64>,
    permissions: Mode,
    /// The time of the last change. A file can have a time that RFC 3339 cannot express, which must
    /// not make the whole folder unreadable.
    #[serde(default, deserialize_with = "moment")]
    last_modified: Option<Timestamp>,
    #[serde(default)]
    user_id: Option<u32>,
    #[serde(default)]
    user: String,
    #[serde(default)]
    group_id: Option<u32>,
    #[serde(default)]
    group: String,
}

impl FileInfo {
    /// Returns the whole path. (Pebble repeats the last name in it if a folder
    /// [`itself`](ListOptions::itself) was asked for with a slash at the end.)
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the name in the folder. Bytes that are not UTF-8 have become U+FFFD, and such a file
    /// cannot be reached by this name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the type of the file.
    #[must_use]
    pub fn file_type(&self) -> &FileType {
        &self.kind
    }

    /// Returns the size in bytes, if it is a regular file.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Returns the permissions.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.permissions
    }

    /// Returns the time of the last change, to the second. It is `None` for a time that is no
    /// [`Timestamp`], such as one in the year 12026.
    #[must_use]
    pub fn last_modified(&self) -> Option<Timestamp> {
        self.last_modified
    }

    /// Returns the id of the user that owns the file.
    #[must_use]
    pub fn user_id(&self) -> Option<u32> {
        self.user_id
    }

    /// Returns the name of the user that owns the file, or `None` if the container has no user with
    /// its id.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        Some(self.user.as_str()).filter(|name| !name.is_empty())
    }

    /// Returns the id of the group that owns the file.
    #[must_use]
    pub fn group_id(&self) -> Option<u32> {
        self.group_id
    }

    /// Returns the name of the group that owns the file, or `None` if the container has no group
    /// with its id.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        Some(self.group.as_str()).filter(|name| !name.is_empty())
    }
}

/// Reads a time, or `None` if it cannot be read.
fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(String::deserialize(deserializer)?.parse().ok())
}

/// Says which files [`Reader::list_files`] lists of a path: all in it by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ListOptions {
    pattern: Option<String>,
    itself: bool,
}

impl ListOptions {
    /// Lists everything in the folder. For a path that is not a folder, it lists that file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists only names that match this pattern, such as `*.conf` or `[a-c]?` (Go's `path.Match`).
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.pattern = Some(pattern.into());
        self
    }

    /// Lists the folder itself instead of what is in it.
    pub fn itself(mut self) -> Self {
        self.itself = true;
        self
    }

    pub(super) fn request(&self, path: &str) -> Request {
        let mut request = Request::get("/v1/files", format!("list {path:?}"))
            .query("action", "list")
            .query("path", path);
        if let Some(pattern) = &self.pattern {
            request = request.query("pattern", pattern);
        }
        if self.itself {
            request = request.query("itself", "true");
        }
        request
    }
}

impl Reader {
    /// Lists the files of a folder, sorted by name, or one file. It sends `GET
    /// /v1/files?action=list`. `path` must be absolute, and a link at its end is followed. Dropping
    /// the future has no effect on the container.
    ///
    /// # Errors
    /// - [`File`](crate::ErrorKind::File) if the path does not exist, cannot be read, or the
    ///   pattern is invalid.
    /// - [`Api`](crate::ErrorKind::Api) if the path is not absolute.
    /// - [`Unreachable`](crate::ErrorKind::Unreachable) if no answer comes within the policy.
    pub async fn list_files(
        &self,
        path: &str,
        options: &ListOptions,
    ) -> Result<Vec<FileInfo>, Error> {
        let request = options.request(path);
        self.check_paths(request.operation(), [path])?;
        let files = self.send(request).await?.decode::<Option<Vec<FileInfo>>>()?;
        Ok(files.unwrap_or_default())
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::new("Reader::list_files", "/v1/files", ListOptions::new().request("/a"))]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn asks_for_a_path_a_pattern_and_the_folder_itself() {
        assert_eq!(
            ListOptions::new().request("/a b").target(),
            "/v1/files?action=list&path=%2Fa%20b"
        );
        assert_eq!(
            ListOptions::new().pattern("*.c").itself().request("/a").target(),
            "/v1/files?action=list&path=%2Fa&pattern=%2A.c&itself=true"
        );
    }

    #[test]
    fn reads_an_entry() {
        let mut entry = json!({
            "path": "/a/b", "name": "b", "type": "file", "size": 7, "permissions": "640",
            "last-modified": "2026-11-22T20:00:09+01:00", "user-id": 0, "user": "root",
            "group-id": 4711, "group": ""
        });
        let info: FileInfo = serde_json::from_value(entry.clone()).unwrap();
        assert_eq!((info.size(), info.mode()), (Some(7), Mode::new(0o640).unwrap()));
        assert_eq!((info.user(), info.group(), info.group_id()), (Some("root"), None, Some(4711)));
        entry["type"] = json!("door");
        entry["new-key"] = json!({});
        entry["last-modified"] = json!("12026-11-22T20:00:09Z");
        assert!(info.last_modified().is_some());
        let info: FileInfo = serde_json::from_value(entry).unwrap();
        assert_eq!(
            (info.file_type(), info.last_modified()),
            (&FileType::Other("door".into()), None)
        );
    }
}

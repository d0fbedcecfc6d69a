//! What is in a folder: `GET /v1/files?action=list`.

use serde::{Deserialize, Deserializer};

use super::mode::Mode;
#[cfg(test)]
use crate::docs_table::Sample;
use crate::error::Error;
use crate::reader::Reader;
use crate::request::Request;
use crate::timestamp::Timestamp;
use crate::wire::wire_words;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileType {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link. Only entries of a folder are reported so: the path that is asked for is
    /// followed.
    Symlink,
    /// A unix socket.
    Socket,
    /// A named pipe.
    NamedPipe,
    /// A block or character device.
    Device,
    /// Something that Pebble does not know.
    Unknown,
    /// A word that this version does not know.
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

/// One file or folder, as Pebble sees it.
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
    /// A file can be dated at what is no moment of RFC 3339; that must not hide the folder it is
    /// in.
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
    /// Its whole path. (Pebble doubles the last name in it when a folder
    /// [`itself`](ListOptions::itself) was asked for with a slash at the end.)
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its name in its folder. Bytes of it that are not UTF-8 have become U+FFFD, and the file
    /// cannot be reached by that name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is.
    #[must_use]
    pub fn file_type(&self) -> &FileType {
        &self.kind
    }

    /// Its size in bytes; only of a regular file.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Who may do what with it.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.permissions
    }

    /// When it was last changed, to the second; `None` for a date that is no [`Timestamp`], such as
    /// one in the year 12026.
    #[must_use]
    pub fn last_modified(&self) -> Option<Timestamp> {
        self.last_modified
    }

    /// The number of the user that it belongs to.
    #[must_use]
    pub fn user_id(&self) -> Option<u32> {
        self.user_id
    }

    /// The name of that user; `None` when there is none in the container.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        Some(self.user.as_str()).filter(|name| !name.is_empty())
    }

    /// The number of the group that it belongs to.
    #[must_use]
    pub fn group_id(&self) -> Option<u32> {
        self.group_id
    }

    /// The name of that group; `None` when there is none in the container.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        Some(self.group.as_str()).filter(|name| !name.is_empty())
    }
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(String::deserialize(deserializer)?.parse().ok())
}

/// The files that [`Reader::list_files`] lists of a path; all that is in it unless narrowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ListOptions {
    pattern: Option<String>,
    itself: bool,
}

impl ListOptions {
    /// All that is in the folder; for a path that is no folder, that one file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only names that match this pattern, such as `*.conf` or `[a-c]?` (Go's `path.Match`).
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.pattern = Some(pattern.into());
        self
    }

    /// The folder itself instead of what is in it.
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
    /// What is in a folder, by name, or one file: `GET /v1/files?action=list`. `path` is absolute;
    /// a link at its end is followed. Safe to drop.
    ///
    /// # Errors
    /// [`File`](crate::ErrorKind::File) when the path is missing, unreadable or the pattern
    /// is bad; [`Api`](crate::ErrorKind::Api) when it is not absolute;
    /// [`Unreachable`](crate::ErrorKind::Unreachable) when no answer comes within the
    /// policy.
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

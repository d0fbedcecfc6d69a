//! The files of a workload container, as its handlers use them. What has no method here is a call
//! of [`Container::client`].

use tokio::io::{AsyncRead, AsyncWrite};

use super::container::Container;
use super::error::Result;
use crate::pebble::{DirOptions, FileInfo, ListOptions, PushOptions, RemoveOptions};

impl Container {
    /// Writes a file in the container, whole or not at all. A `Vec` and a `String` are not copied.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or cannot write the file.
    pub async fn push(
        &self,
        path: &str,
        content: impl Into<Vec<u8>>,
        options: &PushOptions,
    ) -> Result<()> {
        self.client().push(path, content, options).await.map_err(|error| self.error(error))
    }

    /// Writes a file in the container with what a reader gives, whole or not at all. What was taken
    /// from the reader cannot be sent again.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or cannot write the file; if the connection breaks after bytes
    /// were taken from the reader; if the reader fails.
    pub async fn push_from(
        &self,
        path: &str,
        reader: impl AsyncRead + Unpin,
        options: &PushOptions,
    ) -> Result<()> {
        self.client().push_from(path, reader, options).await.map_err(|error| self.error(error))
    }

    /// The content of a file in the container, of at most 128 MiB.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or cannot read the file; if that is larger.
    pub async fn pull(&self, path: &str) -> Result<Vec<u8>> {
        self.client().pull(path).await.map_err(|error| self.error(error))
    }

    /// The content of a file in the container as text.
    ///
    /// # Errors
    ///
    /// As [`Container::pull`], and if it is not UTF-8.
    pub async fn pull_text(&self, path: &str) -> Result<String> {
        self.client().pull_text(path).await.map_err(|error| self.error(error))
    }

    /// Gives the content of a file in the container to a writer, and says how many bytes there
    /// were. After an error, what the writer got must not be trusted.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or cannot read the file; if the connection breaks after the
    /// writer was given bytes; if the writer fails.
    pub async fn pull_to(&self, path: &str, writer: impl AsyncWrite + Unpin) -> Result<u64> {
        self.client().pull_to(path, writer).await.map_err(|error| self.error(error))
    }

    /// What is in a folder of the container, by name, or one file.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or cannot list the path.
    pub async fn list_files(&self, path: &str, options: &ListOptions) -> Result<Vec<FileInfo>> {
        self.client().list_files(path, options).await.map_err(|error| self.error(error))
    }

    /// Makes a folder in the container.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or cannot make it.
    pub async fn make_dir(&self, path: &str, options: &DirOptions) -> Result<()> {
        self.client().make_dir(path, options).await.map_err(|error| self.error(error))
    }

    /// Removes a file or a folder of the container.
    ///
    /// # Errors
    ///
    /// If Pebble does not answer, or cannot remove it.
    pub async fn remove(&self, path: &str, options: &RemoveOptions) -> Result<()> {
        self.client().remove(path, options).await.map_err(|error| self.error(error))
    }
}

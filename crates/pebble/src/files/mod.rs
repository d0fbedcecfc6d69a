//! Lists, reads, writes, makes and removes files in the container: one, several in a request, or a
//! whole tree.
//!
//! All of these use one path of the API, `/v1/files`, with five actions:
//! - `list` lists folders.
//! - `pull` reads files and `push` writes them, from and to memory, local files and streams.
//! - `manage` makes folders and removes paths.
//! - `tree` pushes and pulls a folder with all that is in it.
//! - `results` decodes the answer, which has a result for each path: the failure of one path
//!   neither hides nor stops the others.
//!
//! A multipart body is made by `encoder` and read by `decoder`, both without I/O. `upload` makes
//! one attempt of a request whose body is made while it is sent, and `read_stream` reads an answer
//! while it comes. A file that is pulled gets its name once it is complete (`temporary`), as Pebble
//! does for one that is pushed.

mod decoder;
mod encoder;
mod list;
mod manage;
mod mode;
mod owner;
mod pull;
mod push;
mod read_stream;
mod results;
mod temporary;
mod tree;
mod upload;

#[cfg(any(test, fuzzing))]
pub(super) use decoder::try_pieces;
pub use list::{FileInfo, FileType, ListOptions};
pub use manage::{DirOptions, RemoveOptions};
pub use mode::{InvalidMode, Mode};
pub use owner::Owner;
pub use pull::{PullStream, PulledFile};
pub use push::{PushFile, PushOptions};
pub use results::{FileError, FileErrorKind, FileResult};
pub use tree::{Symlinks, TreeFailure, TreeOptions, TreeProgress, TreeReport};

#[cfg(test)]
pub(super) fn samples() -> Vec<super::docs_table::Sample> {
    [list::samples(), pull::samples(), push::samples(), manage::samples()]
        .into_iter()
        .flatten()
        .collect()
}

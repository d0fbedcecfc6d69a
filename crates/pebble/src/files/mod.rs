//! Files in the container: listed, read, written, made, removed, one by one, several in a request,
//! and whole trees.
//!
//! All of it is one path, `/v1/files`, with five meanings. `list` asks what is there; `pull` reads
//! and `push` writes, from and to memory, local files and streams; `manage` makes folders and
//! removes paths; `tree` does all of these for a folder and what is in it. A request about several
//! paths is answered path by path (`results`), so a failure of one neither hides nor stops the
//! others.
//!
//! What travels as multipart is made by `encoder` and taken apart by `decoder`, both without I/O.
//! `upload` is one attempt of a request whose body is made while it is sent, `reading` one answer
//! that is read while it comes. A file that is pulled gets its name when it is complete
//! (`temporary`), as one that is pushed does in the container.

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

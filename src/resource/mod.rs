#![doc = include_str!("../../docs/resources.md")]

mod declared;
mod digest;
mod file;
mod image;
#[cfg(test)]
mod tests;

pub use declared::{DeclaredResource, FileKind, OciImageKind, ResourceKind};
pub use digest::{Digest, InvalidDigest};
pub use file::ResourceFile;
pub use image::OciImage;

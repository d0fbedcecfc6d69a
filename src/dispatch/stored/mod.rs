//! The stored form of the documents that a unit keeps between hooks.
//!
//! The stored types are separate from the public types, so that a change of one does not change the
//! other by accident. Each document has a version in its [`envelope`], and every version that was
//! released stays readable. The files in `golden/` are real documents of each version, which a test
//! reads.
//!
//! To change a format, raise the document's version, keep the reader of the previous version beside
//! the new one, and add a golden file. An older library refuses a newer version and names it in the
//! error.

pub(crate) mod envelope;
pub(crate) mod event;
pub(crate) mod framework;

#[cfg(test)]
mod tests;

//! The documents that a unit keeps between hooks, as they are written.
//!
//! Their format stands apart from the public types, so that a change of one is not a change of the
//! other by accident. Each document has a version of its own in its [`envelope`]; a version that
//! was ever released stays readable. The files in `golden/` are real documents of each version, and
//! a test reads them.
//!
//! To change a format: raise the document's version, keep the reader of the version before beside
//! the new one, and add a golden file. An older library refuses what is newer, and says which
//! version it met.

pub(crate) mod envelope;
pub(crate) mod event;
pub(crate) mod framework;

#[cfg(test)]
mod tests;

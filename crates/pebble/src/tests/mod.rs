//! The tests of the client as a whole.

use super::*;

pub(crate) mod docs_table;
mod error_texts;
mod lost_answers;
mod malformed_answers;
mod scripted_server;
mod vocabulary;

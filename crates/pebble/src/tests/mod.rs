//! The tests of the client as a whole.

use super::*;

pub(crate) mod coverage;
mod error_texts;
mod odd_answers;
mod scripted;
mod scripted_server;
mod vocabulary;

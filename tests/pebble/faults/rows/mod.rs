//! The rows of the table.

mod daemon;
mod exec;
mod files;
mod notices;
mod services;

use crate::faults::operations::Operation;

/// Returns the rows of every endpoint. Some endpoints have several rows, one for each call.
pub(crate) fn all() -> Vec<&'static Operation> {
    [daemon::ROWS, services::ROWS, files::ROWS, exec::ROWS, notices::ROWS]
        .into_iter()
        .flatten()
        .collect()
}

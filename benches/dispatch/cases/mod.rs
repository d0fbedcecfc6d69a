//! The charms that the benchmark measures.

mod any_workload;
mod busy;
mod triggers;

use crate::case::Case;
use crate::common::Failure;

/// Makes all cases, in the order of their tables.
pub(crate) fn all() -> Result<Vec<Case>, Failure> {
    Ok(vec![any_workload::case()?, busy::case()])
}

//! The client reads the plan.

#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::layer::Plan;
use super::lookups::read_plan;
use super::reader::Reader;

impl Reader {
    /// Reads the plan that Pebble follows now: `GET /v1/plan?format=yaml`. Since Pebble 1.28 only
    /// an administrator may read it. Safe to drop.
    ///
    /// # Errors
    /// It fails with [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the
    /// policy, and with `Protocol` when the answer is no plan.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let answer = self.send(read_plan()).await?;
        Plan::from_yaml(&answer.decode::<String>()?)
            .map_err(|error| answer.malformed("what Pebble sent is not a plan").with_cause(&error))
    }
}

#[cfg(test)]
pub(super) fn samples() -> Vec<Sample> {
    vec![Sample::new("Reader::plan", "/v1/plan", read_plan())]
}

//! Reading the plan.

#[cfg(test)]
use super::docs_table::Sample;
use super::error::Error;
use super::layer::Plan;
use super::lookups::read_plan;
use super::reader::Reader;

impl Reader {
    /// The plan that Pebble runs by now: `GET /v1/plan?format=yaml`. Since Pebble 1.28 only an
    /// administrator may ask. Safe to drop.
    ///
    /// # Errors
    /// [`Unreachable`](super::ErrorKind::Unreachable) when no answer comes within the policy;
    /// `Protocol` when the answer is no plan.
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

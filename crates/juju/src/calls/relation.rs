//! The call that lists the relations of an endpoint.

use serde_json::Value;

use crate::error::Error;
use crate::hook_cache::lock;
use crate::hook_tools::HookTools;
use crate::names::{EndpointName, RelationId};
use crate::tool_output::{parse_json, type_name};
use crate::tool_runner::ToolCall;

const TOOL: &str = "relation-ids";

impl HookTools {
    /// Returns the relations of an endpoint, in the order of their numbers. A relation that breaks
    /// in this hook is not among them (Juju 3.6 and 4.0).
    ///
    /// The answer is cached for the hook. Juju returns an empty list for an endpoint that the charm
    /// does not declare.
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not a list of relation ids.
    pub fn relation_ids(&self, endpoint: &EndpointName) -> Result<Vec<RelationId>, Error> {
        let mut cached = lock(&self.relation_ids);
        if let Some(ids) = cached.get(endpoint) {
            return Ok(ids.clone());
        }
        let attempt = format!("list the relations of the endpoint \"{endpoint}\"");
        let call = ToolCall::new(TOOL).arg("--format=json").arg(endpoint.as_str());
        let output = self.query_text(attempt.clone(), &call)?;
        let ids = parse_json(&output)
            .and_then(parse_ids)
            .map_err(|cause| Error::output(attempt, TOOL, &cause))?;
        cached.insert(endpoint.clone(), ids.clone());
        Ok(ids)
    }
}

fn parse_ids(answer: Value) -> Result<Vec<RelationId>, String> {
    let list = match answer {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list,
        other => return Err(format!("printed {} where a list was due", type_name(&other))),
    };
    let ids = list.into_iter().map(|id| match id {
        Value::String(id) => id
            .parse::<RelationId>()
            .map_err(|_| "printed a text that is not the id of a relation".to_owned()),
        other => Err(format!("printed {} where a relation's id was due", type_name(&other))),
    });
    let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
    ids.sort();
    Ok(ids)
}

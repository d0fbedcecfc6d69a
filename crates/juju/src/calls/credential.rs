//! The call that reads the model's cloud and its credential.

use crate::cloud::{CloudSpec, parse_cloud};
use crate::error::Error;
use crate::hook_tools::HookTools;
use crate::tool_runner::ToolCall;

const TOOL: &str = "credential-get";
const ATTEMPT: &str = "read the model's cloud and its credential";

impl HookTools {
    /// Returns the cloud that the model is on, with the credential of the model. On Kubernetes that
    /// is the one of the pod, and Juju has it from 3.6.10 on.
    ///
    /// The answer is not cached, so that the credential stays in memory no longer than the caller
    /// keeps it.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Denied`](crate::ErrorKind::Denied) if the operator does not trust the
    ///   application: `juju trust APPLICATION --scope=cluster` on Kubernetes, else without the
    ///   scope.
    /// - The tool failed, or its output is not a cloud. The error quotes nothing of it.
    pub fn cloud_spec(&self) -> Result<CloudSpec, Error> {
        let answer = self.query_json(ATTEMPT, ToolCall::new(TOOL).arg("--format=json"))?;
        parse_cloud(answer).map_err(|cause| Error::output(ATTEMPT, TOOL, &cause))
    }
}

//! The calls of the tools that Juju 4 has removed: those for the leader's settings, for payloads
//! and for pod specs.
//!
//! Their errors have [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) on a Juju without
//! the tool.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Error;
use crate::hook_tools::HookTools;
use crate::payload_status::PayloadStatus;
use crate::tool_output::{key_excerpt, string_map};
use crate::tool_runner::ToolCall;

const READ_SETTINGS: &str = "read the leader's settings";
const WRITE_SETTINGS: &str = "write the leader's settings";
const READ_SPEC: &str = "read the pod spec";
const READ_RAW_SPEC: &str = "read the raw Kubernetes spec";

impl HookTools {
    /// Returns the settings that the leader shares with the other units (Juju 3.6 and before). The
    /// own application databag of a peer relation does the same in every version.
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not a map of strings.
    pub fn leader_settings(&self) -> Result<BTreeMap<String, String>, Error> {
        let call = ToolCall::new("leader-get").arg("--format=json");
        let answer = self.query_json(READ_SETTINGS, call)?;
        string_map(answer).map_err(|cause| Error::output(READ_SETTINGS, "leader-get", &cause))
    }

    /// Writes settings that the leader shares with the other units (Juju 3.6 and before), or
    /// deletes those that are `None`. Juju writes them at once, also if the hook fails later.
    ///
    /// The values are arguments, since the tool reads no file: a list of processes shows them, so
    /// they must not be secret. An empty map starts no tool.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::NotLeader`](crate::ErrorKind::NotLeader) if this unit does not lead.
    /// - [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if a key is empty or has a `=`, or if a
    ///   value is empty, which would delete it. Nothing was sent.
    /// - The tool failed.
    pub fn set_leader_settings(
        &self,
        changes: &BTreeMap<String, Option<String>>,
    ) -> Result<(), Error> {
        const TOOL: &str = "leader-set";
        if changes.is_empty() {
            return Ok(());
        }
        let mut call = ToolCall::new(TOOL).arg("--");
        for (key, value) in changes {
            // The tool would take the text up to the first `=` for the key, and skip an empty one.
            if key.is_empty() || key.contains('=') {
                let why = format!("the key {:?} is empty or has a \"=\"", key_excerpt(key));
                return Err(Error::refused(WRITE_SETTINGS, TOOL, why));
            }
            if value.as_deref() == Some("") {
                let why = format!("the value of {:?} is empty", key_excerpt(key));
                return Err(Error::refused(WRITE_SETTINGS, TOOL, why));
            }
            call = call.arg(format!("{key}={}", value.as_deref().unwrap_or_default()));
        }
        self.execute(WRITE_SETTINGS, call)
    }

    /// Registers a payload of a class that the charm's metadata declares with this type (Juju 3.6
    /// and before). Juju does it at once.
    ///
    /// # Errors
    ///
    /// The tool failed, for instance because the metadata declares no such class, or an argument is
    /// empty.
    pub fn register_payload(
        &self,
        kind: &str,
        class: &str,
        id: &str,
        tags: &[&str],
    ) -> Result<(), Error> {
        let attempt = format!("register the payload {id:?} of the class {class:?}");
        let call = ToolCall::new("payload-register");
        self.execute_on_payload(attempt, call, &[&[kind, class, id], tags].concat())
    }

    /// Forgets a payload (Juju 3.6 and before). One that is not registered is not an error.
    ///
    /// # Errors
    ///
    /// The tool failed, or an argument is empty.
    pub fn unregister_payload(&self, class: &str, id: &str) -> Result<(), Error> {
        let attempt = format!("forget the payload {id:?} of the class {class:?}");
        self.execute_on_payload(attempt, ToolCall::new("payload-unregister"), &[class, id])
    }

    /// Sets the status of a payload (Juju 3.6 and before). Juju does it at once.
    ///
    /// # Errors
    ///
    /// The tool failed, for instance because the payload is not registered, or an argument is
    /// empty.
    pub fn set_payload_status(
        &self,
        class: &str,
        id: &str,
        status: PayloadStatus,
    ) -> Result<(), Error> {
        let attempt = format!("set the status of the payload {id:?} of the class {class:?}");
        let call = ToolCall::new("payload-status-set");
        self.execute_on_payload(attempt, call, &[class, id, status.as_str()])
    }

    /// Returns the pod spec of the application, which is YAML, or an empty text if none was set
    /// (Juju 3.6 and before, charms without containers of their own).
    ///
    /// # Errors
    ///
    /// The tool failed, or its output is not UTF-8.
    pub fn k8s_spec(&self) -> Result<String, Error> {
        self.read_spec(READ_SPEC, "k8s-spec-get")
    }

    /// Sets the pod spec of the application, which is YAML (Juju 3.6 and before). It goes by
    /// standard input. `resources` is an absolute path of a file with further Kubernetes resources,
    /// which the agent reads. Juju sets it if the hook exits with code 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotLeader`](crate::ErrorKind::NotLeader) if this unit does not lead, or the
    /// tool failed.
    pub fn set_k8s_spec(&self, spec: &str, resources: Option<&Path>) -> Result<(), Error> {
        const ATTEMPT: &str = "set the pod spec";
        let mut call = ToolCall::new("k8s-spec-set").arg("--file").arg("-").stdin(spec.as_bytes());
        if let Some(path) = resources {
            let path = path.to_str().filter(|_| path.is_absolute()).ok_or_else(|| {
                let why = "the path of the resources is not absolute or not UTF-8";
                Error::refused(ATTEMPT, "k8s-spec-set", why)
            })?;
            call = call.arg("--k8s-resources").arg(path);
        }
        self.execute(ATTEMPT, call)
    }

    /// Returns the raw Kubernetes spec of the application, or an empty text if none was set (Juju
    /// 3.6 and before).
    ///
    /// # Errors
    ///
    /// Fails as [`k8s_spec`](Self::k8s_spec) does.
    pub fn k8s_raw_spec(&self) -> Result<String, Error> {
        self.read_spec(READ_RAW_SPEC, "k8s-raw-get")
    }

    /// Sets the raw Kubernetes spec of the application, which goes by standard input (Juju 3.6 and
    /// before). Juju sets it if the hook exits with code 0.
    ///
    /// # Errors
    ///
    /// Fails as [`set_k8s_spec`](Self::set_k8s_spec) does.
    pub fn set_k8s_raw_spec(&self, spec: &str) -> Result<(), Error> {
        let call = ToolCall::new("k8s-raw-set").arg("--file").arg("-").stdin(spec.as_bytes());
        self.execute("set the raw Kubernetes spec", call)
    }

    fn execute_on_payload(
        &self,
        attempt: String,
        call: ToolCall<'_>,
        args: &[&str],
    ) -> Result<(), Error> {
        // The tools check only the id, and only of a payload that they register.
        if args.iter().any(|arg| arg.is_empty()) {
            return Err(Error::refused(attempt, call.tool, "an argument is empty"));
        }
        let call = args.iter().fold(call.arg("--"), |call, arg| call.arg(*arg));
        self.execute(attempt, call)
    }

    fn read_spec(&self, attempt: &'static str, tool: &'static str) -> Result<String, Error> {
        let output = self.query_text(attempt, &ToolCall::new(tool))?;
        String::from_utf8(output)
            .map_err(|_| Error::output(attempt, tool, "printed a spec that is not UTF-8"))
    }
}

//! The tools that newer versions of Juju do not have: those for payloads and pod specs (until 3.6)
//! and for metrics (until 2.9).
//!
//! Source: reference `juju-agent-measured.md` 3.8.

use serde_json::Value;

use super::super::args::Opt;
use super::super::go_text::go_quote;
use super::super::output::Output;
use super::context::{Failure, ToolContext, ToolResult, not_modelled};
use super::tool::{Tool, Versions};

const FILE: Opt = Opt::value(&["file"], "file", "the file to read; standard input by default");
const SPEC_FILES: &[Opt] = &[FILE, Opt::value(&["k8s-resources"], "file", "further resources")];

pub(super) const TOOLS: &[Tool] = &[
    Tool::new(
        "payload-register",
        "<type> <class> <id> [tags...]",
        "Register a payload.",
        payload_register,
    )
    .versions(Versions::RemovedIn(4, 0)),
    Tool::new("payload-unregister", "<class> <id>", "Forget a payload.", payload_unregister)
        .versions(Versions::RemovedIn(4, 0)),
    Tool::new(
        "payload-status-set",
        "<class> <id> <status>",
        "Set a payload's status.",
        payload_status_set,
    )
    .versions(Versions::RemovedIn(4, 0)),
    Tool::new("k8s-spec-get", "", "Print the pod spec.", spec_get)
        .versions(Versions::RemovedIn(4, 0)),
    Tool::new("k8s-spec-set", "--file <file>", "Set the pod spec.", spec_set)
        .options(SPEC_FILES)
        .versions(Versions::RemovedIn(4, 0)),
    Tool::new("pod-spec-get", "", "Print the pod spec.", spec_get)
        .versions(Versions::RemovedIn(4, 0)),
    Tool::new("pod-spec-set", "--file <file>", "Set the pod spec.", spec_set)
        .options(SPEC_FILES)
        .versions(Versions::RemovedIn(4, 0)),
    Tool::new("k8s-raw-get", "", "Print the raw spec.", spec_get)
        .versions(Versions::RemovedIn(4, 0)),
    Tool::new("k8s-raw-set", "--file <file>", "Set the raw spec.", raw_set)
        .options(&[FILE])
        .versions(Versions::RemovedIn(4, 0)),
    Tool::new("add-metric", "<key>=<value> [...]", "Add metrics.", not_modelled)
        .options(&[Opt::value(&["l", "labels"], "labels", "labels of the metrics")])
        .versions(Versions::RemovedIn(3, 0)),
];

/// Returns the full name of a payload.
fn payload(class: &str, id: &str) -> String {
    if id.is_empty() { class.to_owned() } else { format!("{class}/{id}") }
}

fn missing_arguments() -> Failure {
    Failure::Usage("missing required arguments".to_owned())
}

/// Registers a payload. Its class must be declared in the `metadata.yaml` of the caller's working
/// directory.
fn payload_register(context: &mut ToolContext<'_>) -> ToolResult {
    // The arguments after these are the payload's tags, which no tool prints.
    let [kind, class, id, ..] = context.args.positionals.as_slice() else {
        return Err(missing_arguments());
    };
    let metadata = context.request.dir.join("metadata.yaml");
    let content = context.input(&metadata.to_string_lossy())?;
    let metadata =
        charmwright_yaml::juju::value(content).map_err(|why| Failure::Run(why.to_string()))?;
    let declared = metadata.get("payloads").and_then(|payloads| payloads.get(class));
    let class_shown = go_quote(class);
    let Some(declared) = declared else {
        return Err(Failure::Run(format!("payload {class_shown} not found in metadata.yaml")));
    };
    let expected = declared.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind != expected {
        return Err(Failure::Run(format!(
            "incorrect type {} for payload {class_shown}, expected {}",
            go_quote(kind),
            go_quote(expected)
        )));
    }
    if id.is_empty() {
        return Err(Failure::Run("missing ID not valid".to_owned()));
    }
    let payload = payload(class, id);
    context.unit_mut()?.payloads.insert(payload);
    Ok(Output::Nothing)
}

fn payload_unregister(context: &mut ToolContext<'_>) -> ToolResult {
    let [class, id, ..] = context.args.positionals.as_slice() else {
        return Err(missing_arguments());
    };
    context.refuse_more_than(2)?;
    let payload = payload(class, id);
    context.unit_mut()?.payloads.remove(&payload);
    Ok(Output::Nothing)
}

fn payload_status_set(context: &mut ToolContext<'_>) -> ToolResult {
    let [class, id, status, ..] = context.args.positionals.as_slice() else {
        return Err(missing_arguments());
    };
    context.refuse_more_than(3)?;
    if !matches!(status.as_str(), "running" | "starting" | "stopped" | "stopping") {
        return Err(Failure::Run(format!(
            "status {} not supported; expected one of [\"running\", \"starting\", \"stopped\", \
             \"stopping\"]",
            go_quote(status)
        )));
    }
    if context.unit()?.payloads.contains(&payload(class, id)) {
        Ok(Output::Nothing)
    } else {
        Err(Failure::Run("payload not found".to_owned()))
    }
}

fn spec_get(context: &mut ToolContext<'_>) -> ToolResult {
    context.refuse_more_than(0)?;
    not_modelled(context)
}

fn spec_set(context: &mut ToolContext<'_>) -> ToolResult {
    set_spec(context, "k8s spec")
}

fn raw_set(context: &mut ToolContext<'_>) -> ToolResult {
    set_spec(context, "k8s raw spec")
}

/// Refuses a spec as Juju does. A correct spec is not modelled, since Juju has pod specs only for
/// charms without containers.
fn set_spec(context: &mut ToolContext<'_>, what: &str) -> ToolResult {
    context.refuse_more_than(0)?;
    let content = match context.args.value("file").unwrap_or("-") {
        "" => return Err(Failure::Run("path not set".to_owned())),
        path => context.input(path)?,
    };
    if content.is_empty() {
        return Err(Failure::Run(format!(
            "no {what} specified: pipe {what} to command, or specify a file with --file"
        )));
    }
    context.require_leader("this unit is not the leader")?;
    not_modelled(context)
}

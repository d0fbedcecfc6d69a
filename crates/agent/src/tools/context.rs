//! The things that every hook tool is given, and the ways in which it fails.

use std::path::PathBuf;

use super::super::args::ParsedArgs;
use super::super::controller::Controller;
use super::super::output::{Format, Output};
use super::super::running::{ActionOutput, PendingWrites, Snapshot};
use super::super::tool_path;
use super::super::tool_request::ToolRequest;

/// Why a tool did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A mistake in the arguments: exit code 2.
    Usage(String),
    /// An error while running: exit code 1.
    Run(String),
    /// Standard input is needed and was not sent.
    NeedsInput,
    /// This file of the arguments is needed and was not sent.
    NeedsFile(PathBuf),
}

pub(crate) type ToolResult = Result<Output, Failure>;

/// The things that a tool works on: the controller, all that the hook has read and asked for, and
/// the call itself. It knows nothing of the unit's other hooks.
pub(crate) struct ToolContext<'a> {
    pub(crate) controller: &'a mut Controller,
    pub(crate) snapshot: &'a mut Snapshot,
    pub(crate) writes: &'a mut PendingWrites,
    /// `None` where a hook runs.
    pub(crate) action: Option<&'a mut ActionOutput>,
    pub(crate) request: &'a ToolRequest,
    pub(crate) args: ParsedArgs,
    pub(crate) format: Format,
    pub(crate) is_kill_requested: bool,
}

impl ToolContext<'_> {
    /// Refuses more than `count` positionals.
    pub(crate) fn refuse_more_than(&self, count: usize) -> Result<(), Failure> {
        self.args.refuse_positionals_from(count).map_err(Failure::Usage)
    }

    /// Whether the unit leads, as this hook may know it: a "no" stays a "no" to its end.
    pub(crate) fn is_leader(&mut self) -> bool {
        self.snapshot.is_not_leader |= !self.controller.is_leader;
        !self.snapshot.is_not_leader
    }

    pub(crate) fn require_leader(&mut self, refusal: &str) -> Result<(), Failure> {
        if self.is_leader() { Ok(()) } else { Err(Failure::Run(refusal.to_owned())) }
    }

    /// `--file FILE`, where `-` is standard input: the bytes, or the wish for them.
    pub(crate) fn input(&self, path: &str) -> Result<&[u8], Failure> {
        if path == "-" {
            return self.request.stdin.as_deref().ok_or(Failure::NeedsInput);
        }
        let home = self.controller.settings.home.as_deref();
        let path = tool_path::resolve(&self.request.dir, path, home).map_err(Failure::Run)?;
        self.file().map_err(|cause| match cause {
            None => Failure::NeedsFile(path),
            Some(cause) => Failure::Run(cannot_read(&path.to_string_lossy(), cause)),
        })
    }

    /// The content of the file that this call asked for; no cause where it has not been read yet.
    pub(crate) fn file(&self) -> Result<&[u8], Option<&str>> {
        match &self.request.file {
            None => Err(None),
            Some(Ok(content)) => Ok(content),
            Some(Err(cause)) => Err(Some(cause)),
        }
    }
}

/// Go's text for a file that cannot be read: a directory can be opened.
pub(crate) fn cannot_read(path: &str, cause: &str) -> String {
    let verb = if cause == "is a directory" { "read" } else { "open" };
    format!("{verb} {path}: {cause}")
}

/// For a tool of Juju's that a unit without relations, storage and secrets of its own has no use
/// for.
pub(crate) fn not_modelled(context: &mut ToolContext<'_>) -> ToolResult {
    Err(Failure::Run(format!("cannot run {}: this agent does not model it", context.request.name)))
}

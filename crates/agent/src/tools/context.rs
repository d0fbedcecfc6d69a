//! [`ToolContext`] is the input of every hook tool, and [`Failure`] its error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use charmwright_juju::UnitName;
use jiff::Timestamp;

use super::super::application::Application;
use super::super::args::ParsedArgs;
use super::super::error::Error;
use super::super::model::Model;
use super::super::output::{Format, Output};
use super::super::relations::RelationHook;
use super::super::running::{ActionOutput, PendingWrites, Snapshot};
use super::super::secrets::SecretMetadata;
use super::super::tool_path;
use super::super::tool_request::ToolRequest;
use super::super::unit_record::UnitRecord;

/// The reason for which a tool has no output: an error, or input that the caller must send first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The arguments have a mistake: exit code 2.
    Usage(String),
    /// The tool failed while it ran: exit code 1.
    Run(String),
    /// The tool needs the standard input, which the request does not have yet.
    NeedsInput,
    /// The tool needs the content of this file, which the request does not have yet.
    NeedsFile(PathBuf),
}

pub(crate) type ToolResult = Result<Output, Failure>;

/// The data on which a tool works: the model, the unit whose hook calls the tool, the reads and
/// pending writes of that hook, and the request. While a tool works, `snapshot`, `writes` and
/// `action` are here and not in the unit's record.
pub(crate) struct ToolContext<'a> {
    pub(crate) model: &'a mut Model,
    pub(crate) unit: &'a UnitName,
    pub(crate) snapshot: &'a mut Snapshot,
    pub(crate) writes: &'a mut PendingWrites,
    /// The running action; `None` while a hook runs.
    pub(crate) action: Option<&'a mut ActionOutput>,
    pub(crate) request: &'a ToolRequest,
    pub(crate) args: ParsedArgs,
    pub(crate) format: Format,
    /// Set by `juju-reboot --now`.
    pub(crate) is_kill_requested: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Run(error.to_string())
    }
}

impl ToolContext<'_> {
    /// Returns the running hook if it is that of a relation.
    pub(crate) fn relation_hook(&self) -> Option<&RelationHook> {
        self.snapshot.relation_hook.as_ref()
    }

    /// Returns the unit whose hook calls the tool.
    ///
    /// # Errors
    /// Fails if the unit is not in the model any more.
    pub(crate) fn unit(&self) -> Result<&UnitRecord, Failure> {
        Ok(self.model.record(self.unit)?)
    }

    /// Returns the unit, to be changed at once.
    ///
    /// # Errors
    /// Fails if the unit is not in the model any more.
    pub(crate) fn unit_mut(&mut self) -> Result<&mut UnitRecord, Failure> {
        Ok(self.model.record_mut(self.unit)?)
    }

    /// Returns the unit's application.
    ///
    /// # Errors
    /// Fails if the application is not in the model any more.
    pub(crate) fn application(&self) -> Result<&Application, Failure> {
        Ok(self.model.application(self.unit.application().as_str())?)
    }

    /// Returns the unit's application, to be changed at once.
    ///
    /// # Errors
    /// Fails if the application is not in the model any more.
    pub(crate) fn application_mut(&mut self) -> Result<&mut Application, Failure> {
        Ok(self.model.application_mut(self.unit.application().as_str())?)
    }

    /// Returns `true` if the unit runs on Kubernetes.
    ///
    /// # Errors
    /// Fails if the application is not in the model any more.
    pub(crate) fn is_kubernetes(&self) -> Result<bool, Failure> {
        Ok(self.model.is_on_kubernetes(self.application()?))
    }

    /// Refuses more than `count` positional arguments.
    pub(crate) fn refuse_more_than(&self, count: usize) -> Result<(), Failure> {
        self.args.refuse_positionals_from(count).map_err(Failure::Usage)
    }

    /// Returns `true` if the unit is the leader. Once it was not, the answer stays `false` until
    /// the hook ends (Juju 3.6).
    pub(crate) fn is_leader(&mut self) -> bool {
        self.snapshot.is_not_leader |= !self.model.leads(self.unit);
        !self.snapshot.is_not_leader
    }

    /// Returns the time of day of the call.
    pub(crate) fn time(&self) -> Timestamp {
        self.model.time_of_day(self.model.now())
    }

    /// Refuses the call with this text if the unit is not the leader.
    pub(crate) fn require_leader(&mut self, refusal: &str) -> Result<(), Failure> {
        if self.is_leader() { Ok(()) } else { Err(Failure::Run(refusal.to_owned())) }
    }

    /// Returns the content of the file of `--file`, where `-` is the standard input.
    ///
    /// # Errors
    /// Returns [`Failure::NeedsInput`] or [`Failure::NeedsFile`] if the request does not have it
    /// yet, and Go's text if the file cannot be read.
    pub(crate) fn input(&self, path: &str) -> Result<&[u8], Failure> {
        if path == "-" {
            return self.request.stdin.as_deref().ok_or(Failure::NeedsInput);
        }
        let home = self.model.settings.home.as_deref();
        let path = tool_path::resolve(&self.request.dir, path, home).map_err(Failure::Run)?;
        match self.file(&path) {
            None => Err(Failure::NeedsFile(path)),
            Some(Err(cause)) => Err(Failure::Run(cannot_read(&path.to_string_lossy(), cause))),
            Some(Ok(content)) => Ok(content),
        }
    }

    /// Returns the content of a file, or the cause if it cannot be read. Returns `None` if the
    /// agent has not asked the caller for the file yet.
    pub(crate) fn file(&self, path: &Path) -> Option<Result<&[u8], &str>> {
        let file = self.request.files.get(path)?;
        Some(file.as_deref().map_err(String::as_str))
    }

    /// Returns the secrets that the unit owns as its hook sees them: Juju's agent asks for them
    /// once in a hook, and shows what is pending.
    pub(crate) fn owned_secrets(&mut self) -> BTreeMap<String, SecretMetadata> {
        self.load_owned_secrets();
        let none = BTreeMap::new();
        self.writes.secrets.view(self.snapshot.owned_secrets.as_ref().unwrap_or(&none))
    }

    /// Returns what Juju has stored of a secret that the unit owns.
    pub(crate) fn stored_secret(&mut self, id: &str) -> Option<&SecretMetadata> {
        self.load_owned_secrets();
        self.snapshot.owned_secrets.as_ref()?.get(id)
    }

    fn load_owned_secrets(&mut self) {
        if self.snapshot.owned_secrets.is_none() {
            let leads = self.model.leads(self.unit);
            let owned = self.model.secrets.owned_by(&self.unit.to_string(), leads);
            self.snapshot.owned_secrets = Some(owned);
        }
    }
}

/// Returns Go's text for a file that cannot be read. Go can open a directory, so there the error
/// says `read`.
pub(crate) fn cannot_read(path: &str, cause: &str) -> String {
    let verb = if cause == "is a directory" { "read" } else { "open" };
    format!("{verb} {path}: {cause}")
}

/// Fails for a tool that the model does not have.
pub(crate) fn not_modelled(context: &mut ToolContext<'_>) -> ToolResult {
    Err(Failure::Run(format!("cannot run {}: this agent does not model it", context.request.name)))
}

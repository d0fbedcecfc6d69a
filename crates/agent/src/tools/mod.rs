//! The hook tools, a file a group: what each takes, does and prints.
//!
//! Source: reference `juju-agent.md` 1.4, 2 and 3: names, options, texts and exit codes are Juju's.

mod action;
mod config;
mod environs;
mod leader;
mod log;
mod ports;
mod relation;
mod removed;
mod secret;
mod secret_content;
mod state;
mod status;
mod storage;

use std::path::PathBuf;

use super::args::{Opt, Parsed};
use super::go_text::{atoi, go_quote};
use super::hook_run::Running;
use super::names;
use super::output::{Format, Output};
use super::settings::juju_has;
use super::tool_call::ToolRequest;
use super::tool_path;
use super::unit::Unit;
use charmwright_juju::JujuVersion;

/// Why a tool did not do what it was asked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A mistake in the arguments: exit code 2.
    Usage(String),
    /// An error while running: exit code 1.
    Run(String),
    /// Standard input is needed and was not sent.
    WantsStdin,
    /// This file of the arguments is needed and was not sent.
    WantsFile(PathBuf),
}

type ToolResult = Result<Output, Failure>;

/// What a tool works on.
pub(super) struct ToolContext<'a> {
    pub(super) unit: &'a mut Unit,
    pub(super) running: &'a mut Running,
    pub(super) request: &'a ToolRequest,
    pub(super) args: Parsed,
    pub(super) format: Format,
    pub(super) kill_hook: bool,
}

impl ToolContext<'_> {
    /// Refuses more than `count` positionals.
    fn at_most(&self, count: usize) -> Result<(), Failure> {
        self.args.no_more_than(count).map_err(Failure::Usage)
    }

    /// Whether the unit leads, as this hook may know it: a "no" stays a "no" to its end.
    fn is_leader(&mut self) -> bool {
        self.running.not_leader |= !self.unit.leader;
        !self.running.not_leader
    }

    fn needs_leader(&mut self, refusal: &str) -> Result<(), Failure> {
        if self.is_leader() { Ok(()) } else { Err(Failure::Run(refusal.to_owned())) }
    }

    /// `--file FILE`, where `-` is standard input: the bytes, or the wish for them.
    fn input(&self, path: &str) -> Result<&[u8], Failure> {
        if path == "-" {
            return self.request.stdin.as_deref().ok_or(Failure::WantsStdin);
        }
        let home = self.unit.settings.home.as_deref();
        let path = tool_path::resolve(&self.request.dir, path, home).map_err(Failure::Run)?;
        self.file().map_err(|cause| match cause {
            None => Failure::WantsFile(path),
            Some(cause) => Failure::Run(cannot_read(&path.to_string_lossy(), cause)),
        })
    }

    /// The content of the file that this call asked for; no cause where it has not been read yet.
    fn file(&self) -> Result<&[u8], Option<&str>> {
        match &self.request.file {
            None => Err(None),
            Some(Ok(content)) => Ok(content),
            Some(Err(cause)) => Err(Some(cause)),
        }
    }
}

/// Go's text for a file that cannot be read: a directory can be opened.
fn cannot_read(path: &str, cause: &str) -> String {
    let verb = if cause == "is a directory" { "read" } else { "open" };
    format!("{verb} {path}: {cause}")
}

/// Which values `--format` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Formats {
    /// The tool prints nothing of that kind.
    None,
    /// `--format` is taken and ignored, as in old scripts.
    Ignored,
    /// smart (the default), yaml, json.
    SmartYamlJson,
    /// yaml (the default), json.
    YamlJson,
}

const FORMAT: Opt = Opt::value(&["format"], "format", "specify output format");
const OLD_FORMAT: Opt = Opt::value(&["format"], "format", "deprecated; ignored");
const OUTPUT: Opt = Opt::value(&["o", "output"], "file", "specify an output file");

impl Formats {
    pub(super) fn options(self) -> &'static [Opt] {
        match self {
            Self::None => &[],
            Self::Ignored => &[OLD_FORMAT],
            Self::SmartYamlJson | Self::YamlJson => &[FORMAT, OUTPUT],
        }
    }

    pub(super) fn admit(self, value: &str) -> Result<(), String> {
        let known = match self {
            Self::None | Self::Ignored => true,
            Self::SmartYamlJson => matches!(value, "smart" | "yaml" | "json"),
            Self::YamlJson => matches!(value, "yaml" | "json"),
        };
        if known { Ok(()) } else { Err(format!("unknown format {}", go_quote(value))) }
    }
}

/// No relation is known to this unit; what is no number of 64 bits is another mistake.
pub(super) fn no_such_relation(value: &str) -> Result<(), String> {
    let id = value.rsplit(':').next().unwrap_or_default();
    Err(match atoi(id) {
        Ok(_) => "relation not found",
        Err(_) => "invalid relation id",
    }
    .to_owned())
}

/// No storage is attached to this unit; what is no storage's id is another mistake.
pub(super) fn no_such_storage(value: &str, unit: &str) -> Result<(), String> {
    Err(if names::is_storage(value) {
        format!("storage attachment {} on {} not found", go_quote(value), go_quote(unit))
    } else {
        format!("invalid storage ID {}", go_quote(value))
    })
}

/// One hook tool.
pub(super) struct Tool {
    name: &'static str,
    usage: &'static str,
    purpose: &'static str,
    pub(super) options: &'static [Opt],
    pub(super) formats: Formats,
    versions: Versions,
    pub(super) run: fn(&mut ToolContext<'_>) -> ToolResult,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Versions {
    All,
    /// From this one on.
    From(u32, u32),
    /// Removed in this one.
    Before(u32, u32),
}

impl Versions {
    fn contain(self, version: &JujuVersion) -> bool {
        match self {
            Self::All => true,
            Self::From(major, minor) => juju_has(version, major, minor),
            Self::Before(major, minor) => !juju_has(version, major, minor),
        }
    }
}

impl Tool {
    const fn new(
        name: &'static str,
        usage: &'static str,
        purpose: &'static str,
        run: fn(&mut ToolContext<'_>) -> ToolResult,
    ) -> Self {
        Self {
            name,
            usage,
            purpose,
            options: &[],
            formats: Formats::None,
            versions: Versions::All,
            run,
        }
    }

    const fn options(mut self, options: &'static [Opt]) -> Self {
        self.options = options;
        self
    }

    const fn formats(mut self, formats: Formats) -> Self {
        self.formats = formats;
        self
    }

    const fn versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// The text of `--help`, in our own words.
    pub(super) fn help(&self) -> String {
        let mut text = format!(
            "Usage: {} [options] {}\n\nSummary:\n{}\n",
            self.name, self.usage, self.purpose
        );
        let mut options: Vec<&Opt> = self.options.iter().chain(self.formats.options()).collect();
        if !options.is_empty() {
            text.push_str("\nOptions:\n");
            options.sort_by_key(|option| option.names);
            for option in options {
                let spellings: Vec<String> = option
                    .names
                    .iter()
                    .map(
                        |name| {
                            if name.len() == 1 { format!("-{name}") } else { format!("--{name}") }
                        },
                    )
                    .collect();
                let value = option.value.map(|value| format!(" <{value}>")).unwrap_or_default();
                text.push_str(&format!("{}{value}\n    {}\n", spellings.join(", "), option.help));
            }
        }
        text
    }
}

const TABLES: [&[Tool]; 12] = [
    action::TOOLS,
    config::TOOLS,
    environs::TOOLS,
    leader::TOOLS,
    log::TOOLS,
    ports::TOOLS,
    relation::TOOLS,
    removed::TOOLS,
    secret::TOOLS,
    state::TOOLS,
    status::TOOLS,
    storage::TOOLS,
];

fn all() -> impl Iterator<Item = &'static Tool> {
    static TABLE: [&[Tool]; 12] = TABLES;
    TABLE.iter().flat_map(|tools| tools.iter())
}

/// The tool of that name in that version of Juju.
pub(super) fn find(name: &str, version: &JujuVersion) -> Option<&'static Tool> {
    all().find(|tool| tool.name == name && tool.versions.contain(version))
}

/// The names that an executable is needed for in that version of Juju, sorted.
#[must_use]
pub fn tool_names(version: &JujuVersion) -> Vec<&'static str> {
    let mut names: Vec<&'static str> =
        all().filter(|tool| tool.versions.contain(version)).map(|tool| tool.name).collect();
    names.sort_unstable();
    names
}

/// For a tool of Juju's that a unit without relations, storage and secrets of its own has no use
/// for.
fn not_modelled(context: &mut ToolContext<'_>) -> ToolResult {
    Err(Failure::Run(format!("cannot run {}: this agent does not model it", context.request.name)))
}

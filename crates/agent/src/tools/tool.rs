//! [`Tool`] declares a hook tool: its name, its options, the versions of Juju that have it, and the
//! function that runs it.

use super::super::args::Opt;
use super::super::go_text::go_quote;
use super::super::model_settings::is_at_least;
use super::context::{ToolContext, ToolResult};
use charmwright_juju::JujuVersion;

/// The values that a tool takes for `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Formats {
    /// The tool has no `--format`.
    None,
    /// The tool takes `--format` and ignores it, for the sake of old scripts.
    Ignored,
    /// The tool takes smart (the default), yaml and json.
    SmartYamlJson,
    /// The tool takes yaml (the default) and json.
    YamlJson,
}

const FORMAT: Opt = Opt::value(&["format"], "format", "specify output format");
const OLD_FORMAT: Opt = Opt::value(&["format"], "format", "deprecated; ignored");
const OUTPUT: Opt = Opt::value(&["o", "output"], "file", "specify an output file");

impl Formats {
    pub(crate) fn options(self) -> &'static [Opt] {
        match self {
            Self::None => &[],
            Self::Ignored => &[OLD_FORMAT],
            Self::SmartYamlJson | Self::YamlJson => &[FORMAT, OUTPUT],
        }
    }

    pub(crate) fn check(self, value: &str) -> Result<(), String> {
        let known = match self {
            Self::None | Self::Ignored => true,
            Self::SmartYamlJson => matches!(value, "smart" | "yaml" | "json"),
            Self::YamlJson => matches!(value, "yaml" | "json"),
        };
        if known { Ok(()) } else { Err(format!("unknown format {}", go_quote(value))) }
    }
}

/// The declaration of a hook tool.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    usage: &'static str,
    purpose: &'static str,
    pub(crate) options: &'static [Opt],
    pub(crate) formats: Formats,
    pub(crate) versions: Versions,
    pub(crate) run: fn(&mut ToolContext<'_>) -> ToolResult,
}

/// The versions of Juju that have a tool.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    All,
    /// This version, given as major and minor, and every newer one.
    From(u32, u32),
    /// Every version before this one, given as major and minor.
    RemovedIn(u32, u32),
}

impl Versions {
    pub(crate) fn include(self, version: &JujuVersion) -> bool {
        match self {
            Self::All => true,
            Self::From(major, minor) => is_at_least(version, major, minor),
            Self::RemovedIn(major, minor) => !is_at_least(version, major, minor),
        }
    }
}

impl Tool {
    pub(crate) const fn new(
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

    pub(crate) const fn options(mut self, options: &'static [Opt]) -> Self {
        self.options = options;
        self
    }

    pub(crate) const fn formats(mut self, formats: Formats) -> Self {
        self.formats = formats;
        self
    }

    pub(crate) const fn versions(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    /// Returns the text of `--help`. It is not Juju's text, which has another licence.
    pub(crate) fn help(&self) -> String {
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

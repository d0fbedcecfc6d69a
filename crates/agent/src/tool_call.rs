//! One call of a hook tool: what the tool's process sends, and what it gets back.
//!
//! Source: reference `juju-agent.md` 1.3 and 9.2. The agent parses the arguments; the process only
//! carries bytes.

use std::path::PathBuf;
use std::time::Instant;

use super::args::{Stop, parse};
use super::go_text::{go_quote, parse_int};
use super::output::{Format, render};
use super::settings::juju_has;
use super::tool_path;
use super::tools::{self, Failure, Formats, ToolContext};
use super::unit::Unit;

/// What a hook tool's process asks.
#[derive(Debug, Clone, Default)]
pub struct ToolRequest {
    /// `JUJU_CONTEXT_ID` of the caller.
    pub context_id: String,
    /// `JUJU_AGENT_TOKEN` of the caller, else empty: Juju before 4.0 refuses one that it has not
    /// given, and it gives none to a charm that runs beside its agent.
    pub token: String,
    /// The caller's working directory, absolute: relative paths in arguments start there.
    pub dir: PathBuf,
    /// The tool's name: the last part of `argv[0]`.
    pub name: String,
    /// The arguments after the name.
    pub args: Vec<String>,
    /// All of standard input, once an answer has said [`ToolAnswer::wants_stdin`].
    pub stdin: Option<Vec<u8>>,
    /// The content of the file that an answer asked for by [`ToolAnswer::wants_file`], or why it
    /// cannot be read: the system's text, such as `no such file or directory`.
    pub file: Option<Result<Vec<u8>, String>>,
    /// The time of the call: a status that it sets is so since then. Without it, since the hook
    /// began.
    pub now: Option<Instant>,
}

/// What the tool's process does: prints both texts and exits with the code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ToolAnswer {
    /// 0, 1 for an error while running, 2 for a mistake in the arguments.
    pub code: i32,
    /// For standard output.
    pub stdout: Vec<u8>,
    /// For standard error. An error is one line that begins with `ERROR `; the warning of an old
    /// option may stand before it, with no line end between them.
    pub stderr: Vec<u8>,
    /// Nothing has been done yet: send the same request again with all of standard input.
    pub wants_stdin: bool,
    /// Nothing has been done yet: send the same request again with this file's content.
    pub wants_file: Option<PathBuf>,
    /// `--output`: write this file before answering; [`OutputFile::cannot_write`] is the answer if
    /// that fails.
    pub output_file: Option<OutputFile>,
    /// `juju-reboot --now`: kill the hook's processes, and finish it as killed by signal 9.
    pub kill_hook: bool,
}

/// A file that the agent, not the tool's process, writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputFile {
    /// Where; created, or cut to nothing first.
    pub path: PathBuf,
    /// What.
    pub content: Vec<u8>,
}

impl OutputFile {
    /// The answer when the file cannot be written; `cause` such as `no such file or directory`.
    pub fn cannot_write(&self, cause: &str) -> ToolAnswer {
        ToolAnswer::failed(1, &format!("open {}: {cause}", self.path.display()))
    }
}

impl ToolAnswer {
    fn failed(code: i32, text: &str) -> Self {
        Self { code, stderr: format!("ERROR {text}\n").into_bytes(), ..Self::default() }
    }
}

impl Unit {
    /// Answers a hook tool. Calls are taken one at a time; one that names no running hook is
    /// refused.
    pub fn tool(&mut self, request: &ToolRequest) -> ToolAnswer {
        let refuse = |why: String| ToolAnswer::failed(1, &format!("bad request: {why}"));
        if request.name.is_empty() {
            return refuse("command not specified".to_owned());
        }
        if !request.dir.is_absolute() {
            return refuse("Dir is not absolute".to_owned());
        }
        if !request.token.is_empty() && !juju_has(&self.settings.juju_version, 4, 0) {
            return refuse("token does not match".to_owned());
        }
        let Some(mut running) =
            self.running.take_if(|running| running.run.context_id == request.context_id)
        else {
            return refuse(format!("wrong context ID; got {}", go_quote(&request.context_id)));
        };
        if let Some(now) = request.now {
            self.note_time(now);
        }
        let answer = match tools::find(&request.name, &self.settings.juju_version) {
            Some(tool) => {
                let answer = self.run_tool(tool, request, &mut running);
                // A call that is to be sent again is one call.
                if !answer.wants_stdin && answer.wants_file.is_none() {
                    let count = running.tools.entry(request.name.clone()).or_default();
                    *count = count.saturating_add(1);
                }
                answer
            }
            None => refuse(format!("unknown command: {}", request.name)),
        };
        self.running = Some(running);
        answer
    }

    fn run_tool(
        &mut self,
        tool: &tools::Tool,
        request: &ToolRequest,
        running: &mut super::hook_run::Running,
    ) -> ToolAnswer {
        let options: Vec<_> = tool.options.iter().chain(tool.formats.options()).collect();
        let unit = self.settings.unit.as_str();
        let check = |key: &str, value: &str| match key {
            "format" => tool.formats.admit(value),
            "r" => tools::no_such_relation(value),
            "s" => tools::no_such_storage(value, unit),
            "revision" => parse_int(value).map(|_| ()),
            _ => Ok(()),
        };
        let args = match parse(&options, &request.args, &check) {
            Ok(args) => args,
            Err(Stop::Help) => {
                return ToolAnswer { stdout: tool.help().into_bytes(), ..ToolAnswer::default() };
            }
            Err(Stop::Usage(text)) => return ToolAnswer::failed(2, &text),
        };
        let format = match args.value("format") {
            Some("json") => Format::Json,
            Some("yaml") => Format::Yaml,
            _ if tool.formats == Formats::YamlJson => Format::Yaml,
            _ => Format::Smart,
        };
        let output_path = args.value("o").filter(|path| !path.is_empty()).map(|path| {
            tool_path::resolve_output(&request.dir, path, self.settings.home.as_deref())
        });
        // Said once the arguments are right, and with no line end.
        let warning = match args.value("format") {
            Some(format) if tool.formats == Formats::Ignored && !format.is_empty() => {
                format!("--format flag deprecated for command {}", go_quote(&request.name))
            }
            _ => String::new(),
        };
        let mut context =
            ToolContext { unit: self, running, request, args, format, kill_hook: false };
        let result = (tool.run)(&mut context);
        let kill_hook = context.kill_hook;
        match result {
            Ok(output) => {
                let text = render(format, &output).into_bytes();
                let (stdout, output_file) = match output_path {
                    Some(path) => (Vec::new(), Some(OutputFile { path, content: text })),
                    None => (text, None),
                };
                ToolAnswer {
                    stdout,
                    stderr: warning.into_bytes(),
                    output_file,
                    kill_hook,
                    ..ToolAnswer::default()
                }
            }
            Err(Failure::Usage(text)) => ToolAnswer::failed(2, &text),
            Err(Failure::Run(text)) => {
                let mut answer = ToolAnswer::failed(1, &text);
                answer.stderr.splice(..0, warning.into_bytes());
                answer
            }
            Err(Failure::WantsStdin) => ToolAnswer { wants_stdin: true, ..ToolAnswer::default() },
            Err(Failure::WantsFile(path)) => {
                ToolAnswer { wants_file: Some(path), ..ToolAnswer::default() }
            }
        }
    }
}

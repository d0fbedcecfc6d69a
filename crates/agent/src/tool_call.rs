//! [`Model::tool`] answers one call of a hook tool. The agent parses the arguments and runs the
//! tool; the tool's process only passes bytes on.
//!
//! Source: reference `juju-agent.md` 1.3 and 9.2.

use std::mem;
use std::path::Path;

use charmwright_juju::UnitName;

use super::args::{Stop, parse};
use super::go_text::{go_quote, parse_int};
use super::model::Model;
use super::output::{Format, render};
use super::running::{ActionOutput, PendingWrites, Running, Snapshot};
use super::tool_path;
use super::tool_request::{OutputFile, ToolAnswer, ToolRequest, ToolStep};
use super::tools::{self, Failure, Formats, Tool, ToolContext};

impl Model {
    /// Answers a call of a hook tool by a unit's hook, or returns what the caller must do first.
    ///
    /// A call with a context id that is not the running hook's is refused. Calls are answered one
    /// at a time, also those of several processes of one hook, as in Juju.
    pub fn tool(&mut self, unit: &UnitName, request: &ToolRequest) -> ToolStep {
        let refuse = |why: String| ToolStep::failed(1, &format!("bad request: {why}"));
        if request.name.is_empty() {
            return refuse("command not specified".to_owned());
        }
        if !request.dir.is_absolute() {
            return refuse("Dir is not absolute".to_owned());
        }
        // Juju 4 has no token and ignores one.
        if !request.token.is_empty() && !self.is_juju_at_least(4, 0) {
            return refuse("token does not match".to_owned());
        }
        let running = self.units.get_mut(unit).and_then(|record| record.running.as_mut());
        let running = running.filter(|running| running.run.context_id == request.context_id);
        // The hook's own data is taken out of the model while its tool works, since the tool may
        // change the whole model.
        let Some(mut data) = running.map(HookData::take) else {
            return refuse(format!("wrong context ID; got {}", go_quote(&request.context_id)));
        };
        if let Some(now) = request.now {
            self.set_now(unit, now);
        }
        let tool = tools::find(&request.name, &self.settings.juju_version);
        let step = match tool {
            Some(tool) => call(tool, request, self, unit, &mut data),
            None => refuse(format!("unknown command: {}", request.name)),
        };
        let running = self.units.get_mut(unit).and_then(|record| record.running.as_mut());
        if let Some(running) = running {
            data.put_back(running);
            // A request that the caller sends again is still one call.
            if tool.is_some() && !matches!(step, ToolStep::NeedsInput | ToolStep::NeedsFile(_)) {
                let count = running.tool_counts.entry(request.name.clone()).or_default();
                *count = count.saturating_add(1);
            }
        }
        step
    }
}

/// The data of the running hook that its tools read and change.
struct HookData {
    snapshot: Snapshot,
    writes: PendingWrites,
    action: Option<ActionOutput>,
}

impl HookData {
    fn take(running: &mut Running) -> Self {
        Self {
            snapshot: mem::take(&mut running.snapshot),
            writes: mem::take(&mut running.writes),
            action: running.action.take(),
        }
    }

    fn put_back(self, running: &mut Running) {
        running.snapshot = self.snapshot;
        running.writes = self.writes;
        running.action = self.action;
    }
}

/// Parses the arguments of a request and runs the tool.
fn call(
    tool: &Tool,
    request: &ToolRequest,
    model: &mut Model,
    unit: &UnitName,
    data: &mut HookData,
) -> ToolStep {
    let options: Vec<_> = tool.options.iter().chain(tool.formats.options()).collect();
    let known_relations = model.record(unit).ok().map(|record| &record.relations);
    // Juju judges these values while it parses, before it looks at the positionals: exit code 2.
    let check = |key: &str, value: &str| match key {
        "format" => tool.formats.check(value),
        "r" => tools::check_relation(value, known_relations),
        "s" => tools::check_storage(value, model, unit, &data.snapshot),
        "revision" => parse_int(value).map(|_| ()),
        _ => Ok(()),
    };
    let args = match parse(&options, &request.args, &check) {
        Ok(args) => args,
        Err(Stop::Help) => {
            let stdout = tool.help().into_bytes();
            return ToolStep::Done(ToolAnswer { stdout, ..ToolAnswer::default() });
        }
        Err(Stop::Usage(text)) => return ToolStep::failed(2, &text),
    };
    let format = match args.value("format") {
        Some("json") => Format::Json,
        Some("yaml") => Format::Yaml,
        _ if tool.formats == Formats::YamlJson => Format::Yaml,
        _ => Format::Smart,
    };
    let home: Option<&Path> = model.settings.home.as_deref();
    let output_path = args
        .value("o")
        .filter(|path| !path.is_empty())
        .map(|path| tool_path::resolve_output(&request.dir, path, home));
    // Juju prints the warning only if the arguments parse, and without a newline (measured).
    let warning = match args.value("format") {
        Some(format) if tool.formats == Formats::Ignored && !format.is_empty() => {
            format!("--format flag deprecated for command {}", go_quote(&request.name))
        }
        _ => String::new(),
    };
    let mut context = ToolContext {
        model,
        unit,
        snapshot: &mut data.snapshot,
        writes: &mut data.writes,
        action: data.action.as_mut(),
        request,
        args,
        format,
        is_kill_requested: false,
    };
    match (tool.run)(&mut context) {
        Ok(output) => {
            let content = render(format, &output).into_bytes();
            let answer = ToolAnswer { stderr: warning.into_bytes(), ..ToolAnswer::default() };
            match output_path {
                Some(path) => ToolStep::WriteFile(OutputFile { path, content, answer }),
                None if context.is_kill_requested => ToolStep::KillHook(answer),
                None => ToolStep::Done(ToolAnswer { stdout: content, ..answer }),
            }
        }
        Err(Failure::Usage(text)) => ToolStep::failed(2, &text),
        Err(Failure::Run(text)) => {
            let mut answer = ToolAnswer::failed(1, &text);
            answer.stderr.splice(..0, warning.into_bytes());
            ToolStep::Done(answer)
        }
        Err(Failure::NeedsInput) => ToolStep::NeedsInput,
        Err(Failure::NeedsFile(path)) => ToolStep::NeedsFile(path),
    }
}

//! One hook of the session: started, its tools answered, its end taken and told.

use std::time::{Duration, Instant};

use charmwright_agent::{
    Ending as HookEnding, Finished, HookExit, HookRun, LogLevel, Stream, ToolRequest, ToolStep,
};
use rustix::process::{Pid, Signal};

use super::deferred_events::deferred_events_of;
use super::expectations::action_end;
use super::hook_process::{self, HookEnd, HookOutcome, LOGGED_BYTES_LIMIT, PrintedLines};
use super::retries::{RetryCount, StrippedMessage};
use super::session::Session;
use super::session_event::{human_duration, whole_seconds};
use super::terminal_output::HookLine;
use super::tool_files;
use super::tool_server::{ToolCall, ToolServer};
use crate::error::{Error, system_text};
use crate::processes::ProcessExit;
use crate::wire::Reply;

/// When a running hook's new status is worth a line of its own; the table says it at the end of a
/// shorter one.
const PRINT_STATUS_AFTER: Duration = Duration::from_secs(3);

/// How many lines of standard error are told while a hook runs; a flood of them is for the log
/// alone.
const STDERR_LINES_LIMIT: usize = 200;

/// How many lines that a hook printed go to the unit's log between two writes of its file.
const LOG_BATCH_LINES: usize = 1000;

/// When it is said again that a hook still runs: after these seconds, and then every minute.
const PROGRESS_SECONDS: [u64; 3] = [10, 30, 60];

/// How many lines of an action's result are shown; the log has the rest.
const RESULT_LINES_LIMIT: usize = 20;

/// How many results of an action, or events that a hook has put off, are shown.
const RESULTS_LIMIT: usize = 50;

/// The hook that runs now.
#[derive(Debug)]
pub struct RunningHook {
    run: HookRun,
    began: Instant,
    /// After how many seconds it is said next that it still runs.
    next_progress_line: u64,
    /// How many lines of standard error it has written.
    stderr_lines: usize,
    process: Option<Pid>,
    /// Serves the hook's tools as long as the hook runs.
    _tools: Option<ToolServer>,
    /// The retries that the charm's calls needed.
    retries: RetryCount,
    /// Whether the hook's name was printed for what stands below it.
    is_name_printed: bool,
    /// Whether anything that the charm said was printed.
    has_printed_message: bool,
    status: (String, String),
    deferred: usize,
}

impl RunningHook {
    /// The hook's process, as long as it runs.
    pub fn pid(&self) -> Option<Pid> {
        self.process
    }

    pub fn name(&self) -> String {
        self.run.name()
    }

    /// When it is to be said that it still runs.
    pub fn next_progress_line(&self) -> Instant {
        self.began + Duration::from_secs(self.next_progress_line)
    }

    /// What is to be said of output that is too much even for the log.
    fn unlogged(&self, end: &HookEnd) -> Option<String> {
        (end.unlogged > 0).then(|| {
            format!(
                "it printed {} byte(s) more than the log takes of one hook ({LOGGED_BYTES_LIMIT} of \
                 each stream)",
                end.unlogged
            )
        })
    }

    /// Which hook it is, and for how long it has been running.
    pub fn describe(&self, now: Instant) -> String {
        let action = if self.run.kind().is_action() { "action " } else { "" };
        let running = now.saturating_duration_since(self.began);
        format!("{action}{}, {}", self.run.name(), whole_seconds(running.as_secs()))
    }
}

impl Session {
    /// Starts a hook; its end comes as a happening, also when it cannot be started.
    pub(super) fn start_hook(&mut self, run: HookRun) {
        let report = self.unit.report();
        let mut hook = RunningHook {
            began: Instant::now(),
            next_progress_line: PROGRESS_SECONDS[0],
            stderr_lines: 0,
            process: None,
            _tools: None,
            retries: RetryCount::default(),
            is_name_printed: false,
            has_printed_message: false,
            status: (report.status, report.message),
            deferred: deferred_events_of(&self.unit).len(),
            run,
        };
        match ToolServer::start(&self.agent_socket, self.sender.clone()) {
            Ok(server) => {
                hook._tools = Some(server);
                let program =
                    hook_process::choose_program(&self.charm_dir, &hook.run.dispatch_path());
                let environment = hook.run.environment(&self.paths);
                hook.process =
                    hook_process::start(program, &self.charm_dir, environment, self.sender.clone());
                self.hook = Some(hook);
            }
            Err(error) => {
                self.hook = Some(hook);
                self.hook_ended(HookEnd::without_process(HookOutcome::NotStarted(error.chain())));
            }
        }
    }

    /// Kills the running hook and what it started in its own process group.
    pub(super) fn kill_hook(&mut self) {
        if let Some(pid) = self.hook.as_ref().and_then(RunningHook::pid) {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }

    /// Answers a hook tool by the unit's model, and does for it what only the agent's process can:
    /// opening files, killing the hook.
    pub(super) fn answer_tool(&mut self, call: ToolCall) {
        let mut request = ToolRequest { now: Some(Instant::now()), ..call.request };
        let mut kill = false;
        let answer = loop {
            match self.unit.tool(&request) {
                ToolStep::NeedsInput => break Reply::NeedsInput,
                ToolStep::NeedsFile(path) => {
                    let content = tool_files::read(&path);
                    request.file = Some(content.map_err(|error| system_text(&error)));
                }
                ToolStep::WriteFile(file) => {
                    let outcome = tool_files::write(&file.path, &file.content);
                    break Reply::Done(file.written(outcome.map_err(|error| system_text(&error))));
                }
                ToolStep::KillHook(answer) => {
                    kill = true;
                    break Reply::Done(answer);
                }
                ToolStep::Done(answer) => break Reply::Done(answer),
            }
        };
        // A caller that has gone needs no answer.
        let _ = call.reply.send(answer);
        if kill {
            self.kill_hook();
        }
        self.write_log();
        self.print_status();
    }

    /// Tells of a status that the hook has just set, so that a long retry is seen while it lasts.
    fn print_status(&mut self) {
        let report = self.unit.report();
        let Some(hook) = &mut self.hook else { return };
        let status = (report.status, report.message);
        if hook.status == status || hook.began.elapsed() < PRINT_STATUS_AFTER {
            return;
        }
        hook.status = status.clone();
        self.print_hook_name();
        let colon = if status.1.is_empty() { "" } else { ": " };
        self.terminal_output.print_timed_detail(&format!("status {}{colon}{}", status.0, status.1));
    }

    /// Says now and then that a hook still runs.
    pub(super) fn print_running_hook(&mut self, now: Instant) {
        let Some(hook) = &mut self.hook else { return };
        if now < hook.next_progress_line() {
            return;
        }
        let running = now.saturating_duration_since(hook.began).as_secs();
        let later = PROGRESS_SECONDS.into_iter().find(|seconds| *seconds > running);
        hook.next_progress_line = later.unwrap_or((running / 60 + 1) * 60);
        let text = format!("{} has been running for {}", hook.name(), whole_seconds(running));
        self.terminal_output.print_line(&text);
        hook.is_name_printed = true;
    }

    /// Says which hook the next lines belong to.
    fn print_hook_name(&mut self) {
        let Some(hook) = &mut self.hook else { return };
        if !hook.is_name_printed {
            hook.is_name_printed = true;
            let name = hook.name();
            self.terminal_output.print_line(&format!("{name} ..."));
        }
    }

    /// Takes lines that the hook has just printed: for the unit's log, and those of standard error
    /// for the operator too.
    pub(super) fn hook_printed(&mut self, printed: PrintedLines) {
        // The model keeps so many lines only until they are written.
        for lines in printed.lines.chunks(LOG_BATCH_LINES) {
            for line in lines {
                self.unit.hook_printed(printed.stream, line);
            }
            self.write_log();
        }
        let Some(hook) = &mut self.hook else { return };
        // In an action it is part of the result.
        if printed.stream == Stream::Stdout || hook.run.kind().is_action() {
            return;
        }
        let told = hook.stderr_lines;
        hook.stderr_lines += printed.lines.len();
        let (told, stderr_lines) = (told.min(STDERR_LINES_LIMIT), hook.stderr_lines);
        for line in printed.lines.iter().take(STDERR_LINES_LIMIT - told) {
            let rest = self.count_retries(line);
            self.print_at_once("WARNING", &rest.text);
        }
        if told < STDERR_LINES_LIMIT && stderr_lines > STDERR_LINES_LIMIT {
            self.terminal_output.print_timed_detail(&format!(
                "... no more of its standard error is shown here after {STDERR_LINES_LIMIT} lines; `log` \
                 prints it, from {}",
                self.workspace.unit_log().display()
            ));
        }
    }

    /// Takes a new line of the unit's log.
    pub(super) fn print_log_line(&mut self, level: LogLevel, logger: &str, message: &str) {
        // What a hook prints was told as it came; what the agent says of a hook's end is told with
        // the hook.
        if logger.ends_with(".juju-log") {
            let told = self.count_retries(message);
            if level >= LogLevel::Warning || told.is_of_retries {
                self.print_at_once(level.as_str(), &told.text);
            }
        }
    }

    /// Counts the retries that a message of the hook's log tells of, and gives the rest.
    fn count_retries(&mut self, message: &str) -> StrippedMessage {
        match &mut self.hook {
            Some(hook) => hook.retries.take_from(message),
            None => RetryCount::default().take_from(message),
        }
    }

    fn print_at_once(&mut self, level: &str, text: &str) {
        if let Some(hook) = &mut self.hook {
            hook.has_printed_message = true;
        }
        self.print_hook_name();
        self.terminal_output.print_timed_detail(&format!("{level} {text}"));
    }

    /// Takes the end of the running hook.
    pub(super) fn hook_ended(&mut self, end: HookEnd) {
        let Some(hook) = self.hook.take() else { return };
        let exit = match &end.outcome {
            HookOutcome::Ended(ProcessExit::Code(code)) => HookExit::Code(*code),
            HookOutcome::Ended(ProcessExit::Signal(signal)) => HookExit::Signal(*signal),
            HookOutcome::Missing => HookExit::Missing,
            HookOutcome::NotStarted(why) => HookExit::NotStarted(why.clone()),
        };
        let took = hook.began.elapsed();
        let finished = match self.unit.finish(&exit, Instant::now(), &end.stdout, &end.stderr) {
            Ok(finished) => finished,
            Err(error) => {
                self.failed = true;
                return self
                    .terminal_output
                    .print_line(&Error::new("cannot go on with the unit").because(error).chain());
            }
        };
        self.lasting_error.note_end(&finished);
        self.write_log();
        self.print_hook_end(&hook, &end, took, &finished);
        if let Some(name) = finished.replay_notices()
            && let Some(container) = self.containers.iter().find(|container| container.name == name)
            && let Some(watchers) = &mut self.watchers
        {
            watchers.replay_notices(container);
        }
        self.note_stop_failure(&finished);
        self.reap_orphans();
    }

    fn print_hook_end(
        &mut self,
        hook: &RunningHook,
        end: &HookEnd,
        took: Duration,
        finished: &Finished,
    ) {
        let exit = match &end.outcome {
            HookOutcome::Ended(ProcessExit::Code(code)) => format!("exit {code}"),
            HookOutcome::Ended(ProcessExit::Signal(signal)) => format!("signal {signal}"),
            HookOutcome::Missing => "no hook".to_owned(),
            HookOutcome::NotStarted(_) => "no start".to_owned(),
        };
        let deferred = deferred_events_of(&self.unit);
        let mut remarks = Vec::new();
        remarks.extend(hook.retries.remark());
        remarks.extend(ending_remarks(finished.ending()));
        remarks.extend(hook.unlogged(end));
        if deferred.len() > hook.deferred {
            // Oldest first: the new ones are at the end.
            let new = deferred.iter().skip(hook.deferred);
            let new = new.map(|event| format!("deferred {}: {}", event.event(), event.reason()));
            remarks.extend(first_results(new));
        } else if deferred.len() < hook.deferred {
            remarks.push(format!(
                "{} deferred event(s) done, {} left",
                hook.deferred - deferred.len(),
                deferred.len()
            ));
        }
        // Warnings were told already; a failure that gave none is explained by what it printed
        // last.
        let silent_failure = finished.error().is_some() && !hook.has_printed_message;
        let last_lines = if silent_failure { end.last_lines.as_slice() } else { &[] };
        self.terminal_output.print_hook(&HookLine {
            name: finished.name(),
            attempt: hook.run.attempt(),
            took,
            exit,
            tools: finished.tools(),
            remarks,
            last_lines,
        });
    }
}

/// What became of a run, for the operator, when it is more than "done".
fn ending_remarks(ending: &HookEnding) -> Vec<String> {
    match ending {
        HookEnding::Requeued => {
            vec!["killed: what it asked for is dropped, it runs again".to_owned()]
        }
        HookEnding::Dropped { cause } => vec![format!(
            "failed ({cause}): what it asked for is dropped; Juju shows nothing of a failed \
             Pebble hook"
        )],
        HookEnding::Failed { cause, retry_in, .. } => {
            let next = retry_in.map_or_else(
                || "`resolved` runs it again".to_owned(),
                |wait| format!("runs again in {}", human_duration(wait)),
            );
            vec![format!("failed ({cause}): what it asked for is dropped; {next}")]
        }
        HookEnding::Action(record) => {
            let mut lines = vec![format!("action {}: {}", record.id(), describe_action(record))];
            let log: Vec<String> = record.log().iter().map(|line| format!("log {line}")).collect();
            if !log.is_empty() {
                lines.push(first_lines(&log.join("\n")));
            }
            let results = record.results().iter().map(|(key, value)| match value {
                serde_json::Value::String(text) => {
                    format!("{key}: {}", first_lines(text.trim_end()))
                }
                other => format!("{key}: {other}"),
            });
            lines.extend(first_results(results));
            lines
        }
        // Committed, or the charm has no such hook: nothing to add.
        _ => Vec::new(),
    }
}

/// The first of many things to say, and how many more there are.
fn first_results(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut all = all;
    let mut first: Vec<String> = all.by_ref().take(RESULTS_LIMIT).collect();
    match all.count() {
        0 => {}
        more => first.push(format!("... and {more} more")),
    }
    first
}

/// The first lines of a text, and how many more there are.
fn first_lines(text: &str) -> String {
    match text.match_indices('\n').nth(RESULT_LINES_LIMIT - 1) {
        None => text.to_owned(),
        Some((end, _)) => {
            let (shown, rest) = text.split_at(end);
            format!(
                "{shown}\n... {} more line(s); `log` has what it wrote",
                rest.lines().count() - 1
            )
        }
    }
}

fn describe_action(record: &charmwright_agent::ActionRecord) -> String {
    let status = action_end(record.status());
    if record.message().is_empty() {
        status.to_owned()
    } else {
        format!("{status}: {}", record.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_result_is_shown_by_its_first_lines() {
        let lines = |count: usize| vec!["y"; count].join("\n");
        assert_eq!(first_lines(""), "");
        assert_eq!(first_lines(&lines(RESULT_LINES_LIMIT)), lines(RESULT_LINES_LIMIT));
        let cut = first_lines(&lines(RESULT_LINES_LIMIT + 5));
        assert_eq!(
            cut,
            format!("{}\n... 5 more line(s); `log` has what it wrote", lines(RESULT_LINES_LIMIT))
        );
    }
}

//! The output about a hook: what the session prints and logs while it runs and at its end.

use std::time::{Duration, Instant};

use charmwright_agent::{Finished, LogLevel, Stream};

use super::duration_text::whole_seconds;
use super::hook_remarks::{ending_remarks, first_results};
use super::retries::{RetryCount, StrippedMessage};
use super::running_hook::{PROGRESS_SECONDS, RunningHook};
use super::session::Session;
use super::session_event::{HookEnd, HookOutcome, PrintedLines};
use super::terminal_output::HookLine;
use crate::processes::ProcessExit;

/// The running time after which a new status gets a line of its own. The table at the end of a
/// shorter hook shows it.
const PRINT_STATUS_AFTER: Duration = Duration::from_secs(3);

/// The number of lines of standard error that are printed while a hook runs. The rest is only in
/// the log.
const STDERR_LINES_LIMIT: usize = 200;

/// The number of lines of a hook that go to the unit's log between two writes of its file.
const LOG_BATCH_LINES: usize = 1000;

impl Session {
    /// Writes the new lines of the unit's log to its file, and prints the charm's warnings.
    pub(super) fn write_log(&mut self) {
        let Ok(unit) = self.model.unit(&self.unit) else { return };
        let new = self.unit_log.write_new_lines(unit, &self.terminal_output.elapsed());
        for line in new {
            self.print_log_line(line.level, &line.logger, &line.message);
        }
    }

    /// Prints a status that the hook has just set, so that the user sees a long retry while it
    /// lasts.
    pub(super) fn print_status(&mut self) {
        let report = self.report();
        let Some(hook) = &mut self.hook else { return };
        let status = (report.status, report.message);
        if hook.last_status == status || hook.began.elapsed() < PRINT_STATUS_AFTER {
            return;
        }
        hook.last_status = status.clone();
        self.print_hook_name();
        let colon = if status.1.is_empty() { "" } else { ": " };
        self.terminal_output.print_timed_detail(&format!("status {}{colon}{}", status.0, status.1));
    }

    /// Prints from time to time that a hook is still running.
    pub(super) fn print_running_hook(&mut self, now: Instant) {
        let Some(hook) = &mut self.hook else { return };
        if now < hook.next_progress_line() {
            return;
        }
        let running = now.saturating_duration_since(hook.began).as_secs();
        let later = PROGRESS_SECONDS.into_iter().find(|seconds| *seconds > running);
        hook.next_progress_seconds = later.unwrap_or((running / 60 + 1) * 60);
        let text = format!("{} has been running for {}", hook.name(), whole_seconds(running));
        self.terminal_output.print_line(&text);
        hook.is_name_printed = true;
    }

    /// Prints the name of the hook that the next lines belong to.
    fn print_hook_name(&mut self) {
        let Some(hook) = &mut self.hook else { return };
        if !hook.is_name_printed {
            hook.is_name_printed = true;
            let name = hook.name();
            self.terminal_output.print_line(&format!("{name} ..."));
        }
    }

    /// Handles lines that the hook has just printed: they go to the unit's log, and those of
    /// standard error to the terminal too.
    pub(super) fn hook_printed(&mut self, printed: PrintedLines) {
        // The model holds the lines in memory until they are written, so they are passed on in
        // batches.
        for lines in printed.lines.chunks(LOG_BATCH_LINES) {
            for line in lines {
                let _ = self.model.hook_printed(&self.unit, printed.stream, line);
            }
            self.write_log();
        }
        let Some(hook) = &mut self.hook else { return };
        // The output of an action is part of its result, which is printed at its end.
        if printed.stream == Stream::Stdout || hook.run.kind().is_action() {
            return;
        }
        let already_printed = hook.stderr_lines;
        hook.stderr_lines += printed.lines.len();
        let (already_printed, stderr_lines) =
            (already_printed.min(STDERR_LINES_LIMIT), hook.stderr_lines);
        for line in printed.lines.iter().take(STDERR_LINES_LIMIT - already_printed) {
            let stripped = self.count_retries(line);
            self.print_at_once("WARNING", &stripped.text);
        }
        if already_printed < STDERR_LINES_LIMIT && stderr_lines > STDERR_LINES_LIMIT {
            self.terminal_output.print_timed_detail(&format!(
                "... no more of its standard error is shown here after {STDERR_LINES_LIMIT} lines; \
                 `log` prints it, from {}",
                self.workspace.unit_log().display()
            ));
        }
    }

    /// Prints a new line of the unit's log, if it is a warning or is about retries.
    pub(super) fn print_log_line(&mut self, level: LogLevel, logger: &str, message: &str) {
        // Only `juju-log` is printed here. The output of the hook was printed when it came, and
        // what the agent logs at the hook's end is printed with the hook.
        if logger.ends_with(".juju-log") {
            let stripped = self.count_retries(message);
            if level >= LogLevel::Warning || stripped.is_about_retries {
                self.print_at_once(level.as_str(), &stripped.text);
            }
        }
    }

    /// Counts the retries in the summaries of a message, and returns the message without them.
    fn count_retries(&mut self, message: &str) -> StrippedMessage {
        match &mut self.hook {
            Some(hook) => hook.retries.strip_summaries(message),
            None => RetryCount::default().strip_summaries(message),
        }
    }

    /// Prints a message of the hook while it runs.
    fn print_at_once(&mut self, level: &str, text: &str) {
        if let Some(hook) = &mut self.hook {
            hook.has_printed_message = true;
        }
        self.print_hook_name();
        self.terminal_output.print_timed_detail(&format!("{level} {text}"));
    }

    /// Prints the line of a hook that ended, and the remarks below it.
    pub(super) fn print_hook_end(
        &mut self,
        hook: &RunningHook,
        end: &HookEnd,
        duration: Duration,
        finished: &Finished,
    ) {
        let exit = match &end.outcome {
            HookOutcome::Ended(ProcessExit::Code(code)) => format!("exit {code}"),
            HookOutcome::Ended(ProcessExit::Signal(signal)) => format!("signal {signal}"),
            HookOutcome::Missing => "no hook".to_owned(),
            HookOutcome::NotStarted(_) => "no start".to_owned(),
        };
        let deferred = self.deferred_events();
        let mut remarks = Vec::new();
        remarks.extend(hook.retries.remark());
        remarks.extend(ending_remarks(finished.ending()));
        remarks.extend(hook.unlogged(end));
        if deferred.len() > hook.deferred_before {
            // The events are ordered from the oldest to the newest, so the new ones are at the end.
            let new = deferred.iter().skip(hook.deferred_before);
            let new = new.map(|event| format!("deferred {}: {}", event.event(), event.reason()));
            remarks.extend(first_results(new));
        } else if deferred.len() < hook.deferred_before {
            remarks.push(format!(
                "{} deferred event(s) done, {} left",
                hook.deferred_before - deferred.len(),
                deferred.len()
            ));
        }
        // Warnings were printed already. A failure that printed none is explained by its last lines
        // of output.
        let silent_failure = finished.error().is_some() && !hook.has_printed_message;
        let last_lines = if silent_failure { end.last_lines.as_slice() } else { &[] };
        self.terminal_output.print_hook(&HookLine {
            name: finished.name(),
            attempt: hook.run.attempt(),
            duration,
            exit,
            tools: finished.tools(),
            remarks,
            last_lines,
        });
    }
}

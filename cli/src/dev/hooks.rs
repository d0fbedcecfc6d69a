//! One hook of the session: started, its tools answered, its end taken and told.

use std::time::Instant;

use charmwright_agent::{Ending as HookEnding, Finished, HookExit, HookRun, ToolRequest, ToolStep};
use rustix::process::Signal;

use super::deferred_events::deferred_events_of;
use super::hook_process;
use super::retries::RetryCount;
use super::running_hook::{PROGRESS_SECONDS, RunningHook};
use super::session::Session;
use super::session_event::{HookEnd, HookOutcome, ToolCall};
use super::tool_files;
use super::tool_server::ToolServer;
use crate::error::{Error, system_text};
use crate::processes::ProcessExit;
use crate::wire::Reply;

impl Session {
    /// Starts a hook; its end comes as a happening, also when it cannot be started.
    pub(super) fn start_hook(&mut self, run: HookRun) {
        let report = self.unit.report();
        let mut hook = RunningHook {
            began: Instant::now(),
            next_progress_seconds: PROGRESS_SECONDS[0],
            stderr_lines: 0,
            process: None,
            _tool_server: None,
            retries: RetryCount::default(),
            is_name_printed: false,
            has_printed_message: false,
            last_status: (report.status, report.message),
            deferred_before: deferred_events_of(&self.unit).len(),
            run,
        };
        match ToolServer::start(&self.agent_socket, self.event_sender.clone()) {
            Ok(server) => {
                hook._tool_server = Some(server);
                let program =
                    hook_process::choose_program(&self.charm_dir, &hook.run.dispatch_path());
                let environment = hook.run.environment(&self.paths);
                hook.process = hook_process::start(
                    program,
                    &self.charm_dir,
                    environment,
                    self.event_sender.clone(),
                );
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

    /// Takes the end of the running hook.
    pub(super) fn hook_ended(&mut self, end: HookEnd) {
        let Some(hook) = self.hook.take() else { return };
        let exit = match &end.outcome {
            HookOutcome::Ended(ProcessExit::Code(code)) => HookExit::Code(*code),
            HookOutcome::Ended(ProcessExit::Signal(signal)) => HookExit::Signal(*signal),
            HookOutcome::Missing => HookExit::Missing,
            HookOutcome::NotStarted(why) => HookExit::NotStarted(why.clone()),
        };
        let duration = hook.began.elapsed();
        let finished = match self.unit.finish(&exit, Instant::now(), &end.stdout, &end.stderr) {
            Ok(finished) => finished,
            Err(error) => {
                self.has_failed = true;
                return self
                    .terminal_output
                    .print_line(&Error::new("cannot go on with the unit").because(error).chain());
            }
        };
        self.lasting_error.note_end(&finished);
        self.write_log();
        self.print_hook_end(&hook, &end, duration, &finished);
        if let Some(name) = finished.replay_notices()
            && let Some(container) = self.containers.iter().find(|container| container.name == name)
            && let Some(watchers) = &mut self.watchers
        {
            watchers.replay_notices(container);
        }
        self.note_stop_failure(&finished);
        self.reap_orphans();
    }

    /// Notes a stop or remove that failed: the charm has a mistake that a script should hear of.
    fn note_stop_failure(&mut self, finished: &Finished) {
        if matches!(finished.ending(), HookEnding::Failed { .. })
            && matches!(finished.name(), "stop" | "remove")
        {
            self.has_failed = true;
        }
    }
}

//! One run of a hook: starts it, answers its hook tools, and handles its end.

use std::time::Instant;

use charmwright_agent::{Ending as HookEnding, Finished, HookExit, HookRun, ToolRequest, ToolStep};
use rustix::process::Signal;

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
    /// Starts a hook. Its end comes as an event, also if its program cannot be started.
    pub(super) fn start_hook(&mut self, run: HookRun) {
        self.prepare_storage();
        let report = self.report();
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
            deferred_before: self.deferred_events().len(),
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
                // Without the socket no hook tool works, so the hook counts as one that did not
                // start. No program runs, so its end is handled at once.
                self.hook_ended(HookEnd::without_process(HookOutcome::NotStarted(error.chain())));
            }
        }
    }

    /// Kills the running hook and the processes of its process group.
    pub(super) fn kill_hook(&mut self) {
        if let Some(pid) = self.hook.as_ref().and_then(RunningHook::pid) {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }

    /// Makes the folders and the mounts of the unit's storage, and tells what cannot be made.
    pub(super) fn prepare_storage(&mut self) {
        for note in self.mounts.update(&self.model, &self.unit, &self.workspace) {
            self.terminal_output.print_detail(&note);
        }
    }

    /// Answers a hook tool from the model. Opening files and killing the hook are done
    /// here, since the model does no I/O.
    pub(super) fn answer_tool(&mut self, call: ToolCall) {
        // The time is set here and not by the hook tool, which is another process: the model has
        // one clock.
        let mut request = ToolRequest { now: Some(Instant::now()), ..call.request };
        let mut kill = false;
        let answer = loop {
            match self.model.tool(&self.unit, &request) {
                ToolStep::NeedsInput => break Reply::NeedsInput,
                ToolStep::NeedsFile(path) => {
                    let content = tool_files::read(&path);
                    request.files.insert(path, content.map_err(|error| system_text(&error)));
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
        // A hook tool that was killed meanwhile needs no answer.
        let _ = call.reply.send(answer);
        if kill {
            self.kill_hook();
        }
        self.write_log();
        self.print_status();
    }

    /// Handles the end of the running hook.
    pub(super) fn hook_ended(&mut self, end: HookEnd) {
        let Some(hook) = self.hook.take() else { return };
        let exit = match &end.outcome {
            HookOutcome::Ended(ProcessExit::Code(code)) => HookExit::Code(*code),
            HookOutcome::Ended(ProcessExit::Signal(signal)) => HookExit::Signal(*signal),
            HookOutcome::Missing => HookExit::Missing,
            HookOutcome::NotStarted(why) => HookExit::NotStarted(why.clone()),
        };
        // Before the model handles the end, so that only the hook's own time counts.
        let duration = hook.began.elapsed();
        let now = Instant::now();
        let finished = self.model.finish(&self.unit, &exit, now, &end.stdout, &end.stderr);
        let finished = match finished {
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
        // What the hook has added or detached is there or gone at its end, not at the next hook.
        self.prepare_storage();
        if let Some(name) = finished.replay_notices()
            && let Some(container) = self.containers.iter().find(|container| container.name == name)
            && let Some(watchers) = &mut self.watchers
        {
            watchers.replay_notices(container);
        }
        self.note_stop_failure(&finished);
        // After a hook, since that is when processes are orphaned: the charm's children lose their
        // parent.
        self.reap_orphans();
    }

    /// Makes the command exit with 1 after a failed stop or remove: a script should learn that the
    /// charm has this fault.
    fn note_stop_failure(&mut self, finished: &Finished) {
        if matches!(finished.ending(), HookEnding::Failed { .. })
            && matches!(finished.name(), "stop" | "remove")
        {
            self.has_failed = true;
        }
    }
}

//! The loop of the session: it does everything that is due, waits for the next event, and handles
//! it.

use std::process::ExitCode;
use std::time::Instant;

use charmwright_agent::Next;
use tokio::sync::mpsc;

use super::phase::Phase;
use super::running_hook::RunningHook;
use super::session::Session;
use super::session_event::{SessionEvent, StopRequest};

impl Session {
    /// Runs until the unit is gone and every process that was started has ended. A request from
    /// `stops` ends it sooner.
    pub async fn run(mut self, mut stops: mpsc::UnboundedReceiver<StopRequest>) -> ExitCode {
        // Requests to stop go through the same queue as all events. Before the session existed,
        // `setup` read them itself.
        let sender = self.event_sender.clone();
        tokio::spawn(async move {
            while let Some(stop) = stops.recv().await {
                if sender.send(SessionEvent::StopRequested(stop)).is_err() {
                    return;
                }
            }
        });
        loop {
            let wake = self.advance();
            if self.phase == Phase::Over {
                break;
            }
            let Some(event) = self.next_event(wake).await else {
                continue;
            };
            self.handle_event(event);
        }
        self.tear_down().await;
        if self.has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Does everything that is due now, and returns the time at which the next thing is due.
    fn advance(&mut self) -> Option<Instant> {
        // The loop ends when neither the unit nor the script has anything to do: the end of a hook
        // may let a command go on, and a command may queue a hook.
        let mut due = None;
        loop {
            let now = Instant::now();
            self.write_log();
            // Nobody reads the output any more, as after `charmwright dev | head`.
            if self.terminal_output.is_broken() {
                self.quit();
            }
            self.enforce_shutdown(now);
            if self.phase == Phase::Over {
                return None;
            }
            self.print_running_hook(now);
            // The new charm may succeed where the running one fails, so its failures do not count
            // meanwhile.
            if self.refresh.is_preparing() {
                self.lasting_error.clear();
            }
            if self.hook.is_none() {
                // Between two hooks only: a running hook must not lose the charm's files.
                self.continue_refresh();
                match self.model.next(&self.unit, now) {
                    Ok(Next::Run(run)) => {
                        self.start_hook(run);
                        continue;
                    }
                    Ok(Next::At(when)) => due = Some(when),
                    // A container has not ended yet. Its end is an event, which wakes the loop.
                    Ok(Next::PodEnded) => {
                        if self.start_pod() {
                            continue;
                        }
                        due = None;
                    }
                    Ok(Next::Gone) | Err(_) => {
                        self.phase = Phase::Over;
                        return None;
                    }
                    // The unit is idle, or the model has an answer that this version does not know.
                    // The next event wakes the loop.
                    _ => due = None,
                }
                self.print_table_if_changed();
            }
            if !self.step_script(now) {
                break;
            }
        }
        let hook = self.hook.as_ref().map(RunningHook::next_progress_line);
        [due, hook, self.script.deadline(), self.phase.deadline()].into_iter().flatten().min()
    }

    /// Waits for the next event, but not longer than until `wake`.
    async fn next_event(&mut self, wake: Option<Instant>) -> Option<SessionEvent> {
        match wake {
            // The session holds a sender itself, so the queue never closes.
            None => self.events.recv().await,
            Some(wake) => {
                tokio::time::timeout_at(wake.into(), self.events.recv()).await.ok().flatten()
            }
        }
    }

    /// Handles one event.
    fn handle_event(&mut self, event: SessionEvent) {
        match event {
            SessionEvent::ToolCalled(call) => self.answer_tool(call),
            SessionEvent::HookPrinted(lines) => self.hook_printed(lines),
            SessionEvent::HookEnded(end) => self.hook_ended(end),
            SessionEvent::PebblePolled { container, start, info } => {
                self.pebble_polled(&container, start, info);
            }
            SessionEvent::Notice { container, notice } => {
                self.pebble_noticed(&container, notice);
            }
            SessionEvent::PebbleEnded { container, start, exit } => {
                self.pebble_ended(&container, start, exit);
            }
            SessionEvent::InputLine(line) => self.script.push(line),
            SessionEvent::InputEnded => self.script.end_of_input(),
            SessionEvent::RequestAnswered(outcome) => self.request_answered(outcome),
            SessionEvent::CharmPrepared(outcome) => self.charm_prepared(outcome),
            SessionEvent::StopRequested(StopRequest::Graceful) => self.quit(),
            SessionEvent::StopRequested(StopRequest::Immediate) => self.stop_at_once(),
        }
    }
}

//! The loop that moves the unit: it does what can be done, waits for the next event, and takes it.

use std::process::ExitCode;
use std::time::Instant;

use charmwright_agent::Next;
use tokio::sync::mpsc;

use super::phase::Phase;
use super::running_hook::RunningHook;
use super::session::Session;
use super::session_event::{SessionEvent, StopRequest};

impl Session {
    /// Lives until the unit is gone and everything that was started has ended; `stops` asks it to
    /// end sooner.
    pub async fn run(mut self, mut stops: mpsc::UnboundedReceiver<StopRequest>) -> ExitCode {
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

    /// Does everything that can be done now, and says until when nothing is due.
    fn advance(&mut self) -> Option<Instant> {
        let mut due = None;
        loop {
            let now = Instant::now();
            self.write_log();
            if self.terminal_output.is_broken() {
                self.quit();
            }
            self.enforce_shutdown(now);
            if self.phase == Phase::Over {
                return None;
            }
            self.print_running_hook(now);
            // Another charm may do what this one cannot.
            if self.refresh.is_preparing() {
                self.lasting_error.clear();
            }
            if self.hook.is_none() {
                self.continue_refresh();
                match self.unit.next(now) {
                    Next::Run(run) => {
                        self.start_hook(run);
                        continue;
                    }
                    Next::At(when) => due = Some(when),
                    // A container that still ends wakes us.
                    Next::PodEnded => {
                        if self.start_pod() {
                            continue;
                        }
                        due = None;
                    }
                    Next::Gone => {
                        self.phase = Phase::Over;
                        return None;
                    }
                    // Idle, or a hook that we do not know of: what comes next wakes us.
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

    async fn next_event(&mut self, wake: Option<Instant>) -> Option<SessionEvent> {
        match wake {
            // The session holds a sender itself, so the queue never closes.
            None => self.events.recv().await,
            Some(wake) => {
                tokio::time::timeout_at(wake.into(), self.events.recv()).await.ok().flatten()
            }
        }
    }

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

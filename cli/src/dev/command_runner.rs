//! Runs the commands of the script, one after another. Each returns at once, but a command that
//! waits delays the ones behind it.

use std::time::Instant;

use charmwright_agent::{ActionId, Resolve, UnitName};

use super::command_input::InputSource;
use super::commands::{self, Command, DEFAULT_WAIT, PebbleVerb, StorageCommand};
use super::expectations::{UnitView, Verdict, Wait, describe_unit};
use super::fetch::fetch;
use super::phase::Phase;
use super::relations;
use super::script::deadline_after;
use super::secrets;
use super::session::Session;
use super::session_event::SessionEvent;
use super::spelling::nearest;
use super::storage;
use super::unit_config::{config_error, set_config};
use crate::bounded_log;
use crate::error::{Error, Result};

impl Session {
    /// Runs the next line, unless an earlier command still waits. Returns `true` if it did
    /// something, so that the loop looks at the unit again.
    pub(super) fn step_script(&mut self, now: Instant) -> bool {
        if self.phase != Phase::Alive {
            return false;
        }
        if let Some(wait) = &self.script.wait {
            return match wait.check(now, &self.unit_view(now, wait.action())) {
                Verdict::NotYet => false,
                Verdict::Met => {
                    self.script.wait = None;
                    true
                }
                Verdict::Failed(why) => {
                    self.fail_command(&why);
                    true
                }
            };
        }
        if let Some(line) = self.script.lines.pop_front() {
            self.run_line(&line.text);
            return true;
        }
        if !self.script.has_input_ended {
            return false;
        }
        if self.script.is_until_idle {
            let view = self.unit_view(now, None);
            let message = describe_unit(&view);
            self.has_failed |= view.unit.workload != "active";
            self.terminal_output.print_line(&message);
        }
        self.quit();
        true
    }

    /// Returns the state of the unit that a waiting command checks.
    fn unit_view(&self, now: Instant, action: Option<&ActionId>) -> UnitView<'_> {
        UnitView {
            is_settled: self.is_settled(now),
            is_building: self.refresh.is_preparing(),
            unit: self.snapshot(),
            lasting_error: self.lasting_error(),
            action: action.and_then(|id| self.model.unit(&self.unit).ok()?.action(id)),
        }
    }

    /// Reads a line and runs its command.
    fn run_line(&mut self, line: &str) {
        // `may_fail` belongs to one line: a `try` that waited has ended before the next line
        // begins.
        self.script.may_fail = false;
        // A terminal has shown the line already, as the user typed it.
        if self.script.source == InputSource::Script && !matches!(commands::parse(line), Ok(None)) {
            self.terminal_output.print_line(&format!("> {}", commands::redacted(line)));
        }
        let mut line = line.to_owned();
        let command = loop {
            match commands::parse(&line) {
                Ok(None) => return,
                Ok(Some(Command::Try(rest))) => {
                    self.script.may_fail = true;
                    line = rest;
                }
                Ok(Some(command)) => break command,
                Err(why) => return self.fail_command(&why),
            }
        };
        if command.may_affect_hooks() {
            // The command may help a hook that has failed so far, so its failures count anew.
            self.lasting_error.clear();
        }
        if let Err(error) = self.run_command(command) {
            self.fail_command(&error.chain());
        }
    }

    /// Runs one command. It either finishes at once or sets what the script waits for.
    fn run_command(&mut self, command: Command) -> Result<()> {
        let to_error = |error: charmwright_agent::Error| Error::new(error.to_string());
        match command {
            Command::Config { key, value } => {
                let value = self.secret_names.resolve(&key, value)?;
                set_config(&mut self.model, self.unit.application().as_str(), &key, &value)?;
            }
            Command::ConfigReset { key } => {
                let application = self.unit.application().as_str();
                self.model
                    .reset_config(application, &key)
                    .map_err(|error| config_error(&self.model, application, &key, &error))?;
            }
            Command::Run { action, params } => {
                let resolve = |(key, value): (String, String)| {
                    let value = self.secret_names.resolve(&key, value)?;
                    Ok((key, value))
                };
                let params: Vec<_> = params.into_iter().map(resolve).collect::<Result<_>>()?;
                let id = self
                    .model
                    .run_action(&self.unit, &action, &params)
                    .map_err(|error| self.action_error(&action, &error))?;
                self.terminal_output.print_detail(&format!("action {id} is queued"));
                self.script.last_action = Some(id);
            }
            Command::Pebble { verb, container } => {
                self.pebble_command(verb, container.as_deref())?;
            }
            Command::Leader(leader) => match leader {
                true => self.model.set_leader(&self.unit).map_err(to_error)?,
                false => self.lose_leadership().map_err(to_error)?,
            },
            Command::Trust(trust) => {
                let application = self.unit.application().as_str();
                self.model.trust(application, trust).map_err(to_error)?;
            }
            Command::Upgrade => {
                self.upgrade()?;
                self.script.wait = Some(Wait::Build);
            }
            Command::Resolved { retry } => {
                let how = if retry { Resolve::Retry } else { Resolve::NoRetry };
                self.model.resolved(&self.unit, how).map_err(to_error)?;
            }
            Command::UpdateStatus => self.model.update_status(&self.unit).map_err(to_error)?,
            Command::Status => self.print_table(),
            Command::Log => {
                let log = bounded_log::read_all(&self.workspace.unit_log());
                self.terminal_output.print_text(&String::from_utf8_lossy(&log));
            }
            Command::Sleep(time) => self.script.wait = Some(Wait::Until(deadline_after(time))),
            Command::WaitFor { status, limit } => {
                self.script.wait =
                    Some(Wait::ForStatus { status, limit, deadline: deadline_after(limit) });
            }
            Command::Expect { status, message_part } => {
                self.script.wait = Some(Wait::Expect {
                    status,
                    message_part,
                    limit: DEFAULT_WAIT,
                    deadline: deadline_after(DEFAULT_WAIT),
                });
            }
            Command::ExpectAction { outcome, message_part } => {
                let action = self.script.last_action.clone().ok_or_else(|| {
                    Error::new(format!("cannot confirm {outcome}: no action was run"))
                        .advice("`run ACTION` comes first")
                })?;
                self.script.wait = Some(Wait::ExpectAction {
                    action,
                    outcome,
                    message_part,
                    limit: DEFAULT_WAIT,
                    deadline: deadline_after(DEFAULT_WAIT),
                });
            }
            Command::Notify { key, container } => {
                self.notify(key, container.as_deref())?;
                self.script.wait = Some(Wait::Answer);
            }
            Command::Kill { service, container } => {
                self.kill_service(service, container.as_deref())?;
                self.script.wait = Some(Wait::Answer);
            }
            Command::Fetch(url) => {
                self.script.wait = Some(Wait::Answer);
                let sender = self.event_sender.clone();
                tokio::spawn(async move {
                    let _ = sender.send(SessionEvent::RequestAnswered(fetch(&url).await));
                });
            }
            // `run_line` has replaced this command by the line behind `try`.
            Command::Try(_) => {}
            Command::Relation(command) => {
                let said =
                    relations::run(&mut self.model, &self.unit, &self.secret_names, command)?;
                self.terminal_output.print_detail(&said);
            }
            Command::Secret(command) => {
                let names = &mut self.secret_names;
                let said = secrets::run(&mut self.model, &self.unit, names, command)?;
                self.terminal_output.print_detail(&said);
            }
            Command::Storage(command) => self.storage_command(command)?,
            Command::Help => self.terminal_output.print_text(&commands::help()),
            Command::Quit => self.quit(),
        }
        Ok(())
    }

    fn storage_command(&mut self, command: StorageCommand) -> Result<()> {
        let said = match command {
            StorageCommand::Attach(what) => storage::attach(&mut self.model, &self.unit, &what)?,
            StorageCommand::Detach(what) => storage::detach(&mut self.model, &self.unit, &what)?,
            StorageCommand::AttachResource { name, file } => self.attach_resource(&name, &file)?,
        };
        self.terminal_output.print_detail(&said);
        Ok(())
    }

    /// Takes the leadership from the unit. A peer has it then, if there is one: in Juju some unit
    /// leads as a rule.
    fn lose_leadership(&mut self) -> Result<(), charmwright_agent::Error> {
        let application = self.unit.application();
        let is_peer = |unit: &UnitName| unit.application() == application && *unit != self.unit;
        match self.model.units().iter().find(|unit| is_peer(unit)) {
            Some(peer) => {
                self.model.set_leader(peer)?;
                self.terminal_output.print_detail(&format!("{peer} leads"));
                Ok(())
            }
            None => self.model.unset_leader(application.as_str()),
        }
    }

    /// Adds the name of the action that was probably meant.
    fn action_error(&self, action: &str, error: &charmwright_agent::Error) -> Error {
        let message = Error::new(error.to_string());
        let Ok(unit) = self.model.unit(&self.unit) else { return message };
        let actions = unit.meta().actions();
        match nearest(action, actions.keys().map(String::as_str))
            .filter(|_| !actions.contains_key(action))
        {
            Some(meant) => message.advice(format!("did you mean `{meant}`?")),
            None => message,
        }
    }

    /// Starts, stops or kills the Pebble of the named container, or of every container.
    fn pebble_command(&mut self, verb: PebbleVerb, name: Option<&str>) -> Result<()> {
        let known: Vec<String> =
            self.containers.iter().map(|container| container.name.clone()).collect();
        let Some(pebble) = self.pebble.clone() else {
            return Err(Error::new("cannot do anything with Pebble: the charm has no container"));
        };
        if let Some(name) = name.filter(|name| !known.iter().any(|known| known == name)) {
            return Err(Error::new(format!(
                "cannot find container {name:?}: the charm has {}",
                known.join(", ")
            )));
        }
        for container in self
            .containers
            .iter_mut()
            .filter(|container| name.is_none_or(|name| container.name == name))
        {
            match verb {
                PebbleVerb::Start => container.start(&pebble)?,
                PebbleVerb::Stop => container.stop(),
                PebbleVerb::Kill => container.kill(),
            }
            // The last poll says nothing about the container any more, so the unit is not settled
            // before the next one. The error of a container that a refresh has removed is ignored.
            let _ = self.model.pebble_poll_due(&self.unit, &container.name);
        }
        Ok(())
    }

    /// Handles the answer of Pebble or of a server to a command.
    pub(super) fn request_answered(&mut self, outcome: Result<String>) {
        let waits = self.script.wait.take_if(|wait| matches!(wait, Wait::Answer));
        // The script was cleared while the request was under way, because the session is to stop.
        if waits.is_none() {
            return;
        }
        match outcome {
            Ok(message) => self.terminal_output.print_detail(&message),
            Err(error) => self.fail_command(&error.chain()),
        }
    }
}
